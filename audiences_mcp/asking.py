"""Asking the person: with a token that the model brings back, and past it where the client can, in both revisions."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import anyio
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from audiences_mcp.calls import CALL_SECONDS, this_call
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import AudienceInfo
from audiences_mcp.state.shelf import Shelf

AskPerson = Callable[[str], Awaitable[bool | None]]
"""Asks the person past the model whether they agree; None where the client cannot."""

PATIENCE_SECONDS = 5 * 60.0
"""How long an answer is waited for."""

_NOTHING_TO_FILL_IN: dict[str, Any] = {"type": "object", "properties": {}}
_ANSWER = "answer"
_WITHOUT_REQUESTS_TO_CLIENTS = "2026-07-28"  # a call ends with its question instead


class Leave(Protocol):
    """What a token stands for: leave to change one audience."""

    audience: AudienceInfo


AnyLeave = TypeVar("AnyLeave", bound=Leave)


async def leave_for(shelf: Shelf[AnyLeave], token: str, audience_id: str, done: str) -> AnyLeave:
    """Return the leave that a token stands for.

    Args:
        shelf: Where it is kept.
        token: The token that the first call gave.
        audience_id: The audience that this call is about.
        done: What is done with leave, such as `deleted`.

    Raises:
        InvalidInput: The token is unknown, expired or another audience's.
    """
    leave = await shelf.get(token)
    if leave.audience.audience_id != audience_id:
        raise InvalidInput(
            f"This confirm_token was given for another audience, so nothing was {done}. Call without it."
        )
    return leave


async def ask_or_spend(shelf: Shelf[AnyLeave], token: str, ask: AskPerson, question: str, done: str) -> bool:
    """Ask the person directly, where their client can; return whether they were asked.

    Raises:
        InvalidInput: They say no, and the token is good no longer.
    """
    agreed = await ask(question)
    if agreed is False:
        await shelf.spend(token)
        raise InvalidInput(
            f"The person declined when their client asked them, so nothing was {done}. Leave the audience as it is unless "
            "they bring it up again.",
        )
    return agreed is not None


class Question(Exception):
    """The call ends with a question and is made again with the answer, as revision 2026-07-28 has it.

    Args:
        result: What is sent to the client.
    """

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("a question to the person")
        self.result = result


async def agreed(ctx: Context[Any, Any], question: str) -> bool | None:
    """Return whether the person agrees; None where the client cannot ask anybody.

    Raises:
        Question: The boundary has to send it.
        InvalidInput: Nobody has answered in time.
    """
    if not _can_ask(ctx):
        return None
    if ctx.protocol_version is None or ctx.protocol_version < _WITHOUT_REQUESTS_TO_CLIENTS:
        return await _ask_now(ctx, question)
    answer = (ctx.input_responses or {}).get(_ANSWER)
    if isinstance(answer, ElicitResult) and ctx.request_state == question:  # no answer to another question
        return answer.action == "accept"
    request = ElicitRequest(params=ElicitRequestFormParams(message=question, requested_schema=_NOTHING_TO_FILL_IN))
    raise Question(InputRequiredResult(input_requests={_ANSWER: request}, request_state=question))


def _can_ask(ctx: Context[Any, Any]) -> bool:
    elicitation = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


async def _ask_now(ctx: Context[Any, Any], question: str) -> bool:
    call = this_call()
    call.time_limit.deadline = anyio.current_time() + PATIENCE_SECONDS + CALL_SECONDS
    with anyio.move_on_after(PATIENCE_SECONDS):
        try:
            answer = await ctx.request_context.session.elicit_form(
                question, _NOTHING_TO_FILL_IN, related_request_id=ctx.request_id
            )
        except MCPError:
            raise InvalidInput(
                "The person's client could not ask them, so nothing was changed. Call again later."
            ) from None
        call.time_limit.deadline = anyio.current_time() + CALL_SECONDS
        return answer.action == "accept"
    raise InvalidInput("The person has not answered, so nothing was changed. Call again when they are there.")
