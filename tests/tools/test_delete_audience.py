"""delete_audience: asked first, bound to what was asked, done once."""

from functools import partial
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult, InputRequiredResult

from audiences_mcp import asking, calls
from audiences_mcp.config import Settings
from audiences_mcp.server import build_server
from tests.conftest import Agent, Organisation
from tests.tools.conftest import Clock, LookedAtAgent, Person, Wire, answer_lost, at, failed_before, not_reached

pytestmark = pytest.mark.anyio

DELETE = "DELETE audience/.*"


@pytest.fixture
def audience_id(organisation: Organisation) -> str:
    return organisation.audience("Old leads", "phoneNumber\n+14155552671\n+14155552672\n")


async def test_the_first_call_deletes_nothing_and_tells_what_would_be_deleted(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    organisation.campaign(audience_id, "Done calls", "completed")
    asked = await agent.do("delete_audience", audience_id=audience_id)
    assert (asked["deleted"], asked["name"], asked["member_count"]) == (False, "Old leads", 2)
    assert [campaign["name"] for campaign in asked["campaigns"]] == ["Done calls"]
    assert "Ask the person" in asked["next_step"]
    assert wire.writes == []


async def test_with_the_token_it_is_deleted_once(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    deleted = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
    again = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
    assert (deleted["deleted"], deleted["already_done"]) == (True, False)
    assert again["already_done"]
    assert organisation.audiences() == []


async def test_a_token_whose_work_is_done_says_so_also_when_it_is_old(
    agent: LookedAtAgent, audience_id: str, clock: Clock
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
    clock.forward(minutes=90)
    assert (await agent.do("delete_audience", audience_id=audience_id, confirm_token=token))["already_done"]


async def test_expired_made_up_and_foreign_tokens_have_words_of_their_own(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, clock: Clock
) -> None:
    other = organisation.audience("Other", "phoneNumber\n+14155552673\n")
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    foreign = await agent.fail("delete_audience", audience_id=other, confirm_token=token)
    made_up = await agent.fail("delete_audience", audience_id=audience_id, confirm_token="0" * 32)
    clock.forward(minutes=5.1)
    expired = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert "another audience" in foreign
    assert "unknown" in made_up
    assert "expired" in expired
    assert len(organisation.audiences()) == 2


async def test_an_audience_that_changed_since_is_asked_about_again(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    organisation.request("POST", f"audience/{audience_id}/members", json={"members": [{"phoneNumber": "+14155552679"}]})
    refused = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert "3 members now" in refused
    assert "nothing was deleted" in refused
    for member in organisation.request("GET", f"audience/{audience_id}/members", params={"offset": 9})["members"]:
        if member["data"]["phoneNumber"] == "+14155552679":
            organisation.request("DELETE", f"audience/{audience_id}/members", json={"memberIds": [member["_id"]]})
    # The token is dead, although the count is what it was.
    dead = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert dead.startswith(
        "This confirm_token was used, or has expired (it is kept at most 5 minutes): call delete_audience"
    )
    assert len(organisation.audiences()) == 1


@pytest.mark.parametrize("status", ["draft", "scheduled", "running", "paused"])
async def test_a_campaign_in_the_way_is_named_up_front(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, status: str
) -> None:
    organisation.campaign(audience_id, "May calls", status)
    refused = await agent.fail("delete_audience", audience_id=audience_id)
    assert f"'May calls' ({status})" in refused


async def test_a_deletion_whose_answer_was_lost_is_found_to_be_done(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    wire.fail(DELETE, answer_lost, times=1)
    deleted = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
    assert deleted["deleted"]
    assert organisation.audiences() == []


async def test_a_deletion_that_failed_is_told_and_may_be_repeated(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str, wire: Wire
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    wire.fail(DELETE, failed_before, times=1)
    told = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert told == (
        "outcome unknown: Atoms failed (500): Internal server error. The audience is there still; call again with the same "
        "confirm_token, which looks again and deletes only what is there still."
    )
    assert len(organisation.audiences()) == 1
    assert (await agent.do("delete_audience", audience_id=audience_id, confirm_token=token))["deleted"]


async def test_a_deletion_whose_look_up_failed_too_is_done_for_the_next_call(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    wire.fail(DELETE, answer_lost, times=1)
    wire.fail("GET audience", not_reached, skip=1, times=1)
    told = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert told.startswith(
        "outcome unknown: Atoms did not answer in time. Looking for the audience failed too; call again"
    )
    wire.forget()
    assert (await agent.do("delete_audience", audience_id=audience_id, confirm_token=token))["deleted"]
    assert wire.writes == []


async def test_an_audience_deleted_by_somebody_else_is_not_claimed(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    organisation.request("DELETE", f"audience/{audience_id}")
    refused = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert "404" in refused


# --- the person is asked directly ----------------------------------------------------------------------------------


async def test_a_person_who_can_be_asked_directly_is_and_then_it_is_deleted(
    settings: Settings, mode: Any, organisation: Organisation, audience_id: str
) -> None:
    person = Person("accept")
    async with at(person, settings, mode) as agent:
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        assert person.questions == []
        deleted = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
        again = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)

    assert deleted["deleted"]
    assert again["already_done"]
    assert person.questions == [
        "Delete the audience 'Old leads' with 2 members from Atoms for good? This cannot be undone."
    ]
    assert organisation.audiences() == []


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_no_is_never_overridden(
    settings: Settings, mode: Any, organisation: Organisation, audience_id: str, action: Any
) -> None:
    async with at(Person(action), settings, mode) as agent:
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        refused = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
        again = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)

    assert refused.startswith("The person declined when their client asked them, so nothing was deleted.")
    assert "expired" in again
    assert len(organisation.audiences()) == 1


async def test_an_answer_to_another_question_counts_for_nothing(
    settings: Settings, organisation: Organisation, audience_id: str
) -> None:
    person = Person("accept")
    async with Client(build_server(settings), mode="auto", elicitation_callback=person) as client:
        agent = Agent(client)
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        arguments = {"audience_id": audience_id, "confirm_token": token}
        asked = await client.session.call_tool("delete_audience", arguments, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        yes: dict[str, Any] = {name: ElicitResult(action="accept") for name in asked.input_requests or {}}
        guessed = await client.session.call_tool(
            "delete_audience", arguments, input_responses=yes, allow_input_required=True
        )

    assert isinstance(guessed, InputRequiredResult)
    assert len(organisation.audiences()) == 1


async def test_a_person_who_does_not_answer_has_not_agreed(
    settings: Settings, organisation: Organisation, audience_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)

    async def away(context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001
        await anyio.sleep(5)
        return ElicitResult(action="accept")

    async with Client(build_server(settings), mode="legacy", elicitation_callback=away) as client:
        agent = Agent(client)
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        refused = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)

    assert refused.startswith("The person has not answered, so nothing was changed.")
    assert len(organisation.audiences()) == 1


async def _no_time_is_left_to_who_waits_for_another() -> None:
    """Let the time of a call be up once it waits for another one."""
    while not (waiting := [call for call in calls._running if "another call" in call.waits_because]):  # noqa: ASYNC110, SLF001
        await anyio.sleep(0.01)
    waiting[0].time_limit.deadline = anyio.current_time()


@pytest.mark.parametrize("tool", ["add_contacts", "remove_audience_members"])
async def test_a_call_that_waits_for_the_answer_of_a_person_to_another_says_so(
    settings: Settings, organisation: Organisation, audience_id: str, tool: str
) -> None:
    asked, answered = anyio.Event(), anyio.Event()

    async def thinks(context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001
        asked.set()
        await answered.wait()
        return ElicitResult(action="accept")

    async with Client(build_server(settings), mode="legacy", elicitation_callback=thinks) as client:
        agent = Agent(client)
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(agent.do, "delete_audience", audience_id=audience_id, confirm_token=token))
            await asked.wait()
            tasks.start_soon(_no_time_is_left_to_who_waits_for_another)
            whom: dict[str, Any] = {"contacts": [{"phone_number": "+14155552673"}]}
            if tool == "remove_audience_members":
                whom = {"phone_numbers": ["+14155552671"]}
            told = await agent.fail(tool, audience_id=audience_id, **whom)
            answered.set()

    assert told.startswith(
        f"{tool} was stopped because another call works on the same audience or check, about which the person may be being "
        "asked: nothing was changed."
    )
    assert organisation.audiences() == []
