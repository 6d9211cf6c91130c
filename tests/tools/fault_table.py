"""Runs the fault matrix and prints what was seen as tables: `python -m tests.tools.fault_table`."""

# ruff: noqa: T201 - what it prints is what it is for

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

MATRIX = Path(__file__).with_name("test_faults.py")

Verdicts = dict[tuple[str, str], str]
"""What was seen, by fault and call."""


class Tables:
    """Collects what the tests of the matrix saw while pytest runs; one table for each place of a call."""

    def __init__(self) -> None:
        self.verdicts: defaultdict[str, Verdicts] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a verdict; one that is not as it must be stands out."""
        if report.when == "call":
            cells: list[Any] = [value for _, value in report.user_properties]
            for place, fault, call, verdict in cells:
                self.verdicts[place][fault, call] = verdict if report.passed else f"FAILED: {verdict}"


def table(verdicts: Verdicts) -> Iterable[str]:
    """Yield the lines of a table: faults down, calls across."""
    faults, calls = (list(dict.fromkeys(names)) for names in zip(*verdicts, strict=True))
    rows = [["", *calls], *([fault, *(verdicts.get((fault, call), "") for call in calls)] for fault in faults)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"


def main() -> int:
    """Run every cell and print the tables; 0 when all of them are as they must be."""
    tables = Tables()
    failed = pytest.main(
        ["-q", "-m", "", "--no-header", "--tb=short", "-p", "no:cacheprovider", str(MATRIX)], plugins=[tables]
    )
    for place, verdicts in tables.verdicts.items():
        print(f"\n## A fault strikes {place}\n", *table(verdicts), sep="\n")
    cells = sum(map(len, tables.verdicts.values()))
    print(f"\n{cells} cells. After an arrow: what the same call did once the fault was mended.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
