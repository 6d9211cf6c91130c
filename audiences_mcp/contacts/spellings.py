"""In which spellings a number may be stored, and which stored text surely is it: for searching and for removing.

Atoms compares text. `known` finds whoever might be meant, since it is worse to call somebody than to leave somebody out;
here it is the other way round: whoever is removed by mistake is lost, so only what Atoms dials as the number is the number.
"""

from collections.abc import Iterable, Sequence

from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.phones import Phone, read_number, read_numbers
from audiences_mcp.contacts.plans import country_code_of, formatted
from audiences_mcp.contacts.reasons import Reason, Refusal
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, Written, parse_cell
from audiences_mcp.models import E164


def spellings(number: E164) -> list[str]:
    """Return texts of which a stored spelling of a number holds one: its digits at home, in one piece and in groups."""
    digits = number.removeprefix("+")
    code = country_code_of(digits)
    abroad, at_home = formatted(number)
    grouped = abroad.removeprefix(f"+{code}").strip(" -")  # without the trunk prefix
    texts = (digits.removeprefix(code), grouped, grouped.replace("-", " "), grouped.replace(" ", "-"), at_home)
    # A search for a text finds the longer ones that hold it.
    return [text for text in texts if not any(other in text for other in texts if other != text)]


def _ten_in_groups(digits: str) -> list[str]:
    """Return ten digits as they are grouped in India and North America, where most people leave out the country code."""
    if len(digits) != 10:
        return []
    area, middle, end = digits[:3], digits[3:6], digits[6:]
    halves = digits[:5], digits[5:]
    return [
        " ".join(halves),
        "-".join(halves),
        f"{area} {middle} {end}",
        f"{area}-{middle}-{end}",
        f"({area}) {middle}-{end}",
    ]


def search_texts(text: str, region: str | None) -> tuple[list[str], E164 | None]:
    """Return the texts to search for, and the number that they are spellings of; None where the text is no whole number.

    Args:
        text: What somebody looks for: a name, a number, a part of either.
        region: Region code of numbers without a country code, or None.
    """
    reading = read_number(text, region)
    if isinstance(reading, Phone):
        return list(dict.fromkeys([text, *spellings(reading.number)])), reading.number
    written = _number(text)
    if written and len(written.digits) >= MIN_NUMBER_DIGITS:
        # Without its country code it is a part of the number as stored; a leading 0 hardly is.
        digits = written.digits.lstrip("0")
        return list(dict.fromkeys([text, digits, *_ten_in_groups(digits)])), None
    return [text], None


class StoredNumbers:
    """Stored numbers, told apart by what is sure: `dialled` as a number, or only like it.

    Args:
        stored: The numbers as stored, each with the id of its member.
    """

    def __init__(self, stored: Sequence[tuple[str, str]]) -> None:
        self._ids: dict[str, list[str]] = {}
        unsure: list[tuple[str, str]] = []
        readings = read_numbers([text for text, _ in stored], bare_digits="international")
        for (text, member_id), reading in zip(stored, readings, strict=True):
            number = _dialled(text, reading)
            if number:
                self._ids.setdefault(number, []).append(member_id)
            if not text.startswith("+") or isinstance(reading, Refusal):
                unsure.append((text, member_id))
        self._unsure = KnownNumbers(unsure)

    def dialled(self, number: E164) -> list[str]:
        """Return the ids of the members under whose stored text Atoms dials the number."""
        return self._ids.get(number, [])

    def alike(self, numbers: Iterable[E164]) -> list[str]:
        """Return the ids of members who may be one of the numbers, but whose stored text does not surely say so."""
        found = ((number, self._unsure.find(number)) for number in numbers)
        return list(dict.fromkeys(each for number, each in found if each and each not in self.dialled(number)))


def _dialled(text: str, reading: Phone | Refusal) -> str | None:
    """Return the number that Atoms dials for a stored text; it demands the country code, so digits begin with it."""
    if isinstance(reading, Phone):
        return reading.number
    if reading.reason is not Reason.AMBIGUOUS_COUNTRY or not (written := _number(text)) or not written.plus:
        return None
    return f"+{written.digits}"  # the list speaks against its plus, but Atoms dials each number by itself


def _number(text: str) -> Written | None:
    written = parse_cell(text)
    return written if isinstance(written, Written) else None
