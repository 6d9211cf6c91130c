"""What is kept between calls, in one of two homes: this process and its user's folder, or Redis for several processes."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio

from audiences_mcp.config import Settings
from audiences_mcp.state.journal import FolderJournal, Journal
from audiences_mcp.state.kept import DeletionToken, StoredCheck
from audiences_mcp.state.shelf import Home, InProcess, Shelf

if TYPE_CHECKING:
    from audiences_mcp.removing import Leave

CHECK_LIFETIME = 60 * 60.0
"""Seconds that a check is kept."""

TOKEN_LIFETIME = 5 * 60.0
"""Seconds in which a deletion or a removal can be confirmed."""

NEEDS_KEY = "AUDIENCES_MCP_STATE_URL needs an Atoms key too (SMALLEST_API_KEY): what is kept belongs to it."
"""Said where there is none."""

_USED = "was used, or has expired"
_KEPT_ROWS = 1_000_000  # of all checks together; the oldest go first
_KEPT_TOKENS = 1_000
_KEPT_MEMBERS = 200_000  # of the audiences of all removals that were asked about


Lock = Callable[[str], AbstractAsyncContextManager[object]]
"""Gives the lock of one target of writes: what is done to it is done one after the other."""


@dataclass(frozen=True, slots=True)
class Homes:
    """Where everything is kept, and how to leave it."""

    checks: Home[StoredCheck]
    tokens: Home[DeletionToken]
    removals: "Home[Leave]"
    journal: Journal
    lock: Lock
    aclose: Callable[[], Awaitable[None]]


class State:
    """What is kept between calls.

    Args:
        homes: Where.
    """

    def __init__(self, homes: Homes) -> None:
        self.checks = Shelf(
            "check_id",
            CHECK_LIFETIME,
            "call check_contacts, or audit_audience, again and use the check_id of its answer. Nothing was changed.",
            homes.checks,
        )
        self.tokens = Shelf(
            "confirm_token",
            TOKEN_LIFETIME,
            "call delete_audience without confirm_token to get a new one. Nothing was deleted.",
            homes.tokens,
            ended=_USED,
        )
        self.removals = Shelf(
            "confirm_token",
            TOKEN_LIFETIME,
            "call remove_audience_members without confirm_token to get a new one. Nothing was removed.",
            homes.removals,
            ended=_USED,
        )
        self.journal, self.lock, self.aclose = homes.journal, homes.lock, homes.aclose


def state_of(settings: Settings, key: str, clock: Callable[[], float]) -> State:
    """Return what is kept between calls, in the home that the settings name.

    Without a key a server of one person starts all the same, and keeps its checks to itself: nothing can be sent anyway.

    Args:
        settings: What the server was told.
        key: The Atoms key.
        clock: Seconds that only go forward.

    Raises:
        NotConfigured: The shared store cannot be used.
    """
    if settings.state_url is None or not (key or settings.shared):
        return State(_in_process(key, clock))
    from audiences_mcp.state.in_redis import in_redis  # noqa: PLC0415 - an extra, which few need

    return State(in_redis(settings.state_url, key))


def _in_process(key: str, clock: Callable[[], float]) -> Homes:
    from platformdirs import user_state_path  # noqa: PLC0415 - not needed where it is all in Redis

    locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def lock(target: str) -> anyio.Lock:
        found = locks.get(target)
        if found is None:
            found = locks[target] = anyio.Lock()
        return found

    async def leave() -> None:
        """Nothing is open."""

    return Homes(
        checks=InProcess(_KEPT_ROWS, lambda stored: len(stored.check.rows), clock),
        tokens=InProcess(_KEPT_TOKENS, lambda _: 1, clock),
        removals=InProcess(_KEPT_MEMBERS, lambda leave: len(leave.stored), clock),
        journal=FolderJournal(user_state_path("audiences-mcp", appauthor=False), key),
        lock=lock,
        aclose=leave,
    )
