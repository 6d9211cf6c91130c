"""Typed contacts and CSV text become rows, none dropped and none invented."""
# Look-alike characters are what people write.

import pytest

from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.sources import (
    File,
    TypedContact,
    suppressed_cells,
    table_from_contacts,
    table_from_csv,
    table_from_file,
)
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164


def cells(table: Table) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows]


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        table_from_csv(text)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "phone,name\n+12025550143,Ann\n+13035550143,Bob\n",
        "phone,name\r\n+12025550143,Ann\r\n+13035550143,Bob",
        "phone,name\r+12025550143,Ann\r+13035550143,Bob\r",
        "\ufeffphone,name\n+12025550143,Ann\n+13035550143,Bob\n",
        "phone;name\n+12025550143;Ann\n+13035550143;Bob\n",
        "phone\tname\n+12025550143\tAnn\n+13035550143\tBob\n",
        "phone|name\n+12025550143|Ann\n+13035550143|Bob\n",
        "sep=;\nphone;name\n+12025550143;Ann\n+13035550143;Bob\n",
        "sep=,\r\nphone,name\r\n+12025550143,Ann\r\n+13035550143,Bob\r\n",
        '"phone","name"\n"+12025550143","Ann"\n"+13035550143","Bob"\n',
        "phone,name,\n+12025550143,Ann,\n+13035550143,Bob,\n",
        "phone,name,,\n+12025550143,Ann\n+13035550143,Bob\n",
        " phone , name\n+12025550143,Ann\n+13035550143,Bob\n",
        "phone\u200b,\u202ename\n+12025550143,Ann\n+13035550143,Bob\n",
    ],
)
def test_every_dialect_gives_the_same_table(text: str) -> None:
    table = table_from_csv(text)

    rows = [Row(2, ("+12025550143", "Ann")), Row(3, ("+13035550143", "Bob"))]
    assert table == Table(("phone", "name"), rows, guarded=True)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('phone,name\n+1,"Doe, Ann"', ("+1", "Doe, Ann")),
        ('phone,name\n+1,"Ann ""Annie"" Doe"', ("+1", 'Ann "Annie" Doe')),
        ('phone,name\n+1,"Ann\nDoe"', ("+1", "Ann\nDoe")),
        ('phone,name\n+1,"Ann\r\nDoe"', ("+1", "Ann\r\nDoe")),
        ("phone;name\n+1;Doe, Ann\n+2;Roe, Bob\n", ("+1", "Doe, Ann")),
        ("name;amount;phone\nAnn;1,5;+1\nBob;2,5;+2\n", ("Ann", "1,5", "+1")),
        ("phone\n+1; +2\n", ("+1; +2",)),
        ("phone,name\n+1,\n", ("+1", "")),
        ("phone,name\n  +1  , Ann \n", ("  +1  ", " Ann ")),
        ("phone,name\n+1,سارا\u200cجان\n", ("+1", "سارا\u200cجان")),
        ("phone,name\n+1,a\x00b\n", ("+1", "a\x00b")),
        (f"phone,note\n+1,{'x' * 400_000}\n", ("+1", "x" * 400_000)),
    ],
)
def test_a_cell_arrives_as_typed(text: str, first: tuple[str, ...]) -> None:
    assert table_from_csv(text).rows[0].cells == first


def test_a_row_number_is_the_row_of_the_spreadsheet() -> None:
    text = '\n\nphone,name\n\n+1,"Ann\nDoe"\n,\n  ,\t\n+2,Bob\n'

    assert [(row.number, row.cells[0]) for row in table_from_csv(text).rows] == [(5, "+1"), (8, "+2")]


def test_short_rows_are_filled_and_long_ones_are_marked() -> None:
    table = table_from_csv("phone,name,city\n+1\n+2,Bob,Pune,,\n+3,Doe, Ann,Pune\n")

    assert table.rows == [
        Row(2, ("+1", "", "")),
        Row(3, ("+2", "Bob", "Pune")),  # what stands beyond is blank
        Row(4, ("+3", "Doe", " Ann"), surplus=("Pune",)),
    ]


def test_a_column_without_a_header_gets_a_name_unless_it_is_blank() -> None:
    table = table_from_csv("phone,,column_2,,\n+1,x,y,,z\n")

    assert table.headers == ("phone", "column_2_", "column_2", "column_5")
    assert table.rows[0].cells == ("+1", "x", "y", "z")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The list is empty"),
        (" \n,,\n\t\n", "The list is empty"),
        ("phone,name\n", "has a header row and no rows below it"),
        ("phone,name\n,\n", "has a header row and no rows below it"),
        ("+12025550143,Ann\n+13035550143,Bob\n", "has no header row"),
        ("Ann;030 1234567\nBob;030 7654321\n", "has no header row"),
        ("phone,name,phone\n+1,Ann,+2\n", "Two columns are named 'phone'"),
        ("phone,name, name \n+1,Ann,Bob\n", "Two columns are named 'name'"),
        ('phone,name\n+1,"Ann\n+2,Bob\n', "Row 2 of the CSV has a quote that does not close"),
        ('phone,name\n+1,Ann\n+2,"Bob" Roe\n', "Row 3 of the CSV has a quote that does not close, or text after a"),
    ],
)
def test_what_is_no_table_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize("header", ["Phone 1", "2024", "12345", "2025 target", "1st name", "Q1/2025"])
def test_a_header_may_hold_some_digits(header: str) -> None:
    assert table_from_csv(f"phone,{header}\n+1,x\n").headers == ("phone", header)


def test_headers_that_differ_in_case_are_two_columns() -> None:
    assert table_from_csv("phone,Phone\n+1,+2\n").headers == ("phone", "Phone")


def test_headers_are_cleaned_and_cut() -> None:
    header = table_from_csv(f'phone,"two\nlines\u202e",{"x" * 500}\n+1,a,b\n').headers

    assert header[1] == "two lines"
    assert len(header[2]) == 120


def test_a_wide_list_is_read_in_time_proportional_to_its_size() -> None:
    wide = 100_000
    table = table_from_csv(f"phone{',' * wide}\n+1{',' * wide}x\n")

    assert table.headers == ("phone", f"column_{wide + 1}")  # what nothing stands in is no column


def test_typed_contacts_have_the_columns_of_the_vendor_and_every_variable() -> None:
    table = table_from_contacts(
        [
            TypedContact("+1", "Ann", variables={"city": "Pune"}),
            TypedContact("", "", "", "IN"),
            TypedContact("+2", "", "Roe", "IN", {"plan": "gold", "city": ""}),
        ]
    )

    assert table.headers == ("phoneNumber", "firstName", "lastName", "city", "plan")
    assert table.rows == [Row(1, ("+1", "Ann", "", "Pune", "")), Row(3, ("+2", "", "Roe", "", "gold"), "IN")]
    assert (table.phone_column, sorted(table.optional)) == ("phoneNumber", ["firstName", "lastName"])


@pytest.mark.parametrize("contacts", [[], [TypedContact("")], [TypedContact(" ", region="IN")]])
def test_no_contacts_are_no_list(contacts: list[TypedContact]) -> None:
    with pytest.raises(InvalidInput, match="The list is empty: give at least one contact"):
        table_from_contacts(contacts)


@pytest.mark.parametrize("name", ["phoneNumber", "firstName", "lastName"])
def test_a_variable_may_not_have_the_name_of_a_column_that_is_there(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is no variable but a column of its own"):
        table_from_contacts([TypedContact("+1", variables={name: "x"})])


@pytest.mark.parametrize(
    "text",
    [
        "Ann,+31612345678 (mobile)\nBob,+31612345677\n",
        "+31 6 12345678 home\n+31612345677\n",
        "name,phone\nBob,+31612345677\nDoe, John,+31612345678\n",
        "phone,other\n+31612345671,n/a\n+31612345672,none\n+31612345673,+31612345678\n",
        "phone,notes\n+31612345671,also +31612345678\n",
        "Do not call,\nAnn,+31612345678 x\nBob,+31612345677\n",
        *(
            f"name,{home},{mobile}\nAnn,06 12345678,+31611111111\nBob,020 1234567,+31612345677\n"
            for home, mobile in (("Home", "Mobile"), ("Festnetz", "Mobil"), ("DNC", "Phone"), ("value", "phone"))
        ),
        # phones that nobody would be called at from here, but that may be somebody's in the list
        "Name,Phone,Previous Phone\nAnn,06 12345671,06 12345678\n",
        "Name,Phone,Emergency contact phone\nAnn,06 12345671,06 12345678\n",
        "Name,Phone,Fax\nAnn,06 12345671,06 12345678\n",
        "Name,Mob,Alt\nAnn,06 12345678,06 12345671\nBob,n/a,06 12345672\nCem,none,06 12345673\n",
        "Name,Phone,Notes\nAnn,06 12345671,call 06 12345678 no more since 12.03.2024\n",
        "Name,Phone,Notes\nAnn,06 12345671,12.03.24 called 06 12345678 12.03.24 said no\n",
        "Notes\nAnn said never (06-12345678)\nBob: 06 12345671\n",
        "Tel: 06 12345678\nName,Phone\nAnn,06 12345671\n",
        "Phone,Phone\n06 12345671,06 12345678\n",
        "Phone\n06 12345671\n06123-45671/78\n",
        "Phone\n06123-45671/72/78\n",
    ],
)
def test_a_number_of_a_suppression_file_counts_wherever_it_stands(text: str) -> None:
    known = KnownNumbers((cell, "") for cell in suppressed_cells(File(".csv", text.encode())))

    assert known.find(E164("+31612345678")) is not None


def test_digits_of_a_suppression_file_that_are_named_as_no_phones_leave_nobody_out() -> None:
    text = (
        "Kundennummer,Phone,Date,Amount\n612345678,06 12345671,20240310,12345678\n612345679,06 12345672,20240311,1234\n"
    )

    assert suppressed_cells(File(".csv", text.encode())) == ["06 12345671", "06 12345672"]


def test_a_line_that_is_not_wholly_in_quotes_keeps_its_cells() -> None:
    table = table_from_csv('"phone,name,Notes"\n"+31612345678,Ann,ok"\n+31612345679,Bob,do not call\n')

    assert cells(table) == [("+31612345678", "Ann", "ok"), ("+31612345679", "Bob", "do not call")]


UNWILLING = "By its name the file may be one of people who must not be called: ask before calling them."


@pytest.mark.parametrize(
    "stem",
    [
        *("unsub_list", "Unsubscribers May", "STOP list", "suppression", "DND", "no_consent", "removals", "bounced"),
        *("Abmeldungen", "bajas", "desinscrits", "de\u0301sinscrits 2024", "opt-outs", "do_not_contact", "StopList"),
    ],
)
def test_the_name_of_a_file_of_unwilling_people_is_told(stem: str) -> None:
    table = table_from_file(File(".csv", b"phone\n+12025550143\n", stem))

    assert UNWILLING in table.notes
    assert table.unwilling


@pytest.mark.parametrize(
    "stem",
    [
        *("leads", "Baja California", "Bounce House customers", "Smith Removals customers", "bus stop list"),
        *("leads minus unsubs", "kunden_ohne_abmeldungen", "scrubbed against suppression", "leads_no_bounces"),
    ],
)
def test_the_name_of_another_file_is_not(stem: str) -> None:
    table = table_from_file(File(".csv", b"phone\n+12025550143\n", stem))

    assert UNWILLING not in table.notes
    assert not table.unwilling


def test_lines_of_a_number_and_a_name_are_told_how_to_be_divided() -> None:
    with pytest.raises(InvalidInput) as refused:
        table_from_file(File(".txt", b"+919876543210 Ann\n+919876543211 Bob\n"))

    assert str(refused.value) == (
        "No cell of the file is a phone number alone: some have one beside other text. If it is a contact list, put a comma "
        "between the number and the rest of each line, and a header row such as phone,name above them. Nothing of the file is "
        "shown."
    )
