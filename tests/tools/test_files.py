"""Files through the tools: 25,000 rows, progress, cancellation, suppression; and one list in every way in."""

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import anyio
import anyio.to_thread
import httpx  # noqa: TID251 - faults are put in at the transport
import pytest
import xlsxwriter  # type: ignore[import-untyped]

from audiences_mcp import app
from audiences_mcp.config import Settings
from audiences_mcp.contacts.sources import File
from audiences_mcp.demo import LIST
from audiences_mcp.folders import read_file
from tests.conftest import Organisation
from tests.tools.conftest import ONE_REVISION, Connect, LookedAtAgent, Send, Wire

pytestmark = pytest.mark.anyio

READY = ["+12025550143", "+442079460958", "+919876543210"]


@pytest.fixture
def settings(settings: Settings, lists: Path) -> Settings:
    return replace(settings, folders=(lists,))


def write(path: Path, phones: list[str], header: str = "phone,name") -> Path:
    path.write_text(
        "\n".join([header, *(f"{phone},P{number}" for number, phone in enumerate(phones))]), encoding="utf-8"
    )
    return path


def long_list(path: Path, rows: int) -> Path:
    return write(path, [f"+9198765{number:05}" for number in range(rows)])


# --- every way in ----------------------------------------------------------------------------------------------------


async def test_a_list_is_reported_alike_as_text_as_csv_and_as_excel(agent: LookedAtAgent, lists: Path) -> None:
    (lists / "demo.csv").write_text(LIST, encoding="utf-8")
    with xlsxwriter.Workbook(lists / "demo.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(csv.reader(io.StringIO(LIST))):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)

    reports = [
        await agent.do("check_contacts", **source)
        for source in ({"csv_text": LIST}, {"file_path": "demo.csv"}, {"file_path": str(lists / "demo.xlsx")})
    ]

    for report in reports:
        del report["check_id"], report["calling_hours_now"]  # it may strike the hour meanwhile
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["counts"]["rows"] == 21


async def test_any_source_can_leave_out_the_members_of_audiences(
    agent: LookedAtAgent, organisation: Organisation, lists: Path
) -> None:
    write(lists / "leads.csv", READY)
    april = organisation.audience("April", "phoneNumber\n12025550143\n")

    report = await agent.do("check_contacts", file_path="leads.csv", exclude_audiences=[april])

    assert (report["counts"]["ready"], report["by_reason"]) == (2, [{"reason": "excluded_audience", "count": 1}])


async def test_a_sheet_without_a_file_is_an_error_that_says_so(agent: LookedAtAgent, lists: Path) -> None:
    write(lists / "leads.csv", READY)

    assert "it goes with file_path" in await agent.fail("check_contacts", csv_text="phone\n+1", sheet="May")
    assert "this is a text file" in await agent.fail("check_contacts", file_path="leads.csv", sheet="May")


async def test_without_folders_the_answer_says_how_to_allow_one(settings: Settings, connect: Connect) -> None:
    async with connect(replace(settings, folders=()), None) as agent:
        told = await agent.fail("check_contacts", file_path="leads.csv")

    assert "Set AUDIENCES_MCP_FOLDERS" in told


@pytest.mark.parametrize("secret", ["hunter2", "BEGIN PRIVATE KEY"])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"phone_columns": ["password"]}, {"only_where": {"x": "y"}}, {"keep_columns": ["x"]}, {"region_column": "x"}],
)
async def test_nothing_of_a_file_that_is_no_contact_list_is_shown(
    agent: LookedAtAgent, lists: Path, secret: str, arguments: dict[str, Any]
) -> None:
    (lists / "notes.csv").write_text(f"{secret},user\npassword {secret},x\n", encoding="utf-8")
    (lists / "notes.txt").write_text(f"{secret}\nand {secret}\n", encoding="utf-8")

    for name in ("notes.csv", "notes.txt"):
        assert secret not in await agent.fail("check_contacts", file_path=name, **arguments)


# --- suppression -----------------------------------------------------------------------------------------------------


async def test_people_of_the_suppression_file_are_left_out_in_any_spelling_at_the_check_and_at_the_commit(
    settings: Settings, connect: Connect, organisation: Organisation, lists: Path
) -> None:
    never = lists / "never.csv"
    never.write_text("0044 (20) 7946-0958\nn/a\n98765 43210\n", encoding="utf-8")
    async with connect(replace(settings, suppression_file=never), None) as agent:
        report = await agent.do("check_contacts", contacts=[{"phone_number": each} for each in READY])
        rows = await agent.do("list_check_rows", check_id=report["check_id"], reason="suppression_list")
        never.write_text("0044 (20) 7946-0958\n98765 43210\n+1 202 555 0143\n", encoding="utf-8")
        refused = await agent.fail("create_audience", name="May", check_id=report["check_id"])

    assert [row["phone_number"] for row in rows["rows"]] == READY[1:]
    assert any("suppression file cannot be read as a number" in warning for warning in report["warnings"])
    assert "No row is ready" in refused
    assert organisation.audiences() == []


async def test_rows_that_a_commit_left_out_are_listed_as_such(
    settings: Settings, connect: Connect, organisation: Organisation, lists: Path
) -> None:
    never = write(lists / "never.csv", ["+33612345678"])
    async with connect(replace(settings, suppression_file=never), None) as agent:
        report = await agent.do("check_contacts", contacts=[{"phone_number": each} for each in READY])
        write(never, READY[:1])
        await agent.do("create_audience", name="May", check_id=report["check_id"])
        rows = await agent.do("list_check_rows", check_id=report["check_id"], reason="suppression_list")

    assert [row["phone_number"] for row in rows["rows"]] == READY[:1]
    assert [each["memberCount"] for each in organisation.audiences()] == [2]


async def test_entries_that_cannot_be_compared_are_asked_about(
    settings: Settings, connect: Connect, lists: Path
) -> None:
    never = write(lists / "never.csv", [READY[0], "9.87654E+11"])
    async with connect(replace(settings, suppression_file=never), None) as agent:
        report = await agent.do("check_contacts", contacts=[{"phone_number": READY[1]}])

    assert (
        "1 entry of the suppression file cannot be compared at all, so whoever is meant is not left out: mend the list."
        in report["warnings"]
    )
    assert "Ask to mend the entries that cannot be compared." in report["next_step"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "It cannot be read: "),
        (b"", "The file is empty"),
        (b"name\nAnn\n", "No column of it holds phone numbers"),
        (b"\x89PNG\0", "The file is no text"),
    ],
)
async def test_a_suppression_file_that_cannot_be_read_stops_every_check_and_commit(
    settings: Settings, connect: Connect, lists: Path, content: bytes | None, words: str
) -> None:
    never = lists / "never.csv"
    if content is not None:
        never.write_bytes(content)
    async with connect(replace(settings, suppression_file=never), None) as agent:
        told = await agent.fail("check_contacts", contacts=[{"phone_number": READY[0]}])

    assert told.startswith(
        "The suppression file (AUDIENCES_MCP_SUPPRESSION_FILE) cannot be used, so nothing was checked or sent."
    )
    assert words in told


async def test_a_suppression_file_is_read_again_only_when_it_has_changed(
    settings: Settings, connect: Connect, lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = write(lists / "never.csv", READY[:1])
    read: list[Path] = []
    real = read_file

    def counted(path: Path) -> File:
        read.append(path)
        return real(path)

    monkeypatch.setattr(app, "read_file", counted)
    async with connect(replace(settings, suppression_file=never), None) as agent:
        for _ in range(3):
            report = await agent.do("check_contacts", contacts=[{"phone_number": READY[0]}])

    assert report["counts"]["suppressed"] == 1
    assert len(read) == 1


# --- long lists ------------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_25_000_rows_become_three_audiences_with_progress_and_once_only(
    agent: LookedAtAgent, organisation: Organisation, wire: Wire, lists: Path
) -> None:
    long_list(lists / "long.csv", 25_000)
    told: list[tuple[float, float | None, str | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    checked = await agent.client.call_tool("check_contacts", {"file_path": "long.csv"}, progress_callback=progress)
    report = checked.structured_content or {}
    wanted = {"name": "Long", "check_id": report["check_id"], "split": True}
    made = await agent.client.call_tool("create_audience", wanted, progress_callback=progress)
    wire.forget()
    again = await agent.do("create_audience", **wanted)

    result = made.structured_content or {}
    assert (report["counts"]["ready"], report["audiences_needed"]) == (25_000, 3)
    assert [(each["name"], each["member_count"]) for each in result["audiences"]] == [
        ("Long (1 of 3)", 10_000),
        ("Long (2 of 3)", 10_000),
        ("Long (3 of 3)", 5_000),
    ]
    assert result["verified"]
    assert (again["already_done"], wire.writes) == (True, [])
    assert sorted(each["memberCount"] for each in organisation.audiences()) == [5_000, 10_000, 10_000]
    rows = [(done, total) for done, total, text in told if text and text.startswith("Checked")]
    assert rows
    assert all(total == 25_000 for _, total in rows)
    assert any(text == "Making audience 3 of 3" for _, _, text in told)
    made_at = told.index((0, 25_000, "Making audience 1 of 3"))
    for call in (told[:made_at], told[made_at:]):  # it must increase, says the protocol
        assert [done for done, _, _ in call] == sorted({done for done, _, _ in call})


class SandboxProcess:
    """The sandbox as a process of its own, which can be killed and comes back at the same place with what it stored."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._port = 0
        self.url = ""
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "audiences_mcp",
            "sandbox",
            "--port",
            str(self._port),
            "--db",
            str(self._database),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[-1]
        self._port = int(self.url.split(":")[2].split("/")[0])

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path / "atoms.db")
    yield process
    process.kill()


@ONE_REVISION
@pytest.mark.parametrize("stored", [False, True], ids=["before it stored the second part", "after"])
async def test_a_sandbox_that_stops_half_way_leaves_nothing_doubled(
    settings: Settings, connect: Connect, wire: Wire, lists: Path, sandbox: SandboxProcess, *, stored: bool
) -> None:
    long_list(lists / "long.csv", 25_000)

    async def stops(send: Send, request: httpx.Request) -> httpx.Response:
        if stored:
            await (await send(request)).aread()
            sandbox.kill()
            raise httpx.ReadError("the answer is lost with the process", request=request)
        sandbox.kill()
        return await send(request)

    wire.fail("POST audience", stops, skip=1, times=1)
    async with connect(replace(settings, api_url=sandbox.url), wire) as agent:
        report = await agent.do("check_contacts", file_path="long.csv")
        wanted = {"name": "Long", "check_id": report["check_id"], "split": True}
        first = await agent.fail("create_audience", **wanted)
        still_down = await agent.fail("create_audience", **wanted)
        await anyio.to_thread.run_sync(sandbox.start)
        made = await agent.do("create_audience", **wanted)
    names = {
        each["name"]: each["memberCount"] for each in Organisation(sandbox.url, settings.api_key or "").audiences()
    }

    assert ("outcome unknown" if stored else "Stopped half way: 1 of 3 audiences exist") in first
    assert "could not be reached" in still_down
    assert [each["member_count"] for each in made["audiences"]] == [10_000, 10_000, 5_000]
    assert names == {"Long (1 of 3)": 10_000, "Long (2 of 3)": 10_000, "Long (3 of 3)": 5_000}


async def test_a_check_can_be_cancelled_and_the_server_answers_meanwhile(agent: LookedAtAgent, lists: Path) -> None:
    long_list(lists / "long.csv", 200_000)

    with anyio.move_on_after(0.3) as scope:
        await agent("check_contacts", file_path="long.csv")
    begun = process_time()
    listed = await agent.do("list_audiences")
    took = process_time() - begun

    assert scope.cancelled_caught
    assert took < 1.5  # all of it would take more
    assert listed["total"] == 0


@ONE_REVISION
async def test_more_than_200_000_rows_are_refused(agent: LookedAtAgent, lists: Path) -> None:
    (lists / "huge.csv").write_text("phone\n" + "+12025550143\n" * 200_001, encoding="utf-8")

    told = await agent.fail("check_contacts", file_path="huge.csv")

    assert "200,001 rows; a check takes at most 200,000" in told
