"""What several tools take: each argument described once, as a model reads it."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from audiences_mcp.app import App, Progress
from audiences_mcp.models import Contact

MAX_CONTACTS = 1_000

Ctx = Context[App, Any]

Contacts = Annotated[
    list[Contact] | None,
    Field(
        max_length=MAX_CONTACTS,
        description='People typed in chat, as written: [{"phone_number":"+14155552671","first_name":"Ann"}]',
    ),
]
DefaultRegion = Annotated[
    str | None,
    Field(
        description="ISO country of numbers without a country code, such as IN; only as the person says",
    ),
]
CheckId = Annotated[str | None, Field(description="check_id of a check that the person has seen")]
AudienceId = Annotated[
    str,
    Field(description="24 hex digits from list_audiences, such as 60d0fe4f5311236168a109ca"),
]
Page = Annotated[int, Field(ge=1, description="Page from 1; next_page of the last answer")]


def progress_of(ctx: Ctx) -> Progress:
    """Return where a call tells how far it is; only what is further than before is told, as the protocol wants it.

    What it tells is read by a model, so nothing else in this package reports progress.
    """
    furthest = -1.0

    async def tell(done: float, total: float | None, text: str | None) -> None:
        nonlocal furthest
        if done > furthest:
            furthest = done
            await ctx.report_progress(done, total, app_of(ctx).shown(text))

    return tell


def app_of(ctx: Ctx) -> App:
    """Return what the server process holds."""
    return ctx.request_context.lifespan_context
