"""When a request is made again, and after how long: only what surely was not done, within the time that the call has.

Source of the waits: Atoms' documentation (honour `Retry-After`, else from 500 ms doubling to 30 s; a 500 once more).
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import stamina

from audiences_mcp.calls import tell_wait
from audiences_mcp.errors import AtomsError, RateLimited, ServerFailed, Unreachable

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.5, 30.0, 0.5  # seconds
# How often in all; after three the person should know that the network is down, or the address wrong.
_TRIES: dict[type[AtomsError], int] = {RateLimited: 6, Unreachable: 3, ServerFailed: 2}
_TIME_FOR_THE_REQUEST = 20.0  # seconds that must be left after a wait: a call of 50 does not try twice what took 30

T = TypeVar("T")


async def repeated(request: Callable[[], Awaitable[T]]) -> T:
    """Make a request, and make it again as long as the error says that it surely was not carried out.

    What Atoms may have done already is looked up by whoever wrote it.
    """
    patience = _Patience()
    async for attempt in stamina.retry_context(
        on=patience.wait_after,
        attempts=max(_TRIES.values()),
        timeout=None,  # the call's own deadline counts
        wait_initial=_FIRST_WAIT,
        wait_max=_LONGEST_WAIT,
        wait_jitter=_JITTER,
    ):
        with attempt:
            try:
                return await request()
            except AtomsError as error:
                if patience.wait_after(error):
                    await tell_wait(f"{_cause(error)}; trying again")
                raise
    raise AssertionError("the last try returns or raises")


class _Patience:
    """Decides on one request, from one failure to the next, whether to wait, and how long where Atoms says it."""

    def __init__(self) -> None:
        self._failures = 0
        self._decided: tuple[Exception, bool | float] | None = None

    def wait_after(self, error: Exception) -> bool | float:
        """Return whether the request is made again, or the seconds until then; the same each time for one error."""
        if self._decided is None or self._decided[0] is not error:
            self._failures += 1
            self._decided = error, self._decide(error)
        return self._decided[1]

    def _decide(self, error: Exception) -> bool | float:
        if not isinstance(error, AtomsError) or error.maybe_done or self._failures >= _TRIES.get(type(error), 1):
            return False
        said = error.retry_after if isinstance(error, RateLimited) else None
        wait = min(_FIRST_WAIT * 2 ** (self._failures - 1), _LONGEST_WAIT) + _JITTER if said is None else said
        left = anyio.current_effective_deadline() - anyio.current_time()
        if wait + _TIME_FOR_THE_REQUEST > left:
            return False
        return True if said is None else said


def _cause(error: AtomsError) -> str:
    if isinstance(error, RateLimited):
        return "Atoms asks to wait"
    return "Atoms cannot be reached" if isinstance(error, Unreachable) else "Atoms failed"
