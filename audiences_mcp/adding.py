"""A check becomes members of an audience that exists, but for the people who are in it in any spelling."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from audiences_mcp.app import App
from audiences_mcp.atoms.uploads import ADDED_AT_ONCE, chunks
from audiences_mcp.audiences import (
    active_campaigns,
    audience_columns,
    barred,
    find_audience,
    known_members,
    misfit,
    named,
)
from audiences_mcp.calls import Progress, long_job
from audiences_mcp.checking import known_warnings
from audiences_mcp.committing import Committer, no_longer_in, person_of, read_back
from audiences_mcp.contacts.check import KnownLists
from audiences_mcp.contacts.fit import Fit, fit_columns
from audiences_mcp.contacts.reasons import Reason, Status
from audiences_mcp.errors import AtomsError
from audiences_mcp.models import MAX_MEMBERS, Addition, AudienceInfo, Commit, Member, Person, StoredAudience
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import Added, AtomsClient


class Extension(Committer[Addition]):
    """The ready rows of a check as new members.

    Args:
        app: The server process.
        stored: The check.
        progress: Where to tell how far a long commit is.
        audience: The audience as it stands.
    """

    def __init__(self, app: App, stored: StoredCheck, progress: Progress, audience: AudienceInfo) -> None:
        super().__init__(app, stored, progress)
        self._audience = audience
        self._member_count = audience.member_count
        self._added = self._skipped = self._under_way = 0

    def _complete(self, result: Commit) -> Addition:
        return Addition(
            **result.model_dump(),
            added=self._added,
            skipped_by_atoms=self._skipped,
            member_count=self._member_count,
        )

    def _so_far(self) -> str:
        doubt = f"; of {self._under_way:,} more the outcome is unknown" if self._under_way else ""
        return f"{several(self._added, 'person', 'people')} added{doubt}; the same call adds only who is missing"

    async def add(self, *, allow_active_campaign: bool) -> Addition:
        """Add the people to the audience.

        The same check to the same audience again returns the first result and sends nothing.

        Args:
            allow_active_campaign: Whether a campaign that may call them at once is accepted.

        Raises:
            InvalidInput: The check is committed to something else.
            Refused: It cannot be added as asked, Atoms failed, or the outcome is unknown.
        """
        audience_id = self._audience.audience_id
        async with self._committing(f"add {audience_id}", f"add_contacts to the audience {audience_id}") as done:
            client = await self._app.client()
            if isinstance(done, Addition):
                return await self._added_before(client, done)
            self._audience = await find_audience(client, audience_id)  # another call may have been waited for
            self._guard_campaigns(allowed=allow_active_campaign)
            self._refuse_without_phone_column()
            members = await client.all_members(audience_id)
            self._member_count = len(members)
            await self._compare_with_suppressed()
            await self._compare_with_members(members)
            fit = self._fit(members)
            people = await anyio.to_thread.run_sync(self._people, fit)
            self._refuse_without_room(len(people))
            await self._send(client, fit.columns, people)
            self._stored.result = result = await self._extended(client, fit.columns)
            return result

    async def _added_before(self, client: "AtomsClient", done: Addition) -> Addition:
        """Return what an earlier call added, with what has become of it since; nothing is sent."""
        members = await client.all_members(self._audience.audience_id)
        known = await known_members(self._audience, members)
        sent = [row.phone.number for row in self._stored.rows if row.status is Status.READY and row.phone]
        missing = sum(known.find(number) is None for number in sent)
        people, stored = several(done.added, "person", "people"), several(len(members), "member")
        warnings = [*done.warnings, *([no_longer_in(missing)] if missing else [])]
        return done.model_copy(
            update={
                "summary": f"Already done, so nothing was sent again. Added {people} then; the audience has {stored} now.",
                "already_done": True,
                "verified": not missing,
                "member_count": len(members),
                "audiences": [each.model_copy(update={"member_count": len(members)}) for each in done.audiences],
                "warnings": warnings,
            }
        )

    def _refuse_without_phone_column(self) -> None:
        if not self._audience.phone_column.strip():
            raise self._refused(
                "Atoms names no phone column of this audience, so nothing was sent. Make another audience with create_audience."
            )

    def _guard_campaigns(self, *, allowed: bool) -> None:
        active = active_campaigns(self._audience)
        if active and not allowed:
            raise self._refused(
                f"A campaign uses this audience and may call the new people: {named(active)}; nothing was sent. Ask the "
                "person, then set allow_active_campaign, or make a new audience.",
            )
        if active:
            self._warnings.append(f"{several(len(active), 'campaign')} on this audience may call the new people.")
        drafts = sum(campaign.status == "draft" for campaign in self._audience.campaigns)
        if drafts:
            self._warnings.append(f"{several(drafts, 'draft campaign')} will call the new people once started.")

    async def _compare_with_members(self, members: Sequence[Member]) -> None:
        known = await known_members(self._audience, members)
        # Who was a member when the list was checked may have been taken out since.
        self._check = await anyio.to_thread.run_sync(self._check.without, Reason.ALREADY_MEMBER)
        await self._compare(KnownLists(already_member=known))
        self._warnings += filter(None, [barred(self._check.rows, known)])
        self._warnings += known_warnings(KnownLists(already_member=known))

    def _fit(self, members: Sequence[Member]) -> Fit:
        fit = fit_columns(self._check, audience_columns(self._audience, members), empty=not members)
        unfit = misfit(self._check, fit)
        if unfit:
            raise self._refused(f"Nothing was sent. {unfit}")
        if fit.missing and self._check.ready:
            self._warnings.append(
                f"Blank for the new people, since the list lacks them: {several(len(fit.missing), 'column')}."
            )
        return fit

    def _people(self, fit: Fit) -> list[Person]:
        """Return the ready rows in the audience's own columns; takes a while for a long list."""
        return [
            person_of(row, tuple("" if place is None else row.fields[place] for place in fit.places))
            for row in self._check.ready
        ]

    def _refuse_without_room(self, wanted: int) -> None:
        room = MAX_MEMBERS - self._member_count
        if wanted > room:
            raise self._refused(
                f"The audience has room for {room:,} of {several(wanted, 'person', 'people')}; nothing was sent. Make "
                "another audience with create_audience and the same check_id, or check a shorter list.",
            )

    async def _send(self, client: "AtomsClient", columns: Sequence[str], people: Sequence[Person]) -> None:
        done = 0
        if len(people) > ADDED_AT_ONCE:
            long_job()
        runs = await anyio.to_thread.run_sync(chunks, columns, people, ADDED_AT_ONCE) if people else []
        for run in runs:
            await self._progress(done, len(people), "Adding people")
            outcome = await self._send_noted(client, columns, run)
            done += len(run)
            self._added += outcome.added
            self._skipped += outcome.skipped
            self._member_count += len(run) - outcome.skipped  # so that people whom Atoms did not store are missed

    async def _send_noted(self, client: "AtomsClient", columns: Sequence[str], people: Sequence[Person]) -> "Added":
        digests = [self._app.journal.digest(person.number) for person in people]
        self._under_way = len(people)
        try:
            outcome = await self._send_run(client, columns, people)
            self._under_way = 0
        finally:
            if self._under_way:
                await self._note("add_contacts", self._audience.audience_id, digests, unknown=True)
        await self._note("add_contacts", self._audience.audience_id, digests)
        return outcome

    async def _send_run(self, client: "AtomsClient", columns: Sequence[str], people: Sequence[Person]) -> "Added":
        from audiences_mcp.atoms.client import Added  # noqa: PLC0415 - brings httpx

        so_far = f"{several(self._added, 'person', 'people')} were added; then " if self._added else ""
        was_written, self._stored.written = self._stored.written, True
        try:
            return await client.add_members(self._audience.audience_id, columns, people)
        except AtomsError as error:
            self._stored.written = was_written or error.maybe_done
            if not error.maybe_done:
                self._under_way = 0
                again = " Call again with the same check_id to add the rest." if so_far else ""
                raise self._refused(f"{so_far}{error}{again}") from None
            found = await self._count_stored(client, columns[0], people)
            if found < len(people):
                sent = several(len(people), "person", "people")
                raise self._unknown(f"{so_far}{error.cause} Of the last {sent} sent {found:,} are stored.") from None
            return Added(len(people), 0)

    async def _count_stored(self, client: "AtomsClient", phone_column: str, people: Sequence[Person]) -> int:
        """Return how many people of a write whose answer was lost are stored, once all are or at the last look."""
        found, trouble = 0, ""
        for pause in self.look_up_pauses:
            await anyio.sleep(pause)
            try:
                members = await client.all_members(self._audience.audience_id)
            except AtomsError:
                trouble = "Looking for what was sent failed too."
                continue
            stored = {member.data.get(phone_column, "") for member in members}
            found, trouble = sum(person.number in stored for person in people), ""
            if found == len(people):
                break
        if trouble:
            raise self._unknown(trouble)
        return found

    async def _extended(self, client: "AtomsClient", columns: Sequence[str]) -> Addition:
        audience = self._audience
        if self._skipped:
            self._warnings.append(f"Atoms skipped {several(self._skipped, 'person', 'people')} as stored already.")
        expected = {audience.audience_id: self._member_count}
        stored = await read_back(client, expected)
        verified = self._verified(expected, stored)
        self._member_count = stored.get(audience.audience_id, self._member_count)
        people, members = several(self._added, "person", "people"), several(self._member_count, "member")
        with suppress(AtomsError):
            audience = await find_audience(client, audience.audience_id)  # a campaign may have begun meanwhile
        calls = "Nobody is called until a campaign uses the audience."
        if active_campaigns(audience):
            calls = "The campaign on the audience may call the new people now."
        result = self._result(
            summary=f"Added {people}; the audience has {members} now.",
            next_step=f"Tell the person the counts. {calls}",
        )
        entry = StoredAudience(
            audience_id=audience.audience_id,
            name=audience.name,
            member_count=self._member_count,
            phone_column=audience.phone_column,
            columns=[line(name) for name in columns],
        )
        return result.model_copy(update={"audiences": [entry], "verified": verified})
