"""A list that comes in pages, read whole with as few requests as the API allows, or not at all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Generic, TypeVar

from audiences_mcp.calls import at_once
from audiences_mcp.errors import NotUnderstood

_READINGS = 3  # of a list that changes meanwhile
_MOST_AHEAD = 1_000  # pages that are asked for before it is seen that they are there

T = TypeVar("T")

Told = Callable[[int, int], Awaitable[None]]
"""Called after each page but the first with how many were read and how many there are."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of anything, by ids; how many there are in all, and whether more follow."""

    items: Mapping[str, T]
    total: int
    has_more: bool


async def nobody(_read: int, _total: int) -> None:
    """Is told, and does nothing."""


async def every(
    get_page: Callable[[int, int], Awaitable[Page[T]]], size: int, noun: str, told: Told = nobody
) -> list[T]:
    """Return what all pages hold together, in their order; pages may overlap while others write, so ids count.

    The first page shows how large the others can be, and several of these are asked for at a time. Where somebody takes
    something out meanwhile, what follows moves up, and some of it would be read on no page: then all is read again, one
    page after the other.

    Args:
        get_page: Gets a page by its number, from 1, and its size.
        size: How much to ask for.
        noun: What is listed, for the message.
        told: Is told how far it is.

    Raises:
        NotUnderstood: The pages held less than there is, or changed each time that they were read.
    """
    for reading in range(_READINGS):
        found = await _read_once(get_page, size, noun, told, most_ahead=0 if reading else _MOST_AHEAD)
        if found is not None:
            return found
    raise NotUnderstood(f"The {noun} changed while they were read; nothing was changed by this call. Try again.")


async def _read_once(
    get_page: Callable[[int, int], Awaitable[Page[T]]], size: int, noun: str, told: Told, *, most_ahead: int
) -> list[T] | None:
    page = await get_page(1, size)
    found, number, known, most = dict(page.items), 1, 0, page.total
    size = len(found)  # a server may give smaller pages than asked for
    ahead = await _ahead(get_page, page, told, most_ahead)
    for page in ahead:
        number, known = number + 1, len(found)
        found.update(page.items)
    if any(page.total != most for page in ahead):
        return None
    while known < len(found) and (page.has_more or len(found) < page.total):
        number, known = number + 1, len(found)
        page = await get_page(number, size)
        if page.total < most:
            return None
        most = page.total
        found.update(page.items)
        await told(len(found), page.total)
    if len(found) >= page.total:
        return list(found.values())
    if ahead:
        return None
    raise NotUnderstood(f"Atoms gave {len(found):,} of {page.total:,} {noun}; nothing was changed. Try again.")


async def _ahead(
    get_page: Callable[[int, int], Awaitable[Page[T]]], first: Page[T], told: Told, most: int
) -> list[Page[T]]:
    """Return the pages after the first, in their order, as many as should be there."""
    size = read = len(first.items)

    async def get(number: int) -> Page[T]:
        nonlocal read
        page = await get_page(number, size)
        read += len(page.items)
        await told(read, first.total)
        return page

    last = min(ceil(first.total / size), most) if size else 1
    return await at_once([partial(get, number) for number in range(2, last + 1)])
