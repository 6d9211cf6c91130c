"""The report as a page in the chat (MCP Apps): which tools show it, and to which clients that is told."""

from typing import Any

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, Apps, ResourceCsp
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from audiences_mcp.page import PAGE, chat_page


def page_extension(*, read_only: bool) -> Apps:
    """Return the extension that serves the page, which may load nothing from anywhere."""
    apps = Apps()
    apps.add_html_resource(
        PAGE,
        chat_page(read_only=read_only),
        name="report",
        title="Report of a contact list",
        description="Who of a list will be called and who not, and why, to look at before anybody is.",
        csp=ResourceCsp(connect_domains=[], resource_domains=[], frame_domains=[], base_uri_domains=[]),
        prefers_border=True,
    )
    return apps


async def hide_page(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Say nothing of the page to a client that cannot show it, so that it gets what it would get without."""
    result = await call_next(ctx)
    if isinstance(result, dict) and _cannot_show(ctx):  # the chain has made it what goes over the wire
        if ctx.method == "tools/list":
            return {**result, "tools": [_without_page(tool) for tool in result["tools"]]}
        if ctx.method == "resources/list":
            return {**result, "resources": [each for each in result["resources"] if each["uri"] != PAGE]}
    return result


def _without_page(tool: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tool.items() if key != "_meta"}


def _cannot_show(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Tell whether a client surely shows no pages; over stateless HTTP an older one never says what it can."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None:
        return False
    settings = (capabilities.extensions or {}).get(EXTENSION_ID) or {}
    return APP_MIME_TYPE not in (settings.get("mimeTypes") or ())
