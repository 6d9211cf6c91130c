"""The tools that change what is stored."""

from functools import partial
from typing import Annotated

from pydantic import Field

from audiences_mcp.adding import Extension
from audiences_mcp.app import App
from audiences_mcp.asking import agreed
from audiences_mcp.audiences import find_audience
from audiences_mcp.calls import Progress, this_call
from audiences_mcp.checking import Request, run_check
from audiences_mcp.creating import Creation
from audiences_mcp.deleting import ask_to_delete, delete_confirmed
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import Addition, Commit, Contact, Deletion
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import clean, line
from audiences_mcp.tools.arguments import AudienceId, CheckId, Contacts, Ctx, DefaultRegion, app_of

_MAX_NAME = 150  # characters: with " (12 of 20)" it is still compared whole


async def create_audience(
    ctx: Ctx,
    name: Annotated[
        str, Field(min_length=1, max_length=_MAX_NAME, description="Name of the new audience, e.g. May leads")
    ],
    description: Annotated[str, Field(description="What it is for, e.g. renewals due in May")] = "",
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
    """Create an audience in Atoms from the ready rows of a check (check_id) or from a few typed contacts. Sent
    exactly once: a repeat with the same check_id and name returns the first result. Calls nobody. Typed contacts
    with an invalid number are refused whole. To extend an existing audience use add_contacts.
    """
    app = app_of(ctx)
    clean_name = line(name, _MAX_NAME)
    if not clean_name:
        raise InvalidInput("name must not be blank: give the audience a name. Nothing was sent.")
    progress = this_call().tell
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
    """Add people to an existing audience from a check (check_id) or a few typed contacts. People who are in it
    already, in any spelling, are skipped, so repeating is safe. Returns the new count. Columns it lacks are refused
    with a ready mapping. An active campaign may call them. For a new audience use create_audience.
    """
    app = app_of(ctx)
    audience = await find_audience(await app.client(), audience_id)
    progress = this_call().tell
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
        stored = await app.checks.get(check_id)
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
    """Delete an audience and all its members for good, in two steps. Without confirm_token nothing is deleted: it
    returns the audience's name, member count and campaigns, for the person to decide; with the token it is deleted.
    Refused while an unfinished campaign uses it. To see it first use get_audience.
    """
    app = app_of(ctx)
    if confirm_token is None:
        return await ask_to_delete(app, audience_id)
    return await delete_confirmed(app, audience_id, confirm_token, partial(agreed, ctx))
