"""Nothing leaks: what a long session, with everything going wrong, writes anywhere holds no key, header, number or name.

Numbers and names are in the answers, since they are what was asked for, and nowhere else.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx  # noqa: TID251 - the network between the server and the sandbox
import pytest

from audiences_mcp.atoms.client import AtomsClient
from audiences_mcp.errors import AudiencesError
from tests.conftest import Organisation

NUMBERS = ("4155552671", "4155552672", "9876543210")
NAMES = ("Zebedee", "Quixote", "Ulaanbaatar", "Leads of Maytime", "Autumn calls")
PEOPLE = [
    {"phone_number": "+1 (415) 555-2671", "first_name": "Zebedee", "variables": {"city": "Ulaanbaatar"}},
    {"phone_number": "+91 98765 43210", "first_name": "Quixote"},
]
BROKEN = {"phone_number": "415-555-2672", "first_name": "Quixote"}
UNFORESEEN, MISSING = "f" * 24, "e" * 24
# Every logger says everything, whatever the server or its libraries set, on standard error and into a file; and one address
# raises an error that nobody foresaw, whose text holds all that must not be seen.
CODE = f"""
import logging, os, sys
logging.basicConfig(level=0, handlers=[logging.StreamHandler(), logging.FileHandler(os.environ["TMPDIR"] + "/all.log")])
logging.Logger.setLevel = lambda self, level: None
logging.disable = lambda level=0: None
import httpx, stamina
from audiences_mcp.committing import Committer
stamina.set_testing(True, attempts=1)  # waits have tests of their own
Committer.look_up_pauses = (0.0,)
send = httpx.AsyncHTTPTransport.handle_async_request
async def handle(self, request):
    if "{UNFORESEEN}" in request.url.path:
        raise ZeroDivisionError(f"{{request.headers.raw}} +14155552671 Zebedee")
    return await send(self, request)
httpx.AsyncHTTPTransport.handle_async_request = handle
from audiences_mcp.__main__ import main
sys.exit(main())
"""
UNTIDY = [
    b'{"jsonrpc": "2.0", "id": 5, "method": "Zebedee +14155552671',
    b"\xff\xfe Zebedee +14155552671",
    b'[1, "Zebedee", 14155552671]',
    b'{"jsonrpc": "2.0", "id": {"x": "Zebedee"}, "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": "Zebedee 4155552671", "result": {"a": "Zebedee"}}',
    b'{"jsonrpc": "2.0", "method": "notifications/Zebedee", "params": {"reason": "+14155552671"}}',
    b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "4155552671", "reason": "Zebedee"}}',
]


# --- Atoms, with faults --------------------------------------------------------------------------------------------


class Atoms(ThreadingHTTPServer):
    """The sandbox behind a network that can be told to fail."""

    def __init__(self, sandbox_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sandbox = httpx.Client(
            base_url=sandbox_url.removesuffix("/atoms/v1"), verify=False, trust_env=False, timeout=60
        )
        self.url = f"http://127.0.0.1:{self.server_address[1]}/atoms/v1"
        self.fault = ""

    def server_close(self) -> None:
        super().server_close()
        self.sandbox.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Atoms

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers["Authorization"].removeprefix("Bearer ")
        texts = [f"{key} may not call +14155552671 (Zebedee)", f"\u202e{key[:9]}\u200b{key[9:]}"]
        match self.server.fault:
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            case "html":
                self._answer(200, f"<html>{key} Zebedee +14155552671 Traceback</html>".encode())
            case "cut":
                self._answer(200, b'{"status": true, "data": [', length=9_999)
                self.close_connection = True
            case "damaged":
                self._answer(200, b"no gzip at all", encoding="gzip")
            case "redirect":
                self._answer(302, b"", location=f"http://127.0.0.1/{key}?name=Zebedee&number=4155552671")
            case "":
                self._forward(body)
            case status:
                answer = {"status": False, "errors": texts, "error": texts[0], "x": {"Authorization": key}}
                self._answer(int(status), json.dumps(answer).encode())

    do_POST = do_DELETE = do_GET  # noqa: N815 - the names that the library calls

    def _forward(self, body: bytes) -> None:
        kept = {name: value for name, value in self.headers.items() if name in {"Authorization", "Content-Type"}}
        answer = self.server.sandbox.request(self.command, self.path, content=body, headers=kept)
        self._answer(answer.status_code, answer.content)

    def _answer(
        self, status: int, body: bytes, *, length: int | None = None, encoding: str = "", location: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.send_header("x-request-id", self.headers["Authorization"])
        for name, value in (("Content-Encoding", encoding), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Say nothing."""


@pytest.fixture
def atoms(sandbox_url: str) -> Iterator[Atoms]:
    with Atoms(sandbox_url) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


# --- a session -----------------------------------------------------------------------------------------------------


class Session:
    """A server process with a home of its own, and everything that it has written."""

    def __init__(self, home: Path, command: list[str], **settings: str) -> None:
        self.home = home
        ours = ("SMALLEST_API_KEY", "ATOMS_API_KEY", "ATOMS_API_URL", "AUDIENCES_MCP_", "XDG_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        for name in ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            (home / name).mkdir(parents=True)
            environment[name] = str(home / name)
        self.errors = (home / "errors").open("wb")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**environment, "PYTHONASYNCIODEBUG": "1", **settings},
        )
        self.answers: list[str] = []
        self._requests = 0
        version = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        self.ask("initialize", **version)
        self.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    def send(self, text: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(text + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Make a request and return its answer, with whatever is written before it noted."""
        self._requests += 1
        request = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": params}
        self.send(json.dumps(request).encode())
        assert self.process.stdout
        while text := self.process.stdout.readline().decode():
            self.answers.append(text)
            answer: dict[str, Any] = json.loads(text)
            if answer.get("id") == self._requests:
                return answer
        raise AssertionError("the server has ended")

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self.ask("tools/call", name=tool, arguments=arguments)
        result: dict[str, Any] = answer["result"]
        return result

    def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.call(tool, **arguments)
        assert not result.get("isError"), result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def fail(self, tool: str, **arguments: Any) -> str:
        result = self.call(tool, **arguments)
        assert result["isError"], result
        return str(result["content"][0]["text"])

    def end(self) -> int:
        assert self.process.stdout
        out, _ = self.process.communicate(timeout=60)
        self.answers += out.decode().splitlines()
        return self.process.returncode

    def written(self) -> Iterator[tuple[str, str]]:
        """Every line that was written besides the answers, with the name of where it stands."""
        for path in self.home.rglob("*"):
            if path.is_file():
                yield from ((path.name, text) for text in path.read_text("utf-8", errors="replace").splitlines())


@contextmanager
def session(home: Path, command: list[str], **settings: str) -> Iterator[Session]:
    started = Session(home, command, **settings)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        for stream in (started.errors, started.process.stdin, started.process.stdout):
            assert stream
            with suppress(BrokenPipeError):
                stream.close()


def secrets_in(text: str, key: str) -> list[str]:
    """What a text holds that stands nowhere but in an answer."""
    digits = "".join(char for char in text if char.isdigit())
    return [*(name for name in NAMES if name in text), *(n for n in NUMBERS if n in digits), *never_in(text, key)]


def never_in(text: str, key: str) -> list[str]:
    """What a text holds that stands nowhere at all."""
    return [secret for secret in (key, key[3:], "Authorization", "Traceback", "site-packages") if secret in text]


def use_everything(server: Session, atoms: Atoms, organisation: Organisation) -> None:
    """Every tool, well and badly."""
    csv = "phone,name\n+1 415 555 2671,Zebedee\n415-555-2672,Quixote\n"
    report = server.do("check_contacts", contacts=[*PEOPLE, BROKEN])
    server.do("check_contacts", csv_text=csv, default_region="US")
    server.do("list_check_rows", check_id=report["check_id"], contains="Zebedee")
    made = server.do("create_audience", name="Leads of Maytime", check_id=report["check_id"])
    audience_id = made["audiences"][0]["audience_id"]
    added = {"phone_number": "+14155552672", "first_name": "Quixote", "variables": {"city": "Ulaanbaatar"}}
    server.do("add_contacts", audience_id=audience_id, contacts=[added])
    server.do("list_audiences", name_contains="Leads of Maytime")
    server.do("get_audience", audience_id=audience_id)
    server.do("list_audience_members", audience_id=audience_id)
    server.do("check_contacts", from_audiences=[audience_id], add_to_audience_id=audience_id)
    organisation.campaign(audience_id, "Autumn calls", "running")

    server.fail("delete_audience", audience_id=audience_id)
    server.fail("add_contacts", audience_id=audience_id, contacts=PEOPLE)
    server.fail("create_audience", name="Leads of Maytime", contacts=[BROKEN])
    server.fail("check_contacts", contacts=[{"phone_number": {"+14155552671": "Zebedee"}}], **{"4155552671": 1})
    server.fail("check_contacts", csv_text=csv, phone_columns=["Zebedee +14155552671"])
    server.fail("check_contacts", file_path="/etc/Zebedee 4155552671.csv")
    server.fail("list_check_rows", check_id="Zebedee +14155552671")
    server.fail("get_audience", audience_id=MISSING)
    server.fail("Zebedee +14155552671", number="+14155552671")
    for tool in ("get_audience", "list_audience_members", "delete_audience"):
        assert "ZeroDivisionError" in server.fail(tool, audience_id=UNFORESEEN)
    for fault in ("401", "403", "404", "429", "500", "503", "reset", "html", "cut", "damaged", "redirect"):
        atoms.fault = fault
        server.fail("list_audiences", name_contains="Zebedee")
        server.fail("create_audience", name="Leads of Maytime (2)", contacts=PEOPLE)
        server.fail("add_contacts", audience_id=audience_id, contacts=PEOPLE)
        server.do("check_contacts", contacts=PEOPLE)
    atoms.fault = ""
    for text in UNTIDY:
        server.send(text)
    server.ask("Zebedee/+14155552671", name="Zebedee")
    server.ask("resources/read", uri="file:///Zebedee/+14155552671")
    server.ask("prompts/get", name="Zebedee +14155552671")
    server.ask("tools/call", name=["Zebedee"], arguments="+14155552671")


@pytest.mark.parametrize("settings", [{}, {"AUDIENCES_MCP_MASK_NUMBERS": "on"}], ids=["plain", "masked"])
def test_a_long_session_writes_no_key_header_number_or_name_anywhere_but_in_its_answers(
    atoms: Atoms, tmp_path: Path, settings: dict[str, str]
) -> None:
    organisation = Organisation(atoms.url, f"sk_{uuid4().hex}")
    keys = {"SMALLEST_API_KEY": organisation.key, "ATOMS_API_URL": atoms.url}

    with session(tmp_path, [sys.executable, "-c", CODE], **keys, **settings) as server:
        use_everything(server, atoms, organisation)
        assert server.end() == 0

    leaks = [(place, found) for place, text in server.written() if (found := secrets_in(text, organisation.key))]
    assert not leaks
    assert not [text for text in server.answers if never_in(text, organisation.key)]
    assert all(json.loads(text)["jsonrpc"] == "2.0" for text in server.answers)
    said = "\n".join(text for _, text in server.written())
    for logger in ("httpx", "httpcore", "mcp", "asyncio", "audiences_mcp"):
        assert logger in said, "everything was to be logged"
    assert "list_audience_members failed: ZeroDivisionError at <string>:" in said


def test_the_sandbox_inside_of_the_server_logs_nothing_of_what_it_is_sent(tmp_path: Path) -> None:
    with session(tmp_path, [sys.executable, "-c", CODE], AUDIENCES_MCP_SANDBOX="on") as server:
        server.do("create_audience", name="Leads of Maytime", contacts=PEOPLE)
        server.fail("get_audience", audience_id=MISSING)
        assert server.end() == 0

    logged = [(place, text) for place, text in server.written() if not place.startswith("sandbox.db")]
    assert not [place for place, text in logged if secrets_in(text, "sk_sandbox")]
    assert any("uvicorn" in text for _, text in logged)


def test_without_anything_forced_a_client_that_talks_nonsense_leaves_no_trace_of_it(tmp_path: Path) -> None:
    with session(tmp_path, [sys.executable, "-m", "audiences_mcp"]) as server:
        for text in UNTIDY:
            server.send(text)
        server.ask("prompts/get", name="Zebedee +14155552671")
        server.fail("check_contacts", contacts=[{"phone_number": 1, "Zebedee": 1}])
        assert server.end() == 0

    assert not [text for _, text in server.written() if secrets_in(text, "sk_none")]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break differently there")
def test_a_client_that_goes_away_in_the_middle_gets_no_traceback(tmp_path: Path) -> None:
    with session(tmp_path, [sys.executable, "-m", "audiences_mcp"]) as server:
        assert server.process.stdout
        server.process.stdout.close()
        call = {"name": "check_contacts", "arguments": {"contacts": PEOPLE}}
        request = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": call}
        with suppress(BrokenPipeError):
            for _ in range(200):  # it hears of it when it answers, and ends when it reads on
                server.send(json.dumps(request).encode())
                time.sleep(0.05)
        assert server.process.wait(timeout=60) == 1

    said = [text for place, text in server.written() if place == "errors"]
    assert said[-1].startswith("audiences-mcp: unforeseen error, BrokenPipeError at ")
    assert not [text for text in said if secrets_in(text, "sk_none")]


# --- errors --------------------------------------------------------------------------------------------------------


def raises(error: Exception) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(error, httpx.RequestError):
            error.request = request
        raise error

    return httpx.MockTransport(handle)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "transport",
    [
        *map(
            raises,
            [
                httpx.ConnectError("sk_secret"),
                httpx.ReadTimeout("sk_secret"),
                httpx.RemoteProtocolError("sk_secret"),
                httpx.DecodingError("sk_secret"),
                TimeoutError("sk_secret"),
                OSError("sk_secret"),
            ],
        ),
        *(
            httpx.MockTransport(lambda _, code=code: httpx.Response(code, text="sk_secret"))
            for code in (200, 302, 401, 500)
        ),
    ],
)
async def test_no_error_of_the_client_drags_along_the_request_that_has_the_key(transport: httpx.MockTransport) -> None:
    client = AtomsClient("https://atoms.example/v1", "sk_secret", transport=transport)
    with pytest.raises(AudiencesError) as caught:
        await client.list_audiences()
    await client.aclose()

    chain: list[BaseException] = [caught.value]
    for error in chain:
        assert isinstance(error, AudiencesError)
        assert "sk_secret" not in f"{error!r} {vars(error)}"
        chain += [each for each in (error.__cause__, error.__context__) if each]
