"""remove_audience_members: who is meant and nobody else, asked about when they are many, and brought back by one id."""

import json
from dataclasses import replace
from typing import Any

import httpx  # noqa: TID251 - what another Atoms answers
import pytest

from audiences_mcp import calls
from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Clock,
    Connect,
    Fault,
    LookedAtAgent,
    Person,
    Send,
    Wire,
    answer_lost,
    at,
    failed_after,
    failed_before,
    hangs_past_its_time,
    late,
    not_reached,
    pages_of,
    says,
    snapshot,
    too_many,
)

pytestmark = pytest.mark.anyio

REMOVE = "DELETE audience/.*/members"
CSV = """\
phone,name
919876543210,Asha
+91 98765 43210,Asha R.
+14792345678,Bo
4792345678,Norwegian
3035550143,Nobody
+442079460958,Cy
12,Di
"""


@pytest.fixture
def audience_id(organisation: Organisation) -> str:
    return organisation.audience("VIP", CSV, "phone")


def names(organisation: Organisation, audience_id: str) -> list[str]:
    return [member["name"] for member in organisation.members(audience_id)]


def ids(organisation: Organisation, audience_id: str) -> dict[str, str]:
    found = organisation.request("GET", f"audience/{audience_id}/members", params={"offset": 20_000})["members"]
    return {member["data"]["name"]: member["_id"] for member in found}


def many(organisation: Organisation, count: int) -> str:
    rows = "".join(f"+1415{2_000_000 + n},P{n}\n" for n in range(count))
    return organisation.audience("Many", f"phone,name\n{rows}", "phone")


def numbers(count: int, start: int = 0) -> list[str]:
    return [f"+1415{2_000_000 + n}" for n in range(start, start + count)]


# --- who is meant ----------------------------------------------------------------------------------------------------


async def test_a_number_is_removed_in_every_spelling_and_can_be_brought_back(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, phone_numbers=["+91 98765-43210", "+33612345678"]
    )

    snapshot("results/remove_audience_members", removed)
    assert (removed["removed"], removed["not_found"], removed["member_count"]) == (2, ["+33612345678"], 5)
    assert names(organisation, audience_id) == ["Bo", "Norwegian", "Nobody", "Cy", "Di"]
    assert "1 removed member had the number of another one: undoing does not add them back." in removed["warnings"]
    undone = await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])
    assert undone["added"] == 1
    assert organisation.members(audience_id)[-1] == {"phone": "+919876543210", "name": "Asha"}


async def test_members_are_removed_by_their_ids_and_repeating_finds_nobody(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    wanted = [ids(organisation, audience_id)[name] for name in ("Bo", "Di")]
    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, member_ids=[wanted[0], wanted[1].upper(), "not an id"]
    )
    wire.forget()
    again = await agent.do(
        "remove_audience_members", audience_id=audience_id, member_ids=[wanted[0].upper(), wanted[1]]
    )

    assert (removed["removed"], removed["not_found"]) == (2, ["not an id"])
    assert (again["removed"], again["not_found"], again["not_found_count"]) == (0, wanted, 2)
    assert "undo_check_id" not in again
    assert wire.writes == []
    assert names(organisation, audience_id) == ["Asha", "Asha R.", "Norwegian", "Nobody", "Cy"]


async def test_a_stranger_whose_number_ends_alike_stays_and_is_asked_about(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678", "+13035550143"]
    )

    assert removed["removed"] == 1
    assert names(organisation, audience_id) == ["Asha", "Asha R.", "Norwegian", "Nobody", "Cy", "Di"]
    assert removed["not_found"] == ["+13035550143"]
    assert [each["phone_number"] for each in removed["possible"]] == ["4792345678", "3035550143"]
    assert any("ask the person" in warning for warning in removed["warnings"])


async def test_a_number_that_cannot_be_read_means_only_whoever_is_stored_with_that_text(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, phone_numbers=["12", " 3035550143 "], allow_empty=False
    )
    refused = await agent.fail(
        "remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678", "(303) 555-0143", "13"]
    )

    blank = await agent.fail("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678", " "])

    assert "phone_numbers item 2 cannot be read as a number (empty)" in blank
    assert (removed["removed"], removed["possible"]) == (2, [])
    assert "phone_numbers item 2 and 1 more cannot be read as a number (missing_country_code)" in refused
    assert "Nothing was removed" in refused
    assert names(organisation, audience_id) == ["Asha", "Asha R.", "Bo", "Norwegian", "Cy"]


async def test_an_american_number_without_its_code_does_not_take_the_norwegian_one(
    settings: Settings, connect: Connect, organisation: Organisation, audience_id: str
) -> None:
    async with connect(replace(settings, default_region="US"), None) as agent:
        removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["4792345678"])

    assert removed["removed"] == 1
    assert [each["phone_number"] for each in removed["possible"]] == ["4792345678"]
    assert "Norwegian" in names(organisation, audience_id)
    assert "Bo" not in names(organisation, audience_id)


@pytest.mark.parametrize(
    ("stored", "wanted", "removed"),
    [
        ("0091 98765 43210", "+919876543210", 1),
        ("'+919876543210", "+919876543210", 1),
        ("919876543210.0", "+919876543210", 1),
        ("09876543210", "+919876543210", 0),
        ("9876543210", "+919876543210", 0),
        ("+91 98765 43210 ext 5", "+919876543210", 0),
        ("+919876543210; +919876543211", "+919876543211", 0),
        ("+52 1 55 1234 5678", "+525512345678", 0),
        ("+49 30 123456/57", "+493012345657", 0),
        ("5551234567", "+15551234567", 0),
    ],
)
async def test_only_what_atoms_dials_as_the_number_is_the_number(
    agent: LookedAtAgent, organisation: Organisation, stored: str, wanted: str, removed: int
) -> None:
    audience_id = organisation.audience("VIP", f'phone,name\n"{stored}",Ann\n+442079460958,Cy\n', "phone")

    told = await agent("remove_audience_members", audience_id=audience_id, phone_numbers=[wanted])

    assert names(organisation, audience_id) == (["Cy"] if removed else ["Ann", "Cy"])
    if not removed and not told.is_error:
        assert [each["phone_number"] for each in told.data["possible"]] == [stored]


async def test_a_number_is_removed_though_the_list_around_it_looks_spoilt(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    glued = "".join(f"+98765{n:05},G{n}\n" for n in range(20))
    audience_id = organisation.audience("VIP", f"phone,name\n{glued}+14792345678,Bo\n", "phone")

    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])

    assert removed["removed"] == 1
    assert "Bo" not in names(organisation, audience_id)


# --- by a check ------------------------------------------------------------------------------------------------------


async def test_everyone_of_an_unsubscribe_list_is_removed_whatever_the_check_said_of_the_row(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.do_not_call("+442079460958")
    csv = "phone,who\n+919876543210,a\n0091 98765 43210,b\n+442079460958,c\n+14792345678,d\n555,e\n"
    check = await agent.do("check_contacts", csv_text=csv, add_to_audience_id=audience_id)
    assert check["counts"]["ready"] == 0

    removed = await agent.do("remove_audience_members", audience_id=audience_id, check_id=check["check_id"])

    assert removed["removed"] == 4
    assert names(organisation, audience_id) == ["Norwegian", "Nobody", "Di"]
    assert any("1 row of the check has no number" in warning for warning in removed["warnings"])


async def test_rows_that_only_where_leaves_out_are_not_meant(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    csv = "phone,out\n+14792345678,yes\n+442079460958,no\n"
    check = await agent.do("check_contacts", csv_text=csv, only_where={"out": "yes"})

    await agent.do("remove_audience_members", audience_id=audience_id, check_id=check["check_id"])

    assert "Cy" in names(organisation, audience_id)
    assert "Bo" not in names(organisation, audience_id)


async def test_with_reasons_only_these_rows_are_meant(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.do_not_call("+442079460958")
    check = await agent.do("check_contacts", from_audiences=[audience_id], bare_digits="international")

    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, check_id=check["check_id"], reasons=["do_not_call"]
    )

    assert removed["removed"] == 1
    assert "Cy" not in names(organisation, audience_id)


async def test_a_further_number_of_a_row_is_asked_about_and_not_removed(agent: LookedAtAgent, audience_id: str) -> None:
    csv = "Mobile,Home\n+33612345678,+14792345678\n"
    check = await agent.do("check_contacts", csv_text=csv, phone_columns=["Mobile"])

    removed = await agent.do("remove_audience_members", audience_id=audience_id, check_id=check["check_id"])

    assert (removed["removed"], removed["not_found"]) == (0, ["+33612345678"])
    assert [each["phone_number"] for each in removed["possible"]] == ["+14792345678", "4792345678"]


async def test_what_an_audit_found_is_removed_by_reason_in_all_entries(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.do_not_call("+919876543210")
    audit = await agent.do("audit_audience", audience_id=audience_id)

    removed = await agent.do(
        "remove_audience_members",
        audience_id=audience_id,
        check_id=audit["check_id"],
        reasons=["too_short", "do_not_call"],
    )

    assert removed["removed"] == 4
    assert names(organisation, audience_id) == ["Bo", "Norwegian", "Cy"]
    assert (
        "2 removed members had a number that cannot be called: undoing does not add them back." in removed["warnings"]
    )


async def test_of_a_person_stored_twice_the_first_entry_stays(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    audit = await agent.do("audit_audience", audience_id=audience_id)

    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, check_id=audit["check_id"], reasons=["duplicate"]
    )

    assert "Asha" in names(organisation, audience_id)
    assert "Asha R." not in names(organisation, audience_id)
    assert any("in the audience yet: undoing does not add them back" in warning for warning in removed["warnings"])
    undone = await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])
    assert (undone["added"], undone["counts"]["already_member"]) == (0, 1)


async def test_an_audit_needs_reasons_and_is_of_one_audience(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    other = organisation.audience("Other", CSV, "phone")
    audit = await agent.do("audit_audience", audience_id=audience_id)
    arguments = {"check_id": audit["check_id"]}

    assert "say with reasons" in await agent.fail("remove_audience_members", audience_id=audience_id, **arguments)
    assert "audit of another audience" in await agent.fail(
        "remove_audience_members", audience_id=other, reasons=["duplicate"], **arguments
    )
    assert "reasons must be among empty," in await agent.fail(
        "remove_audience_members", audience_id=audience_id, reasons=["dnc"], **arguments
    )
    assert wire.writes == []


@ONE_REVISION
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Give exactly one of member_ids, phone_numbers, check_id. Nothing was removed."),
        ({"member_ids": ["a"], "check_id": "b"}, "you gave member_ids and check_id"),
        ({"member_ids": ["a"], "reasons": ["duplicate"]}, "it goes with check_id"),
        ({"check_id": "made up"}, "This check_id is unknown"),
        ({"member_ids": ["a"], "confirm_token": "made up"}, "call remove_audience_members without confirm_token"),
    ],
)
async def test_it_must_be_clear_who_is_meant(
    agent: LookedAtAgent, audience_id: str, arguments: dict[str, Any], said: str
) -> None:
    assert said in await agent.fail("remove_audience_members", audience_id=audience_id, **arguments)


# --- many, and all ---------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_over_100_people_are_asked_about_first(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = many(organisation, 2_500)
    wanted = await agent.do("check_contacts", csv_text="phone\n" + "\n".join(numbers(2_100)))
    arguments = {"audience_id": audience_id, "check_id": wanted["check_id"]}

    asked = await agent.do("remove_audience_members", **arguments)
    assert (asked["removed"], asked["to_remove"], asked["member_count"], wire.writes) == (0, 2_100, 2_500, [])
    assert "Ask the person" in asked["next_step"]

    removed = await agent.do("remove_audience_members", **arguments, confirm_token=asked["confirm_token"])
    assert (removed["removed"], removed["member_count"], len(wire.writes)) == (2_100, 400, 3)
    assert len(organisation.members(audience_id)) == 400
    again = await agent.do("remove_audience_members", **arguments, confirm_token=asked["confirm_token"])
    told = "Already done, so nothing was removed again. Removed 2,100 members then; 400 are stored now."
    assert again == {**removed, "summary": told}

    undone = await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])
    assert undone["added"] == 2_100


@ONE_REVISION
async def test_100_people_are_removed_at_once_and_101_are_not(agent: LookedAtAgent, organisation: Organisation) -> None:
    audience_id = many(organisation, 300)

    few = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=numbers(100))
    more = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=numbers(101, 100))

    assert few["removed"] == 100
    assert "confirm_token" in more
    assert len(organisation.members(audience_id)) == 200


@ONE_REVISION
async def test_a_token_is_for_the_same_people_audience_and_count_and_for_five_minutes(
    agent: LookedAtAgent, organisation: Organisation, clock: Clock, wire: Wire
) -> None:
    audience_id, other = many(organisation, 300), many(organisation, 300)
    token = (await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=numbers(150)))[
        "confirm_token"
    ]

    async def refused(audience_id: str, phones: list[str]) -> str:
        return await agent.fail(
            "remove_audience_members", audience_id=audience_id, phone_numbers=phones, confirm_token=token
        )

    assert "another audience" in await refused(other, numbers(150))
    assert "151 members of 300" in await refused(audience_id, numbers(151))
    assert "not the same as when the token was given" in await refused(audience_id, numbers(150, 1))
    organisation.request("POST", f"audience/{audience_id}/members", json={"members": [{"phone": "+33612345678"}]})
    assert "150 members of 301" in await refused(audience_id, numbers(150))
    clock.forward(minutes=5.1)
    assert "This confirm_token was used, or has expired" in await refused(audience_id, numbers(150))
    assert wire.writes == []


async def test_nobody_is_left_only_when_that_is_allowed_and_undoing_makes_a_new_audience(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    everybody = list(ids(organisation, audience_id).values())

    refused = await agent.fail("remove_audience_members", audience_id=audience_id, member_ids=everybody)
    assert "all 7 members of the audience, which Atoms may then delete; nothing was removed" in refused
    assert len(organisation.members(audience_id)) == 7

    removed = await agent.do("remove_audience_members", audience_id=audience_id, member_ids=everybody, allow_empty=True)
    assert removed["removed"] == 7
    assert "Atoms deleted the audience with its last member." in removed["warnings"]
    assert "create_audience" in removed["next_step"]
    assert organisation.audiences() == []
    made = await agent.do("create_audience", name="VIP", check_id=removed["undo_check_id"])
    assert made["audiences"][0]["member_count"] == 4


async def test_people_of_whom_none_can_be_called_leave_nothing_to_undo(agent: LookedAtAgent, audience_id: str) -> None:
    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["12"])

    assert removed["removed"] == 1
    assert "undo_check_id" not in removed
    assert removed["next_step"] == "Tell the person the counts."


async def test_undoing_brings_back_columns_of_any_name(agent: LookedAtAgent, organisation: Organisation) -> None:
    csv = 'phone no,First Name,größe\n+14792345678,"Ann, ""A""\nRoe",1\n+14155552672,Bo,2\n'
    audience_id = organisation.audience("VIP", csv, "phone no")
    before = organisation.members(audience_id)

    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])
    await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])

    assert organisation.members(audience_id) == before[::-1]


async def test_a_campaign_on_the_audience_is_warned_about(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.campaign(audience_id, "May calls", "running")

    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])

    assert any("'May calls' (running)" in warning for warning in removed["warnings"])


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [answer_lost, failed_after])
async def test_a_removal_whose_answer_was_lost_is_found_to_be_done(
    agent: LookedAtAgent, audience_id: str, wire: Wire, fault: Fault
) -> None:
    wire.fail(REMOVE, fault, times=1)

    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])

    assert removed["removed"] == 1
    assert removed["undo_check_id"]
    assert len(wire.writes) == 1


async def test_an_audience_that_went_with_its_last_member_and_the_answer_is_found_to_be_gone(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = organisation.audience("One", "phone\n+14792345678\n", "phone")
    wire.fail(REMOVE, answer_lost, times=1)

    removed = await agent.do(
        "remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"], allow_empty=True
    )

    assert removed["removed"] == 1


async def test_a_removal_that_failed_says_who_is_stored_still_and_can_be_repeated(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    wire.fail(REMOVE, failed_before, times=1)
    arguments = {"audience_id": audience_id, "phone_numbers": ["+14792345678"]}

    refused = await agent("remove_audience_members", **arguments)
    assert refused.is_error
    assert refused.text == (
        "outcome unknown: Atoms failed (500): Internal server error. Stored still: 1 of 1 person; call again with the same "
        "arguments, which looks again and removes only who is there still."
    )
    assert (refused.data["removed"], refused.data["member_count"]) == (0, 7)
    assert "undo_check_id" not in refused.data

    assert (await agent.do("remove_audience_members", **arguments))["removed"] == 1


@pytest.mark.parametrize("fault", [not_reached, too_many])
async def test_what_surely_was_not_removed_is_told_as_such(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire, fault: Fault
) -> None:
    wire.fail(REMOVE, fault)

    refused = await agent.fail("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])

    assert "outcome" not in refused
    assert "Bo" in names(organisation, audience_id)


async def test_when_the_look_fails_too_the_outcome_is_unknown_and_undoing_is_safe(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    wire.fail(REMOVE, answer_lost, times=1)
    wire.fail("GET audience/.*/members", not_reached, skip=1)

    refused = await agent("remove_audience_members", audience_id=audience_id, phone_numbers=["+442079460958"])
    wire.mend()

    assert refused.text == (
        "outcome unknown: Atoms did not answer in time. Looking for who is stored still failed too; call again with the same "
        "arguments, which looks again and removes only who is there still.\n"
        f"undo_check_id: {refused.data['undo_check_id']}"
    )
    undone = await agent.do("add_contacts", audience_id=audience_id, check_id=refused.data["undo_check_id"])
    assert undone["added"] == 1
    assert names(organisation, audience_id)[-1] == "Cy"


@ONE_REVISION
async def test_a_long_removal_that_stops_half_way_goes_on_with_the_same_token(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = many(organisation, 2_600)
    check = await agent.do("check_contacts", csv_text="phone\n" + "\n".join(numbers(2_500)))
    arguments = {"audience_id": audience_id, "check_id": check["check_id"]}
    arguments["confirm_token"] = (await agent.do("remove_audience_members", **arguments))["confirm_token"]
    wire.fail(REMOVE, too_many, skip=1)

    refused = await agent("remove_audience_members", **arguments)
    assert refused.text.startswith("Only 1,000 of 2,500 people were removed; the others are stored still.")
    assert (refused.data["removed"], refused.data["member_count"]) == (1_000, 1_600)
    assert len(organisation.members(audience_id)) == 1_600
    wire.mend()

    removed = await agent.do("remove_audience_members", **arguments)
    assert (removed["removed"], removed["member_count"]) == (2_500, 100)
    assert len(organisation.members(audience_id)) == 100
    undone = await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])
    assert undone["added"] == 2_500


async def test_a_count_of_atoms_that_differs_is_looked_into(agent: LookedAtAgent, audience_id: str, wire: Wire) -> None:
    def none(answer: Any) -> Any:
        answer["data"]["deletedCount"] = 0
        return answer

    wire.fail(REMOVE, says(none), times=1)
    done = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14792345678"])

    async def nothing(_: Send, __: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": True, "data": {"deletedCount": 0}})

    wire.fail(REMOVE, nothing)
    refused = await agent.fail("remove_audience_members", audience_id=audience_id, phone_numbers=["+442079460958"])

    assert done["removed"] == 1
    assert refused == (
        "Only 0 of 1 people were removed; the others are stored still. Atoms counts fewer than it was to remove. Call again "
        "with the same arguments to remove them."
    )


@ONE_REVISION
async def test_a_removal_that_atoms_leaves_hanging_ends_and_is_not_done_twice(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    arguments = {"audience_id": audience_id, "phone_numbers": ["+14792345678"]}
    wire.fail(REMOVE, hangs_past_its_time, times=1)
    stopped = await agent.fail("remove_audience_members", **arguments)
    again = await agent.do("remove_audience_members", **arguments)

    assert "was stopped because Atoms answers too slowly" in stopped
    assert (again["removed"], again["not_found_count"]) == (0, 1)
    assert "Bo" not in names(organisation, audience_id)


@ONE_REVISION
async def test_a_removal_of_one_ends_in_time_however_many_pages_there_are(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience_id = many(organisation, 60)
    wire.fail("GET audience/.*/members", late(0.4, pages_of(10)))
    monkeypatch.setattr(calls, "CALL_SECONDS", 1.0)

    stopped = await agent.fail("remove_audience_members", audience_id=audience_id, phone_numbers=numbers(1))

    assert stopped.startswith(
        "remove_audience_members was stopped because Atoms answers too slowly: nothing was changed."
    )
    assert wire.writes == []


# --- answers ---------------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_the_longest_answer_fits(agent: LookedAtAgent, organisation: Organisation) -> None:
    rows = "".join(f"2025{550_000 + n} {'x' * 90},P{n}\n" for n in range(200))
    audience_id = organisation.audience("VIP", f"phone,name\n{rows}+14792345678,Bo\n", "phone")
    for n in range(60):
        organisation.campaign(audience_id, f"Campaign {n} {'x' * 150}", "running")
    wanted = [f"+12025{550_000 + n}" for n in range(200) if 550_000 + n >= 550_100]

    removed = await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=wanted)

    assert (len(removed["not_found"]), removed["not_found_count"]) == (50, len(wanted))
    assert len(removed["possible"]) == 50
    assert len(json.dumps(removed)) < 20_000


async def test_a_person_who_can_be_asked_directly_is_before_many_are_removed(
    settings: Settings, mode: Any, organisation: Organisation
) -> None:
    audience_id = many(organisation, 150)
    arguments = {"audience_id": audience_id, "phone_numbers": numbers(120)}
    no, yes = Person("decline"), Person("accept")
    async with at(no, settings, mode) as agent:
        token = (await agent.do("remove_audience_members", **arguments))["confirm_token"]
        declined = await agent.fail("remove_audience_members", **arguments, confirm_token=token)
        again = await agent.fail("remove_audience_members", **arguments, confirm_token=token)
    left = len(organisation.members(audience_id))
    async with at(yes, settings, mode) as agent:
        token = (await agent.do("remove_audience_members", **arguments))["confirm_token"]
        removed = await agent.do("remove_audience_members", **arguments, confirm_token=token)

    assert no.questions == yes.questions == ["Remove 120 of 150 members from the audience 'Many' in Atoms?"]
    assert declined.startswith("The person declined when their client asked them, so nothing was removed.")
    assert "expired" in again
    assert left == 150
    assert removed["removed"] == 120


async def test_a_used_token_is_good_for_no_other_call(agent: LookedAtAgent, organisation: Organisation) -> None:
    audience_id = many(organisation, 300)
    arguments = {"audience_id": audience_id, "phone_numbers": numbers(150)}
    token = (await agent.do("remove_audience_members", **arguments))["confirm_token"]
    removed = await agent.do("remove_audience_members", **arguments, confirm_token=token)
    await agent.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])

    other = {"audience_id": audience_id, "phone_numbers": numbers(120, 150)}
    refused = await agent.fail("remove_audience_members", **other, confirm_token=token)
    again = await agent.do("remove_audience_members", **arguments, confirm_token=token)

    assert refused.startswith("This confirm_token was given for other people, so nothing was removed.")
    assert again["summary"].endswith("Removed 150 members then; 300 are stored now.")
    assert len(organisation.members(audience_id)) == 300


async def test_an_undo_is_for_its_audience_and_a_check_for_removal_for_removal(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    one, other = many(organisation, 3), organisation.audience("Other", "phone,name\n+14155552671,Ann\n", "phone")
    check = await agent.do("check_contacts", csv_text=f"phone\n{numbers(1)[0]}\n")
    removed = await agent.do("remove_audience_members", audience_id=one, check_id=check["check_id"])

    elsewhere = await agent.fail("add_contacts", audience_id=other, check_id=removed["undo_check_id"])
    uploaded = await agent.fail("add_contacts", audience_id=one, check_id=check["check_id"])
    back = await agent.do("add_contacts", audience_id=one, check_id=removed["undo_check_id"])

    assert "bringing people back" in elsewhere
    assert "taking people out of an audience" in uploaded
    assert back["added"] == 1


async def test_people_whose_row_was_not_read_are_not_forgotten(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    audience_id = organisation.audience("VIP", "phone\n+919880000013\n+919880000026\n+919880000039\n", "phone")
    check = await agent.do("check_contacts", csv_text="phone\n+919880000013\n09880000026\n")

    removed = await agent.do("remove_audience_members", audience_id=audience_id, check_id=check["check_id"])
    again = await agent.do("check_contacts", csv_text="phone\n+919880000013\n09880000026\n", default_region="IN")
    rest = await agent.do("remove_audience_members", audience_id=audience_id, check_id=again["check_id"])

    assert removed["removed"] == 1
    assert "check the list again with default_region" in removed["next_step"]
    assert rest["removed"] == 1
    assert "default_region" not in rest["next_step"]
