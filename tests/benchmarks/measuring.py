"""What every benchmark shares: figures beside one another, how they are told, on what they were measured.

The machine may do other things meanwhile. So what is compared takes turns, in processes of their own, the ratio is taken
turn by turn, and its median and range are told. What only computes is measured in time of the processor, see `used`.
"""

# ruff: noqa: T201 - what they print is what they are for

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Literal, Protocol

from tests.processes import Server

HEADER = "| figure | measured | beside | ratio | aim |\n| --- | --- | --- | --- | --- |"

_PACKAGES = ("audiences-mcp", "mcp", "pydantic", "phonenumbers", "httpx")


COUNTS_USE = Path("/proc/self/task").exists()
"""Whether the system says how much of the processor another process has used."""

Unit = Literal["ms", "MB", "µs", "bytes"]


class Row(Protocol):
    """A row of the table."""

    @property
    def cells(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Ratio:
    """Something beside what it is compared with.

    Args:
        what: What was measured.
        mine: Its measurements.
        beside: What it is compared with.
        theirs: The measurements of that, each taken next to the one of `mine` in the same place.
        aim: What the ratio should be at most.
        unit: Of all measurements.
    """

    what: str
    mine: Sequence[float]
    beside: str
    theirs: Sequence[float]
    aim: float
    unit: Unit = "ms"

    @property
    def cells(self) -> tuple[str, ...]:
        ratios = [mine / theirs for mine, theirs in zip(self.mine, self.theirs, strict=True)]
        mine, theirs = (_spread(values, self.unit) for values in (self.mine, self.theirs))
        return self.what, mine, f"{self.beside}: {theirs}", _spread(ratios), _told(self.aim, median(ratios))


@dataclass(frozen=True)
class Amount:
    """Something whose aim is an amount; the arguments are those of `Ratio`."""

    what: str
    mine: Sequence[float]
    aim: float
    unit: Unit = "ms"
    beside: str = "-"

    @property
    def cells(self) -> tuple[str, ...]:
        told = _told(self.aim, median(self.mine), f" {self.unit}")
        return self.what, _spread(self.mine, self.unit), self.beside, "-", told


@dataclass(frozen=True)
class Skipped:
    """Something that could not be measured here, and why."""

    what: str
    why: str

    @property
    def cells(self) -> tuple[str, ...]:
        return self.what, "skipped", self.why, "-", "-"


def _spread(values: Sequence[float], unit: str = "") -> str:
    """Return the median and the range of measurements, or of ratios."""
    digits = 0 if unit == "bytes" else 2 if not unit else 1 if median(values) < 100 else 0
    middle, least, most = (f"{figure(values):,.{digits}f}" for figure in (median, min, max))
    return f"{middle} {unit}".strip() + (f" ({least}-{most})" if least != most else "")


def _told(aim: float, reached: float, unit: str = "") -> str:
    return f"≤ {aim:,g}{unit}" + ("" if reached <= aim else ", missed")


def in_turn(rounds: int) -> Iterator[int]:
    """Count rounds, and say how far it is where somebody watches."""
    for number in range(rounds):
        if sys.stderr.isatty():
            print(f"\r  round {number + 1} of {rounds} ", end="", file=sys.stderr)
        yield number


def as_row(row: Row) -> str:
    return f"| {' | '.join(row.cells)} |"


def show(rows: Iterable[Row]) -> None:
    """Print what a benchmark measured, when it is run alone."""
    print(f"{made_on()}\n\n{HEADER}")
    for row in rows:
        print(as_row(row), flush=True)


def made_on() -> str:
    """Say when and on what the figures were measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()}, {_processor()}, {os.cpu_count()} cores"
    return f"{datetime.now(UTC):%d %B %Y}; {machine}; {python}, {packages}"


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def used(server: Server) -> float:
    """Return the milliseconds of the processor that a process has used, or those gone by where the system does not say.

    On a busy machine they are steadier by far, and on an idle one the same for whatever only computes.
    """
    if not COUNTS_USE:
        return 1000 * perf_counter()
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/schedstat")
    return sum(int(each.read_text(encoding="ascii").split()[0]) for each in threads) / 1e6


def memory(server: Server, key: Literal["VmRSS", "VmHWM"]) -> float:
    """Return the megabytes that a process takes, or has ever taken; Linux only, 0 elsewhere."""
    found = (line for line in _lines(Path(f"/proc/{server.process.pid}/status")) if line.startswith(key))
    return next((int(line.split()[1]) / 1024 for line in found), 0.0)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
