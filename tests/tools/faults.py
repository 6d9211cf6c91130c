"""The faults of the matrix: what can happen to one request between the server and Atoms.

What a network does is done to real sockets: the request goes by a port that refuses, a name that does not resolve, or a
small proxy in front of the sandbox that breaks off. What Atoms or somebody else does is done at the transport.
"""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from socket import AF_INET, SO_LINGER, SOL_SOCKET, socket
from typing import Any

import httpx  # noqa: TID251 - faults are put in at the transport

from tests.conftest import Organisation
from tests.tools.conftest import Send, answer_lost, failed_after, failed_before, html, says

SHORT = 0.1
"""Seconds that a request waits here where it would wait in vain."""

STRANGER = "+14155550199"
"""Whom somebody else adds in the middle."""


class Effect(Enum):
    """What became of a request, and whether whoever made it can know."""

    SURELY_NOT_DONE = auto()
    NOT_DONE = auto()  # which cannot be told from done
    DONE = auto()  # which cannot be told from not done
    OTHERWISE = auto()  # it is answered, but what is stored is not as it was, or not as it should be


@dataclass
class Scene:
    """Where a fault happens.

    Args:
        organisation: Whose audiences it is about.
        audience: The name of the audience that the call is about.
        proxies: The proxies that run until the call is over.
    """

    organisation: Organisation
    audience: str
    proxies: AsyncExitStack = field(default_factory=AsyncExitStack)

    def audience_ids(self) -> list[str]:
        """Return the ids of the audiences that the call is about; split ones count."""
        named = [each for each in self.organisation.audiences() if each["name"].startswith(self.audience)]
        return [each["_id"] for each in named]


Make = Callable[[Scene, Send, httpx.Request], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Fault:
    """One way in which a request can fail.

    Args:
        name: Its row in the table.
        effect: What becomes of the request.
        make: Does it to a request.
        passing: Whether the same request may succeed a moment later, so that it is tried again where that is safe.
    """

    name: str
    effect: Effect
    make: Make
    passing: bool = True

    def can_strike(self, asked: str) -> bool:
        """Tell whether it can be made of a request; what is stored must have been sent."""
        return self.make is not _fewer or asked.startswith("POST")


# --- sockets -------------------------------------------------------------------------------------------------------

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


@asynccontextmanager
async def proxy(behaviour: Behaviour, port: int) -> AsyncIterator[int]:
    """Serve each connection as the behaviour does, with the port of the sandbox behind, and give the port to go to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer, port)
            await reader.read()  # until the client has enough
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _passed_on(reader: asyncio.StreamReader, port: int) -> bytes:
    """Pass a request on to the sandbox and return its answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    answer, request = await asyncio.open_connection("127.0.0.1", port)
    request.write(head.replace(b"keep-alive", b"close") + body)
    try:
        return await answer.read()
    finally:
        request.close()


async def _say_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter, ___: int) -> None:
    """Accept the connection; the handshake of TLS, say, is never answered."""


async def _reset_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
    await reader.read(20)
    _reset(writer)


async def _reset_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    answer = await _passed_on(reader, port)
    writer.write(answer[: len(answer) // 2])
    await writer.drain()
    _reset(writer)


async def _truncate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Give half of the JSON as though it were all."""
    head, _, body = (await _passed_on(reader, port)).partition(b"\r\n\r\n")
    body = body[: len(body) // 2]
    writer.write(re.sub(rb"(?i)(content-length): \d+", rb"\1: %d" % len(body), head) + b"\r\n\r\n" + body)
    await writer.drain()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Give a byte now and then, so that every single read is in time."""
    for byte in await _passed_on(reader, port):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(SHORT / 2)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with a reset, as a crashed server or a firewall does."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _by(behaviour: Behaviour, scheme: str = "http") -> Make:
    """Make the request by a proxy."""

    async def sent(scene: Scene, send: Send, request: httpx.Request) -> httpx.Response:
        port = await scene.proxies.enter_async_context(proxy(behaviour, request.url.port or 80))
        return await _elsewhere(send, request, scheme=scheme, port=port)

    return sent


async def _elsewhere(send: Send, request: httpx.Request, **address: Any) -> httpx.Response:
    request.url = request.url.copy_with(**address)
    if request.url.scheme == "https" or "host" in address:  # where nobody answers
        request.extensions["timeout"]["connect"] = SHORT
    return await send(request)


async def _refused(_: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    with socket(AF_INET) as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        return await _elsewhere(send, request, port=taken.getsockname()[1])


async def _nameless(_: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    return await _elsewhere(send, request, host="atoms.invalid")


async def _no_tls(_: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    return await _elsewhere(send, request, scheme="https")  # the sandbox does not speak it


# --- Atoms ---------------------------------------------------------------------------------------------------------


def _by_atoms(fault: Callable[[Send, httpx.Request], Awaitable[httpx.Response]]) -> Make:
    return lambda _, send, request: fault(send, request)


def _answers(status: int, **answer: Any) -> Make:
    """Answer without doing anything."""

    async def answered(_: Scene, __: Send, ___: httpx.Request) -> httpx.Response:
        return httpx.Response(status, **answer)

    return answered


async def _too_many_until(scene: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    return await _answers(429, headers={"Retry-After": moment}, json=SLOW_DOWN)(scene, send, request)


# --- others --------------------------------------------------------------------------------------------------------


async def _deleted(scene: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    for audience_id in scene.audience_ids():
        scene.organisation.request("DELETE", f"audience/{audience_id}")
    return await send(request)


async def _joined(scene: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    for audience_id in scene.audience_ids():
        members = {"members": [{"phoneNumber": STRANGER}]}
        scene.organisation.request("POST", f"audience/{audience_id}/members", json=members)
    return await send(request)


async def _fewer(_: Scene, send: Send, request: httpx.Request) -> httpx.Response:
    """Store all but the last person, who stands at the end of the JSON or, before the next part, of the CSV."""
    sent = await request.aread()
    content = re.sub(rb",\{[^{]*\}(?=\]\}$)|(?<=\n)[^\n]+\n(?=\r\n--)", b"", sent)
    assert content != sent
    headers = {**request.headers, "content-length": str(len(content))}
    return await send(
        httpx.Request(request.method, request.url, headers=headers, content=content, extensions=request.extensions)
    )


# --- all -----------------------------------------------------------------------------------------------------------

SLOW_DOWN = {"status": False, "error": "slow down", "code": "RATE_LIMIT_EXCEEDED"}
REFUSAL = {"status": False, "errors": ["Not today"]}
WRONG = {"status": ["yes"], "data": 7}
IN_7_SECONDS = {"Retry-After": "7"}

FAULTS = (
    Fault("connection refused", Effect.SURELY_NOT_DONE, _refused),
    Fault("no such host", Effect.SURELY_NOT_DONE, _nameless),
    Fault("TLS fails", Effect.SURELY_NOT_DONE, _no_tls),
    Fault("timeout before sending", Effect.SURELY_NOT_DONE, _by(_say_nothing, "https")),
    Fault("429, seconds given", Effect.SURELY_NOT_DONE, _answers(429, headers=IN_7_SECONDS, json=SLOW_DOWN)),
    Fault("429, date given", Effect.SURELY_NOT_DONE, _too_many_until),
    Fault("429, no time given", Effect.SURELY_NOT_DONE, _answers(429, json=SLOW_DOWN)),
    Fault("401", Effect.SURELY_NOT_DONE, _answers(401, json=REFUSAL), passing=False),
    Fault("200, status: false", Effect.SURELY_NOT_DONE, _answers(200, json=REFUSAL), passing=False),
    Fault("reset in the request", Effect.NOT_DONE, _by(_reset_request)),
    Fault("500 before committing", Effect.NOT_DONE, _by_atoms(failed_before)),
    Fault("502 with HTML", Effect.NOT_DONE, _answers(502, html="<h1>Bad gateway</h1>")),
    Fault("200 with HTML", Effect.NOT_DONE, _by_atoms(html), passing=False),
    Fault("500 after committing", Effect.DONE, _by_atoms(failed_after)),
    Fault("timeout after committing", Effect.DONE, _by_atoms(answer_lost)),
    Fault("reset in the answer", Effect.DONE, _by(_reset_answer)),
    Fault("an answer that drips", Effect.DONE, _by(_drip)),
    Fault("truncated JSON", Effect.DONE, _by(_truncate), passing=False),
    Fault("wrong types", Effect.DONE, _by_atoms(says(lambda _: WRONG)), passing=False),
    Fault("deleted by others", Effect.OTHERWISE, _deleted, passing=False),
    Fault("members added by others", Effect.OTHERWISE, _joined, passing=False),
    Fault("fewer stored than sent", Effect.OTHERWISE, _fewer, passing=False),
)
