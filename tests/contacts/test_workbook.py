"""Workbooks: any table reads back, what would not fit into memory is refused before it is opened."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from audiences_mcp.contacts import workbook as module
from audiences_mcp.contacts.sources import File, suppressed_cells, table_from_file
from audiences_mcp.contacts.tables import Table
from audiences_mcp.errors import InvalidInput

LIST = [["phone", "name"], ["+12025550143", "Ann"], ["+442079460958", "Bob"]]
Fill = Callable[[xlsxwriter.Workbook], object]


def workbook(fill: Fill, **options: object) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, **options}) as book:
        fill(book)
    return stream.getvalue()


def sheet(*rows: list[str], name: str = "Leads") -> Fill:
    def fill(book: xlsxwriter.Workbook) -> None:
        added = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                added.write_string(number, place, cell)

    return fill


def table(content: bytes, name: str | None = None) -> Table:
    return table_from_file(File(".xlsx", content), name)


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        table(content)
    return str(caught.value)


def changed(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a workbook with each part of its archive changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
    return stream.getvalue()


def spoilt(content: bytes, place: bytes, by: bytes) -> bytes:
    """Return a workbook with bytes of its directory replaced, after the group that the place begins with."""
    return re.sub(place, lambda found: found[1] + by, content, flags=re.DOTALL)


text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12).filter(
    lambda cell: "_x" not in cell
)


@given(
    st.lists(
        st.tuples(text, st.sampled_from(["+12025550143", "020 7946 0958"]), text).map(list), min_size=1, max_size=8
    )
)
@settings(max_examples=60, deadline=None)
def test_every_cell_of_any_table_arrives(body: list[list[str]]) -> None:
    found = table(workbook(sheet(["name", "phone", "note"], *body)))

    width = len(found.headers)
    assert [list(row.cells) for row in found.rows] == [row[:width] for row in body]
    assert [row.number for row in found.rows] == list(range(2, len(body) + 2))


@given(st.integers(10**6, 10**15 - 1))
@settings(max_examples=100, deadline=None)
def test_a_number_stored_as_a_number_keeps_all_digits(number: int) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        added = book.add_worksheet()
        added.write_row(0, 0, ["phone", "name"])
        added.write_row(1, 0, [number, "Ann"])
        added.write_row(2, 0, ["+12025550143", "Bob"])

    assert table(workbook(fill)).rows[0].cells == (str(number), "Ann")


@pytest.mark.parametrize("place", [(1_048_575, 16_383), (1_048_575, 20), (5, 16_383), (700_000, 8)])
def test_a_cell_far_from_the_list_is_refused_before_the_memory_between_is_asked_for(place: tuple[int, int]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(*LIST)(book)
        book.worksheets()[0].write(*place, "x")

    content = workbook(fill)
    if place == (5, 16_383):  # wide and low is little
        assert table(content).headers == ("phone", "name")
    else:
        assert refusal(content).startswith("The workbook is too large to read")


@pytest.mark.parametrize(
    "row",
    [
        '<row><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="9"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='9'><c r='XFD1048576'><v>1</v></c></row>",
        '<row r = "9"><c s="1" r = "XFD1048576"><v>1</v></c></row>',
        '<row r="9"><c r="xfd1048576"><v>1</v></c></row>',
        '<row r="1048576"><c><v>1</v></c></row><row><c r="XFD9"><v>1</v></c></row>',
        '<row r="9"><c r="A9"><v>1</v></c></row>' + "<row/>" * 700_000 + "<row>" + "<c><v>1</v></c>" * 300 + "</row>",
        '<row r="2958466"><c r="A2958466"><v>1</v></c></row>',
    ],
    ids=["no row", "another row", "single quotes", "spaces", "small letters", "rows", "implied", "beyond Excel"],
)
def test_a_far_cell_is_found_however_it_is_written(row: str) -> None:
    def add(part: str, old: bytes) -> bytes:
        return old.replace(b"</sheetData>", row.encode() + b"</sheetData>") if part.endswith("sheet1.xml") else old

    assert refusal(changed(workbook(sheet(*LIST)), add)).startswith("The workbook is too large to read")


def test_a_far_cell_is_found_in_a_part_of_any_name() -> None:
    def move(_: str, old: bytes) -> bytes:
        return old.replace(b"worksheets/sheet1.xml", b"data/one.xml")

    content = workbook(lambda book: book.add_worksheet().write(1_048_575, 16_383, "x"))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(changed(content, move))) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.namelist():
            new.writestr(part.replace("worksheets/sheet1.xml", "data/one.xml"), old.read(part))

    assert refusal(stream.getvalue()).startswith("The workbook is too large to read")


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(sheet(*LIST))
    monkeypatch.setattr(module, "_MAX_UNPACKED", 1_000)

    assert refusal(content).startswith("The workbook is too large to read")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"phone\n+12025550143\n",
        b"PK\x03\x04" + b"\0" * 50,
        workbook(sheet(*LIST))[:3_000],
        changed(workbook(sheet(*LIST)), lambda part, old: b"<broken" if part == "xl/workbook.xml" else old),
        changed(workbook(sheet(*LIST)), lambda part, old: b"<broken" if part.endswith("sheet1.xml") else old),
        changed(workbook(sheet(*LIST)), lambda part, old: b"" if part.endswith(".rels") else old),
        # flags and places of the archive's directory (APPNOTE of the ZIP format, 4.3.12)
        re.sub(rb"(PK\x01\x02.{4}).", lambda found: found[1] + b"\x01", workbook(sheet(*LIST)), flags=re.DOTALL),
        re.sub(
            rb"(PK\x05\x06.{12}).{4}",
            lambda found: found[1] + b"\xff\xff\xff\x7f",
            workbook(sheet(*LIST)),
            flags=re.DOTALL,
        ),
    ],
    ids=["empty", "text", "no archive", "cut", "no book", "no sheet", "no links", "encrypted part", "places beyond"],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    assert refusal(content).startswith(
        ("The workbook cannot be read", "The sheet is empty", "The workbook is too large")
    )


@pytest.mark.parametrize(("method", "begin"), [(zipfile.ZIP_BZIP2, b"BZh9"), (zipfile.ZIP_LZMA, b"\x09\x04\x05\x00]")])
def test_what_no_workbook_is_packed_with_is_not_unpacked(method: int, begin: bytes) -> None:
    """A broken part of these fails in ways of its own, and LZMA may ask for 4 GB at once."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(sheet(*LIST)))) as old, zipfile.ZipFile(stream, "w", method) as new:
        for part in old.namelist():
            new.writestr(part, old.read(part))

    broken = stream.getvalue().replace(begin, begin[:-1] + b"\xff")

    assert broken != stream.getvalue()
    assert "it is damaged, or no .xlsx file" in refusal(broken)


def test_a_list_on_several_sheets_is_read_by_its_name_case_ignored() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(*LIST, name="May leads")(book)
        sheet(LIST[0], ["+919876543210", "Cid"], name="June")(book)

    content = workbook(fill)

    assert (
        refusal(content)
        == "Several sheets have phone numbers: ask which to read, then set sheet to it. Its sheets: 'May leads', 'June'."
    )
    assert table(content, "JUNE").rows[0].cells == ("+919876543210", "Cid")
    assert table(content, " may  leads ").rows[0].cells == ("+12025550143", "Ann")


def test_many_sheets_are_not_all_named() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for number in range(25):
            sheet(*LIST, name=f"S{number}")(book)

    assert refusal(workbook(fill)).endswith("'S19' and 5 more.")


def test_a_workbook_whose_sheets_are_all_hidden_has_nothing_to_read() -> None:
    def hide(part: str, old: bytes) -> bytes:
        return old.replace(b"<sheet ", b'<sheet state="hidden" ') if "workbook.xml" in part else old

    content = changed(workbook(sheet(*LIST)), hide)

    assert "Its sheets: none that is visible." in refusal(content)


def test_suppressed_numbers_are_taken_from_every_sheet_with_and_without_a_header() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(*LIST, name="With header")(book)
        sheet(["+919876543210"], ["+919876543211"], name="Without")(book)
        book.add_worksheet("Empty")
        sheet(["phone", "x"], ["+33612345678", ""], name="Hidden")(book)
        book.worksheets()[3].hide()

    assert suppressed_cells(File(".xlsx", workbook(fill))) == [
        "+12025550143",
        "+442079460958",
        "+919876543210",
        "+919876543211",
        "+33612345678",
    ]


def test_the_sheets_that_were_not_read_are_told_and_a_telling_name_asked_about() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(*LIST, name="Do not call")(book)
        sheet(["a"], ["b"], name="Notes")(book)
        sheet(*LIST, name="Old")(book)
        book.worksheets()[2].hide()

    found = table(workbook(fill), "Do not call")

    assert found.notes == (
        "Sheets that were not read: 'Notes', 'Old' (hidden).",
        "By its name the sheet may be one of people who must not be called: ask before calling them.",
    )


def test_a_sheet_of_people_to_leave_out_that_was_not_read_is_told_for_what_it_is() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(*LIST, name="Leads")(book)
        for name in ("Do not call", "Pivot", "Unsubscribes"):
            sheet(["a"], ["b"], name=name)(book)
        book.worksheets()[3].hide()

    found = table(workbook(fill), "Leads")

    assert found.notes == (
        "Sheets that were not read: 'Do not call', 'Pivot', 'Unsubscribes' (hidden).",
        (
            "Not compared, though by name of people who must not be called: 'Do not call', 'Unsubscribes'. Ask whether to "
            "leave them out: save that sheet as a file of its own and set it as AUDIENCES_MCP_SUPPRESSION_FILE, or check it "
            "(sheet) and give its check_id to remove_audience_members before anybody is called."
        ),
    )


def test_hidden_rows_are_told_by_their_numbers() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet(LIST[0], *[[f"+120255501{place:02}", "x"] for place in range(8)])(book)
        for row in (1, 3, 4, 5, 6, 7):
            book.worksheets()[0].set_row(row, options={"hidden": True})

    (told,) = table(workbook(fill)).notes

    assert told.startswith(
        "6 rows of the sheet are hidden, by a filter perhaps (row 2, 4, 5, 6, 7 …); they are part of the list"
    )


def test_comments_on_cells_are_not_read_and_that_is_told_of_their_sheet_alone() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for name in ("Leads", "More"):
            page = book.add_worksheet(name)
            page.write_column(0, 0, ["phone", "+31612345678"])
            if name == "Leads":
                page.write_comment(1, 0, "do not call")

    note = "Cells of the sheet have comments, which were not read: see whether one says not to call somebody."
    content = workbook(fill)

    assert note in table(content, "Leads").notes
    assert note not in table(content, "More").notes
