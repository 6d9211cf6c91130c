"""The tool that takes people out of an audience."""

from functools import partial
from typing import Annotated

from pydantic import Field

from audiences_mcp.asking import agreed
from audiences_mcp.calls import this_call
from audiences_mcp.checking import default_region_of
from audiences_mcp.choosing import Order
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import Removal, Text
from audiences_mcp.removing import Confirmation, remove_members
from audiences_mcp.tools.arguments import AudienceId, Ctx, Id, app_of


async def remove_audience_members(
    ctx: Ctx,
    audience_id: AudienceId,
    member_ids: Annotated[
        list[Id] | None, Field(max_length=1_000, description='Their ids, e.g. ["60d0fe4f5311236168a109cb"]')
    ] = None,
    phone_numbers: Annotated[
        list[Text] | None,
        Field(max_length=1_000, description='Their numbers, or exactly as stored, e.g. ["+14155552671"]'),
    ] = None,
    check_id: Annotated[
        str | None,
        Field(
            description="Everyone whose number this check read, ready or not; a check of audit_audience needs reasons too"
        ),
    ] = None,
    reasons: Annotated[
        list[str] | None, Field(description='Of the check only rows with these, e.g. ["do_not_call"]')
    ] = None,
    confirm_token: Annotated[
        str | None, Field(description="Token of the first call, once the person has agreed")
    ] = None,
    allow_empty: Annotated[
        bool,
        Field(description="Also remove the last members; Atoms may then delete the audience, so ask the person first"),
    ] = False,
) -> Removal:
    """Remove people from one audience by member ids, numbers in any spelling, or rows of a check. Over 100 are
    confirmed first. Repeating is safe; returns an undo_check_id with which add_contacts brings them back. Members
    cannot be edited: to change a number add the new one, then remove the old. To delete everything use
    delete_audience.
    """
    app = app_of(ctx)
    ways = {"member_ids": member_ids, "phone_numbers": phone_numbers, "check_id": check_id}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        both = f"; you gave {' and '.join(given)}" if given else ""
        raise InvalidInput(f"Give exactly one of {', '.join(ways)}{both}. Nothing was removed.")
    if reasons is not None and check_id is None:
        raise InvalidInput("reasons chooses among the rows of a check, so it goes with check_id. Nothing was removed.")
    order = Order(
        member_ids=member_ids,
        phone_numbers=phone_numbers,
        check=await app.checks.get(check_id) if check_id is not None else None,
        reasons=reasons or (),
        region=default_region_of(app).region if phone_numbers is not None else None,
    )
    confirmed = Confirmation(confirm_token, partial(agreed, ctx))
    return await remove_members(app, audience_id, order, confirmed, this_call().tell, allow_empty=allow_empty)
