"""Excel workbooks (.xlsx) become records: the sheets that a person sees, each cell as the text that it shows.

The only door to `python_calamine`, which keeps a sheet as one full rectangle in memory: what would not fit there is
refused before it is opened.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from audiences_mcp.contacts.tables import Record, Tick
from audiences_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook  # noqa: TID251 - this module is its door

_OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls, and of a workbook with a password
_MAX_CELLS = 6_000_000  # 200,000 rows of 30 columns
_MAX_UNPACKED = 600_000_000  # bytes
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that a workbook may use (ECMA-376, part 2, annex B)
_MAX_INDEX = 5_000_000  # bytes of a part that is read whole: names of sheets and where they are
_MAX_REACH = 2 * _MAX_CELLS  # of all sheets together, since each of them may be read
_CHUNK = 1 << 20
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_COMMENTS = b"relationships/comments"
_LINK = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAX_ROWS = 1 << 20  # what Excel has
# The tags of a sheet's own XML (ECMA-376, part 1, 18.3.1). A prefix in front of a name is legal, and so are both quotes. No
# attribute holds a `<`, so a search ends at the next tag, also where what claims to be a sheet has no end of any.
_STRING_TAG = re.compile(rb"<(?:\w+:)?si[\s/>]")
_ROW_TAG = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CELL_TAG = re.compile(rb"<(?:\w+:)?c[\s/>]")
_CELL = re.compile(rb"<(?:\w+:)?c\s(?:[^<>]*?\s)?r\s*=\s*[\"']\s*\$?([A-Za-z]{1,9})\$?(\d{1,12})")
_ROW = re.compile(rb"<(?:\w+:)?row\s(?:[^<>]*?\s)?r\s*=\s*[\"']\s*(\d{1,12})")
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\s[^<>]*?\bhidden="(?:1|true)"[^<>]*')
_FEW_DIGITS = 10**15  # Excel keeps 15 digits of a number, so a larger one has lost some
_TICK = 2_000


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheets of a workbook that a person sees.

    Args:
        names: Their names, in their order.
        hidden: Names of those that nobody sees, which are not read.
        hidden_rows: The rows of each sheet that are hidden, by a filter mostly; by the sheet's name.
        commented: Names of those whose cells have comments, which are not read.
        book: The open workbook of the library.
    """

    names: tuple[str, ...]
    hidden: tuple[str, ...]
    hidden_rows: Mapping[str, Sequence[int]]
    commented: frozenset[str]
    book: "CalamineWorkbook"

    def records(self, name: str, tick: Tick) -> Iterator[Record]:
        """Yield every record of a sheet, blank ones included, from row 1 on, without the empty cells at its right end."""
        with _faults_are_ours():
            sheet = self.book.get_sheet_by_name(name)
        for number, values in enumerate(sheet.iter_rows(), 1):
            if number % _TICK == 0:
                tick(number, 0)
            cells = [value if isinstance(value, str) else _text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells


def open_workbook(content: bytes, tick: Tick) -> Workbook:
    """Return the sheets of a workbook.

    Args:
        content: The file.
        tick: Called from time to time; may raise to stop.

    Raises:
        InvalidInput: It has a password, is no workbook, is damaged, or would not fit into memory; says what to do.
    """
    if content.startswith(_OLD_OR_ENCRYPTED):
        raise InvalidInput(
            "The workbook has a password, or is an old .xls file: open it in Excel and save it as .xlsx (Excel workbook) "
            "without a password.",
        )
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415, TID251 - workbooks only

    with _faults_are_ours():
        hidden_rows, commented = _measured(content, tick)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    seen = tuple(sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible)
    unseen = tuple(sheet.name for sheet in sheets if sheet.name not in seen)
    return Workbook(seen, unseen, hidden_rows, commented, book)


@contextmanager
def _faults_are_ours() -> Iterator[None]:
    from python_calamine import CalamineError  # noqa: PLC0415, TID251 - workbooks only

    try:
        yield
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        ET.ParseError,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,  # a part that says it is encrypted
        ValueError,
    ):
        raise InvalidInput(
            "The workbook cannot be read: it is damaged, or no .xlsx file. Open it in Excel and save it as .xlsx again.",
        ) from None


# --- before it is opened -------------------------------------------------------------------------------------------


def _measured(content: bytes, tick: Tick) -> tuple[dict[str, list[int]], frozenset[str]]:
    """Look at how far the cells of a workbook reach; return which rows of each sheet are hidden, and which have comments.

    A single cell far from the others would make the library ask for all the memory between, and that ends the process.

    Raises:
        InvalidInput: It would not fit.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if any(member.compress_type not in _METHODS for member in members):
            raise NotImplementedError("other methods fail in ways of their own, and may ask for all the memory")
        if sum(member.file_size for member in members) > _MAX_UNPACKED or len({m.filename for m in members}) < len(
            members
        ):
            raise _too_large()
        parts = _parts(archive)
        sheets = {part.lower() for part in parts.values()}
        hidden, reach = dict[str, list[int]](), 0
        for member in members:
            name = member.filename.lower()
            if name in sheets or "sheet" in name:
                hidden[name], extent = _measure(archive, member, tick)
                reach += extent.reach
                if reach > _MAX_REACH:
                    raise _too_large()
            elif name.endswith((".xml", ".rels")):
                _read_through(archive, member, tick)
        commented = frozenset(name for name, part in parts.items() if _has_comments(archive, part))
        return {name: hidden.get(part.lower(), []) for name, part in parts.items()}, commented


def _has_comments(archive: zipfile.ZipFile, part: str) -> bool:
    """Tell whether a sheet is linked to comments on its cells (ECMA-376, part 1, 12.3.3)."""
    folder, _, name = part.rpartition("/")
    links = f"{folder}/_rels/{name}.rels".lower()
    member = next((each for each in archive.infolist() if each.filename.lower() == links), None)
    if member is None:
        return False
    if member.file_size > _MAX_INDEX:
        raise _too_large()
    return _COMMENTS in archive.read(member)


def _read_through(archive: zipfile.ZipFile, member: zipfile.ZipInfo, tick: Tick) -> None:
    """Refuse a part that is longer than it says, which reading it here finds out, or has too many strings to keep."""
    strings = sum(len(_STRING_TAG.findall(xml)) for xml in _pieces(archive, member, tick))
    if strings > _MAX_CELLS:
        raise _too_large()


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo, tick: Tick) -> Iterator[bytes]:
    """Yield the XML of a part in pieces that each end before a tag."""
    with archive.open(member) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            tick(0, 0)
            whole, mark, rest = (rest + chunk).rpartition(b"<")
            rest = mark + rest
            if len(rest) > 2 * _CHUNK:  # neither a tag nor a cell is so long
                raise _too_large()
            yield whole
        yield rest


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, tick: Tick) -> "tuple[list[int], _Extent]":
    """Refuse a sheet whose rectangle would not fit; return which of its rows are hidden, and how far it reaches."""
    extent, hidden = _Extent(), list[int]()
    for xml in _pieces(archive, member, tick):
        extent.add(xml)
        hidden += [int(number[1]) for row in _HIDDEN_ROW.findall(xml) if (number := _ROW.match(row))]
    return hidden, extent


class _Extent:
    """How far the cells of a sheet reach, at most: by what they say, and by how many there are where they do not."""

    def __init__(self) -> None:
        self._columns: set[bytes] = set()
        self._row = self._cells = self._unnumbered = self._in_row = self._widest = 0
        self.reach = 0

    def add(self, xml: bytes) -> None:
        """Take in a part of the sheet.

        Raises:
            InvalidInput: It reaches too far.
        """
        places, numbers = _CELL.findall(xml), _ROW.findall(xml)
        self._columns.update({letters.upper() for letters, _ in places})
        self._row = max(self._row, *map(int, numbers), *map(int, {number for _, number in places}), 0)
        cells = len(_CELL_TAG.findall(xml))
        self._cells += cells
        self._unnumbered += len(_ROW_TAG.findall(xml)) - len(numbers)
        if cells > len(places) or self._in_row:  # cells that do not say where they are stand beside the one before
            for number, row in enumerate(_ROW_TAG.split(xml)):
                self._in_row = len(_CELL_TAG.findall(row)) + (0 if number else self._in_row)
                self._widest = max(self._widest, self._in_row)
        column = max(map(_column_number, self._columns), default=1) + self._widest
        row = self._row + self._unnumbered
        self.reach = column * row
        if self.reach > _MAX_CELLS or row > _MAX_ROWS or self._cells > _MAX_CELLS:
            raise _too_large()


def _too_large() -> InvalidInput:
    return InvalidInput(
        "The workbook is too large to read: a sheet reaches over too many rows and columns, perhaps by a single cell far "
        "from the list. Copy the list alone into a new workbook, or save it as CSV (UTF-8).",
    )


def _column_number(letters: bytes) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return for the name of each sheet the part of the archive that it is in (ECMA-376, part 1, 18.2.19)."""
    if any(archive.getinfo(part).file_size > _MAX_INDEX for part in (_LINKS, _BOOK)):
        raise _too_large()
    links = ET.fromstring(archive.read(_LINKS))  # noqa: S314 - expat bounds what entities grow to since 2.4.1
    targets = {link.get("Id"): link.get("Target", "") for link in links.iter(_LINK)}
    parts = {}
    for sheet in ET.fromstring(archive.read(_BOOK)).iter():  # noqa: S314 - as above
        if sheet.tag.endswith("}sheet"):
            link = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
            target = targets.get(link, "")
            parts[sheet.get("name", "")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return parts


# --- cells ---------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:  # noqa: ANN401 - what the library makes of a cell
    """Return a cell as the text that it shows: all digits of a number, a date in ISO form."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            if abs(value) >= _FEW_DIGITS:
                return f"{value:.5E}"  # as Excel shows it, so that it is refused as damaged
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return value.isoformat(" ", "seconds" if value.second else "minutes")
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case _:  # a date, whose text is its ISO form, a whole number or a duration
            return str(value)
