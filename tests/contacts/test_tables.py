"""Titles, headers and columns: which record is the header row, and what is refused rather than guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences_mcp.contacts import tables as module
from audiences_mcp.contacts.tables import Layout, Record, table_from_records
from audiences_mcp.errors import InvalidInput

HEADER = ["name", "phone", "city", "due"]
ROW = ["Ann", "+12025550143", "Reno", "5"]


def records(*rows: list[str]) -> list[Record]:
    return list(enumerate(rows, 1))


def refusal(*rows: list[str], layout: Layout | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        table_from_records(records(*rows), layout or Layout())
    return str(caught.value)


@pytest.mark.parametrize(
    "above",
    [
        [["Leads"]],
        [["Leads for May"], []],
        [["Leads for May", "", "", ""], ["", "", "", ""], ["Exported by Ines"], ["Filter: none"]],
        [[], ["", "Leads for May"]],
    ],
)
def test_titles_above_the_header_row_are_told(above: list[list[str]]) -> None:
    table = table_from_records(records(*above, HEADER, ROW, ROW), Layout())

    titles = sum(1 for row in above if any(row))
    lines = "1 title line stands" if titles == 1 else f"{titles} title lines stand"
    assert table.headers == tuple(HEADER)
    assert [row.number for row in table.rows] == [len(above) + 2, len(above) + 3]
    assert table.notes == (f"Row {len(above) + 1} was taken as the header row; {lines} above it.",)


def test_a_report_with_totals_and_notes_below_has_its_titles_found_too() -> None:
    below = [["Total"], ["Count", "3"], ["Confidential"], ["Copyright"], ["Made by Ines"]]

    table = table_from_records(records(["Leads"], HEADER, ROW, ROW, *below), Layout())

    assert table.headers == tuple(HEADER)
    assert len(table.rows) == 2 + len(below)  # nothing is dropped


@pytest.mark.parametrize(
    "rows",
    [
        [["phone"], ["+12025550143", "Ann"], ["+442079460958", "Bob"]],  # columns without a name
        [["phone"], ["call me", "Ann"], ["+442079460958", "Bob"]],
        [["Mobile"], ["x", "y", "z"], ["+442079460958", "Bob", "z"]],
        [["phones"], ["+12025550143"], ["+442079460958"]],
        [["name", "phone"], ["Ann", "+12025550143", "Reno", "5"], ["Ann", "+12025550143", "Reno", "5"]],
    ],
)
def test_a_first_row_that_may_be_the_header_is_taken_as_it(rows: list[list[str]]) -> None:
    table = table_from_records(records(*rows), Layout())

    assert table.headers[0] == rows[0][0]
    assert [row.number for row in table.rows] == [2, 3]
    assert table.notes == ()


@pytest.mark.parametrize(
    "first",
    [
        ["Ann", "+12025550143"],
        ["Ann", "202-555-0143"],
        ["Ann", "9.05321E+11"],
        ["Ann", "+12025550143 ext 5"],
        ["Ann", "+12025550143 / +12025550144"],
        ["ann@example.org", ""],
    ],
)
def test_a_first_row_of_data_is_no_header_and_is_not_shown(first: list[str]) -> None:
    told = refusal(first, ["Bob", "+442079460958"])

    assert told.startswith("The list has no header row: its first row looks like data.")
    assert not any(cell in told for cell in first if cell)


def test_titles_do_not_hide_that_there_is_no_header_row() -> None:
    assert "no header row" in refusal(["+12025550143"], ["Ann", "+12025550143"], ["Bob", "+12025550144"])


def test_a_list_without_a_header_may_have_several_columns_where_that_is_allowed() -> None:
    table = table_from_records(records(["Ann", "+12025550143"], ["Bob", "", "x"]), Layout(header_optional=True))

    assert table.headers == ("column_1", "column_2", "column_3")
    assert [row.cells for row in table.rows] == [("Ann", "+12025550143", ""), ("Bob", "", "x")]
    assert table.phone_column is None


def test_a_list_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 100)
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield read, ["+12025550143"]

    with pytest.raises(InvalidInput, match="more than 100 rows"):
        table_from_records(endless(), Layout())  # type: ignore[arg-type] # a generator
    assert read < 200


def test_a_list_too_wide_for_its_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CELLS", 100)

    told = refusal(["phone", *[""] * 49], ["+1", *[""] * 48, "x"], ["+2"], ["+3"])

    assert (
        told == "The list has 50 columns, which is too much for its 3 rows: leave out the columns that are not needed."
    )


def test_a_title_that_speaks_of_people_who_must_not_be_called_is_told() -> None:
    table = table_from_records(records(["Do Not Call List"], HEADER, ROW), Layout())

    assert table.notes[-1] == (
        "By a title above it this may be a list of people who must not be called: ask before calling them."
    )
    assert table.unwilling
    assert not table_from_records(records(["Filtered by: Do Not Call equals False"], HEADER, ROW), Layout()).unwilling


def test_the_columns_of_an_earlier_report_are_left_out() -> None:
    table = table_from_records(records([*HEADER, "row", "reason", "hint"], [*ROW, "4", "too_short", "x"]), Layout())

    assert table.headers == tuple(HEADER)
    assert table.rows[0].cells == tuple(ROW)
    assert table.notes == ("Left out, as columns of an earlier report: row, reason, hint.",)


def test_they_are_left_out_too_where_the_list_has_a_column_of_such_a_name() -> None:
    header = ["row", *HEADER]
    table = table_from_records(records([*header, "row_2", "reason", "hint"], ["a", *ROW, "4", "empty", "x"]), Layout())

    assert table.headers == tuple(header)


@pytest.mark.parametrize(
    "cells", [["4111111111111111"], ["4111 1111 1111 1111"], ["192.168.10.11"], ["123456"], ["2024-03-10"]]
)
def test_what_are_no_phone_numbers_make_no_contact_list(cells: list[str]) -> None:
    told = refusal(["secret", "x"], ["Ann", *cells], layout=Layout(shown=False))

    assert told.startswith("No cell of the list is a phone number")


@pytest.mark.parametrize(
    ("band", "header"),
    [
        (["Contact", "", "Preferences"], ["phone", "name", "Opted out"]),
        (["Person", "", ""], ["name", "Mobile number", "Opted out"]),
        (["Report"], ["name", "Telefon", "Ort"]),
    ],
)
def test_a_band_of_headings_over_the_header_row_is_a_title(band: list[str], header: list[str]) -> None:
    row = ["+12025550143" if "o" in name.lower() and name not in {"Opted out", "Ort"} else "x" for name in header]
    table = table_from_records(records(band, header, row), Layout())

    assert table.headers == tuple(header)
    assert "Row 2 was taken as the header row; 1 title line stands above it." in table.notes


def test_a_repeated_name_below_a_title_is_told() -> None:
    assert refusal(["Report"], ["phone", "name", "name"], ROW) == (
        "Two columns are named 'name': give each column a name of its own."
    )


@pytest.mark.parametrize(
    "cell", ["+31612345678 (mobile)", "call +12025550123 mobile", "0612345678 cell", "12025550123 n/a"]
)
def test_a_number_inside_the_first_row_makes_it_data(cell: str) -> None:
    assert "no header row" in refusal(["Ann", cell], ["Bob", "+31612345679"])


def test_columns_named_like_those_of_a_report_are_kept_where_they_hold_something_else() -> None:
    table = table_from_records(
        records(["phone", "row", "reason", "hint"], ["+12025550143", "1", "do not call", "x"]), Layout()
    )

    assert table.headers == ("phone", "row", "reason", "hint")


@pytest.mark.parametrize(
    ("header", "first"),
    [
        (["Name", "Phone number (with country code)", "Prefers", "Consent to calls"], ["Ann", "", "Phone", "yes"]),
        (["When", "What is your phone number?", "Best way to reach you"], ["2024-05-01", "", "WhatsApp"]),
        (["First Name", "Phone 1 - Value", "Phone 1 - Label"], ["Ann", "", "Mobile"]),
        (["Name", "Nummer", ""], ["Ann", "no mobile", "x"]),
        (["Name", "Mobile", ""], ["Ann", "no phone", "x"]),
        (["Name", "Kontakt", "", ""], ["Ann", "no phone", "x", "y"]),
        (["Name:", "Mobile:"], ["Ann", "phone"]),
    ],
)
def test_a_row_of_data_that_names_a_phone_is_no_header(header: list[str], first: list[str]) -> None:
    second = ["Bob", "+4915112345679", *first[2:]]

    table = table_from_records(records(header, first, second), Layout())

    assert table.headers[:2] == tuple(header[:2])
    assert [row.number for row in table.rows] == [2, 3]
    assert table.notes == ()


@pytest.mark.parametrize(
    "titles",
    [
        [["Leads May 2024"], ["Tel: 022-28765432"], []],
        [["Leads May 2024", "", "", ""], ["info@mahesh.in", "", "", ""]],
        [["info@mahesh.in"], ["Leads May 2024"]],
        [["Mahesh - Tel. 030 1234567890"]],
        [["Leads"], ["Project:", "Green Park"], ["Tel:", "022-28765432"]],
        [["Client", "", "Answers", ""]],
    ],
)
@pytest.mark.parametrize(
    "phone",
    [
        "Contact No.",
        "Contact Number",
        "Mob. No.",
        "Mob No",
        "Ph. No.",
        "Tél.",
        "Rufnummer",
        "No. HP",
        "Father Mob. No.",
    ],
)
def test_titles_that_hold_numbers_addresses_or_bands_stand_above_a_header_row(
    titles: list[list[str]], phone: str
) -> None:
    header = ["Client", phone, "Budget", "DND"]
    table = table_from_records(records(*titles, header, ["A", "9876543210", "50L", "Y"]), Layout(open_ended=True))

    assert table.headers == tuple(header)
    assert [row.cells[0] for row in table.rows] == ["A"]


@given(
    st.sampled_from(["Phone number (with country code)", "What is your phone number?", "Numéro à appeler", "Kontakt"]),
    st.lists(
        st.tuples(
            st.sampled_from(["+4915112345678", "98765 43210", "", "n/a", "no phone"]),
            *[st.sampled_from(["Ann", "Phone", "WhatsApp", "Mobile", "no", "", "a@b.de"])] * 3,
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_no_row_of_data_is_taken_for_the_header(phone: str, rows: list[tuple[str, ...]]) -> None:
    header, last = [phone, "Name", "Best way to reach you", ""], ["+4915112345670", "Zoe", "Phone", "x"]
    filled = [[*row] for row in rows if any(row)]

    table = table_from_records(records(header, *filled, last), Layout())

    assert table.headers == (*header[:3], "column_4")
    assert len(table.rows) == len(filled) + 1


def test_an_address_below_a_title_hides_no_header_whatever_its_names() -> None:
    header = ["Kunde", "Erreichbar unter", "Stadt"]
    table = table_from_records(records(["Leads"], ["info@firm.de"], header, ["A", "030 1234567", "Ulm"]), Layout())

    assert table.headers == tuple(header)


def test_what_is_told_of_a_list_in_two_cells_is_no_header_whatever_its_names() -> None:
    header = ["Kunde", "Erreichbar unter", "Stadt"]
    table = table_from_records(records(["Projekt:", "Park"], header, ["A", "030 1234567", "Ulm"]), Layout())

    assert table.headers == tuple(header)


@pytest.mark.parametrize(
    ("header", "person"),
    [
        (["Contact", "Number", "Type", ""], ["Ann", "Mobile", "Home", "see notes"]),
        (["Name", "Number", "", ""], ["Ann", "Phone", "Home", "see notes"]),
        (["Name", "Telephone"], ["Ann", "mobile?", "Home"]),
    ],
)
def test_a_person_without_number_below_a_header_row_is_no_header_row(header: list[str], person: list[str]) -> None:
    table = table_from_records(records(header, person, ["Bob", "+442079460911", "x", "y"]), Layout())

    assert table.headers[: len(header[:2])] == tuple(header[:2])
    assert table.rows[0].cells[0] == "Ann"


def test_a_band_that_has_its_heading_in_each_of_its_cells_is_a_title() -> None:
    band, header = ["Lead", "Lead", "Lead", "Deal"], ["Name", "Phone", "City", "Value"]
    table = table_from_records(records(band, header, ["Bob", "+442079460911", "Ulm", "100"]), Layout())

    assert table.headers == tuple(header)
    with pytest.raises(InvalidInput, match="Two columns are named 'Phone'"):
        table_from_records(
            records(["Name", "Phone", "Phone"], ["Ann", "Mobile", "x"], ["Bob", "+442079460911", ""]), Layout()
        )


def test_a_band_that_names_phones_itself_is_a_title_too() -> None:
    header = ["Name", "City", "Home", "Mobile"]
    row = ["A", "Pune", "9876543210", "9876543211"]

    assert table_from_records(records(["Person", "", "Phones", ""], header, row), Layout()).headers == tuple(header)


def test_a_number_alone_above_a_header_row_is_no_title() -> None:
    assert "no header row" in refusal(["+4915112345678"], ["Name", "Phone"], ["Bob", "+4915112345679"])
