"""The report's page: told to clients that show pages, and to nobody else; what it may do, said beside it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import TextResourceContents

from audiences_mcp.config import Settings
from audiences_mcp.page import PAGE
from audiences_mcp.server import build_server
from tests.processes import Server

pytestmark = pytest.mark.anyio

SHOWN = ["check_contacts", "create_audience", "add_contacts", "audit_audience"]
ABLE = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
UNABLE = advertise(EXTENSION_ID, {"mimeTypes": ["text/html+other"]})


@asynccontextmanager
async def _client(mode: Any, settings: Settings, *extensions: Any) -> AsyncIterator[Client]:
    async with Client(build_server(settings), mode=mode, extensions=extensions) as client:
        yield client


async def _tools(client: Client) -> list[dict[str, Any]]:
    return [tool.model_dump(by_alias=True, exclude_none=True) for tool in (await client.list_tools()).tools]


async def test_a_client_that_shows_pages_is_told_which_tools_have_one(mode: Any, settings: Settings) -> None:
    async with _client(mode, settings, ABLE) as client:
        tools = await _tools(client)
        found = {tool["name"]: tool.get("_meta") for tool in tools}
        resources = (await client.list_resources()).resources

    assert {name for name, meta in found.items() if meta} == set(SHOWN)
    assert all(found[name] == {"ui": {"resourceUri": PAGE}} for name in SHOWN)
    assert PAGE in {each.uri for each in resources}
    assert len(json.dumps({"tools": tools}, ensure_ascii=False, separators=(",", ":")).encode()) <= 27_000


async def test_a_client_that_shows_none_is_told_nothing_and_answered_alike(mode: Any, settings: Settings) -> None:
    told, answers = [], []
    for extensions in ((), (UNABLE,), (ABLE,)):
        async with _client(mode, settings, *extensions) as client:
            tools, resources = await _tools(client), (await client.list_resources()).resources
            told.append(([{**tool, "_meta": tool.get("_meta")} for tool in tools], [each.uri for each in resources]))
            answer = await client.call_tool("check_contacts", {"csv_text": "phone\n+919876543210\n"})
            answers.append(
                {**(answer.structured_content or {}), "check_id": "", "calling_hours_now": "", "meta": answer.meta}
            )

    assert told[0] == told[1]
    assert not any(tool["_meta"] for tool in told[0][0])
    assert told[0][1] == ["audiences://rules"]
    assert [{**tool, "_meta": None} for tool in told[2][0]] == told[0][0]
    assert answers[0] == answers[1] == answers[2]


async def test_the_page_comes_with_leave_to_load_nothing(mode: Any, settings: Settings) -> None:
    async with _client(mode, settings, ABLE) as client:
        (content,) = (await client.read_resource(PAGE)).contents

    assert isinstance(content, TextResourceContents)
    assert content.mime_type == APP_MIME_TYPE
    nothing: dict[str, list[str]] = {
        "connectDomains": [],
        "resourceDomains": [],
        "frameDomains": [],
        "baseUriDomains": [],
    }
    assert content.meta == {"ui": {"csp": nothing, "prefersBorder": True}}
    assert content.text.startswith("<!doctype html>")
    assert "default-src 'none'" in content.text


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_page_of_a_read_only_server_knows_that_it_is_one(*, read_only: bool) -> None:
    async with _client("auto", Settings(read_only=read_only), ABLE) as client:
        (content,) = (await client.read_resource(PAGE)).contents
        found = {tool["name"] for tool in await _tools(client) if "_meta" in tool}

    assert isinstance(content, TextResourceContents)
    assert ('"readOnly":true' in content.text) == read_only
    assert found == ({"check_contacts", "audit_audience"} if read_only else set(SHOWN))


def test_a_process_over_stdio_serves_the_page_to_who_negotiates_it() -> None:
    with Server("--sandbox") as server:
        content = server.ask("resources/read", {"uri": PAGE})["result"]["contents"][0]
        tools = server.ask("tools/list", {})["result"]["tools"]  # this client shows none

    assert content["mimeType"] == APP_MIME_TYPE
    assert not any("_meta" in tool for tool in tools)
