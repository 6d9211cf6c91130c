"""Where lists come from: typed contacts or CSV text become rows with headers, none dropped and none invented."""

import csv
import io
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audiences_mcp.contacts.writing import Written, parse_cell
from audiences_mcp.errors import InvalidInput
from audiences_mcp.text import line

# Columns of contacts typed in chat: the same as the vendor's SDK makes, so that both can add to one audience.
PHONE, FIRST_NAME, LAST_NAME = "phoneNumber", "firstName", "lastName"
_DELIMITERS = ",;\t|"
_NAMED_DELIMITER = re.compile(r"sep=([,;\t|])\r?\n")  # a first line that Excel reads and does not show
_SNIFFED_LINES, _SNIFFED_TEXT = 50, 200_000
_MAX_FIELD = 10_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list.

    Args:
        number: The row that a person sees in the spreadsheet, or the index from 1 of a typed contact.
        cells: One text for each header.
        region: The country of the row, as written; empty when it names none.
        surplus: Whether the row had more cells than the header.
    """

    number: int
    cells: tuple[str, ...]
    region: str = ""
    surplus: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A list as given.

    Args:
        headers: The column names, no two alike.
        rows: Every row that is not wholly blank.
        phone_column: The header of the phone column where the source itself says which one it is.
        optional: Headers that the source always has; blank throughout, they need not be sent.
    """

    headers: tuple[str, ...]
    rows: list[Row]
    phone_column: str | None = None
    optional: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class TypedContact:
    """A person typed in chat; every text may be empty."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    region: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def table_from_contacts(contacts: Sequence[TypedContact]) -> Table:
    """Return typed contacts as a table with the columns of the vendor's SDK, then every variable that one has."""
    fixed = (PHONE, FIRST_NAME, LAST_NAME)
    names = dict.fromkeys(name for contact in contacts for name in contact.variables)
    clash = [name for name in names if name in fixed]
    if clash:
        raise InvalidInput(f"The variable {clash[0]} is a column already: use phone_number, first_name or last_name.")
    rows = []
    for number, contact in enumerate(contacts, 1):
        variables = tuple(contact.variables.get(name, "") for name in names)
        cells = (contact.phone_number, contact.first_name, contact.last_name, *variables)
        if any(cell.strip() for cell in cells):
            rows.append(Row(number, cells, contact.region))
    if not rows:
        raise InvalidInput("The list is empty: give at least one contact.")
    return Table((*fixed, *names), rows, phone_column=PHONE, optional=frozenset({FIRST_NAME, LAST_NAME}))


def table_from_csv(text: str) -> Table:
    """Return CSV text with a header row as a table; the delimiter may be a comma, semicolon, tab or pipe.

    Raises:
        InvalidInput: There are no rows, no header, a repeated header, or a quote that is never closed.
    """
    csv.field_size_limit(_MAX_FIELD)
    text = text.removeprefix("\ufeff")
    named = _NAMED_DELIMITER.match(text)
    records = _records(text[named.end() :] if named else text, named[1] if named else _delimiter(text))
    numbered = [(number, cells) for number, cells in enumerate(records, 1) if any(cell.strip() for cell in cells)]
    if not numbered:
        raise InvalidInput("The list is empty: give a header row and at least one row below it.")
    headers = _headers(numbered[0][1], numbered[1:])
    rows = [_row(number, cells, len(headers)) for number, cells in numbered[1:]]
    if not rows:
        raise InvalidInput("The list has a header row and no rows below it: give at least one row.")
    return Table(headers, rows)


def _records(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        records.extend(reader)
    except csv.Error:
        raise InvalidInput(
            f"Row {len(records) + 1} of the CSV has a quote that does not close, or text after a closing quote: write "
            'a quote inside a cell twice ("").',
        ) from None
    return records


def _delimiter(text: str) -> str:
    """Take the delimiter that cuts the first lines into the most cells, most evenly."""
    lines = [row for row in text[:_SNIFFED_TEXT].splitlines()[:_SNIFFED_LINES] if row.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        common = max(set(widths), key=widths.count) if widths else 1
        return (widths.count(common) if common > 1 else 0, common)

    return max(_DELIMITERS, key=evenness)


def _headers(cells: Sequence[str], below: Sequence[tuple[int, list[str]]]) -> tuple[str, ...]:
    """Return the column names, without the empty columns at the right end."""
    if any(_looks_like_a_number(cell) for cell in cells):
        raise InvalidInput(
            "The list has no header row: its first row looks like data. Put a row of column names above it, such as "
            "phone,first_name.",
        )
    names = [line(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    filled = max((index for _, row in below for index, cell in enumerate(row, 1) if cell.strip()), default=0)
    repeated = _repeated(filter(None, names))
    if repeated:
        raise InvalidInput(f"Two columns are named {repeated!r}: give each column a name of its own.")
    names += [""] * (min(filled, len(cells)) - len(names))
    taken = set(names)
    return tuple(name or _invented(index, taken) for index, name in enumerate(names, 1))


def _invented(index: int, taken: Container[str]) -> str:
    """Return a name for a column without a header."""
    name = f"column_{index}"
    while name in taken:
        name += "_"
    return name


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _row(number: int, cells: list[str], width: int) -> Row:
    surplus = any(cell.strip() for cell in cells[width:])
    padded = cells[:width] + [""] * (width - len(cells))
    return Row(number, tuple(padded), surplus=surplus)


def _looks_like_a_number(cell: str) -> bool:
    written = parse_cell(cell)
    return isinstance(written, Written) and len(written.digits) >= 7
