"""Numbers that are known already (members, do-not-call lists), in whatever spelling they were stored."""

from collections.abc import Iterable, Mapping

from audiences_mcp.contacts.phones import Phone, read_number, read_numbers, renewed
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, split_cell, without_extension
from audiences_mcp.models import E164

# The part of a number after an old prefix or a doubled country code; two people hardly share this much.
_LONGEST_ENDING = 10


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
        self.unreadable = 0
        readings = read_numbers([text for text, _ in pairs], bare_digits="international")
        for (text, known_as), reading in zip(pairs, readings, strict=True):
            if not isinstance(reading, Phone):
                self.unreadable += 1
                self._keep_unreadable(text, known_as)
                continue
            self._exact.setdefault(reading.number, known_as)
            if not text.startswith("+"):
                self._keep_ending(_digits(text), known_as)
        self._ending_lengths = sorted({len(ending) for ending in self._endings})

    def _keep_unreadable(self, text: str, known_as: str) -> None:
        """Keep every number of an entry that holds an extension, several numbers or an old form, and its last digits."""
        for part in split_cell(text):
            number = without_extension(part)
            reading = read_number(number, bare_digits="international")
            today = renewed(_digits(number))
            meant = reading.number if isinstance(reading, Phone) else today[0] if today else None
            if meant:
                self._exact.setdefault(meant, known_as)
            if not isinstance(reading, Phone) or not number.startswith("+"):
                self._keep_ending(_digits(number)[-_LONGEST_ENDING:], known_as)

    def _keep_ending(self, digits: str, known_as: str) -> None:
        if len(digits) >= MIN_NUMBER_DIGITS:
            self._endings.setdefault(digits, known_as)

    def __len__(self) -> int:
        return len(self._exact) + self.unreadable

    def find(self, number: E164) -> str | None:
        """Return what the number is known as, or None when it is not here."""
        known_as = self._exact.get(number)
        if known_as is not None or not self._endings:
            return known_as
        endings = (number[-length:] for length in self._ending_lengths if length < len(number))
        return next((self._endings[ending] for ending in endings if ending in self._endings), None)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isdigit()).lstrip("0")
