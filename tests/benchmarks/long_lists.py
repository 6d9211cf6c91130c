"""What a list of 100,000 takes: its time a row beside one of 10,000, its memory, and how long others wait meanwhile.

python -m tests.benchmarks.long_lists [rounds]
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, sleep

from tests.benchmarks.lists import as_csv, written
from tests.benchmarks.measuring import Amount, Ratio, Row, in_turn, memory, show, used
from tests.processes import Server
from tests.tools.watched_server import EVERY

SHORT, LONG, ROUNDS = 10_000, 100_000, 5


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    cells = written("+", LONG, 0)
    long, short, megabytes, pauses, waits = [], [], [], [], []
    for number in in_turn(rounds):
        start = number * SHORT % LONG
        short.append(_check(cells[start : start + SHORT])[0] / SHORT)
        microseconds, more = _check(cells)
        long.append(microseconds / LONG)
        megabytes.append(more)
        pauses.append(_longest_pause(cells))
        waits.append(_longest_wait(cells))
    yield Ratio(f"check of {LONG:,} rows, a row", long, f"the same of {SHORT:,}", short, aim=1.1, unit="µs")
    yield Amount(f"memory for {LONG:,} rows, at most over idle", megabytes, aim=150, unit="MB")
    yield Amount(f"longest pause of the event loop while {LONG:,} rows are checked", pauses, aim=50)
    yield Amount("longest wait for the answer to a ping meanwhile", waits, aim=50)


def _check(cells: Sequence[str]) -> tuple[float, float]:
    """Return the microseconds that a new server takes, and how many megabytes more than before."""
    with TemporaryDirectory() as folder, Server("--folder", folder) as server:
        idle = memory(server, "VmRSS")
        start = used(server)
        server.do("check_contacts", file_path=_file(folder, cells))
        return 1000 * (used(server) - start), memory(server, "VmHWM") - idle


def _file(folder: str, cells: Sequence[str]) -> str:
    Path(folder, "list.csv").write_text(as_csv(cells), encoding="utf-8")
    return "list.csv"


class _Watched(Server):
    command = (sys.executable, "-m", "tests.tools.watched_server")


def _longest_pause(cells: Sequence[str]) -> float:
    """Return the milliseconds of its own that the process once took before its event loop came round."""
    with TemporaryDirectory() as folder:
        notes = Path(folder, "notes.txt")
        with _Watched(str(notes), "--folder", folder) as server:
            file = _file(folder, cells)
            start = monotonic()
            server.do("check_contacts", file_path=file)
            sleep(0.1)  # the last round may have been the long one
            came_round = [
                tuple(map(float, line.split())) for line in notes.read_text(encoding="ascii").splitlines()[:-1]
            ]
    return 1000 * (max(used for moment, used in came_round if moment >= start) - EVERY)


def _longest_wait(cells: Sequence[str]) -> float:
    """Return the milliseconds after which the slowest of many pings was answered."""
    waits = []
    with TemporaryDirectory() as folder, Server("--folder", folder) as server:
        check, answered = server.start("check_contacts", file_path=_file(folder, cells)), 0
        while answered != check:
            sleep(0.01)
            asked = perf_counter()
            ping = server.request("ping", {})
            while (answered := server.next_answer()["id"]) not in {ping, check}:
                pass
            waits.append(1000 * (perf_counter() - asked))
    return max(waits[:-1])


if __name__ == "__main__":
    show(rows(*map(int, sys.argv[1:])))
