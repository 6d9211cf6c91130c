"""Where lists come from: typed contacts, CSV text and files become tables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from audiences_mcp.contacts.columns import holds_phone_numbers, phone_cells
from audiences_mcp.contacts.consent import OF_UNWILLING, names_unwilling
from audiences_mcp.contacts.delimited import decode, delimited_records
from audiences_mcp.contacts.tables import (
    FIRST_NAME,
    LAST_NAME,
    PHONE,
    Layout,
    Record,
    Row,
    Table,
    Tick,
    numbers_inside,
    table_from_records,
)
from audiences_mcp.contacts.workbook import Workbook, open_workbook
from audiences_mcp.errors import InvalidInput
from audiences_mcp.text import in_short, line, several

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
"""The files that a list may come in."""

_WITH_PLUS = re.compile(r"\+\d(?:[\s().-]{0,3}\d){6,}")
_MOST_NAMED = 5
_TAB = "\t"
_HEAD = 100_000  # characters that show which delimiter is meant


def _no_tick(_done: int, _all: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class TypedContact:
    """A person typed in chat; every text may be empty."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    region: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was read.

    Args:
        suffix: How its name ends, in small letters; one of `SUFFIXES`.
        content: Its bytes.
        stem: Its name without that.
    """

    suffix: str
    content: bytes = field(repr=False)
    stem: str = ""


def table_from_contacts(contacts: Sequence[TypedContact]) -> Table:
    """Return typed contacts as a table with the columns of the vendor's SDK, then every variable that one has."""
    fixed = {PHONE: "phone_number", FIRST_NAME: "first_name", LAST_NAME: "last_name"}
    names = dict.fromkeys(name for contact in contacts for name in contact.variables)
    clash = [name for name in names if name in fixed]
    if clash:
        raise InvalidInput(f"{clash[0]} is no variable but a column of its own: give it as {fixed[clash[0]]}.")
    rows = []
    for number, contact in enumerate(contacts, 1):
        variables = tuple(contact.variables.get(name, "") for name in names)
        cells = (contact.phone_number, contact.first_name, contact.last_name, *variables)
        if any(cell.strip() for cell in cells):
            rows.append(Row(number, cells, contact.region))
    if not rows:
        raise InvalidInput("The list is empty: give at least one contact.")
    return Table((*fixed, *names), rows, phone_column=PHONE, optional=frozenset({FIRST_NAME, LAST_NAME}))


def table_from_csv(text: str, tick: Tick = _no_tick) -> Table:
    """Return CSV text with a header row as a table; the delimiter may be a comma, semicolon, tab or pipe.

    Raises:
        InvalidInput: There are no rows, no header, a repeated header, or a quote that is never closed.
    """
    notes: list[str] = []
    return table_from_records(delimited_records(text, tick=tick, notes=notes), Layout(), notes)


def table_from_file(file: File, sheet: str | None = None, tick: Tick = _no_tick) -> Table:
    """Return a file as a table.

    Args:
        file: The file.
        sheet: Name of the sheet of a workbook; None for the only one that has phone numbers.
        tick: Called from time to time; may raise to stop.

    Raises:
        InvalidInput: It cannot be read as a list; says why and what to do. Shows nothing of it that is no contact list.
    """
    if file.suffix == ".xlsx":
        table = _table_from_workbook(open_workbook(file.content, tick), sheet, tick)
    elif sheet is not None:
        raise InvalidInput("sheet names a sheet of an .xlsx file, and this is a text file: leave it out.")
    else:
        table = _table_from_text(file, Layout("file", header_optional=file.suffix == ".txt", shown=False), tick)
    return _noted(table, "By its name the file may be one", file.stem)


def _noted(table: Table, begin: str, name: str) -> Table:
    """Return a table with a note where a name speaks of people who must not be called."""
    if not names_unwilling(name):
        return table
    return replace(table, notes=(*table.notes, f"{begin} {OF_UNWILLING}"), unwilling=True)


def suppressed_cells(file: File) -> list[str]:
    """Return the phone cells of a file of people who must not be called, with or without a header, of all its sheets.

    Raises:
        InvalidInput: It cannot be read, or no number is in it, so that it may be the wrong file.
    """
    if file.suffix == ".xlsx":
        book = open_workbook(file.content, _no_tick)
        lists = [[*book.records(name, _no_tick)] for name in (*book.names, *book.hidden)]
        lists = [records for records in lists if any(any(cells) for _, cells in records)]
    else:
        lists = [[*_records_of_text(file, _no_tick)[0]]]
    cells = [cell for records in lists for cell in _suppressed_in(records)]
    # In a list of this kind a number counts wherever it stands: in a column of other digits or beyond the last column.
    elsewhere = {cell for records in lists for _, row in records for cell in row if _WITH_PLUS.search(cell)}
    cells += sorted(elsewhere.difference(cells))
    if not cells:
        raise InvalidInput("No column of it holds phone numbers: name the right file, or leave the setting out.")
    return cells


def _suppressed_in(records: Sequence[Record]) -> list[str]:
    table = table_from_records(records, Layout("file", header_optional=True, repeats=True))
    listed = {row.number for row in table.rows}
    above = [cell for number, cells in records if number not in listed for cell in cells]
    return phone_cells(table) + [number for cell in above for number in numbers_inside(cell)]


def _table_from_text(file: File, layout: Layout, tick: Tick) -> Table:
    records, notes = _records_of_text(file, tick)
    return table_from_records(records, layout, notes)


def _records_of_text(file: File, tick: Tick) -> tuple[Iterator[Record], list[str]]:
    if file.content.startswith(b"PK\x03\x04"):
        raise InvalidInput(f"The file is an Excel workbook named {file.suffix}: name it .xlsx.")
    text, encoding = decode(file.content)
    notes = [f"The file is not UTF-8; it was read as {encoding}: check that names look right."] if encoding else []
    delimiter = _TAB if file.suffix == ".tsv" and _TAB in text[:_HEAD] else ""
    return delimited_records(text, delimiter, tick, notes), notes


# --- workbooks -----------------------------------------------------------------------------------------------------


def _table_from_workbook(book: Workbook, sheet: str | None, tick: Tick) -> Table:
    if sheet is not None:
        return _among_others(book, name := _named_sheet(book, sheet), _table_from_sheet(book, name, tick))
    if len(book.names) == 1:
        return _among_others(book, book.names[0], _table_from_sheet(book, book.names[0], tick))
    found = {name: table for name in book.names if (table := _list_on(book, name, tick))}
    if len(found) == 1:
        name, table = found.popitem()
        note = f"Of {len(book.names)} sheets only {name!r} has phone numbers."
        return _among_others(book, name, replace(table, notes=(*table.notes, note)))
    if not found:
        raise InvalidInput(
            f"No sheet of the workbook is a list with phone numbers. {_sheets(book)} Set sheet to the one that should be, to "
            "be told why it is not.",
        )
    raise InvalidInput(f"Several sheets have phone numbers: ask which to read, then set sheet to it. {_sheets(book)}")


def _among_others(book: Workbook, name: str, table: Table) -> Table:
    """Return a table with a note on the other sheets of the workbook, which may say who must not be called."""
    others = [repr(line(each, 60)) for each in book.names if each != name]
    others += [f"{line(each, 60)!r} (hidden)" for each in book.hidden]
    note = f"Sheets that were not read: {in_short(others, _MOST_NAMED)}."
    notes = [note, *_unread_unwilling(book, name)] if others else []
    return _noted(replace(table, notes=(*table.notes, *notes)), "By its name the sheet may be one", name)


def _unread_unwilling(book: Workbook, name: str) -> list[str]:
    """Tell of the other sheets that by their names are of people who must not be called, and how to leave them out."""
    others = [repr(line(each, 60)) for each in (*book.names, *book.hidden) if each != name and names_unwilling(each)]
    if not others:
        return []
    told = (
        f"Not compared, though by name of people who must not be called: {in_short(others, _MOST_NAMED)}. Ask whether to leave "
        "them out: save that sheet as a file of its own and set it as AUDIENCES_MCP_SUPPRESSION_FILE, or check it (sheet) and "
        "give its check_id to remove_audience_members before anybody is called."
    )
    return [told]


def _named_sheet(book: Workbook, sheet: str) -> str:
    key = line(sheet).casefold()
    alike = [name for name in book.names if line(name).casefold() == key]
    if sheet in book.names or len(alike) == 1:
        return sheet if sheet in book.names else alike[0]
    if any(line(name).casefold() == key for name in book.hidden):
        raise InvalidInput(
            "This sheet is hidden, and what nobody sees is not read: unhide it in Excel, or name another."
        )
    raise InvalidInput(f"sheet: the workbook has no sheet {line(sheet)!r}. {_sheets(book)}")


def _sheets(book: Workbook, most: int = 20) -> str:
    names = in_short(book.names, most, lambda name: repr(line(name, 60))) or "none that is visible"
    return f"Its sheets: {names}."


def _list_on(book: Workbook, name: str, tick: Tick) -> Table | None:
    """Return the list on a sheet, or None where there is none with phone numbers."""
    try:
        table = _table_from_sheet(book, name, tick)
    except InvalidInput:
        return None
    return table if holds_phone_numbers(table) else None


def _table_from_sheet(book: Workbook, name: str, tick: Tick) -> Table:
    hidden = book.hidden_rows.get(name, ())
    shown = ", ".join(str(row) for row in hidden[:_MOST_NAMED]) + (" …" if len(hidden) > _MOST_NAMED else "")
    rows = (
        f"{several(len(hidden), 'row')} of the sheet {'is' if len(hidden) == 1 else 'are'} hidden, by a filter perhaps"
    )
    notes = [f"{rows} (row {shown}); they are part of the list: to leave them out set only_where."] if hidden else []
    if name in book.commented:
        notes.append(
            "Cells of the sheet have comments, which were not read: see whether one says not to call somebody."
        )
    return table_from_records(book.records(name, tick), Layout("sheet", open_ended=True, shown=False), notes)
