"""What one server process holds: settings, the connection to Atoms, checks, tokens and locks."""

import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread

from audiences_mcp.audit_log import AuditLog
from audiences_mcp.config import Settings
from audiences_mcp.contacts.check import Check, CheckedRow
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.sources import suppressed_cells
from audiences_mcp.errors import AtomsError, InvalidInput, NotConfigured
from audiences_mcp.folders import Folders, read_file
from audiences_mcp.journal import Journal
from audiences_mcp.masking import masked
from audiences_mcp.models import AudienceInfo, CheckReport, Commit

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from httpx import AsyncBaseTransport  # noqa: TID251 - the name of a type; all HTTP stays in atoms/connection.py

    from audiences_mcp.atoms.client import AtomsClient
    from audiences_mcp.removing import Leave

CHECK_LIFETIME = 60 * 60.0
"""Seconds that a check is kept."""

TOKEN_LIFETIME = 5 * 60.0
"""Seconds in which a deletion can be confirmed."""

DO_NOT_CALL_LIFETIME = 5 * 60.0
"""Seconds after which the do-not-call list is read again."""

_KEPT_ROWS = 1_000_000  # of all checks together; the oldest go first
_KEPT_TOKENS = 1_000
_KEPT_MEMBERS = 200_000  # of all removals that were asked about
_REMEMBERED_KEYS = 1_000  # that expired, to tell them from made-up ones
_SANDBOX_KEY = "sk_sandbox"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Audited:
    """Whose rows an audit has: they are stored already.

    Args:
        audience_id: The audience.
        member_ids: The member of each row.
    """

    audience_id: str
    member_ids: Sequence[str]


@dataclass(slots=True)
class StoredCheck:
    """A check that the server keeps, so that nobody retypes numbers.

    Args:
        check_id: 128 random bits, the only way to it.
        check: Every row, as it was checked.
        report: What was told of it.
        target: What it is committed to, as its lock and in words; it can be committed to one target only.
        written: Whether something was, or may have been, written for it.
        result: What the commit answered, once it is done.
        latest: Every row as the last commit found it: people may have come on a list since the check.
        audited: For an audit of a stored audience, which cannot be committed, whose rows they are.
    """

    check_id: str
    check: Check
    report: CheckReport
    target: tuple[str, str] | None = None
    written: bool = False
    result: Commit | None = None
    latest: Check | None = None
    audited: Audited | None = None

    @property
    def rows(self) -> list[CheckedRow]:
        """Every row as it stands now."""
        return (self.latest or self.check).rows


@dataclass(slots=True)
class DeletionToken:
    """Leave to delete one audience.

    Args:
        audience: The audience as it was when the person was asked.
        tried: Whether the deletion was sent.
        done: Whether it is surely deleted.
    """

    audience: AudienceInfo
    tried: bool = False
    done: bool = False


class Shelf(Generic[T]):
    """Things that are kept for a time under keys that nobody can guess.

    Args:
        noun: What is kept, for messages.
        lifetime: Seconds that a thing is kept.
        room: How much is kept at most; the oldest go first.
        weight: How much room a thing takes.
        mend: What to do when a key is no longer good.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        noun: str,
        lifetime: float,
        *,
        room: int,
        weight: Callable[[T], int],
        mend: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._noun, self._lifetime, self._room, self._weight, self._mend = noun, lifetime, room, weight, mend
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    @staticmethod
    def new_key() -> str:
        """Return 128 random bits as text."""
        return secrets.token_hex(16)

    def put(self, key: str, thing: T) -> None:
        """Keep a thing under a key."""
        self._kept[key] = (self._clock() + self._lifetime, thing)
        used = sum(self._weight(kept) for _, kept in self._kept.values())
        while used > self._room and len(self._kept) > 1:
            used -= self._weight(self._drop(next(iter(self._kept))))

    def get(self, key: str) -> T:
        """Return the thing under a key.

        Raises:
            InvalidInput: Nothing is kept under it: it expired, or never was.
        """
        for old in [old for old, (expires, _) in self._kept.items() if expires <= self._clock()]:
            self._drop(old)
        if key in self._kept:
            return self._kept[key][1]
        if key in self._gone:
            minutes = round(self._lifetime / 60)
            raise InvalidInput(f"This {self._noun} has expired (it is kept at most {minutes} minutes): {self._mend}")
        raise InvalidInput(f"This {self._noun} is unknown, or the server was restarted since: {self._mend}")

    def keep(self, key: str) -> None:
        """Keep the thing under a key as long as there is room."""
        self._kept[key] = (inf, self._kept[key][1])

    def spend(self, key: str) -> None:
        """Let a key be good no longer."""
        self._drop(key)

    def _drop(self, key: str) -> T:
        _, thing = self._kept.pop(key)
        self._gone[key] = None
        if len(self._gone) > _REMEMBERED_KEYS:
            self._gone.popitem(last=False)
        return thing


class App:
    """One server process.

    Args:
        settings: What it was told.
        clock: Seconds that only go forward; for what expires.
        transport: What carries the requests to Atoms; None for the network.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = monotonic,
        transport: "AsyncBaseTransport | None" = None,
    ) -> None:
        self.settings = settings
        self._transport = transport
        self.checks: Shelf[StoredCheck] = Shelf(
            "check_id",
            CHECK_LIFETIME,
            room=_KEPT_ROWS,
            weight=lambda stored: len(stored.check.rows),
            mend="call check_contacts, or audit_audience, again and use the check_id of its answer. Nothing was changed.",
            clock=clock,
        )
        self.tokens: Shelf[DeletionToken] = Shelf(
            "confirm_token",
            TOKEN_LIFETIME,
            room=_KEPT_TOKENS,
            weight=lambda _: 1,
            mend="call delete_audience without confirm_token to get a new one. Nothing was deleted.",
            clock=clock,
        )
        self.removals: Shelf[Leave] = Shelf(
            "confirm_token",
            TOKEN_LIFETIME,
            room=_KEPT_MEMBERS,
            weight=lambda leave: len(leave.choice.members),
            mend="call remove_audience_members without confirm_token to get a new one. Nothing was removed.",
            clock=clock,
        )
        self.audit_log = AuditLog(settings.audit_log)
        self._clock = clock
        self._resources = AsyncExitStack()
        self._client: AtomsClient | None = None
        self._starting = anyio.Lock()
        self.folders = Folders(settings.folders, shared=settings.shared)
        self._do_not_call: tuple[float, KnownNumbers] | None = None
        self._suppression: tuple[object, KnownNumbers] | None = None
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def client(self) -> "AtomsClient":
        """Return the connection to Atoms, or to the embedded sandbox; made at the first call.

        Raises:
            NotConfigured: There is no key.
        """
        async with self._starting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    @property
    def has_key(self) -> bool:
        """Whether Atoms, or the sandbox, can be asked at all."""
        return bool(self.key)

    @property
    def key(self) -> str:
        """The Atoms key, which lists are hashed with too: a hash tells nothing to whoever lacks it."""
        return _SANDBOX_KEY if self.settings.sandbox else self.settings.api_key or ""

    @cached_property
    def journal(self) -> Journal:
        """What was sent by this user of this machine with this key."""
        from platformdirs import user_state_path  # noqa: PLC0415 - only commits need it

        return Journal(user_state_path("audiences-mcp", appauthor=False), self.key)

    def shown(self, part: T) -> T:
        """Return a part of an answer as a model may read it: with its numbers masked where the person wants that."""
        return masked(part) if self.settings.mask_numbers else part

    async def _connect(self) -> "AtomsClient":
        if not self.has_key:
            raise NotConfigured(
                "No Atoms API key is set, so nothing was sent. Set SMALLEST_API_KEY in the server's configuration to a "
                "key of the Atoms console and restart it, or start it with --sandbox to try it out.",
            )
        url = await self._start_sandbox() if self.settings.sandbox else self.settings.api_url
        from audiences_mcp.atoms.client import AtomsClient  # noqa: PLC0415 - brings httpx

        client = AtomsClient(url, self.key, transport=self._transport)
        self._resources.push_async_callback(client.aclose)
        return client

    async def _start_sandbox(self) -> str:
        from platformdirs import user_data_path  # noqa: PLC0415 - only the sandbox has data

        from audiences_mcp.atoms.sandbox import serve  # noqa: PLC0415 - brings Starlette and uvicorn

        folder = user_data_path("audiences-mcp", appauthor=False, ensure_exists=True)
        running = serve(db=folder / "sandbox.db")
        url = await anyio.to_thread.run_sync(running.__enter__)
        self._resources.push_async_callback(anyio.to_thread.run_sync, running.__exit__, None, None, None)
        return url

    async def do_not_call(self) -> tuple[KnownNumbers | None, str]:
        """Return the organisation's do-not-call list, at most five minutes old, or None and why it was not checked."""
        if not self.has_key:
            return None, "The do-not-call list was not checked, because no API key is set."
        if self._do_not_call and self._clock() < self._do_not_call[0]:
            return self._do_not_call[1], ""
        try:
            stored = await (await self.client()).do_not_call()
        except AtomsError:
            return None, "The do-not-call list was not checked, because Atoms did not give it."
        known = await anyio.to_thread.run_sync(lambda: KnownNumbers((number, "") for number in stored))
        self._do_not_call = (self._clock() + DO_NOT_CALL_LIFETIME, known)
        return known, ""

    async def suppression_list(self) -> KnownNumbers | None:
        """Return the numbers of the suppression file as it stands now, or None where none is set.

        Raises:
            NotConfigured: It cannot be read, so that nobody is called who stands in it.
        """
        if self.settings.suppression_file is None:
            return None
        return await anyio.to_thread.run_sync(self._read_suppression, self.settings.suppression_file)

    def _read_suppression(self, path: Path) -> KnownNumbers:
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._suppression is None or self._suppression[0] != version:
                cells = suppressed_cells(read_file(path.resolve()))
                self._suppression = (version, KnownNumbers((cell, "") for cell in cells))
        except (InvalidInput, OSError) as error:
            reason = str(error) if isinstance(error, InvalidInput) else f"It is not there ({error.strerror})."
            raise NotConfigured(
                f"The suppression file (AUDIENCES_MCP_SUPPRESSION_FILE) cannot be used, so nothing was checked or sent. "
                f"{reason}",
            ) from None
        return self._suppression[1]

    def lock(self, target: str) -> anyio.Lock:
        """Return the lock of one target of writes: what is done to it is done one after the other."""
        lock = self._locks.get(target)
        if lock is None:
            lock = self._locks[target] = anyio.Lock()
        return lock

    async def aclose(self) -> None:
        """Close the connection and stop the sandbox."""
        await self._resources.aclose()


@asynccontextmanager
async def running_app(settings: Settings, new_app: Callable[[Settings], App] = App) -> AsyncIterator[App]:
    """Hold one App for as long as the server runs."""
    app = new_app(settings)
    try:
        yield app
    finally:
        with anyio.CancelScope(shield=True):
            await app.aclose()
