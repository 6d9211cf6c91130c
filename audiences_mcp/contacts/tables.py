"""What a list is: headers and rows, none dropped and none invented; and how the records of a file become one."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from audiences_mcp.contacts.consent import OF_UNWILLING, names_unwilling
from audiences_mcp.contacts.guarding import unguarded
from audiences_mcp.contacts.headers import is_phone_name, label_places, names_phones
from audiences_mcp.contacts.reasons import Reason
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, Written, parse_cell
from audiences_mcp.errors import InvalidInput
from audiences_mcp.text import line, several

# Columns of contacts typed in chat: the same as the vendor's SDK makes, so that both can add to one audience.
PHONE, FIRST_NAME, LAST_NAME = "phoneNumber", "firstName", "lastName"

MAX_ROWS = 200_000
"""How many rows a check takes."""

REPORT_COLUMNS = ("row", "reason", "hint")
"""What a file of refused rows has at its end, besides the rows as they were."""

_MAX_CELLS = 20_000_000  # of all rows together, each as wide as the header
_MAX_LOOKED_AT = 500  # characters of a cell that may be a number
_LOOKED_AT = 50  # records that tell what is usual
_MAX_TITLES = 20
_MOST_DIGITS = 15  # of a number, to which an exit code or a trunk prefix may come; payment cards have 16
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")  # of a machine
_DATE_INSIDE = re.compile(r"(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d")
_NUMBER_INSIDE = re.compile(r"\+\d(?:[\s().-]?\d){6,}|\d(?:[\s().-]?\d){8,}")  # `+31612345678 (mobile)`
# At least as many digits as a subscriber's number has, which no date is beside any more.
_LONG_DIGITS = re.compile(r"\+?\d(?:[\s()./-]{0,3}\d){6,}")
_SHORT_DATE = re.compile(r"(?<![\d./-])\d\d?[./-]\d\d?[./-]\d\d(?![\d./-])")
_NONE = re.compile(r"(?:no|not|without|kein\w*|ohne|sin|sans|sem|geen|senza)\s", re.IGNORECASE)  # `no phone`
_NUMBERED = re.compile(r"_\d+\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
# What a cell of data may be where a header cannot: numbers that are damaged, doubled or have an extension.
_DATA = frozenset({Reason.EXCEL_DAMAGED, Reason.MULTIPLE_NUMBERS, Reason.EXTENSION})

Record = tuple[int, list[str]]
"""A row of a file as it stands there: the number that a person sees, and its cells."""

Tick = Callable[[int, int], None]
"""Called with rows done and rows in all (0 where not known yet); may raise to stop."""


class Row(NamedTuple):
    """One row of a list.

    Args:
        number: The row that a person sees in the spreadsheet, or the index from 1 of a typed contact.
        cells: One text for each header.
        region: The country of the row, as written; empty when it names none.
        surplus: The filled cells that the row has beyond the header.
    """

    number: int
    cells: tuple[str, ...]
    region: str = ""
    surplus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A list as given.

    Args:
        headers: The column names, no two alike.
        rows: Every row that is not wholly blank.
        phone_column: The header of the phone column where the source itself says which one it is.
        optional: Headers that the source always has; blank throughout, they need not be sent.
        guarded: Whether its cells may have an apostrophe in front, so that no spreadsheet runs them.
        notes: How it was read, where a person should know; one sentence each.
        nameless: Headers that are none: names by their place, of columns without one.
        unwilling: Whether by a name of it, which a note tells, it is one of people who must not be called.
    """

    headers: tuple[str, ...]
    rows: list[Row]
    phone_column: str | None = None
    optional: frozenset[str] = field(default_factory=frozenset)
    guarded: bool = False
    notes: tuple[str, ...] = ()
    nameless: frozenset[str] = frozenset()
    unwilling: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How the records of one kind of file are to be understood.

    Args:
        noun: What the list is called in messages: `list`, `file` or `sheet`.
        header_optional: Whether a list may begin with its first row of data, as one number a line does.
        open_ended: Whether the header row's own width tells nothing, as in a spreadsheet, whose rows never end.
        shown: Whether what stands in it may be shown before it is known to be a list of contacts.
        repeats: Whether two columns may have one name, since nobody names a column of it.
    """

    noun: str = "list"
    header_optional: bool = False
    open_ended: bool = False
    shown: bool = True
    repeats: bool = False


def table_from_records(records: Iterable[Record], layout: Layout, notes: Sequence[str] = ()) -> Table:
    """Return the records of a file as a table: title lines, the header row, then the rows that are not wholly blank.

    Args:
        records: Every record, blank ones included, in their order.
        layout: How they are to be understood.
        notes: How they were read, where a person should know.

    Raises:
        InvalidInput: There are no rows, no header, a repeated header, or too many rows; or, where nothing may be shown,
            no phone number.
    """
    filled = _filled(records, layout)
    _refuse_what_is_no_list(filled, layout)
    place = _header_place(filled)
    if _is_data(filled[place][1], layout):
        return _without_header(filled, layout, notes)
    titles = [f"Row {filled[place][0]} was taken as the header row; {_above(place)} above it."] if place else []
    unwilling = any(names_unwilling(cell) for _, cells in filled[:place] for cell in cells)
    if unwilling:
        titles.append(f"By a title above it this may be a list {OF_UNWILLING}")
    below = filled[place + 1 :]
    names = _names(filled[place][1], below, layout)
    if not below:
        raise InvalidInput(f"The {layout.noun} has a header row and no rows below it: give at least one row.")
    table = _table(names, below, layout, [*notes, *titles])
    return _without_report(replace(table, unwilling=unwilling))


def _table(names: Sequence[str], below: Sequence[Record], layout: Layout, notes: Iterable[str]) -> Table:
    """Return the table; a column without a name that nothing stands in is none."""
    width = len(names)
    if width * len(below) > _MAX_CELLS:
        raise InvalidInput(
            f"The {layout.noun} has {width:,} columns, which is too much for its {several(len(below), 'row')}: leave out "
            "the columns that are not needed.",
        )
    rows = [_row(record, width) for record in below]
    blank = {
        place for place, name in enumerate(names) if not name and not any(row.cells[place].strip() for row in rows)
    }
    taken = set(names)
    headers = tuple(name or _invented(place, taken) for place, name in enumerate(names, 1) if place - 1 not in blank)
    if blank:
        kept = [place for place in range(width) if place not in blank]
        rows = [row._replace(cells=tuple(row.cells[place] for place in kept)) for row in rows]
    phone = PHONE if headers == (PHONE,) else None
    return Table(headers, rows, phone, guarded=True, notes=tuple(notes), nameless=frozenset(headers) - taken)


def _without_report(table: Table) -> Table:
    """Return a table without the columns that a file of refused rows has at its end, which are no call variables."""
    # Where the list has such columns itself, the report's own are numbered.
    last = tuple(_NUMBERED.sub("", header) for header in table.headers[-len(REPORT_COLUMNS) :])
    if last != REPORT_COLUMNS:
        return table
    width = len(table.headers) - len(REPORT_COLUMNS)
    if not {row.cells[width + 1] for row in table.rows} <= {*Reason, ""}:
        return table
    rows = [row._replace(cells=row.cells[:width]) for row in table.rows]
    note = f"Left out, as columns of an earlier report: {', '.join(table.headers[width:])}."
    return replace(table, headers=table.headers[:width], rows=rows, notes=(*table.notes, note))


def _refuse_what_is_no_list(filled: Sequence[Record], layout: Layout) -> None:
    if not filled:
        raise InvalidInput(f"The {layout.noun} is empty: give a header row and at least one row below it.")
    if not layout.shown and len(filled) > 1 and not any(holds_number(cell) for _, cells in filled for cell in cells):
        _refuse_what_is_divided_nowhere(filled, layout)
        raise InvalidInput(
            f"No cell of the {layout.noun} is a phone number, so it is no contact list, and nothing of it is shown. Give the "
            "list that has the numbers in a column.",
        )


def _refuse_what_is_divided_nowhere(filled: Sequence[Record], layout: Layout) -> None:
    """Refuse lines such as `+919876543210 Ann`, in which a number stands, though no cell is one."""
    if any(map(_number_inside, (cell for _, cells in filled for cell in cells))):
        raise InvalidInput(
            f"No cell of the {layout.noun} is a phone number alone: some have one beside other text. If it is a contact list, "
            "put a comma between the number and the rest of each line, and a header row such as phone,name above them. "
            f"Nothing of the {layout.noun} is shown.",
        )


def _filled(records: Iterable[Record], layout: Layout) -> list[Record]:
    """Return the records that are not wholly blank, and stop where there are more than a check takes."""
    filled: list[Record] = []
    for record in records:
        if any(map(str.strip, record[1])):
            filled.append(record)
            if len(filled) > MAX_ROWS + _MAX_TITLES:
                raise InvalidInput(
                    f"The {layout.noun} has more than {MAX_ROWS:,} rows, which is what a check takes: divide it into several.",
                )
    return filled


# --- the header ----------------------------------------------------------------------------------------------------


def _above(count: int) -> str:
    return f"{several(count, 'title line')} {'stands' if count == 1 else 'stand'}"


def _header_place(filled: Sequence[Record]) -> int:
    """Return which record is the header row: the first, unless titles stand above one that is full.

    Reports begin with their name, the date and filters, each in one cell of a row. Where data come before anything like
    a header, the first record is taken, so that no row of data is passed over.
    """
    named = _named_place(filled)
    if named is not None:
        return named
    widths = Counter(width for _, cells in filled[1:_LOOKED_AT] if (width := _count_filled(cells)) > 1).most_common()
    usual = max((width for width, count in widths if count == widths[0][1]), default=1)
    if usual < 2:
        return 0
    for place, (_, cells) in enumerate(filled[: _MAX_TITLES + 1]):
        names = [cell.strip() for cell in cells if cell.strip()]
        if (place and _is_address_line(names)) or (usual > len(names) and _is_told_of(names)):
            continue
        if any(map(_looks_like_data, names)) or (len(names) == 1 and is_phone_name(names[0])):
            return 0
        if len(names) > 1:
            return place if len(names) * 2 > usual else 0
    return 0


def _named_place(filled: Sequence[Record]) -> int | None:
    """Return the lowest record that names a column of numbers below it, where only titles stand above; None where none."""
    rows = [cells for _, cells in filled[1:_LOOKED_AT] if _count_filled(cells) > 1]
    numbers = {
        place for cells in rows for place, cell in enumerate(cells) if holds_number(cell) or _number_inside(cell)
    }
    found = None
    for place, (_, cells) in enumerate(filled[: _MAX_TITLES + 1]):
        if _count_filled(cells) < 2 or any(map(_looks_like_data, cells)):
            continue
        above = [titles for _, titles in filled[:place]]
        over = [each for each in numbers if each < len(cells) and _may_name_phones(cells[each])]
        plainly = any(is_phone_name(cells[each]) for each in numbers if each < len(cells))
        # What is less plain may be a cell of data, such as "no mobile" below a header.
        doubted = not plainly and (not over or any(_names_any(titles, over) for titles in above))
        doubted = doubted or any(_names_people(titles, numbers) for titles in above)
        if not doubted and all(_may_stand_above(titles, cells, 1 if plainly else 2) for titles in above):
            found = place
    return found


def _may_stand_above(titles: Sequence[str], cells: Sequence[str], times: int) -> bool:
    """Tell whether a record may be a title above a header row, or a band of headings over several of its columns.

    Args:
        titles: The record.
        cells: The header row.
        times: How many times as full as a band it must be at least.
    """
    filled = [place for place, cell in enumerate(titles) if cell.strip()]
    first = titles[filled[0]]
    if len(filled) == 1:
        return any(map(str.isalpha, first)) or not holds_number(first)
    if _is_told_of([titles[place] for place in filled]):
        return True
    if any(map(_looks_like_data, titles)):
        return False
    if not all(place < len(cells) and cells[place].strip() for place in filled):
        return False
    is_fuller = len(filled) < _count_filled(cells) >= len(filled) * times
    once_merged = times == 1 and _repeated(titles[place] for place in filled) is not None
    return is_fuller or once_merged


def _may_name_phones(cell: str) -> bool:
    return names_phones(cell) and _NONE.match(cell.strip()) is None


def _names_any(titles: Sequence[str], places: Sequence[int]) -> bool:
    """Tell whether a record above a row names the same columns for phones, so that it may be the header itself."""
    alone = _count_filled(titles) == 1
    return any(
        is_phone_name(titles[place]) or (names_phones(titles[place]) and not alone)
        for place in places
        if place < len(titles)
    )


def _names_people(titles: Sequence[str], numbers: Collection[int]) -> bool:
    """Tell whether a record above a row names people and their numbers, so that it is the header, and the row is a person."""
    phones = any(is_phone_name(titles[each]) for each in numbers if each < len(titles))
    return phones and any(label_places([cell]) for place, cell in enumerate(titles) if place not in numbers)


def _is_told_of(names: Sequence[str]) -> bool:
    """Tell whether a record says one thing of the list, as `Project:` and `Green Park` in two cells do."""
    first, *others = [name.strip() for name in names]
    return first.endswith(":") and len(others) == 1 and not others[0].endswith(":") and not names_phones(others[0])


def _is_address_line(names: Sequence[str]) -> bool:
    """Tell whether a record below a title is the phone or the e-mail address of whoever made the list."""
    return len(names) == 1 and _looks_like_data(names[0]) and any(map(str.isalpha, names[0]))


def _count_filled(cells: Iterable[str]) -> int:
    return sum(1 for cell in cells if cell and not cell.isspace())


def _names(cells: Sequence[str], below: Sequence[Record], layout: Layout) -> list[str]:
    """Return the column names; empty for a column without one."""
    names = [line(unguarded(cell)) for cell in cells]
    while names and not names[-1]:
        names.pop()
    repeated = _repeated(filter(None, names))
    if repeated and not layout.repeats:
        raise InvalidInput(f"Two columns are named {repeated!r}: give each column a name of its own.")
    return names + [""] * (_width(cells, below, layout) - len(names))


def _width(cells: Sequence[str], below: Sequence[Record], layout: Layout) -> int:
    """Return how many columns the list has: what stands to the right of them is surplus.

    A column without a name counts when the header row itself reaches it (`phone,name,`), or in a spreadsheet when at
    least half of the rows do.
    """
    if layout.open_ended:
        reach = sorted(_reach(row) for _, row in below)
        return reach[len(reach) // 2] if reach else 0
    if any(_reach(row) >= len(cells) for _, row in below):  # which the first row tells, nearly always
        return len(cells)
    return max((_reach(row) for _, row in below), default=0)


def _reach(cells: Sequence[str]) -> int:
    """Return how many cells a row has up to its last filled one."""
    reach = len(cells)
    while reach and not cells[reach - 1].strip():
        reach -= 1
    return reach


def _invented(index: int, taken: Container[str]) -> str:
    """Return a name for a column without a header."""
    name = f"column_{index}"
    while name in taken:
        name += "_"
    return name


def is_invented(name: str) -> bool:
    """Tell whether a name says nothing but where its column stood, as that of a column without a header does."""
    return re.fullmatch(r"column_\d+_*", name) is not None


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _is_data(cells: Sequence[str], layout: Layout) -> bool:
    """Tell whether the first row is one of the list: in a list without a header, one cell with digits is no name."""
    alone = layout.header_optional and len(cells) == 1
    return any(map(_looks_like_data, cells)) or (alone and any(char.isdigit() for char in cells[0]))


def _without_header(filled: Sequence[Record], layout: Layout, notes: Sequence[str]) -> Table:
    """Return a list that begins with its first row of data; one number a line is a phone column and nothing else."""
    if not layout.header_optional:
        raise InvalidInput(
            f"The {layout.noun} has no header row: its first row looks like data. Put a row of column names above it, such "
            "as phone,first_name.",
        )
    width = max(len(cells) for _, cells in filled)
    return _table([PHONE] if width == 1 else [""] * width, filled, layout, notes)


def _row(record: Record, width: int) -> Row:
    number, cells = record
    if len(cells) == width:
        return Row(number, tuple(cells))
    padded = cells[:width] + [""] * (width - len(cells))
    return Row(number, tuple(padded), surplus=tuple(filter(str.strip, cells[width:])))


def _looks_like_data(cell: str) -> bool:
    """Tell whether a cell cannot be the name of a column: a phone number, whole or spoilt, or an e-mail address."""
    if not cell or cell.isalpha():
        return False
    return holds_number(cell) or _number_inside(cell) or _EMAIL.fullmatch(cell.strip()) is not None


def _number_inside(cell: str) -> bool:
    return _NUMBER_INSIDE.search(_DATE_INSIDE.sub("", cell)) is not None


def numbers_inside(cell: str) -> list[str]:
    """Return the cell where it is a number, else whatever in its text may be one."""
    short = cell[:_MAX_LOOKED_AT]
    undated = _SHORT_DATE.sub("|", _DATE_INSIDE.sub("|", short))
    if undated == short and holds_number(cell):
        return [cell]
    return [found[0] for found in _LONG_DIGITS.finditer(undated)]


def holds_number(cell: str) -> bool:
    """Tell whether a cell is a phone number, whole or spoilt, as far as that can be told without a country."""
    if sum(char.isdigit() for char in cell[:_MAX_LOOKED_AT]) < 4:
        return False
    written = parse_cell(cell)
    if isinstance(written, Written):
        most = _MOST_DIGITS + 2 if written.plus or written.digits.startswith("0") else _MOST_DIGITS
        return MIN_NUMBER_DIGITS <= len(written.digits) <= most and not _ADDRESS.fullmatch(cell.strip())
    return written.reason in _DATA
