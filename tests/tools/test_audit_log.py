"""The audit log: one line for each write, with counts and the HMAC of the list, without numbers and names."""

import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from audiences_mcp.atoms import uploads
from audiences_mcp.config import Settings
from tests.conftest import Agent, Answer, Organisation
from tests.tools.conftest import Connect, Wire, answer_lost, failed_before, hangs, just_too_late, not_reached

pytestmark = pytest.mark.anyio

ANN, BOB = ({"phone_number": "+14155552671", "first_name": "Ann"}, {"phone_number": "+442071838750"})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "writes.jsonl"


@pytest.fixture
def logging(settings: Settings, log: Path) -> Settings:
    return replace(settings, audit_log=log)


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_each_write_is_one_line_and_each_read_none(
    logging: Settings, log: Path, connect: Connect, organisation: Organisation
) -> None:
    async with connect(logging, None) as agent:
        made = await agent.do("create_audience", name="Secret name", contacts=[ANN])
        audience_id = made["audiences"][0]["audience_id"]
        await agent.do("create_audience", name="Secret name", contacts=[ANN])
        await agent.do("add_contacts", audience_id=audience_id, contacts=[ANN, BOB])
        await agent.do("add_contacts", audience_id=audience_id, contacts=[ANN, BOB])
        await agent.do("list_audience_members", audience_id=audience_id)
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)
        await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)

    written = entries(log)
    assert [(entry["tool"], entry["outcome"], entry["audience_id"], entry["counts"]) for entry in written] == [
        ("create_audience", "done", audience_id, {"people": 1}),
        ("add_contacts", "done", audience_id, {"people": 1}),
        ("delete_audience", "done", audience_id, {"people": 2}),
    ]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00", entry["time"]) for entry in written)
    assert [bool(re.fullmatch("[0-9a-f]{64}", entry.get("list", ""))) for entry in written] == [True, True, False]
    for private in ("Secret", "Ann", "4155552671", "2071838750", organisation.key):
        assert private not in json.dumps(written)


async def test_one_list_has_one_hmac_and_two_have_two(logging: Settings, log: Path, connect: Connect) -> None:
    async with connect(logging, None) as agent:
        for name, person in (("One", ANN), ("Two", ANN), ("Three", BOB)):
            await agent.do("create_audience", name=name, contacts=[person])

    one, two, three = (entry["list"] for entry in entries(log))
    assert one == two != three


async def test_what_is_not_known_is_logged_as_such(
    logging: Settings, log: Path, connect: Connect, organisation: Organisation
) -> None:
    wire = Wire()
    audience_id = organisation.audience("Old", "phone\n+14155552679\n", "phone")
    async with connect(logging, wire) as agent:
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        check = await agent.do("check_contacts", contacts=[BOB], add_to_audience_id=audience_id)
        wire.fail("POST audience", failed_before)
        await agent.fail("create_audience", name="New", contacts=[ANN])
        wire.fail(f"POST audience/{audience_id}/members", failed_before)
        await agent.fail("add_contacts", audience_id=audience_id, check_id=check["check_id"])
        wire.fail(f"DELETE audience/{audience_id}", answer_lost)
        wire.fail("GET audience", not_reached, skip=1)
        await agent.fail("delete_audience", audience_id=audience_id, confirm_token=token)

    assert [(entry["tool"], entry["outcome"]) for entry in entries(log)] == [
        ("create_audience", "unknown"),
        ("add_contacts", "unknown"),
        ("delete_audience", "unknown"),
    ]


@dataclass(frozen=True)
class Write:
    """A call that writes, and the request in which it is cut short.

    Args:
        tool: The tool.
        request: The request.
        arguments: Those of the call; None stands for what is known only then.
        noted: What is in the log when it is cut short in the middle.
    """

    tool: str
    request: str
    arguments: Mapping[str, Any]
    noted: Sequence[str]

    async def call(self, agent: Agent, audience_id: str) -> Callable[[], Coroutine[Any, Any, Answer]]:
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        known = {"audience_id": audience_id, "confirm_token": token}
        given = {name: known.get(name) if value is None else value for name, value in self.arguments.items()}
        return partial(agent, self.tool, **given)


WRITES = [
    Write("create_audience", "POST audience", {"name": "New", "contacts": [ANN]}, ["unknown 1"]),
    # a list that is too long for one request
    Write(
        "create_audience",
        "POST audience/.*/members",
        {"name": "New", "contacts": [ANN, BOB]},
        ["unknown 1", "done 1"],
    ),
    Write("add_contacts", "POST audience/.*/members", {"audience_id": None, "contacts": [BOB]}, ["unknown 1"]),
    Write(
        "remove_audience_members",
        "DELETE audience/.*/members",
        {"audience_id": None, "phone_numbers": ["+14155552679"]},
        ["unknown 1"],
    ),
    Write("delete_audience", "DELETE audience/.*", {"audience_id": None, "confirm_token": None}, ["unknown 2"]),
]


@pytest.fixture
def audience_id(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(uploads, "UPLOAD_BYTES", 60)
    return organisation.audience("Old", "phone\n+14155552679\n+14155552678\n", "phone")


def noted_in(log: Path) -> list[str]:
    return [f"{entry['tool']} {entry['outcome']} {entry['counts']['people']}" for entry in entries(log)]


@pytest.mark.parametrize("write", WRITES)
async def test_a_call_that_is_cut_short_while_it_writes_is_logged_as_unknown(
    logging: Settings, log: Path, connect: Connect, audience_id: str, write: Write
) -> None:
    wire, asked = Wire(), anyio.Event()
    wire.fail(write.request, hangs(asked))
    async with connect(logging, wire) as agent:
        call = await write.call(agent, audience_id)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await asked.wait()
            tasks.cancel_scope.cancel()

    assert noted_in(log) == [f"{write.tool} {each}" for each in write.noted]


@pytest.mark.parametrize("write", WRITES)
async def test_a_call_that_is_cut_short_as_the_answer_arrives_is_logged_as_done(
    logging: Settings, log: Path, connect: Connect, audience_id: str, write: Write
) -> None:
    wire = Wire()
    wire.fail(write.request, just_too_late)
    async with connect(logging, wire) as agent:
        call = await write.call(agent, audience_id)
        await call()

    people = sum(int(each.split()[1]) for each in write.noted)
    assert noted_in(log) == [f"{write.tool} done {people}"]


async def test_nothing_is_written_that_could_not_be_logged(
    settings: Settings, tmp_path: Path, connect: Connect, organisation: Organisation
) -> None:
    audience_id = organisation.audience("Old", "phone\n+14155552679\n", "phone")
    async with connect(replace(settings, audit_log=tmp_path / "no such folder" / "log"), None) as agent:
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        for tool, arguments in {
            "create_audience": {"name": "New", "contacts": [ANN]},
            "add_contacts": {"audience_id": audience_id, "contacts": [ANN]},
            "delete_audience": {"audience_id": audience_id, "confirm_token": token},
        }.items():
            told = await agent.fail(tool, **arguments)
            assert told.startswith(
                "The audit log (AUDIENCES_MCP_AUDIT_LOG) cannot be written (No such file or directory)"
            )
            assert "so nothing was changed" in told

    assert [each["memberCount"] for each in organisation.audiences()] == [1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to offer")
async def test_on_a_full_disk_nothing_is_written(
    settings: Settings, connect: Connect, organisation: Organisation
) -> None:
    async with connect(replace(settings, audit_log=Path("/dev/full")), None) as agent:
        refused = await agent.fail("create_audience", name="S", contacts=[ANN])

    assert refused.startswith("The audit log (AUDIENCES_MCP_AUDIT_LOG) cannot be written (No space left on device)")
    assert organisation.audiences() == []
