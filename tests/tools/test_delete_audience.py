"""delete_audience: asked first, bound to what was asked, done once."""

import pytest

from tests.conftest import Organisation
from tests.tools.conftest import Clock, LookedAtAgent, Wire, answer_lost, failed_before, not_reached

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
    await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert len(organisation.audiences()) == 1
    assert (await agent.do("delete_audience", audience_id=audience_id, confirm_token=token))["deleted"]


async def test_a_deletion_whose_look_up_failed_too_is_done_for_the_next_call(
    agent: LookedAtAgent, audience_id: str, wire: Wire
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    wire.fail(DELETE, answer_lost, times=1)
    wire.fail("GET audience", not_reached, skip=1, times=1)
    await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert (await agent.do("delete_audience", audience_id=audience_id, confirm_token=token))["deleted"]


async def test_an_audience_deleted_by_somebody_else_is_not_claimed(
    agent: LookedAtAgent, organisation: Organisation, audience_id: str
) -> None:
    token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
    organisation.request("DELETE", f"audience/{audience_id}")
    refused = await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)
    assert "404" in refused
