"""An agent that calls a server over a rough network, and repeats what failed until it is done or refused."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus
from mcp import Client

from audiences_mcp.app import App
from audiences_mcp.config import Settings
from audiences_mcp.server import build_server
from tests.conftest import Answer
from tests.soaking.lists import REGION, People
from tests.soaking.wire import RoughWire
from tests.tools.conftest import LookedAtAgent

_LONGEST_CALL = 120  # seconds; one that is longer hangs
_MOST_TYPED = 1_000
_PATIENCE = 60  # repeats of one call
_PASSING = re.compile(  # what an agent repeats
    r"outcome (?:is )?unknown|could not be reached|did not answer|broke off|Atoms failed|too many requests"
    r"|is not the documented JSON|Stopped half way|Try again|Connection closed"
)
FORGOTTEN = re.compile(r"This (?:check_id|confirm_token) is unknown")
"""What a server says that was restarted."""

_UNKNOWN = re.compile(r"outcome (?:is )?unknown", re.IGNORECASE)
_CHECK_ID = re.compile(r"check_id: ([0-9a-f]{32})")


@dataclass
class Figures:
    """What a soak was made of."""

    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    seconds: float = 0.0


class Caller:
    """An agent with a server that it may restart.

    Args:
        settings: Those of the server.
        rng: Decides which requests go wrong, and how.
        share: How many of them do, from 0 to 1.
    """

    def __init__(self, settings: Settings, rng: Random, share: float) -> None:
        self.figures = Figures()
        self._settings, self._rng, self._share = settings, rng, share
        self._agent: LookedAtAgent
        self._up, self._again = anyio.Event(), anyio.Event()
        self._flying: set[anyio.CancelScope] = set()

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Run the server, and another one, which knows nothing of it, each time it is restarted."""
        task_status.started()
        while True:
            async with self._connected() as self._agent:
                self._up.set()
                await self._again.wait()
                self._up, self._again = anyio.Event(), anyio.Event()
                for call in self._flying:
                    call.cancel()
                await anyio.wait_all_tasks_blocked()
            self.figures.restarts += 1

    def restart(self) -> None:
        """End the server, calls in flight or not, and begin another one."""
        self._again.set()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[LookedAtAgent]:
        wire = RoughWire(self._rng, self._share, self.figures.faults)
        async with Client(build_server(self._settings, partial(App, transport=wire))) as client:
            agent = LookedAtAgent(client)
            agent.schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            yield agent

    async def call(self, tool: str, /, **arguments: Any) -> Answer:
        """Call a tool; its report must add up."""
        while not self._up.is_set():
            await self._up.wait()
        self.figures.calls[tool] += 1
        answer = Answer("Connection closed", {}, is_error=True)
        with anyio.fail_after(_LONGEST_CALL), anyio.CancelScope() as flight:
            self._flying.add(flight)
            answer = await self._agent(tool, **arguments)
        self._flying.discard(flight)
        if flight.cancelled_caught:
            self.figures.unknown[f"{tool} was cut off by a restart"] += 1
        assert "failed inside" not in answer.text, answer.text
        if "counts" in answer.data:
            counts = dict(answer.data["counts"])
            assert counts.pop("rows") == sum(counts.values()), answer.text
        return answer

    async def until_done(
        self, tool: str, /, was_done: Callable[[], bool] | None = None, **arguments: Any
    ) -> tuple[Answer, bool]:
        """Repeat a call, with the check that it told of, until it is done or refused.

        Args:
            tool: The tool.
            was_done: Looks past the server at what is stored, to tell how an outcome that is unknown was in truth.
            arguments: What the tool takes.

        Returns:
            The last answer, and whether the outcome of an earlier one was unknown.
        """
        unknown = False
        for _ in range(_PATIENCE):
            answer = await self.call(tool, **arguments)
            if not answer.is_error or not _PASSING.search(answer.text):
                return answer, unknown
            if was_done and _UNKNOWN.search(answer.text):
                unknown, done = True, await anyio.to_thread.run_sync(was_done)
                resolved = "had been done: the repeat found it" if done else "had not been done: the repeat did it"
                self.figures.unknown[f"{tool} {resolved}"] += 1
            told = _CHECK_ID.search(answer.text)
            if told:
                arguments = {
                    name: value for name, value in arguments.items() if name not in {"contacts", "default_region"}
                }
                arguments["check_id"] = told[1]
        raise AssertionError(f"{tool} never ended: {answer.text}")

    async def check(self, people: People, **arguments: Any) -> Answer:
        """Check a list, again where nobody looked at the do-not-call list."""
        typed = len(people.rows) < _MOST_TYPED and self._rng.random() < 0.3
        source = {"contacts": people.contacts} if typed else {"csv_text": people.csv}
        while True:
            answer, _ = await self.until_done("check_contacts", default_region=REGION, **source, **arguments)
            if answer.is_error:
                return answer
            if not any("do-not-call list was not checked" in warning for warning in answer.data["warnings"]):
                break
        counts = answer.data["counts"]
        assert (counts["rows"], counts["invalid"]) == (len(people.rows), people.invalid), answer.text
        assert counts["ready"] + counts["already_member"] == len(people.callable), answer.text
        return answer

    async def commit(
        self, tool: str, people: People, was_done: Callable[[], bool], options: Mapping[str, Any], **arguments: Any
    ) -> tuple[Answer, bool]:
        """Check a list and commit it; after a restart, which forgets checks, once more under the same name.

        Args:
            tool: `create_audience` or `add_contacts`.
            people: The list.
            was_done: As with `until_done`.
            options: What the check takes besides.
            arguments: What the tool takes besides.

        Returns:
            As `until_done`; the answer of the check where that was refused.
        """
        unknown = False
        while True:
            source: dict[str, Any] = {"contacts": people.contacts, "default_region": REGION}
            if people.invalid or len(people.rows) > _MOST_TYPED or self._rng.random() < 0.7:
                checked = await self.check(people, **options)
                if checked.is_error:
                    return checked, unknown
                source = {"check_id": checked.data["check_id"]}
            answer, was_unknown = await self.until_done(tool, was_done, **source, **arguments)
            unknown = unknown or was_unknown
            if not answer.is_error or not FORGOTTEN.search(answer.text):
                return answer, unknown
