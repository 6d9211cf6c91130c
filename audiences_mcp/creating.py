"""A check becomes audiences: one, or as many as its people need, each made exactly once."""

import hmac
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING

import anyio

from audiences_mcp.app import App, Part, Plan, StoredCheck
from audiences_mcp.atoms.uploads import ADDED_AT_ONCE, chunks
from audiences_mcp.audiences import fold
from audiences_mcp.calls import Progress, long_job
from audiences_mcp.committing import Committer, already_done, person_of, read_back
from audiences_mcp.contacts.report import MAX_MEMBERS
from audiences_mcp.errors import AtomsError, Refused
from audiences_mcp.models import AudienceInfo, Commit, Person, StoredAudience
from audiences_mcp.text import line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient


class Creation(Committer[Commit]):
    """The ready rows of a check as new audiences."""

    def __init__(self, app: App, stored: StoredCheck, progress: Progress) -> None:
        super().__init__(app, stored, progress)
        self._plan = Plan()

    def _complete(self, result: Commit) -> Commit:
        made = [self._stored_audience(part) for part in self._plan.parts if part.audience_id]
        return result.model_copy(update={"audiences": made})

    async def create(self, name: str, description: str, *, split: bool, allow_same_name: bool) -> Commit:
        """Make an audience, or with `split` as many as the people need.

        The same check under the same name again returns the first result and sends nothing; a call that stopped half way
        continues where it stopped.

        Args:
            name: Name of the audience.
            description: What it is for; may be empty.
            split: Whether more than 10,000 people become several audiences.
            allow_same_name: Whether another audience may have the name already.

        Raises:
            InvalidInput: The check is committed to something else.
            Refused: It cannot be made as asked, Atoms failed, or the outcome is unknown.
        """
        async with self._committing(f"create {fold(name)}", f"create_audience with the name {line(name)!r}") as done:
            if done:
                return already_done(done)
            client = await self._app.client()
            await self._compare_with_suppressed()
            audiences = await client.list_audiences()
            plan = self._plan = self._app.plan(self._fingerprint(fold(name)))
            _forget_deleted(plan, audiences)
            repeated = plan.started and all(part.complete for part in plan.parts)
            if plan.started:
                self._leave_out_suppressed()
            else:
                plan.parts = self._parts(name, split=split)
            if not allow_same_name:
                self._refuse_same_name(audiences)
            await self._write(client, description, frozenset(audience.audience_id for audience in audiences))
            self._stored.result = result = await self._made(client)
            return already_done(result) if repeated else result

    def _fingerprint(self, folded_name: str) -> str:
        """Return what stands for this list under this name; it tells nothing to whoever lacks the Atoms key."""
        digest = hmac.new(self._app.key.encode(), folded_name.encode(), sha256)
        for row in self._stored.check.ready:
            digest.update(repr((row.phone and row.phone.number, row.fields)).encode())
        return digest.hexdigest()

    def _parts(self, name: str, *, split: bool) -> list[Part]:
        people = [person_of(row, row.fields) for row in self._check.ready]
        if not people:
            raise self._refused("No row is ready to be called, so nothing was sent. Mend the rows and check again.")
        needed = ceil(len(people) / MAX_MEMBERS)
        if needed > 1 and not split:
            raise self._refused(
                f"{several(len(people), 'person', 'people')} need {needed} audiences of at most {MAX_MEMBERS:,}; nothing "
                "was sent. Call again with the same check_id and split=true to make them.",
            )
        runs = [people[start : start + MAX_MEMBERS] for start in range(0, len(people), MAX_MEMBERS)]
        names = [f"{name} ({number} of {needed})" for number in range(1, needed + 1)] if needed > 1 else [name]
        return [Part(part_name, run, len(run)) for part_name, run in zip(names, runs, strict=True)]

    def _leave_out_suppressed(self) -> None:
        """Send nobody of a plan that stopped half way who came on the do-not-call list since."""
        ready = {row.phone.number for row in self._check.ready if row.phone}
        for part in self._plan.parts:
            # What may have been sent is looked up by its numbers, so it stays as it was.
            if not part.complete and (part.audience_id or part.before is None):
                rest = [person for person in part.people[part.sent :] if person.number in ready]
                part.people = [*part.people[: part.sent], *rest]
                part.count = len(part.people)
        self._plan.parts = [part for part in self._plan.parts if part.count]

    def _refuse_same_name(self, audiences: Iterable[AudienceInfo]) -> None:
        ours = {part.audience_id for part in self._plan.parts}
        names = {fold(part.name) for part in self._plan.parts if part.before is None}
        for audience in audiences:
            if fold(audience.name) in names and audience.audience_id not in ours:
                raise self._refused(
                    f"An audience of this name exists already: {audience.audience_id} with "
                    f"{several(audience.member_count, 'member')}; nothing was sent. To extend it use add_contacts with "
                    "the same check_id; else choose another name, or set allow_same_name.",
                )

    async def _write(self, client: "AtomsClient", description: str, known: frozenset[str]) -> None:
        parts = self._plan.parts
        if len(parts) > 1:
            long_job()
        for number, part in enumerate(parts, 1):
            await self._tell(f"Making audience {number} of {len(parts)}")
            if not part.complete:
                try:
                    await self._write_part(client, part, description, known)
                except AtomsError as error:
                    raise self._stopped(str(error)) from None
        await self._tell("Reading back what Atoms stored")

    async def _tell(self, text: str) -> None:
        parts = self._plan.parts
        await self._progress(sum(part.sent for part in parts), sum(part.count for part in parts), text)

    async def _write_part(self, client: "AtomsClient", part: Part, description: str, known: frozenset[str]) -> None:
        if not part.audience_id:
            first = chunks(self._columns, part.people)[0]
            part.audience_id = await self._make(client, part, first, description, known)
            part.sent = len(first)
        rest = part.people[part.sent :]
        if rest:
            long_job()
        for run in chunks(self._columns, rest, ADDED_AT_ONCE) if rest else []:
            await client.add_members(part.audience_id, self._columns, run)  # Atoms skips what a lost answer stored
            part.sent += len(run)
            await self._tell(f"Adding people to {part.audience_id}")
        part.people = ()

    async def _make(
        self, client: "AtomsClient", part: Part, people: Sequence[Person], description: str, known: frozenset[str]
    ) -> str:
        """Make the audience of a part with its first people, unless a lost answer made it, and return its id."""
        made = "" if part.before is None else await self._look_up(client, part, people)
        if made:
            return made
        part.before, was_written, self._stored.written = known, self._stored.written, True
        try:
            return (await client.create_audience(part.name, description, self._columns, people)).audience_id
        except AtomsError as error:
            if not error.maybe_done:
                part.before, self._stored.written = None, was_written
                raise
            made = await self._look_up(client, part, people)
            if not made:
                raise self._unknown(f"{error} No audience of this name is there yet.") from None
            return made

    async def _look_up(self, client: "AtomsClient", part: Part, people: Sequence[Person]) -> str:
        """Look for an audience that a lost answer may have made.

        Returns:
            Its id, or an empty text when no audience of the name has appeared.
        """
        found = ""
        for pause in self.look_up_pauses:
            await anyio.sleep(pause)
            made, found = await _appeared(client, part, {person.number for person in people})
            if made:
                return made
        if found:
            raise self._unknown(found)
        return ""

    @property
    def _columns(self) -> list[str]:
        return [column.name for column in self._check.columns]

    async def _made(self, client: "AtomsClient") -> Commit:
        expected = {part.audience_id: part.count for part in self._plan.parts}
        stored = await read_back(client, expected)
        verified = self._verified(expected, stored)
        people = several(sum(expected.values()), "person", "people")
        result = self._result(
            summary=f"Made {several(len(expected), 'audience')} with {people}.",
            next_step="Tell the person the counts and the audience_id. Nobody is called until a campaign uses it.",
        )
        audiences = [
            made.model_copy(update={"member_count": stored.get(made.audience_id, made.member_count)})
            for made in result.audiences
        ]
        return result.model_copy(update={"audiences": audiences, "verified": verified})

    def _stopped(self, message: str) -> Refused:
        """Return the error of a write that Atoms refused; part of the plan may be written already."""
        made = sum(bool(part.audience_id) for part in self._plan.parts)
        if not made:
            return self._refused(message)
        return self._refused(
            f"Stopped half way: {made} of {several(len(self._plan.parts), 'audience')} exist. The last request failed: "
            f"{message} Call again with the same check_id and name to send the rest.",
        )

    def _stored_audience(self, part: Part) -> StoredAudience:
        return StoredAudience(
            audience_id=part.audience_id,
            name=part.name,
            member_count=part.sent,
            phone_column=self._columns[0],
            columns=self._columns,
        )


def _forget_deleted(plan: Plan, audiences: Iterable[AudienceInfo]) -> None:
    """Start a plan anew when an audience that it made has been deleted since."""
    existing = {audience.audience_id for audience in audiences}
    if any(part.audience_id and part.audience_id not in existing for part in plan.parts):
        plan.parts = []


async def _appeared(client: "AtomsClient", part: Part, numbers: Collection[str]) -> tuple[str, str]:
    """Look once for the audience of a part; it is ours when it holds just the numbers sent.

    Returns:
        Its id, or an empty text and what was found instead.
    """
    try:
        appeared = [
            audience
            for audience in await client.list_audiences()
            if fold(audience.name) == fold(part.name) and audience.audience_id not in (part.before or ())
        ]
        for audience in appeared:
            members = await client.all_members(audience.audience_id)
            if {member.data.get(audience.phone_column, "") for member in members} == numbers:
                return audience.audience_id, ""
    except AtomsError:
        return "", "Looking for what was sent failed too."
    if not appeared:
        return "", ""
    people = several(appeared[0].member_count, "member")
    return "", (
        f"An audience of this name has appeared, {appeared[0].audience_id} with {people}, but it does not hold just the "
        "people sent."
    )
