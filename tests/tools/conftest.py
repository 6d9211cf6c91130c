"""What the tests of the tools share: a wire that can fail, a clock that can be set, answers that are always looked at."""

import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from audiences_mcp import calls, committing, removing, server
from audiences_mcp.app import App
from audiences_mcp.calls import this_call
from audiences_mcp.config import Settings
from audiences_mcp.server import build_server
from audiences_mcp.tools import build_tools
from tests.conftest import Agent, Answer

SNAPSHOTS = Path(__file__).parent / "snapshots"
ONE_REVISION = pytest.mark.parametrize("mode", ["auto"], indirect=True)
"""For long jobs, which are the same in both revisions of the protocol."""

MAX_ANSWER = 20_000

_tools = cache(build_tools)

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Fault = Callable[[Send, httpx.Request], Awaitable[httpx.Response]]


class Clock:
    """Seconds that go forward only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def forward(self, *, minutes: float) -> None:
        self.now += minutes * 60


class Wire(httpx.AsyncBaseTransport):
    """The network between the server and the sandbox: remembers each request and makes the faults that are put in."""

    def __init__(self) -> None:
        self._network = httpx.AsyncHTTPTransport(verify=False)  # no TLS to the sandbox, so no certificates to load
        self._faults: list[tuple[str, Fault, list[bool]]] = []
        self.requests: list[str] = []

    def fail(self, pattern: str, fault: Fault, *, skip: int = 0, times: int = 1_000) -> None:
        """Make a fault of the requests, such as `POST audience`, that match a pattern, but for the first few."""
        self._faults.append((pattern, fault, [False] * skip + [True] * times))

    def mend(self) -> None:
        """Make no more faults."""
        self._faults.clear()

    def forget(self) -> None:
        """Forget the requests so far."""
        self.requests.clear()

    @property
    def writes(self) -> list[str]:
        """The requests that change something."""
        return [request for request in self.requests if not request.startswith("GET")]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path.partition('/v1/')[2]}"
        self.requests.append(asked)
        for pattern, fault, turns in self._faults:
            if re.fullmatch(pattern, asked) and turns and turns.pop(0):
                return await fault(self._network.handle_async_request, request)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


class LookedAtAgent(Agent):
    """An agent that looks at every answer: it fits its schema, is not too long and shows nothing of the inside."""

    schemas: dict[str, Any]

    async def __call__(self, tool: str, /, **arguments: Any) -> Answer:
        answer = await super().__call__(tool, **arguments)
        assert len(answer.text) <= MAX_ANSWER
        for inside in ("Error executing tool", "Traceback", "pydantic", "site-packages"):
            assert inside not in answer.text
        if answer.data:
            jsonschema.Draft202012Validator(self.schemas[tool]).validate(answer.data)
        assert answer.data or answer.is_error
        return answer


Connect = Callable[[Settings, Wire | None], AbstractAsyncContextManager[LookedAtAgent]]


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder for lists, which the settings of a test may allow."""
    path = tmp_path / "lists"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing.Committer, "look_up_pauses", (0.0, 0.01))
    monkeypatch.setattr(removing, "LOOK_UP_PAUSES", (0.0, 0.01))


@pytest.fixture
def read_back_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is never what was sent, so it need not be waited for."""
    monkeypatch.setattr(committing, "READ_BACK_SECONDS", 0.5)


@pytest.fixture(autouse=True)
def _tools_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions, which hold nothing, take longer to make than most calls."""
    monkeypatch.setattr(server, "build_tools", _tools)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def connect(mode: Any, clock: Clock) -> Connect:
    """Return how to connect to a new server, with the network in between where a wire is given."""

    @asynccontextmanager
    async def connected(settings: Settings, wire: Wire | None) -> AsyncIterator[LookedAtAgent]:
        built = build_server(settings, partial(App, clock=clock, transport=wire))
        async with Client(built, mode=mode) as client:
            agent = LookedAtAgent(client)
            agent.schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            yield agent

    return connected


@pytest.fixture
async def agent(settings: Settings, wire: Wire, connect: Connect) -> AsyncIterator[LookedAtAgent]:
    async with connect(settings, wire) as connected:
        yield connected


class Person:
    """Somebody at a client that can ask them, who always gives the same answer."""

    def __init__(self, action: Literal["accept", "decline", "cancel"]) -> None:
        self._action = action
        self.questions: list[str] = []

    async def __call__(self, context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG002
        self.questions.append(params.message)
        return ElicitResult(action=self._action)


@asynccontextmanager
async def at(person: Person, settings: Settings, mode: Any) -> AsyncIterator[Agent]:
    async with Client(build_server(settings), mode=mode, elicitation_callback=person) as client:
        yield Agent(client)


def snapshot(name: str, value: Any) -> None:
    """Compare a value with the reviewed one of this name; UPDATE_SNAPSHOTS=1 writes it instead."""
    path = SNAPSHOTS / f"{name}.json"
    text = json.dumps(_masked(value), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name} has changed: review it, then set UPDATE_SNAPSHOTS=1"


def _masked(value: Any) -> Any:
    """Return a value without what differs from run to run: keys, ids and the time of day."""
    match value:
        case dict():
            return {key: "<now>" if key == "calling_hours_now" else _masked(item) for key, item in value.items()}
        case list():
            return [_masked(item) for item in value]
        case str():
            without_keys = re.sub(r"\b[0-9a-f]{32}\b", "<check_id>", value)
            return re.sub(r"\b[0-9a-f]{24}\b", "<audience_id>", without_keys)
        case _:
            return value


# --- faults --------------------------------------------------------------------------------------------------------


async def not_reached(_: Send, request: httpx.Request) -> httpx.Response:
    """The request never leaves."""
    raise httpx.ConnectError("connection refused", request=request)


async def answer_lost(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, and its answer is lost."""
    await _done(send, request)
    raise httpx.ReadTimeout("timed out", request=request)


def hangs(done: anyio.Event | None = None) -> Fault:
    """Atoms does it, which `done` tells, and its answer never comes."""

    async def unanswered(send: Send, request: httpx.Request) -> httpx.Response:
        await _done(send, request)
        if done:
            done.set()
        await anyio.sleep_forever()
        raise AssertionError

    return unanswered


async def hangs_past_its_time(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, its answer never comes, and the time of the call is up."""
    await _done(send, request)
    limit = this_call().time_limit
    assert limit.deadline <= anyio.current_time() + calls.CALL_SECONDS
    limit.deadline = anyio.current_time()
    await anyio.sleep_forever()
    raise AssertionError


async def just_too_late(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, and the time of the call is up as its answer arrives."""
    answer = httpx.Response(200, content=await _done(send, request))
    this_call().time_limit.cancel()
    return answer


async def failed_after(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, and answers 500."""
    await _done(send, request)
    return httpx.Response(500, json={"status": False, "errors": ["Internal server error"]})


async def failed_before(_: Send, __: httpx.Request) -> httpx.Response:
    """Atoms answers 500 and does nothing."""
    return httpx.Response(500, json={"status": False, "errors": ["Internal server error"]})


async def too_many(_: Send, __: httpx.Request) -> httpx.Response:
    """Atoms answers 429 and does nothing."""
    return httpx.Response(429, headers={"Retry-After": "7"}, json={"status": False, "error": "slow down"})


async def html(_: Send, __: httpx.Request) -> httpx.Response:
    """Something else than Atoms answers, and says that all is well."""
    return httpx.Response(200, html="<html><body>Welcome to the guest network</body></html>")


async def _done(send: Send, request: httpx.Request) -> bytes:
    response = await send(request)
    return await response.aread()


def pages_of(size: int) -> Fault:
    """Atoms gives no more a page than this, whatever is asked for."""

    async def smaller(send: Send, request: httpx.Request) -> httpx.Response:
        asked = int(request.url.params["offset"])
        return await send(
            httpx.Request(
                request.method, request.url.copy_set_param("offset", min(asked, size)), headers=request.headers
            )
        )

    return smaller


def late(seconds: float, fault: Fault | None = None) -> Fault:
    """Atoms takes its time, whatever it then does."""

    async def waited(send: Send, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(seconds)
        return await (fault(send, request) if fault else send(request))

    return waited


def says(change: Callable[[Any], Any]) -> Fault:
    """Atoms does it, and its answer is not what it was."""

    async def altered(send: Send, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=change(json.loads(await _done(send, request))))

    return altered
