"""All members of stored audiences: read, and made into a list that can be checked."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from audiences_mcp.audiences import audience_columns
from audiences_mcp.calls import Progress
from audiences_mcp.contacts.columns import free_name
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.models import AudienceInfo, Member
from audiences_mcp.text import line

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient
    from audiences_mcp.atoms.paging import Told


OF_DO_NOT_CALL = "entries of the do-not-call list"


def telling(progress: Progress, what: str) -> "Told":
    """Return what tells how far a list is read, such as `Read 1,000 of 3,000 members`."""

    async def told(read: int, total: int) -> None:
        await progress(read, total, f"Read {read:,} of {total:,} {what}")

    return told


async def read_members(client: "AtomsClient", audience_id: str, progress: Progress) -> list[Member]:
    """Return every member, in the order of the API, and tell how far it is where one page is not enough."""
    return await client.all_members(audience_id, telling(progress, "members"))


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
