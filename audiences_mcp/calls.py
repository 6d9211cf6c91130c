"""What one call of a tool has of its own: how long it may take, and where it tells how far it is."""

import os
import select
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from typing import Any, TypeVar

import anyio

CALL_SECONDS = 50.0
"""Seconds that a call takes at most, unless it is a long job; clients give up after 60."""

AT_ONCE = 4
"""Requests that are made at the same time; the client sees to it that they are not too many in a second."""

T = TypeVar("T")

Progress = Callable[[float, float | None, str | None], Coroutine[Any, Any, None]]
"""Called with what is done, how much there is in all, and a sentence."""

_SMALL_STEP = 0.001  # the protocol wants each figure to be higher than the last, also where nothing got done


class Call:
    """One call of a tool.

    Args:
        tool: Name of the tool.
        report: What carries progress to the client.
    """

    def __init__(self, tool: str, report: Callable[[float, float | None, str | None], Awaitable[None]]) -> None:
        self.tool = tool
        self.so_far: Callable[[], str] = lambda: "nothing was changed"
        """Says what was done, should the call be cut short."""
        self.waits_because = "Atoms answers too slowly"
        """Why it may not end in time."""
        self.reads_on = False
        """Whether it has all of its time anew with each step that it tells, since it only reads."""
        self._report = report
        self._furthest = -1.0
        self._total: float | None = None
        self.time_limit = anyio.CancelScope(deadline=anyio.current_time() + CALL_SECONDS)

    async def tell(self, done: float, total: float | None, text: str | None) -> None:
        """Tell how far the call is; only what is further than before is told."""
        if self.reads_on:
            self.time_limit.deadline = anyio.current_time() + CALL_SECONDS
        await self._tell(done, total, text)

    async def _tell(self, done: float, total: float | None, text: str | None) -> None:
        if done > self._furthest:
            self._furthest, self._total = done, total
            await self._report(done, total, text)

    async def tell_wait(self, text: str) -> None:
        """Tell why nothing gets on."""
        await self._tell(max(0.0, self._furthest) + _SMALL_STEP, self._total, text)


_this: ContextVar[Call | None] = ContextVar("_this", default=None)
_running: set[Call] = set()


@contextmanager
def limited(call: Call) -> Iterator[None]:
    """Do what is inside as this call, and stop it when it has taken too long."""
    before = _this.set(call)
    _running.add(call)
    try:
        with call.time_limit:
            yield
    except anyio.get_cancelled_exc_class():  # by the client, or because the input has ended
        _tell_operator(call)
        raise
    finally:
        _running.discard(call)
        _this.reset(before)


def tell_what_was_done() -> None:
    """Say on standard error what the calls that are under way have done so far: the process ends now."""
    for call in _running:
        _tell_operator(call)


def _tell_operator(call: Call) -> None:
    with suppress(OSError, ValueError):  # nobody may listen any more
        if os.name == "posix" and not select.select([], [2], [], 0)[1]:
            return  # nobody reads, so writing would wait for ever
        # Not through `sys.stderr`, which a signal may have interrupted.
        os.write(2, f"audiences-mcp: {call.tool} was cut short: {call.so_far()}.\n".encode())


def this_call() -> Call:
    """Return the call that is under way."""
    call = _this.get()
    if call is None:
        raise AssertionError("only a tool's call has progress")
    return call


def long_job() -> None:
    """Let this call take the time that it needs: it tells how far it is, and can be cancelled."""
    this_call().time_limit.deadline = inf


def long_read() -> None:
    """Let this call, which changes nothing in Atoms, take longer as long as it gets on: then it tells how far it is."""
    this_call().reads_on = True


@contextmanager
def waiting_because(reason: str) -> Iterator[None]:
    """Wait for something else than Atoms, which is told should the call be cut short meanwhile."""
    call = this_call()
    before, call.waits_because = call.waits_because, reason
    yield
    call.waits_because = before  # but not where it was cut short


@contextmanager
def own_work() -> Iterator[None]:
    """Do what waits for nobody, so that it surely ends: a call has as much time for Atoms after it as before."""
    if not (call := _this.get()):
        yield
        return
    began, before, call.time_limit.deadline = anyio.current_time(), call.time_limit.deadline, inf
    try:
        yield
    finally:
        call.time_limit.deadline = before + anyio.current_time() - began


async def at_once(requests: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make several requests, some at the same time, and return their results in order; the first failure is raised."""
    results: dict[int, T] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run(place: int) -> None:
        async with limiter:
            results[place] = await requests[place]()

    try:
        async with anyio.create_task_group() as group:
            for place in range(len(requests)):
                group.start_soon(run, place)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[place] for place in range(len(requests))]


async def tell_wait(text: str) -> None:
    """Tell why nothing gets on, where somebody listens."""
    if call := _this.get():
        await call.tell_wait(text)
