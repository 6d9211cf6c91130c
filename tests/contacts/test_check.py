"""Rows become checked rows: which will be called, which not and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences_mcp.contacts.check import Check, CheckedRow, KnownLists, Options, check_table
from audiences_mcp.contacts.columns import Column
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.reasons import HINTS, Reason, Refusal, Status
from audiences_mcp.contacts.sources import TypedContact, table_from_contacts, table_from_csv
from audiences_mcp.contacts.tables import MAX_ROWS, Row, Table
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164

NOTHING = KnownLists()


def check(text: str, options: Options | None = None, known: KnownLists = NOTHING) -> Check:
    return check_table(table_from_csv(text), options or Options(), known)


def told(checked: Check) -> list[str]:
    """Return for each row its number if it is ready, else its reason, else its status."""
    return [_told(row) for row in checked.rows]


def _told(row: CheckedRow) -> str:
    if row.status is Status.READY and row.phone:
        return row.phone.number
    return row.reason.value if row.reason else row.status.value


def test_a_checked_row_says_all_that_is_known_of_it() -> None:
    checked = check(
        "Name,Phone,City,Plan\n"
        '"Doe, Ann",+44 20 7946 0958,Pune,gold\n'
        "Bob,020 7946 0958,,\n"
        "Ann again,0044 2079460958,Delhi,\n",
    )

    ann, bob, again = checked.rows
    assert (ann.row, ann.label, ann.value, ann.status) == (2, "Doe, Ann", "+44 20 7946 0958", Status.READY)
    assert ann.fields == ("Doe, Ann", "Pune", "gold")
    assert (ann.phone and ann.phone.number, ann.reason, ann.hint) == ("+442079460958", None, "")
    assert (bob.status, bob.reason, bob.phone) == (Status.INVALID, Reason.MISSING_COUNTRY_CODE, None)
    assert bob.hint == HINTS[Reason.MISSING_COUNTRY_CODE]
    assert (again.status, again.reason, again.duplicate_of) == (Status.DUPLICATE, Reason.DUPLICATE, 2)
    assert checked.ready == [ann]
    assert checked.phone_columns == ("Phone",)
    assert checked.columns[0] == Column("Phone", "Phone", 1)


def test_the_first_reason_of_a_row_is_given() -> None:
    checked = check("phone,name\n202555,Doe, Ann\n+12025550143,Doe, Bob\n+12025550143,Cem\n,Dan\n")

    assert told(checked) == ["missing_country_code", "malformed_row", "+12025550143", "empty"]


# --- options ---------------------------------------------------------------------------------------------------------


def test_a_region_and_bare_digits_apply_to_the_whole_list() -> None:
    text = "phone\n4792345678\n"

    assert told(check(text)) == ["ambiguous_country"]
    assert told(check(text, Options(default_region="US"))) == ["+14792345678"]
    assert told(check(text, Options(default_region="US", bare_digits="international"))) == ["+4792345678"]


LANDS = """land,phone
,020 7946 0958
GB,020 7946 0958
india,98765 43210
+1,(202) 555-0143
Atlantis,030 1234567
Atlantis,+49 30 1234567
Atlantis,12125550143
Atlantis,0044 2079460912
"""


@pytest.mark.parametrize(
    ("default", "first", "bare"),
    [(None, "missing_country_code", "ambiguous_country"), ("DE", "invalid_number", "missing_country_code")],
)
def test_each_row_is_read_in_its_own_country(default: str | None, first: str, bare: str) -> None:
    options = Options(default_region=default, region_column="Land", phone_columns=["phone"])

    checked = check(LANDS, options)

    assert told(checked)[:4] == [first, "+442079460958", "+919876543210", "+12025550143"]
    # A country that we do not know is not the default one: only a number's own country code counts.
    assert told(checked)[4:] == ["missing_country_code", "+49301234567", bare, "+442079460912"]


def test_a_row_in_an_unknown_country_says_so() -> None:
    row = check("land,phone\nBayern,12125550143\n", Options(region_column="land", phone_columns=["phone"])).rows[0]

    assert row.hint.startswith("The country of this row is not one that we know: write it as its ISO code")


def test_a_column_of_states_is_not_one_of_countries() -> None:
    text = "state,phone\nIN,3175550143\nTX,2145550143\nNY,2125550143\nCA,4155550143\nOH,2165550143\n"

    with pytest.raises(InvalidInput, match="region_column: some values of 'state' are states of the US"):
        check(text, Options(region_column="state", phone_columns=["phone"]))


def test_the_country_of_the_rows_helps_to_find_the_phone_column() -> None:
    checked = check("x,land\n020 7946 0958,GB\n98765 43210,IN\n", Options(region_column="land"))

    assert checked.phone_columns == ("x",)


def test_a_typed_contact_may_name_its_region() -> None:
    table = table_from_contacts([TypedContact("020 7946 0958", "Ann", region="GB"), TypedContact("020 7946 0958")])

    assert told(check_table(table, Options(), NOTHING)) == ["+442079460958", "missing_country_code"]
    assert told(check_table(table, Options(default_region="US"), NOTHING)) == ["+442079460958", "too_long"]


PHONES = """mobile,home,name
+442079460911,+442079460912,Ann
,+442079460913,Bob
n/a,+442079460914,Cem
n/a,12,Dan
,12,Eve
,,Fay
"""


def test_the_first_usable_number_of_the_named_columns_is_taken() -> None:
    checked = check(PHONES, Options(phone_columns=["mobile", "home"]))

    assert told(checked) == [
        "+442079460911",
        "+442079460913",
        "+442079460914",
        "not_a_number",
        "missing_country_code",
        "empty",
    ]
    assert [row.value for row in checked.rows] == [
        "+442079460911",
        "+442079460913",
        "+442079460914",
        "n/a",
        "12",
        "",
    ]
    assert checked.phone_columns == ("mobile", "home")
    assert [column.source for column in checked.columns] == ["mobile", "home", "name"]


def test_the_order_of_the_named_columns_counts() -> None:
    assert told(check(PHONES, Options(phone_columns=["home", "mobile"])))[0] == "+442079460912"


def test_a_cell_of_several_numbers_gives_its_first_usable_one_when_asked() -> None:
    text = "phone\n+442079460958 ext 5; +442079460911\n+442079460912 ext 5\n"
    assert told(check(text, Options(take_first_number=True))) == ["+442079460911", "extension"]
    assert told(check(text)) == ["multiple_numbers", "extension"]


@pytest.mark.parametrize(
    ("only_where", "kept"),
    [
        ({}, [2, 3, 4, 5]),
        ({"Opted In": ["yes"]}, [2, 3]),
        ({"opted in": ["yes", "maybe"]}, [2, 3, 5]),
        ({"opted in": ["yes"], "city": ["pune"]}, [2]),
        ({"city": [""]}, [4]),
        ({"city": []}, []),
    ],
)
def test_only_the_wanted_rows_are_read(only_where: dict[str, list[str]], kept: list[int]) -> None:
    text = (
        "phone,opted in,city,name\n+442079460911, Yes ,PUNE,Ann\n+442079460912,YES,Delhi,Bob\n"
        "+442079460913,no,,Cem\n,maybe,Goa,Dan\n"
    )

    checked = check(text, Options(only_where=only_where))

    assert [row.row for row in checked.rows if row.status is not Status.FILTERED_OUT] == kept
    left_out = [row for row in checked.rows if row.status is Status.FILTERED_OUT]
    assert all((row.reason, row.hint, row.phone) == (None, "", None) for row in left_out)
    assert [row.label for row in checked.rows] == ["Ann", "Bob", "Cem", "Dan"]


def test_a_row_that_is_filtered_out_shows_its_number_and_is_no_first_of_duplicates() -> None:
    text = "a,b,ok\n,+442079460911,no\n+442079460911,,yes\n"

    checked = check(text, Options(only_where={"ok": ["yes"]}, phone_columns=["a", "b"]))

    assert told(checked) == ["filtered_out", "+442079460911"]
    assert checked.rows[0].value == "+442079460911"


@pytest.mark.parametrize(
    "options",
    [
        Options(only_where={"nope": ["x"]}),
        Options(region_column="nope"),
        Options(phone_columns=["nope"]),
        Options(keep_columns=["nope"]),
        Options(column_mapping={"nope": "x"}),
    ],
)
def test_an_option_that_names_no_column_is_refused(options: Options) -> None:
    with pytest.raises(InvalidInput, match="the list has no column 'nope'"):
        check("phone\n+442079460911\n", options)


def test_what_is_sent_is_as_the_person_said() -> None:
    options = Options(keep_columns=["name", "city"], column_mapping={"city": "town"})

    checked = check("phone,name,plan,city\n+442079460911,Ann,gold,Pu\u202ene\n", options)

    assert [(column.source, column.name) for column in checked.columns] == [
        ("phone", "phone"),
        ("name", "name"),
        ("city", "town"),
    ]
    assert checked.rows[0].fields == ("Ann", "Pune")
    assert checked.dropped_columns == ("plan",)


# --- known lists -----------------------------------------------------------------------------------------------------

KNOWN = KnownLists(
    do_not_call=KnownNumbers({"442079460911": "", "(202) 555-0143": ""}),
    suppression_list=KnownNumbers({"+44 20 7946 0912": "", "442079460911": ""}),
    excluded_audience=KnownNumbers({"0044 2079460913": "", "442079460912": ""}),
    already_member=KnownNumbers({"+442079460914": "id", "442079460911": "id"}),
)
LISTED = "phone\n" + "".join(
    f"{number}\n" for number in ("+442079460911", "+12025550143", "+442079460912", "+442079460913", "+442079460914")
)


def test_known_numbers_are_left_out_for_the_first_reason_that_applies() -> None:
    checked = check(f"{LISTED}+442079460958\n+442079460911\n", None, KNOWN)

    assert told(checked) == [
        "do_not_call",
        "do_not_call",
        "suppression_list",
        "excluded_audience",
        "already_member",
        "+442079460958",
        "duplicate",
    ]
    assert [row.status for row in checked.rows[:5]] == [*[Status.SUPPRESSED] * 4, Status.ALREADY_MEMBER]
    assert checked.rows[0].hint == HINTS[Reason.DO_NOT_CALL]


def test_lists_that_are_read_later_leave_out_ready_rows_alone() -> None:
    checked = check(f"{LISTED}+442079460911\nnone\n")

    assert told(checked.against(KNOWN)) == [
        "do_not_call",
        "do_not_call",
        "suppression_list",
        "excluded_audience",
        "already_member",
        "duplicate",
        "not_a_number",
    ]
    assert told(checked.against(NOTHING)) == told(checked)


@pytest.mark.parametrize("work", ["+31201234567", "+31201234567 ext 5", "+31201234567 (office)", "020 1234567"])
def test_who_must_not_be_called_at_work_is_not_called_on_the_mobile(work: str) -> None:
    people = f"name|mobile|work phone\nAnn|+31612345678|{work}\nBen|+31612345679|+31201234568"
    options = Options(phone_columns=["mobile"], default_region="NL")

    found = check(people, options, KnownLists(do_not_call=KnownNumbers({"+31201234567": ""})))

    assert [row.reason for row in found.rows] == [Reason.DO_NOT_CALL, None]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("do_not_call", Reason.DO_NOT_CALL),
        ("suppression_list", Reason.SUPPRESSION_LIST),
        ("excluded_audience", Reason.EXCLUDED_AUDIENCE),
        ("already_member", None),
    ],
)
def test_who_must_not_be_called_is_not_called_on_another_number(name: str, reason: Reason | None) -> None:
    people = "name|home|mobile\nAnn|+442079460951|+447400123401\nBen|+442079460952; +447400123402|\nCid||+447400123403"
    known = KnownLists(**{name: KnownNumbers(dict.fromkeys(("+447400123401", "+447400123402"), ""))})
    options = Options(phone_columns=["home", "mobile"], take_first_number=True)

    assert [row.reason for row in check(people, options, known).rows] == [reason, reason, None]
    assert [row.reason for row in check(people, options).against(known).rows] == [reason, reason, None]


@pytest.mark.parametrize(
    "homes", [("", "+442079460911"), ("+442079460911", ""), ("", "+442079460958", "+442079460911")]
)
def test_who_must_not_be_called_on_a_number_of_a_duplicate_is_not_called(homes: tuple[str, ...]) -> None:
    text = "mobile,home\n" + "".join(f"+447400123401,{home}\n" for home in homes)
    options = Options(phone_columns=["mobile", "home"])

    at_once = told(check(text, options, KNOWN))
    later = told(check(text, options).against(KNOWN))

    assert at_once == later == ["do_not_call", *["duplicate"] * (len(homes) - 1)]


def test_a_number_is_not_known_where_no_list_has_it() -> None:
    assert NOTHING.reason_for(E164("+442079460911")) is None
    assert KNOWN.reason_for(E164("+442079460999")) is None


# --- bounds and what is shown ----------------------------------------------------------------------------------------


def test_a_list_that_is_too_long_is_refused() -> None:
    rows = [Row(number, ("+442079460911",)) for number in range(MAX_ROWS + 1)]

    with pytest.raises(InvalidInput, match="The list has 200,001 rows; a check takes at most 200,000"):
        check_table(Table(("phone",), rows), Options(), NOTHING)


def test_progress_is_told_in_rows_and_may_stop_the_check() -> None:
    class Stop(Exception):
        pass

    def stop(_done: int, _rows: int) -> None:
        raise Stop

    told_of: set[tuple[int, int]] = set()
    table = table_from_csv("phone\n" + "+442079460911\n" * 300)

    check_table(table, Options(), NOTHING, lambda done, rows: told_of.add((done, rows)))

    assert told_of == {(0, 300), (125, 300), (150, 300), (275, 300)}
    with pytest.raises(Stop):
        check_table(table, Options(), NOTHING, stop)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("  +442079460911 ", "+442079460911"),
        ("\u202a+44 20 7946 0911\u202c", "+44 20 7946 0911"),
        ("x" * 300, "x" * 99 + "…"),
        ("a\nb", "a\nb"),
    ],
)
def test_the_phone_cell_is_shown_cleaned_and_cut(cell: str, shown: str) -> None:
    table = Table(("phone", "name"), [Row(1, (cell, "A\u202enn\nDoe" * 40))], phone_column="phone")

    row = check_table(table, Options(), NOTHING).rows[0]

    assert row.value == shown
    assert row.label.startswith("Ann DoeAnn Doe")
    assert len(row.label) == 80


@given(
    st.lists(st.sampled_from(["Ann", "'Ann", "'=1+1", "A\u202enn", "Zoë", "'-", "", "a\nb"]), min_size=1, max_size=4),
    st.booleans(),
)
def test_each_cell_is_cleaned_as_if_it_stood_alone(cells: list[str], guarded: bool) -> None:  # noqa: FBT001 - drawn
    def sent(texts: list[str]) -> list[tuple[str, ...]]:
        rows = [Row(index, (f"+4420794609{index:02}", text)) for index, text in enumerate(texts, 10)]
        table = Table(("phone", "note"), rows, phone_column="phone", guarded=guarded)
        return [row.fields for row in check_table(table, Options(), NOTHING).rows]

    assert sent(cells) == [fields for cell in cells for fields in sent([cell])]


def test_a_reason_has_its_status_and_a_hint() -> None:
    assert set(HINTS) == set(Reason)
    assert Reason.EMPTY.status is Status.INVALID
    assert {reason: reason.status for reason in list(Reason)[-5:]} == {
        Reason.DUPLICATE: Status.DUPLICATE,
        Reason.DO_NOT_CALL: Status.SUPPRESSED,
        Reason.SUPPRESSION_LIST: Status.SUPPRESSED,
        Reason.EXCLUDED_AUDIENCE: Status.SUPPRESSED,
        Reason.ALREADY_MEMBER: Status.ALREADY_MEMBER,
    }
    assert Refusal(Reason.EMPTY).hint == HINTS[Reason.EMPTY]
    assert Refusal(Reason.EMPTY, "Give one.").hint == "Give one."
