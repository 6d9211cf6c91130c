"""The tools that read an audience whole: is it ready to dial, and a copy of it as a file."""

from typing import Annotated

from pydantic import Field

from audiences_mcp.auditing import run_audit
from audiences_mcp.calls import long_read, this_call
from audiences_mcp.exporting import run_export
from audiences_mcp.models import Audit, Export
from audiences_mcp.tools.arguments import AudienceId, Ctx, app_of


async def audit_audience(ctx: Ctx, audience_id: AudienceId) -> Audit:
    """Audit a stored audience before a campaign: finds members whose number is invalid, stored twice in two
    spellings, on the do-not-call list or in the suppression file, and blank columns. Changes nothing, calls nobody.
    Returns a check_id for list_check_rows and remove_audience_members. For a new list use check_contacts.
    """
    long_read()
    return await run_audit(app_of(ctx), audience_id, this_call().tell)


async def export_audience(
    ctx: Ctx,
    audience_id: AudienceId,
    file_path: Annotated[str, Field(description="Name or path of the new file, e.g. vip.csv")],
) -> Export:
    """Export all members of an audience with all columns into a new .csv file in an allowed folder. Nothing is
    overwritten; returns the path. Cells that a spreadsheet would run get a leading apostrophe, which check_contacts takes
    off. Atoms is only read. To copy people between audiences use check_contacts with from_audiences.
    """
    long_read()
    return await run_export(app_of(ctx), audience_id, file_path, this_call().tell)
