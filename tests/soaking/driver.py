"""Many jobs at once, mixed by chance, and what each of them reported."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from random import Random
from typing import Any

import anyio
import anyio.to_thread

from audiences_mcp.config import Settings
from audiences_mcp.models import MAX_MEMBERS
from tests.conftest import Organisation
from tests.soaking.calls import Caller
from tests.soaking.lists import People, do_not_call, many_people, some_people
from tests.soaking.world import Kept, World

LANES = 6
"""How many calls are in flight at once."""

_MOST_AUDIENCES = 40  # about as many exist, since many calls read the list of all
_SPLITS = 0.0003  # how many of the jobs are one
_BETWEEN_RESTARTS = 40  # jobs
_ABSENT, _TAKEN = "Atoms has nothing with that id", "An audience of this name exists already"
_CHANGED = " now and had "  # so many members, when the token was given


class Soak:
    """A soak of a server that uses the sandbox.

    Args:
        settings: Those of the server.
        organisation: The same data, seen without the rough network.
        seed: Decides lists, jobs and faults; not their order, since calls are in flight at once.
        share: How many of the requests go wrong, from 0 to 1.
        restarts: Whether the server is restarted now and then, calls in flight or not.
    """

    def __init__(
        self, settings: Settings, organisation: Organisation, seed: int, *, share: float = 0.12, restarts: bool = False
    ) -> None:
        self._rng = Random(seed)
        self.world = World()
        self.caller = Caller(settings, self._rng, share)
        self._organisation, self._restarts = organisation, restarts
        self._jobs = 0
        self._naming: set[str] = set()
        self._names = (f"List {number}" for number in count(1))

    async def run(self, calls: int) -> None:
        """Do jobs until so many calls are made, and end those that are begun."""
        for number in do_not_call():
            self._organisation.do_not_call(number)
        start = anyio.current_time()
        async with anyio.create_task_group() as server:
            await server.start(self.caller.serve)
            async with anyio.create_task_group() as lanes:
                lanes.start_soon(self._split)
                for _ in range(LANES):
                    lanes.start_soon(self._lane, calls)
            server.cancel_scope.cancel()
        self.caller.figures.seconds = anyio.current_time() - start

    async def _lane(self, calls: int) -> None:
        while self.caller.figures.calls.total() < calls:
            await self._job()()
            self._jobs += 1
            if self._restarts and self._jobs % _BETWEEN_RESTARTS == 0:
                self.caller.restart()

    def _job(self) -> Callable[[], Awaitable[None]]:
        living = [kept for kept in self.world.living if len(kept.people) < MAX_MEMBERS // 2]
        if self._rng.random() < _SPLITS:
            return self._split
        if len(self.world.living) > self._rng.randrange(2 * _MOST_AUDIENCES):
            return partial(self._delete, self._rng.choice(self.world.living))
        if not living or self._rng.random() < 0.3:
            return self._rng.choice([self._create, self._create, self._create_twice_at_once])
        jobs = [self._add, self._add, self._list, self._look_at, self._create_under_a_taken_name]
        return partial(self._rng.choice(jobs), self._rng.choice(living))

    # --- making ------------------------------------------------------------------------------------------------

    async def _create(self) -> None:
        people, name = some_people(self._rng, clean=False), next(self._names)
        self._reported(name, people, await self._created(people, name))

    async def _create_twice_at_once(self) -> None:
        """Two that do not know of each other give the same list the same name: it is made once."""
        people, name, made = some_people(self._rng, clean=False), next(self._names), list[str]()

        async def create() -> None:
            made.append(await self._created(people, name))

        async with anyio.create_task_group() as both:
            both.start_soon(create)
            both.start_soon(create)
        assert made[0] == made[1], f"{name} was made twice: {made}"
        for audience_id in made:
            self._reported(name, people, audience_id)

    def _reported(self, name: str, people: People, audience_id: str) -> None:
        assert audience_id or not people.callable, f"{name} was refused"
        if audience_id:
            self.world.made(audience_id, name, people.callable)

    async def _created(self, people: People, name: str, **arguments: Any) -> str:
        """Make an audience and return its id, or an empty text where it is refused."""
        known = {kept.audience_id for kept in self.world.audiences.values()}
        answer, _ = await self.caller.commit(
            "create_audience", people, lambda: self._is_stored(name, known), {}, name=name, **arguments
        )
        if answer.is_error:
            assert answer.text.startswith((_TAKEN, "No row is ready")), answer.text
            return ""
        (audience,) = answer.data["audiences"]
        return str(audience["audience_id"])

    def _is_stored(self, name: str, known: set[str]) -> bool:
        stored = self._organisation.audiences()
        return any(audience["name"] == name and audience["_id"] not in known for audience in stored)

    async def _create_under_a_taken_name(self, kept: Kept) -> None:
        if kept.name in self._naming:  # whose audience it is that appears could not be told if an answer were lost
            return
        self._naming.add(kept.name)
        people = some_people(self._rng, clean=True)
        allowed = self._rng.random() < 0.5
        made = await self._created(people, kept.name, allow_same_name=allowed)
        self._naming.remove(kept.name)
        assert made or not people.callable or not allowed
        if made:
            assert allowed or kept.going, f"{kept.name} was made though the name is taken"
            self.world.made(made, kept.name, people.callable)

    async def _split(self) -> None:
        people, name = many_people(self._rng, MAX_MEMBERS + self._rng.randint(1, 40)), next(self._names)
        names = [f"{name} (1 of 2)", f"{name} (2 of 2)"]
        answer, _ = await self.caller.commit(
            "create_audience", people, lambda: self._is_stored(names[1], set()), {}, name=name, split=True
        )
        assert not answer.is_error, answer.text
        for number, audience in enumerate(answer.data["audiences"]):
            part = people.callable[number * MAX_MEMBERS :][:MAX_MEMBERS]
            self.world.made(audience["audience_id"], names[number], part)

    # --- changing ----------------------------------------------------------------------------------------------

    async def _add(self, kept: Kept) -> None:
        people = some_people(self._rng, clean=self._rng.random() < 0.5)
        kept.maybe |= set(people.callable)
        options = {"add_to_audience_id": kept.audience_id} if self._rng.random() < 0.5 else {}
        answer, unknown = await self.caller.commit(
            "add_contacts", people, lambda: self._holds(kept, people), options, audience_id=kept.audience_id
        )
        kept.exact = kept.exact and not unknown and not self._restarts
        if answer.is_error:
            assert (kept.going, answer.text[: len(_ABSENT)]) == (True, _ABSENT), answer.text
            return
        kept.people |= set(people.callable)
        kept.added += answer.data["added"]

    def _holds(self, kept: Kept, people: People) -> bool:
        try:
            members = self._organisation.members(kept.audience_id)
        except AssertionError as error:
            if "Audience not found" not in str(error):
                raise
            return False  # another lane has deleted it
        return {member["phoneNumber"] for member in members}.issuperset(people.callable)

    async def _delete(self, kept: Kept) -> None:
        """Delete an audience in two steps; whoever adds to it meanwhile may make both needed again."""
        kept.going, unknown = True, self._restarts
        while not kept.gone:
            asked, _ = await self.caller.until_done("delete_audience", audience_id=kept.audience_id)
            if asked.is_error:
                assert (unknown, asked.text[: len(_ABSENT)]) == (True, _ABSENT), asked.text
                kept.gone = True
                return
            answer, was_unknown = await self.caller.until_done(
                "delete_audience",
                lambda: kept.audience_id not in {audience["_id"] for audience in self._organisation.audiences()},
                audience_id=kept.audience_id,
                confirm_token=asked.data["confirm_token"],
            )
            unknown = unknown or was_unknown
            assert not answer.is_error or _CHANGED in answer.text or unknown, answer.text
            kept.gone = not answer.is_error

    # --- looking -----------------------------------------------------------------------------------------------

    async def _list(self, kept: Kept) -> None:
        gone = {each.audience_id for each in self.world.audiences.values() if each.gone}
        answer, _ = await self.caller.until_done("list_audiences", name_contains=kept.name, page_size=100)
        listed = {audience["audience_id"] for audience in answer.data["audiences"]}
        assert kept.audience_id in listed or kept.going
        assert not listed & gone, "what was deleted is listed"

    async def _look_at(self, kept: Kept) -> None:
        before = len(kept.people)
        answer, _ = await self.caller.until_done("get_audience", audience_id=kept.audience_id)
        page, _ = await self.caller.until_done("list_audience_members", audience_id=kept.audience_id, page_size=100)
        if answer.is_error or page.is_error:
            assert kept.going, answer.text
            return
        assert before <= answer.data["member_count"] <= len(kept.maybe)
        numbers = [member["phone_number"] for member in page.data["members"]]
        assert len(numbers) == len(set(numbers))
        assert kept.maybe.issuperset(numbers)
