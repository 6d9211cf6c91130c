"""The calls of the fault matrix: at least one of each tool, where a fault can strike it, and what it is for.

A new tool is one more `Job`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.conftest import Organisation
from tests.tools.conftest import Clock, LookedAtAgent

ANN, BEN, CAS, DEE = "+14155552671", "+33612345678", "+919876543212", "+4915123456789"
PEOPLE = [{"phone_number": ANN}, {"phone_number": BEN}]
VIP = ("+14155550000", "919876543210")

Stored = Mapping[str, tuple[str, ...]]
"""The numbers of each audience by its name."""

BEFORE: Stored = {"VIP": VIP}


class Place(Enum):
    """Which requests of a call a fault strikes."""

    FIRST = "its first request"
    DO_NOT_CALL = "its look at the do-not-call list"
    READ = "its last read before it writes"
    DECISIVE = "its decisive request: what it writes, or reads in the main"
    TRIED = "its decisive request, which is tried again as the server does"
    ONWARD = "its decisive request and all that follow"
    READ_BACK = "all that follow its decisive request"


@dataclass(frozen=True)
class Stage:
    """What a job can use to prepare its call: an audience VIP is there already."""

    agent: LookedAtAgent
    organisation: Organisation
    clock: Clock
    vip: str

    async def checked(self, *numbers: str) -> str:
        """Return the check_id of a check that is old enough for the do-not-call list to be read again."""
        contacts = [{"phone_number": number} for number in numbers]
        report = await self.agent.do("check_contacts", contacts=contacts)
        self.clock.forward(minutes=6)
        return str(report["check_id"])


Prepare = Callable[[Stage], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Job:
    """A call of a tool.

    Args:
        tool: The tool.
        prepare: Gets ready and gives the arguments.
        decisive: The request that matters, as method and path; empty where Atoms is not asked.
        places: Where a fault can strike.
        goal: What is stored once it is done.
        detail: Which of the tool's jobs it is.
        read: The last read before it writes, where that is not its first.
        turn: Which of several decisive requests is struck.
    """

    tool: str
    prepare: Prepare
    decisive: str
    places: tuple[Place, ...] = (Place.DECISIVE,)
    goal: Stored = field(default_factory=lambda: BEFORE)
    detail: str = ""
    read: str = ""
    turn: int = 1

    @property
    def name(self) -> str:
        """Its column in the table."""
        return f"{self.tool}{self.detail and ', '}{self.detail}"

    @property
    def writes(self) -> bool:
        """Whether it changes what is stored."""
        return not self.decisive.startswith("GET") and self.decisive != ""

    @property
    def takes_away(self) -> bool:
        """Whether it deletes or removes."""
        return self.decisive.startswith("DELETE")

    @property
    def audience(self) -> str:
        """The name of the audience that it is about; those of a split begin with it."""
        return "May" if self.tool == "create_audience" else "VIP"


async def _check(stage: Stage) -> dict[str, Any]:
    return {"contacts": PEOPLE, "add_to_audience_id": stage.vip}


async def _check_rows(stage: Stage) -> dict[str, Any]:
    return {"check_id": await stage.checked(ANN, BEN)}


async def _create(stage: Stage) -> dict[str, Any]:
    return {"name": "May", "check_id": await stage.checked(ANN, BEN)}


async def _create_typed(_: Stage) -> dict[str, Any]:
    return {"name": "May", "contacts": PEOPLE}


async def _create_split(stage: Stage) -> dict[str, Any]:
    return {"name": "May", "check_id": await stage.checked(ANN, BEN, CAS, DEE), "split": True}


async def _add(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "check_id": await stage.checked(ANN, BEN)}


async def _add_typed(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "contacts": PEOPLE}


async def _add_in_runs(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "check_id": await stage.checked(ANN, BEN, CAS, DEE)}


async def _nothing(_: Stage) -> dict[str, Any]:
    return {}


async def _vip(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip}


async def _search(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "query": "4155550000"}


async def _export(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "file_path": "vip.csv"}


async def _remove(stage: Stage) -> dict[str, Any]:
    return {"audience_id": stage.vip, "phone_numbers": [VIP[1]]}


async def _confirm(stage: Stage) -> dict[str, Any]:
    asked = await stage.agent.do("delete_audience", audience_id=stage.vip)
    return {"audience_id": stage.vip, "confirm_token": asked["confirm_token"]}


_CREATE, _ADD, _DELETE = "POST audience", "POST audience/.*/members", "DELETE audience/.*"
_REMOVE, _SEARCH = "DELETE audience/.*/members", "GET audience/.*/members/search"
_MEMBERS = "GET audience/.*/members"
_MADE: Stored = {**BEFORE, "May": (ANN, BEN)}
_SPLIT: Stored = {**BEFORE, "May (1 of 2)": (ANN, BEN), "May (2 of 2)": (CAS, DEE)}
_ADDED: Stored = {"VIP": (*VIP, ANN, BEN)}
_ADDED_ALL: Stored = {"VIP": (*VIP, ANN, BEN, CAS, DEE)}
_REMOVED: Stored = {"VIP": VIP[:1]}
_WRITING = (Place.DECISIVE, Place.ONWARD)
_READING = (Place.FIRST, Place.DECISIVE)

JOBS = (
    Job("check_contacts", _check, _MEMBERS, (*_READING, Place.DO_NOT_CALL)),
    Job("list_check_rows", _check_rows, ""),
    Job("create_audience", _create, _CREATE, tuple(place for place in Place if place is not Place.READ), _MADE),
    Job("create_audience", _create_typed, _CREATE, goal=_MADE, detail="typed"),
    Job("create_audience", _create_split, _CREATE, _WRITING, _SPLIT, "second part", turn=2),
    Job("add_contacts", _add, _ADD, tuple(Place), _ADDED, read=_MEMBERS),
    Job("add_contacts", _add_typed, _ADD, goal=_ADDED, detail="typed"),
    Job("add_contacts", _add_in_runs, _ADD, _WRITING, _ADDED_ALL, "second run", turn=2),
    Job("list_audiences", _nothing, "GET audience", (Place.DECISIVE, Place.TRIED)),
    Job("get_audience", _vip, _MEMBERS, _READING),
    Job("list_audience_members", _vip, _MEMBERS, _READING),
    Job("search_audience_members", _search, _SEARCH, _READING),
    Job("audit_audience", _vip, _MEMBERS, (*_READING, Place.DO_NOT_CALL)),
    Job("export_audience", _export, _MEMBERS, _READING),
    Job(
        "remove_audience_members",
        _remove,
        _REMOVE,
        (Place.FIRST, Place.READ, Place.TRIED, *_WRITING),
        _REMOVED,
        read=_MEMBERS,
    ),
    Job("delete_audience", _vip, "GET audience", _READING, detail="asking"),
    Job(
        "delete_audience", _confirm, _DELETE, (Place.FIRST, Place.READ, Place.TRIED, *_WRITING), {}, read="GET audience"
    ),
)
