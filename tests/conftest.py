"""What the tests share: one sandbox for all, an organisation of its own for each test, a client in both revisions."""

import inspect
import json
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx  # noqa: TID251 - seeds the sandbox as another client would
import hypothesis
import pytest
import sniffio
import stamina
from coverage import Coverage
from mcp import Client

from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.config import Settings
from audiences_mcp.server import build_server

# Where a shell runs the tests in the background they hear no SIGINT, and the processes that they start would not either.
signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes is the machine's business.
hypothesis.settings.register_profile("unhurried", hypothesis.settings(deadline=None))
hypothesis.settings.load_profile("unhurried")


@dataclass(frozen=True)
class Answer:
    """What a client got: the text that some show, the structure that others show, and whether it is an error."""

    text: str
    data: dict[str, Any]
    is_error: bool


class Agent:
    """A connected client that calls tools as a model would."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, /, **arguments: Any) -> Answer:
        """Call a tool and return its answer, whether or not it is an error."""
        result = await self.client.call_tool(tool, arguments)
        text = "".join(getattr(block, "text", "") for block in result.content)
        return Answer(text, result.structured_content or {}, bool(result.is_error))

    async def do(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return its structure, which says the same as its text."""
        answer = await self(tool, **arguments)
        assert not answer.is_error, answer.text
        assert json.loads(answer.text) == answer.data
        return answer.data

    async def fail(self, tool: str, /, **arguments: Any) -> str:
        """Call a tool that must fail and return what the model reads."""
        answer = await self(tool, **arguments)
        assert answer.is_error, answer.text
        return answer.text


@dataclass(frozen=True)
class Organisation:
    """An organisation of the sandbox, as another client of the API sees it."""

    url: str
    key: str

    def request(self, method: str, path: str, **request: Any) -> Any:
        """Make a request of the API itself and return its data."""
        headers = {"Authorization": f"Bearer {self.key}"}
        # Loading certificates takes 40 ms; 10,000 people take a while on a busy machine.
        with httpx.Client(headers=headers, verify=False, trust_env=False, timeout=60) as http:
            response = http.request(method, f"{self.url}/{path}", **request)
        assert response.is_success, response.text
        return response.json().get("data")

    def audience(self, name: str, csv: str, phone_column: str = "phoneNumber") -> str:
        """Make an audience as another client would, unchecked, and return its id."""
        data = {"name": name, "phoneNumberColumnName": phone_column}
        made = self.request("POST", "audience", data=data, files={"file": ("a.csv", csv, "text/csv")})
        return str(made["_id"])

    def campaign(self, audience_id: str, name: str, status: str) -> str:
        """Make a campaign of any status."""
        body = {"name": name, "audienceId": audience_id, "agentId": "a" * 24, "status": status}
        return str(self.request("POST", "campaign", json=body)["_id"])

    def do_not_call(self, number: str) -> None:
        """Put a number on the do-not-call list."""
        self.request("POST", "dnc", json={"phoneNumber": number})

    def members(self, audience_id: str) -> list[dict[str, str]]:
        """Return the stored members as they are."""
        found = self.request("GET", f"audience/{audience_id}/members", params={"page": 1, "offset": 100_000})
        return [member["data"] for member in found["members"]]

    def audiences(self) -> list[dict[str, Any]]:
        """Return the stored audiences."""
        return list(self.request("GET", "audience"))


# Long runs through code that other tests have covered; measuring them takes as long again.
_MEASURED_ELSEWHERE = (
    "test_typos",
    "test_fuzzing",
    "test_faults",
    "test_limits",
    "test_soak",
    "test_injection",
    "test_agents",
    "test_laws",
    "test_plans",
    "test_masking",
    "test_hostile",
    "test_leaks",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in _MEASURED_ELSEWHERE:
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure nothing where pytest-cov pauses: in a worker of xdist more than its own measuring goes on."""
    stopped = []
    while item.get_closest_marker("no_cover") and (measuring := Coverage.current()):
        measuring.stop()
        stopped.append(measuring)
    try:
        return (yield)
    finally:
        for measuring in reversed(stopped):
            measuring.start()


@pytest.fixture(autouse=True)
def _no_loop_of_other_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without a loop may start one, although the runner of asynchronous tests is still there."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    token = sniffio.current_async_library_cvar.set(None)
    yield
    sniffio.current_async_library_cvar.reset(token)


@pytest.fixture(autouse=True)
def _each_request_once() -> Iterator[None]:
    """Faults are told at once; what is tried again has tests of its own."""
    with stamina.set_testing(testing=True, attempts=1):
        yield


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What was sent is noted for the tests alone, and never in the folder of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with serve() as url:
        yield url


@pytest.fixture
def organisation(sandbox_url: str) -> Organisation:
    return Organisation(sandbox_url, f"sk_{uuid4().hex}")


@pytest.fixture
def settings(organisation: Organisation) -> Settings:
    return Settings(api_key=organisation.key, api_url=organisation.url)


@pytest.fixture(params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Agent]:
    async with Client(build_server(settings), mode=request.param) as client:
        yield Agent(client)
