"""The log of writes that an organisation may keep: who is on a list is told by its HMAC alone, never by numbers or names."""

import errno
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from audiences_mcp.errors import NotConfigured

Outcome = Literal["done", "unknown"]


@asynccontextmanager
async def noted_if_cut_short(note: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Write, from the request until it is known what became of it; should the call end before, note that it is not known.

    Args:
        note: Puts the write into the log with an unknown outcome.
    """
    try:
        yield
    except anyio.get_cancelled_exc_class():  # by the client, for its time is up, or because the input has ended
        await note()
        raise


class AuditLog:
    """A file to which each write appends one line of JSON.

    Args:
        path: The file; None where none is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    async def must_be_writable(self) -> None:
        """Refuse to write anything that could not be logged.

        Raises:
            NotConfigured: The file cannot be written to.
        """
        try:
            await anyio.to_thread.run_sync(self._append, b"")
        except OSError as error:
            raise NotConfigured(
                f"The audit log (AUDIENCES_MCP_AUDIT_LOG) cannot be written ({error.strerror}), so nothing was changed. "
                "Mend that or leave the setting out, then restart the server.",
            ) from None

    async def note(
        self, tool: str, outcome: Outcome, audience_id: str, counts: Mapping[str, int], sent: str = ""
    ) -> str:
        """Append one line, also when the call is being cancelled.

        Args:
            tool: Name of the tool that wrote.
            outcome: Whether it is surely done.
            audience_id: Which audience; empty where it is not known.
            counts: How many people it is about.
            sent: HMAC of the list that was sent.

        Returns:
            What to warn of; empty where the line is written.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tool": tool,
            "outcome": outcome,
            "audience_id": audience_id,
            "counts": dict(counts),
            "list": sent,
        }
        line = json.dumps({name: value for name, value in entry.items() if value != ""}) + "\n"
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._append, line.encode())
        except OSError as error:
            return f"The audit log could not be written ({error.strerror}): this change is not in it."
        return ""

    def _append(self, line: bytes) -> None:
        if self._path is None:
            return
        place = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            end = os.lseek(place, 0, os.SEEK_END)
            if os.write(place, line) < len(line):  # the disk is full; half a line would spoil the next
                os.ftruncate(place, end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(place)
