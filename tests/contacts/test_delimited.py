"""Any table, written in any dialect and encoding, reads back to the same rows."""
# Look-alike characters are what people write.

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiences_mcp.contacts.delimited import decode, delimited_records
from audiences_mcp.contacts.sources import File, table_from_csv, table_from_file
from audiences_mcp.errors import InvalidInput

PHONES = ("+12025550143", "+442079460958", "020 7946 0958", "+91 98765 43210")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
WESTERN = (
    "José Muñoz",
    "Jürgen Groß",
    "Zoë",
    "Åsa Öhman",
    "François Noël",
    "Søren",
    "O’Brien – “Bob”",
    "20 €",
    "a;b,c|d",
    "",
)
western = st.sampled_from(WESTERN)
any_script = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t"), max_size=8)


def written(rows: list[list[str]], delimiter: str, ending: tuple[int, str]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=ending[0], lineterminator=ending[1]).writerows(rows)  # type: ignore[arg-type] # ints are documented
    return stream.getvalue()


def bodies(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    row = st.tuples(text, st.sampled_from(PHONES), text).map(list)
    return st.lists(row, min_size=1, max_size=12)


# With \r alone the writer of the library leaves \n without quotes.
endings = [(csv.QUOTE_MINIMAL, "\n"), (csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r")]
dialects = st.tuples(st.sampled_from(",;\t|"), st.sampled_from(endings))


@given(bodies(any_script), dialects, st.sampled_from(ENCODINGS), st.sampled_from([[], [["Leads for May"], []]]))
@settings(max_examples=300, deadline=None)
def test_every_cell_arrives_in_every_dialect_and_encoding_of_unicode(
    body: list[list[str]], dialect: tuple[str, tuple[int, str]], encoding: str, titles: list[list[str]]
) -> None:
    text = written([*titles, ["name", "phone", "note"], *body], *dialect)

    table = table_from_file(File(".csv", text.encode(encoding)))

    assert table.headers[:2] == ("name", "phone")
    width = len(table.headers)
    assert [list(row.cells) for row in table.rows] == [row[:width] for row in body]
    assert [row.number for row in table.rows] == [len(titles) + 2 + place for place in range(len(body))]


@given(bodies(western), dialects)
@settings(max_examples=200, deadline=None)
def test_every_cell_arrives_in_windows_1252(body: list[list[str]], dialect: tuple[str, tuple[int, str]]) -> None:
    text = written([["name", "phone", "city"], *[[f"{row[0]} Müller", *row[1:]] for row in body]], *dialect)

    table = table_from_file(File(".csv", text.encode("cp1252")))

    assert table.notes == ("The file is not UTF-8; it was read as Windows-1252: check that names look right.",)
    assert [row.cells[:2] for row in table.rows] == [(f"{row[0]} Müller", row[1]) for row in body]


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("name\nAnn", "utf-8", ""),
        ("name\nZoë", "utf-8-sig", ""),
        ("name\nZoë", "utf-16", "UTF-16"),
        ("name\nZoë", "utf-16-be", "UTF-16"),
        ("name\nZoë", "utf-32", "UTF-32"),
        ("name\nZoë Müller", "latin-1", "Windows-1252"),
        ("imię\nŁukasz Żółć z Łodzi", "cp1250", "Windows-1250"),
        ("имя\nИван Петров из Москвы", "cp1251", "Windows-1251"),
        ("όνομα\nΓιώργος Παπαδόπουλος", "cp1253", "Windows-1253"),
        ("ad\nGüneş Işık Şahin Yıldız", "cp1254", "Windows-1254"),
        ("الاسم\nمحمد بن عبد الله", "cp1256", "Windows-1256"),
        ("名前,電話\n山田太郎\n佐藤花子", "shift_jis", "CP932"),
        ("姓名,电话\n王小明\n李华", "gb18030", "GB18030"),
    ],
)
def test_the_encoding_is_found_and_named_where_it_is_not_utf_8(text: str, encoding: str, told: str) -> None:
    assert decode(text.encode(encoding)) == (text, told)


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04\x14\0\0", b"phone\n+1\0\0\n", b"\xff\xfea", b"\xff\xfe\0\xd8a"],
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="The file is no text"):
        decode(content)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_list_or_are_refused(content: bytes) -> None:
    try:
        table = table_from_file(File(".csv", content))
    except InvalidInput:
        return
    assert table.rows


def test_a_list_whose_first_letters_are_ascii_is_decoded_by_the_others() -> None:
    content = b"name,phone\n" + b"Ann,+12025550143\n" * 20_000 + "Renée Noël,+33612345678\n".encode("cp1252")

    text, encoding = decode(content)

    assert encoding == "Windows-1252"
    assert text.endswith("Renée Noël,+33612345678\n")


def test_reading_tells_how_far_it_is_and_can_be_stopped() -> None:
    class Stop(Exception):
        pass

    told: list[int] = []

    def tick(done: int, _: int) -> None:
        told.append(done)
        if len(told) == 3:
            raise Stop

    with pytest.raises(Stop):
        list(delimited_records("a\n" * 100_000, tick=tick))
    assert told == [2_000, 4_000, 6_000]


@pytest.mark.parametrize("separator", ["; ", " | ", "\t"])
@pytest.mark.parametrize("first", ["+14155552671", "bad", "+14155552671 x5"])
def test_the_cells_of_one_column_are_not_cut_where_they_hold_several_numbers(first: str, separator: str) -> None:
    cells = ["phone", f"{first}{separator}+14155552672", f"+14155552673{separator}+14155552674"]

    assert [row for _, row in delimited_records("\n".join(cells))] == [[cell] for cell in cells]


def test_a_title_above_a_header_row_does_not_hide_the_delimiter() -> None:
    text = "Leads of May\nname;phone\nAsha;+919876543210\n"

    assert [row for _, row in delimited_records(text)] == [
        ["Leads of May"],
        ["name", "phone"],
        ["Asha", "+919876543210"],
    ]


def test_cells_with_lines_of_their_own_do_not_hide_the_delimiter() -> None:
    cells = [["phone", "note"], ["+14155552671", "a;b;c\nd;e;f\ng;h;i"], ["+14155552672", "k;l;m\n\nn;o;p"]]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(cells)

    assert [row for _, row in delimited_records(text.getvalue())] == cells


def test_a_stray_quote_that_swallows_rows_is_told_of() -> None:
    swallowed = '+919876543210,Bob,"likes 5\n+919876543211,Cid,Delhi\n+919876543212,Dee,Agra"\n+919876543213,Eve,X\n'
    meant = '+919876543210,Bob,"call first:\nCid, then Dee, 5\n+919876543211"\n'

    told = table_from_csv("phone,name,note\n" + swallowed).notes

    assert " ".join(told) == (
        'A cell of row 2 has lines that look like further rows, of people who are not counted: look for a quote (") that '
        "opens there and should not."
    )
    assert table_from_csv("phone,name,note\n" + meant).notes == ()


def test_a_space_after_each_delimiter_may_stand_before_a_quote() -> None:
    spaced = table_from_csv('phone, name, note\n+919876543210, "Doe, John", x\n')
    unspaced = table_from_csv("phone,name\n+919876543210, Ann\n")

    assert spaced.headers == ("phone", "name", "note")
    assert spaced.rows[0].cells == ("+919876543210", "Doe, John", "x")
    assert unspaced.rows[0].cells == ("+919876543210", " Ann")


def test_titles_above_a_header_row_and_a_single_row_do_not_hide_the_delimiter() -> None:
    text = "DNC list\nas of 2024\n\nNumber;Name\n0151 12345678;Ann\n"

    assert [cells for _, cells in delimited_records(text)][-2:] == [["Number", "Name"], ["0151 12345678", "Ann"]]


def test_two_numbers_in_the_last_cell_of_one_column_are_no_second_column() -> None:
    text = "phone\n0151 12345678\n0151 12345679\n0151 12345670; 0151 12345671\n"

    assert [cells for _, cells in delimited_records(text)][-1] == ["0151 12345670; 0151 12345671"]
