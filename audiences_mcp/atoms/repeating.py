"""When a request is made again, and after how long: only what surely was not done, within the time that the call has.

Source of the waits: Atoms' documentation (honour `Retry-After`, else from 500 ms doubling to 30 s; a 500 once more).
"""

from collections.abc import AsyncIterator

import anyio
import stamina

from audiences_mcp.errors import AtomsError, RateLimited, ServerFailed, Unreachable

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.5, 30.0, 0.5  # seconds
# How often in all; after three the person should know that the network is down, or the address wrong.
_TRIES: dict[type[AtomsError], int] = {RateLimited: 6, Unreachable: 3, ServerFailed: 2}
_TIME_FOR_THE_REQUEST = 20.0  # seconds that must be left after a wait: a call of 50 does not try twice what took 30


def tries() -> AsyncIterator[stamina.Attempt]:
    """Return the tries of one request; each is a context that notes whether it failed.

    A write is tried again only when the error says that it surely was not carried out: what Atoms may have done already
    is looked up by whoever wrote it.
    """
    context = stamina.retry_context(
        on=_Patience(),
        attempts=max(_TRIES.values()),
        timeout=None,  # the call's own deadline counts
        wait_initial=_FIRST_WAIT,
        wait_max=_LONGEST_WAIT,
        wait_jitter=_JITTER,
    )
    return aiter(context)


class _Patience:
    """Decides on one request, from one failure to the next, whether to wait, and how long where Atoms says it."""

    def __init__(self) -> None:
        self._failures = 0

    def __call__(self, error: Exception) -> bool | float:
        self._failures += 1
        if not isinstance(error, AtomsError) or error.maybe_done or self._failures >= _TRIES.get(type(error), 1):
            return False
        said = error.retry_after if isinstance(error, RateLimited) else None
        wait = min(_FIRST_WAIT * 2 ** (self._failures - 1), _LONGEST_WAIT) + _JITTER if said is None else said
        left = anyio.current_effective_deadline() - anyio.current_time()
        if wait + _TIME_FOR_THE_REQUEST > left:
            return False
        return True if said is None else said
