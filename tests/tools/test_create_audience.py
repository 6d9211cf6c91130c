"""create_audience: exactly once, whatever is repeated, raced, refused, lost or stopped half way."""

import json
from typing import Any

import anyio
import httpx  # noqa: TID251 - what a lying Atoms answers
import pytest

from audiences_mcp.config import Settings
from tests.conftest import Answer, Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Clock,
    Connect,
    LookedAtAgent,
    Send,
    Wire,
    answer_lost,
    failed_after,
    failed_before,
    hangs,
    html,
    not_reached,
    says,
    snapshot,
    too_many,
)

pytestmark = pytest.mark.anyio

PEOPLE = [
    {"phone_number": "+1 415 555 2671", "first_name": "Ann"},
    {"phone_number": "+33 6 12 34 56 78", "first_name": "Zoë", "variables": {"city": "Paris"}},
]
CREATE = "POST audience"


def numbers(count: int, start: int = 2_000_000) -> list[str]:
    """Valid numbers, all different."""
    return [f"+1415{start + n}" for n in range(count)]


def csv_of(phones: list[str]) -> str:
    return "phone\n" + "\n".join(phones) + "\n"


async def checked(agent: LookedAtAgent, contacts: Any = PEOPLE) -> str:
    return str((await agent.do("check_contacts", contacts=contacts))["check_id"])


async def checked_csv(agent: LookedAtAgent, csv_text: str) -> str:
    return str((await agent.do("check_contacts", csv_text=csv_text))["check_id"])


def names_and_counts(organisation: Organisation) -> list[tuple[str, int]]:
    return [(audience["name"], audience["memberCount"]) for audience in organisation.audiences()]


# --- once ----------------------------------------------------------------------------------------------------------


async def test_the_ready_rows_of_a_check_become_an_audience_that_is_read_back(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent, [*PEOPLE, {"phone_number": "12"}, PEOPLE[0]])

    made = await agent.do(
        "create_audience", name=" May  leads\n", check_id=check_id, description="Renewals\x07 \u202eof May"
    )

    snapshot("results/create_audience", made)
    [audience] = organisation.audiences()
    assert (audience["name"], audience["description"], audience["memberCount"]) == ("May leads", "Renewals of May", 2)
    assert organisation.members(audience["_id"]) == [
        {"phoneNumber": "+14155552671", "firstName": "Ann", "lastName": "", "city": ""},
        {"phoneNumber": "+33612345678", "firstName": "Zoë", "lastName": "", "city": "Paris"},
    ]
    assert wire.writes == [CREATE]


async def test_the_same_check_under_the_same_name_again_sends_nothing(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    first = await agent.do("create_audience", name="May", check_id=check_id)
    wire.forget()

    again = await agent.do("create_audience", name=" mAY ", check_id=check_id)
    third = await agent.do("create_audience", name="May", check_id=check_id)

    assert again == third
    assert again == {
        **first,
        "already_done": True,
        "summary": "Already done, so nothing was sent again. Made 1 audience with 2 people.",
    }
    assert not wire.writes
    assert names_and_counts(organisation) == [("May", 2)]


async def test_two_calls_at_once_make_one_audience(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    made: list[dict[str, Any]] = []

    async def create() -> None:
        made.append(await agent.do("create_audience", name="May", check_id=check_id))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(create)

    assert [each["already_done"] for each in made] == [False, True, True, True]
    assert len({each["audiences"][0]["audience_id"] for each in made}) == 1
    assert wire.writes == [CREATE]
    assert names_and_counts(organisation) == [("May", 2)]


async def test_the_same_people_typed_again_under_the_same_name_make_no_second_audience(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    first = await agent.do("create_audience", name="May", contacts=PEOPLE)
    again = await agent.do("create_audience", name="May", contacts=PEOPLE)

    assert not first["already_done"]
    assert again["already_done"]
    assert again["audiences"] == first["audiences"]
    assert wire.writes == [CREATE]
    assert names_and_counts(organisation) == [("May", 2)]


async def test_an_audience_deleted_since_is_made_again_from_a_new_check(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    first = await agent.do("create_audience", name="May", contacts=PEOPLE)
    organisation.request("DELETE", f"audience/{first['audiences'][0]['audience_id']}")

    again = await agent.do("create_audience", name="May", contacts=PEOPLE)

    assert not again["already_done"]
    assert names_and_counts(organisation) == [("May", 2)]


async def test_typed_contacts_tell_the_warnings_that_nobody_has_seen(agent: LookedAtAgent) -> None:
    made = await agent.do("create_audience", name="May", contacts=[{"phone_number": "tel:+14155552671.0"}])

    assert made["warnings"][:2] == [
        "1 number: the .0 that spreadsheets add to whole numbers was left off.",
        "1 number: the label in front, such as p: or tel:, was left off.",
    ]


# --- one target ----------------------------------------------------------------------------------------------------


async def test_a_check_is_committed_to_one_target_only(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    vip = organisation.audience("VIP", "phoneNumber\n+14155550000\n")
    check_id = await checked(agent)
    await agent.do("create_audience", name="May", check_id=check_id)
    wire.forget()

    other_name = await agent.fail("create_audience", name="June", check_id=check_id)
    other_tool = await agent.fail("add_contacts", audience_id=vip, check_id=check_id)

    assert other_name == other_tool
    assert other_name == (
        "This check_id was used for create_audience with the name 'May', and a check is committed to one target only; "
        "nothing was sent. For another target call check_contacts again."
    )
    assert not wire.writes


async def test_a_check_that_was_refused_is_free_for_another_name(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    organisation.audience("May", "phoneNumber\n+14155550000\n")
    check_id = await checked(agent)

    await agent.fail("create_audience", name="May", check_id=check_id)
    await agent.do("create_audience", name="June", check_id=check_id)

    assert names_and_counts(organisation) == [("May", 1), ("June", 2)]


@pytest.mark.parametrize("name", ["May leads", "  mAY   LEADS "])
async def test_an_audience_of_the_same_name_is_told_with_its_id_and_count(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, name: str
) -> None:
    existing = organisation.audience("may Leads", "phoneNumber\n+14155550000\n")
    check_id = await checked(agent)

    refused = await agent("create_audience", name=name, check_id=check_id)

    assert refused.is_error
    assert refused.text.startswith(
        f"An audience of this name exists already: {existing} with 1 member; nothing was sent. To extend it use "
        f"add_contacts with the same check_id; else choose another name, or set allow_same_name.\ncheck_id: {check_id}\n"
        "counts: rows 2, ready 2,"
    )
    assert refused.data["audiences"] == []
    assert not wire.writes


async def test_the_same_name_is_allowed_when_asked_for(agent: LookedAtAgent, organisation: Organisation) -> None:
    organisation.audience("May", "phoneNumber\n+14155550000\n")

    check_id = await checked(agent)
    await agent.fail("create_audience", name="MAY", check_id=check_id)
    await agent.do("create_audience", name="May", check_id=check_id, allow_same_name=True)

    assert names_and_counts(organisation) == [("May", 1), ("May", 2)]


# --- refused -------------------------------------------------------------------------------------------------------


async def test_typed_contacts_with_an_invalid_one_are_refused_whole_and_then_sent_knowingly(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    contacts = [*PEOPLE, {"phone_number": "(202) 555-0123", "first_name": "Lee"}]

    refused = await agent("create_audience", name="May", contacts=contacts)

    snapshot("results/create_refused", {"text": refused.text, "data": refused.data})
    assert refused.is_error
    assert not wire.writes
    made = await agent.do("create_audience", name="May", check_id=refused.data["check_id"])
    assert made["counts"] == refused.data["counts"]
    assert names_and_counts(organisation) == [("May", 2)]


async def test_a_refusal_lists_the_first_ten_problems_in_its_text(agent: LookedAtAgent) -> None:
    refused = await agent.fail("create_audience", name="May", contacts=[{"phone_number": "12"}] * 15)

    assert refused.count("\nrow ") == 10


async def test_a_check_without_a_ready_row_is_refused(agent: LookedAtAgent, wire: Wire) -> None:
    refused = await agent.fail("create_audience", name="May", check_id=await checked(agent, [{"phone_number": "12"}]))

    assert refused.startswith("No row is ready to be called, so nothing was sent. Mend the rows and check again.\n")
    assert not wire.writes


@ONE_REVISION
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "May"}, "Give either check_id, from check_contacts, or contacts, for a few people; not both."),
        (
            {"name": "May", "check_id": "0" * 32, "contacts": PEOPLE},
            "Give either check_id, from check_contacts, or contacts, for a few people; not both.",
        ),
        (
            {"name": " \u202e\x00", "contacts": PEOPLE},
            "name must not be blank: give the audience a name. Nothing was sent.",
        ),
        ({"name": "", "contacts": PEOPLE}, "Invalid arguments for create_audience: name must not be empty"),
        (
            {"name": "x" * 151, "contacts": PEOPLE},
            "Invalid arguments for create_audience: name must have at most 150 characters",
        ),
        ({"name": "May", "contacts": []}, "The list is empty: give at least one contact."),
        (
            {"name": "May", "contacts": [PEOPLE[0]] * 1_001},
            "Invalid arguments for create_audience: contacts must have at most 1,000 items",
        ),
        (
            {"name": "May", "check_id": "made up"},
            (
                "This check_id is unknown, or the server was restarted since: call check_contacts, or audit_audience, "
                "again and use the check_id of its answer. Nothing was changed."
            ),
        ),
        (
            {"name": "May", "contacts": PEOPLE, "split": "maybe"},
            "Invalid arguments for create_audience: split must be true or false",
        ),
    ],
)
async def test_what_cannot_be_made_is_refused_before_anything_is_sent(
    agent: LookedAtAgent, wire: Wire, arguments: dict[str, Any], said: str
) -> None:
    assert await agent.fail("create_audience", **arguments) == said
    assert not wire.writes


async def test_an_expired_check_is_refused(agent: LookedAtAgent, clock: Clock, wire: Wire) -> None:
    check_id = await checked(agent)
    clock.forward(minutes=61)

    refused = await agent.fail("create_audience", name="May", check_id=check_id)

    assert refused.startswith("This check_id has expired (it is kept at most 60 minutes): call check_contacts, or")
    assert not wire.writes


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (not_reached, "Atoms could not be reached; nothing was sent."),
        (too_many, "Atoms got too many requests (429); nothing was changed."),
        (html, "Atoms answered 200 with something that is not the documented JSON."),
    ],
)
async def test_when_atoms_cannot_be_asked_nothing_is_sent_and_the_report_is_told(
    agent: LookedAtAgent, wire: Wire, fault: Any, said: str
) -> None:
    check_id = await checked(agent)
    wire.fail("GET audience", fault)

    refused = await agent("create_audience", name="May", check_id=check_id)
    wire.mend()

    assert refused.text.startswith(said)
    assert f"check_id: {check_id}\ncounts: rows 2, ready 2," in refused.text
    assert refused.data["next_step"].startswith(said)
    assert not wire.writes
    await agent.do("create_audience", name="June", check_id=check_id)


@pytest.mark.parametrize("fault", [not_reached, too_many])
async def test_when_the_audience_surely_was_not_made_the_check_is_free_again(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, fault: Any
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, fault, times=1)

    refused = await agent.fail("create_audience", name="May", check_id=check_id)
    await agent.do("create_audience", name="June", check_id=check_id)

    assert "nothing was" in refused
    assert "outcome unknown" not in refused
    assert names_and_counts(organisation) == [("June", 2)]


async def test_a_wrong_key_is_told_as_such(settings: Settings, connect: Connect) -> None:
    async with connect(Settings(api_key="none", api_url=settings.api_url), None) as agent:
        report = await agent.do("check_contacts", contacts=PEOPLE)
        refused = await agent.fail("create_audience", name="May", check_id=report["check_id"])

    assert refused.startswith(
        "Atoms did not accept the API key (401); nothing was changed. Set SMALLEST_API_KEY to a key"
    )


# --- do-not-call ---------------------------------------------------------------------------------------------------


async def test_people_who_came_on_the_do_not_call_list_since_the_check_are_left_out(
    agent: LookedAtAgent, organisation: Organisation, clock: Clock
) -> None:
    check_id = await checked(agent)
    organisation.do_not_call("33612345678")
    clock.forward(minutes=6)

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["counts"] == {
        "rows": 2,
        "ready": 1,
        "invalid": 0,
        "duplicate": 0,
        "suppressed": 1,
        "already_member": 0,
        "filtered_out": 0,
    }
    assert [(row["row"], row["reason"]) for row in made["problems"]] == [(2, "do_not_call")]
    assert names_and_counts(organisation) == [("May", 1)]


async def test_a_commit_without_the_do_not_call_list_says_so(agent: LookedAtAgent, wire: Wire, clock: Clock) -> None:
    check_id = await checked(agent)
    clock.forward(minutes=6)
    wire.fail("GET dnc", failed_before)

    made = await agent.do("create_audience", name="May", check_id=check_id)

    told = "The do-not-call list was not checked, because Atoms did not give it."
    assert made["warnings"] == [told]
    assert made["next_step"].endswith(told)


async def test_people_who_came_on_the_do_not_call_list_after_they_were_sent_are_told_of(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, clock: Clock
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, answer_lost, times=1)
    wire.fail("GET audience", failed_before, skip=1)

    unknown = await agent.fail("create_audience", name="May", check_id=check_id)
    wire.mend()
    organisation.do_not_call("33612345678")
    clock.forward(minutes=6)
    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert unknown.startswith("outcome unknown")
    assert (made["counts"]["suppressed"], made["audiences"][0]["member_count"]) == (1, 2)
    (told,) = made["warnings"]
    assert told == (
        "1 person of this list may not be called now but is in the audience, sent by an earlier call: take them out before "
        "a campaign uses it."
    )


# --- large lists ---------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_more_than_10_000_people_need_leave_to_be_split(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked_csv(agent, csv_of(numbers(25_000)))

    refused = await agent.fail("create_audience", name="May", check_id=check_id)
    made = await agent.do("create_audience", name="May", check_id=check_id, split=True)
    again = await agent.do("create_audience", name="May", check_id=check_id, split=True)

    assert refused.startswith(
        "25,000 people need 3 audiences of at most 10,000; nothing was sent. Call again with the same check_id and "
        "split=true to make them.\n"
    )
    assert names_and_counts(organisation) == [
        ("May (1 of 3)", 10_000),
        ("May (2 of 3)", 10_000),
        ("May (3 of 3)", 5_000),
    ]
    assert [audience["member_count"] for audience in made["audiences"]] == [10_000, 10_000, 5_000]
    assert made["verified"]
    assert made["summary"] == "Made 3 audiences with 25,000 people."
    assert again["already_done"]
    assert wire.writes == [CREATE] * 3


@ONE_REVISION
async def test_a_split_that_stops_half_way_continues_where_it_stopped(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, clock: Clock
) -> None:
    phones = numbers(10_003)
    check_id = await checked_csv(agent, csv_of(phones))
    wire.fail(CREATE, not_reached, skip=1, times=1)

    stopped = await agent("create_audience", name="May", check_id=check_id, split=True)
    elsewhere = await agent.fail("create_audience", name="June", check_id=check_id, split=True)
    organisation.do_not_call(phones[-1])
    clock.forward(minutes=6)
    made = await agent.do("create_audience", name="May", check_id=check_id, split=True)

    first = organisation.audiences()[0]["_id"]
    assert stopped.text.startswith(
        "Stopped half way: 1 of 2 audiences exist. The last request failed: Atoms could not be reached; nothing was sent."
    )
    assert f"\naudience {first} holds 10,000 of them" in stopped.text
    assert [audience["audience_id"] for audience in stopped.data["audiences"]] == [first]
    assert "This check_id was used for create_audience with the name 'May'" in elsewhere
    assert names_and_counts(organisation) == [("May (1 of 2)", 10_000), ("May (2 of 2)", 2)]
    assert (made["verified"], made["already_done"]) == (True, False)


@ONE_REVISION
async def test_a_part_whose_last_people_came_on_the_do_not_call_list_is_not_made(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, clock: Clock
) -> None:
    phones = numbers(10_001)
    check_id = await checked_csv(agent, csv_of(phones))
    wire.fail(CREATE, not_reached, skip=1, times=1)

    await agent.fail("create_audience", name="May", check_id=check_id, split=True)
    organisation.do_not_call(phones[-1])
    clock.forward(minutes=6)
    await agent.do("create_audience", name="May", check_id=check_id, split=True)

    assert names_and_counts(organisation) == [("May (1 of 2)", 10_000)]


@pytest.fixture
def wide(organisation: Organisation) -> list[str]:
    """Stored audiences whose people, together, are a CSV of over 5 MB."""
    rows = [
        "".join(f"{phone},{'x' * 1_800}\n" for phone in numbers(1_000, start))
        for start in range(2_000_000, 2_003_000, 1_000)
    ]
    return [organisation.audience(f"Old {n}", f"phoneNumber,note\n{part}") for n, part in enumerate(rows)]


@ONE_REVISION
async def test_a_csv_of_over_5_mb_is_one_audience(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, wide: list[str]
) -> None:
    report = await agent.do("check_contacts", from_audiences=wide)

    made = await agent.do("create_audience", name="May", check_id=report["check_id"])

    created = made["audiences"][0]["audience_id"]
    assert wire.writes == [CREATE, f"POST audience/{created}/members", f"POST audience/{created}/members"]
    assert names_and_counts(organisation)[3:] == [("May", 3_000)]
    assert made["verified"]


@ONE_REVISION
async def test_a_large_audience_that_stops_half_way_is_completed_without_doubling(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, wide: list[str]
) -> None:
    report = await agent.do("check_contacts", from_audiences=wide)
    wire.fail("POST audience/.*/members", failed_before, skip=1, times=1)

    stopped = await agent("create_audience", name="May", check_id=report["check_id"])
    made = await agent.do("create_audience", name="May", check_id=report["check_id"])

    assert stopped.text.startswith(
        "Stopped half way: 1 of 1 audience exist. The last request failed: Atoms failed (500):"
    )
    assert stopped.data["audiences"][0]["member_count"] == 2_500
    assert made["verified"]
    assert names_and_counts(organisation)[3:] == [("May", 3_000)]


@ONE_REVISION
async def test_a_half_made_audience_that_was_deleted_since_is_made_anew(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, wide: list[str]
) -> None:
    report = await agent.do("check_contacts", from_audiences=wide)
    wire.fail("POST audience/.*/members", not_reached, times=1)
    stopped = await agent("create_audience", name="May", check_id=report["check_id"])
    organisation.request("DELETE", f"audience/{stopped.data['audiences'][0]['audience_id']}")

    made = await agent.do("create_audience", name="May", check_id=report["check_id"])

    assert made["verified"]
    assert names_and_counts(organisation)[3:] == [("May", 3_000)]


@ONE_REVISION
async def test_a_long_job_tells_how_far_it_is(agent: LookedAtAgent) -> None:
    check_id = await checked_csv(agent, csv_of(numbers(10_001)))
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    arguments = {"name": "May", "check_id": check_id, "split": True}
    await agent.client.call_tool("create_audience", arguments, progress_callback=note)

    assert told == [
        (0, 10_001, "Making audience 1 of 2"),
        (10_000, 10_001, "Making audience 2 of 2"),
        (10_001, 10_001, "Reading back what Atoms stored"),
    ]


# --- lost answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [answer_lost, failed_after])
async def test_an_audience_whose_answer_was_lost_is_found_and_taken_as_made(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, fault: Any
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, fault)

    made = await agent.do("create_audience", name="May", check_id=check_id)
    again = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"]
    assert again["already_done"]
    assert made["audiences"][0]["audience_id"] == organisation.audiences()[0]["_id"]
    assert names_and_counts(organisation) == [("May", 2)]
    assert wire.writes == [CREATE]


async def test_when_nothing_is_found_the_outcome_is_unknown_and_the_same_call_sends_once(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, failed_before)

    unknown = await agent("create_audience", name="May", check_id=check_id)
    elsewhere = await agent.fail("create_audience", name="June", check_id=check_id)
    wire.mend()
    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert unknown.text.startswith("outcome unknown: the answer of Atoms was lost. Atoms failed (500):")
    assert "No audience of this name is there yet. Call again with the same check_id, which looks again" in unknown.text
    assert f"\ncheck_id: {check_id}\n" in unknown.text
    assert unknown.data["verified"] is False
    assert "used for create_audience with the name 'May'" in elsewhere
    assert made["verified"]
    assert names_and_counts(organisation) == [("May", 2)]
    assert wire.writes == [CREATE, CREATE]


async def test_an_audience_that_appears_after_the_look_ups_is_found_by_the_same_call(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, failed_before)
    await agent.fail("create_audience", name="May", check_id=check_id)
    late = organisation.audience("May", "phoneNumber\n+33612345678\n+14155552671\n")

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["audiences"][0]["audience_id"] == late
    assert names_and_counts(organisation) == [("May", 2)]


async def test_when_the_look_up_fails_too_the_outcome_is_unknown(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, answer_lost)
    wire.fail("GET audience", failed_before, skip=1)

    unknown = await agent.fail("create_audience", name="May", check_id=check_id)
    wire.mend()
    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert unknown.startswith("outcome unknown: the answer of Atoms was lost. Looking for what was sent failed too.")
    assert made["verified"]
    assert names_and_counts(organisation) == [("May", 2)]
    assert wire.writes == [CREATE]


async def test_a_look_up_that_fails_once_is_made_again(agent: LookedAtAgent, wire: Wire) -> None:
    check_id = await checked(agent)
    wire.fail(CREATE, answer_lost)
    wire.fail("GET audience", failed_before, skip=1, times=1)

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"]
    assert wire.writes == [CREATE]


async def test_somebody_elses_audience_of_that_name_is_not_taken_for_ours(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)

    async def overtaken(_: Send, __: httpx.Request) -> httpx.Response:
        await anyio.to_thread.run_sync(organisation.audience, "MAY", "phoneNumber\n+14155550000\n")
        return httpx.Response(502, html="<h1>Bad gateway</h1>")

    wire.fail(CREATE, overtaken)

    unknown = await agent.fail("create_audience", name="May", check_id=check_id)
    again = await agent.fail("create_audience", name="May", check_id=check_id)

    theirs = organisation.audiences()[0]["_id"]
    for text in (unknown, again):
        assert text.startswith(
            "outcome unknown: the answer of Atoms was lost. An audience of this name has appeared, "
            f"{theirs} with 1 member, but it does not hold just the people sent."
        )
    assert names_and_counts(organisation) == [("MAY", 1)]
    assert wire.writes == [CREATE]


async def test_two_checks_of_one_list_under_one_name_make_one_audience_after_a_lost_answer(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    wire.fail(CREATE, answer_lost)
    wire.fail("GET audience", failed_before, skip=1)
    await agent.fail("create_audience", name="May", contacts=PEOPLE)
    wire.mend()

    made = await agent.do("create_audience", name="May", contacts=PEOPLE)

    assert made["verified"]
    assert names_and_counts(organisation) == [("May", 2)]
    assert wire.writes == [CREATE]


async def test_a_cancelled_call_is_looked_up_by_the_next_one(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    check_id = await checked(agent)
    stored = anyio.Event()
    wire.fail(CREATE, hangs(stored))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: agent("create_audience", name="May", check_id=check_id))
        await stored.wait()
        tasks.cancel_scope.cancel()
    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"]
    assert names_and_counts(organisation) == [("May", 2)]
    assert wire.writes == [CREATE]


# --- read back -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("read_back_in_vain")
async def test_a_count_that_differs_is_no_error_and_both_counts_are_told(agent: LookedAtAgent, wire: Wire) -> None:
    check_id = await checked(agent)
    wire.fail("GET audience/.*/members", says(lambda body: {**body, "data": {**body["data"], "totalCount": 1}}))

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"] is False
    assert made["warnings"] == ["2 members should be stored; the count that Atoms gives is 1. Look again later."]
    assert made["audiences"][0]["member_count"] == 1


async def test_a_count_that_comes_late_or_cannot_be_read_at_once_is_waited_for(
    agent: LookedAtAgent, wire: Wire
) -> None:
    check_id = await checked(agent)
    wire.fail(
        "GET audience/.*/members", says(lambda body: {**body, "data": {**body["data"], "totalCount": 1}}), times=1
    )
    wire.fail("GET audience/.*/members", failed_before, times=1)

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"] is True
    assert made["warnings"] == []


@pytest.mark.usefixtures("read_back_in_vain")
async def test_a_count_that_cannot_be_read_is_told_as_such(agent: LookedAtAgent, wire: Wire) -> None:
    check_id = await checked(agent)
    wire.fail("GET audience/.*/members", html)

    made = await agent.do("create_audience", name="May", check_id=check_id)

    assert made["verified"] is False
    assert made["warnings"] == [
        "2 members should be stored; the count that Atoms gives is not readable. Look again later."
    ]


# --- size ----------------------------------------------------------------------------------------------------------


async def test_a_refusal_that_would_flood_the_conversation_is_cut_and_stays_complete(agent: LookedAtAgent) -> None:
    hostile = json.dumps([{"phone_number": '"' * 98 + "12", "first_name": '"' * 80}] * 1_000)

    refused: Answer = await agent("create_audience", name="May", contacts=hostile)

    assert refused.is_error
    assert len(json.dumps(refused.data, ensure_ascii=False)) <= 21_000
    assert "Too long to show whole; shown are 25 of 50 problems." in refused.data["summary"]


# --- what became of it since ---------------------------------------------------------------------------------------


async def test_a_repeat_tells_who_is_not_stored_any_more_and_adds_nobody(agent: LookedAtAgent, wire: Wire) -> None:
    people = [{"phone_number": "+14155552671"}, {"phone_number": "+14155552672"}]
    made = await agent.do("create_audience", name="S", contacts=people)
    audience_id = made["audiences"][0]["audience_id"]
    await agent.do("remove_audience_members", audience_id=audience_id, phone_numbers=["+14155552671"])
    await agent.do("add_contacts", audience_id=audience_id, contacts=[{"phone_number": "+14155552673"}])
    wire.forget()

    again = await agent.do("create_audience", name="S", contacts=people)

    assert again["already_done"]
    assert not again["verified"]
    assert any(text.startswith("1 person of this list is not stored any more") for text in again["warnings"])
    assert wire.writes == []


async def test_what_was_deleted_is_not_made_again_by_the_same_check(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    check_id = (await agent.do("check_contacts", contacts=[{"phone_number": "+14155552671"}]))["check_id"]
    made = await agent.do("create_audience", name="S", check_id=check_id)
    organisation.request("DELETE", f"audience/{made['audiences'][0]['audience_id']}")

    refused = await agent.fail("create_audience", name="S", check_id=check_id)
    anew = await agent.do("create_audience", name="S", contacts=[{"phone_number": "+14155552671"}])

    assert "has been deleted since; nothing was sent again" in refused
    assert not anew["already_done"]


async def test_typed_contacts_who_say_no_are_not_sent_unseen(agent: LookedAtAgent, organisation: Organisation) -> None:
    people = [
        {"phone_number": "+14155552671", "variables": {"Consent": "no"}},
        {"phone_number": "+14155552672", "variables": {"Consent": "yes"}},
    ]
    vip = organisation.audience("VIP", "phoneNumber,firstName,lastName,Consent\n+14155552679,,,yes\n")

    refused = await agent.fail("create_audience", name="S", contacts=people)
    not_added = await agent.fail("add_contacts", audience_id=vip, contacts=people)

    assert refused.startswith("1 contact says no to being called, so nothing was sent.")
    assert not_added.startswith("1 contact says no to being called, so nothing was sent.")
    assert [audience["memberCount"] for audience in organisation.audiences()] == [1]


async def test_the_same_list_with_other_columns_is_another_list(agent: LookedAtAgent) -> None:
    csv = "phone,Name\n+14155552671,Ann\n"
    first = await agent.do("check_contacts", csv_text=csv)
    await agent.do("create_audience", name="S", check_id=first["check_id"])
    second = await agent.do("check_contacts", csv_text=csv, column_mapping={"Name": "firstName"})

    refused = await agent.fail("create_audience", name="S", check_id=second["check_id"])

    assert refused.startswith("An audience of this name exists already:")
