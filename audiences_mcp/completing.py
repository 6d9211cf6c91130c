"""Completion: an audience is named, and its id is what goes into the argument."""

from collections.abc import Callable

import anyio
from mcp.server import MCPServer
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from audiences_mcp.app import App
from audiences_mcp.errors import AudiencesError
from audiences_mcp.prompts import CLEAN
from audiences_mcp.resources import AUDIENCE
from audiences_mcp.text import fold

_MOST = 100  # values; the protocol allows no more
_SECONDS = 5.0  # somebody is typing


def add_completion(server: MCPServer[App], app: Callable[[], App | None]) -> None:
    """Complete the audience ids of the prompts and the resource template.

    Args:
        server: The server.
        app: Gives what the server process holds, once it runs.
    """

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK leaves it so
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _: CompletionContext | None,
    ) -> Completion | None:
        name = ref.name if isinstance(ref, PromptReference) else ref.uri
        held = app()
        if name not in {CLEAN, AUDIENCE} or argument.name != "audience_id" or held is None:
            return None
        ids = await _ids(held, fold(argument.value))
        return Completion(values=ids[:_MOST], total=len(ids), has_more=len(ids) > _MOST)


async def _ids(app: App, wanted: str) -> list[str]:
    """Return the ids of audiences whose name holds a text, or whose id begins with it; none where Atoms fails."""
    with anyio.move_on_after(_SECONDS):
        try:
            audiences = await (await app.client()).list_audiences()
        except AudiencesError:
            return []
        audiences.sort(key=lambda each: each.created_at or "", reverse=True)
        return [
            each.audience_id for each in audiences if wanted in fold(each.name) or each.audience_id.startswith(wanted)
        ]
    return []
