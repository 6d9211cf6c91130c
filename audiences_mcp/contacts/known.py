"""Numbers that are known already (members, do-not-call lists), in whatever spelling they were stored."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from audiences_mcp.contacts.phones import Phone, read_number, read_numbers, renewed
from audiences_mcp.contacts.plans import read_international
from audiences_mcp.contacts.reasons import Reason, Refusal
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, Written, parse_cell, split_cell, without_extension
from audiences_mcp.models import E164

# Between a number and what was noted beside it, or the end of another number.
_PIECES = re.compile(r"\s{0,9}[/(\[;,|]\s{0,9}|\s{1,9}(?=[^\W\d])|(?<=\d{7})\s{0,9}[-–]\s{0,9}(?=\+?\d{7})")
# `98765-43214/15`: the second number has other last digits than the first. Seven would be a number of their own.
_LAST_DIGITS = re.compile(r"(\+?\d(?:[\s().-]{0,2}\d){6,})((?:\s?/\s?\d{1,5}(?!\d))+)")
_MAX_CELL = 500
_FRACTION = re.compile(r"(?<=\d)\.0+$")  # what spreadsheets add to a whole number
_LETTERS_FOR_DIGITS = re.compile(r"(?<=\d)[OoIl](?=[\d\s.-]|$)|[OoIl](?=\d)")
# The part of a number after a trunk prefix of any country, an old prefix or a doubled country code; two people hardly
# share this much.
_LONGEST_ENDING = 8
_DIALLED_IN_ARGENTINA = 12  # digits: area code, 15 and the subscriber's number, of ten together


class KnownNumbers:
    """A set of stored numbers that finds a number in any spelling.

    Atoms compares numbers as text, so `919876543210` and `+91 98765 43210` are two members there and one person
    here. Atoms demands the country code, so digits without a plus are read internationally. They match by their last
    digits too, at least 7 of them, since their country code may be missing all the same: it is worse to call somebody
    who is known than to leave somebody out.

    Args:
        stored: The numbers as stored, each with what it is known as (a member id, the name of a list).
    """

    def __init__(self, stored: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = list(stored.items() if isinstance(stored, Mapping) else stored)
        self._exact: dict[str, str] = {}
        self._endings: dict[str, str] = {}
        self._whole: dict[str, str] = {}
        self.unreadable = self.lost = 0
        readings = read_numbers([text for text, _ in pairs], bare_digits="international")
        for (text, known_as), reading in zip(pairs, readings, strict=True):
            if not isinstance(reading, Phone):
                if any(map(str.isdigit, text)):  # else, as in a blank cell, nobody is meant
                    self.unreadable += 1
                    self.lost += not self._keep_unreadable(text, known_as)
                continue
            self._exact.setdefault(reading.number, known_as)
            if not text.startswith("+"):
                self._keep_ending(_digits(text), known_as, whole=True)
                self._keep_dialled_in_argentina(_digits(text), known_as)
        self._ending_lengths = sorted({len(ending) for ending in self._endings})

    def _keep_unreadable(self, text: str, known_as: str) -> bool:
        """Keep every number of an entry that holds an extension, several numbers or an old form, and its last digits.

        Returns:
            Whether anything was kept: of `9.87654E+11` nothing can be.
        """
        kept = False
        for number in pieces_of(text):
            reading = read_number(number, bare_digits="international")
            if isinstance(reading, Refusal) and reading.reason is Reason.EXCEL_DAMAGED:
                continue
            digits = _digits(number)
            today = renewed(digits)
            meant = reading.number if isinstance(reading, Phone) else today[0] if today else None
            if meant:
                self._exact.setdefault(meant, known_as)
            self._keep_dialled_in_argentina(digits, known_as)
            if not isinstance(reading, Phone) or not number.startswith("+"):
                kept |= self._keep_ending(digits[-_LONGEST_ENDING:], known_as, whole=len(digits) <= _LONGEST_ENDING)
            kept |= meant is not None
        return kept

    def _keep_ending(self, digits: str, known_as: str, *, whole: bool) -> bool:
        if len(digits) >= MIN_NUMBER_DIGITS:
            self._endings.setdefault(digits, known_as)
            if whole:
                self._whole.setdefault(f"+{digits}", known_as)
        return len(digits) >= MIN_NUMBER_DIGITS

    def _keep_dialled_in_argentina(self, digits: str, known_as: str) -> None:
        """Keep a mobile as dialled there: 15 stands after its area code, so that its last digits are not those abroad."""
        dialled = digits[-_DIALLED_IN_ARGENTINA:]
        if digits.removesuffix(dialled) not in {"", "54", "549"}:
            return
        for area in (2, 3, 4):
            if dialled[area : area + 2] == "15":
                meant = read_international(f"549{dialled[:area]}{dialled[area + 2 :]}")
                if meant.valid:
                    self._exact.setdefault(E164(meant.e164), known_as)

    def __len__(self) -> int:
        return len(self._exact) + self.unreadable

    def find(self, number: E164) -> str | None:
        """Return what the number is known as, or None when it is not here."""
        known_as = self._exact.get(number, self._whole.get(number))
        if known_as is not None or not self._endings:
            return known_as
        endings = (number[-length:] for length in self._ending_lengths if length < len(number) - 1)
        return next((self._endings[ending] for ending in endings if ending in self._endings), None)

    def has_any(self, numbers: Iterable[E164]) -> bool:
        """Tell whether one of a person's numbers is here."""
        return any(self.find(number) is not None for number in numbers)


def pieces_of(text: str) -> set[str]:
    """Return what may be a number in a cell that is none as a whole: beside a note, an extension or another number."""
    short = text[:_MAX_CELL]
    parts = {piece for whole in split_cell(short) for piece in (whole, *_PIECES.split(whole))}
    parts.update(_with_other_last_digits(short))
    return {without_extension(_FRACTION.sub("", part.strip())) for part in parts}


def _with_other_last_digits(text: str) -> Iterator[str]:
    for first, endings in _LAST_DIGITS.findall(text) if "/" in text else ():
        number = re.sub(r"[^\d+]", "", first)
        for ending in re.findall(r"\d+", endings):
            yield number[: -len(ending)] + ending


def _digits(text: str) -> str:
    """Return the digits of a number as it is read; else all, with letters that were typed for digits read as these."""
    written = parse_cell(text)
    if isinstance(written, Written):  # 2015550143.0 ends before the point
        return written.digits.lstrip("0")
    typed = _LETTERS_FOR_DIGITS.sub(lambda letter: "0" if letter[0] in "Oo" else "1", text)
    digits = (unicodedata.decimal(char, None) for char in typed)
    return "".join(str(digit) for digit in digits if digit is not None).lstrip("0")
