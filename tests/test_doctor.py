"""`audiences-mcp doctor` as a person runs it, and its round trip on a sandbox whose answers drift from the published API."""

import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx  # noqa: TID251 - the proxy is another program
import pytest
from mcp import Client, StdioServerParameters

from audiences_mcp import round_trip
from audiences_mcp.__main__ import main
from tests.conftest import Organisation
from tests.processes import COMMAND, environment

Change = Callable[[str, int, Any], tuple[int, Any]]
"""Given a request such as `GET audience`, with an id as `ID`, the status and the JSON of its answer: what is answered."""

FICTIONAL = {"12025550143", "12025550144"}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in set(environment()) ^ set(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(round_trip, "PAUSES", (0.0, 0.01))


def process(*arguments: str, answer: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=answer,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env=environment(PYTHONUTF8="1", **settings),
    )


def findings(output: str) -> dict[str, list[str]]:
    """What was found, as `status subject`, and in which words."""
    found: dict[str, list[str]] = {}
    unfolded = re.sub(r" *\n {38}(?=\S)", " ", output)
    for line in unfolded.splitlines():
        parts = re.match(r"(ok|note|FAILED) +(\S.{27})  (\S.*)", line)
        if parts:
            found.setdefault(f"{parts[1]} {parts[2].strip()}", []).append(parts[3].strip())
    return found


# --- the report ----------------------------------------------------------------------------------------------------


def test_without_any_setting_nothing_is_amiss_and_it_says_what_is_not_set(tmp_path: Path) -> None:
    done = process("doctor", XDG_STATE_HOME=str(tmp_path / "state"))

    found = findings(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [name for name in found if name.startswith("FAILED")]
    assert "Set SMALLEST_API_KEY." in found["note Atoms"][0]
    assert "set AUDIENCES_MCP_FOLDERS, or --folder PATH" in found["note folders"][0]
    assert re.match(r"Starts over stdio and lists \d+ tools, in \d+\.\d s\.", found["ok server"][0])
    assert {"ok versions", "ok state folder", "ok sandbox"} <= set(found)
    assert {"ok numbering plans", "note numbering plans"} & set(found)  # they may have been installed long ago
    assert re.search(r"^ATOMS_API_URL +https://\S+ +default *$", done.stdout, re.MULTILINE)


def test_with_everything_set_it_says_whence_and_the_key_is_not_shown(
    tmp_path: Path, organisation: Organisation
) -> None:
    organisation.audience("Stored", "phoneNumber\n+14155552671\n")
    (tmp_path / "never.txt").write_text("+447400123456\n+447400123457\n", encoding="utf-8")

    done = process(
        "--read-only",
        "--folder",
        str(tmp_path),
        "doctor",
        SMALLEST_API_KEY=organisation.key,
        ATOMS_API_KEY="sk_another",
        ATOMS_API_URL=organisation.url,
        AUDIENCES_MCP_DEFAULT_REGION="in",
        AUDIENCES_MCP_SUPPRESSION_FILE=str(tmp_path / "never.txt"),
        AUDIENCES_MCP_AUDIT_LOG=str(tmp_path / "audit.log"),
        AUDIENCES_MCP_HTTP_TOKEN="a-token-for-the-team",
    )

    found = findings(done.stdout)
    assert done.returncode == 0, done.stdout
    assert found["ok Atoms"][0].startswith("Reached, and the key is accepted: 1 audience, in ")
    assert found["ok default region"] == ["IN."]
    assert found["ok suppression file"] == ["Readable, with 2 numbers."]
    assert found["ok audit log"] == ["Writable."]
    assert f"{tmp_path} is readable" in found["ok folder"][0]
    table = dict(re.findall(r"^([A-Z_]+) +.*?  +(\S[^ ]*) *$", done.stdout, re.MULTILINE))
    assert table["AUDIENCES_MCP_FOLDERS"] == "--folder"
    assert table["AUDIENCES_MCP_READ_ONLY"] == "--read-only"
    assert table["AUDIENCES_MCP_DEFAULT_REGION"] == "AUDIENCES_MCP_DEFAULT_REGION"
    assert table["SMALLEST_API_KEY"] == "SMALLEST_API_KEY"
    assert f"set, {len(organisation.key)} characters" in done.stdout
    for secret in (organisation.key, "sk_another", "a-token-for-the-team", "447400123456", "Stored"):
        assert secret not in done.stdout + done.stderr


def test_each_thing_that_is_amiss_is_told_with_what_to_do(tmp_path: Path, organisation: Organisation) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    done = process(
        "doctor",
        SMALLEST_API_KEY="not_a_key_of_atoms",
        ATOMS_API_URL=organisation.url,
        AUDIENCES_MCP_FOLDERS=os.pathsep.join([str(tmp_path / "gone"), "${user_config.folder}"]),
        AUDIENCES_MCP_DEFAULT_REGION="Atlantis",
        AUDIENCES_MCP_SUPPRESSION_FILE=str(tmp_path / "gone.csv"),
        AUDIENCES_MCP_AUDIT_LOG=str(tmp_path / "gone" / "audit.log"),
        XDG_STATE_HOME=str(tmp_path / "file"),
    )

    found = findings(done.stdout)
    assert done.returncode == 1
    assert {name for name in found if name.startswith("FAILED")} == {
        f"FAILED {subject}"
        for subject in ("Atoms", "folder", "default region", "suppression file", "state folder", "audit log")
    }
    assert "did not accept the API key (401)" in found["FAILED Atoms"][0]
    assert "cannot be read (no such file or directory): mend that" in found["FAILED folder"][0]
    assert "ok server" in found
    assert re.search(r"^AUDIENCES_MCP_FOLDERS .* AUDIENCES_MCP_FOLDERS *$", done.stdout, re.MULTILINE)
    assert "not_a_key_of_atoms" not in done.stdout + done.stderr


def test_settings_that_cannot_be_used_are_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("ATOMS_API_URL", "http://user:secret@example.com")

    assert main(["doctor"]) == 1

    out = capsys.readouterr().out
    assert "ATOMS_API_URL must begin with https://" in findings(out)["FAILED settings"][0]
    assert "secret" not in out


def test_the_sandbox_is_looked_at_with_the_data_that_it_keeps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "data").write_bytes(b"")  # where a folder belongs
    for variable in ("XDG_DATA_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))

    assert main(["--sandbox", "doctor"]) == 1

    assert "The sandbox cannot keep its data in " in findings(capsys.readouterr().out)["FAILED sandbox"][0]


@pytest.mark.parametrize(
    ("settings", "said", "server"),
    [
        ({}, "AUDIENCES_MCP_STATE_URL needs an Atoms key too (SMALLEST_API_KEY)", "ok server"),
        ({"AUDIENCES_MCP_SANDBOX": "on"}, "AUDIENCES_MCP_STATE_URL must be the URL of a Redis", "FAILED server"),
    ],
)
def test_a_shared_store_that_cannot_be_used_is_a_finding_among_all_others(
    settings: dict[str, str], said: str, server: str, tmp_path: Path
) -> None:
    url = "http://secret@example.com" if settings else "redis://127.0.0.1"
    done = process("doctor", AUDIENCES_MCP_STATE_URL=url, XDG_DATA_HOME=str(tmp_path), **settings)

    found = findings(done.stdout)
    assert done.returncode == 1
    assert found["FAILED shared state"][0].startswith(said)
    assert {server, "ok state folder", "ok sandbox"} <= set(found)
    assert "claude mcp add" in done.stdout
    assert "secret" not in done.stdout + done.stderr


def test_a_shared_store_that_does_not_answer_is_told_as_that(organisation: Organisation) -> None:
    done = process(
        "doctor",
        AUDIENCES_MCP_STATE_URL="redis://127.0.0.1:1",
        SMALLEST_API_KEY=organisation.key,
        ATOMS_API_URL=organisation.url,
    )

    found = findings(done.stdout)
    assert done.returncode == 1
    assert "user write there" not in found["FAILED shared state"][0]
    assert "ok Atoms" in found


def test_atoms_out_of_reach_and_a_server_that_does_not_start_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ATOMS_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("SMALLEST_API_KEY", "sk_x")
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert main(["doctor"]) == 1

    found = findings(capsys.readouterr().out)
    assert "Atoms could not be reached" in found["FAILED Atoms"][0]
    assert "It does not work" in found["FAILED server"][0]


# --- configurations ------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_is_printed_for_each_client_starts_the_server_with_these_settings(tmp_path: Path) -> None:
    lists = tmp_path / "Client lists"
    lists.mkdir()
    (lists / "new.csv").write_text("phone\n98765 43210\n", encoding="utf-8")

    done = process("--folder", str(lists), "doctor", AUDIENCES_MCP_DEFAULT_REGION="IN")

    texts = re.findall(r"^\{\n.*?^\}$", done.stdout, re.MULTILINE | re.DOTALL)
    desktop, vs_code, zed = (json.loads(text) for text in texts)
    server = desktop["mcpServers"]["audiences"]
    assert server["env"] == {"SMALLEST_API_KEY": "sk_...", "AUDIENCES_MCP_DEFAULT_REGION": "IN"}
    assert zed == {"context_servers": {"audiences": server}}
    asked = {**server["env"], "SMALLEST_API_KEY": "${input:atoms-key}"}
    assert vs_code["servers"] == {"audiences": {"type": "stdio", **server, "env": asked}}
    assert vs_code["inputs"][0]["id"] == "atoms-key"

    program = [server["command"], *server["args"]]
    for name in ("claude", "codex"):
        line = re.search(rf"^{name} mcp add .*$", done.stdout, re.MULTILINE)
        assert line
        words = shlex.split(line[0])
        assert words[words.index("--") + 1 :] == program
        assert "SMALLEST_API_KEY=sk_..." in words

    links = dict(re.findall(r"((?:cursor|vscode):\S+?\?)(\S+)", done.stdout))
    query = parse_qs(urlsplit("?" + links["cursor://anysphere.cursor-deeplink/mcp/install?"]).query)
    assert json.loads(b64decode(query["config"][0])) == server
    assert json.loads(unquote(links["vscode:mcp/install?"])) == {
        "name": "audiences",
        **vs_code["servers"]["audiences"],
        "inputs": vs_code["inputs"],
    }

    env = environment(**{**server["env"], "SMALLEST_API_KEY": ""})
    async with Client(StdioServerParameters(command=program[0], args=program[1:], env=env)) as client:
        report = await client.call_tool("check_contacts", {"file_path": "new.csv"})
    assert report.structured_content is not None
    assert report.structured_content["counts"]["ready"] == 1


# --- the round trip ------------------------------------------------------------------------------------------------


@contextmanager
def drifting(url: str, change: Change) -> Iterator[str]:
    """A small proxy before the sandbox that changes its answers."""
    sandbox = httpx.Client(verify=False, trust_env=False, timeout=60)
    upstream = url.removesuffix("/atoms/v1")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
            response = sandbox.request(
                self.command, upstream + self.path, headers=kept, content=self.rfile.read(length)
            )
            path = re.sub("[0-9a-f]{24}", "ID", self.path.removeprefix("/atoms/v1/").partition("?")[0])
            status, body = change(f"{self.command} {path}", response.status_code, response.json())
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, sandbox:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/atoms/v1"
        server.shutdown()


def answers(request: str, change: Callable[[Any], Any], status: int | None = None) -> Change:
    """Change the answers to one request."""

    def changed(asked: str, given: int, body: Any) -> tuple[int, Any]:
        return (status or given, change(body)) if asked == request else (given, body)

    return changed


def only_known(text: str, organisation: Organisation) -> bool:
    """Whether a text holds no key, and no number but the fictional ones."""
    numbers = {re.sub(r"\D", "", each) for each in re.findall(r"\+\d[\d ()-]{8,}\d", text)}
    return organisation.key not in text and numbers <= FICTIONAL


@pytest.fixture
def trip(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, organisation: Organisation
) -> Callable[[Change], tuple[int, dict[str, list[str]]]]:
    """Make the round trip through a proxy; return the exit code and what was found."""

    def make(change: Change) -> tuple[int, dict[str, list[str]]]:
        with drifting(organisation.url, change) as url:
            monkeypatch.setenv("ATOMS_API_URL", url)
            monkeypatch.setenv("SMALLEST_API_KEY", organisation.key)
            code = main(["doctor", "--round-trip", "--yes"])
        out = capsys.readouterr().out
        assert only_known(out, organisation)
        return code, findings(out)

    return make


def data(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda body: {**body, "data": change(body["data"])}


def test_the_round_trip_leaves_an_account_as_it_was_and_logs_its_changes(
    tmp_path: Path, organisation: Organisation
) -> None:
    organisation.audience("Stored", "phoneNumber\n+14155552671\n")
    organisation.do_not_call("+14155552672")
    before = organisation.audiences()
    log = tmp_path / "audit.log"
    settings = {"SMALLEST_API_KEY": organisation.key, "ATOMS_API_URL": organisation.url}

    done = process("doctor", "--round-trip", answer="y\n", AUDIENCES_MCP_AUDIT_LOG=str(log), **settings)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "This makes an audience of a fictional number (+1 202 555 0143)" in done.stdout
    assert set(re.findall(r"^(\w+) ", done.stdout.partition("[y/N]")[2], re.MULTILINE)) == {"ok"}
    assert done.stdout.count("As published.") == 13
    assert only_known(done.stdout, organisation)
    assert organisation.audiences() == before
    written = log.read_text(encoding="utf-8")
    assert [json.loads(line)["tool"] for line in written.splitlines()] == [
        "doctor: create an audience of one",
        "doctor: add one, and the first again",
        "doctor: remove the first",
        "doctor: delete it",
    ]
    assert not re.search(r"\d{10}", re.sub(r'"(?:audience_id|time)": "[^"]*"', "", written))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            answers("GET audience", data(lambda each: [{**one, "memberCount": "1"} for one in each])),
            "list the audiences: data[].memberCount is text, not a whole number",
        ),
        (
            answers("GET audience", data(lambda each: [{**one, "memberCount": None} for one in each])),
            "list the audiences: memberCount is 0, not 1",
        ),
        (
            answers("POST audience", data(lambda made: {**made, "_id": made["_id"][:8]})),
            "create an audience of one: data._id has another form than published",
        ),
        (
            answers("POST audience", data(lambda made: {"id": made["_id"]})),
            "create an audience of one: data._id is missing",
        ),
        (answers("POST audience", lambda _: "<html>", 502), "create an audience of one: answered 502, not 200"),
        (
            answers("GET audience/ID", lambda body: {**body, "status": "success"}),
            "get it: status is not true",
        ),
        (
            answers("GET audience/ID/members", data(lambda page: {**page, "members": {}})),
            "list its members: data.members is an object, not a list",
        ),
        (
            answers("GET audience/ID/members", data(lambda page: {**page, "members": page["members"][:0]})),
            "list its members: the member is not stored as sent",
        ),
        (
            answers("POST audience/ID/members", data(lambda added: added[0])),
            "add one, and the first again: data is an object, not a list",
        ),
        (
            answers("POST audience/ID/members", data(lambda _: [{"message": "", "data": {"added": 2, "skipped": 0}}])),
            "add one, and the first again: added is 2, not 1",
        ),
        (
            answers("GET audience/ID/members/search", lambda _: {"status": False, "errors": ["no"]}, 500),
            "search for the second: answered 500, not 200",
        ),
        (
            answers("DELETE audience/ID/members", data(lambda _: {"deletedCount": 0.5})),
            "remove the first: data.deletedCount is a fraction, not a whole number",
        ),
        (answers("DELETE audience/ID", data(lambda _: None)), "delete it: data is null, not a list"),
        (answers("GET dnc", data(lambda _: [])), "read the do-not-call list: data is a list, not an object"),
    ],
)
def test_each_answer_that_is_not_as_published_is_named_and_what_was_made_is_deleted(
    trip: Any, organisation: Organisation, change: Change, found: str
) -> None:
    code, lines = trip(change)

    subject, _, text = found.partition(": ")
    assert code == 1
    assert text in lines[f"FAILED {subject}"]
    assert "ok look that nothing is left" in lines
    assert organisation.audiences() == []


def test_what_does_no_harm_is_named_and_is_no_failure(trip: Any) -> None:
    code, lines = trip(answers("POST audience", data(lambda made: {**made, "__v": 0}), 201))

    assert code == 0
    assert lines["note create an audience of one"] == [
        "answered 201, not 200; it does no harm.",
        "data.__v is not published; it does no harm.",
    ]


def test_when_the_audience_cannot_be_deleted_its_id_is_told(trip: Any, organisation: Organisation) -> None:
    def used_at_once(request: str, status: int, body: Any) -> tuple[int, Any]:
        if request == "POST audience":
            organisation.campaign(body["data"]["_id"], "Somebody's", "running")
        return status, body

    code, lines = trip(used_at_once)

    (left,) = organisation.audiences()
    assert code == 1
    told = lines["FAILED look that nothing is left"][0]
    assert told == f"an audience {left['_id']}, named '{left['name']}', is left: delete it in the Atoms console"


def test_when_atoms_no_longer_lists_audiences_the_one_that_was_made_is_deleted_by_its_id(
    trip: Any, organisation: Organisation
) -> None:
    code, lines = trip(answers("GET audience", lambda _: {"status": True, "data": {}}))

    assert code == 1
    assert "data is an object, not a list" in lines["FAILED list the audiences"]
    assert "ok look that nothing is left" in lines
    assert organisation.audiences() == []


def test_a_creation_that_is_refused_ends_the_trip_and_nothing_is_looked_for(trip: Any) -> None:
    code, lines = trip(
        lambda request, *given: (400, {"status": False, "errors": ["no"]}) if "POST" in request else given
    )

    assert code == 1
    assert [name for name in lines if "do-not-call" not in name] == ["FAILED create an audience of one"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_trip_that_is_interrupted_deletes_what_it_made(organisation: Organisation, number: signal.Signals) -> None:
    waiting, ended = Event(), Event()

    def hold(request: str, status: int, body: Any) -> tuple[int, Any]:
        if request.endswith("search"):
            waiting.set()
            ended.wait(60)
        return status, body

    with drifting(organisation.url, hold) as url:
        settings = environment(SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=url)
        command = [*COMMAND, "doctor", "--round-trip", "--yes"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings
        ) as doctor:
            assert waiting.wait(60)
            assert len(organisation.audiences()) == 1
            doctor.send_signal(number)
            out, errors = doctor.communicate(timeout=60)
        ended.set()

    assert (doctor.returncode, errors) == (1, "")
    assert findings(out)["FAILED round trip"] == ["It was interrupted."]
    assert organisation.audiences() == []


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["doctor", "--round-trip", "--yes"], {}, "No key is set, so nothing was made"),
        (["--read-only", "doctor", "--round-trip", "--yes"], {"SMALLEST_API_KEY": "sk_x"}, "Read-only mode is on"),
        (["--sandbox", "doctor", "--round-trip"], {}, "Nothing was made: answer y, or pass --yes."),
    ],
)
def test_without_a_key_in_read_only_mode_and_without_a_yes_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], settings: dict[str, str], words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    assert main(arguments) == 1

    assert words in capsys.readouterr().out


def test_the_round_trip_can_be_tried_on_the_embedded_sandbox(capsys: Any) -> None:
    assert main(["--sandbox", "doctor", "--round-trip", "--yes"]) == 0
    assert "FAILED" not in capsys.readouterr().out
