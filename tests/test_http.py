"""HTTP for a team: both revisions, a token, named hosts, no files, a graceful end; all against real processes."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx  # noqa: TID251 - a client of the server
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.conftest import Agent, Organisation
from tests.processes import COMMAND, environment
from tests.test_shutdown import slow_answers

pytestmark = pytest.mark.anyio

TOKEN = "a token of the team"
PEOPLE = [{"phone_number": "+14155552671", "first_name": "Ann"}, {"phone_number": "+442071838750"}]


@contextmanager
def serving(
    organisation: Organisation, *arguments: str, place: str = "127.0.0.1:0", **settings: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server process over HTTP, and its URL."""
    process = subprocess.Popen(
        [*COMMAND, "--http", place, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**{"SMALLEST_API_KEY": organisation.key, "ATOMS_API_URL": organisation.url, **settings}),
    )
    with process:
        try:
            assert process.stderr
            found = re.fullmatch(r"audiences-mcp: MCP at (http://[a-z0-9.]+:\d+/mcp)\n", process.stderr.readline())
            assert found
            yield found[1], process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def team(sandbox_url: str) -> Iterator[tuple[str, Organisation]]:
    """A server with a token, for all tests that do not end it."""
    organisation = Organisation(sandbox_url, "sk_team")
    with serving(organisation, "--folder", "/", AUDIENCES_MCP_HTTP_TOKEN=TOKEN) as (url, _):
        yield url, organisation


@asynccontextmanager
async def connected(url: str, mode: Any, token: str = TOKEN) -> AsyncIterator[Agent]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Agent(client)


def post(url: str, content: bytes = b"{}", /, **headers: str) -> httpx.Response:
    types = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    return httpx.post(url, content=content, headers={**types, **headers}, trust_env=False, timeout=60)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_whole_job_over_http(team: tuple[str, Organisation], mode: Any) -> None:
    url, organisation = team
    async with connected(url, mode) as agent:
        check = await agent.do("check_contacts", contacts=PEOPLE)
        made = await agent.do("create_audience", name=f"May {mode}", check_id=check["check_id"])
        audience_id = made["audiences"][0]["audience_id"]
    async with connected(url, mode) as agent:  # another connection, so nothing is kept in one
        token = (await agent.do("delete_audience", audience_id=audience_id))["confirm_token"]
        deleted = await agent.do("delete_audience", audience_id=audience_id, confirm_token=token)

    assert made["verified"]
    assert deleted["deleted"]
    assert organisation.audiences() == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_progress_is_told_over_http(team: tuple[str, Organisation], mode: Any) -> None:
    told: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        told.append(progress)

    rows = "phone\n" + "\n".join(f"0{number}" for number in range(9_100_000_000, 9_100_020_000))
    async with connected(team[0], mode) as agent:
        arguments = {"csv_text": rows, "default_region": "IN"}
        result = await agent.client.call_tool("check_contacts", arguments, progress_callback=note)

    assert not result.is_error
    assert told
    assert told == sorted(told)


async def test_files_are_not_read_and_that_is_said(team: tuple[str, Organisation]) -> None:
    async with connected(team[0], "auto") as agent:
        refused = await agent.fail("check_contacts", file_path="/etc/passwd")

        listed = [tool.name for tool in (await agent.client.list_tools()).tools]

    assert refused.startswith("This server is shared over HTTP, so it reads no files")
    assert "export_audience" not in listed
    assert len(listed) == 11


@pytest.mark.parametrize(("mode", "shown"), [("auto", False), ("legacy", True)])
async def test_the_page_is_told_to_a_client_of_which_nothing_is_known(
    team: tuple[str, Organisation], mode: Any, *, shown: bool
) -> None:
    """Stateless HTTP forgets what an older client said of itself; a newer one says it each time."""
    async with connected(team[0], mode) as agent:
        tools = (await agent.client.list_tools()).tools

    assert any(tool.meta for tool in tools) == shown


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}])
def test_without_the_token_nothing_is_answered(team: tuple[str, Organisation], given: dict[str, str]) -> None:
    refused = post(team[0], **given)

    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "sk_team" not in refused.text


def test_the_scheme_of_the_token_may_be_written_in_any_case(team: tuple[str, Organisation]) -> None:
    assert post(team[0], authorization=f"bEARER {TOKEN}").status_code == 400  # an empty object is no message


@pytest.mark.parametrize("path", ["/healthz/", "//healthz", "/healthz/../mcp", "/mcp/../healthz", "/mcp", "/", "/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
def test_no_way_of_asking_gets_past_the_token(team: tuple[str, Organisation], method: str, path: str) -> None:
    connection = HTTPConnection(urlsplit(team[0]).netloc)  # which sends the path as it is
    connection.request(method, path)

    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_nothing_but_messages_is_taken_and_no_empty_stream_stays_open(
    team: tuple[str, Organisation], method: str
) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "accept": "text/event-stream"}
    refused = httpx.request(method, team[0], headers=headers, trust_env=False, timeout=60)

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("place", ["127.0.0.1:0", "127.0.0.2:0", "localhost:0"])
@pytest.mark.skipif(sys.platform == "darwin", reason="there only one address is this machine's")
def test_without_a_token_a_page_that_names_itself_after_this_machine_is_refused(
    organisation: Organisation, place: str
) -> None:
    with serving(organisation, place=place) as (url, _):
        here = post(url)
        elsewhere = [post(url, host="evil.example:80"), post(url, origin="http://evil.example")]

    assert here.status_code == 400  # an empty object is no message
    assert [refused.status_code for refused in elsewhere] == [421, 403]


def test_other_hosts_and_origins_are_refused(team: tuple[str, Organisation]) -> None:
    token = f"Bearer {TOKEN}"

    assert post(team[0], authorization=token, host="evil.example").status_code == 421
    assert post(team[0], authorization=token, origin="https://evil.example").status_code == 403


def test_a_request_that_is_too_long_is_refused(team: tuple[str, Organisation]) -> None:
    assert post(team[0], b" " * 8_000_001, authorization=f"Bearer {TOKEN}").status_code == 413


def test_whether_the_process_lives_can_be_asked_without_the_token(team: tuple[str, Organisation]) -> None:
    answer = httpx.get(team[0].replace("/mcp", "/healthz"), trust_env=False, timeout=60)

    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_a_named_host_is_let_in(organisation: Organisation) -> None:
    settings = {
        "AUDIENCES_MCP_HTTP_TOKEN": TOKEN,
        "AUDIENCES_MCP_HTTP_HOSTS": "lists.example.com, https://chat.example.com",
    }
    with serving(organisation, **settings) as (url, _):
        statuses = [
            post(url, authorization=f"Bearer {TOKEN}", host=host, origin=origin).status_code
            for host, origin in (
                ("lists.example.com", "https://chat.example.com"),
                ("lists.example.com:8443", "https://lists.example.com"),
                ("other.example.com", "https://chat.example.com"),
                ("lists.example.com", "https://other.example.com"),
            )
        ]

    assert statuses == [400, 400, 421, 403]  # an empty object is no message


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_that_is_under_way_ends_before_the_process_does(organisation: Organisation, mode: Any) -> None:
    answers: list[bool] = []
    with (
        slow_answers(organisation.url, holds=0) as way,
        serving(organisation, ATOMS_API_URL=way.url, AUDIENCES_MCP_HTTP_TOKEN=TOKEN) as (url, process),
    ):

        def stop() -> None:
            way.held.wait(60)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            way.over.set()

        thread = Thread(target=stop)
        thread.start()
        async with connected(url, mode) as agent:
            await agent.client.list_tools()  # which the client would ask for afterwards
            answers.append((await agent("create_audience", name="May", contacts=PEOPLE)).is_error)
        thread.join()
        assert process.wait(60) in {0, -signal.SIGTERM}
        assert process.stderr
        assert process.stderr.read() == ""

    assert answers == [False]
    assert len(organisation.audiences()) == 1


@pytest.mark.parametrize(
    ("place", "settings", "said"),
    [
        ("0.0.0.0:0", {}, "Off this machine the server may be reached by anybody"),
        ("0.0.0.0:0", {"AUDIENCES_MCP_HTTP_TOKEN": TOKEN}, "Off this machine the server may be reached by anybody"),
        ("127.0.0.1:0", {"AUDIENCES_MCP_HTTP_TOKEN": "short"}, "must have at least 16 characters"),
        ("127.0.0.1:0", {"AUDIENCES_MCP_HTTP_TOKEN": "ein Schlüssel für alle"}, "all of ASCII"),
        ("127.0.0.1:0", {"AUDIENCES_MCP_HTTP_TOKEN": "a token\tof the team"}, "all of ASCII"),
        ("127.0.0.1:0", {"AUDIENCES_MCP_HTTP_TOKEN": "sk_" + "a" * 20}, "is the Atoms key"),
        (
            "127.0.0.1:0",
            {"AUDIENCES_MCP_STATE_URL": "http://a.example"},
            "AUDIENCES_MCP_STATE_URL must be the URL of a Redis",
        ),
        ("127.0.0.1:0", {"AUDIENCES_MCP_STATE_URL": "redis://a", "SMALLEST_API_KEY": ""}, "needs an Atoms key too"),
        ("8000", {}, "--http takes a host and a port"),
        (
            "no.such.host.invalid:1",
            {"AUDIENCES_MCP_HTTP_TOKEN": TOKEN, "AUDIENCES_MCP_HTTP_HOSTS": "a.example"},
            "could not",
        ),
    ],
)
def test_where_it_would_be_open_to_all_or_a_setting_cannot_be_used_it_does_not_start(
    place: str, settings: dict[str, str], said: str
) -> None:
    started = subprocess.run(
        [*COMMAND, "--http", place],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(**{"SMALLEST_API_KEY": "sk_" + "a" * 20, **settings}),
    )

    assert started.returncode == 2
    assert said in started.stderr
    assert "MCP at http" not in started.stderr
    assert "Traceback" not in started.stderr
    assert TOKEN not in started.stderr
