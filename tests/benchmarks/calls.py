"""What a call adds to the time of the API itself: one that lists audiences, and one that reads 10,000 members.

python -m tests.benchmarks.calls [rounds]
"""

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

import anyio
import httpx  # noqa: TID251 - what the call is compared with

from audiences_mcp.atoms.client import AtomsClient
from tests.benchmarks.far_sandbox import organisation
from tests.benchmarks.lists import as_csv, written
from tests.benchmarks.measuring import Ratio, Row, in_turn, show
from tests.benchmarks.starting import Bare
from tests.conftest import Organisation
from tests.processes import Server

ROUNDS, CALLS_A_ROUND, AUDIENCES, MEMBERS = 11, 50, 10, 10_000


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    with organisation() as atoms:
        yield _listing(atoms, rounds)
        yield _reading(atoms, rounds)


def _listing(atoms: Organisation, rounds: int) -> Row:
    for number in range(AUDIENCES):
        atoms.audience(f"Audience {number}", "phoneNumber\n+14155552671\n")
    with Server(SMALLEST_API_KEY=atoms.key, ATOMS_API_URL=atoms.url) as server, Bare() as bare:
        mine, theirs = anyio.run(_list, atoms, server, bare, rounds)
    beside = "the same HTTP request made directly with httpx, and a call of an empty tool"
    return Ratio("one list_audiences over stdio", mine, beside, theirs, aim=1.45)


async def _list(atoms: Organisation, server: Server, bare: Server, rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of a call, and of a request and a call that does nothing, one after the other."""
    mine, theirs = [], []
    async with httpx.AsyncClient(headers=_headers(atoms), verify=False, trust_env=False) as http:
        for number in in_turn(rounds + 1):
            called, asked = [], []
            for _ in range(CALLS_A_ROUND):
                start = perf_counter()
                server.do("list_audiences")
                answered = perf_counter()
                assert len((await http.get(f"{atoms.url}/audience")).json()["data"]) == AUDIENCES
                bare.ask("tools/call", {"name": "empty_0", "arguments": {}})
                called.append(1000 * (answered - start))
                asked.append(1000 * (perf_counter() - answered))
            if number:  # the first ones load and connect
                mine.append(median(called))
                theirs.append(median(asked))
    return mine, theirs


def _reading(atoms: Organisation, rounds: int) -> Row:
    audience_id = atoms.audience("Full", as_csv(written("+", MEMBERS, 0)), "phone")
    mine, theirs = anyio.run(_read, atoms, audience_id, rounds)
    beside = "the sandbox's own time for the page that holds them"
    return Ratio(f"{MEMBERS:,} members read for an add or an audit", mine, beside, theirs, aim=2.0)


async def _read(atoms: Organisation, audience_id: str, rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds for all members, and those until the page that holds them has arrived."""
    url, client = f"{atoms.url}/audience/{audience_id}/members", AtomsClient(atoms.url, atoms.key)
    mine, theirs = [], []
    async with httpx.AsyncClient(headers=_headers(atoms), verify=False, trust_env=False) as http:
        for _ in in_turn(rounds):
            start = perf_counter()
            assert len(await client.all_members(audience_id)) == MEMBERS
            read = perf_counter()
            await http.get(url, params={"page": 1, "offset": MEMBERS})
            arrived = perf_counter()
            mine.append(1000 * (read - start))
            theirs.append(1000 * (arrived - read))
    await client.aclose()
    return mine[1:], theirs[1:]  # the first ones connect


def _headers(atoms: Organisation) -> dict[str, str]:
    return {"Authorization": f"Bearer {atoms.key}"}


if __name__ == "__main__":
    show(rows(*map(int, sys.argv[1:])))
