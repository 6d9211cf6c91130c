"""What holds for every tool: no leak, no hang, no flood, one process for all."""

import json
import logging
from math import inf
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - what a failing Atoms answers
import pytest
from platformdirs import user_data_path

from audiences_mcp.audiences import listed, named
from audiences_mcp.calls import this_call
from audiences_mcp.committing import person_of
from audiences_mcp.config import Settings
from audiences_mcp.contacts.check import CheckedRow
from audiences_mcp.contacts.reasons import Status
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import CampaignInfo
from audiences_mcp.state.shelf import InProcess, Shelf
from tests.conftest import Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Clock,
    Connect,
    LookedAtAgent,
    Send,
    Wire,
    answer_lost,
    failed_after,
    hangs_past_its_time,
    html,
    says,
)

pytestmark = pytest.mark.anyio

PEOPLE = [{"phone_number": "+1 415 555 2671", "first_name": "Annabel"}, {"phone_number": "call Zebedee"}]
SECRETS = ("5552671", "555 2671", "Annabel", "Zebedee", "Leads of May", "Autumn calls", "sk_")


# --- leaks ---------------------------------------------------------------------------------------------------------


async def test_no_log_line_holds_a_number_a_name_or_the_key(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await agent.fail("create_audience", name="Leads of May", contacts=PEOPLE)
        report = await agent.do("check_contacts", contacts=PEOPLE)
        wire.fail("POST audience", answer_lost, times=1)
        made = await agent.do("create_audience", name="Leads of May", check_id=report["check_id"])
        audience_id = made["audiences"][0]["audience_id"]
        organisation.campaign(audience_id, "Autumn calls", "running")
        await agent.fail("create_audience", name="Leads of May", contacts=PEOPLE[:1], default_region="+14155552671")
        await agent.fail("create_audience", name="Leads of May (2)", check_id=report["check_id"])
        await agent.fail("add_contacts", audience_id=audience_id, contacts=PEOPLE[:1])
        await agent.do("list_audiences", name_contains="Leads of May")
        await agent.do("list_audience_members", audience_id=audience_id)
        await agent.do("search_audience_members", audience_id=audience_id, query="Annabel")
        await agent.do("search_audience_members", audience_id=audience_id, query="+14155552671")
        await agent.do("audit_audience", audience_id=audience_id)
        await agent.fail("remove_audience_members", audience_id=audience_id, phone_numbers=["+14155552671"])
        await agent.do("list_check_rows", check_id=report["check_id"], contains="Annabel")
        await agent.fail("delete_audience", audience_id=audience_id)
        await agent.fail("check_contacts", contacts=[{"phone_number": {"+14155552671": "Annabel"}}])
        wire.fail("GET audience", _unforeseen)
        await agent.fail("list_audiences", name_contains="Annabel")

    told = [record for record in caplog.records if record.name != "asyncio"]
    assert [record.getMessage() for record in told if record.name.startswith("audiences_mcp")]
    for record in told:
        text = logging.Formatter().format(record)
        assert not [secret for secret in SECRETS if secret in text], text


async def _unforeseen(_: Send, __: httpx.Request) -> httpx.Response:
    """A fault of this package itself, whose text holds a phone number."""
    raise ZeroDivisionError("+14155552671")


async def test_an_unforeseen_error_says_where_and_nothing_of_what_it_was_doing(
    agent: LookedAtAgent, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.fail("GET audience", _unforeseen)

    told = await agent.fail("list_audiences")

    assert told.startswith("audiences-mcp failed inside list_audiences (ZeroDivisionError at test_boundary.py:")
    assert told.endswith("The outcome is unknown: look with list_audiences before trying again.")
    assert [record.getMessage().partition(" at ")[0] for record in caplog.records] == [
        "list_audiences failed: ZeroDivisionError"
    ]


async def test_what_atoms_says_is_passed_on_without_the_key_and_cleaned(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    async def refuses(_: Send, __: httpx.Request) -> httpx.Response:
        text = f"Key {organisation.key} \u202e\x00may not\n do this"
        return httpx.Response(403, json={"status": False, "errors": [text]})

    wire.fail("GET audience", refuses)

    assert "Key [key] may not do this" in await agent.fail("list_audiences")


# --- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["list_audiences", "create_audience", "add_contacts", "delete_audience"])
async def test_a_call_that_atoms_leaves_hanging_ends_before_clients_give_up(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, tool: str
) -> None:
    vip = organisation.audience("VIP", "phoneNumber,firstName\n+14155550000,Bo\n")
    token = (await agent.do("delete_audience", audience_id=vip))["confirm_token"]
    arguments = {
        "list_audiences": {},
        "create_audience": {"name": "May", "contacts": PEOPLE[:1]},
        "add_contacts": {"audience_id": vip, "contacts": PEOPLE[:1]},
        "delete_audience": {"audience_id": vip, "confirm_token": token},
    }[tool]
    wire.fail("GET audience" if tool == "list_audiences" else "(POST|DELETE) .*", hangs_past_its_time)

    stopped = await agent.fail(tool, **arguments)
    wire.mend()
    again = await agent.do(tool, **arguments)

    assert stopped.startswith(f"{tool} was stopped because Atoms answers too slowly: ")
    assert stopped.endswith(". Call again with the same arguments: what was done already is found and not done again.")
    assert ("unknown" in stopped) == (tool != "list_audiences")
    assert again["summary"]
    names = [(audience["name"], audience["memberCount"]) for audience in organisation.audiences()]
    assert (
        names
        == {
            "list_audiences": [("VIP", 1)],
            "create_audience": [("VIP", 1), ("May", 1)],
            "add_contacts": [("VIP", 2)],
            "delete_audience": [],
        }[tool]
    )


@ONE_REVISION
async def test_a_long_job_takes_the_time_that_it_needs(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    rows = "".join(f"+1415{2_000_000 + n}\n" for n in range(2_001))
    report = await agent.do("check_contacts", csv_text=f"phone\n{rows}")
    deadlines: list[float] = []

    async def sent(send: Send, request: httpx.Request) -> httpx.Response:
        deadlines.append(this_call().time_limit.deadline)
        return await send(request)

    wire.fail("POST .*", sent)

    added = await agent.do("add_contacts", audience_id=vip, check_id=report["check_id"])

    assert added["added"] == 2_001
    assert deadlines == [inf] * 3


# --- arguments -----------------------------------------------------------------------------------------------------


async def test_text_that_reads_as_json_stays_text(agent: LookedAtAgent, organisation: Organisation) -> None:
    for name in ("null", "[1]", "{}"):
        made = await agent.do("create_audience", name=name, description=name, contacts=PEOPLE[:1])
        assert made["audiences"][0]["name"] == name

    assert [audience["description"] for audience in organisation.audiences()] == ["null", "[1]", "{}"]


async def test_lists_and_objects_may_come_as_json_text(agent: LookedAtAgent) -> None:
    report = await agent.do(
        "check_contacts",
        csv_text="Phone,Name,In\n+14155552671,Ann,yes\n+14155552672,Bo,no\n",
        phone_columns='["Phone"]',
        keep_columns="[]",
        only_where='{"In": ["yes"]}',
        column_mapping='{"Name": "firstName"}',
    )

    assert report["sample"][0]["fields"] == {"firstName": "Ann"}
    assert report["counts"]["filtered_out"] == 1


async def test_a_thousand_unknown_arguments_are_told_in_short(agent: LookedAtAgent) -> None:
    told = await agent.fail("list_audiences", **{f"argument_{n}": "+14155552671" for n in range(1_000)})

    assert told.endswith("unknown argument 'argument_9'; and 990 more")
    assert "4155552671" not in told


# --- one process ---------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_the_whole_job_on_the_embedded_sandbox_needs_no_key(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for variable in ("XDG_DATA_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    async with connect(Settings(sandbox=True), None) as agent:
        report = await agent.do("check_contacts", contacts=PEOPLE)
        await agent.do("create_audience", name="May", check_id=report["check_id"])
    async with connect(Settings(sandbox=True), None) as agent:
        kept = await agent.do("list_audiences")
        again = await agent.do("create_audience", name="May", contacts=PEOPLE[:1])
        taken = await agent.fail("create_audience", name="May", contacts=[{"phone_number": "+442071838750"}])

    assert [audience["name"] for audience in kept["audiences"]] == ["May"]
    assert again["already_done"]
    assert taken.startswith("An audience of this name exists already:")


@ONE_REVISION
async def test_data_of_the_embedded_sandbox_that_cannot_be_used_is_named_and_once_moved_away_the_same_server_goes_on(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("XDG_DATA_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    file = user_data_path("audiences-mcp", appauthor=False) / "sandbox.db"
    (tmp_path / "data").write_bytes(b"")
    async with connect(Settings(sandbox=True), None) as agent:
        no_folder = await agent.fail("check_contacts", contacts=PEOPLE)
        (tmp_path / "data").unlink()
        file.parent.mkdir(parents=True)
        file.write_text("no database, whatever it was meant to be")
        no_database = await agent.fail("create_audience", name="May", contacts=PEOPLE[:1])
        file.unlink()
        await agent.do("create_audience", name="May", contacts=PEOPLE[:1])

    said = f"The sandbox cannot keep its data in {file} ("
    assert no_folder.startswith(said)
    assert no_database.startswith(f"{said}file is not a database), so nothing was changed. Move that file away")


async def test_after_a_restart_a_check_is_unknown(agent: LookedAtAgent, settings: Settings, connect: Connect) -> None:
    report = await agent.do("check_contacts", contacts=PEOPLE)

    async with connect(settings, None) as restarted:
        refused = await restarted.fail("create_audience", name="May", check_id=report["check_id"])

    assert refused.startswith("This check_id is unknown, or the server was restarted since: call check_contacts, or")


async def test_an_audience_that_the_list_of_all_does_not_have_yet_is_found_all_the_same(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    organisation.audience("Other", "phoneNumber\n+14155550001\n")
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    wire.fail("GET audience", says(lambda body: {**body, "data": body["data"][:1]}))

    found = await agent.do("get_audience", audience_id=vip)

    assert (found["name"], found["member_count"]) == ("VIP", 1)


async def test_the_oldest_checks_make_room_for_new_ones_and_are_known_to_be_gone(clock: Clock) -> None:
    shelf: Shelf[int] = Shelf("thing", 60.0, "make it again.", InProcess(10, int, clock))
    for key, weight in (("a", 4), ("b", 4), ("c", 4), ("d", 99)):
        await shelf.put(key, weight)

    assert await shelf.get("d") == 99
    for gone in "abc":
        with pytest.raises(
            InvalidInput, match=r"This thing has expired \(it is kept at most 1 minutes\): make it again"
        ):
            await shelf.get(gone)


async def test_what_is_kept_again_is_the_newest(clock: Clock) -> None:
    shelf: Shelf[int] = Shelf("thing", 60.0, "make it again.", InProcess(10, int, clock))
    for key, weight in (("a", 4), ("b", 4), ("a", 7)):
        await shelf.put(key, weight)

    assert await shelf.get("a") == 7
    with pytest.raises(InvalidInput, match="expired"):
        await shelf.get("b")


async def test_what_was_kept_long_ago_is_forgotten(clock: Clock) -> None:
    shelf: Shelf[int] = Shelf("thing", 60.0, "make it again.", InProcess(1, lambda _: 1, clock))
    for number in range(1_002):
        await shelf.put(str(number), number)

    with pytest.raises(InvalidInput, match="unknown"):
        await shelf.get("0")
    with pytest.raises(InvalidInput, match="expired"):
        await shelf.get("1")


def test_a_row_without_a_checked_number_cannot_be_sent() -> None:
    with pytest.raises(AssertionError):
        person_of(CheckedRow(1, "Ann", "12", Status.INVALID), ())


def test_many_names_are_told_in_short() -> None:
    campaigns = [CampaignInfo(id="a" * 24, name=f"Calls {n}", status="draft") for n in range(7)]

    assert named(campaigns).endswith("'Calls 4' (draft) and 2 more")
    assert listed([f"column {n}" for n in range(22)]).endswith("'column 19' and 2 more")


# --- floods --------------------------------------------------------------------------------------------------------


async def test_one_audience_with_hundreds_of_campaigns_is_cut_and_says_so(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    campaigns = [{"_id": f"{n:024x}", "name": f"Calls {n} {'x' * 60}", "status": "running"} for n in range(300)]
    wire.fail("GET audience", says(lambda body: {**body, "data": [{**body["data"][0], "campaigns": campaigns}]}))

    got = await agent.do("get_audience", audience_id=vip)
    asked = await agent.do("list_audiences")
    refused = await agent.fail("delete_audience", audience_id=vip)

    assert got["summary"].endswith("shown are 40 of 300 campaigns, 40 of 300 blocking_campaigns.")
    assert asked["summary"].endswith("shown are 40 of 300 campaigns.")
    assert refused.startswith("The audience cannot be deleted while a campaign uses it: 'Calls 0")
    assert "and 295 more; nothing was deleted" in refused


async def test_one_member_with_a_thousand_columns_is_cut_and_says_so(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    fields = {"phoneNumber": "+14155550000", **{f"a column with a long name {n}": "text" * 10 for n in range(1_000)}}
    member = {"_id": "b" * 24, "data": fields}
    wire.fail("GET audience/.*/members", says(lambda body: {**body, "data": {**body["data"], "members": [member]}}))

    members = await agent.do("list_audience_members", audience_id=vip)
    got = await agent.do("get_audience", audience_id=vip)

    assert members["summary"].endswith("shown are 40 of 1,000 fields.")
    assert len(members["members"][0]["fields"]) == 40
    assert got["summary"].endswith("shown are 40 of 1,001 columns.")


async def test_whatever_atoms_answers_is_told_as_an_error_and_nothing_is_claimed(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    calls: dict[str, dict[str, Any]] = {
        "list_audiences": {},
        "get_audience": {"audience_id": vip},
        "list_audience_members": {"audience_id": vip},
        "delete_audience": {"audience_id": vip},
        "add_contacts": {"audience_id": vip, "contacts": PEOPLE[:1]},
        "create_audience": {"name": "May", "contacts": PEOPLE[:1]},
    }
    for fault in (
        html,
        failed_after,
        says(lambda _: []),
        says(lambda _: {"status": True}),
        says(lambda _: "x" * 50_000),
    ):
        wire.fail("GET audience.*", fault)
        for tool, arguments in calls.items():
            assert "Atoms" in await agent.fail(tool, **arguments)
        wire.mend()

    assert [(audience["name"], audience["memberCount"]) for audience in organisation.audiences()] == [("VIP", 1)]
    assert wire.writes == []


async def test_an_answer_is_sent_in_one_piece_of_json(agent: LookedAtAgent) -> None:
    answer = await agent("check_contacts", contacts=PEOPLE)

    assert json.loads(answer.text) == answer.data
    first, *_, last = answer.data
    assert (first, last) == ("summary", "next_step")
    assert answer.text.startswith('{"summary":"')
