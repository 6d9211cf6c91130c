"""Several server processes that share a Redis: what one began another goes on with, once and for all."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport
import pytest
from redis import Redis

from audiences_mcp.config import Settings
from audiences_mcp.state import in_redis as module
from tests.conftest import Agent, Organisation
from tests.processes import Server
from tests.tools.conftest import ONE_REVISION, Connect, Send, Wire, answer_lost, not_reached

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed"),
]

PEOPLE = [{"phone_number": "+14155552671", "first_name": "Ann"}, {"phone_number": "+442071838750", "first_name": "Bob"}]


def numbers(count: int) -> list[str]:
    return [f"+9198765{number:05d}" for number in range(count)]


def csv_of(count: int) -> str:
    return "phone\n" + "\n".join(numbers(count))


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of its own, on a socket file."""
    place = tmp_path_factory.mktemp("redis") / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(place), "--save", "", "--dir", str(place.parent)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            client = Redis(unix_socket_path=str(place), retry_on_error=[Exception])
            for _ in range(1_500):
                if place.exists() and client.ping():
                    break
                sleep(0.02)
            else:
                pytest.fail("redis-server does not answer")
            client.close()
            yield f"unix://{place}"
        finally:
            process.terminate()


@pytest.fixture
def shared(settings: Settings, redis_url: str) -> Settings:
    return replace(settings, state_url=redis_url)


async def test_a_check_of_one_process_is_paged_and_committed_by_another(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
) -> None:
    async with connect(shared, None) as one, connect(shared, None) as other:
        check = await one.do("check_contacts", csv_text="phone,name\n" + csv_of(5_000).split("\n", 1)[1] + "\nabc,Zed")
        page = await other.do("list_check_rows", check_id=check["check_id"], status="invalid")
        made = await other.do("create_audience", name="May", check_id=check["check_id"])
        again = await one.do("create_audience", name="May", check_id=check["check_id"])
        elsewhere = await one.fail("create_audience", name="June", check_id=check["check_id"])

    assert [row["value"] for row in page["rows"]] == ["abc"]
    assert made["verified"]
    assert again["already_done"]
    assert again["audiences"] == made["audiences"]
    assert "was used for create_audience with the name 'May'" in elsewhere
    assert [audience["memberCount"] for audience in organisation.audiences()] == [5_000]


async def test_who_came_on_the_do_not_call_list_is_told_by_every_process(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
) -> None:
    async with connect(shared, None) as one:
        check = await one.do("check_contacts", contacts=PEOPLE)
    organisation.do_not_call(PEOPLE[1]["phone_number"])
    async with connect(shared, None) as one, connect(shared, None) as other:
        made = await one.do("create_audience", name="May", check_id=check["check_id"])
        page = await other.do("list_check_rows", check_id=check["check_id"], reason="do_not_call")

    assert made["counts"]["suppressed"] == 1
    assert [row["label"] for row in page["rows"]] == ["Bob"]


@pytest.mark.parametrize("tool", ["create_audience", "add_contacts"])
async def test_two_processes_that_commit_one_check_at_once_do_it_once(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    tool: str,
) -> None:
    wire, answers = Wire(), []
    arguments = (
        {"name": "May"}
        if tool == "create_audience"
        else {"audience_id": organisation.audience("VIP", "phoneNumber,firstName,lastName\n+33612345678,C,D\n")}
    )

    async def slow(send: Send, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.3)
        return await send(request)

    wire.fail("POST .*", slow)
    async with connect(shared, wire) as one, connect(shared, wire) as other:
        check = await one.do("check_contacts", contacts=PEOPLE)

        async def commit(agent: Agent) -> None:
            answers.append(await agent.do(tool, check_id=check["check_id"], **arguments))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(commit, one)
            tasks.start_soon(commit, other)

    assert sorted(answer["already_done"] for answer in answers) == [False, True]
    assert len(wire.writes) == 1
    assert sum(audience["memberCount"] for audience in organisation.audiences()) == (
        2 if tool == "create_audience" else 3
    )


async def test_what_one_process_lost_another_finds(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
) -> None:
    wire = Wire()
    async with connect(shared, wire) as one:
        check = await one.do("check_contacts", csv_text=csv_of(12_000))
        wire.fail("POST audience", answer_lost, skip=1)
        wire.fail("GET audience", not_reached, skip=1)
        told = await one.fail("create_audience", name="May", check_id=check["check_id"], split=True)
    async with connect(shared, None) as other:
        made = await other.do("create_audience", name="May", check_id=check["check_id"], split=True)

    assert "outcome unknown" in told
    assert [each["member_count"] for each in made["audiences"]] == [10_000, 2_000]
    assert len(organisation.audiences()) == 2


async def test_leave_to_delete_and_to_remove_is_good_in_every_process(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
) -> None:
    audience_id = organisation.audience("VIP", csv_of(150), "phone")
    async with connect(shared, None) as one, connect(shared, None) as other:
        order: dict[str, Any] = {"audience_id": audience_id, "phone_numbers": numbers(120)}
        asked = await one.do("remove_audience_members", **order)
        removed = await other.do("remove_audience_members", **order, confirm_token=asked["confirm_token"])
        back = await one.do("add_contacts", audience_id=audience_id, check_id=removed["undo_check_id"])
        token = (await other.do("delete_audience", audience_id=audience_id))["confirm_token"]
        deleted = await one.do("delete_audience", audience_id=audience_id, confirm_token=token)
        again = await other.do("delete_audience", audience_id=audience_id, confirm_token=token)
        made_up = await one.fail("delete_audience", audience_id=audience_id, confirm_token="0" * 32)

    assert removed["removed"] == 120
    assert back["added"] == 120
    assert (deleted["deleted"], again["already_done"]) == (True, True)
    assert "unknown" in made_up


async def test_what_has_expired_is_told_from_what_never_was(
    shared: Settings,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("audiences_mcp.state.CHECK_LIFETIME", 1.0)
    async with connect(shared, None) as agent:
        check = await agent.do("check_contacts", contacts=PEOPLE)
        await anyio.sleep(1.2)
        expired = await agent.fail("list_check_rows", check_id=check["check_id"])

    assert "has expired" in expired


def everything_in(redis_url: str) -> bytes:
    with Redis.from_url(redis_url) as client:
        names = list(client.scan_iter("*"))
        return b"".join([*names, *(value for name in names if (value := client.get(name)))])


@pytest.mark.parametrize("foreign", [b"x" * 60, b"x", b""], ids=["long", "short", "empty"])
async def test_nothing_in_redis_can_be_read_there_and_what_was_changed_is_not_used(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    redis_url: str,
    foreign: bytes,
) -> None:
    people = [{**PEOPLE[0], "first_name": "Annabella"}]  # a short name may stand in what is encrypted by chance
    async with connect(shared, None) as agent:
        check = await agent.do("check_contacts", contacts=people)
        await agent.do("create_audience", name="Secret name", check_id=check["check_id"])
        written = everything_in(redis_url)
        with Redis.from_url(redis_url) as client:
            for name in client.scan_iter(f"*:fate@*:{check['check_id']}"):
                client.set(name, foreign, keepttl=True)
        refused = await agent.fail("list_check_rows", check_id=check["check_id"])

    for private in (b"Annabella", b"14155552671", b"Secret", b"ready", organisation.key.encode()):
        assert private not in written
    assert "was changed by somebody else" in refused


async def test_organisations_that_share_a_redis_do_not_meet(shared: Settings, connect: Connect) -> None:
    async with connect(shared, None) as one, connect(replace(shared, api_key="sk_other"), None) as other:
        check = await one.do("check_contacts", contacts=PEOPLE)
        refused = await other.fail("list_check_rows", check_id=check["check_id"])

    assert "unknown" in refused


@ONE_REVISION
async def test_without_the_redis_nothing_is_written_and_that_is_said(
    settings: Settings,
    connect: Connect,
    organisation: Organisation,
    tmp_path: Path,
) -> None:
    async with connect(replace(settings, state_url=f"unix://{tmp_path}/nothing.sock"), None) as agent:
        refused = await agent.fail("create_audience", name="May", contacts=PEOPLE)

    assert refused.startswith(
        "The store that the servers of the team share (AUDIENCES_MCP_STATE_URL) cannot be reached."
    )
    assert organisation.audiences() == []


@ONE_REVISION
async def test_a_lock_that_is_held_for_long_is_said(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WAIT_FOR_LOCK", 0.2)
    wire, begun, over = Wire(), anyio.Event(), anyio.Event()

    async def slow(send: Send, request: httpx.Request) -> httpx.Response:
        begun.set()
        await over.wait()
        return await send(request)

    wire.fail("POST audience", slow)
    async with connect(shared, wire) as one, connect(shared, None) as other, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one.do("create_audience", name="May", contacts=PEOPLE))
        await begun.wait()
        refused = await other.fail("create_audience", name="May", contacts=PEOPLE)
        over.set()

    assert refused.startswith("Another call works on the same audience or check for long")
    assert len(organisation.audiences()) == 1


@ONE_REVISION
async def test_a_call_whose_lock_is_lost_writes_no_further_and_another_process_goes_on(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    redis_url: str,
) -> None:
    wire = Wire()

    async def fails_over(send: Send, request: httpx.Request) -> httpx.Response:
        await send(request)
        with Redis.from_url(redis_url) as client:
            client.delete(*client.scan_iter("*:lock:*"))
        await anyio.sleep_forever()
        raise AssertionError

    wire.fail("POST audience", fails_over, times=1)
    async with connect(shared, wire) as one, connect(shared, wire) as other:
        check = await one.do("check_contacts", csv_text=csv_of(12_000))
        arguments = {"name": "May", "check_id": check["check_id"], "split": True}
        stopped = await one.fail("create_audience", **arguments)
        written = len(wire.writes)
        made = await other.do("create_audience", **arguments)

    assert "failed while this call was writing, so it stopped" in stopped
    assert written == 1
    assert [each["member_count"] for each in made["audiences"]] == [10_000, 2_000]
    assert len(organisation.audiences()) == 2


@ONE_REVISION
async def test_a_redis_that_is_away_for_a_moment_costs_nothing(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    redis_url: str,
) -> None:
    wire = Wire()

    async def slow(send: Send, request: httpx.Request) -> httpx.Response:
        with Redis.from_url(redis_url) as client:
            client.client_pause(3_500)  # in which the lock is held on at least once
            await anyio.sleep(8)
        return await send(request)

    wire.fail("POST audience", slow)
    async with connect(shared, wire) as agent:
        made = await agent.do("create_audience", name="May", contacts=PEOPLE)

    assert made["verified"]
    assert len(organisation.audiences()) == 1


@ONE_REVISION
async def test_nothing_stays_in_redis_for_good_even_what_expires_while_it_is_used(
    shared: Settings,
    connect: Connect,
    redis_url: str,
) -> None:
    wire = Wire()
    gone: list[int] = []

    async def expires(send: Send, request: httpx.Request) -> httpx.Response:
        with Redis.from_url(redis_url) as client:
            gone.append(client.delete(*client.scan_iter(f"*:{check['check_id']}")))
        return await send(request)

    wire.fail("POST audience", expires)
    async with connect(shared, wire) as agent:
        check = await agent.do("check_contacts", contacts=PEOPLE)
        made = await agent.do("create_audience", name="May", check_id=check["check_id"])

    assert made["verified"]
    assert gone != [0]
    with Redis.from_url(redis_url) as client:
        assert not [name for name in client.scan_iter("*") if client.ttl(name) == -1]


@ONE_REVISION
async def test_processes_of_two_versions_share_what_was_sent_but_no_checks(
    shared: Settings,
    connect: Connect,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connect(shared, None) as one:
        monkeypatch.setattr(module, "__version__", "99.0")
        async with connect(shared, None) as other:
            check = await one.do("check_contacts", contacts=PEOPLE)
            await one.do("create_audience", name="May", check_id=check["check_id"])
            unknown = await other.fail("list_check_rows", check_id=check["check_id"])
            again = await other.do("check_contacts", contacts=PEOPLE)
            repeated = await other.do("create_audience", name="May", check_id=again["check_id"])

    assert unknown.startswith("This check_id is unknown")
    assert repeated["already_done"]
    assert len(organisation.audiences()) == 1


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by a signal")
def test_one_of_two_processes_killed_during_many_commits_doubles_and_loses_nothing(
    organisation: Organisation, redis_url: str
) -> None:
    settings: dict[str, Any] = {
        "SMALLEST_API_KEY": organisation.key,
        "ATOMS_API_URL": organisation.url,
        "AUDIENCES_MCP_STATE_URL": redis_url,
    }
    chosen = random.Random(7)
    with Server(**settings) as one, Server(**settings) as other:
        for number in range(20):
            contacts = [{"phone_number": each} for each in chosen.sample(numbers(90_000), 3)]
            check = one.do("check_contacts", contacts=contacts)
            arguments = {"name": f"List {number}", "check_id": check["check_id"]}
            if number == 10:
                one.start("create_audience", **arguments)
                one.stop(signal.SIGKILL)
                one.process.wait()
                one = other  # noqa: PLW2901 - the client goes on with the one that lives
            one.do("create_audience", **arguments)

    assert sorted(audience["name"] for audience in organisation.audiences()) == sorted(f"List {n}" for n in range(20))
    assert all(audience["memberCount"] == 3 for audience in organisation.audiences())
