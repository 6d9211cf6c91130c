"""Arguments as no client should send them, for each tool by its own schema, and the law: a clean answer or a clean error."""

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import strategies as st
from mcp import Client

from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.config import Settings
from audiences_mcp.contacts.sources import File
from audiences_mcp.server import build_server
from audiences_mcp.tools import build_tools
from tests.conftest import Organisation
from tests.fuzzing import files
from tests.tools.conftest import LookedAtAgent

Call = tuple[str, dict[str, Any]]

_PHONES = st.sampled_from(["+14155552671", "(415) 555-2672", "98765 43210", "4792345678", "1E+11", "", "+1", "911"])
_FILE = "fuzzed"
_PLACEHOLDERS = ("@audience_id", "@check_id", "@confirm_token", f"@{_FILE}")
_SOURCES = ("contacts", "csv_text", "file_path", "from_audiences")
_ONE = {"phone_number": "+14155552671"}
_HUGE: list[Any] = [
    "x" * 1_001,
    "é" * 1_000_001,
    "phone\n" + "+14155552671\n" * 70_000,
    '"' * 999,
    "[" * 50_000,
    -(10**30),
    [_ONE] * 1_001,
    ["x"] * 20_000,
    {str(place): "x" for place in range(5_000)},
    [{**_ONE, "variables": {f"v{place}": "x" * 900 for place in range(60)}}],
]


def _nested(depth: int) -> Any:
    value: Any = "x"
    for place in range(depth):
        value = [value] if place % 2 else {"phone_number": value}
    return value


_text = st.text(max_size=12) | st.sampled_from(files.tokens("argument")) | _PHONES | st.sampled_from(_PLACEHOLDERS)
_csv = st.lists(st.lists(_PHONES | st.text(max_size=6), min_size=1, max_size=3), max_size=6).map(
    lambda rows: "\n".join(["phone,name", *(",".join(row) for row in rows)])
)
_names = st.sampled_from(["phone", "name", "US", "May"])
_key = _names | _text.filter(lambda text: "\ud800" not in text)  # which no client could send
_leaves = st.none() | st.booleans() | st.integers() | st.floats() | _text
anything = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_key, inner, max_size=4), max_leaves=8
) | st.sampled_from([*_HUGE, _nested(60), _nested(120)])


_USUAL = {
    "csv_text": _csv,
    "phone_number": _PHONES,
    "file_path": st.just(f"@{_FILE}"),
    "audiences": st.just("@audience_id"),
}


def fitting(schema: Mapping[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Return values that a schema allows, most of them usual ones for an argument of the name."""
    kinds: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: _fitting_text(name, schema.get("maxLength", 40)),
        "integer": lambda: st.integers(schema.get("minimum", 0), schema.get("maximum", 10**9)),
        "boolean": st.booleans,
        "array": lambda: st.lists(fitting(schema.get("items", {}), name.rpartition("_")[2]), max_size=3),
        "object": lambda: _object(schema) if "properties" in schema else st.dictionaries(_key, _text, max_size=3),
    }
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return kinds[schema["type"]]() if "type" in schema else anything


def _fitting_text(name: str, longest: int) -> st.SearchStrategy[str]:
    usual = st.just(f"@{name}") if f"@{name}" in _PLACEHOLDERS else _USUAL.get(name, _names)
    return st.one_of(usual, usual, usual, usual, st.text(max_size=min(longest, 150)))


def _object(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = schema.get("required", [])
    values = {name: fitting(each, name) for name, each in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: value for name, value in values.items() if name in required},
        optional={name: value for name, value in values.items() if name not in required},
    )


@st.composite
def _call(draw: st.DrawFn, tool: str, schema: Mapping[str, Any]) -> Call:
    """Draw arguments that fit, with some replaced, left out, given as JSON text or under a name that is not known."""
    arguments = draw(_object(schema))
    if tool == "check_contacts":  # which takes one source of four
        source = draw(st.sampled_from(_SOURCES))
        arguments = {name: value for name, value in arguments.items() if name not in _SOURCES}
        arguments[source] = draw(fitting(schema["properties"][source], source))
    names = st.sampled_from([*schema["properties"], *arguments])
    for _ in range(draw(st.integers(0, 2))):
        name = draw(names)
        match draw(st.sampled_from(["anything", "anything", "null", "absent", "text", "unknown"])):
            case "anything":
                arguments[name] = draw(anything)
            case "null":
                arguments[name] = None
            case "absent":
                arguments.pop(name, None)
            case "text":
                arguments[name] = json.dumps(arguments.get(name))
            case _:
                arguments[draw(_key | st.just(name[:-1]))] = draw(anything)
    return tool, arguments


_calls = st.one_of([_call(tool.name, tool.parameters) for tool in build_tools(read_only=False)])
calls = st.tuples(_calls, files.texts | files.workbooks())
"""A tool with its arguments, and what a file holds that they may name."""


@dataclass(frozen=True)
class Session:
    """One connection with what a caller has learned over it, so that some ids are good ones.

    Args:
        portal: Where the connection is.
        agent: The connection.
        organisation: The same data, seen by another client.
        folder: Where lists may be read from.
        known: The newest id of each kind.
    """

    portal: BlockingPortal
    agent: LookedAtAgent
    organisation: Organisation
    folder: Path
    known: dict[str, str] = field(default_factory=dict)

    def law_of_calls(self, case: tuple[Call, File]) -> None:
        """Every answer is clean, is what its schema says, and leaves the connection working."""
        (tool, arguments), file = case
        self.known[_FILE] = f"{_FILE}{file.suffix}"
        (self.folder / self.known[_FILE]).write_bytes(file.content)

        answer = self.portal.call(partial(self.agent, tool, **self._filled(arguments)))

        for inside in ("failed inside", "was stopped because", "Errno", "NoneType", "object at 0x"):
            assert inside not in answer.text, answer.text
        assert answer.text.encode(), "lone surrogates cannot be sent"
        assert self.portal.call(partial(self.agent, "list_audiences", page_size=1)).data["summary"]
        self._learn(answer.data)

    def _learn(self, data: Mapping[str, Any]) -> None:
        """Keep the newest ids; and few audiences, since each call reads the list of all."""
        listed = [found for found in data.get("audiences", []) if isinstance(found, dict)]
        for name, value in [pair for found in (*listed[:1], data) for pair in found.items()]:
            if f"@{name}" in _PLACEHOLDERS and value:
                self.known[name] = value
        for audience in self.organisation.audiences()[20:] if "already_done" in data else []:
            self.organisation.request("DELETE", f"audience/{audience['_id']}")

    def _filled(self, value: Any) -> Any:
        """Return arguments with what was learned in the place of its name."""
        match value:
            case dict():
                return {self._filled(key): self._filled(item) for key, item in value.items()}
            case list():
                return [self._filled(item) for item in value]
            case str() if value in _PLACEHOLDERS:
                return self.known.get(value[1:], "a" * 24)
            case _:
                return value


@contextmanager
def session() -> Iterator[Session]:
    """Connect to a new server that has a sandbox of its own."""
    with TemporaryDirectory() as folder, serve() as url, start_blocking_portal() as portal:
        os.environ["XDG_STATE_HOME"] = folder  # what the server notes of its own is of this run alone
        organisation = Organisation(url, f"sk_{uuid4().hex}")
        settings = Settings(api_key=organisation.key, api_url=url, folders=(Path(folder),))
        with portal.wrap_async_context_manager(_connected(settings)) as agent:
            yield Session(portal, agent, organisation, Path(folder))


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[LookedAtAgent]:
    async with Client(build_server(settings)) as client:
        agent = LookedAtAgent(client)
        agent.schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        yield agent
