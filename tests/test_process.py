"""Real processes: the server over stdio in both revisions, its start and end, the demo and the sandbox command."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - another client of the sandbox
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import INVALID_REQUEST, UNSUPPORTED_PROTOCOL_VERSION

import audiences_mcp
from audiences_mcp.__main__ import main
from tests.conftest import Organisation
from tests.processes import COMMAND, INITIALIZE, Server, environment

pytestmark = pytest.mark.anyio


def _run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment(**settings)
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_whole_job_over_stdio_with_the_embedded_sandbox(mode: Any, tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=COMMAND[0],
        args=[*COMMAND[1:], "--sandbox"],
        env=environment(XDG_DATA_HOME=str(tmp_path), HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path)),
    )
    people = [{"phone_number": "+91 98765 43210", "first_name": "Asha"}, {"phone_number": "0033 6 12 34 56 78"}]
    respelled = [{"phone_number": "98765-43210", "region": "IN"}, {"phone_number": "+33 (0)6 12 34 56 78"}]

    async with Client(server, mode=mode) as client:

        async def do(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            assert result.structured_content is not None
            answer: dict[str, Any] = result.structured_content
            return answer

        report = await do("check_contacts", contacts=people)
        made = await do("create_audience", name="Leads", check_id=report["check_id"])
        again = await do("create_audience", name="Leads", check_id=report["check_id"])
        audience_id = made["audiences"][0]["audience_id"]
        listed = await do("list_audiences")
        found = await do("get_audience", audience_id=audience_id)
        members = await do("list_audience_members", audience_id=audience_id)
        added = await do("add_contacts", audience_id=audience_id, contacts=respelled)
        asked = await do("delete_audience", audience_id=audience_id)
        deleted = await do("delete_audience", audience_id=audience_id, confirm_token=asked["confirm_token"])
        left = await do("list_audiences")

    assert made["verified"]
    assert again["already_done"]
    assert again["audiences"] == made["audiences"]
    assert listed["total"] == 1
    assert found["columns"] == ["phoneNumber", "firstName", "lastName"]
    assert [member["phone_number"] for member in members["members"]] == ["+919876543210", "+33612345678"]
    assert (added["added"], added["counts"]["already_member"]) == (0, 2)
    assert not asked["deleted"]
    assert deleted["deleted"]
    assert left["total"] == 0


async def test_the_sandbox_of_the_server_keeps_its_data_between_runs(tmp_path: Path) -> None:
    settings = environment(
        XDG_DATA_HOME=str(tmp_path), HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path), AUDIENCES_MCP_SANDBOX="on"
    )
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=settings)
    contacts = [{"phone_number": "+14155552671"}]
    async with Client(server) as client:
        await client.call_tool("create_audience", {"name": "Kept", "contacts": contacts})
    async with Client(server) as client:
        listed = await client.call_tool("list_audiences", {})
    assert listed.structured_content is not None
    assert [audience["name"] for audience in listed.structured_content["audiences"]] == ["Kept"]


async def test_nothing_but_the_protocol_is_on_standard_output_and_nothing_at_all_on_standard_error(
    organisation: Organisation,
) -> None:
    with Server(SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=organisation.url) as server:
        report = server.do("check_contacts", csv_text="name,phone\nAnn,+14155552671\nBob,abc\n")
        out, errors = server.process.communicate(timeout=60)
    assert report["counts"]["ready"] == 1
    assert (out, errors, server.process.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    "value",
    [r'"\ud83d"', r'"a \udc00\ud800 b"', "9" * 5_000, "[" * 100_000 + "]" * 100_000, '"never ended'],
    ids=["half an emoji", "halves the wrong way round", "a huge number", "nested deeply", "cut off"],
)
def test_a_request_that_no_parser_takes_is_answered(value: str) -> None:
    with Server() as server:
        call = {"name": "list_check_rows", "arguments": {"check_id": "0" * 32, "contains": "VALUE"}}
        inner = {**call, "_meta": {"id": 76}}  # which is not the request's
        line = json.dumps({"jsonrpc": "2.0", "method": "tools/call", "id": 77, "params": inner})
        assert server.process.stdin
        assert server.process.stdout
        server.process.stdin.write(line.replace('"VALUE"', value) + "\n")
        server.process.stdin.flush()
        answer = json.loads(server.process.stdout.readline())
        assert server.ask("ping", {})["result"] == {}

    assert answer["id"] == 77
    told = answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"]
    expected = (
        "This check_id is unknown" if value.startswith('"') and value.endswith('"') else "This request cannot be read"
    )
    assert told.startswith(expected)


ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": INITIALIZE["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


def test_a_client_that_asks_what_the_server_is_may_still_make_the_older_handshake(organisation: Organisation) -> None:
    with Server(greet=False, SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=organisation.url) as server:
        found = [server.ask("server/discover", ENVELOPE)["result"] for _ in range(2)]
        server.greet()
        listed = server.do("list_audiences")
        refused = server.ask("tools/list", ENVELOPE)

    assert [each["supportedVersions"] for each in found] == [["2026-07-28"]] * 2
    assert listed["audiences"] == []
    assert refused["error"]["code"] == INVALID_REQUEST


def test_a_handshake_that_does_not_wait_for_what_the_server_is_loses_no_answer() -> None:
    with Server(greet=False) as server:
        server.request("server/discover", ENVELOPE)
        server.request("initialize", INITIALIZE)
        server.close_input()
        assert server.process.stdout
        answers = [json.loads(line) for line in server.process.stdout]

    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["protocolVersion"] == "2025-11-25"


def test_after_the_older_handshake_the_question_what_the_server_is_is_refused_and_the_connection_lives(
    organisation: Organisation,
) -> None:
    with Server(SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=organisation.url) as server:
        refused = server.ask("server/discover", ENVELOPE)
        listed = server.do("list_audiences")

    assert refused["error"]["code"] == INVALID_REQUEST
    assert listed["audiences"] == []


def test_a_client_that_asks_what_the_server_is_and_goes_on_stays_in_the_newer_revision(
    organisation: Organisation,
) -> None:
    with Server(greet=False, SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=organisation.url) as server:
        server.ask("server/discover", ENVELOPE)
        listed = server.ask("tools/call", {"name": "list_audiences", "arguments": {}, **ENVELOPE})
        refused = server.ask("initialize", INITIALIZE)

    assert listed["result"]["resultType"] == "complete"
    assert refused["error"]["code"] == UNSUPPORTED_PROTOCOL_VERSION


def test_the_server_starts_without_what_only_some_calls_need() -> None:
    command = [sys.executable, "-X", "importtime", *COMMAND[1:]]
    ended = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=True, env=environment())

    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "mcp.server.mcpserver" in loaded
    assert loaded.isdisjoint({"httpx", "stamina", "rich.logging", "chardet", "python_calamine", "filelock", "redis"})


def _least(once: Callable[[], float]) -> float:
    """Return the seconds of the fastest of three tries: a second or more is a busy machine's, unless it is each time."""
    return next((took for took in (once() for _ in range(3)) if took < 1), inf)


def test_the_server_ends_with_its_input_within_a_second() -> None:
    def end() -> float:
        with Server("--http", "${user_config.http}") as server:  # a client that left the place out: on standard input
            started = time.monotonic()
            server.process.communicate(timeout=60)
            took = time.monotonic() - started
            assert server.process.returncode == 0
        return took

    assert _least(end) < 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_while_its_input_is_open(number: signal.Signals) -> None:
    def end() -> float:
        with Server() as server:
            server.stop(number)
            started = time.monotonic()
            assert server.process.wait(timeout=60) == 128 + number
            took = time.monotonic() - started
            assert server.errors() == ""
        return took

    assert _least(end) < 1


def test_the_demo_runs_the_whole_job_and_says_that_all_of_it_held(tmp_path: Path) -> None:
    proxy = "http://127.0.0.1:9"  # which nobody serves, and nothing is to ask
    result = _run("demo", http_proxy=proxy, HOME=str(tmp_path))
    assert not list(tmp_path.iterdir())  # nor is anything left behind of what was sent
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.rstrip().endswith("All of it held.")
    assert result.stderr == ""
    for reason in (
        "ambiguous_country",
        "do_not_call",
        "duplicate",
        "excel_damaged",
        "malformed_row",
        "multiple_numbers",
    ):
        assert reason in result.stdout
    page = re.search(r"as a page, to open in a browser: (.*report\.html)", result.stdout)
    assert page
    assert "+919876543210" in Path(page[1]).read_text(encoding="utf-8")


# A demo that has more to say for as long as anybody waits: it cannot be over before it is ended.
ON_AND_ON = """
import sys
import anyio
from audiences_mcp import demo
from audiences_mcp.__main__ import main

async def go_on(*_):
    while True:
        demo._say("And on.")
        await anyio.sleep(0.01)

demo._read_back = go_on
sys.exit(main(["demo"]))
"""


def _interrupt(demo: subprocess.Popen[str]) -> None:
    demo.send_signal(signal.SIGINT)


def _read_no_more(demo: subprocess.Popen[str]) -> None:
    assert demo.stdout
    demo.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, and pipes break differently there")
@pytest.mark.parametrize(("end", "code"), [(_interrupt, 130), (_read_no_more, 141)])
def test_a_command_that_is_interrupted_or_that_nobody_reads_ends_without_a_traceback(
    end: Callable[[subprocess.Popen[str]], None], code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ON_AND_ON],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    ) as demo:
        assert demo.stdout
        assert demo.stdout.readline().startswith("Started the server")
        end(demo)
        _, errors = demo.communicate(timeout=60)
        assert demo.returncode == code
        # Its server may be in the middle of a call, which it then says.
        assert re.fullmatch(r"(audiences-mcp: \w+ was cut short: [^\n]+\n)?", errors)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize(
    ("place", "said"),
    [
        (">/dev/full", r"what was to be read or written could not be \(no space left on device\)\."),
        (">&-", r"unforeseen error, AttributeError at terminal\.py:\d+"),
    ],
)
def test_a_report_that_cannot_be_written_is_said_in_a_line_and_is_not_taken_for_one_with_refused_rows(
    tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "list.csv").write_text("phone\n+14155552671\n")
    command = f"{shlex.join([*COMMAND, 'check', str(tmp_path / 'list.csv'), '--json'])} {place}"
    done = subprocess.run(
        ["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment()
    )
    assert done.returncode == 2
    assert re.fullmatch(f"audiences-mcp: {said}\n", done.stderr)


def test_the_demo_fails_when_something_does_not_hold(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from audiences_mcp import demo  # noqa: PLC0415 - the MCP client is slow to import

    monkeypatch.setattr(demo, "LIST", "name,phone\nAnn,+14155552671\n,+14155552671\n".replace("+1415", "9"))
    with ThreadPoolExecutor() as pool:  # this thread may have a loop of other tests
        assert pool.submit(demo.run_demo).result() == 1
    assert "FAILED" in capsys.readouterr().out


def test_the_sandbox_command_says_its_url_first_and_serves_any_client() -> None:
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment()
    )
    with process:
        assert process.stdout
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/atoms/v1", process.stdout.readline())
            assert found
            authorization = {"Authorization": "Bearer sk_any"}
            answer = httpx.get(f"{found[0]}/audience", headers=authorization, trust_env=False, timeout=60)
        finally:
            process.terminate()  # else its end would be waited for, for ever
    assert answer.json() == {"status": True, "data": []}


def test_a_port_that_is_taken_and_a_file_that_is_no_database_are_said_plainly(
    sandbox_url: str, tmp_path: Path, capsys: Any
) -> None:
    port = re.search(r":(\d+)/", sandbox_url)
    assert port
    (tmp_path / "list.csv").write_text("phone\n+14155552671\n")
    for arguments in (
        ["--port", port[1]],
        ["--db", str(tmp_path / "list.csv")],
        ["--db", str(tmp_path / "no" / "a.db")],
    ):
        assert main(["sandbox", *arguments]) == 2
        said = capsys.readouterr().err
        assert re.fullmatch(r"audiences-mcp: the sandbox could not start: .+\n", said)


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_said_plainly(port: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", "--port", port, "--nothing-after-it-is-looked-at"])
    assert ended.value.code == 2
    assert "argument --port: a port is a number from 0 to 65535" in capsys.readouterr().err


def test_a_shared_store_that_cannot_be_used_ends_the_start_while_the_input_is_open() -> None:
    with Server(greet=False, SMALLEST_API_KEY="sk_a", AUDIENCES_MCP_STATE_URL="http://a.example") as server:
        assert server.errors().startswith("audiences-mcp: AUDIENCES_MCP_STATE_URL must be the URL of a Redis, such as")
        assert server.process.returncode == 2


def test_without_a_key_the_server_starts_and_lists_its_tools_and_a_call_says_that_the_shared_store_needs_one() -> None:
    with Server(AUDIENCES_MCP_STATE_URL="redis://a.example") as server:
        assert server.ask("tools/list", {})["result"]["tools"]
        report = server.do("check_contacts", contacts=[{"phone_number": "+14155552671"}])
        arguments = {"name": "May", "check_id": report["check_id"]}
        refused = server.ask("tools/call", {"name": "create_audience", "arguments": arguments})["result"]

    assert refused["isError"]
    assert refused["content"][0]["text"].startswith("No Atoms API key is set, so nothing was sent.")
    assert "AUDIENCES_MCP_STATE_URL needs an Atoms key too" in refused["content"][0]["text"]


def test_a_setting_that_cannot_be_used_is_said_plainly() -> None:
    result = _run(ATOMS_API_URL="http://example.com")
    assert result.returncode == 2
    assert "ATOMS_API_URL must begin with https://" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert _run("--version").stdout == f"audiences-mcp {audiences_mcp.__version__}\n"
