"""Deleting an audience in two steps, of which the second is taken once, and only as the person was asked."""

from functools import partial
from typing import TYPE_CHECKING

import anyio

from audiences_mcp.app import App
from audiences_mcp.asking import AskPerson, ask_or_spend, leave_for
from audiences_mcp.audiences import blocking_campaigns, find_audience, named, still_exists
from audiences_mcp.audit_log import Outcome, noted_if_cut_short
from audiences_mcp.calls import this_call
from audiences_mcp.errors import AtomsError, InvalidInput, NotFound
from audiences_mcp.models import AudienceInfo, Deletion
from audiences_mcp.state.kept import DeletionToken
from audiences_mcp.text import line, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient


async def ask_to_delete(app: App, audience_id: str) -> Deletion:
    """Delete nothing; return what would be deleted, and leave to do so.

    Raises:
        InvalidInput: A campaign is in the way.
        AtomsError: The audience cannot be found.
    """
    audience = await find_audience(await app.client(), audience_id)
    _refuse_blocked(audience)
    token = app.tokens.new_key()
    await app.tokens.put(token, DeletionToken(audience))
    return _deletion(audience, token=token)


async def delete_confirmed(app: App, audience_id: str, token: str, ask: AskPerson) -> Deletion:
    """Delete the audience that a token was given for; the same token again finds it deleted.

    Raises:
        InvalidInput: The token is unknown, expired or another audience's, the audience has changed, a campaign is in the
            way, or the person says no.
        AtomsError: Atoms failed.
    """
    async with app.lock(f"add {audience_id}"):  # the one of who adds: nobody is to come in unseen, and be deleted
        leave = await leave_for(app.tokens, token, audience_id, "deleted")
        again, warning = leave.done, ""
        if not again:
            await app.audit_log.must_be_writable()
            await _delete(app, leave, token, ask)
            with anyio.CancelScope(shield=True):  # it is done, whatever becomes of the call
                warning = await _note(app, leave.audience, "done")
                await app.tokens.keep(token, leave)
    return _deletion(leave.audience, again=again, warning=warning)


async def _delete(app: App, leave: DeletionToken, token: str, ask: AskPerson) -> None:
    """Delete what the person was asked about, unless it changed since."""
    client, before = await app.client(), leave.audience
    try:
        audience = await find_audience(client, before.audience_id)
    except NotFound:
        if not leave.tried:
            raise
        leave.done = True  # the answer of the first try was lost, and the audience is gone
        return
    await _refuse_changed(app, before, audience, token)
    if await ask_or_spend(app.tokens, token, ask, _question(audience), "deleted"):  # which may have taken minutes
        await _refuse_changed(app, before, await find_audience(client, before.audience_id), token)
    this_call().so_far = lambda: "the outcome of the deletion is unknown; list_audiences shows it"
    was_tried, leave.tried = leave.tried, True
    await app.tokens.save(token, leave)
    async with noted_if_cut_short(partial(_note, app, before, "unknown")):
        try:
            await client.delete_audience(before.audience_id)
        except AtomsError as error:
            if not error.maybe_done:
                leave.tried = was_tried  # what somebody else deletes is not taken for our work
                await app.tokens.save(token, leave)
                raise
            if found := await _found(client, before.audience_id):
                await _note(app, before, "unknown")
                raise AtomsError(
                    f"outcome unknown: {error.cause} {found}; call again with the same confirm_token, which looks again and "
                    "deletes only what is there still.",
                    maybe_done=True,
                ) from None
    leave.done = True


async def _found(client: "AtomsClient", audience_id: str) -> str:
    """Look for an audience whose deletion got no clear answer; return what was found, nothing where it is gone."""
    exists = await still_exists(client, audience_id)
    return {True: "The audience is there still", None: "Looking for the audience failed too", False: ""}[exists]


async def _note(app: App, audience: AudienceInfo, outcome: Outcome) -> str:
    """Put the deletion into the audit log; return what to warn of."""
    counts = {"people": audience.member_count}
    return await app.audit_log.note("delete_audience", outcome, audience.audience_id, counts)


async def _refuse_changed(app: App, before: AudienceInfo, audience: AudienceInfo, token: str) -> None:
    """Refuse to delete what the person was not asked about, or what a campaign uses."""
    if audience.member_count != before.member_count:
        await app.tokens.spend(token)
        raise InvalidInput(
            f"The audience has {several(audience.member_count, 'member')} now and had {before.member_count:,} when the "
            "token was given, so nothing was deleted. Call again without confirm_token and ask the person.",
        )
    _refuse_blocked(audience)


def _question(audience: AudienceInfo) -> str:
    people = several(audience.member_count, "member")
    return f"Delete the audience {line(audience.name)!r} with {people} from Atoms for good? This cannot be undone."


def _refuse_blocked(audience: AudienceInfo) -> None:
    blocking = blocking_campaigns(audience)
    if blocking:
        raise InvalidInput(
            f"The audience cannot be deleted while a campaign uses it: {named(blocking)}; nothing was deleted. Finish or "
            "delete the campaign in Atoms first.",
        )


def _deletion(audience: AudienceInfo, *, token: str | None = None, again: bool = False, warning: str = "") -> Deletion:
    people = several(audience.member_count, "member")
    if token:
        summary = f"Nothing is deleted yet. The audience has {people}; they would be deleted for good."
        next_step = "Ask the person whether to delete it; if so, call again with confirm_token within 5 minutes."
    else:
        summary = f"{'Already deleted before' if again else 'Deleted'}: the audience with {people}."
        next_step = f"Tell the person that it is deleted. {warning}".strip()
    return Deletion(
        summary=summary,
        audience_id=audience.audience_id,
        name=audience.name,
        member_count=audience.member_count,
        campaigns=audience.campaigns,
        deleted=token is None,
        already_done=again,
        confirm_token=token,
        next_step=next_step,
    )
