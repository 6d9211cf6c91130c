"""Scripted agents: what people ask for is reached by a script that knows only what the server says.

`python -m tests.agents.table` prints what each task took.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from audiences_mcp.config import Settings
from tests.agents.model import Model
from tests.agents.person import Person
from tests.agents.tasks import TASKS, Listed, Scene
from tests.conftest import Agent, Answer, Organisation
from tests.tools.conftest import ONE_REVISION, Clock, Connect, Wire

pytestmark = [pytest.mark.anyio, ONE_REVISION]


class SetScene(Protocol):
    """Sets the scene of a task, on which certain words of the server are not heard."""

    def __call__(self, listed: Listed, unheard: str = ...) -> Scene: ...


class HardOfHearing(Agent):
    """An agent that does not hear certain words of next steps and errors."""

    def __init__(self, agent: Agent, unheard: str) -> None:
        super().__init__(agent.client)
        self._unheard = unheard

    async def __call__(self, tool: str, /, **arguments: Any) -> Answer:
        answer = await super().__call__(tool, **arguments)
        data = dict(answer.data)
        if "next_step" in data:
            data["next_step"] = re.sub(self._unheard, "", data["next_step"])
        return Answer(re.sub(self._unheard, "", answer.text), data, answer.is_error)


@pytest.fixture
async def scene(
    settings: Settings, organisation: Organisation, connect: Connect, wire: Wire, clock: Clock, tmp_path: Path
) -> AsyncIterator[SetScene]:
    async with AsyncExitStack() as stack:

        def of(listed: Listed, unheard: str = "") -> Scene:
            async def meet(person: Person) -> Model:
                told = replace(settings, **{"folders": (tmp_path,), **listed.settings})
                agent: Agent = await stack.enter_async_context(connect(told, wire))
                model = Model(HardOfHearing(agent, unheard) if unheard else agent, person, wait)
                await model.start()
                return model

            async def wait() -> None:
                clock.forward(minutes=5)

            return Scene(organisation, tmp_path, clock, wire, meet)

        yield of


@pytest.mark.parametrize("listed", TASKS, ids=lambda listed: listed.wanted)
async def test_a_script_that_knows_only_what_the_server_says_does_what_the_person_wants(
    scene: SetScene, listed: Listed, record_property: Callable[[str, object], None]
) -> None:
    here = scene(listed)
    try:
        await listed.play(here)
    finally:
        record_property(listed.wanted, asdict(here.figures))  # which a worker can pass on
        print(*here.figures.transcript, sep="\n")  # noqa: T201 - shown where a task fails


@pytest.mark.parametrize(
    ("wanted", "unheard"),
    [
        ("The file has two phone columns", r"Ask which to call.*"),
        ("The workbook has a sheet", r": ask which to read.*"),
        ("Upload these 12,400 rows", r"Call again with.*"),
        ("A list of which half said no", r", then check again as the warning says"),
        ("The list has columns", r"Then check the list again.*|Call check_contacts again.*"),
        ("A name that is taken: add", r"To extend it.*"),
        ("An audience without room", r"Make another audience.*"),
        ("Remove more than 100", r"; if so, call again.*"),
        ("Delete the test audiences", r"Ask the person whether.*"),
        ("Everybody in an audience", r"[Cc]all again with.*"),
        ("A check_id that expired", r": call check_contacts.*"),
        ("Take everyone in unsubscribes.csv", r"To undo it.*"),
        ("Is this audience ready to dial", r"To take some out.*"),
    ],
)
async def test_the_script_fails_where_the_server_does_not_say_what_to_do(
    scene: SetScene, wanted: str, unheard: str
) -> None:
    listed = next(each for each in TASKS if each.wanted.startswith(wanted))

    with pytest.raises(AssertionError):
        await listed.play(scene(listed, unheard))
