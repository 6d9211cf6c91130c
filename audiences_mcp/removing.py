"""Members leave an audience: asked about first where they are many, looked for where an answer was lost, undone by a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from audiences_mcp.app import App
from audiences_mcp.asking import AskPerson, ask_or_spend, leave_for
from audiences_mcp.audiences import active_campaigns, find_audience, known_members, named, still_exists
from audiences_mcp.audit_log import noted_if_cut_short
from audiences_mcp.auditing import AS_ATOMS_DIALS
from audiences_mcp.calls import Progress, long_job, this_call
from audiences_mcp.checking import report_of
from audiences_mcp.choosing import Choice, Order, choose
from audiences_mcp.contacts.check import KnownLists, check_table
from audiences_mcp.errors import AtomsError, InvalidInput, NotFound, Refused
from audiences_mcp.members import read_members, table_of
from audiences_mcp.models import AudienceInfo, DefaultRegion, Member, PossibleMember, Removal
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient

REMOVED_UNASKED = 100
"""How many people are removed without a confirm_token."""

LOOK_UP_PAUSES = (0.0, 2.0)
"""Seconds before each look for who is stored still, where an answer was lost."""

_REMOVED_AT_ONCE = 1_000
_MOST_SHOWN = 50
_AGAIN = "call again with the same arguments, which looks again and removes only who is there still."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a call says of the person's agreement.

    Args:
        token: The token that the first call gave, or None.
        ask: Asks the person directly.
    """

    token: str | None
    ask: AskPerson


@dataclass(slots=True)
class Leave:
    """Leave to remove people from one audience.

    Args:
        audience: The audience as it was when the person was asked, its member count included.
        stored: Its members then.
        choice: Who is to be removed.
        asked_for: How they were named.
        tried: Whether the removal was sent, so that some of them may be gone.
        result: What was answered, once it is done.
    """

    audience: AudienceInfo
    stored: "Sequence[Member]"
    choice: Choice
    asked_for: str = ""
    tried: bool = False
    result: Removal | None = None


async def remove_members(
    app: App, audience_id: str, order: Order, confirmed: Confirmation, progress: Progress, *, allow_empty: bool
) -> Removal:
    """Remove people from an audience, or, where they are many, tell how many they are and give a token.

    Args:
        app: The server process.
        audience_id: The audience.
        order: Who is meant.
        confirmed: The token of the first call, once the person has agreed, and how to ask them directly.
        progress: Where to tell how far it is.
        allow_empty: Whether nobody may be left in the audience.

    Raises:
        InvalidInput: It is not clear who is meant, nobody would be left, the token is for something else, or the person
            says no.
        Refused: Atoms failed half way, or the outcome is unknown.
        AtomsError: Atoms failed before anything was changed.
    """
    client, token = await app.client(), confirmed.token
    async with app.lock(f"add {audience_id}"):  # the lock of additions: they count who is stored
        leave = None if token is None else await leave_for(app.removals, token, audience_id, "removed")
        if leave and leave.tried and leave.asked_for != order.words:
            raise InvalidInput(
                "This confirm_token was given for other people, so nothing was removed. Call with the same arguments as the "
                "first time, or without confirm_token.",
            )
        if leave and leave.result:
            return await _removed_before(client, leave.result)
        if not (leave and leave.tried):
            given, leave = leave, await _asked(client, audience_id, order, progress)
            _guard(leave, allow_empty=allow_empty)
            if given and token:
                await _refuse_changed(app, leave, given, token)
            if len(leave.choice.members) > REMOVED_UNASKED and given is None:
                return await _to_confirm(app, leave)
            leave = given or leave
            if given and token and await _ask(app, leave, token, confirmed.ask):  # which may have taken minutes
                now = await _asked(client, audience_id, order, progress)
                _guard(now, allow_empty=allow_empty)
                await _refuse_changed(app, now, given, token)
        leave.result = await _Remover(app, client, leave, progress, token).remove()
        if token:
            await app.removals.keep(token, leave)
        await _spend_check(app, order.check)
        return leave.result


async def _spend_check(app: App, check: StoredCheck | None) -> None:
    """Let the check by which people were taken out not be one by which they are uploaded."""
    if check and not check.audited:
        async with app.lock(f"check {check.check_id}"):
            now = await app.checks.get(check.check_id)  # as another process may have left it
            if now.target is None:
                now.target = ("remove", "taking people out of an audience")
                await app.checks.save(now.check_id, now)


async def _removed_before(client: "AtomsClient", result: Removal) -> Removal:
    """Return what an earlier call removed, with how many are stored now; nothing is removed."""
    now = (await find_audience(client, result.audience_id)).member_count
    then = several(result.removed, "member")
    summary = f"Already done, so nothing was removed again. Removed {then} then; {now:,} are stored now."
    return result.model_copy(update={"summary": summary, "member_count": now})


async def _ask(app: App, leave: Leave, token: str, ask: AskPerson) -> bool:
    """Ask the person directly whether they agree, where their client can; return whether they were asked."""
    going, audience = len(leave.choice.members), leave.audience
    stored = several(audience.member_count, "member")
    question = f"Remove {going:,} of {stored} from the audience {line(audience.name)!r} in Atoms?"
    return await ask_or_spend(app.removals, token, ask, question, "removed")


async def _asked(client: "AtomsClient", audience_id: str, order: Order, progress: Progress) -> Leave:
    """Return whom the call means, with the audience as it stands now."""
    audience = await find_audience(client, audience_id)
    members = await read_members(client, audience_id, progress)
    choice = await anyio.to_thread.run_sync(choose, audience, members, order)
    return Leave(audience.model_copy(update={"member_count": len(members)}), members, choice, order.words)


def _guard(asked: Leave, *, allow_empty: bool) -> None:
    """Refuse to empty an audience unasked."""
    going, stored = len(asked.choice.members), asked.audience.member_count
    if going == stored > 0 and not allow_empty:
        raise InvalidInput(
            f"These are all {several(stored, 'member')} of the audience, which Atoms may then delete; nothing was removed. Ask "
            "the person, then set allow_empty, or delete the audience with delete_audience.",
        )


async def _refuse_changed(app: App, asked: Leave, given: Leave, token: str) -> None:
    """Refuse to remove others than the person was asked about; where others are stored the token is good no longer."""
    going, stored = len(asked.choice.members), asked.audience.member_count
    if stored != given.audience.member_count:
        await app.removals.spend(token)
    elif _ids(asked.choice.members) == _ids(given.choice.members):
        return
    raise InvalidInput(
        f"This call means {several(going, 'member')} of {stored:,}, and not the same as when the token was given; nothing was "
        "removed. Call again without confirm_token and ask the person.",
    )


def _ids(members: Sequence[Member]) -> set[str]:
    return {member.member_id for member in members}


async def _to_confirm(app: App, leave: Leave) -> Removal:
    token = app.removals.new_key()
    await app.removals.put(token, leave)
    going = several(len(leave.choice.members), "member")
    return _result(
        leave,
        summary=f"Nothing is removed yet. {going} of {leave.audience.member_count:,} would be removed.",
        to_remove=len(leave.choice.members),
        confirm_token=token,
        next_step="Ask the person whether to remove that many; if so, call again with the same arguments and confirm_token "
        "within 5 minutes.",
    )


class _Remover:
    """One removal, whole.

    Args:
        app: The server process.
        client: The connection.
        leave: Who is removed.
        progress: Where to tell how far a long one is.
        token: What the leave is kept under; None where nobody was asked.
    """

    def __init__(self, app: App, client: "AtomsClient", leave: Leave, progress: Progress, token: str | None) -> None:
        self._token = token
        self._app, self._client, self._leave, self._progress = app, client, leave, progress
        self._audience_id = leave.audience.audience_id
        self._unlogged = ""
        self._back: StoredCheck | None = None
        self._lost: list[str] = []
        self._unclear = False

    async def remove(self) -> Removal:
        wanted = self._leave.choice.members
        await self._app.audit_log.must_be_writable()
        self._back, self._lost = await self._way_back(wanted)
        undo = await self._keep(self._back)
        back = f"; undo_check_id {undo} with add_contacts brings back whoever was" if undo else ""
        this_call().so_far = lambda: f"members may have been removed; the same call removes who is left{back}"
        # Of a call that was stopped half way only those are left who are stored still.
        left = await self._still_stored(LOOK_UP_PAUSES[:1]) if self._leave.tried else _ids(wanted)
        going = [member for member in wanted if left is None or member.member_id in left]
        async with noted_if_cut_short(partial(self._note, going, unknown=True)):
            trouble = await self._send([member.member_id for member in going])
            left = set() if trouble is None else await self._still_stored(LOOK_UP_PAUSES)
        if left is None:
            await self._note(wanted, unknown=True)
            found = f"outcome unknown: {trouble} Looking for who is stored still failed too; {_AGAIN}"
            raise await self._stopped(wanted, found, unsure=True)
        gone = [member for member in wanted if member.member_id not in left]
        self._unlogged = await self._note(gone) if gone else ""
        if left and self._unclear:
            people = several(len(wanted), "person", "people")
            found = f"outcome unknown: {trouble} Stored still: {len(left):,} of {people}; {_AGAIN}"
            raise await self._stopped(gone, found)
        if left:
            found = f"Only {len(gone):,} of {len(wanted):,} people were removed; the others are stored still."
            raise await self._stopped(gone, f"{found} {trouble} Call again with the same arguments to remove them.")
        return await self._done(gone)

    async def _send(self, ids: Sequence[str]) -> str | None:
        """Remove members by their ids.

        Returns:
            None when all are surely gone, else why they may not be.
        """
        leave, done = self._leave, 0
        if len(ids) > _REMOVED_AT_ONCE:
            long_job()
        for start in range(0, len(ids), _REMOVED_AT_ONCE):
            await self._progress(start, len(ids), f"Removed {start:,} of {several(len(ids), 'member')}")
            was_tried, leave.tried = leave.tried, True
            if self._token:
                await self._app.removals.save(self._token, leave)
            try:
                done += await self._client.remove_members(self._audience_id, ids[start : start + _REMOVED_AT_ONCE])
            except AtomsError as error:
                if error.maybe_done or was_tried:
                    self._unclear = error.maybe_done
                    return error.cause
                leave.tried = False
                if self._token:
                    await self._app.removals.save(self._token, leave)
                raise
        return None if done == len(ids) else "Atoms counts fewer than it was to remove."

    async def _still_stored(self, pauses: Sequence[float]) -> set[str] | None:
        """Return the ids of those who are stored still; None when that cannot be told."""
        left: set[str] | None = None
        for pause in pauses:
            await anyio.sleep(pause)
            try:
                stored = _ids(await read_members(self._client, self._audience_id, self._progress))
            except NotFound:  # the audience went with its last member
                return set()
            except AtomsError:
                continue
            left = _ids(self._leave.choice.members) & stored
            if not left:
                break
        return left

    async def _note(self, members: Sequence[Member], *, unknown: bool = False) -> str:
        """Put the removal into the audit log; return what to warn of."""
        column, journal = self._leave.audience.phone_column, self._app.journal
        digests = [journal.digest(member.data.get(column, "")) for member in members]
        return await self._app.note_people("remove_audience_members", self._audience_id, digests, unknown=unknown)

    async def _stopped(self, gone: Sequence[Member], message: str, *, unsure: bool = False) -> Refused:
        """Return the error of a removal that is not complete.

        Args:
            gone: Who was removed; with `unsure` all who may have been: undoing adds nobody who is stored still.
            message: What happened.
            unsure: Whether it is not known if they were.
        """
        back, warnings = (self._back, self._lost) if unsure else await self._way_back(gone)
        told = {"summary": message, "next_step": message, "undo_check_id": await self._keep(back)}
        result = _result(self._leave, removed=0 if unsure else len(gone), warnings=warnings, **told)
        return Refused(result, _told)

    async def _done(self, gone: Sequence[Member]) -> Removal:
        leave, undoing = self._leave, "add_contacts with this audience_id"
        remaining = leave.audience.member_count - len(gone)
        warnings = [*self._lost, *filter(None, [self._unlogged])]
        if gone and not remaining and await still_exists(self._client, self._audience_id) is False:
            warnings.append("Atoms deleted the audience with its last member.")
            undoing = "create_audience with a name"
            if self._back:
                self._back.target = None  # the audience that it was for is no more
        undo = await self._keep(self._back)
        summary = f"Removed {several(len(gone), 'member')}; the audience has {remaining:,} now."
        next_step = "Tell the person the counts."
        if leave.choice.unread:
            next_step += (
                f" Of {several(leave.choice.unread, 'row')} the number was not read, so those people may be in it still: "
                "check the list again with default_region, as the person says, and call this again."
            )
        if leave.choice.alike:
            next_step += " Ask who of possible is meant; their member_ids take them out."
        if undo:
            next_step += f" To undo it call {undoing} and undo_check_id as check_id, within 60 minutes."
        return _result(
            leave,
            summary=summary if gone else "None of them is stored in the audience, so nothing was removed.",
            removed=len(gone),
            undo_check_id=undo,
            warnings=warnings,
            next_step=next_step,
        )

    async def _way_back(self, gone: Sequence[Member]) -> tuple[StoredCheck | None, list[str]]:
        """Return a check that adds members back to this audience as they were, and whom it does not bring back."""
        if not gone:
            return None, []
        audience, removed = self._leave.audience, _ids(gone)
        table = table_of([(audience, gone)])
        check = await anyio.to_thread.run_sync(check_table, table, AS_ATOMS_DIALS, KnownLists())
        told = report_of(check, DefaultRegion(source="none"), [], "Call add_contacts with this check_id.")
        staying = [member for member in self._leave.stored if member.member_id not in removed]
        # As add_contacts will compare them.
        compared = check.against(KnownLists(already_member=await known_members(audience, staying)))
        lost = (
            (told.counts.invalid, "had a number that cannot be called"),
            (told.counts.duplicate, "had the number of another one"),
            (told.counts.ready - len(compared.ready), "had a number that is, or may be, in the audience yet"),
        )
        warnings = [
            f"{several(count, 'removed member')} {why}: undoing does not add them back." for count, why in lost if count
        ]
        if not told.counts.ready:
            return None, warnings
        target = (f"add {audience.audience_id}", f"bringing people back to {audience.audience_id}")
        return StoredCheck(told.check_id, check, told, target), warnings

    async def _keep(self, back: StoredCheck | None) -> str | None:
        """Keep a way back for 60 minutes from now; return its id."""
        if back is None:
            return None
        await self._app.checks.put(back.check_id, back)
        return back.check_id


def _told(result: Removal) -> str:
    """Return the result of a removal that is not complete as text, for clients that show only that of an error."""
    undo = [f"undo_check_id: {result.undo_check_id}"] if result.undo_check_id else []
    return "\n".join([result.summary, *undo])


def _result(leave: Leave, *, warnings: Sequence[str] = (), removed: int = 0, **told: Any) -> Removal:  # noqa: ANN401
    """Return what was done, with what is known of the people whom it was about."""
    audience, choice = leave.audience, leave.choice
    active = active_campaigns(audience)
    calls = f"A campaign uses the audience, and may call even those who are removed: {named(active)}."
    return Removal(
        audience_id=audience.audience_id,
        name=audience.name,
        removed=removed,
        member_count=audience.member_count - removed,
        not_found=choice.missing[:_MOST_SHOWN],
        not_found_count=len(choice.missing),
        possible=[
            PossibleMember(
                member_id=member.member_id, phone_number=line(member.data.get(audience.phone_column, ""), 100)
            )
            for member in choice.alike[:_MOST_SHOWN]
        ],
        warnings=[*choice.warnings, *([calls] if active else []), *warnings],
        **told,
    )
