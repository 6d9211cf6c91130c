"""After a restart of the server a list is known again: what was sent is not sent twice, and the rest is."""

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport
import pytest

from audiences_mcp.config import Settings
from tests.conftest import Agent, Organisation
from tests.tools.conftest import (
    ONE_REVISION,
    Connect,
    Send,
    Wire,
    answer_lost,
    failed_before,
    not_reached,
)

pytestmark = [pytest.mark.anyio, ONE_REVISION]

PEOPLE = [{"phone_number": "+14155552671", "first_name": "Ann"}, {"phone_number": "+442071838750", "first_name": "Bob"}]


def numbers(count: int) -> list[str]:
    return [f"+9198765{number:05d}" for number in range(count)]


def csv_of(count: int) -> str:
    return "phone\n" + "\n".join(numbers(count))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a user who has none yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "audiences-mcp"


async def create(agent: Agent, name: str = "May", **source: Any) -> dict[str, Any]:
    check = await agent.do("check_contacts", **(source or {"contacts": PEOPLE}))
    return await agent.do("create_audience", name=name, check_id=check["check_id"], split=True)


async def test_a_list_that_was_made_is_known_after_a_restart(settings: Settings, connect: Connect) -> None:
    async with connect(settings, None) as agent:
        made = await create(agent)
    wire = Wire()
    async with connect(settings, wire) as agent:
        again = await create(agent)

    assert again["already_done"]
    assert again["audiences"] == made["audiences"]
    assert wire.writes == []


async def test_what_a_lost_answer_made_is_found_after_a_restart(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    wire = Wire()
    async with connect(settings, wire) as agent:
        wire.fail("POST audience", answer_lost)
        wire.fail("GET audience", not_reached, skip=1)
        check = await agent.do("check_contacts", contacts=PEOPLE)
        told = await agent.fail("create_audience", name="May", check_id=check["check_id"])
    wire = Wire()
    async with connect(settings, wire) as agent:
        made = await create(agent)

    assert told.startswith("outcome unknown")
    assert made["verified"]
    assert wire.writes == []
    assert len(organisation.audiences()) == 1


async def test_what_was_surely_not_made_is_sent_after_a_restart(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    wire = Wire()
    async with connect(settings, wire) as agent:
        wire.fail("POST audience", failed_before)
        check = await agent.do("check_contacts", contacts=PEOPLE)
        await agent.fail("create_audience", name="May", check_id=check["check_id"])
    async with connect(settings, None) as agent:
        made = await create(agent)

    assert made["verified"]
    assert not made["already_done"]
    assert len(organisation.audiences()) == 1


async def test_a_split_that_stopped_half_way_goes_on_after_a_restart(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    wire = Wire()
    async with connect(settings, wire) as agent:
        wire.fail("POST audience", failed_before, skip=1)
        check = await agent.do("check_contacts", csv_text=csv_of(25_000))
        told = await agent.fail("create_audience", name="May", check_id=check["check_id"], split=True)
    organisation.do_not_call(numbers(25_000)[24_999])
    wire = Wire()
    async with connect(settings, wire) as agent:
        made = await create(agent, csv_text=csv_of(25_000))

    assert "outcome unknown" in told
    assert wire.writes == ["POST audience"] * 2
    assert [(each["name"], each["member_count"]) for each in made["audiences"]] == [
        ("May (1 of 3)", 10_000),
        ("May (2 of 3)", 10_000),
        ("May (3 of 3)", 4_999),
    ]
    stored = [member["phone"] for each in made["audiences"] for member in organisation.members(each["audience_id"])]
    assert sorted(stored) == numbers(24_999)


async def test_who_can_be_called_only_since_is_told_and_not_sent(
    settings: Settings, connect: Connect, tmp_path: Path
) -> None:
    suppressed = tmp_path / "never.txt"
    suppressed.write_text(PEOPLE[1]["phone_number"])
    async with connect(replace(settings, suppression_file=suppressed), None) as agent:
        await create(agent)
    async with connect(settings, None) as agent:
        again = await create(agent)

    assert again["already_done"]
    assert any(
        text.startswith("1 person could not be called when this list was first sent") for text in again["warnings"]
    )


async def test_a_request_carried_out_late_is_told(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    wire, late = Wire(), []

    async def later(_: Send, request: httpx.Request) -> httpx.Response:
        late.append(await request.aread())
        raise httpx.ReadTimeout("timed out", request=request)

    async def both(send: Send, request: httpx.Request) -> httpx.Response:
        first = httpx.Request("POST", request.url, headers=request.headers, content=late[0])
        first.headers["content-type"] = "multipart/form-data; boundary=" + late[0].split(b"\r\n")[0][2:].decode()
        await (await send(first)).aread()
        return await send(request)

    async with connect(settings, wire) as agent:
        check = await agent.do("check_contacts", contacts=PEOPLE)
        wire.fail("POST audience", later, times=1)
        told = await agent.fail("create_audience", name="May", check_id=check["check_id"])
        wire.mend()
        wire.fail("POST audience", both, times=1)
        made = await agent.do("create_audience", name="May", check_id=check["check_id"])

    assert told.startswith("outcome unknown")
    assert len(organisation.audiences()) == 2
    assert any("Use only one of them" in warning for warning in made["warnings"])


# --- the file ------------------------------------------------------------------------------------------------------


async def test_the_journal_holds_no_number_and_no_name(
    folder: Path, settings: Settings, organisation: Organisation, connect: Connect
) -> None:
    async with connect(settings, None) as agent:
        await create(agent, name="Very Private Name")

    written, modes = _contents(folder)
    for private in (b"Private", b"Ann", b"14155552671", b"5552671", b"442071838750", organisation.key.encode()):
        assert private not in written
    if os.name == "posix":
        assert modes == (0o700, 0o600)


def _contents(folder: Path) -> tuple[bytes, tuple[int, int]]:
    """Return all that is written in a folder, and who may read it and its journal."""
    modes = tuple(stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "journal.db"))
    return b"".join(path.read_bytes() for path in folder.iterdir()), (modes[0], modes[1])


def _damage(folder: Path, damage: str) -> None:
    if damage == "no folder can be made":
        folder.parent.write_text("a file in its place")
    else:
        folder.mkdir(parents=True)
        (folder / "journal.db").write_bytes(b"not a database" * 1_000)


@pytest.mark.parametrize("damage", ["no folder can be made", "the file is damaged"])
async def test_without_a_journal_a_list_is_made_all_the_same_with_a_warning(
    folder: Path, settings: Settings, connect: Connect, organisation: Organisation, damage: str
) -> None:
    _damage(folder, damage)
    async with connect(settings, None) as agent:
        made = await create(agent)
        again = await create(agent)

    assert any("could not be written down" in warning for warning in made["warnings"])
    assert again["already_done"]
    assert len(organisation.audiences()) == 1


def _age(folder: Path) -> None:
    for path in folder.glob("*.lock"):
        os.utime(path, (0, 0))


async def test_what_is_older_than_thirty_days_is_forgotten(
    folder: Path, settings: Settings, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(settings, None) as agent:
        await create(agent, name="April")
        _age(folder)
        monkeypatch.setattr("audiences_mcp.state.journal.KEPT_SECONDS", -1)
        await create(agent, name="May")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent))
    async with connect(settings, None) as agent:
        refused = await agent.fail("create_audience", name="April", contacts=PEOPLE)

    assert refused.startswith("An audience of this name exists already:")


# --- several processes ---------------------------------------------------------------------------------------------


async def test_two_servers_make_a_list_once(settings: Settings, connect: Connect, organisation: Organisation) -> None:
    wire, begun, over = Wire(), anyio.Event(), anyio.Event()

    async def slow(send: Send, request: httpx.Request) -> httpx.Response:
        begun.set()
        await over.wait()
        return await send(request)

    wire.fail("POST audience", slow)
    async with connect(settings, wire) as one, connect(settings, wire) as other, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one.do("create_audience", name="May", contacts=PEOPLE))
        await begun.wait()
        refused = await other.fail("create_audience", name="May", contacts=PEOPLE)
        over.set()

    assert refused.startswith("Another audiences-mcp process is making an audience of this name now, so nothing was")
    assert len(organisation.audiences()) == 1
