"""How long a client waits for the server to start and to end, and what it takes at rest, beside a bare server.

python -m tests.benchmarks.starting [rounds]
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from tests.benchmarks.measuring import COUNTS_USE, Ratio, Row, in_turn, memory, show, used
from tests.processes import Server

ROUNDS = 21


class Bare(Server):
    """The SDK's own server with as many tools, which do nothing."""

    command = (sys.executable, str(Path(__file__).with_name("bare_server.py")))


def _once(server: type[Server]) -> tuple[float, float, float]:
    """Start a server and end it: milliseconds to the answer of tools/list, megabytes then, milliseconds to the exit."""
    begun = 0.0 if COUNTS_USE else 1000 * perf_counter()
    with server() as running:
        running.ask("tools/list", {})
        started = used(running)
        megabytes = memory(running, "VmRSS")
        closed = perf_counter()
        running.close_input()
        running.process.wait()
        return started - begun, megabytes, 1000 * (perf_counter() - closed)


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    mine, theirs = [], []
    for _ in in_turn(rounds + 1):
        mine.append(_once(Server))
        theirs.append(_once(Bare))
    start, rest, end = zip(*mine[1:], strict=True)  # the first ones write compiled files
    bare_start, bare_rest, bare_end = zip(*theirs[1:], strict=True)
    bare = "a bare `MCPServer` with 12 empty tools"
    yield Ratio("start of the process to the answer of tools/list", start, bare, bare_start, aim=1.0)
    yield Ratio("end of input to exit", end, bare, bare_end, aim=0.3)
    yield Ratio("memory at rest", rest, bare, bare_rest, aim=1.15, unit="MB")


if __name__ == "__main__":
    show(rows(*map(int, sys.argv[1:])))
