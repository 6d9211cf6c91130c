"""Contact lists made up by chance, with what must become of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

REGION = "US"
_POOL = 3_000  # so few that lists overlap
_SPELLINGS = ("+1212{0}{1}", "+1 212 {0} {1}", "(212) {0}-{1}", "1-212-{0}-{1}", "212{0}{1}", "001 212 {0} {1}")
_UNUSABLE = ("call me", "12", "", "1.2126E+10", "212-600-1234 or 212-600-1235")


@dataclass(frozen=True)
class People:
    """A list of people.

    Args:
        rows: For each what is written as number and name.
        numbers: The numbers that can be called, in the order of the rows, each once.
        invalid: How many rows have no such number.
    """

    rows: Sequence[tuple[str, str]]
    numbers: Sequence[str]
    invalid: int

    @property
    def callable(self) -> list[str]:
        """The numbers without those that nobody may call."""
        return [number for number in self.numbers if number not in do_not_call()]

    @property
    def csv(self) -> str:
        """The list as a table."""
        return "\n".join(["phoneNumber,firstName,lastName", *(f'"{number}",{name},' for number, name in self.rows)])

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The list as people typed in chat."""
        return [{"phone_number": number, "first_name": name} for number, name in self.rows]


@cache
def do_not_call() -> frozenset[str]:
    """Return the numbers of the pool that nobody may call."""
    return frozenset(_number(place) for place in range(77, _POOL, 100))


def some_people(rng: Random, *, clean: bool) -> People:
    """Return a short list: numbers in many spellings, some of them twice, some unusable unless it is to be clean."""
    once = rng.sample(range(_POOL), rng.randint(1, 40))
    places: list[int | None] = [*once, *rng.sample(once, len(once) // 5)]
    places += [] if clean else [None] * rng.randint(0, 4)
    rng.shuffle(places)
    rows = [(_written(rng, place), f"P{number}") for number, place in enumerate(places)]
    numbers = dict.fromkeys(_number(place) for place in places if place is not None)
    return People(rows, [*numbers], places.count(None))


def _written(rng: Random, place: int | None) -> str:
    if place is None:
        return rng.choice(_UNUSABLE)
    return rng.choice(_SPELLINGS).format(*_groups(place))


def _number(place: int) -> str:
    return "+1212{}{}".format(*_groups(place))


def _groups(place: int) -> tuple[int, str]:
    return 600 + place // 10_000, f"{place % 10_000:04}"


def many_people(rng: Random, count: int) -> People:
    """Return a list that needs several audiences."""
    first = rng.randrange(_POOL, 3_000_000)
    places = range(first, first + count)
    return People([(_number(place), f"P{place}") for place in places], [_number(place) for place in places], 0)
