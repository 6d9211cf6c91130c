"""A check told in figures: counts that add up, a sample, countries, calling hours and warnings."""

from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import phonenumbers.tzdata  # noqa: TID251 - every zone that can be told must be known
import pytest

from audiences_mcp.contacts import report
from audiences_mcp.contacts.check import Check, CheckedRow, KnownLists, Options, check_table
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.reasons import Note, Reason, Status
from audiences_mcp.contacts.sources import table_from_csv
from audiences_mcp.contacts.tables import Table
from audiences_mcp.models import CallingHours, Counts, Figures, Problem


def check(*numbers: str, options: Options | None = None, known: KnownLists | None = None) -> Check:
    text = "phone,name\n" + "".join(f'"{number}",person {row}\n' for row, number in enumerate(numbers, 2))
    return check_table(table_from_csv(text), options or Options(phone_columns=["phone"]), known or KnownLists())


def figures(moment: str, *numbers: str) -> Figures:
    return report.figures(check(*numbers).rows, datetime.fromisoformat(moment).replace(tzinfo=UTC))


MIXED = (
    "+442079460911",
    "0044 20 7946 0911",
    "(202) 555-0143",
    "n/a",
    "none",
    "+442079460912",
    "+442079460913",
    "+12125550100",
)
DO_NOT_CALL = KnownLists(
    do_not_call=KnownNumbers({"+442079460912": ""}), already_member=KnownNumbers({"442079460913": ""})
)


# --- counts and problems ---------------------------------------------------------------------------------------------


def test_the_counts_add_up() -> None:
    rows = check(*MIXED, known=DO_NOT_CALL).rows

    assert report.counts_of(rows) == Counts(
        rows=8, ready=2, invalid=3, duplicate=1, suppressed=1, already_member=1, filtered_out=0
    )
    assert report.counts_of([]).rows == 0


def test_a_row_that_would_be_unaccounted_for_is_a_fault() -> None:
    lost = CheckedRow(2, "", "", cast("Status", "lost"))

    with pytest.raises(AssertionError, match="a row of the list is unaccounted for"):
        report.counts_of([lost])


def test_reasons_are_counted_the_most_frequent_first() -> None:
    counted = report.by_reason(check(*MIXED, known=DO_NOT_CALL).rows)

    assert [(count.reason, count.count) for count in counted] == [
        ("not_a_number", 2),
        ("duplicate", 1),
        ("missing_country_code", 1),
        ("do_not_call", 1),
        ("already_member", 1),
    ]


def test_the_first_problems_are_told_with_what_to_do() -> None:
    rows = check(*MIXED).rows
    first, *_ = found = report.problems(rows, 2)

    assert [problem.row for problem in found] == [3, 4]
    assert first == Problem(
        row=3,
        label="person 3",
        value="0044 20 7946 0911",
        reason="duplicate",
        hint="The same number stands in an earlier row, which is the one that is used.",
        duplicate_of=2,
    )
    assert len(report.problems(rows, 50)) == 4
    assert report.problem_lines(found) == (
        "row 3 (0044 20 7946 0911): duplicate. The same number stands in an earlier row, which is the one that is used.\n"
        "row 4 ((202) 555-0143): missing_country_code. Write it with + and its country code, or set default_region to "
        "its country."
    )
    assert report.problem_lines(found, 1).count("\n") == 0


@pytest.mark.parametrize(
    ("counts", "summary"),
    [
        ((1, 1, 0, 0, 0, 0, 0), "1 of 1 row is ready to be called."),
        ((3, 2, 1, 0, 0, 0, 0), "2 of 3 rows are ready to be called; left out: 1 invalid."),
        (
            (12_006, 12_000, 1, 1, 1, 1, 2),
            (
                "12,000 of 12,006 rows are ready to be called; left out: 1 invalid, 1 duplicate, 1 suppressed, "
                "1 already member, 2 filtered out."
            ),
        ),
        ((2, 0, 2, 0, 0, 0, 0), "0 of 2 rows are ready to be called; left out: 2 invalid."),
    ],
)
def test_the_summary_can_be_read_to_a_person(counts: tuple[int, ...], summary: str) -> None:
    names = ("rows", "ready", "invalid", "duplicate", "suppressed", "already_member", "filtered_out")

    assert report.summary(Counts(**dict(zip(names, counts, strict=True)))) == summary


@pytest.mark.parametrize(
    ("number", "needed"),
    [("(202) 555-0143", True), ("4792345678", True), ("+442079460911", False), ("n/a", False)],
)
def test_it_is_told_whether_a_default_region_could_help(number: str, needed: bool) -> None:  # noqa: FBT001
    assert report.needs_country(check(number).rows) is needed


# --- sample and columns ----------------------------------------------------------------------------------------------


def test_the_sample_is_spread_over_the_countries_in_the_order_of_the_list() -> None:
    numbers = [f"+4420794609{number}" for number in range(10, 40)]
    checked = check(
        *numbers, "+12025550143", "+919876543210", "n/a", "+4915123456789", "+33612345678", "+5511912345678"
    )

    sample = report.sample(checked)

    assert [each.region for each in sample] == ["GB", "US", "IN", "DE", "FR"]
    assert [each.row for each in sample] == sorted(each.row for each in sample)
    assert sample[0].model_dump() == {
        "row": 2,
        "value": "+442079460910",
        "phone_number": "+442079460910",
        "region": "GB",
        "line_type": "fixed_line",
        "fields": {"name": "person 2"},
    }


def test_the_sample_of_one_country_is_its_first_rows() -> None:
    assert [each.row for each in report.sample(check(*(f"+4420794609{number}" for number in range(10, 40))))] == [
        2,
        3,
        4,
        5,
        6,
    ]
    assert report.sample(check("n/a")) == []


def test_blank_and_long_cells_are_left_out_of_the_sample_or_cut() -> None:
    table = table_from_csv(f"phone,a b,note\n+442079460911, ,{'x' * 300}\n")

    sample = report.sample(check_table(table, Options(), KnownLists()))

    assert sample[0].fields == {"note": "x" * 199 + "…"}


def test_blank_cells_of_ready_rows_are_counted_for_each_column() -> None:
    table = table_from_csv(
        "First Name,phone,city\n,+442079460911,Pune\nBob,+442079460912, \nCem,n/a,\n,+442079460913,\n"
    )

    columns = report.columns(check_table(table, Options(), KnownLists()))

    assert [(column.source, column.name, column.blank) for column in columns] == [
        ("phone", "phone", 0),
        ("First Name", "First_Name", 2),
        ("city", "city", 2),
    ]


# --- countries, line types and hours ---------------------------------------------------------------------------------


def test_ready_rows_are_counted_by_country_line_type_and_zone() -> None:
    found = figures(
        "2025-07-01T12:00", "+12025550143", "+13126940000", "+919876543210", "+919876543210", "n/a", "+79123456789"
    )

    assert [(each.region, each.count) for each in found.by_country] == [("US", 2), ("IN", 1), ("RU", 1)]
    assert [(each.line_type, each.count) for each in found.by_line_type] == [("fixed_line_or_mobile", 2), ("mobile", 2)]
    assert [(each.zone, each.count) for each in found.time_zones] == [
        ("America/Chicago", 1),
        ("America/New_York", 1),
        ("Asia/Calcutta", 1),
        ("several", 1),
    ]


@pytest.mark.parametrize(
    ("moment", "number", "hours"),
    [
        ("2025-07-01T07:59", "+442079460911", "inside"),  # 08:59 in summer
        ("2025-07-01T06:59", "+442079460911", "outside"),
        ("2025-07-01T07:00", "+442079460911", "inside"),
        ("2025-07-01T19:59", "+442079460911", "inside"),
        ("2025-07-01T20:00", "+442079460911", "outside"),  # 21:00
        ("2025-01-01T07:59", "+442079460911", "outside"),  # in winter
        ("2025-01-01T08:00", "+442079460911", "inside"),
        ("2025-07-01T02:30", "+919876543210", "inside"),  # 08:00 at half past
        ("2025-07-01T02:29", "+919876543210", "outside"),
        ("2025-07-01T04:30", "+79123456789", "outside"),  # 07:30 in Moscow, 16:30 in Kamchatka
        ("2025-07-01T18:30", "+79123456789", "outside"),  # 21:30 there, and night in Vladivostok
        ("2025-07-01T07:00", "+79123456789", "inside"),  # 19:00 in Kamchatka
        ("2025-07-01T22:30", "+61412345678", "outside"),  # a mobile: 08:30 in Sydney, 06:30 in Perth
        ("2025-07-01T22:30", "+61291234567", "inside"),  # a line in Sydney
        ("2025-07-01T12:00", "+881612345678", "unknown"),
    ],
)
def test_a_number_is_inside_calling_hours_only_where_it_is_in_every_zone_it_may_be_in(
    moment: str, number: str, hours: str
) -> None:
    expected = {"inside": 0, "outside": 0, "unknown": 0, hours: 1}

    assert figures(moment, number).calling_hours_now == CallingHours(**expected)


def test_without_a_moment_the_present_counts() -> None:
    hours = report.figures(check("+442079460911").rows).calling_hours_now

    assert hours.inside + hours.outside == 1


def test_every_time_zone_that_can_be_told_is_known() -> None:
    zones = {zone for found in phonenumbers.tzdata.TIMEZONE_DATA.values() for zone in found}

    for zone in zones:
        ZoneInfo(zone)
    assert len(zones) > 200


def test_what_would_make_the_answer_too_long_is_added_up() -> None:
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    examples = [phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE) for region in regions]
    numbers = {phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in examples if each}
    checked = check(*numbers)

    countries = report.figures(checked.rows, datetime(2025, 7, 1, tzinfo=UTC)).by_country

    assert len(countries) == 41
    assert countries[-1].region == "other"
    assert sum(each.count for each in countries) == len(checked.ready)


# --- warnings --------------------------------------------------------------------------------------------------------

REACHABLE = "A valid number is one that a line can have; nothing here tells whether somebody answers it."


@pytest.mark.parametrize(
    ("number", "note"),
    [
        ("+442079460911.0", Note.TRAILING_ZERO),
        ("'+442079460911", Note.APOSTROPHE),
        ("p:+442079460911", Note.LABEL),
        ("+٤٤٢٠٧٩٤٦٠٩١١", Note.OTHER_DIGITS),
        ("1-800-FLOWERS", Note.VANITY),
        ("+18003569377", Note.TOLL_FREE),
        ("+12025550143", Note.FICTIONAL),
        ("+447012345678", Note.PERSONAL),
        ("+445512345678", Note.UAN),
        ("+8812345678", None),
        ("+881612345678", Note.SATELLITE),
    ],
)
def test_each_note_is_counted_in_a_warning(number: str, note: Note | None) -> None:
    warnings = report.warnings(check(number))

    assert note is None or f"1 number: {note.value}" in warnings
    assert (REACHABLE in warnings) is (note is not None)


def test_notes_of_many_numbers_are_one_warning() -> None:
    warnings = report.warnings(check(*(f"+120255501{number}" for number in range(10, 60)), "n/a"))

    assert warnings == [f"50 numbers: {Note.FICTIONAL.value}", REACHABLE]


def test_national_numbers_that_would_also_read_abroad_are_counted() -> None:
    checked = check("2015766906", "2015766907", "(202) 555-0143", options=Options("US", phone_columns=["phone"]))

    assert f"2 numbers: {Note.ALSO_ABROAD.value}" in report.warnings(checked)


@pytest.mark.parametrize(
    ("round_numbers", "others", "warned"),
    [(2, 0, False), (3, 0, True), (3, 27, True), (3, 40, False), (5, 45, True)],
)
def test_many_numbers_that_end_in_zeros_are_warned_of(round_numbers: int, others: int, warned: bool) -> None:  # noqa: FBT001
    numbers = [f"+44207{number}0000" for number in range(946, 946 + round_numbers)]
    numbers += [f"+442079461{number:03}" for number in range(1, others + 1)]

    warnings = report.warnings(check(*numbers))

    assert any("end in 0000: a spreadsheet may have rounded them" in text for text in warnings) is warned


def test_renamed_and_dropped_columns_are_told() -> None:
    table = table_from_csv("phone,First Name,e-mail,city,plan\n+442079460911,Ann,x,y,z\n")

    warnings = report.warnings(check_table(table, Options(keep_columns=["First Name", "e-mail"]), KnownLists()))

    assert warnings == [
        "2 columns got a name of letters, digits and underscores: see columns.",
        "2 columns will not be sent: see dropped_columns.",
        REACHABLE,
    ]


def test_the_columns_of_typed_contacts_need_no_warning() -> None:
    table = table_from_csv("phone,First Name\n+442079460911,Ann\n")
    typed = Table(table.headers, table.rows, phone_column="phone", optional=frozenset({"First Name"}))

    assert report.warnings(check_table(typed, Options(), KnownLists())) == [REACHABLE]


def test_a_list_without_ready_rows_is_not_warned_of_what_would_be_called() -> None:
    assert report.warnings(check("n/a", "+12")) == []
    assert {Reason.NOT_A_NUMBER, Reason.TOO_SHORT} == {row.reason for row in check("n/a", "+12").rows}
