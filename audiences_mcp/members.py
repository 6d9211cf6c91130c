"""All members of stored audiences: read with as few requests as Atoms allows, and made into a list that can be checked."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, TypeVar

import anyio

from audiences_mcp.audiences import audience_columns
from audiences_mcp.calls import Progress, long_job
from audiences_mcp.contacts.columns import free_name
from audiences_mcp.contacts.report import MAX_MEMBERS
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.errors import AnswerTooLong, Rejected
from audiences_mcp.models import AudienceInfo, Member
from audiences_mcp.text import line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient

_AT_ONCE = 4  # requests; the client sees to it that they are not too many in a second

T = TypeVar("T")


async def read_members(client: "AtomsClient", audience_id: str, progress: Progress) -> list[Member]:
    """Return every member, in the order of the API.

    The API states no largest page, so everybody is asked for at once; a page that comes back smaller shows how large the
    others can be.

    Args:
        client: The connection.
        audience_id: The audience.
        progress: Where to tell how far it is, when one page is not enough.

    Raises:
        NotUnderstood: The pages held fewer members than the audience has.
    """
    try:
        first = await client.list_members(audience_id, 1, MAX_MEMBERS)
    except (Rejected, AnswerTooLong):  # so large a page is refused, or longer than what is read
        return await client.all_members(audience_id)
    if not first.has_more and len(first.members) >= first.total:
        return first.members
    found = {member.member_id: member for member in first.members}
    size = len(first.members)
    long_job()

    async def read(page: int) -> list[Member]:
        members = (await client.list_members(audience_id, page, size)).members
        found.update((member.member_id, member) for member in members)
        await progress(len(found), first.total, f"Read {len(found):,} of {several(first.total, 'member')}")
        return members

    pages = range(2, ceil(first.total / size) + 1) if size else ()
    rest = await at_once([partial(read, page) for page in pages])
    ordered = {member.member_id: member for members in (first.members, *rest) for member in members}
    # Where somebody was added or removed meanwhile the pages may not fit together: then one after the other.
    return list(ordered.values()) if len(ordered) == first.total else await client.all_members(audience_id)


async def at_once(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make several calls, some at the same time, and return their results in order; the first failure is raised."""
    results: dict[int, T] = {}
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def run(place: int) -> None:
        async with limiter:
            results[place] = await calls[place]()

    try:
        async with anyio.create_task_group() as group:
            for place in range(len(calls)):
                group.start_soon(run, place)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[place] for place in range(len(calls))]


def table_of(found: "Sequence[tuple[AudienceInfo, Sequence[Member]]]") -> Table:
    """Return the members of audiences as one list, a row each, with the phone column of the first."""
    phone = found[0][0].phone_column
    others = dict.fromkeys(name for stored in found for name in audience_columns(*stored)[1:])
    people = [
        (
            member.data.get(audience.phone_column, ""),
            *("" if name == audience.phone_column else member.data.get(name, "") for name in others),
        )
        for audience, members in found
        for member in members
    ]
    headers = _unique(line(name) for name in (phone, *others))
    return Table(headers, [Row(number, cells) for number, cells in enumerate(people, 1)], phone_column=headers[0])


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of which no two are alike, though they may have become so by cleaning."""
    taken: dict[str, int] = {}
    return tuple(
        free_name(name if name and name not in taken else f"{name}_{place}", taken)
        for place, name in enumerate(names, 1)
    )
