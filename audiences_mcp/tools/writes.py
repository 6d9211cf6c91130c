"""The tools that change what is stored."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from audiences_mcp.adding import Extension
from audiences_mcp.app import App, DeletionToken, Progress, StoredCheck
from audiences_mcp.audiences import blocking_campaigns, find_audience, named
from audiences_mcp.checking import Request, run_check
from audiences_mcp.creating import Creation
from audiences_mcp.errors import AtomsError, InvalidInput, NotFound
from audiences_mcp.models import (
    Addition,
    AudienceInfo,
    Commit,
    Contact,
    Deletion,
)
from audiences_mcp.text import clean, line, several
from audiences_mcp.tools.arguments import AudienceId, CheckId, Contacts, Ctx, DefaultRegion, app_of, progress_of

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient


_MAX_NAME = 150  # characters: with " (12 of 20)" it is still compared whole


async def create_audience(
    ctx: Ctx,
    name: Annotated[
        str, Field(min_length=1, max_length=_MAX_NAME, description="Name of the new audience, such as May leads")
    ],
    description: Annotated[str, Field(description="What it is for, such as renewals due in May")] = "",
    check_id: CheckId = None,
    contacts: Contacts = None,
    default_region: DefaultRegion = None,
    split: Annotated[
        bool, Field(description="Make several audiences, named name (1 of 3), when more than 10,000 people are ready")
    ] = False,
    allow_same_name: Annotated[
        bool, Field(description="Make it although another audience has this name; ask the person first")
    ] = False,
) -> Commit:
    """Create an audience in Atoms from the ready rows of a check (check_id) or from a few typed contacts. Sent exactly
    once: a repeat with the same check_id and name returns the first result. Calls nobody. Typed contacts with an
    invalid number are refused whole. To extend an existing audience use add_contacts.
    """
    app = app_of(ctx)
    clean_name = line(name, _MAX_NAME)
    if not clean_name:
        raise InvalidInput("name must not be blank: give the audience a name. Nothing was sent.")
    progress = progress_of(ctx)
    stored = await _stored_check(app, check_id, contacts, default_region, progress)
    creation = Creation(app, stored, progress)
    if check_id is None:
        creation.show_check()
    return await creation.create(clean_name, clean(description), split=split, allow_same_name=allow_same_name)


async def add_contacts(
    ctx: Ctx,
    audience_id: AudienceId,
    check_id: CheckId = None,
    contacts: Contacts = None,
    default_region: DefaultRegion = None,
    allow_active_campaign: Annotated[
        bool, Field(description="Add although a campaign that runs may call them at once; ask the person first")
    ] = False,
) -> Addition:
    """Add people to an existing audience from a check (check_id) or a few typed contacts. People who are in it already,
    in any spelling of their number, are skipped, so repeating is safe. Columns it lacks are refused with a ready
    mapping. An active campaign may call them. For a new audience use create_audience.
    """
    app = app_of(ctx)
    audience = await find_audience(await app.client(), audience_id)
    progress = progress_of(ctx)
    stored = await _stored_check(app, check_id, contacts, default_region, progress)
    extension = Extension(app, stored, progress, audience)
    if check_id is None:
        extension.show_check()
    return await extension.add(allow_active_campaign=allow_active_campaign)


async def _stored_check(
    app: App, check_id: str | None, contacts: list[Contact] | None, default_region: str | None, progress: Progress
) -> StoredCheck:
    if (check_id is None) == (contacts is None):
        raise InvalidInput("Give either check_id, from check_contacts, or contacts, for a few people; not both.")
    if check_id is not None:
        stored = app.checks.get(check_id)
        if stored.audited:
            raise InvalidInput(
                "This check_id is of an audit, whose people are in their audience already, so nothing was sent. To copy them "
                "call check_contacts with from_audiences and use its check_id."
            )
        return stored
    return await run_check(app, Request(contacts=contacts, default_region=default_region), progress)


async def delete_audience(
    ctx: Ctx,
    audience_id: AudienceId,
    confirm_token: Annotated[
        str | None, Field(description="Token of the first call, once the person has agreed")
    ] = None,
) -> Deletion:
    """Delete an audience and all its members for good, in two steps. Without confirm_token nothing is deleted: the
    answer names the audience, its member count and its campaigns, for the person to decide; with the token it is
    deleted. Refused while an unfinished campaign uses it. To see it first use get_audience.
    """
    app = app_of(ctx)
    client = await app.client()
    if confirm_token is None:
        audience = await find_audience(client, audience_id)
        _refuse_blocked(audience)
        token = app.tokens.new_key()
        app.tokens.put(token, DeletionToken(audience))
        return _deletion(audience, token=token)
    leave = app.tokens.get(confirm_token)
    if leave.audience.audience_id != audience_id:
        raise InvalidInput(
            "This confirm_token was given for another audience, so nothing was deleted. Call without it."
        )
    async with app.lock(f"delete {audience_id}"):
        again = leave.done
        if not again:
            await _delete_confirmed(client, leave)
    return _deletion(leave.audience, again=again)


async def _delete_confirmed(client: "AtomsClient", leave: DeletionToken) -> None:
    """Delete what the person was asked about, unless it changed since."""
    before = leave.audience
    try:
        audience = await find_audience(client, before.audience_id)
    except NotFound:
        if not leave.tried:
            raise
        leave.done = True  # the answer of the first try was lost, and the audience is gone
        return
    if audience.member_count != before.member_count:
        raise InvalidInput(
            f"The audience has {several(audience.member_count, 'member')} now and had {before.member_count:,} when the "
            "token was given, so nothing was deleted. Call again without confirm_token and ask the person.",
        )
    _refuse_blocked(audience)
    leave.tried = True
    try:
        await client.delete_audience(before.audience_id)
    except AtomsError as error:
        if not error.maybe_done or await _may_exist(client, before.audience_id):
            raise
    leave.done = True


async def _may_exist(client: "AtomsClient", audience_id: str) -> bool:
    """Tell whether an audience exists still, or cannot be looked for."""
    try:
        return any(audience.audience_id == audience_id for audience in await client.list_audiences())
    except AtomsError:
        return True


def _refuse_blocked(audience: AudienceInfo) -> None:
    blocking = blocking_campaigns(audience)
    if blocking:
        raise InvalidInput(
            f"The audience cannot be deleted while {named(blocking)} uses it; nothing was deleted. Finish or delete the "
            "campaign in Atoms first.",
        )


def _deletion(audience: AudienceInfo, *, token: str | None = None, again: bool = False) -> Deletion:
    people = several(audience.member_count, "member")
    if token:
        summary = f"Nothing is deleted yet. The audience has {people}; they would be deleted for good."
        next_step = "Ask the person whether to delete it; if so, call again with confirm_token within 5 minutes."
    else:
        summary = f"{'Already deleted before' if again else 'Deleted'}: the audience with {people}."
        next_step = "Tell the person that it is deleted."
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
