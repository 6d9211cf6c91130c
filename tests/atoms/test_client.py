"""The client of the audience API: against the sandbox over real HTTP, and against everything that can go wrong.

Faults are put in at the transport, or made by a tiny server on a real socket. What a text says, whether a write may have
been done and where the key goes are looked at in each.
"""

import asyncio
import csv
import gzip
import io
import ipaddress
import itertools
import json
import logging
import ssl
import struct
import traceback
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, socket
from time import monotonic
from typing import Any
from uuid import uuid4

import anyio
import anyio.lowlevel
import httpx  # noqa: TID251 - faults are put in at its transport
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from audiences_mcp.atoms import uploads
from audiences_mcp.atoms.client import Added, AtomsClient, checked_id
from audiences_mcp.atoms.connection import ANSWER_BYTES
from audiences_mcp.atoms.uploads import ADDED_AT_ONCE, UPLOAD_BYTES, chunks, to_csv
from audiences_mcp.errors import (
    AtomsError,
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
from audiences_mcp.models import E164, AudienceInfo, CampaignInfo, Member, Person
from tests.conftest import Organisation

pytestmark = pytest.mark.anyio

KEY = "sk_0123456789abcdef"
ID, OTHER_ID = "60d0fe4f5311236168a109ca", "60D0FE4F5311236168A109CB"
COLUMNS = ("phoneNumber", "firstName", "city")
ANN, BOB = (
    Person(E164("+14155552671"), ("Ann", "Pune")),
    Person(E164("+919876543210"), ("Bob", "")),
)
UNCHANGED = "Nothing was changed. Try again later."
UNKNOWN = "The outcome is unknown: the change may have been made. Look at what is stored before trying again."
NOT_SENT = "Atoms could not be reached; nothing was sent. Check the network and ATOMS_API_URL, then try again."
TIMED_OUT = "Atoms did not answer in time."
BROKE_OFF = "The connection to Atoms broke off."

Call = Callable[[AtomsClient], Awaitable[object]]
READS: dict[str, Call] = {
    "list_audiences": lambda client: client.list_audiences(),
    "get_audience": lambda client: client.get_audience(ID),
    "list_members": lambda client: client.list_members(ID, 1, 20),
    "all_members": lambda client: client.all_members(ID),
    "search_members": lambda client: client.search_members(ID, "Ann"),
    "do_not_call": lambda client: client.do_not_call(),
}
WRITES: dict[str, Call] = {
    "create_audience": lambda client: client.create_audience("VIP", "", COLUMNS, [ANN, BOB]),
    "delete_audience": lambda client: client.delete_audience(ID),
    "add_members": lambda client: client.add_members(ID, COLUMNS, [ANN, BOB]),
    "remove_members": lambda client: client.remove_members(ID, [ID, OTHER_ID]),
}
CALLS = READS | WRITES
some_calls = pytest.mark.parametrize("name", ["list_audiences", "create_audience"])  # a read and a write
every_call = pytest.mark.parametrize("name", CALLS)


class Answers(httpx.AsyncBaseTransport):
    """Answers every request as told and keeps what was asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return self.answer(request)


class Through(httpx.AsyncBaseTransport):
    """Passes requests on to the network and counts them; others lose or change something on the way."""

    def __init__(self) -> None:
        self.network = httpx.AsyncHTTPTransport(verify=False)
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        return await self.network.handle_async_request(request)

    async def aclose(self) -> None:
        await self.network.aclose()


class LosesAnswers(Through):
    """A network on which Atoms does what it is asked, and its answer is lost."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        await response.aclose()
        raise httpx.ReadError("connection reset")


class SmallPages(Through):
    """An Atoms that gives smaller pages than asked for and counts its pages by their real size."""

    most = 2

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        size = min(int(request.url.params["offset"]), self.most)
        request.url = request.url.copy_set_param("offset", str(size))
        return await super().handle_async_request(request)


class CutPages(Through):
    """An Atoms that gives smaller pages than asked for, counts its pages by the size asked for, and says nothing."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        body = json.loads(await response.aread())
        await response.aclose()
        body["data"]["members"] = body["data"]["members"][:2]
        del body["data"]["hasMore"]
        return httpx.Response(200, json=body)


@asynccontextmanager
async def connected(
    url: str, key: str = KEY, transport: httpx.AsyncBaseTransport | None = None, seconds: float = 10
) -> AsyncIterator[AtomsClient]:
    client = AtomsClient(url, key, transport=transport, timeout=seconds)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def answering(answer: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> AsyncIterator[AtomsClient]:
    transport = Answers(answer if callable(answer) else lambda _: answer)
    async with connected("http://localhost/atoms/v1", transport=transport) as client:
        yield client


async def failure(call: Awaitable[object]) -> AtomsError:
    """Make a call that must fail with one of the errors of Atoms, whose text is fit to be shown."""
    with pytest.raises(AtomsError) as caught:
        await call
    error = caught.value
    said = str(error)
    assert len(said) < 700
    assert said.isprintable()
    assert said.endswith(".")
    assert ".." not in said
    for shown in (said, repr(error), "".join(traceback.format_exception(error))):
        assert KEY not in shown
    return error


def success(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": True, "data": data})


@pytest.fixture
async def client(organisation: Organisation) -> AsyncIterator[AtomsClient]:
    async with connected(organisation.url, organisation.key) as client:
        yield client


def people(count: int) -> list[Person]:
    return [Person(E164(f"+1415555{index:04}"), (f"Name {index}", "")) for index in range(count)]


# Every method against the sandbox


async def test_an_audience_is_made_listed_read_and_deleted(client: AtomsClient, organisation: Organisation) -> None:
    made = await client.create_audience("VIP", "Renewals", COLUMNS, [ANN, BOB])
    assert made == AudienceInfo(
        audience_id=made.audience_id,
        name="VIP",
        description="Renewals",
        member_count=0,
        phone_column="phoneNumber",
        campaigns=[],
        created_at=made.created_at,
        updated_at=made.updated_at,
    )
    assert datetime.fromisoformat(made.created_at or "").tzinfo
    assert await client.get_audience(made.audience_id) == made
    assert await client.list_audiences() == [made.model_copy(update={"member_count": 2})]
    assert organisation.members(made.audience_id) == [
        {"phoneNumber": "+14155552671", "firstName": "Ann", "city": "Pune"},
        {"phoneNumber": "+919876543210", "firstName": "Bob", "city": ""},
    ]
    await client.delete_audience(made.audience_id)
    assert await client.list_audiences() == []


async def test_an_audience_without_description_has_none(client: AtomsClient, organisation: Organisation) -> None:
    assert (await client.create_audience("VIP", "", COLUMNS, [ANN])).description == ""
    assert "description" not in organisation.audiences()[0]


async def test_the_first_column_is_the_phone_column_whatever_its_name(client: AtomsClient) -> None:
    made = await client.create_audience("VIP", "", ["mobile"], [Person(ANN.number)])
    assert made.phone_column == "mobile"
    assert [member.data for member in await client.all_members(made.audience_id)] == [{"mobile": "+14155552671"}]


async def test_the_campaigns_of_an_audience_come_with_the_list(client: AtomsClient, organisation: Organisation) -> None:
    audience = organisation.audience("VIP", "phoneNumber\n+14155552671\n")
    campaign = organisation.campaign(audience, "May calls", "running")
    (listed,) = await client.list_audiences()
    assert listed.campaigns == [
        CampaignInfo(id=campaign, name="May calls", status="running", created_at=listed.campaigns[0].created_at)
    ]
    assert listed.campaigns[0].created_at


async def test_members_are_added_once_by_their_text_and_removed_by_their_ids(
    client: AtomsClient, organisation: Organisation
) -> None:
    audience = organisation.audience("VIP", "phoneNumber,firstName,city\n+14155552671,Ann,Pune\n")
    assert await client.add_members(audience, COLUMNS, [ANN, BOB]) == Added(added=1, skipped=1)
    ann, bob = await client.all_members(audience)
    assert (ann.data["firstName"], bob.data["firstName"]) == ("Ann", "Bob")
    assert await client.remove_members(audience, [bob.member_id, OTHER_ID]) == 1
    assert await client.all_members(audience) == [ann]


async def test_removing_nobody_sends_nothing() -> None:
    transport = Answers(lambda _: success(None))
    async with connected("http://localhost", transport=transport) as client:
        assert await client.remove_members(ID, []) == 0
    assert transport.requests == []


async def test_members_come_in_pages_counted_from_one(client: AtomsClient) -> None:
    audience = (await client.create_audience("VIP", "", COLUMNS, people(5))).audience_id
    pages = [await client.list_members(audience, page, 2) for page in (1, 2, 3, 4)]
    names = [[member.data["firstName"] for member in page.members] for page in pages]
    assert names == [["Name 0", "Name 1"], ["Name 2", "Name 3"], ["Name 4"], []]
    assert [(page.total, page.has_more) for page in pages] == [(5, True), (5, True), (5, False), (5, False)]


async def test_more_members_follow_a_page_that_is_shorter_than_asked_for_and_does_not_say_so() -> None:
    async with answering(success({"members": [member(1), member(2)], "totalCount": 5})) as client:
        assert (await client.list_members(ID, 1, 20)).has_more
        assert (await client.list_members(ID, 2, 2)).has_more
        assert not (await client.list_members(ID, 2, 3)).has_more


@pytest.mark.parametrize(("most", "requests"), [(10_000, 1), (1_000, 3), (700, 3)])
async def test_all_members_are_read_with_as_few_requests_as_the_server_allows(
    organisation: Organisation, most: int, requests: int
) -> None:
    everyone, transport = people(2_001), SmallPages()
    transport.most = most
    audience = organisation.audience("VIP", to_csv(COLUMNS, everyone).decode())
    async with connected(organisation.url, organisation.key, transport) as client:
        members = await client.all_members(audience)
    assert [member.data["phoneNumber"] for member in members] == [person.number for person in everyone]
    assert transport.sent == requests


async def test_an_answer_is_shown_as_it_came_to_whoever_watches() -> None:
    stored, seen = {"phoneNumber": 14155552671, "firstName": None, "lastName": "Lee"}, list[Any]()
    transport = Answers(lambda _: success({"members": [{"_id": ID, "data": stored}], "totalCount": 1}))
    client = AtomsClient("http://localhost:9", KEY, transport=transport, watch=lambda _, body: seen.append(body))
    (found,) = await client.all_members(ID)
    await client.aclose()
    assert found.data == {"phoneNumber": "14155552671", "firstName": "", "lastName": "Lee"}
    assert seen[0]["data"]["members"][0]["data"] == stored


@pytest.mark.parametrize("later", [[1], []])
async def test_a_total_that_nobody_can_have_is_not_believed(later: Sequence[int]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        shown = [1] if request.url.params["page"] == "1" else later
        return success({"members": [*map(member, shown)], "totalCount": 10**11})

    transport = Answers(answer)
    async with connected("http://localhost:9", transport=transport) as client:
        error = await failure(client.all_members(ID))
    assert str(error) == "Atoms gave 1 of 100,000,000,000 members of the audience; nothing was changed. Try again."
    assert len(transport.requests) < 10


@pytest.mark.parametrize("transport", [SmallPages, CutPages])
@pytest.mark.parametrize("count", [1, 2, 4, 7])
async def test_a_server_may_give_smaller_pages_than_asked_for(
    organisation: Organisation, transport: type[Through], count: int
) -> None:
    audience = organisation.audience("VIP", to_csv(COLUMNS, people(count)).decode())
    async with connected(organisation.url, organisation.key, transport()) as client:
        members = await client.all_members(audience)
    assert [member.data["firstName"] for member in members] == [f"Name {index}" for index in range(count)]


async def test_an_audience_of_nobody_has_no_members() -> None:
    async with answering(success({"members": [], "totalCount": 0, "hasMore": False})) as client:
        assert await client.all_members(ID) == []


def member(index: int) -> dict[str, Any]:
    return {"_id": f"{index:024x}", "data": {"phoneNumber": f"+1415555{index:04}"}}


@pytest.mark.parametrize(
    "pages",
    [
        [[1, 2], []],  # no more, although there should be
        [[], [1, 2, 3]],  # nothing at first
        [[1, 2]] * 9,  # the same page again and again
        [[1, 2], [2, 1]],
    ],
)
async def test_pages_that_hold_fewer_members_than_there_are_end_in_an_error_and_not_in_a_loop(
    pages: Sequence[Sequence[int]],
) -> None:
    given = itertools.cycle(pages)

    def answer(_: httpx.Request) -> httpx.Response:
        return success({"members": [*map(member, next(given))], "totalCount": 3, "hasMore": True})

    async with answering(answer) as client:
        error = await failure(client.all_members(ID))
    assert isinstance(error, NotUnderstood)
    assert not error.maybe_done
    count = len(pages[0])
    assert str(error) == f"Atoms gave {count} of 3 members of the audience; nothing was changed. Try again."


async def test_members_beyond_a_total_that_is_too_low_are_read_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return success({"members": [member(page)], "totalCount": 1, "hasMore": page < 3})

    async with answering(answer) as client:
        assert [each.member_id for each in await client.all_members(ID)] == [f"{page:024x}" for page in (1, 2, 3)]


async def test_a_member_that_moves_to_the_next_page_meanwhile_is_one_member() -> None:
    pages = iter([([1, 2], 4), ([2, 3], 4), ([4], 4)])

    def answer(_: httpx.Request) -> httpx.Response:
        indexes, total = next(pages)
        return success({"members": [*map(member, indexes)], "totalCount": total})

    async with answering(answer) as client:
        assert len(await client.all_members(ID)) == 4


async def test_a_search_looks_in_all_columns_or_in_those_named(client: AtomsClient, organisation: Organisation) -> None:
    audience = organisation.audience(
        "VIP", "phoneNumber,city\n+14155552671,Pune\n+14155552672,Puno\n14155552671,Rome\n"
    )

    async def cities(query: str | None = None, fields: Mapping[str, str] | None = None) -> list[str]:
        return [found.data["city"] for found in await client.search_members(audience, query, fields)]

    assert await cities("pun") == ["Pune", "Puno"]
    assert await cities("+14155552671") == ["Pune"]
    assert await cities(fields={"phoneNumber": "+14155552671"}) == ["Pune"]
    assert await cities(fields={"phoneNumber": "14155552671"}) == ["Pune", "Rome"]
    assert await cities(fields={"phoneNumber": "+1415", "city": "puno"}) == ["Puno"]
    assert await cities("nobody") == []


async def test_what_is_searched_for_arrives_as_it_is() -> None:
    term = "+1 415&page=2#x?y=%2B \u200fشيرين😀\n;"
    transport = Answers(lambda _: success({"members": []}))
    async with connected("http://localhost", transport=transport) as client:
        await client.search_members(ID, term)
        await client.search_members(ID, fields={"phoneNumber": term, "first name": "=&"})
    assert [request.url.params.multi_items() for request in transport.requests] == [
        [("query", term)],
        [("phoneNumber", term), ("first name", "=&")],
    ]
    assert transport.requests[0].url.query.startswith(b"query=%2B1")


async def test_a_search_for_nothing_is_refused_by_atoms(client: AtomsClient, organisation: Organisation) -> None:
    audience = organisation.audience("VIP", "phoneNumber\n+14155552671\n")
    error = await failure(client.search_members(audience))
    assert str(error).startswith("Atoms refused (400): At least one search parameter is required.")


async def test_the_do_not_call_list_holds_entries_of_single_agents_too(
    client: AtomsClient, organisation: Organisation
) -> None:
    assert await client.do_not_call() == []
    organisation.do_not_call("+14155552671")
    organisation.request("POST", "dnc", json={"phoneNumber": "919876543210", "agentId": "a" * 24})
    assert await client.do_not_call() == ["919876543210", "+14155552671"]


async def test_the_do_not_call_list_is_read_over_as_many_pages_as_it_fills(organisation: Organisation) -> None:
    headers = {"Authorization": f"Bearer {organisation.key}"}
    numbers = [f"+1415555{index:04}" for index in range(501)]
    async with httpx.AsyncClient(headers=headers, verify=False, trust_env=False, timeout=60) as other:
        for number in numbers:
            await other.post(f"{organisation.url}/dnc", json={"phoneNumber": number})
    transport = Through()
    async with connected(organisation.url, organisation.key, transport) as client:
        assert await client.do_not_call() == numbers[::-1]
    assert transport.sent == 2
    small = SmallPages()
    small.most = 200
    async with connected(organisation.url, organisation.key, small) as client:
        assert await client.do_not_call() == numbers[::-1]
    assert small.sent == 3


async def test_a_do_not_call_list_that_is_not_whole_is_an_error_and_not_a_loop() -> None:
    entries = [{"id": "1", "phoneNumber": "+14155552671"}]
    async with answering(success({"entries": entries, "pagination": {"total": 2, "hasMore": True}})) as client:
        error = await failure(client.do_not_call())
    assert str(error) == "Atoms gave 1 of 2 entries of the do-not-call list; nothing was changed. Try again."


async def test_do_not_call_entries_without_an_id_are_told_apart_by_what_they_hold() -> None:
    entries = [{"phoneNumber": "+14155552671"}, {"phoneNumber": 919876543210}, {"agentId": "a", "phoneNumber": None}]
    async with answering(success({"entries": entries, "pagination": {"total": 3}})) as client:
        assert await client.do_not_call() == ["+14155552671", "919876543210", ""]


# What is sent


async def test_every_call_sends_what_the_api_documents() -> None:
    transport = Answers(lambda _: httpx.Response(404, json={"status": False, "errors": []}))
    async with connected("http://localhost:9/atoms/v1/", transport=transport) as client:
        for call in CALLS.values():
            await failure(call(client))
    sent = [f"{request.method} {request.url}" for request in transport.requests]
    assert sent == [
        f"{method} http://localhost:9/atoms/v1/{path}"
        for method, path in [
            ("GET", "audience"),
            ("GET", f"audience/{ID}"),
            ("GET", f"audience/{ID}/members?page=1&offset=20"),
            ("GET", f"audience/{ID}/members?page=1&offset=10000"),
            ("GET", f"audience/{ID}/members/search?query=Ann"),
            ("GET", "dnc?page=1&offset=500"),
            ("POST", "audience"),
            ("DELETE", f"audience/{ID}"),
            ("POST", f"audience/{ID}/members"),
            ("DELETE", f"audience/{ID}/members"),
        ]
    ]
    assert {request.headers["Authorization"] for request in transport.requests} == {f"Bearer {KEY}"}
    assert [json.loads(request.content) for request in transport.requests[-2:]] == [
        {
            "members": [
                {"phoneNumber": "+14155552671", "firstName": "Ann", "city": "Pune"},
                {"phoneNumber": "+919876543210", "firstName": "Bob", "city": ""},
            ]
        },
        {"memberIds": [ID, OTHER_ID]},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "..",
        "../campaign",
        "../../dnc",
        ID[:23],
        ID + "0",
        ID + "\n",
        "\n" + ID,
        ID[:-1] + "/",
        ID[:-1] + "g",
        ID[:-1] + "٣",
        ID[:-1] + "\uff13",
        "٣" * 24,
        ID[:-2] + "%41",
        ID + "\x00",
        ID + "?x=1",
        ID.replace("6", "б"),  # noqa: RUF001 - a Cyrillic letter that looks like a digit
    ],
)
async def test_what_is_no_id_is_refused_before_anything_is_sent(wrong: str) -> None:
    transport = Answers(lambda _: success([]))
    async with connected("http://localhost", transport=transport) as client:
        calls: list[Awaitable[object]] = [
            client.get_audience(wrong),
            client.delete_audience(wrong),
            client.list_members(wrong, 1, 5),
            client.all_members(wrong),
            client.add_members(wrong, COLUMNS, [ANN]),
            client.search_members(wrong, "Ann"),
            client.remove_members(wrong, [ID]),
            client.remove_members(wrong, []),
        ]
        for call in calls:
            with pytest.raises(InvalidInput) as error:
                await call
            assert str(error.value) == (
                "audience_id must be 24 hexadecimal characters, as list_audiences gives it; nothing was sent."
            )
        with pytest.raises(InvalidInput) as error:
            await client.remove_members(ID, [OTHER_ID, wrong])
        assert str(error.value) == (
            "member_id must be 24 hexadecimal characters, as list_audience_members gives it; nothing was sent."
        )
    assert transport.requests == []


@pytest.mark.parametrize("good", [ID, OTHER_ID, "0" * 24])
def test_an_id_is_returned_as_it_is(good: str) -> None:
    assert checked_id(good) == good


async def test_text_that_cannot_be_encoded_is_refused_before_anything_is_sent() -> None:
    lone = json.loads(r'"\ud83d"')
    transport = Answers(lambda _: success([]))
    async with connected("http://localhost", transport=transport) as client:
        calls: list[Awaitable[object]] = [
            client.search_members(ID, lone),
            client.search_members(ID, fields={"firstName": lone}),
            client.create_audience(lone, "", COLUMNS, [ANN]),
            client.add_members(ID, ["phoneNumber", "firstName"], [Person(ANN.number, (lone,))]),
        ]
        for call in calls:
            with pytest.raises(InvalidInput, match="nothing was sent"):
                await call
    assert transport.requests == []


# The CSV

SCRIPTS = {
    "Latin": "Zoë Þórsdóttir-Łęcka",
    "Greek": "Ελένη Παπαδοπούλου",
    "Cyrillic": "Ґанна Їжакевич",
    "Arabic": "شيرين الأمين",
    "Persian with a joiner": "می‌خواهم",
    "Hebrew": "שִׁירָה לוי",
    "Devanagari with a joiner": "क्‍षमा श्रीवास्तव",
    "Tamil": "தமிழ்ச்செல்வி",
    "Thai": "ก่อเกียรติ",
    "Han": "歐陽娜娜𠮷",
    "Hangul": "김철수",
    "Amharic": "ሰላማዊት",
}
NASTY = {
    "a comma": "Diaz, Ana",
    "quotes": 'Ann "The Boss" Lee',
    "quotes alone": '"',
    "two quotes": '""',
    "a quote at the end": 'size 5"',
    "a newline": "Ann\nBob",
    "a return": "Ann\rBob",
    "both": "Ann\r\nBob\r\n",
    "a row": 'Ann"\r\n+14155550000,Eve,Rome\r\n"',
    "a leading space": "  Ann",
    "a trailing space": "Ann  ",
    "spaces alone": "   ",
    "a tab": "\tAnn\tLee\t",
    "separators of other files": "a;b|c\td",
    "line separators": "a\x85b\u2028c\u2029d\x0be\x0cf",
    "a formula": "=HYPERLINK(1)",
    "an apostrophe": "'Ann",
    "a backslash": "Ann\\",
    "emoji": "👩🏽‍🚒🇮🇳 Ann",
    "nothing": "",
    "a NUL": "a\x00b",
    "a byte order mark": "\ufeffAnn",
    "combining marks": unicodedata.normalize("NFD", "Zoë"),
    "a header": "phoneNumber",
    "a comment": "# Ann",
    "JSON": '{"a": [1, "b"]}',
    "half of a megabyte": 'é"' * 60_000,
}


@pytest.mark.parametrize("text", [*SCRIPTS.values(), *NASTY.values()], ids=[*SCRIPTS, *NASTY])
async def test_a_field_arrives_as_typed_and_never_becomes_another_row(
    client: AtomsClient, organisation: Organisation, text: str
) -> None:
    everyone = [Person(ANN.number, (text, "Pune")), Person(BOB.number, ("Bob", text))]
    expected = [
        {"phoneNumber": ANN.number, "firstName": text, "city": "Pune"},
        {"phoneNumber": BOB.number, "firstName": "Bob", "city": text},
    ]
    made = await client.create_audience("By file", text, COLUMNS, everyone)
    assert organisation.members(made.audience_id) == expected
    other = await client.create_audience("By list", "", COLUMNS, people(1))
    assert await client.add_members(other.audience_id, COLUMNS, everyone) == Added(2, 0)
    assert [each.data for each in (await client.all_members(other.audience_id))[1:]] == expected


@pytest.mark.parametrize("name", [*SCRIPTS.values(), 'VIP "May", 2026; filename="x"', "a\r\nb: c", "--boundary--"])
async def test_the_name_of_an_audience_arrives_as_typed(
    client: AtomsClient, organisation: Organisation, name: str
) -> None:
    await client.create_audience(name, name, COLUMNS, [ANN])
    (stored,) = organisation.audiences()
    assert (stored["name"], stored["description"]) == (name, name)


texts = st.text(
    st.one_of(st.sampled_from(",\"\r\n\t '\\;\x00é😀"), st.characters(exclude_categories=["Cs"])), max_size=12
)


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[str], list[Person]]:
    width = draw(st.integers(0, 4))
    names = draw(st.lists(texts.filter(bool), min_size=width + 1, max_size=width + 1, unique=True))
    rows = draw(st.lists(st.tuples(*[texts] * width), max_size=12))
    return names, [Person(E164(f"+1415555{index:04}"), fields) for index, fields in enumerate(rows)]


@given(lists())
def test_every_cell_comes_back_from_the_csv_as_it_went_in(given_list: tuple[list[str], list[Person]]) -> None:
    columns, everyone = given_list
    rows = [*csv.reader(io.StringIO(to_csv(columns, everyone).decode(), newline=""), strict=True)]
    assert rows == [columns, *[[person.number, *person.fields] for person in everyone]]


@given(lists(), st.integers(60, 400), st.one_of(st.none(), st.integers(1, 5)))
def test_no_run_is_over_the_limit_and_nobody_is_lost(
    given_list: tuple[list[str], list[Person]], limit: int, most: int | None
) -> None:
    columns, everyone = given_list
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "UPLOAD_BYTES", limit)
        runs = chunks(columns, everyone, most)
    assert [person for run in runs for person in run] == everyone
    for run in runs:
        assert 1 <= len(run) <= (most or len(everyone))
        assert len(to_csv(columns, run)) <= limit or len(run) == 1  # whoever does not fit alone is for Atoms to refuse


def test_a_list_that_fits_is_one_run_and_one_that_does_not_is_as_few_as_halving_gives() -> None:
    everyone = people(10_000)
    assert chunks(COLUMNS, everyone) == [everyone]
    assert [len(run) for run in chunks(COLUMNS, everyone, ADDED_AT_ONCE)] == [1_000] * 10
    assert chunks(COLUMNS, []) == []
    long = [Person(person.number, ("é" * 500, "")) for person in everyone]
    runs = chunks(COLUMNS, long)
    assert [len(run) for run in runs] == [2_500] * 4
    assert all(len(to_csv(COLUMNS, run)) <= UPLOAD_BYTES for run in runs)


async def test_the_longest_run_is_taken_by_atoms(client: AtomsClient) -> None:
    long = [Person(person.number, ("x" * 10_000, "")) for person in people(600)]
    run = chunks(COLUMNS, long)[0]
    assert len(to_csv(COLUMNS, run)) > UPLOAD_BYTES / 2
    made = await client.create_audience("VIP", "", COLUMNS, run)
    assert (await client.list_members(made.audience_id, 1, 1)).total == len(run)


# Liberal reading


async def test_names_that_other_documents_use_are_understood() -> None:
    campaign = {"_id": OTHER_ID, "name": "May", "status": "paused"}
    audience = {"_id": ID, "name": "VIP", "currentMemberCount": 7.0, "activeCampaigns": [campaign]}
    async with answering(success([audience])) as client:
        (found,) = await client.list_audiences()
    assert (found.member_count, found.phone_column, found.created_at) == (7, "", None)
    assert found.campaigns == [CampaignInfo(id=OTHER_ID, name="May", status="paused")]


@pytest.mark.parametrize("status", [True, "success", "ok"])
async def test_every_word_for_success_is_understood(status: object) -> None:
    async with answering(httpx.Response(201, json={"status": status, "data": []})) as client:
        assert await client.list_audiences() == []


@pytest.mark.parametrize(
    "data",
    [
        [{"message": "done", "data": {"added": 2, "skipped": 1}}],
        {"message": "done", "data": {"added": 2, "skipped": 1}},
        {"added": 2, "skipped": 1},
    ],
)
async def test_the_counts_of_an_addition_are_found_in_every_published_place(data: object) -> None:
    async with answering(success(data)) as client:
        assert await client.add_members(ID, COLUMNS, [ANN]) == Added(2, 1)


async def test_values_that_others_stored_as_no_text_become_text() -> None:
    data = {"phoneNumber": 919876543210, "vip": True, "note": None, "more": {"é": [1.5]}, "name": "Ann\u202e"}
    async with answering(success({"members": [{"_id": ID, "data": data}], "totalCount": 1})) as client:
        (found,) = await client.all_members(ID)
    stored = {"phoneNumber": "919876543210", "vip": "true", "note": "", "more": '{"é": [1.5]}', "name": "Ann\u202e"}
    assert found == Member(ID, stored)


async def test_names_of_audiences_come_clean_and_whole() -> None:
    name = "V" * 200 + " (10 of 12)"
    audience = {
        "_id": ID,
        "name": f"\u202e{name}\x00",
        "description": "a\nb" + "x" * 900,
        "phoneNumberColumnName": "Phone  \u200bNumber",
        "campaigns": [{"_id": OTHER_ID, "name": "\u2066May\ncalls", "status": "run\x07ning", "createdAt": 5}],
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    async with answering(success(audience)) as client:
        found = await client.get_audience(ID)
    assert found.name == name
    assert found.description.startswith("a bxxx")
    assert len(found.description) == 500
    assert found.phone_column == "Phone  Number"
    assert found.campaigns == [CampaignInfo(id=OTHER_ID, name="May calls", status="running", created_at="5")]


async def test_a_compressed_answer_is_understood() -> None:
    body = gzip.compress(json.dumps({"status": True, "data": []}).encode())

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        assert b"gzip" in request
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    async with tcp(answer) as server, connected(server.url) as client:
        assert await client.list_audiences() == []


# Refusals and answers that cannot be understood


@dataclass(frozen=True)
class Failure:
    """An answer, the error that it becomes and its text for a read; `unsure` when a write may have been done."""

    response: Callable[[], httpx.Response]
    error: type[AtomsError]
    text: str
    unsure: bool = False


def refusal(status: int, *errors: object, **headers: str) -> Callable[[], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, json={"status": False, "errors": errors}, headers=named)


def raw(status: int, body: bytes | str = b"", **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, content=body, headers=headers)


def rate_limit(status: int = 429, **more: object) -> Callable[[], httpx.Response]:
    body = {"status": False, "error": "Too many requests", "code": "RATE_LIMIT_EXCEEDED", **more}
    return lambda: httpx.Response(status, json=body)


def not_json(status: int, what: str = "something that is not the documented JSON") -> str:
    return f"Atoms answered {status} with {what}. {{outcome}} Check ATOMS_API_URL if it stays so."


HTML = "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
SLOW_DOWN = "Atoms got too many requests ({}); nothing was changed. Try again {}."
BAD_KEY = (
    "Atoms did not accept the API key (401); nothing was changed. Set SMALLEST_API_KEY to a key of the Atoms console and "
    "restart the server."
)
OTHER_ORGANISATION = (
    "Atoms does not allow this (403): {} Nothing was changed. Check that the id and the key are of the same Atoms "
    "organisation."
)
UNKNOWN_ID = (
    "Atoms has nothing with that id for this key (404): Audience not found. Nothing was changed; list_audiences gives "
    "the ids."
)
REFUSED = "Atoms refused ({}): {} Nothing was changed. Mend that and try again."
FAILED = "Atoms failed ({}): {} {{outcome}}"
DATE = "Fri, 31 Dec 2027 23:59:59 GMT"

FAILURES = {
    "401": Failure(refusal(401, "Unauthorized: User not found"), AuthenticationFailed, BAD_KEY),
    "401 HTML": Failure(raw(401, HTML), AuthenticationFailed, BAD_KEY),
    "403": Failure(refusal(403, "Forbidden access"), PermissionDenied, OTHER_ORGANISATION.format("Forbidden access.")),
    "403 HTML": Failure(raw(403, HTML), PermissionDenied, OTHER_ORGANISATION.format("it gave no reason.")),
    "404": Failure(refusal(404, "Audience not found"), NotFound, UNKNOWN_ID),
    "404 HTML": Failure(raw(404, HTML), NotUnderstood, not_json(404).format(outcome=UNCHANGED)),
    "400": Failure(refusal(400, "Audience cannot exceed 10000 members"), Rejected,
                   REFUSED.format(400, "Audience cannot exceed 10000 members.")),
    "400 with several reasons": Failure(refusal(400, "One.", "Two!"), Rejected, REFUSED.format(400, "One.; Two!")),
    "400 without a reason": Failure(refusal(400), Rejected, REFUSED.format(400, "it gave no reason.")),
    "400 with blank reasons": Failure(refusal(400, "", None, " "), Rejected, REFUSED.format(400, "it gave no reason.")),
    "400 with an object": Failure(refusal(400, {"message": "No"}, {"a": 1}), Rejected, REFUSED.format(400, "No; {'a': 1}.")),
    "400 with a text": Failure(raw(400, '{"errors": "No"}'), Rejected, REFUSED.format(400, "No.")),
    "400 with a message": Failure(raw(400, '{"message": "No?"}'), Rejected, REFUSED.format(400, "No?")),
    "400 with an error": Failure(raw(400, '{"error": {"message": "No"}}'), Rejected, REFUSED.format(400, "No.")),
    "400 with status error": Failure(raw(400, '{"status": "error", "errors": ["No"]}'), Rejected,
                                     REFUSED.format(400, "No.")),
    "400 that says success": Failure(raw(400, '{"status": true, "data": []}'), Rejected,
                                     REFUSED.format(400, "it gave no reason.")),
    "409": Failure(refusal(409, "Conflict"), Rejected, REFUSED.format(409, "Conflict.")),
    "413 HTML": Failure(raw(413, HTML), Rejected, REFUSED.format(413, "it gave no reason.")),
    "422": Failure(refusal(422, "Unprocessable"), Rejected, REFUSED.format(422, "Unprocessable.")),
    "200 status false": Failure(refusal(200, "No"), Rejected, REFUSED.format(200, "No.")),
    "200 status error": Failure(raw(200, '{"status": "error", "message": "No"}'), Rejected, REFUSED.format(200, "No.")),
    "429": Failure(refusal(429), RateLimited, SLOW_DOWN.format(429, "later")),
    "429 with seconds": Failure(refusal(429, retry_after="120"), RateLimited, SLOW_DOWN.format(429, "in 120 seconds")),
    "429 with a date": Failure(refusal(429, retry_after=DATE), RateLimited, SLOW_DOWN.format(429, f"after {DATE}")),
    "429 HTML": Failure(raw(429, HTML), RateLimited, SLOW_DOWN.format(429, "later")),
    "429 as published": Failure(rate_limit(retry_after=60), RateLimited, SLOW_DOWN.format(429, "in 60 seconds")),
    "429 without a time": Failure(rate_limit(), RateLimited, SLOW_DOWN.format(429, "later")),
    "the same with 200": Failure(rate_limit(200), RateLimited, SLOW_DOWN.format(200, "later")),
    "408": Failure(refusal(408, "Timeout"), ServerFailed, FAILED.format(408, "Timeout."), unsure=True),
    "500": Failure(
        refusal(500, "Internal server error", x_request_id="1b9d6bcd-bbfd"), ServerFailed,
        FAILED.format(500, "Internal server error.") + " Its support asks for the request id 1b9d6bcd-bbfd.", unsure=True,
    ),
    "500 without an id": Failure(refusal(500, "Oh."), ServerFailed, FAILED.format(500, "Oh."), unsure=True),
    "502 HTML": Failure(raw(502, HTML), ServerFailed, FAILED.format(502, "it gave no reason."), unsure=True),
    "503 empty": Failure(raw(503), ServerFailed, FAILED.format(503, "it gave no reason."), unsure=True),
    "504 that says success": Failure(raw(504, '{"status": true, "data": []}'), ServerFailed,
                                     FAILED.format(504, "it gave no reason."), unsure=True),
    "200 HTML": Failure(raw(200, HTML), NotUnderstood, not_json(200), unsure=True),
    "200 cut JSON": Failure(raw(200, '{"status": true, "data": ['), NotUnderstood, not_json(200), unsure=True),
    "200 empty": Failure(raw(200), NotUnderstood, not_json(200), unsure=True),
    "200 no UTF-8": Failure(raw(200, b'{"status": true, "data": "\xff"}'), NotUnderstood, not_json(200), unsure=True),
    "200 array": Failure(raw(200, "[]"), NotUnderstood, not_json(200), unsure=True),
    "200 deeply nested": Failure(raw(200, "[" * 100_000), NotUnderstood, not_json(200), unsure=True),
    "200 huge number": Failure(raw(200, '{"status": 1' + "0" * 9_999), NotUnderstood, not_json(200), unsure=True),
    "200 without status": Failure(raw(200, '{"data": []}'), NotUnderstood, not_json(200), unsure=True),
    "200 unknown status": Failure(raw(200, '{"status": "pending"}'), NotUnderstood, not_json(200), unsure=True),
    "202 empty": Failure(raw(202), NotUnderstood, not_json(202), unsure=True),
    "204": Failure(raw(204), NotUnderstood, not_json(204), unsure=True),
    "304": Failure(raw(304), NotUnderstood, not_json(304, "a redirect, which is not followed"), unsure=True),
    "301 that says success": Failure(raw(301, '{"status": true, "data": []}'), NotUnderstood,
                                     not_json(301, "a redirect, which is not followed"), unsure=True),
    "999": Failure(raw(999, '{"status": true, "data": []}'), NotUnderstood, not_json(999), unsure=True),
}  # fmt: skip


@pytest.mark.parametrize("expected", FAILURES.values(), ids=FAILURES)
async def test_a_failure_says_what_happened_whether_anything_changed_and_what_to_do(expected: Failure) -> None:
    async with answering(lambda _: expected.response()) as client:
        for name, call in CALLS.items():
            unsure = expected.unsure and name in WRITES
            error = await failure(call(client))
            assert type(error) is expected.error, name
            assert str(error) == expected.text.replace("{outcome}", UNKNOWN if unsure else UNCHANGED), name
            assert error.maybe_done is unsure, name
            assert ("othing was changed" in str(error)) is not unsure, name


WRONG_AUDIENCES: list[object] = [
    None,
    "text",
    7,
    {"name": "VIP"},
    {"_id": 5},
    {"_id": ".."},
    {"_id": ID + "\n"},
    {"_id": ID, "memberCount": "7"},
    {"_id": ID, "memberCount": -1},
    {"_id": ID, "memberCount": 1.5},
    {"_id": ID, "memberCount": True},
    {"_id": ID, "memberCount": [7]},
    {"_id": ID, "campaigns": 2},
    {"_id": ID, "campaigns": ["May"]},
    {"_id": ID, "campaigns": [{"name": "May"}]},
]
WRONG_MEMBER: list[object] = [1, None, {}, {"_id": ID}, {"_id": ID, "data": []}, {"data": {}}]
WRONG_MEMBERS: list[object] = [None, [], "text", {}, {"members": None}]
WRONG_MEMBERS += [{"members": [each], "totalCount": 1} for each in WRONG_MEMBER]
WRONG_PAGES: list[object] = [
    *WRONG_MEMBERS,
    {"members": []},
    {"members": [], "totalCount": "1"},
    {"members": [], "totalCount": None},
]
ENTRIES = [{"id": "1", "phoneNumber": "+14155552671"}]
PAGINATIONS: list[object] = [None, [], {}, {"total": "1"}, {"hasMore": False}]
WRONG_PAGINATIONS: list[object] = [{"entries": ENTRIES, "pagination": each} for each in PAGINATIONS]
WRONG_DATA: dict[str, Sequence[object]] = {
    "list_audiences": [None, {}, "text", *[[each] for each in WRONG_AUDIENCES]],
    "get_audience": [[], *WRONG_AUDIENCES],
    "list_members": WRONG_PAGES,
    "all_members": WRONG_PAGES,
    "search_members": WRONG_MEMBERS,
    "do_not_call": [None, [], {}, {"entries": None}, {"entries": ["+1"]}, *WRONG_PAGINATIONS],
    "create_audience": [[], *WRONG_AUDIENCES],
    "add_members": [None, [], [[]], {}, [{"data": []}], {"added": 1}, {"added": "1", "skipped": 0}],
    "remove_members": [None, [], {}, {"deletedCount": "1"}, {"deletedCount": -1}],
}
WRONG: list[tuple[str, object]] = [(name, data) for name, every in WRONG_DATA.items() for data in every]


@pytest.mark.parametrize(("name", "data"), WRONG)
async def test_data_of_another_shape_than_documented_is_said_to_be_so(name: str, data: object) -> None:
    async with answering(success(data)) as client:
        error = await failure(CALLS[name](client))
    assert type(error) is NotUnderstood
    assert str(error) == not_json(200).format(outcome=UNKNOWN if name in WRITES else UNCHANGED)
    assert error.maybe_done is (name in WRITES)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-0.5", "9" * 5_000])
async def test_numbers_that_count_nothing_are_not_understood(number: str) -> None:
    body = f'{{"status": true, "data": {{"members": [], "totalCount": {number}}}}}'
    async with answering(httpx.Response(200, content=body)) as client:
        assert isinstance(await failure(client.list_members(ID, 1, 5)), NotUnderstood)


async def test_a_deletion_is_done_whatever_the_data_of_its_success() -> None:
    answers: list[object] = [[], None, {"deleted": 1}, "done"]
    for data in answers:
        async with answering(success(data)) as client:
            await client.delete_audience(ID)


async def test_the_errors_of_the_sandbox_are_passed_on(client: AtomsClient, organisation: Organisation) -> None:
    audience = organisation.audience("VIP", "phoneNumber\n+14155552671\n")
    organisation.campaign(audience, "May", "running")
    blocked = await failure(client.delete_audience(audience))
    reason = f"can't delete audience, campaign with this audience {audience} exists."
    assert str(blocked) == REFUSED.format(400, reason)
    assert isinstance(await failure(client.get_audience(ID)), NotFound)
    duplicate = await failure(client.create_audience("VIP", "", ["phoneNumber"], [Person(ANN.number)] * 2))
    assert "already exist in this audience" in str(duplicate)
    missing = await failure(client.add_members(audience, ["mobile"], [Person(ANN.number)]))
    assert "Each member must have a phoneNumber field" in str(missing)
    async with connected(organisation.url, f"sk_{uuid4().hex}") as stranger:
        assert isinstance(await failure(stranger.list_members(audience, 1, 5)), PermissionDenied)
    async with connected(organisation.url, "pk_wrong") as stranger:
        assert isinstance(await failure(stranger.list_audiences()), AuthenticationFailed)


# The key and the texts of others


@pytest.mark.parametrize(
    "said",
    [
        {"errors": [f"No such key: {KEY}", KEY]},
        {"errors": f"Bearer {KEY}"},
        {"error": {"message": KEY, "key": KEY}},
        {"errors": [{"key": KEY}, [KEY], {KEY: 1}]},
        {"message": "\u200b".join(KEY)},
        {"message": "\x00".join(KEY)},
        {"message": "x" * (300 - len(KEY) // 2) + KEY},
        {"message": "x" * (10_000 - len(KEY) // 2) + KEY},
        {"code": "RATE_LIMIT_EXCEEDED", "retry_after": KEY},
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
@some_calls
async def test_a_key_that_the_server_echoes_is_not_passed_on(name: str, status: int, said: dict[str, object]) -> None:
    headers = {"Retry-After": KEY, "x-request-id": f"id-{KEY}", "WWW-Authenticate": KEY}
    async with answering(httpx.Response(status, json={"status": False, **said}, headers=headers)) as client:
        error = await failure(CALLS[name](client))
    assert KEY[:10] not in str(error)


async def test_no_representation_of_the_client_shows_the_key() -> None:
    async with answering(success([])) as client:
        assert KEY not in f"{client!r} {client}"


@pytest.mark.parametrize("name", ["Retry-After", "x-request-id"])
async def test_texts_of_others_come_clean_on_one_line_and_short(name: str) -> None:
    nasty = "a\u202eb\x1b[31m\u2066c\u200bd\r\n\te\x00" + "f" * 900
    for status in (400, 429, 500):
        headers = [(name.encode(), nasty.replace("\r\n", "").encode())]
        response = httpx.Response(status, json={"errors": [nasty] * 9}, headers=headers)
        async with answering(response) as client:
            said = str(await failure(client.list_audiences()))
        assert said.isprintable()
        if status == 400:
            assert said.startswith("Atoms refused (400): ab[31mcd efff")
            assert said.endswith("fff… Nothing was changed. Mend that and try again.")
            assert len(said) < 400


@pytest.mark.parametrize(
    "key", ["", " ", "sk_a b", f"Bearer {KEY}", "sk_é", "sk_a\nX-Other: 1", f"{KEY}\n", "sk_\x00", "sk_\u200b", "sk_😀"]
)
def test_what_cannot_be_a_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(NotConfigured) as error:
        AtomsClient("http://localhost", key)
    assert str(error.value) == (
        "The Atoms API key has spaces or characters that no key has, so nothing was sent. Set SMALLEST_API_KEY to the key "
        "alone, without quotes or 'Bearer', and restart the server."
    )


async def test_nothing_is_logged_of_keys_numbers_and_names(
    organisation: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(organisation.url, organisation.key) as client:
        made = await client.create_audience("VIP list", "", COLUMNS, [ANN])
        await client.search_members(made.audience_id, ANN.number)
    logged = caplog.text.lower()
    for secret in (organisation.key, "authorization", ANN.number[1:], "ann", "vip", "x-request-id"):
        assert secret.lower() not in logged


# The network

Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A tiny server on a real socket, and what it saw."""

    url: str
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def tcp(answer: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve each connection once; it ends when the client closes it, or after the answer when that closes it."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            server.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(server.heads[-1], writer)
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            server.ended.set()
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server = Server(f"{'https' if tls else 'http'}://127.0.0.1:{port}/atoms/v1")
    try:
        yield server
    finally:
        listener.close()


async def silent(_: bytes, __: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""


def head(length: int = 1_000, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def outcome(name: str) -> str:
    return UNKNOWN if name in WRITES else UNCHANGED


async def test_a_server_that_hangs_is_given_up_after_the_time_set() -> None:
    async with tcp(silent) as server:

        async def give_up(name: str) -> None:
            async with connected(server.url, seconds=3) as client:
                started = monotonic()
                error = await failure(CALLS[name](client))
                assert 2.5 < monotonic() - started < 25
            assert str(error) == f"{TIMED_OUT} {outcome(name)}"
            assert error.maybe_done is (name in WRITES)

        async with anyio.create_task_group() as group:
            for name in CALLS:
                group.start_soon(give_up, name)
    assert server.connections == len(CALLS)


@pytest.mark.parametrize("start", [b"", head(), head() + b"{"], ids=["in the head", "after it", "in the body"])
@some_calls
async def test_a_slow_drip_is_given_up_after_the_time_for_the_whole_answer(name: str, start: bytes) -> None:
    async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in itertools.chain(
            start or b"HTTP/1.1 200 OK\r\n", itertools.cycle(b"X: y\r\n" if not start else b" ")
        ):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002 if byte in start else 0.05)

    async with tcp(drip) as server, connected(server.url, seconds=1.5) as client:
        started = monotonic()
        error = await failure(CALLS[name](client))
        assert 1.2 < monotonic() - started < 25
    assert str(error) == f"{TIMED_OUT} {outcome(name)}"
    assert error.maybe_done is (name in WRITES)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with a reset, as a crashed server or a firewall does."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("end", [reset, asyncio.StreamWriter.close])
@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 20", head(), head() + b'{"status": true'],
    ids=["before the answer", "in the head", "after it", "in the body"],
)
@some_calls
async def test_a_connection_that_breaks_off_leaves_a_write_unknown(
    name: str, start: bytes, end: Callable[[asyncio.StreamWriter], None]
) -> None:
    async def cut(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that the start is read before the end is seen
        end(writer)

    async with tcp(cut) as server, connected(server.url) as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, Unreachable)
    assert str(error) == f"{BROKE_OFF} {outcome(name)}"
    assert error.maybe_done is (name in WRITES)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000,
        b"\x00\xff" * 50,
    ],
)
@some_calls
async def test_what_is_no_http_is_a_connection_that_broke_off(name: str, garbage: bytes) -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)

    async with tcp(answer) as server, connected(server.url) as client:
        error = await failure(CALLS[name](client))
    assert str(error) == f"{BROKE_OFF} {outcome(name)}"
    assert error.maybe_done is (name in WRITES)


@some_calls
async def test_an_answer_that_cannot_be_decompressed_is_not_understood(name: str) -> None:
    async with tcp(gzip_garbage) as server, connected(server.url) as client:
        error = await failure(CALLS[name](client))
    assert type(error) is NotUnderstood
    assert str(error) == f"The answer of Atoms could not be decompressed. {outcome(name)}"
    assert error.maybe_done is (name in WRITES)


async def gzip_garbage(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nno gzip..")


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_whose_answer_is_lost_may_have_been_done(name: str, organisation: Organisation) -> None:
    audience = organisation.audience("Old", "phoneNumber,firstName,city\n+12025550143,First,Rome\n+12025550144,,\n")
    async with connected(organisation.url, organisation.key) as client:
        first = (await client.all_members(audience))[0].member_id
    async with connected(organisation.url, organisation.key, LosesAnswers()) as client:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "create_audience": lambda: client.create_audience("VIP", "", COLUMNS, [ANN]),
            "delete_audience": lambda: client.delete_audience(audience),
            "add_members": lambda: client.add_members(audience, COLUMNS, [ANN, BOB]),
            "remove_members": lambda: client.remove_members(audience, [first]),
        }
        error = await failure(calls[name]())
    assert error.maybe_done
    assert str(error) == f"{BROKE_OFF} {UNKNOWN}"
    counts = {each["name"]: each["memberCount"] for each in organisation.audiences()}
    done = {"create_audience": {"Old": 2, "VIP": 1}, "delete_audience": {}}
    assert counts == done.get(name, {"Old": 4 if name == "add_members" else 1})


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket() as taken:  # bound, so that nobody else gets it, and not listening
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@every_call
async def test_a_server_that_refuses_the_connection_was_sent_nothing(name: str, closed_port: int) -> None:
    async with connected(f"http://127.0.0.1:{closed_port}/atoms/v1") as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, Unreachable)
    assert str(error) == NOT_SENT
    assert not error.maybe_done


@some_calls
async def test_a_host_that_does_not_exist_was_sent_nothing(name: str) -> None:
    async with connected("http://atoms.invalid/atoms/v1", seconds=6) as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, Unreachable)
    assert str(error) == NOT_SENT
    assert not error.maybe_done


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that neither takes nor refuses connections, as behind a firewall: its queue is full."""
    with socket() as listener, socket() as first, socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for each in (first, second):
            each.setblocking(False)  # noqa: FBT003 - its only parameter
            each.connect_ex(("127.0.0.1", port))
        yield port


@some_calls
async def test_a_server_that_cannot_be_connected_to_in_time_was_sent_nothing(name: str, deaf_port: int) -> None:
    async with connected(f"http://127.0.0.1:{deaf_port}", seconds=0.9) as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, Unreachable)
    assert str(error) == NOT_SENT
    assert not error.maybe_done


async def test_a_cancelled_call_closes_its_socket() -> None:
    asked = anyio.Event()

    async def silent_too(_: bytes, __: asyncio.StreamWriter) -> None:
        asked.set()

    async with tcp(silent_too) as server, connected(server.url) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.create_audience, "VIP", "", COLUMNS, [ANN])
            await asked.wait()
            group.cancel_scope.cancel()
        assert server.connections == 1
        with anyio.fail_after(30):
            await server.ended.wait()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    body = b'{"status": true, "data": []}'

    async def once(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head(len(body)) + body)
        await writer.drain()
        writer.close()

    async with tcp(once) as server, connected(server.url) as client:
        for _ in range(3):
            assert await client.list_audiences() == []
            await asyncio.sleep(0.05)
    assert server.connections == 3


async def test_many_calls_at_once_each_get_their_own_answer(client: AtomsClient, organisation: Organisation) -> None:
    ids = [organisation.audience(f"List {index}", f"phoneNumber\n+1415555{index:04}\n") for index in range(4)]
    found: dict[int, str] = {}

    async def get(index: int) -> None:
        found[index] = (await client.get_audience(ids[index % 4])).name

    async with anyio.create_task_group() as group:
        for index in range(60):
            group.start_soon(get, index)
    assert found == {index: f"List {index % 4}" for index in range(60)}


async def test_a_refusal_that_comes_before_the_whole_file_is_sent_is_understood() -> None:
    body = b'{"status": false, "errors": ["File too large"]}'

    async def early(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head(len(body), "413 Payload Too Large") + body)

    long = [Person(person.number, ("x" * 10_000, "")) for person in people(400)]
    async with tcp(early) as server, connected(server.url) as client:
        error = await failure(client.create_audience("VIP", "", COLUMNS, long))
    assert str(error) == REFUSED.format(413, "File too large.")
    assert not error.maybe_done


def family(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for each in base.__subclasses__():
        yield from family(each)


RAISED = {
    each: each.__new__(each)  # some want a request or a response to be made
    for base in (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
    for each in (family(base) if base is not OSError else (OSError, TimeoutError, ConnectionResetError, ssl.SSLError))
}
SURELY_NOT_SENT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
}


@pytest.mark.parametrize("raised", RAISED, ids=lambda each: each.__name__)
async def test_every_exception_of_the_transport_becomes_one_of_ours(raised: type[Exception]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise RAISED[raised]

    async with answering(answer) as client:
        for name, call in CALLS.items():
            error = await failure(call(client))
            assert isinstance(error, Unreachable | NotUnderstood)
            assert error.__cause__ is None
            assert error.__suppress_context__
            assert error.maybe_done is (name in WRITES and raised not in SURELY_NOT_SENT), name
            assert ("othing was " in str(error)) is not error.maybe_done, name


def test_the_exceptions_of_httpx_are_those_that_are_tried_here() -> None:
    known = {each for each in vars(httpx).values() if isinstance(each, type) and issubclass(each, Exception)}
    assert known - RAISED.keys() == {httpx.CookieConflict}  # only raised to who asks for a cookie
    assert len(RAISED) > 25


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_so_the_key_goes_nowhere_else(status: int) -> None:
    async with tcp(silent) as thief:

        async def redirect(_: bytes, writer: asyncio.StreamWriter) -> None:
            target = thief.url.encode()
            writer.write(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, target))

        async with tcp(redirect) as server:
            for name, call in CALLS.items():
                async with connected(server.url) as client:
                    error = await failure(call(client))
                assert type(error) is NotUnderstood
                assert str(error) == not_json(status, "a redirect, which is not followed").format(outcome=outcome(name))
                assert error.maybe_done is (name in WRITES)
            assert len(server.heads) == len(CALLS)
            assert all(KEY.encode() in head for head in server.heads)
        assert thief.connections == 0


@pytest.mark.parametrize(
    "location", ["http://[", "http://x:99999999/", "//[::1", "\x7f://", "http:", "https://" + "a" * 70]
)
@some_calls
async def test_a_redirect_to_nowhere_is_one_of_our_errors_too(name: str, location: str) -> None:
    async with answering(lambda _: httpx.Response(302, headers={"Location": location})) as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, NotUnderstood | Unreachable)
    assert error.maybe_done is (name in WRITES)


# Answers without end


class Endless(httpx.AsyncByteStream):
    """A body of any number of parts; tells how many were taken and whether it was closed."""

    def __init__(self, part: bytes) -> None:
        self.part, self.taken, self.closed = part, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += 1
            yield self.part

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("status", [200, 500])
@some_calls
async def test_an_answer_without_end_is_cut_off(name: str, status: int) -> None:
    body = Endless(b" " * 1_000_000)
    async with answering(lambda _: httpx.Response(status, stream=body)) as client:
        error = await failure(CALLS[name](client))
    assert isinstance(error, NotUnderstood if status == 200 else ServerFailed)
    assert error.maybe_done is (name in WRITES)
    assert body.taken == ANSWER_BYTES // 1_000_000 + 1
    assert body.closed


async def test_an_answer_that_grows_when_decompressed_is_cut_off() -> None:
    small = gzip.compress(b'{"status": true, "data": [' + b" " * ANSWER_BYTES + b"]}", 1)
    assert len(small) < ANSWER_BYTES / 100
    parts = [small[start : start + 10_000] for start in range(0, len(small), 10_000)]

    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    response = httpx.Response(200, content=body(), headers={"Content-Encoding": "gzip"})
    async with answering(response) as client:
        told = str(await failure(client.list_audiences()))
    assert told == f"The answer of Atoms is longer than 20 MB and was not read. {UNCHANGED}"


async def test_an_answer_of_many_megabytes_is_read_whole(client: AtomsClient, organisation: Organisation) -> None:
    rows = "".join(f"+1415555{index:04},{'x' * 1_000}\n" for index in range(4_000))
    audience = organisation.audience("VIP", "phoneNumber,note\n" + rows)
    assert len((await client.list_members(audience, 1, 10_000)).members) == 4_000


# TLS and proxies


@cache
def certificate(host: str) -> bytes:
    """A key and a certificate of nobody's authority for a host, made anew for each run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "audiences-mcp tests")])
    general = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([general]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + made.public_bytes(serialization.Encoding.PEM)


def tls_of(folder: Path, host: str) -> ssl.SSLContext:
    file = folder / "certificate.pem"
    file.write_bytes(certificate(host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def empty_list(_: bytes, writer: asyncio.StreamWriter) -> None:
    body = b'{"status": true, "data": []}'
    writer.write(head(len(body)) + body)


async def test_https_works_with_a_certificate_that_the_environment_trusts(
    tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    async with tcp(empty_list, tls_of(tmp_path, "127.0.0.1")) as server:
        no_proxies.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        async with connected(server.url) as client:
            assert await client.list_audiences() == []


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", False), ("example.com", True), ("127.0.0.2", True)])
@some_calls
async def test_a_server_with_a_certificate_that_proves_nothing_is_sent_nothing(
    name: str, host: str, *, trusted: bool, tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    async with tcp(empty_list, tls_of(tmp_path, host)) as server:
        if trusted:
            no_proxies.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        async with connected(server.url) as client:
            error = await failure(CALLS[name](client))
        assert server.heads == []
    assert str(error) == NOT_SENT
    assert not error.maybe_done


@pytest.mark.usefixtures("no_proxies")
async def test_a_server_that_does_not_speak_tls_is_sent_nothing() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(10_000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    seen: list[bytes] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, connected(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        error = await failure(client.delete_audience(ID))
    assert str(error) == NOT_SENT
    assert KEY.encode() not in b"".join(seen)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


async def test_no_proxy_gets_what_is_for_this_machine(
    organisation: Organisation, no_proxies: pytest.MonkeyPatch
) -> None:
    async with tcp(silent) as proxy:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            no_proxies.setenv(name, proxy.url)
        async with connected(organisation.url, organisation.key) as client:
            assert await client.list_audiences() == []
        assert proxy.connections == 0


@some_calls
async def test_a_proxy_that_refuses_was_not_shown_the_key_and_atoms_was_sent_nothing(
    name: str, no_proxies: pytest.MonkeyPatch
) -> None:
    async def refuse(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with tcp(refuse) as proxy:
        no_proxies.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:secret@"))
        async with connected("https://atoms.invalid/atoms/v1") as client:
            error = await failure(CALLS[name](client))
        assert proxy.heads[0].startswith(b"CONNECT atoms.invalid:443 ")
        assert KEY.encode() not in proxy.heads[0]
    assert str(error) == NOT_SENT
    assert not error.maybe_done


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://[::::]", {}),
        ("https://999.999.999.999", {}),
        ("https://localhost", {"HTTPS_PROXY": "gopher://localhost"}),
        ("https://localhost", {"ALL_PROXY": "http://999.999.999.999"}),
        ("https://localhost", {"SSL_CERT_FILE": "no/such/file.pem"}),
        ("https://localhost", {"SSL_CERT_FILE": __file__}),
    ],
)
def test_an_environment_that_cannot_be_used_is_said_plainly(
    url: str, environment: dict[str, str], no_proxies: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        no_proxies.setenv(name, value)
    with pytest.raises(NotConfigured) as error:
        AtomsClient(url, KEY)
    assert str(error.value) == (
        "The connection to Atoms cannot be set up, so nothing was sent. Check ATOMS_API_URL, and in the environment "
        "HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE, then restart the server."
    )


# pages that move while they are read


class Moving(httpx.AsyncBaseTransport):
    """A do-not-call list of which somebody takes an entry off between the pages, so that what follows moves up."""

    def __init__(self, times: int) -> None:
        self.entries = [f"+1415555{number:04}" for number in range(1_200)]
        self._times = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params["page"]), int(request.url.params["offset"])
        if page == 2 and self._times:
            self._times -= 1
            del self.entries[0]
        shown = self.entries[(page - 1) * size : page * size]
        entries = [{"id": number, "phoneNumber": number} for number in shown]
        pagination = {"total": len(self.entries), "hasMore": page * size < len(self.entries)}
        return httpx.Response(200, json={"status": True, "data": {"entries": entries, "pagination": pagination}})


@pytest.mark.parametrize("times", range(4))
async def test_a_list_that_moves_while_it_is_read_is_read_again(times: int) -> None:
    transport = Moving(times)
    client = AtomsClient("http://127.0.0.1:9/atoms/v1", "sk_test", transport=transport)
    try:
        if times == 3:
            assert "changed while they were read" in str(await failure(client.do_not_call()))
        else:
            assert await client.do_not_call() == transport.entries
    finally:
        await client.aclose()


class Changing(httpx.AsyncBaseTransport):
    """An audience in small pages that changes before requests.

    Args:
        people: How many members it has at first.
        size: The largest page.
        changes: For the first requests, who is removed before each, by place, or how many are added; 0 for nothing.
    """

    def __init__(self, people: int, size: int, changes: Sequence[int], *, removes: bool) -> None:
        self.stored = list(range(people))
        self.there_throughout = set(self.stored)
        self._size, self._changes, self._removes = size, list(changes), removes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        change = self._changes.pop(0) if self._changes else 0
        if change and self._removes and self.stored:
            self.there_throughout.discard(self.stored.pop(change % len(self.stored)))
        elif change and not self._removes:
            self.stored += [1_000 + len(self.stored) + number for number in range(change)]
        page, size = int(request.url.params["page"]), min(int(request.url.params["offset"]), self._size)
        shown = self.stored[(page - 1) * size : page * size]
        await anyio.lowlevel.checkpoint()
        return success({"members": [*map(member, shown)], "totalCount": len(self.stored)})


@given(
    people=st.integers(0, 25),
    size=st.integers(1, 6),
    changes=st.lists(st.integers(0, 5), max_size=12),
    removes=st.booleans(),
)
def test_whoever_is_there_while_pages_are_read_is_in_the_list_or_there_is_none(
    people: int, size: int, changes: Sequence[int], *, removes: bool
) -> None:
    transport = Changing(people, size, changes, removes=removes)

    async def read() -> list[Member]:
        async with connected("http://localhost:9", transport=transport) as client:
            return await client.all_members(ID)

    try:
        found = [int(each.member_id, 16) for each in anyio.run(read)]
    except NotUnderstood:
        assert any(changes)
    else:
        assert len(found) == len(set(found))
        assert transport.there_throughout <= set(found)
