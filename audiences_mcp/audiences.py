"""Stored audiences: finding one, its columns, its members' numbers, the campaigns in the way."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import anyio.to_thread

from audiences_mcp.contacts.check import Check, CheckedRow
from audiences_mcp.contacts.fit import Fit
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.reasons import NEVER_CALLED
from audiences_mcp.errors import AtomsError
from audiences_mcp.models import AudienceInfo, CampaignInfo, Member
from audiences_mcp.text import in_short, line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient

_FINISHED = frozenset({"completed", "failed"})
_KNOWN = _FINISHED | {"draft", "scheduled", "processing", "running", "paused"}


async def find_audience(client: "AtomsClient", audience_id: str) -> AudienceInfo:
    """Return a stored audience with its member count and campaigns, which only the list of all has.

    Raises:
        InvalidInput: It is no id.
        NotFound: The organisation has no such audience.
    """
    single = await client.get_audience(audience_id)  # also checks the id before anything is sent
    for audience in await client.list_audiences():
        if audience.audience_id == single.audience_id:
            return audience
    count = (await client.list_members(audience_id, 1, 1)).total
    return single.model_copy(update={"member_count": count})


async def still_exists(client: "AtomsClient", audience_id: str) -> bool | None:
    """Tell whether an audience exists still; None where it cannot be looked for."""
    try:
        return any(audience.audience_id == audience_id for audience in await client.list_audiences())
    except AtomsError:
        return None


def audience_columns(audience: AudienceInfo, members: Iterable[Member]) -> tuple[str, ...]:
    """Return the columns of an audience, the phone column first, then all that the given members have."""
    names = dict.fromkeys(name for member in members for name in member.data)
    return (audience.phone_column, *(name for name in names if name != audience.phone_column))


async def known_members(audience: AudienceInfo, members: Sequence[Member]) -> KnownNumbers:
    """Return the numbers of an audience's members, to be found in any spelling, with their member ids."""
    pairs = [(member.data.get(audience.phone_column, ""), member.member_id) for member in members]
    return await anyio.to_thread.run_sync(KnownNumbers, pairs)


def barred(rows: Iterable[CheckedRow], known: KnownNumbers) -> str:
    """Tell of people of a list who may never be called, and are members already; empty where there are none."""
    count = sum(
        row.phone is not None and row.reason in NEVER_CALLED and known.has_any([row.phone.number, *row.others])
        for row in rows
    )
    if not count:
        return ""
    people, verb = several(count, "person", "people"), "is" if count == 1 else "are"
    return (
        f"{people} of the list may not be called, but {verb} in the audience already: take them out before it is used."
    )


def active_campaigns(audience: AudienceInfo) -> list[CampaignInfo]:
    """Return the campaigns that may call people who are added now."""
    # A status that nobody has published may be one in which people are called.
    return [each for each in audience.campaigns if each.status.casefold() not in _FINISHED | {"draft"}]


def blocking_campaigns(audience: AudienceInfo) -> list[CampaignInfo]:
    """Return the campaigns that keep the audience from being deleted: all but the finished ones."""
    return [each for each in audience.campaigns if each.status.casefold() not in _FINISHED]


def named(campaigns: Sequence[CampaignInfo], most: int = 5) -> str:
    """Return campaigns as words, such as `'May calls' (running)`."""
    return in_short(
        campaigns, most, lambda each: f"{each.name!r} ({each.status if each.status in _KNOWN else 'of unknown status'})"
    )


def misfit(check: Check, fit: Fit) -> str:
    """Say which columns of a list an audience lacks, and what to check the list again with; empty where all fit."""
    if not fit.unmatched:
        return ""
    mends = [f"column_mapping {json.dumps(fit.mapping, ensure_ascii=False)}"] if fit.mapping else []
    homeless = [header for header in fit.unmatched if header not in fit.mapping]
    if homeless:
        kept = [
            column.source
            for place, column in enumerate(check.columns[1:])
            if place in fit.places or column.source in fit.mapping
        ]
        mends.append(f"keep_columns {json.dumps(kept, ensure_ascii=False)} (without {listed(homeless)})")
    nameless = [column.source for column in check.columns if column.nameless and column.source in fit.unmatched]
    ask = f" No header names {listed(nameless)}: ask what it holds, then set column_mapping." if nameless else ""
    return (
        f"The audience has no column for {listed(fit.unmatched)}; it has {listed(fit.columns)}. Call check_contacts "
        f"again with {' and '.join(mends)}.{ask}"
    )


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return names as words, such as `'city', 'amount'`."""
    return in_short(names, most, lambda name: repr(line(name)))
