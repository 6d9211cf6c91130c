"""The resources: the rules of this server, made of its code, and one stored audience."""

from collections.abc import Iterable

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import CallToolResult, TextContent

from audiences_mcp.app import App
from audiences_mcp.contacts.reasons import HINTS, Note, Reason
from audiences_mcp.contacts.sources import SUFFIXES
from audiences_mcp.contacts.tables import MAX_ROWS
from audiences_mcp.definitions import AudienceTool
from audiences_mcp.folders import MAX_BYTES
from audiences_mcp.models import MAX_MEMBERS
from audiences_mcp.removing import REMOVED_UNASKED
from audiences_mcp.state import CHECK_LIFETIME, TOKEN_LIFETIME
from audiences_mcp.tools.arguments import MAX_CONTACTS

RULES = "audiences://rules"
AUDIENCE = "audiences://audience/{audience_id}"

_PHONE_RULES = """\
A number is sent in E.164 and only when a line can have it. Nothing is guessed; what is unsure is refused with the reason.

1. With + it is international, unless the whole list shows that a spreadsheet glued the plus on.
2. With a region (the row's own, else default_region) only the national reading counts, then 00 as +.
3. Without one, bare digits are international only if nothing else can be meant; no region is ever assumed.
4. bare_digits says what digits without + begin with, and settles what is ambiguous.
5. The same number in two spellings is one person, who is called once."""


def add_resources(server: MCPServer[App], tools: Iterable[AudienceTool]) -> None:
    """Add the resources to a server, which has these tools."""
    get_audience = next(tool for tool in tools if tool.name == "get_audience")

    @server.resource(
        RULES,
        name="rules",
        title="Rules for lists and numbers",
        description="Limits, how phone numbers are read, and each reason for leaving a row out with what to do about it.",
        mime_type="text/markdown",
    )
    def rules() -> str:
        return rules_text()

    @server.resource(
        AUDIENCE,
        name="audience",
        title="A stored audience",
        description="Member count, columns, campaigns and room left of one audience: what get_audience answers.",
        mime_type="application/json",
    )
    async def audience(audience_id: str, ctx: Context) -> str:
        try:
            result = await get_audience.run({"audience_id": audience_id}, ctx)
        except ToolError as error:
            raise ResourceError(str(error)) from None
        blocks = result.content if isinstance(result, CallToolResult) else []  # it asks the person nothing
        return "".join(block.text for block in blocks if isinstance(block, TextContent))


def rules_text() -> str:
    """Return the rules as Markdown."""
    limits = (
        f"{MAX_MEMBERS:,} members an audience; longer lists become several audiences",
        f"{MAX_ROWS:,} rows a check, {MAX_CONTACTS:,} contacts typed in chat",
        f"files of at most {MAX_BYTES // 1_000_000} MB that end in {', '.join(SUFFIXES)}",
        f"a check_id is kept for {CHECK_LIFETIME // 60:.0f} minutes and is committed to one target",
        f"a confirm_token is good for {TOKEN_LIFETIME // 60:.0f} minutes; removing more than {REMOVED_UNASKED} needs one",
    )
    parts = [
        "# Rules",
        "## Limits\n" + "\n".join(f"- {limit}" for limit in limits),
        f"## Phone numbers\n{_PHONE_RULES}",
        "## Why a row is left out\nThe first reason that applies is given.\n\n"
        + _rows(("reason", "status", "what to do"), [(each, each.status, HINTS[each]) for each in Reason]),
        "## What is mended, or worth knowing, of a number that is sent\n" + "\n".join(f"- {note}" for note in Note),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
