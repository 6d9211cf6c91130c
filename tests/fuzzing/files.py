"""Files as nobody should send them, and the law for each: it is a list whose rows add up, or it is refused."""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from time import process_time
from typing import NamedTuple

from hypothesis import strategies as st

from audiences_mcp.contacts import report
from audiences_mcp.contacts.check import KnownLists, Options, check_table
from audiences_mcp.contacts.sources import File, suppressed_cells, table_from_file
from audiences_mcp.contacts.tables import Table
from audiences_mcp.errors import InvalidInput

SECONDS = 10.0
"""Of the processor, that one small file may take; seen are less than one, the rest is for a busy machine."""

_UNSHOWN = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)  # control, bidirectional
_FOLDER = Path(__file__).parents[1] / "files"
_LONGEST_SEED = 100_000  # bytes; more only makes fewer inputs
_TEXTS = (".csv", ".tsv", ".txt")
_UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
_ENCODINGS = (*_UNICODE, "cp1252", "cp1251", "shift_jis", "gb18030")


def tokens(name: str) -> list[str]:
    """Return what is put into inputs of a kind: one a line, written as in a Python string."""
    lines = (Path(__file__).parent / f"{name}.tokens").read_text(encoding="ascii").splitlines()
    return [line.encode().decode("unicode_escape") for line in lines]


_TEXT_TOKENS, _XML_TOKENS = ([token.encode("latin-1") for token in tokens(name)] for name in ("text", "xml"))
_ZIP_TOKENS = [b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x01"]
_BOOK, _SHEET = "xl/workbook.xml", "xl/worksheets/sheet1.xml"
_NAMES = ["", "../x", _BOOK, _BOOK.upper(), _SHEET, "xl/sharedStrings.xml"]


class Edit(NamedTuple):
    """One change of some bytes: what, where (modulo their length), over how many, and with what."""

    kind: str
    place: int
    length: int
    token: bytes


def edits(usual: Sequence[bytes], most: int = 6) -> st.SearchStrategy[list[Edit]]:
    kinds = st.sampled_from(["insert", "insert", "replace", "delete", "repeat", "flip", "cut"])
    token = st.sampled_from(usual) | st.binary(max_size=4)
    return st.lists(st.builds(Edit, kinds, st.integers(0, 1 << 16), st.integers(0, 300), token), max_size=most)


def edited(content: bytes, changes: Sequence[Edit]) -> bytes:
    for kind, place, length, token in changes:
        at = place % (len(content) + 1)
        before, after = content[:at], content[at:]
        match kind:
            case "insert":
                content = before + token + after
            case "replace":
                content = before + token + after[len(token) :]
            case "delete":
                content = before + after[length:]
            case "repeat":
                content = before + after[:length] * (length % 40 + 2) + after[length:]
            case "flip":
                content = before + bytes([after[0] ^ (1 << length % 8)]) + after[1:] if after else content
            case _:
                content = before if length % 4 == 0 else content
    return content


@cache
def _seeds(*suffixes: str) -> list[File]:
    paths = sorted(
        path for path in _FOLDER.rglob("*") if path.suffix in suffixes and path.stat().st_size < _LONGEST_SEED
    )
    return [File(path.suffix, path.read_bytes(), path.stem) for path in paths]


# --- text ----------------------------------------------------------------------------------------------------------


class Written(NamedTuple):
    """A text file that was written in one dialect and encoding, with the rows that it has below its header."""

    file: File
    rows: list[list[str]]


@st.composite
def written_texts(draw: st.DrawFn) -> Written:
    """Draw a list in any dialect and encoding that can be told for certain: every row of it must arrive."""
    cell = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\"',;|="), max_size=8)
    row = st.tuples(st.sampled_from(["+12025550143", "020 7946 0958"]), cell)
    body = draw(st.lists(row.map(list), min_size=1, max_size=9))
    stream = io.StringIO(newline="")
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    writer = csv.writer(stream, delimiter=draw(st.sampled_from(",;\t|")), quoting=csv.QUOTE_ALL, lineterminator=ending)
    writer.writerows([["phone", "name"], *body])
    encoding = draw(st.sampled_from(_UNICODE))
    return Written(File(draw(st.sampled_from((".csv", ".txt"))), stream.getvalue().encode(encoding)), body)


@st.composite
def edited_texts(draw: st.DrawFn) -> File:
    """Draw a list of a person, in another encoding perhaps, with some bytes changed."""
    seed = draw(st.sampled_from(_seeds(*_TEXTS)))
    content = seed.content
    encoding = draw(st.none() | st.sampled_from(_ENCODINGS))
    if encoding:
        content = content.decode("utf-8", "replace").encode(encoding, "replace")
    changed = edited(content, draw(edits(_TEXT_TOKENS)))
    return File(draw(st.sampled_from((seed.suffix, *_TEXTS))), changed, seed.stem)


token_texts = st.builds(
    lambda suffix, parts: File(suffix, b"".join(parts)),
    st.sampled_from(_TEXTS),
    st.lists(st.sampled_from(_TEXT_TOKENS) | st.binary(max_size=6), max_size=40),
)
texts = edited_texts() | token_texts | st.builds(File, st.sampled_from(_TEXTS), st.binary(max_size=300))


# --- workbooks -----------------------------------------------------------------------------------------------------

Parts = list[tuple[str, bytes]]


@st.composite
def _edited_parts(draw: st.DrawFn, parts: Parts) -> Parts:
    """Change the XML of some parts; leave one out, give one twice or under another name."""
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(parts) - 1))
        name, content = parts[place]
        match draw(st.sampled_from([*["edit"] * 5, "drop", "twice", "rename", "nest"])):
            case "edit":
                changed = [(name, edited(content, draw(edits(_XML_TOKENS))))]
            case "drop":
                changed = []
            case "twice":
                changed = [(name, content), (name, edited(content, draw(edits(_XML_TOKENS))))]
            case "rename":
                changed = [(draw(st.sampled_from(_NAMES)), content)]
            case _:
                depth = draw(st.integers(1, 3_000))
                changed = [(name, b"<a>" * depth + content)]
        parts = [*parts[:place], *changed, *parts[place + 1 :]] or parts
    return parts


def _archive(parts: Parts, compression: int) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w") as archive:  # names may be given twice
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name or " "), content, compression)
    return stream.getvalue()


@cache
def _unpacked(content: bytes) -> Parts:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return []  # it is damaged on purpose


@st.composite
def workbooks(draw: st.DrawFn) -> File:
    """Draw a workbook with its XML changed, then perhaps the bytes of its archive."""
    seed = draw(st.sampled_from(_seeds(".xlsx")))
    parts, content = _unpacked(seed.content), seed.content
    if draw(st.integers(0, 3)) and parts:
        method = draw(st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
        content = _archive(draw(_edited_parts(parts)), method)
    if not draw(st.integers(0, 3)):
        content = edited(content, draw(edits(_ZIP_TOKENS, most=4)))
    return File(".xlsx", content, seed.stem)


# --- the laws ------------------------------------------------------------------------------------------------------


def law_of_files(file: File) -> None:
    """It is a list whose rows add up, or it is refused with `InvalidInput`; nothing else, and soon."""
    start = process_time()
    table = _read(lambda: table_from_file(file))
    _read(lambda: suppressed_cells(file))
    if table:
        assert_rows_add_up(table)
    assert process_time() - start < SECONDS


def law_of_written_texts(written: Written) -> None:
    """Whatever its dialect and encoding are, every row arrives as it was."""
    table = table_from_file(written.file)

    assert [list(row.cells) for row in table.rows] == [row[: len(table.headers)] for row in written.rows]
    assert_rows_add_up(table)


def _read(read: Callable[[], Table | list[str]]) -> Table | None:
    try:
        found = read()
    except InvalidInput as error:
        assert_plain(str(error))
        return None
    return found if isinstance(found, Table) else None


def assert_plain(message: str) -> None:
    """A message is some sentences that can be shown."""
    assert message.strip()
    assert len(message) < 3_000
    assert message.encode()  # no lone surrogates
    assert not _UNSHOWN.search(message), message


def assert_rows_add_up(table: Table) -> None:
    numbers = [row.number for row in table.rows]
    assert table.rows
    assert numbers == sorted(set(numbers))
    assert len(set(table.headers)) == len(table.headers)
    assert all(len(row.cells) == len(table.headers) for row in table.rows)
    try:
        rows = check_table(table, Options(), KnownLists()).rows
    except InvalidInput as error:  # no column has numbers, or two have
        assert_plain(str(error))
        return
    counts = report.counts_of(rows).model_dump()
    assert [row.row for row in rows] == numbers
    assert counts.pop("rows") == len(numbers) == sum(counts.values())
    assert sum(reason.count for reason in report.by_reason(rows)) == len(numbers) - counts["ready"]
