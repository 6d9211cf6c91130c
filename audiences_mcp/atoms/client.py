"""The Atoms audience API: one async method for each endpoint, wire names in, plain values out, every failure ours.

The only door to `httpx`. Reading is liberal (the published documents disagree on some names), sending is strict:
only a `Person`, whose number passed every rule, can be sent. What surely was not done is tried again; see `repeating`.

What may be said of a write that failed: a 4xx and a 200 that says `status: false` are refusals, so nothing was changed.
All else (5xx, 408, a redirect, no answer, an answer that is not the documented JSON) leaves the outcome unknown, unless
no byte of the request can have left.
"""

import csv
import io
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Generic, TypeVar

import anyio
import httpx  # noqa: TID251 - this module is its door
import stamina.instrumentation
from aiolimiter import AsyncLimiter

from audiences_mcp import __version__
from audiences_mcp.atoms.repeating import tries
from audiences_mcp.errors import (
    AtomsError,
    AudiencesError,
    AuthenticationFailed,
    InvalidInput,
    NotConfigured,
    NotFound,
    NotUnderstood,
    PermissionDenied,
    RateLimited,
    Rejected,
    ServerFailed,
    Unreachable,
)
from audiences_mcp.models import AudienceInfo, CampaignInfo, Person
from audiences_mcp.text import clean, clip, line

TIMEOUT = 30.0
"""Seconds that one request may take in all, answer included."""

MEMBERS_PAGE = 1_000
"""Members asked for at once where all of them are wanted; the API states no maximum."""

UPLOAD_BYTES = 4_900_000
"""How long a CSV may be; the API takes 5 MB."""

ADDED_AT_ONCE = 1_000
"""How many people are added with one request."""

ANSWER_BYTES = 20_000_000
"""How long an answer may be, decompressed: what is longer is no answer of Atoms, and would fill the memory."""

REQUESTS_A_SECOND = 10
"""How many requests are made in a second; what Atoms takes of organisations that pay nothing."""

_ENCODING = "gzip"  # each part that is read grows a thousand times at most
_DNC_PAGE = 500  # the server clamps to this
_MAX_MESSAGE = 300
_MAX_READ = 10_000  # characters of a text of which a few hundred are wanted
_MOST = 10**12  # of anything that is counted
_LONGEST_RETRY_AFTER = 1e6  # seconds; a longer one is as good as never
_ID = re.compile(r"[0-9a-fA-F]{24}")
_KEY = re.compile(r"[!-~]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]+")
_ACCEPTED, _REFUSED = (True, "success", "ok"), (False, "error", "fail", "failed")
# Raised before any byte of the request left: the write surely did not happen.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """A stored member: its id and its columns, phone column included, as stored."""

    member_id: str
    data: Mapping[str, str]


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


@dataclass(frozen=True, slots=True)
class _Page(Generic[T]):
    """A page of anything, by ids."""

    items: Mapping[str, T]
    total: int
    has_more: bool


class _Unexpected(Exception):
    """A part of an answer that is not as documented."""


class AtomsClient:
    """A connection to the API with one key; close it with `aclose`.

    Args:
        base_url: Such as `https://api.smallest.ai/atoms/v1`.
        api_key: The Atoms key; never part of any message.
        transport: What carries the requests; None for the network.
        timeout: Seconds that one request may take.

    Raises:
        NotConfigured: The key cannot be a key, or the URL, the proxy or the certificates cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        if not _KEY.fullmatch(api_key):
            raise NotConfigured(
                "The Atoms API key has spaces or characters that no key has, so nothing was sent. Set SMALLEST_API_KEY "
                "to the key alone, without quotes or 'Bearer', and restart the server.",
            )
        self._api_key = api_key
        self._timeout = timeout
        stamina.instrumentation.set_on_retry_hooks([])  # by default it logs what it tries again, and why
        for name in ("httpx", "httpcore"):  # they log URLs, so phone numbers that are searched for, and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = _http_client(base_url, api_key, transport, timeout)
        # The sandbox, which is asked without encryption, has no limit.
        self._pace = AsyncLimiter(REQUESTS_A_SECOND, 1) if _is_encrypted(base_url) else nullcontext()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    # --- audiences ---------------------------------------------------------------------------------------------

    async def list_audiences(self) -> list[AudienceInfo]:
        """Return every audience of the organisation, with member counts and campaigns."""
        return await self._call("GET", "audience", lambda data: [_audience(item) for item in _array(data)])

    async def get_audience(self, audience_id: str) -> AudienceInfo:
        """Return one audience; the API leaves out its member count and campaigns, so they are 0 and empty here."""
        return await self._call("GET", f"audience/{checked_id(audience_id)}", _audience)

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
        file = ("audience.csv", to_csv(columns, people), "text/csv")
        return await self._call("POST", "audience", _audience, data=fields, files={"file": file})

    async def delete_audience(self, audience_id: str) -> None:
        """Delete an audience and all its members."""
        await self._call("DELETE", f"audience/{checked_id(audience_id)}", lambda _: None)

    # --- members -----------------------------------------------------------------------------------------------

    async def list_members(self, audience_id: str, page: int, page_size: int) -> MemberPage:
        """Return one page of members, counted from 1. The API calls the page size `offset`."""
        path = f"audience/{checked_id(audience_id)}/members"

        def read(data: Any) -> MemberPage:  # noqa: ANN401
            members, total = _members(data), _number(_object(data), "totalCount")
            last = (page - 1) * page_size + len(members)
            return MemberPage(members, total, data.get("hasMore") is True or last < total)

        return await self._call("GET", path, read, params={"page": page, "offset": page_size})

    async def all_members(self, audience_id: str) -> list[Member]:
        """Return every member, in the order of the API.

        Raises:
            NotUnderstood: The pages held fewer members than the audience has.
        """

        async def get_page(page: int, size: int) -> _Page[Member]:
            found = await self.list_members(audience_id, page, size)
            return _Page({member.member_id: member for member in found.members}, found.total, found.has_more)

        return await _every(get_page, MEMBERS_PAGE, "members of the audience")

    async def add_members(self, audience_id: str, columns: Sequence[str], people: Sequence[Person]) -> Added:
        """Add people to an audience; Atoms skips numbers that it holds with exactly the same text.

        Args:
            audience_id: The audience.
            columns: The audience's own column names, the phone column first.
            people: Who is added.
        """
        members = [dict(zip(columns, (person.number, *person.fields), strict=True)) for person in people]
        path = f"audience/{checked_id(audience_id)}/members"
        return await self._call("POST", path, _added, json={"members": members})

    async def remove_members(self, audience_id: str, member_ids: Sequence[str]) -> int:
        """Remove members by their ids and return how many were removed; without ids nothing is sent."""
        ids = [checked_id(member_id, "member_id") for member_id in member_ids]
        path = f"audience/{checked_id(audience_id)}/members"
        if not ids:  # what Atoms does with an empty list is not published, and everybody would be the worst
            return 0
        return await self._call(
            "DELETE", path, lambda data: _number(_object(data), "deletedCount"), json={"memberIds": ids}
        )

    async def search_members(
        self, audience_id: str, query: str | None = None, fields: Mapping[str, str] | None = None
    ) -> list[Member]:
        """Return at most about 10 members that hold the query in any column, or each text in its column."""
        path = f"audience/{checked_id(audience_id)}/members/search"
        params = dict(fields) if fields else {"query": query or ""}
        return await self._call("GET", path, _members, params=params)

    # --- do-not-call -------------------------------------------------------------------------------------------

    async def do_not_call(self) -> list[str]:
        """Return every number of the organisation's do-not-call list as stored, entries for single agents too.

        Raises:
            NotUnderstood: The pages held fewer entries than the list has.
        """

        async def get_page(page: int, size: int) -> _Page[str]:
            params = {"page": str(page), "offset": str(size)}
            return await self._call("GET", "dnc", _do_not_call_page, params=params)

        return await _every(get_page, _DNC_PAGE, "entries of the do-not-call list")

    # --- the wire ----------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, read: Callable[[Any], T], **request: Any) -> T:  # noqa: ANN401
        """Make one request.

        Args:
            method: GET reads; every other method writes.
            path: Below the base URL.
            read: Makes what is wanted of the `data` in the answer's envelope.
            request: What httpx takes.
        """
        async for attempt in tries():
            with attempt:
                return await self._try(method, path, read, **request)
        raise AssertionError("the last try returns or raises")

    async def _try(self, method: str, path: str, read: Callable[[Any], T], **request: Any) -> T:  # noqa: ANN401
        writes = method != "GET"
        with _failures_are_ours(writes=writes):
            async with self._pace:
                pass  # it is this request's turn
            with anyio.fail_after(self._timeout):  # httpx's own limit is for each read, so a slow drip passes it
                async with self._http.stream(method, path, **request) as response:
                    content = await _content(response)
        body = _envelope(content)
        if response.is_error or (response.is_success and body.get("status") in _REFUSED):
            raise self._refusal(response, body, writes=writes)
        with suppress(_Unexpected):
            if response.is_success and body.get("status") in _ACCEPTED:
                return read(body.get("data"))
        raise _not_understood(response, writes=writes)

    def _refusal(self, response: httpx.Response, body: Mapping[str, Any], *, writes: bool) -> AtomsError:
        """Return the error for a status of 400 or more, or for an envelope that says no."""
        status, reason = response.status_code, self._reason(body)
        if status == 429 or body.get("code") == "RATE_LIMIT_EXCEEDED":
            when = self._when_to_retry(response, body)
            message = f"Atoms got too many requests ({status}); nothing was changed. Try again {when}."
            return RateLimited(message, retry_after=_seconds(response, body))
        if status == 401:
            return AuthenticationFailed(
                "Atoms did not accept the API key (401); nothing was changed. Set SMALLEST_API_KEY to a key of the "
                "Atoms console and restart the server.",
            )
        if status == 403:
            return PermissionDenied(
                f"Atoms does not allow this (403): {reason} Nothing was changed. Check that the id and "
                "the key are of the same Atoms organisation.",
            )
        if status == 404:  # without an envelope it is not Atoms that knows of nothing, but a server on the way
            return _not_found(reason) if body else _not_understood(response, writes=False)
        if status >= 500 or status == 408:
            request_id = self._quoted(response.headers.get("x-request-id", ""), 60)
            asked = f" Its support asks for the request id {request_id}." if _REQUEST_ID.fullmatch(request_id) else ""
            return ServerFailed(
                f"Atoms failed ({status}): {reason} {_outcome(writes=writes)}{asked}", maybe_done=writes
            )
        return Rejected(f"Atoms refused ({status}): {reason} Nothing was changed. Mend that and try again.")

    def _reason(self, body: Mapping[str, Any]) -> str:
        """Return what the API says went wrong as a sentence."""
        errors = body.get("errors") or body.get("error") or body.get("message")
        texts = errors if isinstance(errors, list) else [errors]
        texts = [text.get("message") or text if isinstance(text, dict) else text for text in texts if text]
        said = self._quoted("; ".join(str(text) for text in texts), _MAX_MESSAGE) or "it gave no reason"
        return said if said.endswith((".", "!", "?", "…")) else f"{said}."

    def _when_to_retry(self, response: httpx.Response, body: Mapping[str, Any]) -> str:
        wait = self._quoted(response.headers.get("Retry-After") or body.get("retry_after") or "", 40)
        if wait.isdecimal():
            return f"in {wait} seconds"
        return "later" if _seconds(response, body) is None else f"after {wait}"

    def _quoted(self, text: object, most: int) -> str:
        """Return text of Atoms fit for a message: short, clean and without the key, which a server may echo."""
        # Cleaned first, since characters that cannot be seen may break up the key.
        whole = line(str(text)[:_MAX_READ], _MAX_READ)
        return clip(whole.replace(self._api_key, "[key]"), most)


def _seconds(response: httpx.Response, body: Mapping[str, Any]) -> float | None:
    """Return the seconds after which Atoms wants to be asked again: a number or a date (RFC 9110, section 10.2.3)."""
    said = str(response.headers.get("Retry-After") or body.get("retry_after") or "")
    if said.isdecimal():
        return min(float(said), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    return min(max(0.0, moment.timestamp() - time()), _LONGEST_RETRY_AFTER)


def _http_client(
    base_url: str, api_key: str, transport: httpx.AsyncBaseTransport | None, timeout: float
) -> httpx.AsyncClient:
    encrypted = _is_encrypted(base_url)
    try:
        return httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers={
                "Authorization": f"Bearer {api_key}",
                "User-Agent": f"audiences-mcp/{__version__}",
                "Accept-Encoding": _ENCODING,
            },
            # Connecting may take a part of the time only, so that what could not be sent is known not to be sent.
            timeout=httpx.Timeout(timeout, connect=timeout / 3, pool=timeout / 3),
            transport=transport,
            follow_redirects=False,
            # http is for this machine: a proxy of the environment would get the key in the clear and call back in
            # vain. And loading the root certificates takes longer than many calls.
            trust_env=encrypted,
            verify=encrypted,
        )
    except (httpx.InvalidURL, ImportError, OSError, ValueError):
        raise NotConfigured(
            "The connection to Atoms cannot be set up, so nothing was sent. Check ATOMS_API_URL, and in the environment "
            "HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE, then restart the server.",
        ) from None


def _is_encrypted(base_url: str) -> bool:
    return base_url.lower().startswith("https:")


async def _content(response: httpx.Response) -> bytes:
    """Return the body, decompressed; nothing when it is longer than any answer of Atoms."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {_ENCODING, "identity"}:
        raise httpx.DecodingError("not what was asked for")  # gzip in gzip grows a million times, in one step
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES:
            return b""
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _failures_are_ours(*, writes: bool) -> Iterator[None]:
    """Map every failure of the transport to one of ours, which keeps nothing of it: its request has the key."""
    try:
        with _failures_mapped(writes=writes):
            yield
    except AudiencesError as error:
        error.__context__ = None
        raise


@contextmanager
def _failures_mapped(*, writes: bool) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError:  # lone surrogates, which JSON can spell
        raise InvalidInput("The text holds a character that cannot be sent; nothing was sent. Leave it out.") from None
    except _NOT_SENT:
        raise Unreachable(
            "Atoms could not be reached; nothing was sent. Check the network and ATOMS_API_URL, then try again.",
        ) from None
    except (TimeoutError, httpx.TimeoutException):
        raise Unreachable(f"Atoms did not answer in time. {_outcome(writes=writes)}", maybe_done=writes) from None
    except httpx.DecodingError:
        raise NotUnderstood(
            f"The answer of Atoms could not be decompressed. {_outcome(writes=writes)}",
            maybe_done=writes,
        ) from None
    # The URL that is not valid is that of a redirect, and broken TLS records come as the ssl.SSLError that they are.
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError):
        raise Unreachable(f"The connection to Atoms broke off. {_outcome(writes=writes)}", maybe_done=writes) from None


def _outcome(*, writes: bool) -> str:
    """Return whether anything was changed by a request without a clear answer, and what to do."""
    if writes:
        return "The outcome is unknown: the change may have been made. Look at what is stored before trying again."
    return "Nothing was changed. Try again later."


def _not_found(reason: str) -> NotFound:
    return NotFound(
        f"Atoms has nothing with that id for this key (404): {reason} Nothing was changed; list_audiences gives the ids.",
    )


def _not_understood(response: httpx.Response, *, writes: bool) -> NotUnderstood:
    what = "a redirect, which is not followed" if response.is_redirect else "something that is not the documented JSON"
    return NotUnderstood(
        f"Atoms answered {response.status_code} with {what}. {_outcome(writes=writes)} Check ATOMS_API_URL if it stays so.",
        maybe_done=writes,
    )


async def _every(get_page: Callable[[int, int], Awaitable[_Page[T]]], size: int, noun: str) -> list[T]:
    """Return what all pages hold together; pages may overlap while others write, so ids count.

    Args:
        get_page: Gets a page by its number, from 1, and its size.
        size: How much to ask for.
        noun: What is listed, for the message.

    Raises:
        NotUnderstood: The pages held less than there is.
    """
    page = await get_page(1, size)
    found, number, known = dict(page.items), 1, 0
    size = len(found)  # a server may give smaller pages than asked for
    while known < len(found) and (page.has_more or len(found) < page.total):
        number, known = number + 1, len(found)
        page = await get_page(number, size)
        found.update(page.items)
    if len(found) < page.total:
        raise NotUnderstood(f"Atoms gave {len(found):,} of {page.total:,} {noun}; nothing was changed. Try again.")
    return list(found.values())


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


def to_csv(columns: Sequence[str], people: Sequence[Person]) -> bytes:
    """Return people as the CSV file that the API takes: UTF-8, a header row, cells quoted where they need it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows((person.number, *person.fields) for person in people)
    return text.getvalue().encode()


def chunks(columns: Sequence[str], people: Sequence[Person], most: int | None = None) -> list[Sequence[Person]]:
    """Return people in runs that each fit into one upload, in their order.

    Args:
        columns: Column names, the phone column first.
        people: Who is sent.
        most: How many may be in a run; None for as many as the size allows.
    """
    step = most or max(len(people), 1)
    runs = [people[start : start + step] for start in range(0, len(people), step)]
    return [part for run in runs for part in _fitting(columns, run)]


def _fitting(columns: Sequence[str], people: Sequence[Person]) -> list[Sequence[Person]]:
    """Halve a run until each part fits: sizes are uneven, and nearly every run fits whole."""
    if len(people) == 1 or len(to_csv(columns, people)) <= UPLOAD_BYTES:
        return [people]
    middle = len(people) // 2
    return _fitting(columns, people[:middle]) + _fitting(columns, people[middle:])


def _envelope(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one when there is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - that is what JSON is
    if isinstance(value, dict):
        return value
    raise _Unexpected


def _array(value: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(value, list):
        return value
    raise _Unexpected


def _number(data: Mapping[str, Any], *names: str) -> int:
    """Return the first of the names that holds a whole number."""
    for name in names:
        value = data.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST and value % 1 == 0:
            return int(value)
    raise _Unexpected


def _text(data: Mapping[str, Any], name: str, most: int = 200) -> str:
    value = data.get(name)
    return "" if value is None else line(str(value), most)


def _audience(value: Any) -> AudienceInfo:  # noqa: ANN401
    data = _object(value)
    campaigns = data.get("campaigns") or data.get("activeCampaigns") or []
    names = ("memberCount", "currentMemberCount")
    return AudienceInfo(
        audience_id=_id_of(data),
        name=_text(data, "name", 300),  # whole, since a lost create is found by its name: 200, and " (1 of 3)"
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
    return Member(_id_of(data), {name: _cell(value) for name, value in _object(data.get("data")).items()})


def _cell(value: Any) -> str:  # noqa: ANN401
    """Return a stored value as text. Others may have stored numbers and objects, which stay the JSON that they are."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _added(data: Any) -> Added:  # noqa: ANN401
    outcome = _object(data[0] if isinstance(data, list) and data else data)  # published as an array of one
    counts = _object(outcome.get("data", outcome))
    return Added(_number(counts, "added"), _number(counts, "skipped"))


def _do_not_call_page(data: Any) -> _Page[str]:  # noqa: ANN401
    entries = [_object(item) for item in _array(_object(data).get("entries"))]
    pagination = _object(data.get("pagination"))
    numbers = {str(entry.get("id") or entry): str(entry.get("phoneNumber") or "") for entry in entries}
    return _Page(numbers, _number(pagination, "total"), pagination.get("hasMore") is True)


def _id_of(data: Mapping[str, Any]) -> str:
    value = data.get("_id")
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise _Unexpected
