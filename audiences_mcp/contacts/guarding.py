"""Cells that a spreadsheet would run as formulas: written with an apostrophe in front, which reading takes off again.

Source: OWASP, CSV Injection. The rule covers cells that have the apostrophe already, so that every cell comes back.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

_FORMULA = re.compile(r"[\s']*[=+\-@]")


def guarded(cell: str) -> str:
    """Return a cell so that no spreadsheet runs it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before `guarded`."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell, 1) else cell


def write_rows(stream: TextIO, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as CSV that a spreadsheet may open.

    Args:
        stream: Where to, opened with `newline=""`; a byte order mark is the opener's affair.
        headers: The column names.
        rows: One text for each header.
    """
    writer = csv.writer(stream)
    writer.writerow(map(guarded, headers))
    writer.writerows([guarded(cell) for cell in row] for row in rows)
