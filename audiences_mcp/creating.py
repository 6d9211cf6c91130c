"""A check becomes audiences: one, or as many as its people need, each made exactly once."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from audiences_mcp.app import App
from audiences_mcp.atoms.uploads import ADDED_AT_ONCE, chunks
from audiences_mcp.audit_log import noted_if_cut_short
from audiences_mcp.calls import Progress, long_job
from audiences_mcp.committing import Committer, already_done, no_longer_in, person_of, read_back
from audiences_mcp.contacts.reasons import NEVER_CALLED, Status
from audiences_mcp.errors import AtomsError, Refused
from audiences_mcp.models import MAX_MEMBERS, AudienceInfo, Commit, Person, StoredAudience
from audiences_mcp.state.journal import Part
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import fold, line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient


class Creation(Committer[Commit]):
    """The ready rows of a check as new audiences."""

    def __init__(self, app: App, stored: StoredCheck, progress: Progress) -> None:
        super().__init__(app, stored, progress)
        self._journal = app.journal
        self._name = ""
        self._key = ""
        self._people: dict[bytes, Person] = {}
        self._parts: list[Part] = []
        self._looked_up = False

    def _complete(self, result: Commit) -> Commit:
        made = [self._stored_audience(part) for part in self._parts if part.audience_id]
        return result.model_copy(update={"audiences": made})

    def _so_far(self) -> str:
        made = sum(bool(part.audience_id) for part in self._parts)
        asked = any(part.before is not None and not part.audience_id for part in self._parts)
        people = several(sum(part.sent for part in self._parts), "person", "people")
        doubt = "; of one more the outcome is unknown" if asked else ""
        again = "; the same list under the same name sends the rest" if self._parts else ""
        return f"{made} of {several(len(self._parts), 'audience')} made, {people} sent{doubt}{again}"

    async def create(self, name: str, description: str, *, split: bool, allow_same_name: bool) -> Commit:
        """Make an audience, or with `split` as many as the people need.

        The same list under the same name again, also after a restart, returns what was made and sends nothing; a call that
        stopped half way continues where it stopped.

        Args:
            name: Name of the audience.
            description: What it is for; may be empty.
            split: Whether more than 10,000 people become several audiences.
            allow_same_name: Whether another audience may have the name already.

        Raises:
            InvalidInput: The check is committed to something else, or another process makes the same.
            Refused: It cannot be made as asked, Atoms failed, or the outcome is unknown.
        """
        self._name = name
        target, words = f"create {fold(name)}", f"create_audience with the name {line(name)!r}"
        async with self._committing(target, words) as done, self._journal.alone(fold(name)):
            return await self._create(description, done, split=split, allow_same_name=allow_same_name)

    async def _create(self, description: str, done: Commit | None, *, split: bool, allow_same_name: bool) -> Commit:
        client = await self._app.client()
        await self._compare_with_suppressed()
        audiences = await client.list_audiences()
        existing = frozenset(audience.audience_id for audience in audiences)
        await anyio.to_thread.run_sync(self._recognise)
        self._parts = await self._journal.parts(self._key)
        self._refuse_deleted(done, existing)
        if any(part.audience_id and part.audience_id not in existing for part in self._parts):
            self._parts = []  # one was deleted since, so the list is sent anew
        started = any(part.before is not None for part in self._parts)
        if started and all(part.complete or not part.people for part in self._parts):
            self._stored.result = result = await self._made_before(client, audiences)
            return result
        if done:  # which the journal has lost
            return already_done(done)
        if not started:
            self._parts = self._new_parts(split=split)
        if not allow_same_name:
            self._refuse_same_name(audiences)
        await self._write(client, description, existing)
        self._stored.result = result = await self._made(client)
        return result

    def _refuse_deleted(self, done: Commit | None, existing: Collection[str]) -> None:
        """Refuse to make again what this check had made and somebody deleted: it may be an old call that is repeated."""
        if done and any(made.audience_id not in existing for made in done.audiences):
            raise self._refused(
                "This check_id was committed before, and an audience that it made has been deleted since; nothing was sent "
                "again. To make it anew call check_contacts again and use the check_id of its answer.",
            )

    def _recognise(self) -> None:
        """Work out what the list and its people are known by; takes a while for a long list."""
        # Whoever stands on a list of numbers never to call counts too: such lists change, and the list stays the same.
        rows = (row for row in self._stored.check.rows if row.status is Status.READY or row.reason in NEVER_CALLED)
        lines = ((row.phone and row.phone.number, row.fields) for row in rows)
        self._key = self._journal.fingerprint(fold(self._name), chain([self._columns], lines))
        people = (person_of(row, row.fields) for row in self._check.ready)
        self._people = {self._journal.digest(person.number): person for person in people}

    def _new_parts(self, *, split: bool) -> list[Part]:
        people = list(self._people)
        if not people:
            raise self._refused("No row is ready to be called, so nothing was sent. Mend the rows and check again.")
        needed = ceil(len(people) / MAX_MEMBERS)
        if needed > 1 and not split:
            raise self._refused(
                f"{several(len(people), 'person', 'people')} need {needed} audiences of at most {MAX_MEMBERS:,}; nothing "
                "was sent. Call again with the same check_id and split=true to make them.",
            )
        return [Part(people[start : start + MAX_MEMBERS]) for start in range(0, len(people), MAX_MEMBERS)]

    def _name_of(self, part: Part) -> str:
        parts = len(self._parts)
        return f"{self._name} ({self._parts.index(part) + 1} of {parts})" if parts > 1 else self._name

    def _refuse_same_name(self, audiences: Iterable[AudienceInfo]) -> None:
        ours = {part.audience_id for part in self._parts}
        names = {fold(self._name_of(part)) for part in self._parts if part.before is None}
        for audience in audiences:
            if fold(audience.name) in names and audience.audience_id not in ours:
                raise self._refused(
                    f"An audience of this name exists already: {audience.audience_id} with "
                    f"{several(audience.member_count, 'member')}; nothing was sent. To extend it use add_contacts with "
                    "the same check_id; else choose another name, or set allow_same_name.",
                )

    async def _write(self, client: "AtomsClient", description: str, known: frozenset[str]) -> None:
        if len(self._parts) > 1:
            long_job()
        for number, part in enumerate(self._parts, 1):
            await self._tell(f"Making audience {number} of {len(self._parts)}")
            if part.complete:
                continue
            before = part.sent
            try:
                await self._write_part(client, part, description, known)
            except AtomsError as error:
                raise self._stopped(str(error)) from None
            finally:
                if part.sent > before:
                    await self._note("create_audience", part.audience_id, part.people[before : part.sent])
        await self._tell("Reading back what Atoms stored")

    async def _tell(self, text: str) -> None:
        await self._progress(
            sum(part.sent for part in self._parts), sum(len(part.people) for part in self._parts), text
        )

    async def _keep(self) -> None:
        await self._journal.keep(self._key, self._parts)

    async def _write_part(self, client: "AtomsClient", part: Part, description: str, known: frozenset[str]) -> None:
        if part.before is not None and not part.audience_id:
            await self._look_up(client, part)
        # Nobody is sent who came on the do-not-call list since a call that stopped half way.
        part.people = [*part.people[: part.sent], *(each for each in part.people[part.sent :] if each in self._people)]
        if part.people and not part.audience_id:
            await self._make(client, part, description, known)
        rest = self._people_of(part.people[part.sent :])
        if rest:
            long_job()
        runs = await anyio.to_thread.run_sync(chunks, self._columns, rest, ADDED_AT_ONCE) if rest else []
        for run in runs:
            async with self._sending(part, part.sent + len(run)):
                try:
                    await client.add_members(part.audience_id, self._columns, run)
                except AtomsError as error:
                    if not error.maybe_done or not await self._note_stored(client, part, len(run)):
                        raise
                else:
                    part.sent += len(run)
            await self._keep()
            await self._tell(f"Adding people to {part.audience_id}")

    async def _note_stored(self, client: "AtomsClient", part: Part, sent: int) -> bool:
        """Write down who of a run was stored although the answer was lost; return whether all were.

        Whoever is stored counts as sent, so that a repeat neither adds them again nor forgets them.
        """
        stored = await self._stored_people(client, part.audience_id, self._columns[0])
        run, rest = part.people[part.sent : part.sent + sent], part.people[part.sent + sent :]
        there, missing = [each for each in run if each in stored], [each for each in run if each not in stored]
        part.people = [*part.people[: part.sent], *there, *missing, *rest]
        part.sent += len(there)
        await self._keep()
        return not missing

    async def _stored_people(self, client: "AtomsClient", audience_id: str, phone_column: str) -> set[bytes]:
        """Return what stands for everyone who is stored in an audience."""
        members = await client.all_members(audience_id)
        return {self._journal.digest(member.data.get(phone_column, "")) for member in members}

    def _people_of(self, digests: Iterable[bytes]) -> list[Person]:
        return [self._people[digest] for digest in digests]

    async def _make(self, client: "AtomsClient", part: Part, description: str, known: frozenset[str]) -> None:
        """Make the audience of a part with its first people; a lost answer is looked for."""
        first = (await anyio.to_thread.run_sync(chunks, self._columns, self._people_of(part.people)))[0]
        name, was_unsure, was_written = self._name_of(part), part.before, self._stored.written
        part.before, part.sending = part.before or known, len(first)
        self._stored.written = True
        await self._keep()
        async with self._sending(part, part.sending):
            try:
                made = await client.create_audience(name, description, self._columns, first)
            except AtomsError as error:
                if not error.maybe_done:
                    part.before, self._stored.written = was_unsure, was_written
                    await self._keep()
                    raise
                await self._look_up(client, part)
                if not part.audience_id:
                    await self._note("create_audience", "", part.people[: part.sending], unknown=True)
                    raise self._unknown(f"{error.cause} No audience of this name is there yet.") from None
                return
        await self._exists(part, made.audience_id)

    def _sending(self, part: Part, end: int) -> AbstractAsyncContextManager[None]:
        """Send people of a part, of whom the audit log knows also where the call is cut short.

        Args:
            part: The part.
            end: How many of it are sent when it is done.
        """

        async def note() -> None:
            if unsure := part.people[part.sent : end]:  # the others are noted as done
                await self._note("create_audience", part.audience_id, unsure, unknown=True)

        return noted_if_cut_short(note)

    async def _exists(self, part: Part, audience_id: str) -> None:
        part.audience_id, part.sent = audience_id, part.sending
        await self._keep()

    async def _look_up(self, client: "AtomsClient", part: Part) -> None:
        """Look for an audience that a lost answer may have made, and take it as ours if it surely is.

        Raises:
            Refused: An audience of the name has appeared that is not surely ours, or Atoms cannot be asked.
        """
        self._looked_up = True
        found = ""
        for pause in self.look_up_pauses:
            await anyio.sleep(pause)
            made, found = await self._appeared(client, part)
            if made:
                await self._exists(part, made)
                return
        if found:
            raise self._unknown(found)

    async def _appeared(self, client: "AtomsClient", part: Part) -> tuple[str, str]:
        """Look once for the audience of a part; it is ours when it holds just the numbers sent.

        Returns:
            Its id, or an empty text and what was found instead.
        """
        sent = set(part.people[: part.sending])
        try:
            appeared = self._new_of_this_name(part, await client.list_audiences())
            for audience in appeared:
                if await self._stored_people(client, audience.audience_id, audience.phone_column) == sent:
                    return audience.audience_id, ""
        except AtomsError:
            return "", "Looking for what was sent failed too."
        if not appeared:
            return "", ""
        people = several(appeared[0].member_count, "member")
        return "", (
            f"An audience of this name has appeared, {appeared[0].audience_id} with {people}, but it does not hold just "
            "the people sent."
        )

    def _new_of_this_name(self, part: Part, stored: Iterable[AudienceInfo]) -> list[AudienceInfo]:
        """Return the audiences of a part's name that did not exist when it was first sent."""
        name, before = fold(self._name_of(part)), part.before or ()
        return [each for each in stored if fold(each.name) == name and each.audience_id not in before]

    @property
    def _columns(self) -> list[str]:
        return [column.name for column in self._check.columns]

    async def _made_before(self, client: "AtomsClient", audiences: Iterable[AudienceInfo]) -> Commit:
        """Return what an earlier call made, with what has become of it since; nothing is sent."""
        counts = {audience.audience_id: audience.member_count for audience in audiences}
        names = {audience.audience_id: audience.name for audience in audiences}
        parts = [part for part in self._parts if part.audience_id]
        sent, now = sum(part.sent for part in parts), sum(counts[part.audience_id] for part in parts)
        missing = await self._no_longer_in(client, parts)
        if missing:
            self._warnings.append(no_longer_in(missing))
        elif now != sent:
            self._warnings.append(f"{several(sent, 'person', 'people')} were sent; others were added or removed since.")
        self._warnings += filter(None, [self._left_over(), self._sent_before(), self._journal.trouble])
        made = f"{several(len(parts), 'audience')} with {several(sent, 'person', 'people')}"
        since = f" then; {several(now, 'member')} stored now" if missing or now != sent else ""
        result = self._result(
            summary=f"Already done, so nothing was sent again. Made {made}{since}.",
            next_step="Tell the person the counts and the audience_id. Nobody is called until a campaign uses it.",
        )
        stored = [
            each.model_copy(update={"member_count": counts[each.audience_id], "name": names[each.audience_id]})
            for each in result.audiences
        ]
        verified = not missing and now == sent
        return result.model_copy(update={"audiences": stored, "verified": verified, "already_done": True})

    async def _no_longer_in(self, client: "AtomsClient", parts: Sequence[Part]) -> int:
        """Return how many of the people sent are not in their audiences any more."""
        if len(parts) > 1:
            long_job()
        count = 0
        for part in parts:
            stored = await self._stored_people(client, part.audience_id, self._columns[0])
            count += sum(digest not in stored for digest in part.people[: part.sent])
        return count

    async def _made(self, client: "AtomsClient") -> Commit:
        expected = {part.audience_id: part.sent for part in self._parts if part.audience_id}
        stored = await read_back(client, expected)
        verified = self._verified(expected, stored)
        await self._warn_of_twins(client)
        self._warnings += filter(None, [self._left_over(), self._sent_before(), self._journal.trouble])
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

    def _left_over(self) -> str:
        """Tell of people who came off a do-not-call list after the first call of a list that was sent in several."""
        planned = {digest for part in self._parts for digest in part.people}
        left = sum(digest not in planned for digest in self._people)
        if not left:
            return ""
        return (
            f"{several(left, 'person', 'people')} could not be called when this list was first sent and can be now; they "
            "were not sent. Check the list with add_to_audience_id and add them with add_contacts."
        )

    def _sent_before(self) -> str:
        """Tell of people who are in it although they are left out now: they were sent before anything was against it."""
        stored = [digest for part in self._parts for digest in part.people[: part.sent]]
        count = sum(digest not in self._people for digest in stored)
        if not count:
            return ""
        return (
            f"{several(count, 'person', 'people')} of this list may not be called now but {'is' if count == 1 else 'are'} in "
            "the audience, sent by an earlier call: take them out before a campaign uses it."
        )

    async def _warn_of_twins(self, client: "AtomsClient") -> None:
        """Tell of an audience that Atoms made late, after it had been looked for in vain and sent again."""
        ours = {part.audience_id for part in self._parts}
        with suppress(AtomsError):
            stored = await client.list_audiences() if self._looked_up else []
            twins = [twin for part in self._parts for twin in self._new_of_this_name(part, stored)]
            self._warnings += [
                f"Another audience of this name appeared meanwhile, {twin.audience_id} with "
                f"{several(twin.member_count, 'member')}: Atoms may have carried out a request late. Use only one of them, "
                "or the same people are called twice."
                for twin in twins
                if twin.audience_id not in ours
            ]

    def _stopped(self, message: str) -> Refused:
        """Return the error of a write that Atoms refused; part of it may be written already."""
        made = sum(bool(part.audience_id) for part in self._parts)
        if not made:
            return self._refused(message)
        return self._refused(
            f"Stopped half way: {made} of {several(len(self._parts), 'audience')} exist. The last request failed: "
            f"{message} Call again with the same check_id and name to send the rest.",
        )

    def _stored_audience(self, part: Part) -> StoredAudience:
        return StoredAudience(
            audience_id=part.audience_id,
            name=self._name_of(part),
            member_count=part.sent,
            phone_column=self._columns[0],
            columns=self._columns,
        )
