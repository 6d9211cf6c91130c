"""How a function becomes a tool: a tidy closed schema, plain words for wrong arguments, one boundary for errors.

The SDK's own schemas carry titles, nulls and references that some clients refuse, ignore unknown arguments, and repeat
values (phone numbers) in error messages. `AudienceTool` mends these for every tool in one place.
"""

import difflib
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError

from audiences_mcp.app import App
from audiences_mcp.asking import Question
from audiences_mcp.calls import Call, limited
from audiences_mcp.errors import AudiencesError, Refused
from audiences_mcp.logs import place_of
from audiences_mcp.text import clip, line

_log = logging.getLogger(__name__)

Schema = dict[str, Any]

MAX_ANSWER = 20_000
"""Characters of an answer."""

_MAX_TEXT = 1_000
"""Characters of a text argument whose schema gives no limit of its own."""

_MAX_ITEMS = 1_000
"""Items of a list or an object in an argument whose schema gives no limit of its own."""

_MAX_JSON = 1_000_000
"""Characters of a list or an object, written as JSON."""

_MAX_FAULTS = 10
_CUTS = (40, 25, 15, 10, 5, 2)
"""How many items the lists of an answer that is too long are cut to, one after the other until it is short enough."""

# What pydantic says, in the words of this project; `{}` is the limit or the choice.
_SENTENCES = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "extra_forbidden": "is not known",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than_equal": "must be at most {le:,}",
    "too_long": "must have at most {max_length:,} items",
    "too_short": "must have at least {min_length:,} item",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_too_short": "must not be empty",
}


class AudienceTool(Tool):
    """A tool of this server."""

    @classmethod
    def of(
        cls,
        function: Callable[..., Awaitable[BaseModel]],
        title: str,
        annotations: ToolAnnotations,
        hidden: Collection[str] = (),
        page: str | None = None,
    ) -> "AudienceTool":
        """Return a function as a tool: its name, its docstring and its parameters are the definition.

        Args:
            function: What it does.
            title: Its name for people.
            annotations: Its hints.
            hidden: Names of tools that do not exist here; sentences that name one are left out.
            page: Where the page is that a chat may show its answer as.
        """
        sentences = re.split(r"(?<=\.)\s+", " ".join((inspect.getdoc(function) or "").split()))
        tool = cls.from_function(
            function,
            title=title,
            description=" ".join(each for each in sentences if not any(name in each for name in hidden)),
            annotations=annotations,
            structured_output=True,
            meta={"ui": {"resourceUri": page}} if page else None,
        )
        tool.parameters = input_schema(tool.parameters)
        tool.fn_metadata.output_schema = output_schema(tool.fn_metadata.output_schema or {})
        return tool  # type: ignore[return-value] # from_function is typed for its base class and builds cls

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> CallToolResult | InputRequiredResult:
        """Call the tool; whatever goes wrong becomes a message that says what to do, and nothing else leaks out."""
        _ = convert_result
        app: App = context.request_context.lifespan_context
        try:
            return await self._answer_in_time(arguments, context, app)
        except ToolError as error:
            message = str(error)
        # Outside of the handler, or the error that it came from would hang on it, with all that it holds.
        raise ToolError(app.shown(message))

    async def _answer_in_time(
        self, arguments: dict[str, Any], context: Context[Any, Any], app: App
    ) -> CallToolResult | InputRequiredResult:
        async def report(done: float, total: float | None, text: str | None) -> None:
            await context.report_progress(done, total, app.shown(text))

        values = self._checked(arguments)
        call = Call(self.name, report)
        with limited(call):
            return await self._answered(values, context, app)
        raise ToolError(
            f"{self.name} was stopped because {call.waits_because}: {call.so_far()}. Call again with the same arguments: "
            "what was done already is found and not done again.",
        )

    async def _answered(
        self, values: dict[str, Any], context: Context[Any, Any], app: App
    ) -> CallToolResult | InputRequiredResult:
        try:
            result = await self.fn(**values, **({self.context_kwarg: context} if self.context_kwarg else {}))
        except Question as question:
            return question.result
        except Refused as error:
            refused = app.shown(error.result)
            return _answer(_shortened(refused), text=error.told(refused))
        except AudiencesError as error:
            raise ToolError(clip(str(error), MAX_ANSWER)) from None
        except Exception as error:  # noqa: BLE001 - the boundary: an unforeseen error's text may hold phone numbers
            place = place_of(error)
            _log.error("%s failed: %s", self.name, place)
            raise ToolError(
                f"audiences-mcp failed inside {self.name} ({place}). The outcome is unknown: "
                "look with list_audiences before trying again.",
            ) from None
        return _answer(_shortened(app.shown(result)))

    def _checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        properties: Schema = self.parameters["properties"]
        given = {name: _parsed(value, properties.get(name, {})) for name, value in arguments.items()}
        faults = [_unknown(name, properties) for name in given if name not in properties]
        faults += [
            fault for name, value in given.items() if (fault := _too_much(name, value, properties.get(name, {})))
        ]
        known = {name: value for name, value in given.items() if name in properties}
        try:
            model = self.fn_metadata.arg_model.model_validate(known)
        except ValidationError as error:
            faults = [_sentence(fault) for fault in error.errors(include_input=False, include_url=False)] + faults
        if faults:
            told = list(dict.fromkeys(faults))
            more = [f"and {len(told) - _MAX_FAULTS} more"] if len(told) > _MAX_FAULTS else []
            raise ToolError(f"Invalid arguments for {self.name}: {'; '.join(told[:_MAX_FAULTS] + more)}")
        return model.model_dump_one_level()


# --- answers -------------------------------------------------------------------------------------------------------


def to_json(values: Any) -> str:  # noqa: ANN401 - any part of an answer
    """Return values as the compact JSON that the model reads."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _answer(values: dict[str, Any], *, text: str | None = None) -> CallToolResult:
    """Return an answer that says the same in text and in structure, or, with a text of its own, an error."""
    return CallToolResult(
        content=[TextContent(type="text", text=to_json(values) if text is None else text)],
        structured_content=values,
        is_error=text is not None,
    )


def _shortened(result: BaseModel) -> dict[str, Any]:
    """Return a result as plain values; what would flood the conversation is cut, and the summary says what was cut."""
    values = answer = _dump(result)
    cuts = list(_CUTS)
    while cuts and len(to_json(answer)) > MAX_ANSWER:
        most, lengths = cuts.pop(0), dict[str, int]()
        answer = _cut(values, most, lengths)
        cut = ", ".join(f"{most} of {length:,} {name}" for name, length in lengths.items())
        answer["summary"] = f"{values['summary']} Too long to show whole; shown are {cut}."
    return answer


def _cut(node: Any, most: int, lengths: dict[str, int], name: str = "") -> Any:  # noqa: ANN401 - any part of an answer
    """Return a part of an answer with its lists, and the fields of each person, cut; note how long they were."""
    if isinstance(node, list) or name == "fields":
        if len(node) > most:
            lengths[name] = max(len(node), lengths.get(name, 0))
        node = node[:most] if isinstance(node, list) else dict(list(node.items())[:most])
    if isinstance(node, list):
        return [_cut(item, most, lengths) for item in node]
    if isinstance(node, dict):
        return {key: _cut(item, most, lengths, key) for key, item in node.items()}
    return node


def _dump(result: BaseModel) -> dict[str, Any]:
    """Return a result as plain values without nulls, what a person reads first in front and what to do next at the end."""
    values = result.model_dump(mode="json", exclude_none=True)
    order = sorted(values, key=lambda name: {"summary": 0, "next_step": 2}.get(name, 1))
    return {name: values[name] for name in order}


# --- arguments -----------------------------------------------------------------------------------------------------


def _parsed(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - whatever a client sent
    """Read JSON text where a list or an object is wanted: several clients send arrays and objects as text."""
    if not isinstance(value, str) or schema.get("type") not in {"array", "object"}:
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, list | dict) else value


def _too_much(name: str, value: Any, schema: Schema) -> str:  # noqa: ANN401 - whatever a client sent
    """Say what is too long of an argument; empty when nothing is, or its own schema has a limit, which is looked at later."""
    if isinstance(value, str):
        return (
            f"{name} must have at most {_MAX_TEXT:,} characters"
            if len(value) > _MAX_TEXT and "maxLength" not in schema
            else ""
        )
    if not isinstance(value, list | dict):
        return ""
    if len(value) > _MAX_ITEMS and "maxItems" not in schema:
        return f"{name} must have at most {_MAX_ITEMS:,} items"
    return (
        f"{name} must be shorter: it has more than {_MAX_JSON:,} characters" if len(to_json(value)) > _MAX_JSON else ""
    )


def _unknown(name: str, properties: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, properties, n=1)
    return f"unknown argument {line(name, 60)!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _sentence(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    place = fault["loc"]
    name = str(place[0]) if place else "arguments"
    for part in place[1:]:
        name += f" item {part + 1}" if isinstance(part, int) else f" {line(part, 60)}"
    sentence = _SENTENCES.get(fault["type"], "cannot be used as given")
    return f"{name} {sentence.format(**fault.get('ctx', {}))}"


# --- schemas -------------------------------------------------------------------------------------------------------


def input_schema(schema: Schema) -> Schema:
    """Return an argument schema flat and closed: no titles, nulls or references."""
    flat: Schema = _tidy(schema, schema.get("$defs", {}))
    return {"required": [], **flat, "additionalProperties": False}  # said also where nothing is


def output_schema(schema: Schema) -> Schema:
    """Return a result schema without references; what may be left out is not required."""
    flat: Schema = _tidy(schema, schema.get("$defs", {}))
    slim: Schema = _slim(flat)
    return {**slim, "required": schema["required"]}


def _tidy(node: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(node, list):
        return [_tidy(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        own = {key: value for key, value in node.items() if key != "$ref"}
        return _tidy({**definitions[node["$ref"].rpartition("/")[2]], **own}, definitions)
    choices = [choice for choice in node.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        node = {**choices[0], **{key: value for key, value in node.items() if key != "anyOf"}}
        return _tidy(node, definitions)
    return {
        key: {name: _tidy(item, definitions) for name, item in value.items()}
        if key == "properties"
        else _tidy(value, definitions)
        for key, value in node.items()
        if key not in {"title", "$defs"}
        and not (key == "description" and "properties" in node)  # the docstring of a class, for readers of the code
        and not (key == "default" and value in (None, "", {}, []))
        and not (key == "additionalProperties" and value is True)  # which is what its absence means
    }


def _slim(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Leave out what a client can do without.

    Docstrings of result classes, which inner fields are always there, that the values of a person's own fields are text.
    """
    if isinstance(node, dict):
        return {
            key: {name: _slim(item) for name, item in value.items()} if key == "properties" else _slim(value)
            for key, value in node.items()
            if key not in {"additionalProperties", "description", "required"}
        }
    return node
