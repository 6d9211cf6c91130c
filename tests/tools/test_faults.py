"""The fault matrix: every fault at every place of every tool's calls. `python -m tests.tools.fault_table` prints it.

A cell is one call with one fault, then the same call with the fault mended. What must come of it follows from what became
of the request that was struck (`expected`); the table shows what was seen (`verdict`).
"""

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import httpx  # noqa: TID251 - faults are put in at the transport
import jsonschema  # type: ignore[import-untyped]
import pytest
import stamina

from audiences_mcp import adding, committing, creating, removing
from audiences_mcp.atoms.connection import TIMEOUT, Connection
from audiences_mcp.config import Settings
from audiences_mcp.tools import TOOLS
from tests.conftest import Answer, Organisation
from tests.tools.conftest import Clock, Connect, Send, Wire
from tests.tools.faults import FAULTS, Effect, Fault, Scene
from tests.tools.jobs import BEFORE, JOBS, VIP, Job, Place, Stage, Stored

pytestmark = pytest.mark.anyio

REQUEST_SECONDS = 1.0
"""What a request may take whose answer drips; the others have their time, on a busy machine too."""

CALL_SECONDS = 20.0  # most take a tenth of one; a busy machine has its time
"""What any call of the matrix may take, whatever the fault."""

_ASKS_FOR_ALL = {"audit_audience", "check_contacts", "export_audience"}
_TOO_LARGE = {"200, status: false", "500 before committing", "500 after committing", "502 with HTML"}
"""What may say that a page of all is too large: smaller ones are asked for."""

EARLY = {Place.FIRST, Place.READ}

UNKNOWN = re.compile(r"outcome (is )?unknown")
UNCHANGED = re.compile(r"[Nn]othing was (changed|sent|deleted|removed|written)")
HALF_WAY = re.compile(r"Stopped half way|people were added; then")
NEXT = re.compile(r"[Tt]ry again|[Cc]all again|Look at|list_audiences gives|Set SMALLEST_API_KEY")


class Strike:
    """Makes a fault of the requests at a place of a call."""

    def __init__(self, fault: Fault, job: Job, place: Place, scene: Scene) -> None:
        self._fault, self._job, self._place, self._scene = fault, job, place, scene
        self._asked = self._decisive = 0
        self.struck = False

    async def __call__(self, send: Send, request: httpx.Request) -> httpx.Response:
        if not self._is_here(f"{request.method} {request.url.path.partition('/v1/')[2]}"):
            return await send(request)
        self.struck = True
        return await self._fault.make(self._scene, send, request)

    def will_strike(self, asked: str) -> bool:
        """Tell whether a request would be struck."""
        return copy(self)._is_here(asked)  # noqa: SLF001 - of its own kind

    def _is_here(self, asked: str) -> bool:
        """Count a request and tell whether it is struck."""
        after, do_not_call = self._decisive == self._job.turn, asked == "GET dnc"
        self._asked += not do_not_call
        self._decisive += not after and bool(re.fullmatch(self._job.decisive, asked))
        from_here = self._decisive == self._job.turn
        here = {
            Place.FIRST: self._asked == 1 and not do_not_call,
            Place.DO_NOT_CALL: do_not_call,
            Place.READ: not from_here and bool(re.fullmatch(self._job.read, asked)),
            Place.DECISIVE: from_here and not after,
            Place.TRIED: from_here and not after,
            Place.ONWARD: from_here,
            Place.READ_BACK: after,
        }
        return here[self._place] and self._fault.can_strike(asked)


@dataclass(frozen=True)
class Seen:
    """What was seen of a cell: a call with a fault, then the same call without."""

    answer: Answer
    stored: Stored
    asked: int
    again: Answer
    stored_again: Stored
    sent_again: int


@dataclass(frozen=True)
class Harness:
    """Makes one cell, of which everything is its own."""

    organisation: Organisation
    settings: Settings
    connect: Connect
    wire: Wire
    clock: Clock

    async def see(self, job: Job, place: Place, fault: Fault) -> Seen:
        vip = self.organisation.audience("VIP", "\n".join(("phoneNumber", *VIP)))
        scene = Scene(self.organisation, job.audience)
        strike = Strike(fault, job, place, scene)
        async with self.connect(self.settings, self.wire) as agent, scene.proxies:
            arguments = await job.prepare(Stage(agent, self.organisation, self.clock, vip))
            self.wire.forget()
            self.wire.fail(".*", strike)
            started = monotonic()
            with stamina.set_testing(testing=True, attempts=6 if place is Place.TRIED else 1, cap=True):
                answer = await agent(job.tool, **arguments)
            assert monotonic() - started < CALL_SECONDS
            asked, stored = len(self.wire.requests), stored_in(self.organisation)
            self.wire.mend()
            self.wire.forget()
            again = await agent(job.tool, **arguments)
        assert strike.struck == bool(job.decisive)
        return Seen(answer, stored, asked, again, stored_in(self.organisation), len(self.wire.writes))


def stored_in(organisation: Organisation) -> Stored:
    """Return the numbers of each audience, of which none is there twice, in whatever spelling."""
    audiences = organisation.audiences()
    stored = {
        audience["name"]: tuple(member["phoneNumber"] for member in organisation.members(audience["_id"]))
        for audience in audiences
    }
    assert len({name.casefold() for name in stored}) == len(audiences)
    for numbers in stored.values():
        assert len({re.sub(r"\D", "", number) for number in numbers}) == len(numbers)
    return stored


@pytest.fixture
def harness(
    organisation: Organisation, settings: Settings, connect: Connect, wire: Wire, clock: Clock, tmp_path: Path
) -> Harness:
    return Harness(organisation, replace(settings, folders=(tmp_path,)), connect, wire, clock)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people fill an audience, or a request that adds, and nothing is waited for."""
    monkeypatch.setattr(creating, "MAX_MEMBERS", 2)
    monkeypatch.setattr(adding, "ADDED_AT_ONCE", 2)
    monkeypatch.setattr(removing, "LOOK_UP_PAUSES", (0.0, 0.01))
    # Each new client checks the schemas, always the same, which takes longer than a call.
    monkeypatch.setattr(jsonschema.Draft202012Validator, "check_schema", lambda *_, **__: None)


# --- verdicts ------------------------------------------------------------------------------------------------------


def verdict(job: Job, fault: Fault, seen: Seen) -> str:
    """Return in a few words what was told, what was stored, and what the same call did without the fault."""
    if not seen.asked:
        return "done without Atoms"
    if not seen.answer.is_error:
        return _done(job, fault, seen.answer)
    told = "unknown" if UNKNOWN.search(seen.answer.text) else "error"
    if not job.writes:
        return told
    again = "refused" if seen.again.is_error else "sent" if seen.sent_again else "found"
    return f"{told}, {_state(job, seen.stored)} → {again}"


def _done(job: Job, fault: Fault, answer: Answer) -> str:
    if answer.data.get("verified") is False:
        return "done, unverified"
    if "list was not checked" in answer.text:
        return "done, with a warning"
    return "done, found" if job.writes and fault.effect is Effect.DONE else "done"


def _state(job: Job, stored: Stored) -> str:
    """Return how far stored audiences are from what the job is for."""
    if job.takes_away:
        return "nothing changed" if (_people(BEFORE) - _people(job.goal)) & _people(stored) else "gone"
    wanted = _people(job.goal) - _people(BEFORE)
    found = wanted & _people(stored)
    return "all stored" if found == wanted else "part stored" if found else "nothing changed"


def _people(stored: Stored) -> set[tuple[str, str]]:
    return {(name, number) for name, numbers in stored.items() for number in numbers}


def expected(job: Job, place: Place, fault: Fault) -> str:
    """Return what must come of a cell."""
    harmless = {Place.READ_BACK: "done, unverified", Place.DO_NOT_CALL: "done, with a warning"}
    if not job.decisive:
        return "done without Atoms"
    if fault.effect is Effect.OTHERWISE:
        return _expected_with_others(job, place, fault.name)
    if place in harmless:
        return harmless[place]
    if job.tool in _ASKS_FOR_ALL and fault.name in _TOO_LARGE and place is Place.DECISIVE:
        return "done"
    if place is Place.TRIED and fault.passing and (not job.writes or fault.effect is Effect.SURELY_NOT_DONE):
        return "done"
    return _expected_of_write(job, place, fault.effect) if job.writes else "error"


def _expected_of_write(job: Job, place: Place, effect: Effect) -> str:
    before, after = "part stored" if job.turn > 1 else "nothing changed", "gone" if job.takes_away else "all stored"
    if effect is Effect.SURELY_NOT_DONE or place in EARLY:
        return f"error, {before} → sent"
    if effect is Effect.NOT_DONE:
        return f"unknown, {before} → sent"
    return f"unknown, {after} → found" if place is Place.ONWARD else "done, found"


def _expected_with_others(job: Job, place: Place, event: str) -> str:
    late = place in {Place.ONWARD, Place.READ_BACK} or job.turn > 1
    if event.startswith("fewer") or (late and job.tool == "create_audience"):
        return "done, unverified"
    if job.tool in {"create_audience", "list_audiences"}:
        return "done"  # what is made is not there yet, and what is not there any more is not listed
    if event.startswith("members"):
        return _expected_with_more_members(job, place)
    if job.tool == "add_contacts":
        return "done, unverified" if place is Place.READ_BACK else "error, nothing changed → refused"
    if job.writes:
        return "error, gone → refused"  # it was not us
    return "done" if place is Place.DO_NOT_CALL else "error"


def _expected_with_more_members(job: Job, place: Place) -> str:
    if job.tool == "add_contacts":
        return "done" if place in EARLY else "done, unverified"
    if job.tool == "delete_audience" and job.writes and place in EARLY:
        return "error, nothing changed → refused"  # the person was asked about fewer
    return "done"


# --- cells ---------------------------------------------------------------------------------------------------------


def _cells(mode: str, *faults: str) -> list[Any]:
    """Return the cells of all faults, or at the decisive request of those that are named."""
    return [
        pytest.param(
            mode,
            job,
            place,
            fault,
            id=f"{job.name}-{place.name}-{fault.name}-{mode}",
            marks=() if place in {Place.DECISIVE, Place.ONWARD} else pytest.mark.long,
        )
        for job in JOBS
        for place in (Place.DECISIVE,) * bool(faults) or job.places
        for fault in FAULTS
        if fault.name in faults or not faults
        if fault.can_strike(job.decisive) and (place is not Place.TRIED or fault.effect is not Effect.OTHERWISE)
        if fault.name[:5] != "fewer" or place is Place.DECISIVE
    ]


@pytest.mark.parametrize(
    ("mode", "job", "place", "fault"),
    [*_cells("auto"), *_cells("legacy", "401", "502 with HTML", "timeout after committing")],
    indirect=["mode"],
)
async def test_a_fault_is_told_as_it_is_and_the_same_call_reaches_the_goal_once(
    harness: Harness,
    job: Job,
    place: Place,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, Any], None],
) -> None:
    if "drips" in fault.name:
        _hurry(harness.wire, monkeypatch)
    if expected(job, place, fault) == "done, unverified":
        monkeypatch.setattr(committing, "READ_BACK_SECONDS", 0.12)

    seen = await harness.see(job, place, fault)

    found = verdict(job, fault, seen)
    record_property("cell", (place.value, fault.name, job.name, found))
    assert found == expected(job, place, fault), seen.answer.text
    if seen.answer.is_error:
        _assert_plain(seen.answer.text, found)
    _assert_nothing_is_claimed_in_vain(seen.answer, seen.stored)
    if fault.effect is not Effect.OTHERWISE:
        assert seen.stored_again == job.goal
        assert not seen.again.is_error or (job.tool, found) == ("export_audience", "done")  # nothing is overwritten


def _hurry(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request that is struck take a moment only."""
    first = Connection._try  # noqa: SLF001 - each try has its own limit

    async def tried(self: Connection, method: str, path: str, *rest: Any, **request: Any) -> Any:
        strikes = [fault for _, fault, _ in wire._faults if isinstance(fault, Strike)]  # noqa: SLF001
        struck = any(strike.will_strike(f"{method} {path}") for strike in strikes)
        self._timeout = REQUEST_SECONDS if struck else TIMEOUT
        return await first(self, method, path, *rest, **request)

    monkeypatch.setattr(Connection, "_try", tried)


def _assert_plain(text: str, found: str) -> None:
    """An error says what happened, whether anything was changed, and what to do next."""
    sentences = text.partition("\n")[0]
    assert "Atoms" in sentences or "audience" in sentences
    assert NEXT.search(sentences)
    assert bool(UNKNOWN.search(sentences)) == found.startswith("unknown")
    if found.startswith("unknown"):
        assert not UNCHANGED.search(sentences)
    else:
        assert UNCHANGED.search(sentences)
        assert HALF_WAY.search(sentences) or "part stored" not in found


def _assert_nothing_is_claimed_in_vain(answer: Answer, stored: Stored) -> None:
    """What an answer says of audiences and people is so, or the answer says that it could not be looked at."""
    if answer.data.get("deleted"):
        assert answer.data["name"] not in stored
    if answer.data.get("verified") and "audiences" in answer.data:
        counts = {made["name"]: made["member_count"] for made in answer.data["audiences"]}
        assert counts == {name: len(stored[name]) for name in counts}
        assert answer.data.get("added", 0) <= sum(counts.values())
    elif answer.is_error:
        for made in answer.data.get("audiences", []):
            assert len(stored[made["name"]]) >= made["member_count"]


def test_every_tool_stands_in_the_matrix() -> None:
    assert {job.tool for job in JOBS} == {function.__name__ for function, _, _ in TOOLS}
