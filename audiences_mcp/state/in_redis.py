"""What is kept between calls, in Redis or Valkey: any server process goes on where another one stopped.

Whatever could tell who is on a list is encrypted with a key that is made of the Atoms key, so that Redis holds nothing
that can be read there.
"""

import json
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from math import isinf
from secrets import token_bytes
from typing import Any, Generic, TypeVar

import anyio
import anyio.to_thread
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ConfigDict, TypeAdapter

from audiences_mcp import __version__
from audiences_mcp.contacts.check import Check, CheckedRow
from audiences_mcp.contacts.reasons import HINTS, Reason
from audiences_mcp.errors import InvalidInput, NotConfigured, StateUnavailable
from audiences_mcp.models import Addition, CheckReport, Commit
from audiences_mcp.removing import Leave
from audiences_mcp.state import NEEDS_KEY, Homes
from audiences_mcp.state.journal import KEPT_SECONDS, Journal, Part
from audiences_mcp.state.kept import Audited, DeletionToken, StoredCheck

try:
    from redis import asyncio as redis
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialBackoff
    from redis.exceptions import LockError, RedisError
except ModuleNotFoundError:
    raise NotConfigured(
        "AUDIENCES_MCP_STATE_URL needs the Redis client: install audiences-mcp[redis] and start the server again.",
    ) from None

LOCK_SECONDS = 15.0
"""How long the lock of a process that died holds others up."""

_LONG_KEPT = 24 * 60 * 60.0
"""Seconds that a token is remembered whose work is done."""

_REMEMBERED = 60 * 60.0  # seconds after which an expired key is taken for a made-up one
_WAIT_FOR_LOCK = 40.0  # seconds; a call may take 50
_ROWS_AT_ONCE = 2_000  # are encoded, so that other calls get their turn
_KEPT_ROWS = 200_000  # of checks that are kept decoded, since pages of one check are asked for in a row
_NONCE_BYTES = 12

T = TypeVar("T")


def in_redis(url: str, key: str) -> Homes:
    """Return homes in the Redis at a URL.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with its password if it has one.
        key: The Atoms key: servers with the same key share what they keep.

    Raises:
        NotConfigured: There is no Atoms key, or the URL is none.
    """
    if not key:
        raise NotConfigured(NEEDS_KEY)
    try:
        # A call may take 50 seconds in all, so what does not answer is given up soon.
        retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=1)
        connection = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3, retry=retry)
    except ValueError:
        raise NotConfigured(
            "AUDIENCES_MCP_STATE_URL must be the URL of a Redis, such as redis://:password@redis.example.com:6379/0.",
        ) from None
    store = _Store(connection, key)
    return Homes(
        checks=_Checks(store),
        tokens=_Things(store, "token", TypeAdapter(DeletionToken)),
        removals=_Things(store, "removal", TypeAdapter(Leave)),
        journal=_RedisJournal(store, key),
        lock=store.lock,
        aclose=connection.aclose,
    )


def _of_this_version(kind: str) -> str:
    """Return a kind of things that only processes of this version read: the next may lay them out differently.

    What was sent, and locks, are for all versions: a list is written once, whoever began.
    """
    return f"{kind}@{__version__}"


class _Store:
    """Bytes under names, encrypted, and locks.

    Args:
        connection: The Redis.
        key: The Atoms key.
    """

    def __init__(self, connection: "redis.Redis", key: str) -> None:
        self._redis = connection
        self._cipher = AESGCM(sha256(b"audiences-mcp state " + key.encode()).digest())
        self._prefix = f"audiences-mcp:{sha256(b'audiences-mcp name ' + key.encode()).hexdigest()[:16]}:"

    async def put(self, name: str, content: bytes, seconds: float | None) -> None:
        """Keep content under a name; without a time only if something is kept there, and as long as that."""
        sealed = await anyio.to_thread.run_sync(self._seal, name, content)
        with _failures_are_ours():
            await self._redis.set(
                self._prefix + name,
                sealed,
                ex=None if seconds is None else max(1, round(seconds)),
                keepttl=seconds is None,
                xx=seconds is None,  # what has expired meanwhile would come back for good
            )

    async def get(self, name: str) -> bytes | None:
        """Return what is kept under a name."""
        with _failures_are_ours():
            sealed = await self._redis.get(self._prefix + name)
        return await anyio.to_thread.run_sync(self._unseal, name, sealed) if isinstance(sealed, bytes) else None

    async def drop(self, name: str) -> None:
        """Keep it no longer."""
        with _failures_are_ours():
            await self._redis.delete(self._prefix + name)

    @asynccontextmanager
    async def lock(self, target: str) -> AsyncIterator[None]:
        """Hold the lock of a target, across all processes; a process that dies loses it after a while."""
        name = self._prefix + "lock:" + sha256(self._prefix.encode() + target.encode()).hexdigest()
        lock = self._redis.lock(name, timeout=LOCK_SECONDS, sleep=0.05, blocking_timeout=_WAIT_FOR_LOCK)
        with _failures_are_ours():
            if not await lock.acquire():
                raise InvalidInput(
                    "Another call works on the same audience or check for long, so nothing was done by this one. Call again "
                    "later.",
                )
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_renew, lock, anyio.current_time() + LOCK_SECONDS)
                yield
                tasks.cancel_scope.cancel()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            with anyio.CancelScope(shield=True), suppress(LockError, RedisError):
                await lock.release()

    def _seal(self, name: str, content: bytes) -> bytes:
        nonce = token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(content, 1), name.encode())

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        try:
            return zlib.decompress(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()))
        except (InvalidTag, ValueError):  # the latter of what is too short
            raise StateUnavailable(
                "What the shared store (AUDIENCES_MCP_STATE_URL) holds was changed by somebody else, so it is not used. "
                "Nothing was changed by this call.",
            ) from None


async def _renew(lock: Any, held_until: float) -> None:  # noqa: ANN401 - redis gives no public type for it
    """Hold a lock on, over short breaks of the network too.

    Args:
        lock: The lock.
        held_until: Until when it surely is held.

    Raises:
        StateUnavailable: It is lost, and another process may write by now: so this one must not.
    """
    while True:
        await anyio.sleep(LOCK_SECONDS / 5)
        asked = anyio.current_time()
        try:
            with anyio.fail_after(max(1.0, held_until - asked)):
                await lock.extend(LOCK_SECONDS, replace_ttl=True)
        except (RedisError, OSError, TimeoutError) as error:
            if isinstance(error, LockError) or anyio.current_time() >= held_until - LOCK_SECONDS / 5:
                raise StateUnavailable(
                    "The store that the servers of the team share (AUDIENCES_MCP_STATE_URL) failed while this call was "
                    "writing, so it stopped. Call again with the same arguments: what was done already is found and not "
                    "done again.",
                ) from None
        else:
            held_until = asked + LOCK_SECONDS


@contextmanager
def _failures_are_ours() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError):
        raise StateUnavailable(
            "The store that the servers of the team share (AUDIENCES_MCP_STATE_URL) cannot be reached. Call again with the "
            "same arguments once it can: what was done already is found and not done again.",
        ) from None


class _Things(Generic[T]):
    """A home for small things.

    Args:
        store: Where they go.
        kind: What they are, as a part of their names.
        adapter: Makes JSON of them and back.
    """

    def __init__(self, store: _Store, kind: str, adapter: TypeAdapter[T]) -> None:
        self._store, self._kind, self._adapter = store, _of_this_version(kind), adapter

    async def put(self, key: str, thing: T, seconds: float) -> None:
        kept = _LONG_KEPT if isinf(seconds) else seconds
        await self._store.put(f"{self._kind}:{key}", self._adapter.dump_json(thing), kept)
        await self._store.put(f"{self._kind}-was:{key}", b"", kept + _REMEMBERED)

    async def save(self, key: str, thing: T) -> None:
        await self._store.put(f"{self._kind}:{key}", self._adapter.dump_json(thing), None)

    async def get(self, key: str) -> T | None:
        content = await self._store.get(f"{self._kind}:{key}")
        return None if content is None else self._adapter.validate_json(content)

    async def had(self, key: str) -> bool:
        return await self._store.get(f"{self._kind}-was:{key}") is not None

    async def drop(self, key: str) -> None:
        await self._store.drop(f"{self._kind}:{key}")


# --- checks --------------------------------------------------------------------------------------------------------

# A check is long and never changes; what becomes of it is short.
_Fate = TypeAdapter(dict[str, Any])


class _Checks:
    """A home for checks.

    Args:
        store: Where they go.
    """

    def __init__(self, store: _Store) -> None:
        self._store, self._kind = store, _of_this_version("check")
        self._fates = _Things(store, "fate", _Fate)
        self._decoded: OrderedDict[str, StoredCheck] = OrderedDict()

    async def put(self, key: str, stored: StoredCheck, seconds: float) -> None:
        content = await anyio.to_thread.run_sync(_encoded, stored)
        await self._store.put(f"{self._kind}:{key}", content, seconds)
        self._remember(key, stored)
        await self._fates.put(key, _fate_of(stored), seconds)

    async def save(self, key: str, stored: StoredCheck) -> None:
        fate = await anyio.to_thread.run_sync(_fate_of, stored)
        await self._fates.save(key, fate)

    async def get(self, key: str) -> StoredCheck | None:
        fate = await self._fates.get(key)
        if fate is None:
            return None
        stored = self._decoded.get(key)
        if stored is None:
            content = await self._store.get(f"{self._kind}:{key}")
            if content is None:
                return None
            stored = await anyio.to_thread.run_sync(_decoded, key, content)
            self._remember(key, stored)
        return await anyio.to_thread.run_sync(_with_fate, stored, fate)

    async def had(self, key: str) -> bool:
        return await self._fates.had(key)

    async def drop(self, key: str) -> None:
        await self._fates.drop(key)
        await self._store.drop(f"{self._kind}:{key}")

    def _remember(self, key: str, stored: StoredCheck) -> None:
        self._decoded[key] = replace(stored, target=None, written=False, result=None, latest=None)
        rows = sum(len(each.check.rows) for each in self._decoded.values())
        while rows > _KEPT_ROWS and len(self._decoded) > 1:
            rows -= len(self._decoded.popitem(last=False)[1].check.rows)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    return TypeAdapter(kind)


def _encoded(stored: StoredCheck) -> bytes:
    """Return a check as lines of JSON: what is told of it, then its rows."""
    check = stored.check
    head = {
        "check": _adapter(Check).dump_python(replace(check, rows=[]), mode="json"),
        "report": stored.report.model_dump(mode="json"),
        "objecting": stored.objecting,
        "audited": _adapter(Audited | None).dump_python(stored.audited, mode="json"),
    }
    rows = _adapter(list[CheckedRow])
    runs = (
        rows.dump_json(check.rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(check.rows), _ROWS_AT_ONCE)
    )
    return b"\n".join([json.dumps(head).encode(), *runs])


def _decoded(check_id: str, content: bytes) -> StoredCheck:
    first, *runs = content.split(b"\n")
    head = json.loads(first)
    rows = [row for run in runs for row in _adapter(list[CheckedRow]).validate_json(run)]
    check = replace(_adapter(Check).validate_python(head["check"]), rows=rows)
    report = CheckReport.model_validate(head["report"])
    audited = _adapter(Audited | None).validate_python(head["audited"])
    return StoredCheck(check_id, check, report, audited=audited, objecting=head["objecting"])


def _fate_of(stored: StoredCheck) -> dict[str, Any]:
    """Return what became of a check: its target, its result, and who may not be called any more."""
    latest = stored.latest
    left_out = {
        place: now.reason
        for place, (then, now) in enumerate(zip(stored.check.rows, latest.rows, strict=True) if latest else ())
        if then.reason != now.reason and now.reason
    }
    return {
        "target": stored.target,
        "written": stored.written,
        "addition": isinstance(stored.result, Addition),
        "result": stored.result.model_dump(mode="json") if stored.result else None,
        "left_out": None if latest is None else {str(place): reason.value for place, reason in left_out.items()},
    }


def _with_fate(stored: StoredCheck, fate: dict[str, Any]) -> StoredCheck:
    made: Callable[[Any], Commit] = (Addition if fate["addition"] else Commit).model_validate
    return replace(
        stored,
        target=tuple(fate["target"]) if fate["target"] else None,
        written=fate["written"],
        result=made(fate["result"]) if fate["result"] else None,
        latest=None if fate["left_out"] is None else _left_out(stored.check, fate["left_out"]),
    )


def _left_out(check: Check, reasons: dict[str, str]) -> Check:
    rows = list(check.rows)
    for place, text in reasons.items():
        reason = Reason(text)
        rows[int(place)] = rows[int(place)]._replace(status=reason.status, reason=reason, hint=HINTS[reason])
    return replace(check, rows=rows)


# --- commits -------------------------------------------------------------------------------------------------------

_PARTS: TypeAdapter[list[Part]] = TypeAdapter(
    list[Part], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
)


class _RedisJournal(Journal):
    """The commits of a team."""

    def __init__(self, store: _Store, secret: str) -> None:
        super().__init__(secret)
        self._store = store

    async def parts(self, key: str) -> list[Part]:
        content = await self._store.get(f"commit:{key}")
        return [] if content is None else _PARTS.validate_json(content)

    async def keep(self, key: str, parts: Sequence[Part]) -> None:
        await self._store.put(f"commit:{key}", _PARTS.dump_json(list(parts)), KEPT_SECONDS)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """The lock of the name, which every commit holds, is one for all processes."""
        _ = name
        yield
