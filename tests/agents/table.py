"""Runs the scripted agents and prints what each task took: `python -m tests.agents.table`."""

# ruff: noqa: T201 - what it prints is what it is for

import sys
from pathlib import Path

import pytest

from tests.agents.figures import Figures

AGENTS = Path(__file__).with_name("test_agents.py")


class Table:
    """Collects what the tasks took while pytest runs."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [["task", "steps", "calls", "asked", "bytes", "goal"]]
        self.total = Figures()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a task."""
        for wanted, values in report.user_properties if report.when == "call" else ():
            figures = Figures(**dict(values))  # type: ignore[call-overload] # pytest takes any value
            self.total.add(figures)
            self.rows.append([wanted, *figures.cells, "reached" if report.passed else "MISSED"])

    def __str__(self) -> str:
        rows = [*self.rows, ["all", *self.total.cells, ""]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, ["-" * width for width in widths])
        lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(f"| {line} |" for line in lines)


def main() -> int:
    """Run every task and print the table; 0 when all reach their goal."""
    table = Table()
    failed = pytest.main(["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", str(AGENTS)], plugins=[table])
    print(
        f"\n{table}\n\nSteps are calls and questions to the person; bytes are those of the arguments and the answers."
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
