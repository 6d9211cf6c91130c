"""What several tools take: each argument described once, as a model reads it."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import AfterValidator, Field

from audiences_mcp.app import App
from audiences_mcp.models import Contact

MAX_CONTACTS = 1_000

Ctx = Context[App, Any]

Contacts = Annotated[
    list[Contact] | None,
    Field(
        max_length=MAX_CONTACTS,
        description='People typed in chat, as written, e.g. [{"phone_number":"+14155552671","first_name":"Ann"}]',
    ),
]
DefaultRegion = Annotated[
    str | None,
    Field(
        description="ISO country of numbers without a country code, e.g. IN; only as the person says",
    ),
]
CheckId = Annotated[str | None, Field(description="check_id of a check that the person has seen")]
Id = Annotated[str, AfterValidator(str.lower)]  # ids are compared as text
AudienceId = Annotated[Id, Field(description="From list_audiences, e.g. 60d0fe4f5311236168a109ca")]
Page = Annotated[int, Field(ge=1, description="Page from 1; next_page of the last answer")]


def app_of(ctx: Ctx) -> App:
    """Return what the server process holds."""
    return ctx.request_context.lifespan_context
