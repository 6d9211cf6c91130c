"""What surely was not done is tried again, as Atoms asks and while there is time; what may have been done is not."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport
import pytest
import stamina

from audiences_mcp.atoms.client import AtomsClient
from audiences_mcp.errors import AtomsError, NotFound, RateLimited, Rejected, ServerFailed, Unreachable
from audiences_mcp.models import E164, Person

pytestmark = pytest.mark.anyio

OK = {"status": True, "data": []}
MADE = {"status": True, "data": {"_id": "a" * 24, "name": "May"}}
ADDED = {"status": True, "data": [{"message": "", "data": {"added": 1, "skipped": 0}}]}
FAILED = httpx.Response(500, json={"status": False, "errors": ["Internal server error"]})
PEOPLE = [Person(E164("+12025550143"))]
Outcome = httpx.Response | Exception


def slow_down(retry_after: str | None = None) -> httpx.Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return httpx.Response(429, headers=headers, json={"status": False, "error": "slow down"})


class Script(httpx.AsyncBaseTransport):
    """A server that does one thing after the other, the last one for ever."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content, request=request)


@pytest.fixture(autouse=True)
def _patient_without_waiting() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=100, cap=True):
        yield


async def call(script: Script, name: str = "read") -> Any:
    client = AtomsClient("http://127.0.0.1:9/atoms/v1", "sk_test", transport=script)
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "read": client.list_audiences,
        "create": lambda: client.create_audience("May", "", ["phone"], PEOPLE),
        "add": lambda: client.add_members("a" * 24, ["phone"], PEOPLE),
        "delete": lambda: client.delete_audience("a" * 24),
    }
    try:
        return await calls[name]()
    finally:
        await client.aclose()


GOOD = {"read": OK, "create": MADE, "add": ADDED, "delete": OK}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "fault",
    [
        slow_down(),
        slow_down("1"),
        slow_down("Wed, 25 Nov 2020 10:00:00 GMT"),
        slow_down("soon"),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("timed out"),
    ],
    ids=["429", "429 with seconds", "429 with a date", "429 with nonsense", "refused", "no connection"],
)
async def test_what_never_arrived_is_tried_again_also_when_it_writes(name: str, fault: Outcome) -> None:
    script = Script(fault, fault, httpx.Response(200, json=GOOD[name]))

    await call(script, name)

    assert script.requests == 3


@pytest.mark.parametrize("name", ["create", "add", "delete"])
@pytest.mark.parametrize(
    "fault", [FAILED, httpx.ReadTimeout("timed out"), httpx.ReadError("reset")], ids=["500", "lost", "reset"]
)
async def test_a_write_that_may_have_been_done_is_not_tried_again(name: str, fault: Outcome) -> None:
    script = Script(fault, httpx.Response(200, json=GOOD[name]))

    with pytest.raises(AtomsError) as caught:
        await call(script, name)

    assert caught.value.maybe_done
    assert script.requests == 1


@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [
        (slow_down(), RateLimited, 6),
        (httpx.ConnectError("refused"), Unreachable, 3),
        (httpx.ReadTimeout("timed out"), Unreachable, 3),
        (FAILED, ServerFailed, 2),
        (httpx.Response(404, json={"status": False, "errors": ["no"]}), NotFound, 1),
        (httpx.Response(400, json={"status": False, "errors": ["no"]}), Rejected, 1),
    ],
)
async def test_a_reading_call_gives_up_after_a_few_tries(
    fault: Outcome, error: type[AtomsError], requests: int
) -> None:
    script = Script(fault)

    with pytest.raises(error):
        await call(script)

    assert script.requests == requests


@pytest.mark.parametrize(("wait", "requests"), [("4", 6), ("11", 1), ("60", 1), ("9" * 400, 1)])
async def test_it_is_not_waited_longer_than_the_call_may_take(wait: str, requests: int) -> None:
    script = Script(slow_down(wait))

    with anyio.move_on_after(30), pytest.raises(RateLimited):
        await call(script)

    assert script.requests == requests


async def test_the_waits_are_real_and_as_atoms_asks() -> None:
    with stamina.set_testing(testing=False):
        script = Script(slow_down("1"), httpx.ConnectError("refused"), httpx.Response(200, json=OK))
        begun = anyio.current_time()
        await call(script)

    assert 1.5 < anyio.current_time() - begun < 15


async def test_nothing_is_logged_of_what_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)

    await call(Script(slow_down(), httpx.Response(200, json=OK)))

    assert [record for record in caplog.records if record.name.startswith(("stamina", "httpx"))] == []


@pytest.mark.parametrize(
    ("url", "requests", "least", "most"),
    [("https://x.example/v1", 25, 1.0, 15.0), ("http://127.0.0.1:9/v1", 200, 0.0, 8.0)],  # the limit would take 19
)
async def test_atoms_is_asked_ten_times_a_second_at_most(url: str, requests: int, least: float, most: float) -> None:
    client = AtomsClient(url, "sk_test", transport=Script(httpx.Response(200, json=OK)))
    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(requests):
            tasks.start_soon(client.list_audiences)
    took = anyio.current_time() - begun
    await client.aclose()

    assert least < took < most
