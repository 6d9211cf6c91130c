"""Text files become records: which encoding, which delimiter, which quotes."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice

from audiences_mcp.contacts.tables import Record, Tick, holds_number
from audiences_mcp.errors import InvalidInput

_DELIMITERS = ",;\t|"
_NAMED_DELIMITER = re.compile(r"sep=([,;\t|])\r?\n?")  # a first line that Excel reads and does not show
_SNIFFED_RECORDS, _SNIFFED_TEXT = 50, 200_000
_MAX_FIELD = 10_000_000
_TICK = 2_000
_MOST_NAMED = 5
_LINE_BREAK = re.compile(r"\r\n?|\n")
_MARKS = (  # byte order marks; the longer one first, since the other is its beginning
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = "Windows-1252"
# Western and Eastern European letters share most of their bytes, so a short list fits both nearly alike. Windows-1252 is
# by far the most common, and another is taken only where it fits so many times as well.
_CLEARLY_BETTER = 3
# Greek, Cyrillic, Hebrew, Arabic, the scripts of South Asia; in Japanese and Chinese Latin letters stand among others.
_MIXED = re.compile(r"[A-Za-z][\u0370-\u0fff]|[\u0370-\u0fff](?=[A-Za-z])")
_WORDS = re.compile(rb"[^\s,;|\"]+")


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file, and the name of its encoding where that is not UTF-8.

    A byte order mark decides; then UTF-8, which other texts hardly ever are by chance; then what a detector finds.

    Raises:
        InvalidInput: It is no text in any encoding that is known here.
    """
    mark = next((encoding for bom, encoding in _MARKS if content.startswith(bom)), "")
    guesses = [mark] if mark else [_utf16_without_mark(content), "utf-8"]
    for encoding in filter(None, guesses):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _checked(text), "" if encoding.startswith("utf-8") else encoding[:6].upper()
    for encoding in [] if mark else _likely_encodings(content):
        try:
            return _checked(content.decode(encoding)), encoding
        except (UnicodeDecodeError, LookupError):
            continue
    raise _no_text()


def _checked(text: str) -> str:
    """Return the text, unless it is a program, a picture or an archive under a wrong name."""
    if "\0" in text:
        raise _no_text()
    return text


def _no_text() -> InvalidInput:
    return InvalidInput("The file is no text, whatever its name says: save the list as CSV (UTF-8) or as .xlsx.")


def _utf16_without_mark(content: bytes) -> str:
    """Return the UTF-16 that a text without a mark is in, by the zero byte of nearly every character of a header row."""
    head = content[:200]
    if len(content) % 2 or not head:
        return ""
    for encoding, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, others = head[start::2], head[1 - start :: 2]
        if zeros.count(0) * 2 > len(zeros) and others.count(0) * 5 < len(others):
            return encoding
    return ""


def _likely_encodings(content: bytes) -> list[str]:
    import chardet  # noqa: PLC0415 - only a list that is not UTF-8 needs it

    # Only what is not ASCII tells encodings apart, and each word once, or a name that is frequent outweighs the others.
    words = dict.fromkeys(word for word in _WORDS.findall(content[: 50 * _SNIFFED_TEXT]) if not word.isascii())
    foreign = b"\n".join(words)[:_SNIFFED_TEXT]
    found = chardet.detect_all(foreign, ignore_threshold=True, encoding_era=chardet.EncodingEra.MODERN_WEB)
    fit = {guess["encoding"]: guess["confidence"] for guess in found if guess["encoding"]}
    fit = {encoding: confidence for encoding, confidence in fit.items() if not _mixes_scripts(foreign, encoding)}
    likely = sorted(fit, key=lambda encoding: -fit[encoding])
    if _WESTERN in fit and fit[_WESTERN] * _CLEARLY_BETTER >= fit[likely[0]]:
        likely.sort(key=lambda encoding: encoding != _WESTERN)
    return likely


def _mixes_scripts(content: bytes, encoding: str) -> bool:
    """Tell whether in an encoding many words mix Latin letters with others, as a Greek reading of `Muñoz` does."""
    text = content.decode(encoding, errors="ignore")
    return len(_MIXED.findall(text)) * 5 > sum(not char.isascii() for char in text)


def delimited_records(
    text: str, delimiter: str = "", tick: Tick = lambda _done, _all: None, notes: list[str] | None = None
) -> Iterator[Record]:
    """Yield every record of a text with delimiters, blank ones included.

    Args:
        text: The text.
        delimiter: What stands between cells; empty to find it: comma, semicolon, tab or pipe.
        tick: Called from time to time with the records so far; may raise to stop.
        notes: Takes, once all is read, what a person should know of it.

    Raises:
        InvalidInput: A quote does not close.
    """
    csv.field_size_limit(_MAX_FIELD)
    text = text.removeprefix("\ufeff")
    named = _NAMED_DELIMITER.match(text)
    body = text[named.end() :] if named else text
    found = named[1] if named else delimiter or _delimiter(text)
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=found, strict=True, skipinitialspace=_is_spaced(body, found)
    )
    last = lines = 0
    swallowing: list[str] = []

    def numbered() -> Iterator[Record]:
        nonlocal last, lines
        for last, cells in enumerate(reader, 1):
            if reader.line_num > lines + 1 and _swallows_rows(cells, found):
                swallowing.append(str(last))
            lines = reader.line_num
            if last % _TICK == 0:
                tick(last, 0)
            yield last, cells

    try:
        yield from _unwrapped(numbered())
    except csv.Error:
        raise InvalidInput(
            f"Row {last + 1} of the CSV has a quote that does not close, or text after a closing quote: write a quote "
            'inside a cell twice ("").',
        ) from None
    if swallowing and notes is not None:
        notes.append(
            f"A cell of row {', '.join(swallowing[:_MOST_NAMED])}{' …' if len(swallowing) > _MOST_NAMED else ''} has lines "
            'that look like further rows, of people who are not counted: look for a quote (") that opens there and should not.'
        )


def _swallows_rows(cells: list[str], delimiter: str) -> bool:
    """Tell whether a cell has a line that could be a row of its own, as where a stray quote opens the cell."""
    return any(
        len(parts := text.split(delimiter)) == len(cells) > 1 and any(map(holds_number, parts))
        for cell in cells
        for text in _LINE_BREAK.split(cell)[1:]
    )


def _is_spaced(text: str, delimiter: str) -> bool:
    """Tell whether a space follows every delimiter of the header row, so that one may stand before a quote."""
    header = text.lstrip()[:_SNIFFED_TEXT].partition("\n")[0]
    return delimiter in header and header.count(delimiter) == header.count(f"{delimiter} ")


def _unwrapped(records: Iterator[Record]) -> Iterator[Record]:
    """Yield records; where a program has put every line into quotes, as one cell, what is in the quotes."""
    first = list(islice(records, 2))
    everything = chain(first, records)
    lines = [cells[0] for _, cells in first if len(cells) == 1]
    delimiter = _delimiter("\n".join(lines))
    widths = {len(cells) for cells in csv.reader(lines, delimiter=delimiter)}
    if len(lines) < 2 or len(widths) > 1 or widths == {1}:
        yield from everything
        return
    for number, cells in everything:
        # A line that is not in quotes as a whole is divided already.
        yield number, next(csv.reader(cells, delimiter=delimiter, strict=True), []) if len(cells) == 1 else cells


def _cuts_cells(records: list[list[str]]) -> bool:
    """Tell whether cells that hold several numbers would be cut: one column has a header, and its rows would have more."""
    header, *rows = records
    return len(header) == 1 and bool(rows) and len(rows[0]) > 1 and any(map(holds_number, rows[0]))


def _most_common(widths: list[int]) -> int:
    return max(set(widths), key=widths.count) if widths else 1


def _from_header(records: list[list[str]]) -> list[list[str]]:
    """Return records without the titles above a header row, which no delimiter cuts, and which few rows may follow."""
    start = next((place for place, cells in enumerate(records) if len(cells) > 1), 0)
    rows = records[start:]
    return rows if len(rows) > 1 and not any(map(holds_number, rows[0])) else records


def _delimiter(text: str) -> str:
    """Take the delimiter that cuts the first records into the most cells, most evenly.

    Records, not lines: a cell in quotes may have lines of its own, which another delimiter could cut evenly.
    """

    def evenness(delimiter: str) -> tuple[float, int]:
        spaced = _is_spaced(text, delimiter)
        head = io.StringIO(text[:_SNIFFED_TEXT], newline="")
        records = csv.reader(head, delimiter=delimiter, skipinitialspace=spaced)
        filled = list(islice((cells for cells in records if any(map(str.strip, cells))), _SNIFFED_RECORDS))
        widths = [len(cells) for cells in filled]
        common = _most_common(widths)
        if common > 1 and _cuts_cells(filled):
            return 0, 1
        if common == 1:  # nearly always one column; else there are more titles than rows
            return 0, _most_common([len(cells) for cells in _from_header(filled)])
        return widths.count(common) / len(widths), common

    return max(_DELIMITERS, key=evenness)
