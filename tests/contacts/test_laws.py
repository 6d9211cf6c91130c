"""Laws that hold for every number: nothing invalid comes out, nothing becomes another number, all rows are counted."""
# ruff: noqa: FBT001
# Booleans are drawn as any other option.

import random
from collections import Counter
from collections.abc import Iterator

import phonenumbers  # noqa: TID251 - what comes out is held against the library itself
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType  # noqa: TID251
from phonenumbers.timezone import (  # noqa: TID251
    UNKNOWN_TIMEZONE,
    time_zones_for_geographical_number,
    time_zones_for_number,
)

from audiences_mcp.contacts import report
from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.phones import BareDigits, Phone, read_number, read_numbers
from audiences_mcp.contacts.reasons import Reason, Refusal, Status
from audiences_mcp.contacts.regions import time_zones
from audiences_mcp.contacts.sources import table_from_csv
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.errors import InvalidInput

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = sorted(set(PhoneNumberType.values()) - {PhoneNumberType.UNKNOWN})

any_region = st.none() | st.sampled_from(REGIONS) | st.sampled_from(["US", "IN", "DE", "BR", "RU", "XX", "001"])
any_bare_digits: st.SearchStrategy[BareDigits | None] = st.sampled_from([None, "international", "national"])
phone_like = st.text("0123456789+()-./ ;,x~'e\t", max_size=30) | st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True)
any_cell = phone_like | st.text(max_size=40)


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_dialable(text: str) -> bool:
    number = phonenumbers.parse(text)
    return phonenumbers.is_valid_number(number) and e164(number) == text


@given(any_cell, any_region, any_bare_digits)
@example("+0044 20 7946 0958", "GB", None)
@example("00", None, None)
@settings(max_examples=600, deadline=None)
def test_nothing_comes_out_that_is_no_valid_number(
    cell: str, region: str | None, bare_digits: BareDigits | None
) -> None:
    reading = read_number(cell, region, bare_digits)

    assert isinstance(reading, Phone) or reading.hint
    assert not isinstance(reading, Phone) or is_dialable(reading.number)


@given(st.lists(st.tuples(phone_like, any_region), max_size=12), any_bare_digits, st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_list_gives_one_answer_for_each_cell_and_only_valid_numbers(
    rows: list[tuple[str, str | None]], bare_digits: BareDigits | None, take_first: bool
) -> None:
    cells, regions = [cell for cell, _ in rows], [region for _, region in rows]

    read = read_numbers(cells, regions, bare_digits, take_first=take_first)

    assert len(read) == len(rows)
    assert all(is_dialable(reading.number) for reading in read if isinstance(reading, Phone))


# --- example numbers of the whole world ------------------------------------------------------------------------------


def example_numbers() -> Iterator[tuple[str | None, PhoneNumber]]:
    for region in REGIONS:
        for kind in TYPES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number:
                yield region, number
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        number = phonenumbers.example_number_for_non_geo_entity(code)
        if number:
            yield None, number


def spellings(region: str | None, number: PhoneNumber) -> Iterator[tuple[str, str | None, set[Reason]]]:
    """Return each spelling with the region it is read in, and the reasons for which it may be refused."""
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    digits = e164(number)[1:]
    for where in {None, region, "US", "DE"}:
        yield international, where, set()
        yield phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), where, set()
    yield f"00{digits}", None, set()
    yield digits, None, {Reason.AMBIGUOUS_COUNTRY}
    if region:
        yield f"00{digits}", region, {Reason.AMBIGUOUS_COUNTRY}
        yield digits, region, {Reason.AMBIGUOUS_COUNTRY, Reason.INVALID_NUMBER}
        yield phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region, {Reason.AMBIGUOUS_COUNTRY}


REFUSED = {
    PhoneNumberType.PREMIUM_RATE: Reason.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: Reason.PREMIUM_RATE,
    PhoneNumberType.PAGER: Reason.INVALID_NUMBER,
}


def test_every_example_number_in_every_spelling_comes_back_or_is_refused_but_never_becomes_another() -> None:
    answers: Counter[str] = Counter()
    for region, number in example_numbers():
        refused = REFUSED.get(phonenumbers.number_type(number))
        for written, where, may_be_refused in spellings(region, number):
            reading = read_number(written, where)
            if isinstance(reading, Phone):
                assert (reading.number, refused) == (e164(number), None), (written, where)
            else:
                assert reading.reason in {refused, *may_be_refused}, (written, where, reading)
            answers[reading.reason if not isinstance(reading, Phone) else "number"] += 1

    assert answers["number"] > 0.8 * answers.total()
    assert answers[Reason.AMBIGUOUS_COUNTRY] + answers[Reason.INVALID_NUMBER] < 0.03 * answers.total()


# --- checking twice --------------------------------------------------------------------------------------------------


def nearby(number: PhoneNumber, rng: random.Random) -> str:
    """Return a national number near an example, written with or without more digits in front."""
    digits = phonenumbers.national_significant_number(number)
    kept = rng.randrange(len(digits))
    tail = "".join(rng.choices("0123456789", k=len(digits) - kept))
    return rng.choice(["", "", "0", "8", "1", "00", str(number.country_code)]) + digits[:kept] + tail


def test_a_number_that_was_accepted_is_read_as_itself_ever_after() -> None:
    rng = random.Random(1)
    accepted = 0
    for region, number in example_numbers():
        for _ in range(12):
            reading = read_number(nearby(number, rng), region)
            if isinstance(reading, Phone):
                accepted += 1
                for where in (None, region, "US"):
                    again = read_number(reading.number, where)
                    assert isinstance(again, Phone), (reading, again)
                    assert (again.number, again.region, again.line_type) == (
                        reading.number,
                        reading.region,
                        reading.line_type,
                    )
    assert accepted > 3_000


@pytest.mark.parametrize("kind", TYPES)
def test_the_time_zones_of_every_kind_of_number_are_those_of_the_library(kind: int) -> None:
    known = [phonenumbers.example_number_for_type(region, kind) for region in REGIONS]
    known += [
        phonenumbers.example_number_for_non_geo_entity(code) for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    cells = [e164(number) for number in known if number]
    # Numbers that begin alike, of which the first must not answer for the others.
    cells += [
        f"{cell[:-digits]}{number}" for cell in cells for digits, number in ((3, "000"), (5, "00000"), (6, "999999"))
    ]

    phones = [reading for reading in read_numbers(cells) if isinstance(reading, Phone)]

    assert phones
    for phone in phones:
        number = phonenumbers.parse(phone.number)
        # The library takes a mobile of Kazakhstan or the Bahamas for one of Russia or the USA, of which it shares the code.
        main = phone.region == phonenumbers.region_code_for_country_code(number.country_code or 0)
        zones = time_zones_for_number(number) if main else time_zones_for_geographical_number(number)
        assert (phone, time_zones(phone)) == (phone, tuple(zone for zone in zones if zone != UNKNOWN_TIMEZONE))


@given(phone_like, any_region, any_bare_digits)
@settings(max_examples=300, deadline=None)
def test_checking_twice_changes_nothing(cell: str, region: str | None, bare_digits: BareDigits | None) -> None:
    reading = read_number(cell, region, bare_digits)
    if isinstance(reading, Phone):
        again = read_number(reading.number, region, bare_digits)
        assert isinstance(again, Phone)
        assert again.number == reading.number


# --- spellings in a list ---------------------------------------------------------------------------------------------


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A number and some spellings of it, by digits grouped and separated in any way."""
    region = draw(st.sampled_from(["US", "GB", "IN", "FR", "BR", "NG", "AE", "JP"]))
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number is not None
    digits = e164(number)[1:]

    def one() -> str:
        prefix = draw(st.sampled_from(["+", "00", "tel:+", "'+", "+ ", "(+"]))
        separators = draw(st.lists(st.sampled_from(["", "", " ", "-", ".", "\u00a0"]), min_size=20, max_size=20))
        for place in (len(digits) - 3, len(digits) - 2):  # a full stop there is that of a decimal, which is refused
            separators[place] = separators[place].replace(".", "")
        body = "".join(char + separators[place] for place, char in enumerate(digits[:-1])) + digits[-1]
        return prefix + body + (")" if prefix.endswith("(+") else "")

    return f"+{digits}", [one() for _ in range(draw(st.integers(1, 5)))]


@pytest.mark.parametrize("cell", ["+1201555012.3", "+120155501.23", "+1 201 5550.12"])
def test_a_number_that_ends_like_a_decimal_is_refused_and_not_glued_together(cell: str) -> None:
    reading = read_number(cell)
    assert isinstance(reading, Refusal)
    assert reading.reason is Reason.EXCEL_DAMAGED


@given(spelled())
@settings(max_examples=150, deadline=None)
def test_spellings_of_one_number_are_one_contact(case: tuple[str, list[str]]) -> None:
    number, cells = case
    table = Table(("phone",), [Row(place, (cell,)) for place, cell in enumerate(cells, 1)], phone_column="phone")

    rows = check_table(table, Options(), KnownLists()).rows

    assert [row.phone.number for row in rows if row.phone] == [number] * len(cells)
    assert [row.status for row in rows] == [Status.READY, *[Status.DUPLICATE] * (len(cells) - 1)]
    assert {row.duplicate_of for row in rows[1:]} <= {1}


# --- row accounting --------------------------------------------------------------------------------------------------

numbers = st.sampled_from(
    ["+442079460958", "020 7946 0958", "+12025550143", "+12125550100", "(202) 555-0143", "4792345678", "1 or 2", ""]
)
cells = numbers | phone_like | st.text(max_size=8)
tables = st.lists(st.tuples(cells, cells, st.sampled_from(["", "US", "GB", "Atlantis"])), min_size=1, max_size=15)


def accounted(check: Check, table: Table) -> bool:
    counts = report.counts_of(check.rows)
    parts = counts.model_dump()
    return (
        [row.row for row in check.rows] == [row.number for row in table.rows]
        and parts.pop("rows") == len(table.rows) == sum(parts.values())
        and all(row.reason is None or row.status is row.reason.status for row in check.rows)
        and all((row.reason is None) == (row.status in {Status.READY, Status.FILTERED_OUT}) for row in check.rows)
        and sum(count.count for count in report.by_reason(check.rows))
        == counts.rows - counts.ready - counts.filtered_out
    )


@given(tables, any_region, any_bare_digits, st.booleans(), st.booleans(), st.booleans(), st.data())
@settings(max_examples=250, deadline=None)
def test_every_row_is_accounted_for_once(
    rows: list[tuple[str, str, str]],
    region: str | None,
    bare_digits: BareDigits | None,
    take_first: bool,
    two_columns: bool,
    filtered: bool,
    data: st.DataObject,
) -> None:
    surplus = data.draw(st.sets(st.integers(1, len(rows))))
    table = Table(
        ("phone", "other", "land"),
        [Row(number, row, surplus=("x",) if number in surplus else ()) for number, row in enumerate(rows, 1)],
    )
    options = Options(
        default_region=region,
        bare_digits=bare_digits,
        phone_columns=["phone", "other"] if two_columns else ["phone"],
        take_first_number=take_first,
        only_where={"land": ["", "us"]} if filtered else {},
        region_column="land",
    )
    known = KnownLists(
        do_not_call=KnownNumbers({"+12125550100": ""}),
        already_member=KnownNumbers({"44 20 7946 0958": "id"}),
    )

    check = check_table(table, options, KnownLists())
    later = check.against(known)

    assert accounted(check, table)
    assert accounted(later, table)
    assert later == check_table(table, options, known)
    assert len({row.phone.number for row in check.ready if row.phone}) == len(check.ready)


@given(st.text("0123456789+ab,;\"\n\r\t ' ", max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_table_or_is_refused(text: str) -> None:
    try:
        table = table_from_csv(text)
    except InvalidInput:
        return
    assert all(len(row.cells) == len(table.headers) for row in table.rows)
    assert len(set(table.headers)) == len(table.headers)
    assert [row.number for row in table.rows] == sorted({row.number for row in table.rows})


@pytest.mark.parametrize("region", [None, "US", "DE"])
def test_the_order_of_rows_does_not_change_what_is_read(region: str | None) -> None:
    rows = ["+2025550143", "+2125550143", "+3035550143", "+4792345678", "4792345678", "919876543210", "030/1234567"]

    forward = read_numbers(rows, [region] * len(rows))
    backward = read_numbers(rows[::-1], [region] * len(rows))

    assert forward == backward[::-1]
