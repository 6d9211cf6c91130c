"""The Atoms audience API: one async method for each endpoint, wire names in, plain values out.

Reading is liberal (the published documents disagree on some names), sending is strict: only a `Person`, whose number
passed every rule, can be sent.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from audiences_mcp.atoms.connection import TIMEOUT, Connection, UnexpectedAnswer, Watch
from audiences_mcp.atoms.paging import Page, Told, every, nobody
from audiences_mcp.atoms.uploads import to_csv
from audiences_mcp.errors import AnswerTooLong, InvalidInput, Rejected, ServerFailed
from audiences_mcp.models import MAX_MEMBERS, AudienceInfo, CampaignInfo, Member, Person
from audiences_mcp.text import clean, clip, line

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport  # noqa: TID251 - the name of a type; all HTTP stays in connection.py

MEMBERS_PAGE = 1_000
"""Members asked for at once where all of them are too many."""

_DNC_PAGE = 500  # the server clamps to this
_MOST = 10**12  # of anything that is counted
_ID = re.compile(r"[0-9a-fA-F]{24}")


@dataclass(frozen=True, slots=True)
class MemberPage:
    """A page of members, how many the audience has in all, and whether more follow."""

    members: list[Member]
    total: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Added:
    """How many members Atoms says it added, and how many it skipped as duplicates."""

    added: int
    skipped: int


class AtomsClient:
    """The API with one key; close it with `aclose`. The arguments and errors are those of `Connection`."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: "AsyncBaseTransport | None" = None,
        timeout: float = TIMEOUT,
        watch: Watch | None = None,
    ) -> None:
        self._connection = Connection(base_url, api_key, transport, timeout, watch)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connection.aclose()

    # --- audiences ---------------------------------------------------------------------------------------------

    async def list_audiences(self) -> list[AudienceInfo]:
        """Return every audience of the organisation, with member counts and campaigns."""
        return await self._connection.call("GET", "audience", lambda data: [_audience(item) for item in _array(data)])

    async def get_audience(self, audience_id: str) -> AudienceInfo:
        """Return one audience; the API leaves out its member count and campaigns, so they are 0 and empty here."""
        return await self._connection.call("GET", f"audience/{checked_id(audience_id)}", _audience)

    async def create_audience(
        self, name: str, description: str, columns: Sequence[str], people: Sequence[Person]
    ) -> AudienceInfo:
        """Make an audience.

        Args:
            name: Its name.
            description: What it is for; may be empty.
            columns: Column names, the phone column first.
            people: Who is in it; see `chunks` for the limit.
        """
        fields = {"name": name, "phoneNumberColumnName": columns[0]}
        if description:
            fields["description"] = description
        file = ("audience.csv", await anyio.to_thread.run_sync(to_csv, columns, people), "text/csv")
        return await self._connection.call("POST", "audience", _audience, data=fields, files={"file": file})

    async def delete_audience(self, audience_id: str) -> None:
        """Delete an audience and all its members."""
        await self._connection.call("DELETE", f"audience/{checked_id(audience_id)}", lambda _: None)

    # --- members -----------------------------------------------------------------------------------------------

    async def list_members(self, audience_id: str, page: int, page_size: int) -> MemberPage:
        """Return one page of members, counted from 1. The API calls the page size `offset`."""
        path = f"audience/{checked_id(audience_id)}/members"

        def read(data: Any) -> MemberPage:  # noqa: ANN401
            members, total = _members(data), _number(_object(data), "totalCount")
            last = (page - 1) * page_size + len(members)
            return MemberPage(members, total, data.get("hasMore") is True or last < total)

        return await self._connection.call("GET", path, read, params={"page": page, "offset": page_size})

    async def all_members(self, audience_id: str, told: Told = nobody) -> list[Member]:
        """Return every member, in the order of the API.

        Args:
            audience_id: The audience.
            told: Is told how far it is, where one page is not enough.

        Raises:
            NotUnderstood: The pages held fewer members than the audience has.
        """

        async def get_page(page: int, size: int) -> Page[Member]:
            found = await self.list_members(audience_id, page, size)
            return Page({member.member_id: member for member in found.members}, found.total, found.has_more)

        noun = "members of the audience"
        try:
            return await every(get_page, MAX_MEMBERS, noun, told)  # the API states no largest page
        except (Rejected, AnswerTooLong, ServerFailed):  # so large a page may be refused, too long, or too much
            return await every(get_page, MEMBERS_PAGE, noun, told)

    async def add_members(self, audience_id: str, columns: Sequence[str], people: Sequence[Person]) -> Added:
        """Add people to an audience; Atoms skips numbers that it holds with exactly the same text.

        Args:
            audience_id: The audience.
            columns: The audience's own column names, the phone column first.
            people: Who is added.
        """
        members = [dict(zip(columns, (person.number, *person.fields), strict=True)) for person in people]
        path = f"audience/{checked_id(audience_id)}/members"
        return await self._connection.call("POST", path, _added, json={"members": members})

    async def remove_members(self, audience_id: str, member_ids: Sequence[str]) -> int:
        """Remove members by their ids and return how many were removed; without ids nothing is sent."""
        ids = [checked_id(member_id, "member_id") for member_id in member_ids]
        path = f"audience/{checked_id(audience_id)}/members"
        if not ids:  # what Atoms does with an empty list is not published, and everybody would be the worst
            return 0
        return await self._connection.call(
            "DELETE", path, lambda data: _number(_object(data), "deletedCount"), json={"memberIds": ids}
        )

    async def search_members(
        self, audience_id: str, query: str | None = None, fields: Mapping[str, str] | None = None
    ) -> list[Member]:
        """Return at most about 10 members that hold the query in any column, or each text in its column."""
        path = f"audience/{checked_id(audience_id)}/members/search"
        params = dict(fields) if fields else {"query": query or ""}
        return await self._connection.call("GET", path, _members, params=params)

    # --- do-not-call -------------------------------------------------------------------------------------------

    async def do_not_call(self, told: Told = nobody) -> list[str]:
        """Return every number of the organisation's do-not-call list as stored, entries for single agents too.

        Args:
            told: Is told how far it is, where one page is not enough.

        Raises:
            NotUnderstood: The pages held fewer entries than the list has.
        """

        async def get_page(page: int, size: int) -> Page[str]:
            params = {"page": str(page), "offset": str(size)}
            return await self._connection.call("GET", "dnc", _do_not_call_page, params=params)

        return await every(get_page, _DNC_PAGE, "entries of the do-not-call list", told)


def checked_id(text: str, argument: str = "audience_id") -> str:
    """Return an id of Atoms, which is also safe in a path.

    Raises:
        InvalidInput: It is not 24 hexadecimal characters.
    """
    if not _ID.fullmatch(text):
        raise InvalidInput(
            f"{argument} must be 24 hexadecimal characters, as "
            f"{'list_audiences' if argument == 'audience_id' else 'list_audience_members'} gives it; nothing was sent.",
        )
    return text


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - that is what JSON is
    if isinstance(value, dict):
        return value
    raise UnexpectedAnswer


def _array(value: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(value, list):
        return value
    raise UnexpectedAnswer


def _number(data: Mapping[str, Any], *names: str) -> int:
    """Return the first of the names that holds a whole number."""
    for name in names:
        value = data.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST and value % 1 == 0:
            return int(value)
    raise UnexpectedAnswer


def _text(data: Mapping[str, Any], name: str, most: int = 200) -> str:
    value = data.get(name)
    return "" if value is None else line(str(value), most)


def _audience(value: Any) -> AudienceInfo:  # noqa: ANN401
    data = _object(value)
    campaigns = data.get("campaigns") or data.get("activeCampaigns") or []
    names = ("memberCount", "currentMemberCount")
    return AudienceInfo(
        audience_id=_id_of(data),
        name=_text(data, "name", 300),  # whole, since a lost create is found by its name: 150, and " (1 of 3)"
        description=_text(data, "description", 500),
        member_count=_number(data, *names) if any(data.get(name) is not None for name in names) else 0,
        phone_column=clip(clean(_cell(data.get("phoneNumberColumnName"))), 200),  # spaces as in the members' data
        campaigns=[_campaign(_object(item)) for item in _array(campaigns)],
        created_at=_text(data, "createdAt", 40) or None,
        updated_at=_text(data, "updatedAt", 40) or None,
    )


def _campaign(data: Mapping[str, Any]) -> CampaignInfo:
    return CampaignInfo(
        id=_id_of(data),
        name=_text(data, "name"),
        status=_text(data, "status", 40),
        created_at=_text(data, "createdAt", 40) or None,
    )


def _members(data: Any) -> list[Member]:  # noqa: ANN401
    return [_member(_object(item)) for item in _array(_object(data).get("members"))]


def _member(data: Mapping[str, Any]) -> Member:
    cells = _object(data.get("data"))
    for value in cells.values():
        if not isinstance(value, str):
            cells = {name: _cell(each) for name, each in cells.items()}
            break
    return Member(_id_of(data), cells)


def _cell(value: Any) -> str:  # noqa: ANN401
    """Return a stored value as text. Others may have stored numbers and objects, which stay the JSON that they are."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _added(data: Any) -> Added:  # noqa: ANN401
    outcome = _object(data[0] if isinstance(data, list) and data else data)  # published as an array of one
    counts = _object(outcome.get("data", outcome))
    return Added(_number(counts, "added"), _number(counts, "skipped"))


def _do_not_call_page(data: Any) -> Page[str]:  # noqa: ANN401
    entries = [_object(item) for item in _array(_object(data).get("entries"))]
    pagination = _object(data.get("pagination"))
    numbers = {str(entry.get("id") or entry): str(entry.get("phoneNumber") or "") for entry in entries}
    return Page(numbers, _number(pagination, "total"), pagination.get("hasMore") is True)


def _id_of(data: Mapping[str, Any]) -> str:
    value = data.get("_id")
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise UnexpectedAnswer
