"""Asking the person directly, past the model, where the client can: the same in both revisions of the protocol."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from audiences_mcp.calls import CALL_SECONDS, this_call
from audiences_mcp.errors import InvalidInput

AskPerson = Callable[[str], Awaitable[bool | None]]
"""Asks the person past the model whether they agree; None where the client cannot."""

PATIENCE_SECONDS = 5 * 60.0
"""How long an answer is waited for."""

_NOTHING_TO_FILL_IN: dict[str, Any] = {"type": "object", "properties": {}}
_ANSWER = "answer"
_WITHOUT_REQUESTS_TO_CLIENTS = "2026-07-28"  # a call ends with its question instead


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
