"""What servers over HTTP carry, next to a bare tool of the SDK, and what is lost when one of them dies. Run by hand:

python -m tests.benchmarks.http_load [rounds]

Everything is a process of its own: the sandbox, the servers, and a Redis (`redis-server`) that they share. Compare the ratios,
since the figures are those of the machine, which servers, sandbox and client share. A bare tool answers from memory; `relay`
asks the sandbox first, as `list_audiences` must.
"""

# ruff: noqa: T201 - what it prints is what it is for

import asyncio
import json
import random
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer

from audiences_mcp.listening import listen, web_server
from audiences_mcp.models import AudienceInfo, AudienceList
from tests.conftest import Organisation
from tests.processes import COMMAND, environment

STORED, CONNECTIONS, CALLS, ROUNDS = 10, 16, 2_000, 3
AT_ONCE = 200
COMMITS, COMMITTERS, KILLED_AFTER = 1_000, 8, 400

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Figures(NamedTuple):
    """What one run gave."""

    calls_a_second: float
    p99: float


class Died(Exception):
    """The server ended before it answered."""


class Connection:
    """A connection to a server that is kept; as little work as can be, since the client has the same cores.

    Args:
        url: The server.
    """

    def __init__(self, url: str) -> None:
        self._host, self._port = url.split("/")[2].split(":")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result.

        Raises:
            Died: There was no answer.
        """
        params = {"name": tool, "arguments": arguments, "_meta": ENVELOPE}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        try:
            answer = json.loads(await self._post(tool, body))
        except (OSError, asyncio.IncompleteReadError):
            self._streams = None
            raise Died from None
        result: dict[str, Any] = answer["result"]
        return result

    async def _post(self, tool: str, body: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, int(self._port))
        reader, writer = self._streams
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
            f"Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answered = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answered)
        if length:
            return await reader.readexactly(int(length[1]))
        events = b""
        while size := int(await reader.readline(), 16):
            events += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return events.rpartition(b"data: ")[2]  # what came before is progress


# --- processes -----------------------------------------------------------------------------------------------------


@contextmanager
def started(*command: str, **settings: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process that says its URL first."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(**settings)
    ) as process:
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, process.stdout.read()
            yield found[0], process
        finally:
            process.kill()


@contextmanager
def redis() -> Iterator[str]:
    """A Redis of its own, and its URL."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(place), "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                yield f"unix://{place}"
            finally:
                process.terminate()


def bare(organisation: Organisation) -> None:
    """Serve two tools of the SDK and nothing else."""
    server = MCPServer("bare", log_level="WARNING")
    made = {"member_count": 1, "phone_column": "phoneNumber", "description": "", "campaigns": []}
    audiences = [AudienceInfo.model_validate({"audience_id": "a" * 24, "name": "Bare", **made})] * STORED
    answer = AudienceList(summary="", audiences=audiences, total=STORED, next_step="")
    headers = {"Authorization": f"Bearer {organisation.key}"}
    http = httpx2.AsyncClient(headers=headers, trust_env=False, verify=False)

    @server.tool()
    async def bare() -> AudienceList:
        return answer

    @server.tool()
    async def relay() -> AudienceList:
        (await http.get(f"{organisation.url}/audience")).json()
        return answer

    app = server.streamable_http_app(stateless_http=True)
    with listen("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
        web_server(app, grace=1).run([listener])


@contextmanager
def bare_servers(count: int, organisation: Organisation) -> Iterator[list[str]]:
    command = [sys.executable, "-m", "tests.benchmarks.http_load", "--bare", organisation.url, organisation.key]
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(started(*command))[0] for _ in range(count)]


@contextmanager
def our_servers(count: int, organisation: Organisation) -> Iterator[tuple[list[str], list[subprocess.Popen[str]]]]:
    with redis() as state, ExitStack() as all_of_them:
        settings = {
            "SMALLEST_API_KEY": organisation.key,
            "ATOMS_API_URL": organisation.url,
            "AUDIENCES_MCP_STATE_URL": state,
        }
        servers = [
            all_of_them.enter_context(started(*COMMAND, "--http", "127.0.0.1:0", **settings)) for _ in range(count)
        ]
        yield [url for url, _ in servers], [process for _, process in servers]


# --- how much ------------------------------------------------------------------------------------------------------


async def measured(urls: Sequence[str], tool: str) -> Figures:
    """Call a tool over several connections, each again and again."""
    seconds: list[float] = []
    connections = [Connection(urls[number % len(urls)]) for number in range(CONNECTIONS)]

    async def go(connection: Connection, calls: int) -> None:
        for _ in range(calls):
            started = perf_counter()
            result = await connection.call(tool)
            seconds.append(perf_counter() - started)
            assert not result.get("isError"), result

    await asyncio.gather(*(go(each, 10) for each in connections))  # the first calls import and connect
    seconds.clear()
    begun = perf_counter()
    await asyncio.gather(*(go(each, CALLS // CONNECTIONS) for each in connections))
    return Figures(len(seconds) / (perf_counter() - begun), statistics.quantiles(seconds, n=100)[98])


def how_much(organisation: Organisation, rounds: int) -> None:
    """Print calls a second and the 99th percentile for one and two processes, medians of some rounds."""
    found: dict[tuple[str, int], list[Figures]] = {}
    for _ in range(rounds):
        for count in (1, 2):
            with bare_servers(count, organisation) as urls:
                for tool in ("bare", "relay"):
                    found.setdefault((tool, count), []).append(asyncio.run(measured(urls, tool)))
            with our_servers(count, organisation) as (urls, _):
                found.setdefault(("list_audiences", count), []).append(asyncio.run(measured(urls, "list_audiences")))
    medians = {each: Figures(*map(statistics.median, zip(*runs, strict=True))) for each, runs in found.items()}
    print(f"{'tool':<16}{'processes':>10}{'calls/s':>10}{'p99 ms':>10}{'calls/s : bare':>17}{'p99 : bare':>13}")
    for (tool, count), figures in sorted(medians.items(), key=lambda each: (each[0][1], -each[1].calls_a_second)):
        beside = medians["bare", count]
        ratios = f"{figures.calls_a_second / beside.calls_a_second:17.2f}{figures.p99 / beside.p99:13.2f}"
        print(f"{tool:<16}{count:>10}{figures.calls_a_second:>10.0f}{figures.p99 * 1_000:>10.1f}{ratios}")


# --- many clients --------------------------------------------------------------------------------------------------


async def at_once(url: str) -> int:
    """Connect many clients of the SDK at once, let each make a call, and return how many got no answer."""
    ready = asyncio.Barrier(AT_ONCE)

    async def one(number: int) -> bool:
        mode = ("auto", "legacy")[number % 2]
        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=60) as http:
            await ready.wait()
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                return not (await client.call_tool("list_audiences", {})).is_error

    answers = await asyncio.gather(*(one(number) for number in range(AT_ONCE)), return_exceptions=True)
    return sum(answer is not True for answer in answers)


# --- one dies ------------------------------------------------------------------------------------------------------


async def committed(urls: Sequence[str], doomed: subprocess.Popen[str]) -> Counter[str]:
    """Commit many lists, and kill a process on the way; a client whose process dies repeats its call on the other."""
    told: Counter[str] = Counter()
    todo = iter(range(COMMITS))
    chosen = random.Random(7)

    async def call(connections: list[Connection], tool: str, **arguments: Any) -> dict[str, Any]:
        while True:
            connection = chosen.choice(connections)
            try:
                result = await connection.call(tool, **arguments)
            except Died:
                told["died"] += 1
                connections.remove(connection)
                continue
            if not result.get("isError"):
                structure: dict[str, Any] = result["structuredContent"]
                return structure
            told[result["content"][0]["text"].split("\n")[0][:90]] += 1

    async def commit() -> None:
        connections = [Connection(url) for url in urls]
        for number in todo:
            if number == KILLED_AFTER:
                doomed.kill()
            people = [{"phone_number": f"+9198765{number:05d}"}, {"phone_number": f"+9198764{number:05d}"}]
            check = await call(connections, "check_contacts", contacts=people)
            made = await call(connections, "create_audience", name=f"List {number}", check_id=check["check_id"])
            told["done" if made["verified"] else "not verified"] += 1

    await asyncio.gather(*(commit() for _ in range(COMMITTERS)))
    return told


def differences(organisation: Organisation) -> list[str]:
    """Return what is stored and should not be, or the other way round."""
    stored = Counter((audience["name"], audience["memberCount"]) for audience in organisation.audiences())
    expected = Counter((f"List {number}", 2) for number in range(COMMITS))
    wrong = (stored - expected) + (expected - stored)
    return [f"{name}, {members} members: stored {stored[name, members]} times" for name, members in wrong]


def main(rounds: int) -> int:
    with started(*COMMAND, "sandbox", "--port", "0") as (url, _):
        organisation = Organisation(url, "sk_load")
        for number in range(STORED):
            organisation.audience(f"May {number}", f"phoneNumber\n+91987650000{number}\n")
        how_much(organisation, rounds)
        with our_servers(1, organisation) as (urls, _):
            unanswered = asyncio.run(at_once(urls[0]))
        print(f"{AT_ONCE} clients at once: {unanswered} without an answer")
        team = Organisation(url, "sk_team")
        with our_servers(2, team) as (urls, processes):
            told = asyncio.run(committed(urls, processes[0]))
        wrong = differences(team)
    print(f"{COMMITS:,} commits, one of two processes killed: {dict(told)}")
    print("\n".join(wrong) or f"{COMMITS:,} audiences, none twice.")
    return 1 if unanswered or wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        bare(Organisation(*sys.argv[2:4]))
        sys.exit()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
