"""MCP on standard input and output, where every request is answered, also one that cannot be read."""

import json
import re
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from mcp.server import MCPServer
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCRequest, jsonrpc_message_adapter
from pydantic import ValidationError

from audiences_mcp.app import App

if TYPE_CHECKING:  # where these types are may change
    from mcp.shared._stream_protocols import ReadStream, WriteStream

_ID = re.compile(r'"id"\s{0,9}:\s{0,9}(?:(-?\d{1,15})\b|"([^"\\]{1,100})")')
_STEP = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]')

Serve = Callable[["ReadStream[SessionMessage | Exception]", "WriteStream[SessionMessage]"], Coroutine[Any, Any, None]]
"""Serves one connection until its input ends, in the revision of its first request."""


def run(server: MCPServer[App]) -> None:
    """Serve until the input ends."""
    anyio.run(_serve, server)


async def _serve(server: MCPServer[App]) -> None:
    inner = server._lowlevel_server  # noqa: SLF001 - as `run_stdio_async` does, which takes no streams
    options = inner.create_initialization_options()
    # What it holds comes first: where that cannot be had, no thread waits for input yet, which would hold up the end.
    async with inner.lifespan(inner) as held, stdio_server() as (read, write):
        serve = partial(serve_dual_era_loop, inner, lifespan_state=held, init_options=options)
        await serve(_Answering(read, write, serve), write)


class _Answering:
    """The messages that can be read. The SDK drops the others in silence, so that whoever asks waits in vain.

    A client may ask what the server is before it chooses a revision. The SDK would take the question for the choice and
    refuse the older handshake after it, so it is answered here, on a connection of its own.

    Args:
        read: What arrives: messages, and the errors of those that are none.
        write: Where an answer goes.
        serve: What serves a connection.
    """

    def __init__(
        self, read: "ReadStream[SessionMessage | Exception]", write: "WriteStream[SessionMessage]", serve: Serve
    ) -> None:
        self._read, self._write, self._serve = read, write, serve
        self._chosen = False

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message."""
        while True:
            item = await self._read.receive()
            message = item if isinstance(item, SessionMessage) else await self._mended_or_refused(_line_of(item))
            if message and self._is_question(message):
                await self._write.send(await self._answer(message))
            elif message:
                return message

    async def _mended_or_refused(self, line: str) -> SessionMessage | None:
        mended = _mended(line)
        if mended is None:
            await self._refuse(line)
        return mended

    def _is_question(self, message: SessionMessage) -> bool:
        """Tell whether it asks what the server is, before anything else was asked."""
        if isinstance(message.message, JSONRPCRequest) and not self._chosen:
            self._chosen = message.message.method != "server/discover"
            return not self._chosen
        return False

    async def _answer(self, question: SessionMessage) -> SessionMessage:
        ask, asked = anyio.create_memory_object_stream[SessionMessage | Exception](1)
        answer, answered = anyio.create_memory_object_stream[SessionMessage](1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._serve, asked, answer)
            async with ask, answered:
                await ask.send(question)
                reply = await answered.receive()
        return reply

    async def _refuse(self, line: str) -> None:
        found = _own_id(line)
        if found is None:
            return
        said = "This request cannot be read, so nothing was done: it is no JSON-RPC, nested too deeply, or has a huge number."
        error = ErrorData(code=PARSE_ERROR, message=said)
        request_id = int(found[1]) if found[1] else found[2]
        await self._write.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=request_id, error=error)))

    @property
    def last_context(self) -> object:
        """The context in which the last message was sent."""
        return getattr(self._read, "last_context", None)

    async def aclose(self) -> None:
        """Read no more."""
        await self._read.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _own_id(line: str) -> re.Match[str] | None:
    """Find the id of a message that cannot be read: not one of what it carries, which may be another request's."""
    depth = 0
    for step in _STEP.finditer(line):
        if step[0] in "{[":
            depth += 1
        elif step[0] in "}]":
            depth -= 1
        elif depth == 1 and (found := _ID.match(line, step.start())):
            return found
    return None


def _line_of(error: Exception) -> str:
    """Return the line that could not be read."""
    faults = error.errors(include_url=False) if isinstance(error, ValidationError) else []
    given = faults[0]["input"] if faults else ""
    return given if isinstance(given, str) else json.dumps(given)


def _mended(line: str) -> SessionMessage | None:
    """Return a message in which halves of emoji stood: a text was cut in the middle of one, and nothing can encode it."""
    try:
        whole = (
            json.dumps(json.loads(line), ensure_ascii=False)
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )
        return SessionMessage(jsonrpc_message_adapter.validate_json(whole, by_name=False))
    except (ValueError, RecursionError):
        return None
