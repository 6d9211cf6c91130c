"""The end of a server in the middle of a job: within a second, told on standard error, and nothing doubled or lost."""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import httpx  # noqa: TID251 - carries requests on to the sandbox
import pytest

from tests.conftest import Organisation
from tests.processes import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

NUMBERS = [f"+9198765{number:05d}" for number in range(12_000)]
AT_ONCE = 10  # seconds: one, and the others for a busy machine; whoever waits does so for 30
ENDINGS: dict[str, Callable[[Server], None]] = {
    "end of input": Server.close_input,
    "SIGTERM": lambda server: server.stop(signal.SIGTERM),
    "SIGINT": lambda server: server.stop(signal.SIGINT),
    "SIGKILL": lambda server: server.stop(signal.SIGKILL),
}


class Way(NamedTuple):
    """A way to the sandbox."""

    url: str
    held: Event
    """Set once the answer is held back."""
    over: Event
    """To be set when it may go on."""


@contextmanager
def slow_answers(url: str, holds: int) -> Iterator[Way]:
    """A way to the sandbox on which the answer to one of the writes is held back.

    Args:
        url: The sandbox.
        holds: Which of the writes, from 0.

    """
    held, over, writes = Event(), Event(), iter(range(1_000_000))

    class Carrier(BaseHTTPRequestHandler):
        def carry(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with httpx.Client(verify=False, trust_env=False, timeout=30) as http:
                place = url + self.path.removeprefix("/atoms/v1")
                response = http.request(self.command, place, content=content, headers=dict(self.headers))
            if self.command != "GET" and next(writes) == holds:
                held.set()
                over.wait(60)
            with suppress(OSError):
                self.send_response(response.status_code)
                self.send_header("Content-Length", str(len(response.content)))
                self.end_headers()
                self.wfile.write(response.content)

        do_GET = do_POST = do_DELETE = carry  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    way = ThreadingHTTPServer(("127.0.0.1", 0), Carrier)
    thread = Thread(target=way.serve_forever, daemon=True)
    thread.start()
    try:
        yield Way(f"http://127.0.0.1:{way.server_port}/atoms/v1", held, over)
    finally:
        over.set()
        way.shutdown()
        thread.join()
        way.server_close()


def serve(folder: Path, organisation: Organisation, url: str) -> Server:
    (folder / "list.csv").write_text("phone\n" + "\n".join(NUMBERS))
    state = str(folder / "state")
    return Server("--folder", str(folder), SMALLEST_API_KEY=organisation.key, ATOMS_API_URL=url, XDG_STATE_HOME=state)


def end(server: Server, ending: str) -> tuple[float, str]:
    """End a server and return how long that took and what it said."""
    begun = time.monotonic()
    ENDINGS[ending](server)
    said = server.errors()
    return time.monotonic() - begun, said


@pytest.mark.parametrize(("ending", "holds"), [("SIGKILL", 0), *((ending, 1) for ending in ENDINGS)])
def test_a_split_that_is_cut_short_goes_on_with_the_next_server(
    tmp_path: Path, organisation: Organisation, ending: str, holds: int
) -> None:
    with (
        slow_answers(organisation.url, holds) as way,
        serve(tmp_path, organisation, way.url) as server,
    ):
        check = server.do("check_contacts", file_path="list.csv")
        server.start("create_audience", name="May", check_id=check["check_id"], split=True)
        assert way.held.wait(60)
        took, said = end(server, ending)
    with serve(tmp_path, organisation, organisation.url) as server:
        check = server.do("check_contacts", file_path="list.csv")
        made = server.do("create_audience", name="May", check_id=check["check_id"], split=True)

    if ending != "SIGKILL":
        assert took < AT_ONCE
        assert said == (
            f"audiences-mcp: create_audience was cut short: {holds} of 2 audiences made, {holds * 10_000:,} people sent; "
            "of one more the outcome is unknown; the same list under the same name sends the rest.\n"
        )
    assert [(each["name"], each["member_count"]) for each in made["audiences"]] == [
        ("May (1 of 2)", 10_000),
        ("May (2 of 2)", 2_000),
    ]
    assert len(organisation.audiences()) == 2
    stored = [member["phone"] for each in made["audiences"] for member in organisation.members(each["audience_id"])]
    assert sorted(stored) == NUMBERS


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_addition_that_is_cut_short_goes_on_with_the_next_server(
    tmp_path: Path, organisation: Organisation, ending: str
) -> None:
    audience_id = organisation.audience("VIP", f"phone\n{NUMBERS[7]}\n", "phone")

    def check(server: Server) -> str:
        listed = "phone\n" + "\n".join(NUMBERS[:3_000])
        return str(server.do("check_contacts", csv_text=listed, add_to_audience_id=audience_id)["check_id"])

    with (
        slow_answers(organisation.url, holds=1) as way,
        serve(tmp_path, organisation, way.url) as server,
    ):
        server.start("add_contacts", audience_id=audience_id, check_id=check(server))
        assert way.held.wait(60)
        took, said = end(server, ending)
    with serve(tmp_path, organisation, organisation.url) as server:
        added = server.do("add_contacts", audience_id=audience_id, check_id=check(server))

    if ending != "SIGKILL":
        assert took < AT_ONCE
        assert said == (
            "audiences-mcp: add_contacts was cut short: 1,000 people added; of 1,000 more the outcome is unknown; the same "
            "call adds only who is missing.\n"
        )
    assert (added["added"], added["member_count"]) == (999, 3_000)
    assert sorted(member["phone"] for member in organisation.members(audience_id)) == NUMBERS[:3_000]


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "SIGKILL"])
def test_a_check_that_is_cut_short_ends_at_once_too(tmp_path: Path, organisation: Organisation, ending: str) -> None:
    numbers = "\n".join(f"0{number}" for number in range(9_100_000_000, 9_100_200_000))
    (tmp_path / "long.csv").write_text(f"phone\n{numbers}\n")
    with serve(tmp_path, organisation, organisation.url) as server:
        arguments = {"file_path": "long.csv", "default_region": "IN"}
        for token in range(3):  # of which one at least is not over when a busy machine gets round to the end
            call = {"name": "check_contacts", "arguments": arguments, "_meta": {"progressToken": token}}
            server.request("tools/call", call)
        while server.next_answer().get("method") != "notifications/progress":
            pass
        took, said = end(server, ending)

    assert took < AT_ONCE
    assert re.fullmatch(r"(audiences-mcp: check_contacts was cut short: nothing was changed\.\n){1,3}", said)
