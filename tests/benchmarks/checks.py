"""How long a person waits for a list of 10,000 to be checked, beside a plain loop over `phonenumbers`.

python -m tests.benchmarks.checks [rounds]

The check is that of a file, over stdio: read, checked, reported, answered. Every measurement is a process of its own, so
that nothing is there from the one before; imports are not counted, but what either side loads while it works (metadata,
expressions) is.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.lists import ABROAD, NATIONAL, as_csv, written
from tests.benchmarks.measuring import COUNTS_USE, Ratio, Row, in_turn, show, used
from tests.processes import Server

ROWS, ROUNDS = 10_000, 15
AIM_ABROAD, AIM_NATIONAL = 0.8, 1.4


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    for way in (*ABROAD, *NATIONAL):
        pairs = [_pair(way, seed) for seed in in_turn(rounds)]
        as_written = f"trunk zeros of {way}" if way in NATIONAL else f"written with {way}"
        yield Ratio(
            f"check of a file of {ROWS:,} rows over stdio, {as_written}",
            [mine for mine, _ in pairs],
            "`parse`, `is_valid_number`, `format_number` in a loop",
            [theirs for _, theirs in pairs],
            aim=AIM_NATIONAL if way in NATIONAL else AIM_ABROAD,
        )


def _pair(way: str, seed: int) -> tuple[float, float]:
    cells = written(way, ROWS, seed)
    return check(way, cells), _plain_loop(way, cells)


def check(way: str, cells: Sequence[str]) -> float:
    """Return the milliseconds that a new server takes to check a file."""
    region = {"default_region": way} if way in NATIONAL else {}
    with TemporaryDirectory() as folder, Server("--folder", folder) as server:
        Path(folder, "list.csv").write_text(as_csv(cells), encoding="utf-8")
        server.ask("tools/list", {})
        start = used(server)
        report = server.do("check_contacts", file_path="list.csv", **region)
        taken = used(server) - start
    assert report["counts"]["ready"] == len(cells), report["summary"]
    return taken


def _plain_loop(way: str, cells: Sequence[str]) -> float:
    """Return the milliseconds of the plain loop, which needs a plus before digits that have none."""
    plain = [f"+{cell.removeprefix(ABROAD[way])}" for cell in cells] if way in ABROAD else cells
    clock = "process_time" if COUNTS_USE else "perf_counter"
    command = [sys.executable, str(Path(__file__).with_name("plain_loop.py")), way if way in NATIONAL else "", clock]
    done = subprocess.run(command, input="\n".join(plain), capture_output=True, text=True, check=True)
    seconds, valid = done.stdout.split()
    assert int(valid) == len(cells)
    return 1000 * float(seconds)


if __name__ == "__main__":
    show(rows(*map(int, sys.argv[1:])))
