"""Things that are kept for a time under keys that nobody can guess, in this process or elsewhere."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Generic, Protocol, TypeVar

from audiences_mcp.errors import InvalidInput

_REMEMBERED_KEYS = 1_000  # that expired, to tell them from made-up ones

T = TypeVar("T")


class Home(Protocol[T]):
    """Where things are kept."""

    async def put(self, key: str, thing: T, seconds: float) -> None:
        """Keep a thing for so many seconds; `inf` for as long as there is room."""

    async def save(self, key: str, thing: T) -> None:
        """Write down that a thing which is kept has changed; it is kept no longer for that."""

    async def get(self, key: str) -> T | None:
        """Return what is kept under a key."""

    async def had(self, key: str) -> bool:
        """Tell whether something was kept under a key once."""

    async def drop(self, key: str) -> None:
        """Keep it no longer."""


class InProcess(Generic[T]):
    """A home in the memory of this process.

    Args:
        room: How much is kept at most; the oldest go first.
        weight: How much room a thing takes.
        clock: Seconds that only go forward.
    """

    def __init__(self, room: int, weight: Callable[[T], int], clock: Callable[[], float] = monotonic) -> None:
        self._room, self._weight, self._clock = room, weight, clock
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    async def put(self, key: str, thing: T, seconds: float) -> None:
        """Keep a thing for so many seconds; `inf` for as long as there is room."""
        self._kept[key] = (self._clock() + seconds, thing)
        self._kept.move_to_end(key)
        used = sum(self._weight(kept) for _, kept in self._kept.values())
        while used > self._room and len(self._kept) > 1:
            used -= self._weight(self._drop(next(iter(self._kept))))

    async def save(self, key: str, thing: T) -> None:
        """Write down that a thing which is kept has changed: here it is the thing itself."""

    async def get(self, key: str) -> T | None:
        """Return what is kept under a key."""
        for old in [old for old, (expires, _) in self._kept.items() if expires <= self._clock()]:
            self._drop(old)
        return self._kept[key][1] if key in self._kept else None

    async def had(self, key: str) -> bool:
        """Tell whether something was kept under a key once."""
        return key in self._gone

    async def drop(self, key: str) -> None:
        """Keep it no longer."""
        if key in self._kept:
            self._drop(key)

    def _drop(self, key: str) -> T:
        _, thing = self._kept.pop(key)
        self._gone[key] = None
        if len(self._gone) > _REMEMBERED_KEYS:
            self._gone.popitem(last=False)
        return thing


class Shelf(Generic[T]):
    """Things of one kind, and what to say of keys that are no longer good.

    Args:
        noun: What is kept, for messages.
        lifetime: Seconds that a thing is kept.
        mend: What to do when a key is no longer good.
        home: Where they are kept.
        ended: What has become of a key that was good.
    """

    def __init__(self, noun: str, lifetime: float, mend: str, home: Home[T], ended: str = "has expired") -> None:
        self._noun, self._lifetime, self._mend, self._home, self._ended = noun, lifetime, mend, home, ended

    @staticmethod
    def new_key() -> str:
        """Return 128 random bits as text."""
        return secrets.token_hex(16)

    async def put(self, key: str, thing: T) -> None:
        """Keep a thing under a key."""
        await self._home.put(key, thing, self._lifetime)

    async def save(self, key: str, thing: T) -> None:
        """Let every process know that a thing has changed."""
        await self._home.save(key, thing)

    async def keep(self, key: str, thing: T) -> None:
        """Keep a thing as long as there is room."""
        await self._home.put(key, thing, inf)

    async def spend(self, key: str) -> None:
        """Let a key be good no longer."""
        await self._home.drop(key)

    async def get(self, key: str) -> T:
        """Return the thing under a key.

        Raises:
            InvalidInput: Nothing is kept under it: it expired, or never was.
        """
        thing = await self._home.get(key)
        if thing is not None:
            return thing
        if await self._home.had(key):
            minutes = round(self._lifetime / 60)
            raise InvalidInput(f"This {self._noun} {self._ended} (it is kept at most {minutes} minutes): {self._mend}")
        raise InvalidInput(f"This {self._noun} is unknown, or the server was restarted since: {self._mend}")
