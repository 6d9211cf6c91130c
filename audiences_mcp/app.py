"""What one server process holds: settings, the connection to Atoms, checks, tokens and locks."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from audiences_mcp.atoms.paging import Told, nobody
from audiences_mcp.audit_log import AuditLog, Outcome
from audiences_mcp.calls import waiting_because
from audiences_mcp.config import Settings
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.sources import suppressed_cells
from audiences_mcp.errors import AtomsError, InvalidInput, NotConfigured
from audiences_mcp.folders import Folders, read_file
from audiences_mcp.loading import without_rich
from audiences_mcp.masking import masked
from audiences_mcp.state import NEEDS_KEY, state_of

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from httpx import AsyncBaseTransport  # noqa: TID251 - the name of a type; all HTTP stays in atoms/connection.py

    from audiences_mcp.atoms.client import AtomsClient

DO_NOT_CALL_LIFETIME = 5 * 60.0
"""Seconds after which the do-not-call list is read again."""

_DO_NOT_CALL_PATIENCE = 25.0  # seconds that a part of it is waited for, tries included

_SANDBOX_KEY = "sk_sandbox"

T = TypeVar("T")


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
        self._state = state = state_of(settings, self.key, clock)
        self.checks, self.tokens, self.removals = state.checks, state.tokens, state.removals
        self.journal = state.journal
        self.audit_log = AuditLog(settings.audit_log)
        self._clock = clock
        self._resources = AsyncExitStack()
        self._client: AtomsClient | None = None
        self._starting = anyio.Lock()
        self.folders = Folders(settings.folders, shared=settings.shared)
        self._do_not_call: tuple[float, KnownNumbers] | None = None
        self._suppression: tuple[object, KnownNumbers] | None = None

    async def client(self) -> "AtomsClient":
        """Return the connection to Atoms, or to the embedded sandbox; made at the first call.

        Raises:
            NotConfigured: There is no key.
        """
        async with self._starting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    @asynccontextmanager
    async def lock(self, target: str) -> AsyncIterator[None]:
        """Hold the lock of one target of writes: what is done to it is done one after the other."""
        async with AsyncExitStack() as held:
            with waiting_because(
                "another call works on the same audience or check, about which the person may be being asked"
            ):
                await held.enter_async_context(self._state.lock(target))
            yield

    @property
    def has_key(self) -> bool:
        """Whether Atoms, or the sandbox, can be asked at all."""
        return bool(self.key)

    @property
    def key(self) -> str:
        """The Atoms key, which lists are hashed with too: a hash tells nothing to whoever lacks it."""
        return _SANDBOX_KEY if self.settings.sandbox else self.settings.api_key or ""

    async def note_people(self, tool: str, audience_id: str, people: Sequence[bytes], *, unknown: bool) -> str:
        """Put a write into the audit log, with the HMAC of the people it is about; return what to warn of."""
        outcome: Outcome = "unknown" if unknown else "done"
        counts, digest = {"people": len(people)}, self.journal.fingerprint("", people)
        return await self.audit_log.note(tool, outcome, audience_id, counts, digest)

    def shown(self, part: T) -> T:
        """Return a part of an answer as a model may read it: with its numbers masked where the person wants that."""
        return masked(part) if self.settings.mask_numbers else part

    async def _connect(self) -> "AtomsClient":
        if not self.has_key:
            raise NotConfigured(
                "No Atoms API key is set, so nothing was sent. Set SMALLEST_API_KEY in the server's configuration to a "
                "key of the Atoms console and restart it, or start it with --sandbox to try it out."
                + (f" {NEEDS_KEY}" if self.settings.state_url else ""),
            )
        url = await self._start_sandbox() if self.settings.sandbox else self.settings.api_url
        client = await anyio.to_thread.run_sync(self._new_client, url)
        self._resources.push_async_callback(client.aclose)
        return client

    def _new_client(self, url: str) -> "AtomsClient":
        """Return a new client; loading what it needs takes longer than many calls, which are not to wait for it."""
        with without_rich():
            from audiences_mcp.atoms.client import AtomsClient  # noqa: PLC0415 - brings httpx

        return AtomsClient(url, self.key, transport=self._transport)

    async def _start_sandbox(self) -> str:
        from platformdirs import user_data_path  # noqa: PLC0415 - only the sandbox has data

        from audiences_mcp.atoms.sandbox import serve  # noqa: PLC0415 - brings Starlette and uvicorn

        file = user_data_path("audiences-mcp", appauthor=False) / "sandbox.db"
        running = serve(db=file)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            url = await anyio.to_thread.run_sync(running.__enter__)
        except OSError as error:
            raise NotConfigured(
                f"The sandbox cannot keep its data in {file} ({error.strerror or error}), so nothing was changed. Move that "
                "file away and call again, or set XDG_DATA_HOME to a folder that may be written to and restart the server.",
            ) from None
        self._resources.push_async_callback(anyio.to_thread.run_sync, running.__exit__, None, None, None)
        return url

    async def do_not_call(self, told: Told = nobody, *, anew: bool = False) -> tuple[KnownNumbers | None, str]:
        """Return the organisation's do-not-call list, at most five minutes old, or None and why it was not checked.

        Args:
            told: Is told how far it is, where it is long.
            anew: Whether to read it now, however young the one that is held.
        """
        if not self.has_key:
            return None, "The do-not-call list was not checked, because no API key is set."
        held = self._do_not_call[1] if self._do_not_call and self._clock() < self._do_not_call[0] else None
        if held is not None and not anew:
            return held, ""
        try:
            stored = await self._read_do_not_call(told)
        except (AtomsError, TimeoutError):
            trouble = "The do-not-call list was not checked, because Atoms did not give it."
            return held, trouble if held is None else ""
        known = await anyio.to_thread.run_sync(lambda: KnownNumbers((number, "") for number in stored))
        self._do_not_call = (self._clock() + DO_NOT_CALL_LIFETIME, known)
        return known, ""

    async def _read_do_not_call(self, told: Told) -> list[str]:
        with anyio.fail_after(_patience()) as wait:

            async def came_in(read: int, total: int) -> None:
                await told(read, total)
                wait.deadline = inf  # so that only what the call itself has left counts
                wait.deadline = anyio.current_time() + _patience()

            return await (await self.client()).do_not_call(came_in)

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
            reason = str(error) if isinstance(error, InvalidInput) else f"It cannot be read: {error.strerror}."
            raise NotConfigured(
                f"The suppression file (AUDIENCES_MCP_SUPPRESSION_FILE) cannot be used, so nothing was checked or sent. "
                f"{reason}",
            ) from None
        return self._suppression[1]

    async def aclose(self) -> None:
        """Close the connections and stop the sandbox."""
        await self._resources.aclose()
        await self._state.aclose()


def _patience() -> float:
    """Return how long to wait: half of the time that the call has left at most, as it can do the rest without the list."""
    left = anyio.current_effective_deadline() - anyio.current_time()
    return min(_DO_NOT_CALL_PATIENCE, left / 2)


@asynccontextmanager
async def running_app(settings: Settings, new_app: Callable[[Settings], App] = App) -> AsyncIterator[App]:
    """Hold one App for as long as the server runs."""
    app = new_app(settings)
    try:
        yield app
    finally:
        with anyio.CancelScope(shield=True):
            await app.aclose()
