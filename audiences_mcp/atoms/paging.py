"""A list that comes in pages, read whole with as few requests as the API allows, or not at all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Generic, TypeVar

from audiences_mcp.calls import AT_ONCE, at_once
from audiences_mcp.errors import NotUnderstood

_READINGS = 3  # of a list that changes meanwhile

T = TypeVar("T")

Told = Callable[[int, int], Awaitable[None]]
"""Called, where one page is not enough, with how many were read and how many there are."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of anything, by ids; how many there are in all, and whether more follow."""

    items: Mapping[str, T]
    total: int
    has_more: bool


GetPage = Callable[[int, int], Awaitable[Page[T]]]
"""Gets a page by its number, from 1, and its size."""


async def nobody(_read: int, _total: int) -> None:
    """Is told, and does nothing."""


async def every(get_page: GetPage[T], size: int, noun: str, told: Told = nobody) -> list[T]:
    """Return what all pages hold together, in their order; pages may overlap while others write, so ids count.

    The first page shows how large the others can be, and several of these are asked for at a time. Where somebody takes
    something out meanwhile, what follows moves up, and some of it would be read on no page: then all is read again, one
    page after the other. It shows in the total, unless as much is put in as is taken out between two pages.

    Args:
        get_page: Gets a page.
        size: How much to ask for.
        noun: What is listed, for the message.
        told: Is told how far it is.

    Raises:
        NotUnderstood: The pages held less than there is, or changed each time that they were read.
    """
    for reading in range(_READINGS):
        found = await _read_once(get_page, size, noun, told, at_a_time=1 if reading else AT_ONCE)
        if found is not None:
            return found
    raise NotUnderstood(f"The {noun} changed while they were read; nothing was changed by this call. Try again.")


async def _read_once(get_page: GetPage[T], size: int, noun: str, told: Told, *, at_a_time: int) -> list[T] | None:
    """Return what all pages hold; None where it changed meanwhile."""
    page = await get_page(1, size)
    found, number, known, total = dict(page.items), 1, 0, page.total
    size = len(found)  # a server may give smaller pages than asked for
    while known < len(found) and (page.has_more or len(found) < total):
        await told(len(found), total)
        known, missing = len(found), ceil((total - len(found)) / size)
        numbers = range(number + 1, number + 1 + max(1, min(missing, at_a_time)))
        pages = await at_once([partial(get_page, each, size) for each in numbers])
        if any(each.total < total or (each.total > total and len(pages) > 1) for each in pages):
            return None
        number, page, total = numbers[-1], pages[-1], pages[-1].total
        for each in pages:
            found.update(each.items)
    if number > 1:
        await told(len(found), total)
    if len(found) >= total:
        return list(found.values())
    if number > 1 and at_a_time > 1:
        return None
    raise NotUnderstood(f"Atoms gave {len(found):,} of {total:,} {noun}; nothing was changed. Try again.")
