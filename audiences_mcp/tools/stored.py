"""The tools that read an audience whole: is it ready to dial, and a copy of it as a file."""

from audiences_mcp.auditing import run_audit
from audiences_mcp.models import Audit
from audiences_mcp.tools.arguments import AudienceId, Ctx, app_of, progress_of


async def audit_audience(ctx: Ctx, audience_id: AudienceId) -> Audit:
    """Audit a stored audience before a campaign: finds members whose number is invalid, stored twice in two spellings,
    on the do-not-call list or in the suppression file, and blank columns. Changes nothing, calls nobody. Its check_id
    serves list_check_rows and remove_audience_members. For a new list use check_contacts.
    """
    return await run_audit(app_of(ctx), audience_id, progress_of(ctx))
