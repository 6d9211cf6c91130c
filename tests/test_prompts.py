"""Prompts, resources and completion: a job with its stops, the rules of the code, one audience found by its name."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from audiences_mcp.app import App
from audiences_mcp.config import Settings
from audiences_mcp.contacts.reasons import HINTS, Reason
from audiences_mcp.server import build_server
from audiences_mcp.tools import TOOLS
from tests.conftest import Agent, Organisation
from tests.tools.conftest import Wire, failed_before, snapshot

pytestmark = pytest.mark.anyio

PROMPT = PromptReference(type="ref/prompt", name="clean_audience")
TEMPLATE = ResourceTemplateReference(type="ref/resource", uri="audiences://audience/{audience_id}")
HIDDEN = [function.__name__ for function, _, hints in TOOLS if not hints.read_only_hint]
ONE = "phoneNumber,name\n+14155552671,Ann\n"


async def told(client: Client, prompt: str, **arguments: str) -> str:
    message = (await client.get_prompt(prompt, arguments)).messages[0]
    assert (message.role, isinstance(message.content, TextContent)) == ("user", True)
    return message.content.text if isinstance(message.content, TextContent) else ""


async def read(client: Client, uri: str) -> str:
    content = (await client.read_resource(uri)).contents[0]
    assert isinstance(content, TextResourceContents)
    return content.text


# --- prompts ---------------------------------------------------------------------------------------------------------


async def test_the_prompts_are_as_reviewed(agent: Agent) -> None:
    listed = await agent.client.list_prompts()
    made = {
        "prepare_file": await told(
            agent.client, "prepare_audience", source="May leads.xlsx", audience_name="May", region="IN"
        ),
        "prepare_list": await told(
            agent.client, "prepare_audience", source="phone,name\n{x},Ann\u202e\n", audience_name="May\n"
        ),
        "clean": await told(agent.client, "clean_audience", audience_id="60d0fe4f5311236168a109ca"),
    }

    prompts = [prompt.model_dump(mode="json", exclude_none=True) for prompt in listed.prompts]
    snapshot("prompts", {"prompts": prompts, **made})
    for text in made.values():
        assert text.count("STOP") >= 2
        assert "\u202e" not in text


async def test_a_prompt_that_is_none_is_refused_with_those_there_are(agent: Agent) -> None:
    with pytest.raises(MCPError, match="There are: prepare_audience, clean_audience") as refused:
        await agent.client.get_prompt("prepare_list", {})

    assert refused.value.code == INVALID_PARAMS


async def test_nobody_is_told_to_listen_for_changes_that_never_come(agent: Agent) -> None:
    told = agent.client.server_capabilities

    for kind in (told.tools, told.prompts, told.resources):
        assert kind
        assert not kind.list_changed
    assert told.resources
    assert not told.resources.subscribe


async def test_in_read_only_mode_the_prompts_name_no_tool_that_changes_anything(settings: Settings) -> None:
    async with Client(build_server(replace(settings, read_only=True))) as client:
        texts = [
            await told(client, "prepare_audience", source="leads.csv", audience_name="May"),
            await told(client, "clean_audience", audience_id="60d0fe4f5311236168a109ca"),
            await read(client, "audiences://rules"),
            json.dumps([prompt.model_dump(mode="json") for prompt in (await client.list_prompts()).prompts]),
        ]

    assert not [name for name in HIDDEN if name in "".join(texts)]
    assert all("This server is read-only" in text for text in texts[:2])


@pytest.mark.parametrize(
    "arguments", [{}, {"source": " ", "audience_name": "May"}, {"source": "a.csv", "audience_name": "May", "x": "y"}]
)
async def test_a_prompt_without_what_it_needs_says_what_it_takes(agent: Agent, arguments: dict[str, str]) -> None:
    with pytest.raises(MCPError, match="takes source, audience_name, region; source and audience_name must be given"):
        await agent.client.get_prompt("prepare_audience", arguments)


# --- resources -------------------------------------------------------------------------------------------------------


async def test_the_rules_have_every_reason_with_what_to_do(agent: Agent) -> None:
    rules = await read(agent.client, "audiences://rules")

    for reason in Reason:
        assert f"| {reason.value} | {reason.status.value} | {HINTS[reason]} |" in rules
    assert "10,000 members an audience" in rules
    assert len(rules) < 20_000


async def test_an_audience_reads_as_get_audience_tells_it(agent: Agent, organisation: Organisation) -> None:
    audience_id = organisation.audience("VIP", ONE)

    text = await read(agent.client, f"audiences://audience/{audience_id}")

    assert json.loads(text) == await agent.do("get_audience", audience_id=audience_id)


@pytest.mark.parametrize(
    ("audience_id", "said"), [("a" * 24, "(404)"), ("x", "24 hexadecimal characters"), ("a" * 25, "24 hexadecimal")]
)
async def test_an_audience_that_is_not_there_is_an_error_in_plain_words(
    agent: Agent, audience_id: str, said: str
) -> None:
    with pytest.raises(MCPError) as caught:
        await agent.client.read_resource(f"audiences://audience/{audience_id}")

    assert said in str(caught.value)


async def test_the_resources_are_listed_with_what_they_are(agent: Agent) -> None:
    resources = (await agent.client.list_resources()).resources
    templates = (await agent.client.list_resource_templates()).resource_templates

    assert [(each.uri, each.mime_type) for each in resources] == [("audiences://rules", "text/markdown")]
    assert [(each.uri_template, each.mime_type) for each in templates] == [(TEMPLATE.uri, "application/json")]


# --- completion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", [PROMPT, TEMPLATE], ids=["prompt", "template"])
async def test_an_id_is_completed_by_name_or_by_its_beginning_newest_first(
    agent: Agent, organisation: Organisation, ref: Any
) -> None:
    ids = [organisation.audience(name, ONE) for name in ("May VIP", "April", "may  leads")]

    async def completed(text: str) -> list[str]:
        found = (await agent.client.complete(ref, {"name": "audience_id", "value": text})).completion
        assert (found.total, found.has_more) == (len(found.values), False)
        return found.values

    assert await completed("MAY ") == [ids[2], ids[0]]
    assert await completed("") == ids[::-1]
    assert await completed(ids[1]) == [ids[1]]
    assert await completed("June") == []


async def test_other_arguments_are_not_completed(agent: Agent, organisation: Organisation) -> None:
    organisation.audience("May", ONE)
    prepare = PromptReference(type="ref/prompt", name="prepare_audience")

    for ref, name in ((prepare, "audience_name"), (PROMPT, "other")):
        assert (await agent.client.complete(ref, {"name": name, "value": ""})).completion.values == []


@pytest.fixture(params=["auto", "legacy"])
async def far(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[tuple[Client, Wire]]:
    wire = Wire()
    async with Client(build_server(settings, partial(App, transport=wire)), mode=request.param) as client:
        yield client, wire


async def test_more_than_a_hundred_are_counted_and_a_failing_atoms_completes_nothing(
    far: tuple[Client, Wire], organisation: Organisation
) -> None:
    client, wire = far
    for n in range(101):
        organisation.audience(f"List {n}", ONE)
    wanted = {"name": "audience_id", "value": "list"}

    many = (await client.complete(PROMPT, wanted)).completion
    wire.fail("GET audience", failed_before)
    none = (await client.complete(PROMPT, wanted)).completion

    assert (len(many.values), many.total, many.has_more) == (100, 101, True)
    assert none.values == []
