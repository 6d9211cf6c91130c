"""Phone cells as nobody should write them, and the laws: a valid number or a refusal, and never another number."""

from time import process_time
from typing import NamedTuple

import phonenumbers  # noqa: TID251 - what comes out is held against the library itself
from hypothesis import strategies as st
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType  # noqa: TID251

from audiences_mcp.contacts.phones import BareDigits, Phone, read_number, read_numbers
from audiences_mcp.contacts.reasons import Reason, Refusal
from tests.fuzzing.files import assert_plain, tokens

SECONDS = 5.0
"""Of the processor, that one cell may take; seen are some thousandths."""

_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
_KINDS = sorted(set(PhoneNumberType.values()) - {PhoneNumberType.UNKNOWN})
_FORMATS = [
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
]


class Written(NamedTuple):
    """A cell and how it is to be read."""

    cell: str
    region: str | None
    bare_digits: BareDigits | None


def _numbers() -> list[PhoneNumber]:
    found = [phonenumbers.example_number_for_type(region, kind) for region in _REGIONS for kind in _KINDS]
    return [number for number in found if number]


def _changed(text: str, changes: list[tuple[int, int, int, str]]) -> str:
    for place, deleted, times, token in changes:
        at = place % (len(text) + 1)
        text = text[:at] + token * times + text[at + deleted :]
    return text


_spelled = st.builds(phonenumbers.format_number, st.sampled_from(_numbers()), st.sampled_from(_FORMATS))
_token = st.sampled_from(tokens("phone")) | st.text(max_size=2) | st.text("0123456789", max_size=3)
_times = st.just(1) | st.just(1) | st.just(1) | st.sampled_from([2, 5, 40, 499, 20_000])
_changes = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3), _times, _token), max_size=5)
cells = st.builds(_changed, _spelled | st.text("0123456789+-() .", max_size=20), _changes) | st.text(max_size=40)
regions = (
    st.none() | st.sampled_from(_REGIONS) | st.sampled_from(["US", "GB", "IN", "DE", "BR", "MX", "XX", "001", "", "us"])
)
bare_digits: st.SearchStrategy[BareDigits | None] = st.sampled_from([None, "international", "national"])

single_cells = st.builds(Written, cells, regions, bare_digits)
lists = st.tuples(st.lists(st.tuples(cells, regions), max_size=15), bare_digits, st.booleans())
List = tuple[list[tuple[str, str | None]], BareDigits | None, bool]


def law_of_single_cells(written: Written) -> None:
    """A cell is a number that may be dialled and reads back to itself, or it is refused with a reason and a mend."""
    start = process_time()
    reading = read_number(*written)

    assert process_time() - start < SECONDS
    assert_sound(written.cell, reading)
    if isinstance(reading, Phone):
        for region in (None, written.region, reading.region, "US", "DE"):
            for bare in (None, written.bare_digits):
                again = read_number(reading.number, region, bare)
                assert isinstance(again, Phone), again
                assert (again.number, again.region, again.line_type) == (
                    reading.number,
                    reading.region,
                    reading.line_type,
                )


def law_of_lists(given: List) -> None:
    """A list gives one answer a cell; what is good in the list is good by itself, or was settled by the others."""
    rows, bare, take_first = given
    cells = [cell for cell, _ in rows]

    read = read_numbers(cells, [region for _, region in rows], bare, take_first=take_first)

    assert len(read) == len(rows)
    for cell, reading in zip(cells, read, strict=True):
        assert_sound("" if take_first else cell, reading)


def assert_sound(cell: str, reading: Phone | Refusal) -> None:
    if isinstance(reading, Refusal):
        assert reading.reason in set(Reason)
        assert_plain(reading.hint)
        return
    number = phonenumbers.parse(reading.number)
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.format_number(number, PhoneNumberFormat.E164) == reading.number
    if cell.lstrip().startswith("+"):
        digits = "".join(str(int(char)) for char in cell if char.isdecimal())
        assert digits.lstrip("0").startswith(str(number.country_code)), (cell, reading)
