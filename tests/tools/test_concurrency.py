"""Many calls at once: each thing is done exactly once, and no call holds up the others."""

import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport
import pytest
from mcp import Client, StdioServerParameters

from tests.conftest import Agent, Organisation
from tests.processes import environment, unmeasured
from tests.tools.conftest import ONE_REVISION, LookedAtAgent, Send, Wire
from tests.tools.watched_server import EVERY

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
VIP = "phoneNumber\n+14155550000\n919876543210\n"
MOST_SECONDS = 0.05
"""What the event loop may be held up."""

ATTEMPTS = 3
"""A machine that does much else at once may hold up anything; what holds once, holds."""


def people(*places: int) -> list[dict[str, str]]:
    return [{"phone_number": f"+1415{2_000_000 + place}"} for place in places]


def csv_of(rows: int, first: int = 0) -> str:
    """A list of people as they come from a customer system, and the same each time."""
    numbers = (f"+1{area}{2_000_000 + place}" for area in (212, 303, 415, 702) for place in range(7_000_000))
    lines = (
        f"{number},Person {place},Springfield\n" for place, number in zip(range(first + rows), numbers, strict=False)
    )
    return "phoneNumber,name,city\n" + "".join(line for place, line in enumerate(lines) if place >= first)


async def all_at_once(*calls: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Make calls at the same time and return what they return, in their order."""
    results: dict[int, Any] = {}

    async def note(place: int, call: Callable[[], Awaitable[Any]]) -> None:
        results[place] = await call()

    async with anyio.create_task_group() as tasks:
        for place, call in enumerate(calls):
            tasks.start_soon(note, place, call)
    return [results[place] for place in range(len(calls))]


def stored(organisation: Organisation) -> dict[str, Counter[str]]:
    """How often each number stands in each audience, by the audiences' names, of which no two are alike."""
    audiences = organisation.audiences()
    found = {
        each["name"]: Counter(member["phoneNumber"].lstrip("+") for member in organisation.members(each["_id"]))
        for each in audiences
    }
    assert len(found) == len(audiences)
    return found


def once(*places: int) -> Counter[str]:
    return Counter(person["phone_number"].lstrip("+") for person in people(*places))


@pytest.fixture
def vip(organisation: Organisation) -> str:
    return organisation.audience("VIP", VIP)


async def _slow(send: Send, request: httpx.Request) -> httpx.Response:
    """The request takes a while to arrive, so that others come in between if they can."""
    await anyio.sleep(0.1)
    return await send(request)


# --- once each -----------------------------------------------------------------------------------------------------


async def test_two_additions_of_overlapping_lists_add_each_person_once(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, vip: str
) -> None:
    wire.fail("POST .*", _slow)

    added = await all_at_once(
        partial(agent.do, "add_contacts", audience_id=vip, contacts=people(1, 2, 3)),
        partial(agent.do, "add_contacts", audience_id=vip, contacts=people(2, 3, 4)),
    )

    assert sorted(each["added"] for each in added) == [1, 3]
    assert sum(each["counts"]["already_member"] for each in added) == 2
    assert all(each["verified"] for each in added)
    assert stored(organisation)["VIP"] == once(1, 2, 3, 4) + Counter(["14155550000", "919876543210"])


@pytest.mark.parametrize("tool", ["create_audience", "add_contacts"])
async def test_one_check_committed_twice_at_once_is_sent_once(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, vip: str, tool: str
) -> None:
    wire.fail("POST .*", _slow)
    report = await agent.do("check_contacts", contacts=people(1, 2))
    target = {"name": "May"} if tool == "create_audience" else {"audience_id": vip}

    done = await all_at_once(*[partial(agent.do, tool, check_id=report["check_id"], **target)] * 2)

    assert sorted(each["already_done"] for each in done) == [False, True]
    assert done[0]["audiences"] == done[1]["audiences"]
    assert len(wire.writes) == 1
    assert stored(organisation)["May" if tool == "create_audience" else "VIP"] >= once(1, 2)


async def test_one_list_under_two_checks_and_one_name_at_once_is_one_audience(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire
) -> None:
    wire.fail("POST .*", _slow)
    checks = [(await agent.do("check_contacts", contacts=people(1, 2)))["check_id"] for _ in range(2)]

    made = await all_at_once(
        partial(agent.do, "create_audience", name="May", check_id=checks[0]),
        partial(agent.do, "create_audience", name=" MAY", check_id=checks[1]),
    )

    assert sorted(each["already_done"] for each in made) == [False, True]
    assert len({each["audiences"][0]["audience_id"] for each in made}) == 1
    assert len(wire.writes) == 1
    assert list(stored(organisation).values()) == [once(1, 2)]


@pytest.mark.parametrize("slow", ["POST .*", "DELETE .*", "GET .*/members", "none"])
async def test_an_addition_beside_a_deletion_comes_before_it_and_stops_it_or_after_it_and_finds_nothing(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, vip: str, slow: str
) -> None:
    token = (await agent.do("delete_audience", audience_id=vip))["confirm_token"]
    wire.fail(slow, _slow)

    added, deleted = await all_at_once(
        partial(agent, "add_contacts", audience_id=vip, contacts=people(1)),
        partial(agent, "delete_audience", audience_id=vip, confirm_token=token),
    )

    if deleted.is_error:
        assert deleted.text.startswith("The audience has 3 members now and had 2 when the token was given")
        assert added.data["verified"]
        assert stored(organisation)["VIP"] >= once(1)
    else:
        assert added.text.startswith("Atoms has nothing with that id for this key (404)")
        assert stored(organisation) == {}


# --- fifty calls ---------------------------------------------------------------------------------------------------


async def fifty_calls(agent: Agent, organisation: Organisation, vip: str) -> None:
    """Make fifty calls on one connection, of which many want the same, and look at what came of them."""
    calls: list[tuple[str, dict[str, Any]]] = []
    for turn in range(10):
        calls += [
            ("check_contacts", {"contacts": people(*range(50)), "add_to_audience_id": vip}),
            ("create_audience", {"name": f"List {turn % 2}", "contacts": people(1, 2)}),
            ("add_contacts", {"audience_id": vip, "contacts": people(turn, turn + 1)}),
            ("list_audiences", {}),
            ("list_audience_members", {"audience_id": vip}),
        ]

    done = await all_at_once(*[partial(agent.do, tool, **arguments) for tool, arguments in calls])

    checked, created, added, listed, shown = (done[kind::5] for kind in range(5))
    assert len({report["check_id"] for report in checked}) == 10
    assert sum(not each["already_done"] for each in created) == 2
    assert sum(each["added"] for each in added) == 11
    assert all(each["total"] >= 1 for each in listed)
    assert all(each["total"] >= 2 for each in shown)
    assert stored(organisation) == {
        "VIP": once(*range(11)) + Counter(["14155550000", "919876543210"]),
        "List 0": once(1, 2),
        "List 1": once(1, 2),
    }


async def test_fifty_calls_in_flight_on_one_connection_do_each_thing_once(
    agent: LookedAtAgent, organisation: Organisation, vip: str
) -> None:
    await fifty_calls(agent, organisation, vip)


@asynccontextmanager
async def over_stdio(organisation: Organisation, mode: Any, *arguments: str, **settings: str) -> AsyncIterator[Agent]:
    """Start a server as a process of its own."""
    variables = environment(SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=organisation.url, **settings)
    if arguments[0] != "audiences_mcp":  # it is watched: measuring its lines would hold it up six times as long
        variables = unmeasured(variables)
    server = StdioServerParameters(command=sys.executable, args=["-m", *arguments], env=variables, cwd=ROOT)
    async with Client(server, mode=mode) as client:
        yield Agent(client)


async def test_fifty_calls_in_flight_over_stdio_do_each_thing_once(
    organisation: Organisation, mode: Any, vip: str
) -> None:
    async with over_stdio(organisation, mode, "audiences_mcp") as agent:
        await fifty_calls(agent, organisation, vip)


# --- the event loop ------------------------------------------------------------------------------------------------

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Desk:
    """What a long call can use to get ready."""

    agent: Agent
    organisation: Organisation
    folder: Path
    turn: int

    async def checked(self, rows: int, **arguments: Any) -> str:
        """Return the check_id of a long list."""
        (self.folder / "list.csv").write_text(csv_of(rows))
        report = await self.agent.do("check_contacts", file_path="list.csv", **arguments)
        assert report["counts"]["rows"] == rows
        return str(report["check_id"])


async def _a_file_is_checked(desk: Desk) -> Call:
    (desk.folder / "list.csv").write_text(csv_of(100_000))
    return "check_contacts", {"file_path": "list.csv"}


async def _rows_are_searched(desk: Desk) -> Call:
    return "list_check_rows", {"check_id": await desk.checked(100_000), "contains": "PERSON 99"}


async def _audiences_are_made(desk: Desk) -> Call:
    return "create_audience", {"name": f"May {desk.turn}", "check_id": await desk.checked(25_000), "split": True}


async def _people_are_added(desk: Desk) -> Call:
    stranger = csv_of(1, first=50_000)
    audience_id = desk.organisation.audience(f"VIP {desk.turn}", stranger)
    check_id = await desk.checked(9_999, add_to_audience_id=audience_id)
    return "add_contacts", {"audience_id": audience_id, "check_id": check_id}


async def _audiences_are_read(desk: Desk) -> Call:
    audience_id = desk.organisation.audience(f"Full {desk.turn}", csv_of(10_000))
    return "check_contacts", {"from_audiences": [audience_id]}


async def _atoms_is_asked_for_the_first_time(_: Desk) -> Call:
    return "list_audiences", {}


LONG = (
    _a_file_is_checked,
    _rows_are_searched,
    _audiences_are_made,
    _people_are_added,
    _audiences_are_read,
    _atoms_is_asked_for_the_first_time,
)


@ONE_REVISION
@pytest.mark.parametrize("get_ready", LONG)
async def test_the_event_loop_is_free_while(
    organisation: Organisation, mode: Any, tmp_path: Path, get_ready: Callable[[Desk], Awaitable[Call]]
) -> None:
    held_up: list[float] = []

    while len(held_up) < ATTEMPTS and min(held_up, default=1.0) > MOST_SECONDS:
        notes = tmp_path / f"rounds {len(held_up)}.txt"
        watched = ("tests.tools.watched_server", str(notes))
        async with over_stdio(organisation, mode, *watched, AUDIENCES_MCP_FOLDERS=str(tmp_path)) as agent:
            tool, arguments = await get_ready(Desk(agent, organisation, tmp_path, len(held_up)))
            started = monotonic()
            await agent.do(tool, **arguments)
            ended = monotonic()
            await anyio.sleep(0.1)  # the last round may have been the long one
        rounds = [tuple(map(float, line.split())) for line in notes.read_text().splitlines()]
        held_up.append(max(used - EVERY for moment, used in rounds if started <= moment <= ended + 0.1))

    assert min(held_up) <= MOST_SECONDS, held_up


async def test_the_garbage_collector_runs_again_after_checks_also_refused_ones_and_small_lists_are_left_to_it(
    agent: LookedAtAgent,
) -> None:
    frozen = gc.get_freeze_count()

    await all_at_once(
        partial(agent.do, "check_contacts", csv_text=csv_of(500)),
        partial(agent.fail, "check_contacts", csv_text="name\nAnn\n"),
        partial(agent.do, "check_contacts", contacts=people(1)),
    )
    assert gc.isenabled()
    assert gc.get_freeze_count() <= frozen

    await agent.do("check_contacts", csv_text=csv_of(10_000))
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
