"""add_contacts: the audience's own people, columns, room and campaigns are respected, and nobody is added twice."""

import re
from typing import Any

import anyio
import pytest

from tests.conftest import Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Clock,
    LookedAtAgent,
    Send,
    Wire,
    answer_lost,
    failed_after,
    failed_before,
    not_reached,
    says,
    too_many,
)

pytestmark = pytest.mark.anyio

ADD = "POST audience/.*/members"
SPELLINGS = "phone,name\n919876543210,Asha\n+91 98765 43211,Ben\n"


@pytest.fixture
def audience_id(organisation: Organisation) -> str:
    return organisation.audience("VIP", SPELLINGS, "phone")


def people(*numbers: str, **variables: str) -> list[dict[str, Any]]:
    return [{"phone_number": number, "variables": variables} for number in numbers]


async def test_columns_in_other_scripts_are_told_apart_by_their_headers(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    first = await agent.do("check_contacts", csv_text="Телефон,Имя,Город\n+79123456789,Анна,Москва\n")
    made = await agent.do("create_audience", name="Список", check_id=first["check_id"])
    target = made["audiences"][0]["audience_id"]
    swapped = await agent.do("check_contacts", csv_text="Телефон,Город,Имя\n+79123456781,Казань,Павел\n")
    other = await agent.do("check_contacts", csv_text="Телефон,Долг,Имя\n+79123456782,5000,Пётр\n")

    await agent.do("add_contacts", audience_id=target, check_id=swapped["check_id"])
    refused = await agent.fail("add_contacts", audience_id=target, check_id=other["check_id"])

    assert first["warnings"][0] == (
        '3 columns got a name of letters, digits and underscores: see columns. "Телефон" is column_gyaapn, "Имя" is '
        'column_vipxdv, "Город" is column_oljqrx; column_mapping gives other names.'
    )
    assert organisation.members(target)[1] == {
        "column_gyaapn": "+79123456781",
        "column_vipxdv": "Павел",
        "column_oljqrx": "Казань",
    }
    assert "The audience has no column for 'Долг'" in refused


async def test_whoever_is_stored_in_any_spelling_is_not_added_again(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    contacts = people("+91 98765 43210", "0091 98765-43211", "+14155552671", name="New")
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=contacts)
    assert (added["added"], added["counts"]["already_member"], added["member_count"]) == (1, 2, 3)
    assert added["verified"]
    assert organisation.members(audience_id)[-1] == {"phone": "+14155552671", "name": "New"}
    wire.forget()
    again = await agent.do("add_contacts", audience_id=audience_id, contacts=contacts)
    assert (again["added"], again["counts"]["already_member"], wire.writes) == (0, 3, [])


async def test_the_same_check_again_returns_the_first_result(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    report = await agent.do("check_contacts", contacts=people("+14155552671"), add_to_audience_id=audience_id)
    first = await agent.do("add_contacts", audience_id=audience_id, check_id=report["check_id"])
    wire.forget()
    again = await agent.do("add_contacts", audience_id=audience_id, check_id=report["check_id"])
    assert again["already_done"]
    assert again["added"] == first["added"] == 1
    assert wire.writes == []


async def test_columns_that_the_audience_lacks_are_refused_with_a_mapping_that_works(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    csv = "Mobile,Nam\n+14155552671,Ann\n"
    report = await agent.do("check_contacts", csv_text=csv, add_to_audience_id=audience_id)
    refused = await agent.fail("add_contacts", audience_id=audience_id, check_id=report["check_id"])
    assert 'column_mapping {"Nam": "name"}' in refused
    assert report["check_id"] in refused
    assert len(organisation.members(audience_id)) == 2
    mapped = await agent.do(
        "check_contacts", csv_text=csv, add_to_audience_id=audience_id, column_mapping={"Nam": "name"}
    )
    await agent.do("add_contacts", audience_id=audience_id, check_id=mapped["check_id"])
    assert organisation.members(audience_id)[-1] == {"phone": "+14155552671", "name": "Ann"}


async def test_columns_that_the_list_lacks_are_blank_and_told(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert any("lacks" in warning for warning in added["warnings"])
    assert organisation.members(audience_id)[-1] == {"phone": "+14155552671", "name": ""}


@pytest.mark.parametrize("status", ["scheduled", "processing", "running", "paused"])
async def test_a_campaign_that_may_call_them_needs_leave(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, status: str
) -> None:
    organisation.campaign(audience_id, "May calls", status)
    refused = await agent.fail("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert f"'May calls' ({status})" in refused
    assert len(organisation.members(audience_id)) == 2
    allowed = await agent.do(
        "add_contacts", audience_id=audience_id, contacts=people("+14155552671"), allow_active_campaign=True
    )
    assert allowed["added"] == 1
    assert any("campaign" in warning for warning in allowed["warnings"])


@pytest.mark.parametrize(("status", "warned"), [("draft", True), ("completed", False), ("failed", False)])
async def test_a_draft_is_a_warning_and_a_finished_campaign_is_none(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, status: str, *, warned: bool
) -> None:
    organisation.campaign(audience_id, "May calls", status)
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert any("draft" in warning for warning in added["warnings"]) is warned


async def test_more_people_than_room_are_refused_with_the_room(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    rows = "\n".join(f"+1415{2_000_000 + n}" for n in range(9_999))
    audience_id = organisation.audience("Full", f"phoneNumber\n{rows}\n")
    refused = await agent.fail("add_contacts", audience_id=audience_id, contacts=people("+33612345678", "+33612345679"))
    assert "room for 1 of 2 people" in refused
    assert len(organisation.members(audience_id)) == 9_999


async def test_two_overlapping_lists_at_once_add_each_person_once(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    lists = [people("+14155552671", "+14155552672"), people("+14155552672", "+14155552673")]
    results: list[dict[str, Any]] = []

    async def add(contacts: list[dict[str, Any]]) -> None:
        results.append(await agent.do("add_contacts", audience_id=audience_id, contacts=contacts))

    async with anyio.create_task_group() as group:
        for contacts in lists:
            group.start_soon(add, contacts)
    assert sum(result["added"] for result in results) == 3
    stored = [member["phone"] for member in organisation.members(audience_id)]
    assert len(stored) == len(set(stored)) == 5


@pytest.mark.parametrize("fault", [answer_lost, failed_after])
async def test_an_addition_whose_answer_was_lost_is_found(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire, fault: Any
) -> None:
    wire.fail(ADD, fault, times=1)
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert added["added"] == 1
    assert len(organisation.members(audience_id)) == 3


async def test_when_nobody_is_found_the_outcome_is_unknown_and_the_same_call_adds_once(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    wire.fail(ADD, failed_before, times=1)
    unknown = await agent.fail("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert "outcome unknown" in unknown
    found = re.search(r"check_id: (\w+)", unknown)
    assert found
    added = await agent.do("add_contacts", audience_id=audience_id, check_id=found[1])
    assert added["added"] == 1
    assert len(organisation.members(audience_id)) == 3


async def test_when_the_look_up_fails_the_outcome_is_unknown(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    wire.fail("GET audience/.*/members", not_reached, skip=1)
    wire.fail(ADD, answer_lost, times=1)
    assert "outcome unknown" in await agent.fail(
        "add_contacts", audience_id=audience_id, contacts=people("+14155552671")
    )


@pytest.mark.parametrize("fault", [not_reached, too_many])
async def test_what_surely_was_not_added_may_go_elsewhere(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire, fault: Any
) -> None:
    report = await agent.do("check_contacts", contacts=people("+14155552671"))
    wire.fail(ADD, fault)
    refused = await agent.fail("add_contacts", audience_id=audience_id, check_id=report["check_id"])
    assert "outcome unknown" not in refused
    made = await agent.do("create_audience", name="Elsewhere", check_id=report["check_id"])
    assert made["verified"]
    assert len(organisation.members(audience_id)) == 2


@pytest.mark.usefixtures("read_back_in_vain")
async def test_a_count_that_differs_and_people_skipped_by_atoms_are_told(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    def skipped(answer: Any) -> Any:
        answer["data"][0]["data"] = {"added": 0, "skipped": 1}
        return answer

    wire.fail(ADD, says(skipped))
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))
    assert (added["verified"], added["skipped_by_atoms"]) == (False, 1)
    assert any("skipped" in warning for warning in added["warnings"])


async def test_an_invalid_typed_contact_stops_all_of_them(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    refused = await agent("add_contacts", audience_id=audience_id, contacts=people("+14155552671", "call me"))
    assert refused.is_error
    assert refused.data["counts"]["invalid"] == 1
    assert "not_a_number" in refused.text
    assert len(organisation.members(audience_id)) == 2


async def test_stored_numbers_that_cannot_be_read_are_compared_by_their_last_digits(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    audience_id = organisation.audience("Old", "phone\n2025550143\n", "phone")
    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+1 202 555 0143"))
    assert (added["added"], added["counts"]["already_member"]) == (0, 1)
    assert any("last digits" in warning for warning in added["warnings"])


@pytest.mark.usefixtures("read_back_in_vain")
async def test_an_empty_audience_takes_any_columns(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    audience_id = organisation.audience("New", "phone\n+14155552600\n", "phone")
    wire.fail("GET audience/.*/members", says(lambda body: {**body, "data": {"members": [], "totalCount": 0}}), times=1)

    added = await agent.do("add_contacts", audience_id=audience_id, contacts=people("+14155552671", city="Reno"))

    assert added["audiences"][0]["columns"] == ["phone", "firstName", "lastName", "city"]
    assert organisation.members(audience_id)[-1]["city"] == "Reno"


async def test_a_campaign_that_runs_is_named_in_what_to_say_next(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.campaign(audience_id, "May calls", "running")

    added = await agent.do(
        "add_contacts", audience_id=audience_id, contacts=people("+14155552671"), allow_active_campaign=True
    )

    assert added["next_step"].endswith("The campaign on the audience may call the new people now.")


async def test_people_who_came_on_the_do_not_call_list_since_the_check_are_left_out(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, clock: Clock
) -> None:
    report = await agent.do("check_contacts", contacts=people("+14155552671", "+33612345678"))
    organisation.do_not_call("0033612345678")
    clock.forward(minutes=6)

    added = await agent.do("add_contacts", audience_id=audience_id, check_id=report["check_id"])

    assert (added["added"], added["counts"]["suppressed"]) == (1, 1)
    assert [member["phone"] for member in organisation.members(audience_id)][2:] == ["+14155552671"]


@ONE_REVISION
@pytest.mark.parametrize(
    ("fault", "said", "stored"),
    [
        (not_reached, "1,000 people were added; then Atoms could not be reached; nothing was sent.", 1_002),
        (failed_before, "outcome unknown: the answer of Atoms was lost. 1,000 people were added; then", 1_002),
    ],
)
async def test_a_long_addition_that_stops_half_way_says_how_far_it_came_and_is_completed(
    agent: LookedAtAgent,
    organisation: Organisation,
    audience_id: str,
    wire: Wire,
    fault: Any,
    said: str,
    stored: int,
) -> None:
    rows = "".join(f"+1415{2_000_000 + n}\n" for n in range(2_500))
    report = await agent.do("check_contacts", csv_text=f"phone\n{rows}")
    wire.fail(ADD, fault, skip=1, times=1)

    stopped = await agent("add_contacts", audience_id=audience_id, check_id=report["check_id"])
    left = len(organisation.members(audience_id))
    completed = await agent.do("add_contacts", audience_id=audience_id, check_id=report["check_id"])

    assert stopped.text.startswith(said)
    assert "Call again with the same check_id" in stopped.text
    assert (stopped.data["added"], stopped.data["member_count"], left) == (1_000, stored, stored)
    assert (completed["added"], completed["counts"]["already_member"]) == (1_500, 1_000)
    assert completed["verified"]
    assert len(organisation.members(audience_id)) == 2_502


@ONE_REVISION
async def test_a_lost_answer_in_the_middle_of_a_long_addition_is_found(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    rows = "".join(f"+1415{2_000_000 + n}\n" for n in range(2_500))
    report = await agent.do("check_contacts", csv_text=f"phone\n{rows}")
    wire.fail(ADD, answer_lost, skip=1, times=1)

    added = await agent.do("add_contacts", audience_id=audience_id, check_id=report["check_id"])

    assert (added["added"], added["member_count"], added["verified"]) == (2_500, 2_502, True)
    assert wire.writes == [f"POST audience/{audience_id}/members"] * 3


async def test_a_refusal_tells_how_many_the_audience_has(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    organisation.campaign(audience_id, "May calls", "running")

    refused = await agent("add_contacts", audience_id=audience_id, contacts=people("+14155552671"))

    assert (refused.data["added"], refused.data["member_count"], refused.data["verified"]) == (0, 2, False)


async def test_a_waiting_call_that_is_cancelled_leaves_its_check_free(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    first = await agent.do("check_contacts", contacts=people("+14155552671"))
    second = await agent.do("check_contacts", contacts=people("+14155552672"))
    going, over = anyio.Event(), anyio.Event()

    async def slow(send: Send, request: Any) -> Any:
        going.set()
        await over.wait()
        return await send(request)

    wire.fail(ADD, slow, times=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: agent.do("add_contacts", audience_id=audience_id, check_id=first["check_id"]))
        await going.wait()
        with anyio.move_on_after(0.2):
            await agent.do("add_contacts", audience_id=audience_id, check_id=second["check_id"])
        over.set()
    made = await agent.do("create_audience", name="Elsewhere", check_id=second["check_id"])

    assert made["verified"]
    assert len(organisation.members(audience_id)) == 3


async def test_members_who_may_never_be_called_are_told(agent: LookedAtAgent, organisation: Organisation) -> None:
    audience_id = organisation.audience("VIP", "phone\n919876543210\n+14155552671\n", "phone")
    organisation.do_not_call("+919876543210")
    people = [{"phone_number": "+91 98765 43210"}, {"phone_number": "+442071838750"}]
    told = "1 person of the list may not be called, but is in the audience already: take them out before it is used."

    check = await agent.do("check_contacts", contacts=people, add_to_audience_id=audience_id)
    added = await agent.do("add_contacts", audience_id=audience_id, check_id=check["check_id"])

    assert told in check["warnings"]
    assert told in added["warnings"]
    assert added["added"] == 1


async def test_who_was_a_member_when_the_list_was_checked_and_is_none_now_is_added(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    audience_id = organisation.audience("VIP", "phone\n+14155552671\n+14155552672\n", "phone")
    people = [{"phone_number": "+14155552671"}, {"phone_number": "+14155552673"}]
    check = await agent.do("check_contacts", contacts=people, add_to_audience_id=audience_id)
    await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14155552671"])

    added = await agent.do("add_contacts", audience_id=audience_id, check_id=check["check_id"])

    assert (added["added"], added["counts"]["already_member"]) == (2, 0)


async def test_a_repeat_brings_nobody_back_who_was_taken_out(agent: LookedAtAgent, organisation: Organisation) -> None:
    audience_id = organisation.audience("VIP", "phone\n+14155552671\n", "phone")
    check_id = (await agent.do("check_contacts", contacts=[{"phone_number": "+14155552673"}]))["check_id"]
    await agent.do("add_contacts", audience_id=audience_id, check_id=check_id)
    await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14155552673"])

    again = await agent.do("add_contacts", audience_id=audience_id, check_id=check_id)

    assert (again["already_done"], again["verified"], again["member_count"]) == (True, False, 1)
    assert any("not stored any more" in text for text in again["warnings"])
    assert len(organisation.members(audience_id)) == 1


@pytest.mark.parametrize("status", ["in_progress", "Running", "queued"])
async def test_a_campaign_of_a_status_that_nobody_published_may_call(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, status: str
) -> None:
    audience_id = organisation.audience("VIP", "phone\n+14155552671\n", "phone")
    organisation.campaign(audience_id, "Calls", "running")

    def renamed(answer: Any) -> Any:
        answer["data"][0]["campaigns"][0]["status"] = status
        return answer

    wire.fail("GET audience", says(renamed))
    refused = await agent.fail("add_contacts", audience_id=audience_id, contacts=[{"phone_number": "+14155552673"}])

    assert refused.startswith("A campaign uses this audience and may call the new people")
