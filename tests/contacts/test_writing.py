"""What a cell says, before any country is applied."""
# Look-alike characters are what people write.

from time import process_time

import pytest

from audiences_mcp.contacts.reasons import Note, Reason, Refusal
from audiences_mcp.contacts.writing import Written, is_date, parse_cell, split_cell, without_extension


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("+12025550123", "+12025550123"),
        ("12025550123", "12025550123"),
        ("(202) 555-0123", "2025550123"),
        ("202.555.0123", "2025550123"),
        ("202-555-0123", "2025550123"),
        ("[202] 555 0123", "2025550123"),
        ("030/1234567", "0301234567"),
        (" +44 20 7946 0958 ", "+442079460958"),
        ("+44 (0)20 7946 0958", "+4402079460958"),
        ("(+44) 20 7946 0958", "+442079460958"),
        ("++44 20 7946 0958", "+442079460958"),
        ("00 44 20 7946 0958", "00442079460958"),
        ("+44\N{NO-BREAK SPACE}20\N{NARROW NO-BREAK SPACE}7946 0958", "+442079460958"),
        ("+44‑20–7946—0958", "+442079460958"),  # hyphens and dashes that word processors write
        ("\u202a+44 20 7946 0958\u202c", "+442079460958"),  # as copied from an address book
        ("+44\u200b20\u00ad7946\ufeff0958", "+442079460958"),
        ("＋４４ ２０ ７９４６ ０９５８", "+442079460958"),
        ("+1 202 555 0123.", "+12025550123"),
        ("+12025550123;", "+12025550123"),
        ("2025550123,", "2025550123"),
    ],
)
def test_digits_and_plus_are_taken_from_any_punctuation(cell: str, digits: str) -> None:
    written = parse_cell(cell)

    assert isinstance(written, Written)
    assert ("+" * written.plus) + written.digits == digits


@pytest.mark.parametrize(
    ("cell", "digits", "note"),
    [
        ("2025550123.0", "2025550123", Note.TRAILING_ZERO),
        ("+2025550123.0", "2025550123", Note.TRAILING_ZERO),
        ("9876543214.00", "9876543214", Note.TRAILING_ZERO),
        ("2025550123.0000", "2025550123", Note.TRAILING_ZERO),
        ("'+12025550123", "12025550123", Note.APOSTROPHE),
        ("’07911123456", "07911123456", Note.APOSTROPHE),
        ('="07911123456"', "07911123456", Note.APOSTROPHE),
        ("p:+46701234567", "46701234567", Note.LABEL),
        ("tel:+1-202-555-0123", "12025550123", Note.LABEL),
        ("tel://+12025550123", "12025550123", Note.LABEL),
        ("TEL: 030 1234567", "0301234567", Note.LABEL),
        ("whatsapp:+14155238886", "14155238886", Note.LABEL),
        ("Mobile: 07911 123456", "07911123456", Note.LABEL),
        ("Tel. 030 1234567", "0301234567", Note.LABEL),
        ("Tel.: 030 1234567", "0301234567", Note.LABEL),
        ("Phone (202) 555-0123", "2025550123", Note.LABEL),
        ("Tel 1-202-555-0123", "12025550123", Note.LABEL),
        ("M-98765 43210", "9876543210", Note.LABEL),
        ("Mob - +91 98765 43210", "919876543210", Note.LABEL),
        ("(M) 9876543210", "9876543210", Note.LABEL),
        ("☎️ 030 1234567", "0301234567", Note.LABEL),
        ("tel:555-0123;phone-context=+1-202", "12025550123", Note.LABEL),
        ("٠٩١٢٣٤٥٦٧٨٩", "09123456789", Note.OTHER_DIGITS),
        ("+९१ ९८७६५ ४३२१०", "919876543210", Note.OTHER_DIGITS),
        ("1-800-FLOWERS", "18003569377", Note.VANITY),
        ("(800) GO-FEDEX", "8004633339", Note.VANITY),
        ("+1 888 555 4ABC", "18885554222", Note.VANITY),
    ],
)
def test_what_programs_and_people_add_is_mended_and_noted(cell: str, digits: str, note: Note) -> None:
    written = parse_cell(cell)

    assert isinstance(written, Written)
    assert (written.digits, written.notes) == (digits, (note,))


def test_everything_that_was_mended_in_one_cell_is_noted() -> None:
    written = parse_cell("'tel: ९८७६५४३२१०.0")

    assert isinstance(written, Written)
    assert written.notes == (Note.OTHER_DIGITS, Note.APOSTROPHE, Note.LABEL, Note.TRAILING_ZERO)


@pytest.mark.parametrize(
    ("reason", "cell"),
    [
        (Reason.EMPTY, ""),
        (Reason.EMPTY, " \t\n"),
        (Reason.EMPTY, "-"),
        (Reason.EMPTY, "+"),
        (Reason.EMPTY, "()"),
        (Reason.EMPTY, "'"),
        (Reason.EMPTY, "\u200b\u202e"),
        (Reason.EMPTY, " " * 2_000),
        (Reason.EXCEL_DAMAGED, "9.19877E+11"),
        (Reason.EXCEL_DAMAGED, "9.19877e+11"),
        (Reason.EXCEL_DAMAGED, "9,19877E+11"),
        (Reason.EXCEL_DAMAGED, "+9.19877E11"),
        (Reason.EXCEL_DAMAGED, "9E+11"),
        (Reason.EXCEL_DAMAGED, "919e9"),
        (Reason.EXCEL_DAMAGED, "9.E+11"),
        (Reason.EXCEL_DAMAGED, "9.19E+11; 9.18E+11"),
        (Reason.EXCEL_DAMAGED, "1.2 E + 12"),
        (Reason.EXCEL_DAMAGED, "٩٫١E+11".replace("٫", ".")),
        (Reason.EXCEL_DAMAGED, "2025550123.5"),
        (Reason.EXCEL_DAMAGED, "2025550123,25"),
        (Reason.EXCEL_DAMAGED, "########"),
        (Reason.EXCEL_DAMAGED, "#N/A"),
        (Reason.EXCEL_DAMAGED, "#VALUE!"),
        (Reason.EXCEL_DAMAGED, "-8472"),
        (Reason.MULTIPLE_NUMBERS, "2025550123; 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123; 9.19E+11"),
        (Reason.MULTIPLE_NUMBERS, "98765 43215;98765 43216"),
        (Reason.MULTIPLE_NUMBERS, "98765-43211;98765-43212"),
        (Reason.MULTIPLE_NUMBERS, "98765 43215,98765 43216"),
        (Reason.MULTIPLE_NUMBERS, "2025550123, 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123 / 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123/3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123\n3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123 ::: 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "2025550123 or 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "030 1234567 und 030 7654321"),
        (Reason.MULTIPLE_NUMBERS, "+12025550123+13035550123"),
        (Reason.MULTIPLE_NUMBERS, "+1 202 555 0123 +1 303 555 0123"),
        (Reason.MULTIPLE_NUMBERS, "home: 2025550123, work: 3035550123"),
        (Reason.MULTIPLE_NUMBERS, "13812345678、13912345678"),
        (Reason.MULTIPLE_NUMBERS, "+44 20 7946 0958 or 0959"),
        (Reason.MULTIPLE_NUMBERS, "2025550123 ext 4; 3035550123"),
        (Reason.EXTENSION, "+1 202 555 0123 ext. 45"),
        (Reason.EXTENSION, "2025550123x45"),
        (Reason.EXTENSION, "(202) 555-0123 #45"),
        (Reason.EXTENSION, "+12025550123,,45#"),
        (Reason.EXTENSION, "+12025550123;45"),
        (Reason.EXTENSION, "+12025550123p45"),
        (Reason.EXTENSION, "+12025550123w45"),
        (Reason.EXTENSION, "+12025550123;ext=45"),
        (Reason.EXTENSION, "tel:+1-202-555-0123;ext=45"),
        (Reason.EXTENSION, "030 1234567 Durchwahl 12"),
        (Reason.EXTENSION, "+7 495 123-45-67 доб. 89"),
        (Reason.EXTENSION, "+52 55 1234 5678 extension: 12"),
        (Reason.NOT_A_NUMBER, "none"),
        (Reason.NOT_A_NUMBER, "n/a"),
        (Reason.NOT_A_NUMBER, "Fax: 030 1234567"),  # a label, but not of a line that talks
        (Reason.NOT_A_NUMBER, "Phone 2 030 1234567"),  # the 2 counts the phones
        (Reason.NOT_A_NUMBER, "2025550123*"),
        (Reason.NOT_A_NUMBER, "*67 2025550123"),
        (Reason.NOT_A_NUMBER, "44+7911123456"),
        (Reason.NOT_A_NUMBER, "7911123456+44"),
        (Reason.NOT_A_NUMBER, "2025550123²"),
        (Reason.NOT_A_NUMBER, "$1234567"),
        (Reason.NOT_A_NUMBER, "1,234,567"),
        (Reason.NOT_A_NUMBER, "12.345,67"),
        (Reason.NOT_A_NUMBER, "INV-2024001234"),
        (Reason.NOT_A_NUMBER, "40.7128,-74.0060"),
        (Reason.NOT_A_NUMBER, "someone@example.com"),
        (Reason.NOT_A_NUMBER, "https://wa.me/919876543210"),
        (Reason.NOT_A_NUMBER, "2025-01-31"),
        (Reason.NOT_A_NUMBER, "31.1.2025"),
        (Reason.NOT_A_NUMBER, "1/31/2025"),
        (Reason.NOT_A_NUMBER, "2025-01-31 10:30:00"),
        (Reason.NOT_A_NUMBER, "tel:7042;phone-context=example.com"),
        (Reason.NOT_A_NUMBER, "1-800-MATTRESS"),  # eight letters: who dials drops one, a program must not
        (Reason.NOT_A_NUMBER, "1-202-FLOWERS"),  # no toll-free code
        (Reason.NOT_A_NUMBER, "1" * 501),
        (Reason.NOT_A_NUMBER, "lorem ipsum " * 100),
    ],
)
def test_what_is_no_single_number_is_refused_with_its_reason(reason: Reason, cell: str) -> None:
    refusal = parse_cell(cell)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("John 2025550123", "Write the digits only: 2025550123, if nothing else was meant."),
        ("+1 (202) 555-0123 Bob", "Write the digits only: +12025550123, if nothing else was meant."),
        ("202555CALL", "Write the digits only: 2025552255 as spelled on a keypad, if that was meant."),
        ("2O25550l23", "It has letters among its digits: write 2025550123, if that was meant."),
        ("+44 2O 7946 O958", "It has letters among its digits: write +442079460958, if that was meant."),
        ("31.01.2025", "It reads as a date: give the phone number."),
        ("call me", "This is not a phone number: correct it, or leave the row out."),
        ("order 12345", "This is not a phone number: correct it, or leave the row out."),
        ("T-1234", "This is not a phone number: correct it, or leave the row out."),
        ("12 / +919876543210", "This is not a phone number: correct it, or leave the row out."),
        ("Fax +49 30 1234567", "It is a fax: give a number that somebody answers."),
        ("030 1234567 (Telefax)", "It is a fax: give a number that somebody answers."),
        ("F: 030 1234567", "It is a fax: give a number that somebody answers."),
        ("Tel/Fax 030 1234567", "Write the digits only: 0301234567, if nothing else was meant."),
    ],
)
def test_the_hint_for_letters_gives_the_digits_to_confirm(cell: str, hint: str) -> None:
    refusal = parse_cell(cell)

    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.hint) == (Reason.NOT_A_NUMBER, hint)


@pytest.mark.parametrize(
    ("cell", "heads", "gaps"),
    [
        ("030/1234567", ("030",), ()),
        ("030/1234567/57", ("030", "0301234567"), ()),
        ("+49 30/1234567/57", ("4930", "49301234567"), ()),
        ("03-1234-5678～9", ("0312345678",), ()),
        ("0049176/1234567", ("0049176",), ("0049176",)),
        ("0664123 4567890", (), ("0664123",)),
        ("0664 123-456 7890", (), ("0664123",)),
        ("/1234567", (), ()),
        ("+44 20 7946 0958", (), ()),
    ],
)
def test_places_where_a_second_number_may_begin_are_remembered(
    cell: str, heads: tuple[str, ...], gaps: tuple[str, ...]
) -> None:
    written = parse_cell(cell)

    assert isinstance(written, Written)
    assert (written.heads, written.gaps) == (heads, gaps)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("+12025550123", ["+12025550123"]),
        ("2025550123; 3035550123", ["2025550123", "3035550123"]),
        ("2025550123, (303) 555-0123", ["2025550123", "(303) 555-0123"]),
        ("2025550123 / 3035550123", ["2025550123", "3035550123"]),
        ("2025550123 3035550123", ["2025550123", "3035550123"]),
        ("+1 202 555 0123 +1 303 555 0123", ["+1 202 555 0123", "+1 303 555 0123"]),
        ("2025550123 ::: 3035550123", ["2025550123", "3035550123"]),
        ("13812345678、13912345678", ["13812345678", "13912345678"]),
        ("home: 2025550123 | work: 3035550123", ["home: 2025550123", "work: 3035550123"]),
        ("030 1234 5678 030 1234 5679", ["030 1234 5678 030 1234 5679"]),  # 030 1234 is somebody else's number
        ("040/1234/5678", ["040/1234/5678"]),
        ("0151 23456789 / 0171 2345679", ["0151 23456789", "0171 2345679"]),
        ("0049 (0)2151 / 1234567", ["0049 (0)2151 / 1234567"]),
        ("; ;", []),
        ("1 " * 300, ["1 " * 300]),
    ],
)
def test_a_cell_is_cut_into_its_numbers_only_where_that_is_sure(cell: str, numbers: list[str]) -> None:
    assert split_cell(cell) == numbers


@pytest.mark.parametrize("tail", [" ext. 12", "x12", " #12", ",,12#", ";12", "p12", ""])
def test_an_extension_can_be_taken_off(tail: str) -> None:
    assert without_extension(f"+1 202 555 0123{tail}") == "+1 202 555 0123"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2025-01-31", True),
        (" 31/01/2025 ", True),
        ("1.2.1999", True),
        ("12/31/2025", True),
        ("2025-01-31T10:30:00Z", True),
        ("2025/1/31 10.30", True),
        ("2025-13-31", False),
        ("31/31/2025", False),
        ("2025-01/31", False),
        ("20 25 01 31", False),  # a Danish number
        ("2025550123", False),
        ("31.01.2125", False),
    ],
)
def test_dates_are_told_from_numbers(text: str, date: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_date(text) is date


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        " ",
        "+",
        "/",
        "1/",
        "1 ",
        "1;",
        "(",
        "1e",
        "e 1 ",
        "1 x ",
        "##",
        "１",
        "\u200b",
        "p:",
        ";phone-context=+1",
        "00",
    ],
)
def test_no_cell_takes_long_however_long_it_is(unit: str) -> None:
    cell = unit * (1_000_000 // len(unit))
    began = process_time()

    parse_cell(cell)
    parse_cell(cell[:500])
    split_cell(cell)
    split_cell(cell[:500])
    without_extension(cell)

    assert process_time() - began < 3


def test_zeros_after_a_point_between_groups_are_a_part_of_the_number() -> None:
    assert parse_cell("(202) 555.0000") == Written("2025550000", plus=False)


@pytest.mark.parametrize("cell", ["9.876543228E9", "9.19876543228E+11", "9,876543228e9"])
def test_scientific_notation_with_all_digits_is_refused_without_the_claim_that_they_are_lost(cell: str) -> None:
    assert parse_cell(cell) == Refusal(
        Reason.EXCEL_DAMAGED,
        "It is in scientific notation: write the number in full, or format the column as text and export again.",
    )


@pytest.mark.parametrize("cell", ["9.87654E+11", "9.876543228E-9", "9E+11"])
def test_scientific_notation_that_lost_digits_says_so(cell: str) -> None:
    refused = parse_cell(cell)

    assert isinstance(refused, Refusal)
    assert "its digits are lost" in refused.hint
