"""audit_audience: who of a stored audience should not be called is found, and nothing is changed."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx  # noqa: TID251 - what another Atoms answers
import pytest

from audiences_mcp.calls import this_call
from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Connect,
    LookedAtAgent,
    Send,
    Wire,
    failed_before,
    pages_of,
    snapshot,
)

pytestmark = pytest.mark.anyio

CSV = """\
phone,name,city
919876543210,Asha,Pune
+91 98765 43210,Asha R.,
+14155552671,Bo,Reno
12,Cy,
n/a,Di,Oslo
+33612345678,Eve,Paris
0033612345678,Eve again,Paris
9876543210,Fay,Agra
"""


@pytest.fixture
def audience_id(organisation: Organisation) -> str:
    organisation.do_not_call("33 6 12 34 56 78")
    return organisation.audience("VIP", CSV, "phone")


async def test_who_should_not_be_called_is_told_by_reason_with_member_ids(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    audit = await agent.do("audit_audience", audience_id=audience_id)

    snapshot("results/audit_audience", audit)
    assert not audit["ready_to_dial"]
    assert {each["reason"]: each["count"] for each in audit["by_reason"]} == {
        "duplicate": 1,
        "do_not_call": 2,  # both entries of the number, so that none stays when they are removed
        "too_short": 2,
        "not_a_number": 1,
    }
    assert audit["counts"]["ready"] == 2
    assert audit["blank_columns"] == []
    assert wire.writes == []


async def test_an_audience_without_fault_is_ready_and_its_blank_columns_are_counted(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    audience_id = organisation.audience("VIP", "phone,name,city\n+14155552671,Ann,\n+14155552672,,Reno\n", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert audit["ready_to_dial"]
    assert audit["summary"] == "The audience is ready to dial: 2 of 2 members can be called."
    assert audit["blank_columns"] == [{"column": "name", "blank": 1}, {"column": "city", "blank": 1}]
    assert audit["by_country"] == [{"region": "US", "count": 2}]


async def test_a_stored_number_that_itself_says_no_is_to_be_removed_and_no_other_member_of_it_is_ready(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    rows = "phone,name\n+919876543210 do not call,Asha\n+919876543210,Asha R.\n+14155552671,Bo\n"
    audience_id = organisation.audience("VIP", rows, "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert [(each["reason"], each["hint"]) for each in audit["problems"]] == [
        (
            "not_a_number",
            "The cell itself says that this number is not to be called: leave the row out. That is: remove this member.",
        )
    ]
    assert not audit["ready_to_dial"]
    assert audit["counts"]["filtered_out"] == 1
    assert audit["warnings"][0].startswith(
        "1 refused row says in the phone cell itself that the number is not to be called"
    )
    assert audit["warnings"][1] == "1 row of people who said no in another of their rows: they are left out too."


async def test_the_rows_of_an_audit_are_listed_with_their_members(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    stored = organisation.request("GET", f"audience/{audience_id}/members", params={"offset": 100})["members"]
    audit = await agent.do("audit_audience", audience_id=audience_id)
    wire.forget()

    rows = await agent.do("list_check_rows", check_id=audit["check_id"], reason="duplicate")

    assert [row["member_id"] for row in rows["rows"]] == [stored[1]["_id"]]
    assert rows["next_step"] == "Ask the person which of these members should not be in the audience."
    assert [problem["member_id"] for problem in audit["problems"]][:2] == [stored[1]["_id"], stored[3]["_id"]]
    assert not wire.requests


async def test_a_region_of_the_server_does_not_change_what_atoms_dials(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    audience_id = organisation.audience("VIP", "phone\n9876543210\n09876543210\n", "phone")

    async with connect(replace(settings, default_region="IN"), None) as agent:
        audit = await agent.do("audit_audience", audience_id=audience_id)

    reasons = {each["reason"]: each["count"] for each in audit["by_reason"]}
    assert reasons == {"too_short": 1, "missing_country_code": 1}


async def test_spellings_that_atoms_may_not_dial_are_counted(agent: LookedAtAgent, organisation: Organisation) -> None:
    numbers = "+91 98765 43210\n00919876543211\n919876543212\n+919876543213\n"
    audience_id = organisation.audience("VIP", f"phone\n{numbers}", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert audit["warnings"][0].startswith("2 numbers stored with spaces, punctuation or 00 in front")


async def test_members_who_said_no_are_not_ready_to_be_called(agent: LookedAtAgent, organisation: Organisation) -> None:
    rows = "+14155552671,yes\n+14155552672,no\n"
    audience_id = organisation.audience("VIP", f"phone,Consent\n{rows}", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert not audit["ready_to_dial"]
    assert "says no to being contacted" in audit["warnings"][0]


async def test_members_who_said_nothing_where_others_agreed_are_told_with_how_to_leave_them_out(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    audience_id = organisation.audience("VIP", "phone,Consent\n+14155552671,yes\n+14155552672,\n", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert not audit["ready_to_dial"]
    assert audit["warnings"][0] == (
        '1 ready row says nothing in "Consent", where others agree to being contacted: to leave them out check again with '
        'only_where {"Consent": ["yes"]}. Give the audience as from_audiences.'
    )
    assert "from_audiences" in audit["warnings"][0]


async def test_without_the_do_not_call_list_nothing_is_ready(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = organisation.audience("VIP", "phone\n+14155552671\n", "phone")
    wire.fail("GET dnc", failed_before)

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert not audit["ready_to_dial"]
    assert audit["counts"]["ready"] == 1
    assert audit["warnings"][0] == "The do-not-call list was not checked, because Atoms did not give it."


async def test_people_of_the_suppression_file_are_found_in_any_spelling(
    settings: Settings, connect: Connect, organisation: Organisation, tmp_path: Path
) -> None:
    never = tmp_path / "never.txt"
    never.write_text("98765 43210\n", encoding="utf-8")
    audience_id = organisation.audience("VIP", "phone\n919876543210\n+14155552671\n", "phone")

    async with connect(replace(settings, suppression_file=never), None) as agent:
        audit = await agent.do("audit_audience", audience_id=audience_id)

    assert audit["by_reason"] == [{"reason": "suppression_list", "count": 1}]
    assert any("last digits" in warning for warning in audit["warnings"])


async def test_a_campaign_that_calls_now_is_named(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.campaign(audience_id, "May calls", "running")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert any("'May calls' (running)" in warning for warning in audit["warnings"])


async def test_an_audience_without_members_is_not_ready(agent: LookedAtAgent, audience_id: str, wire: Wire) -> None:
    async def nobody(_: Send, __: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": True, "data": {"members": [], "totalCount": 0, "hasMore": False}})

    wire.fail("GET audience/.*/members", nobody)

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert (audit["ready_to_dial"], audit["counts"]["rows"]) == (False, 0)
    assert "no members" in audit["next_step"]


@pytest.mark.parametrize("tool", ["create_audience", "add_contacts"])
async def test_an_audit_cannot_be_committed_and_the_answer_says_how_to_copy(
    agent: LookedAtAgent, audience_id: str, wire: Wire, tool: str
) -> None:
    audit = await agent.do("audit_audience", audience_id=audience_id)
    where = {"name": "Copy"} if tool == "create_audience" else {"audience_id": audience_id}

    refused = await agent.fail(tool, check_id=audit["check_id"], **where)

    assert "call check_contacts with from_audiences" in refused
    assert wire.writes == []


# --- reading everybody -----------------------------------------------------------------------------------------------


def large(organisation: Organisation, count: int) -> str:
    rows = "".join(f"+1415{2_000_000 + n},P{n}\n" for n in range(count))
    return organisation.audience("Large", f"phone,name\n{rows}", "phone")


@ONE_REVISION
@pytest.mark.parametrize(("page", "requests"), [(100_000, 1), (2_500, 4), (1_000, 10), (999, 11)])
async def test_10_000_members_are_read_with_as_few_requests_as_atoms_allows(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, page: int, requests: int
) -> None:
    audience_id = large(organisation, 10_000)
    wire.fail("GET audience/.*/members", pages_of(page))
    told: list[tuple[float, float | None, str | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    await agent.client.call_tool("audit_audience", {"audience_id": audience_id}, progress_callback=progress)

    assert len([request for request in wire.requests if request.endswith("/members")]) == requests
    read = [each for each in told if each[2] and each[2].startswith("Read")]
    assert len(read) == 0 if requests == 1 else (read and read[-1][:2] == (10_000, 10_000))


@ONE_REVISION
async def test_members_come_in_their_order_however_the_pages_arrive(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = large(organisation, 100)
    slow = pages_of(10)

    async def unevenly(send: Send, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.05 if int(request.url.params["page"]) % 2 else 0)
        return await slow(send, request)

    wire.fail("GET audience/.*/members", unevenly)

    audit = await agent.do("audit_audience", audience_id=audience_id)
    rows = await agent.do("list_check_rows", check_id=audit["check_id"], page_size=200)

    assert [row["value"] for row in rows["rows"]] == [f"+1415{2_000_000 + n}" for n in range(100)]


@ONE_REVISION
async def test_a_call_has_the_time_that_its_pages_need(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id, page = large(organisation, 20), pages_of(10)
    deadlines: list[float] = []

    async def asked(send: Send, request: httpx.Request) -> httpx.Response:
        deadlines.append(this_call().time_limit.deadline)
        return await page(send, request)

    wire.fail("GET audience/.*/members", asked)

    assert (await agent.do("audit_audience", audience_id=audience_id))["counts"]["rows"] == 20
    assert deadlines[1] > deadlines[0]  # it has all of its time anew


@ONE_REVISION
@pytest.mark.parametrize("status", [400, 500])
async def test_where_so_large_a_page_is_refused_smaller_ones_are_asked_for(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, status: int
) -> None:
    audience_id = large(organisation, 1_001)

    async def strict(send: Send, request: httpx.Request) -> httpx.Response:
        if int(request.url.params["offset"]) > 1_000:
            return httpx.Response(status, json={"status": False, "errors": ["offset is too large"]})
        return await send(request)

    wire.fail("GET audience/.*/members", strict)

    assert (await agent.do("audit_audience", audience_id=audience_id))["counts"]["rows"] == 1_001


@ONE_REVISION
async def test_when_members_come_and_go_while_pages_are_read_they_are_read_again(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = large(organisation, 40)
    small = pages_of(10)
    gone: list[Any] = []

    async def meanwhile(send: Send, request: httpx.Request) -> httpx.Response:
        answer = await small(send, request)
        if not gone:
            gone.append(re.search(r'"_id":"(\w+)"', (await answer.aread()).decode()))
            organisation.request("DELETE", f"audience/{audience_id}/members", json={"memberIds": [gone[0][1]]})
        return answer

    wire.fail("GET audience/.*/members", meanwhile)

    assert (await agent.do("audit_audience", audience_id=audience_id))["counts"]["rows"] == 39


@ONE_REVISION
async def test_a_page_that_fails_fails_the_audit(agent: LookedAtAgent, organisation: Organisation, wire: Wire) -> None:
    audience_id = large(organisation, 100)
    wire.fail("GET audience/.*/members", pages_of(10), times=3)
    wire.fail("GET audience/.*/members", failed_before, skip=0)

    assert "Atoms failed (500)" in await agent.fail("audit_audience", audience_id=audience_id)


@ONE_REVISION
async def test_the_longest_audit_is_cut_and_says_so(agent: LookedAtAgent, organisation: Organisation) -> None:
    wide = ",".join(f"column_{n:03}_{'x' * 80}" for n in range(300))
    rows = "".join(f"{n},{','.join([''] * 300)}\n" for n in range(300))
    audience_id = organisation.audience("Wide", f"phone,{wide}\n+14155552671{',' * 300}\n{rows}", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)

    assert "Too long to show whole" in audit["summary"]
    assert audit["counts"]["rows"] == 301


@ONE_REVISION
async def test_the_advice_on_members_who_said_no_takes_out_them_and_nobody_else(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    rows = "".join(f"+1415555{2600 + n},{'no' if n in {1, 3} else 'yes'},P{n}\n" for n in range(8))
    audience_id = organisation.audience("VIP", f"phone,Consent,name\n{rows}", "phone")

    audit = await agent.do("audit_audience", audience_id=audience_id)
    advice = next(text for text in audit["warnings"] if "say no to being contacted" in text)
    where = json.loads(advice.partition("only_where ")[2].partition(", then")[0])
    check = await agent.do("check_contacts", from_audiences=[audience_id], only_where=where)
    removed = await agent.do("remove_audience_members", audience_id=audience_id, check_id=check["check_id"])

    assert not audit["ready_to_dial"]
    assert advice.startswith("2 members say no to being contacted in 'Consent'")
    assert removed["removed"] == 2
    assert {member["Consent"] for member in organisation.members(audience_id)} == {"yes"}
