"""What was sent, known again after a restart: counts and HMACs in the user's state folder, no numbers and no names.

A commit is known by the HMAC of its list and its name, a person by the HMAC of the number. All are keyed with the Atoms
key, so they tell nothing to whoever lacks it. Every step is written down before it is taken: a process may die at any
time, and the next one finds out from Atoms what became of it.
"""

import hmac
import json
import os
import sqlite3
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import time

import anyio.to_thread

from audiences_mcp.errors import InvalidInput

KEPT_SECONDS = 30 * 24 * 60 * 60
"""How long a commit is known again."""

_KEPT_IN_MEMORY = 100  # commits, where the folder cannot be used
DIGEST_BYTES = 12
_TABLE = """
    CREATE TABLE IF NOT EXISTS part (
        commit_key TEXT NOT NULL, number INTEGER NOT NULL, people BLOB NOT NULL, before TEXT, sending INTEGER NOT NULL,
        audience_id TEXT NOT NULL, sent INTEGER NOT NULL, touched REAL NOT NULL, PRIMARY KEY (commit_key, number)
    )
"""


@dataclass(slots=True, eq=False)
class Part:
    """One audience of a commit.

    Args:
        people: HMACs of their numbers, in the order in which they are sent.
        before: Ids of the audiences that existed before it was sent; None when it surely was not.
        sending: How many people the request carried that makes it.
        audience_id: Its id once it surely exists.
        sent: How many people are surely in it.
    """

    people: Sequence[bytes]
    before: frozenset[str] | None = None
    sending: int = 0
    audience_id: str = ""
    sent: int = 0

    @property
    def complete(self) -> bool:
        """Whether it exists with everyone in it."""
        return bool(self.audience_id) and self.sent == len(self.people)


class Journal(ABC):
    """The commits of a user of this machine, or of a team.

    Args:
        secret: What the HMACs are keyed with.
    """

    trouble = ""
    """Why it is kept in memory only; empty while all is well."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def digest(self, text: str) -> bytes:
        """Return what stands for a number or a name."""
        return hmac.digest(self._secret, text.encode(), "sha256")[:DIGEST_BYTES]

    def fingerprint(self, name: str, lines: Iterable[object]) -> str:
        """Return what stands for a list under a name."""
        whole = hmac.new(self._secret, name.encode(), sha256)
        for each in lines:
            whole.update(repr(each).encode())
        return whole.hexdigest()

    @abstractmethod
    async def parts(self, key: str) -> list[Part]:
        """Return the parts of a commit as they were last written down; none when it is not known."""

    @abstractmethod
    async def keep(self, key: str, parts: Sequence[Part]) -> None:
        """Write the parts of a commit down; once this returns, they are known after a restart."""

    @abstractmethod
    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let no other process make audiences of a name.

        Raises:
            InvalidInput: One does so now.
        """


class FolderJournal(Journal):
    """A journal in a folder of this machine.

    Args:
        folder: Where it is kept; made when it is needed.
        secret: What the HMACs are keyed with.
    """

    def __init__(self, folder: Path, secret: str) -> None:
        super().__init__(secret)
        self._folder = folder
        self._memory: OrderedDict[str, list[Part]] = OrderedDict()

    async def parts(self, key: str) -> list[Part]:
        """Return the parts of a commit as they were last written down."""
        if not self.trouble:
            with self._mishaps():
                return await anyio.to_thread.run_sync(self._read, key)
        return self._memory.get(key, [])

    async def keep(self, key: str, parts: Sequence[Part]) -> None:
        """Write the parts of a commit down."""
        self._memory[key] = list(parts)
        self._memory.move_to_end(key)
        if len(self._memory) > _KEPT_IN_MEMORY:
            self._memory.popitem(last=False)
        if not self.trouble:
            with self._mishaps():
                await anyio.to_thread.run_sync(self._write, key, parts)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """Let no other process on this machine make audiences of a name."""
        import filelock  # noqa: PLC0415 - only commits need it

        lock = filelock.FileLock(self._folder / f"{self.digest(name).hex()}.lock", timeout=0, thread_local=False)
        try:
            with self._mishaps():
                await anyio.to_thread.run_sync(self._make_folder)
                await anyio.to_thread.run_sync(lock.acquire)
                os.utime(lock.lock_file)  # it is in use, however old it is
        except filelock.Timeout:
            raise InvalidInput(
                "Another audiences-mcp process is making an audience of this name now, so nothing was sent by this call. "
                "Wait until it is done, then call again.",
            ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _mishaps(self) -> Iterator[None]:
        """Go on in memory where the folder cannot be used: a list must not be lost for that."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, TimeoutError):  # another process holds the lock
                raise
            self.trouble = (
                "What was sent could not be written down in the state folder of this user, so after a restart of the "
                "server a repeat of this call would not be recognised."
            )

    # --- the file ----------------------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _open(self) -> sqlite3.Connection:
        self._make_folder()
        path = self._folder / "journal.db"
        path.touch(mode=0o600)
        database = sqlite3.connect(path, timeout=10)
        database.execute(_TABLE)
        return database

    def _read(self, key: str) -> list[Part]:
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT people, before, sending, audience_id, sent FROM part WHERE commit_key = ? ORDER BY number",
                [key],
            ).fetchall()
        return [
            Part(
                [people[start : start + DIGEST_BYTES] for start in range(0, len(people), DIGEST_BYTES)],
                None if before is None else frozenset(json.loads(before)),
                *rest,
            )
            for people, before, *rest in rows
        ]

    def _write(self, key: str, parts: Sequence[Part]) -> None:
        now = time()
        rows = [
            (
                key,
                number,
                b"".join(part.people),
                None if part.before is None else json.dumps(sorted(part.before)),
                part.sending,
                part.audience_id,
                part.sent,
                now,
            )
            for number, part in enumerate(parts)
        ]
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM part WHERE commit_key = ? OR touched < ?", [key, now - KEPT_SECONDS])
            database.executemany("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._clean_locks(now)

    def _clean_locks(self, now: float) -> None:
        for lock in self._folder.glob("*.lock"):
            with suppress(OSError):
                if lock.stat().st_mtime < now - KEPT_SECONDS:
                    lock.unlink()
