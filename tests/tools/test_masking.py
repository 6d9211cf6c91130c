"""AUDIENCES_MCP_MASK_NUMBERS: whatever a model reads, no number in it has more than its last four digits."""

import dataclasses
import json
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx  # noqa: TID251 - what a failing Atoms answers
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from mcp import Client
from mcp.server import MCPServer
from mcp.types import PromptReference
from pydantic import BaseModel

import audiences_mcp
from audiences_mcp.__main__ import main
from audiences_mcp.app import App
from audiences_mcp.calls import this_call
from audiences_mcp.config import Settings
from audiences_mcp.definitions import AudienceTool
from audiences_mcp.errors import InvalidInput, Refused
from audiences_mcp.masking import masked, text_masked
from audiences_mcp.server import build_server
from audiences_mcp.tools import READ, TOOLS, build_tools
from tests.conftest import Agent, Answer, Organisation
from tests.tools.conftest import ONE_REVISION, LookedAtAgent, Send, Wire

pytestmark = pytest.mark.anyio

NUMBER = "+14155552671"
SPELLED = "+1 (415) 555-2671"


@pytest.fixture
def settings(organisation: Organisation, tmp_path: Path) -> Settings:
    return Settings(api_key=organisation.key, api_url=organisation.url, mask_numbers=True, folders=(tmp_path,))


# --- what is shown -------------------------------------------------------------------------------------------------


def leaves(node: Any) -> Iterator[str]:
    """Every text of an answer, names of fields included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from leaves([*node, *node.values()])
    elif isinstance(node, list):
        for item in node:
            yield from leaves(item)


def digits_of(text: str) -> str:
    """A text as somebody reads it who looks for digits: of any script, without what stands between them."""
    without_ids = re.sub(r"\b(?=[0-9]*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{24})\b", "<id>", text)
    plain = "".join(str(unicodedata.digit(char, char)) for char in without_ids)
    return re.sub(r"[^\w…<>]|_", "", plain)


def exposed(answer: Answer, national: str) -> list[str]:
    """The texts of an answer in which five digits in a row of a national number can be read."""
    windows = {national[start : start + 5] for start in range(len(national) - 4)}
    texts = [*leaves(answer.data), *([answer.text] if answer.is_error else [])]
    return [text for text in texts if any(window in digits_of(text) for window in windows)]


class MaskedAgent(Agent):
    """An agent that looks for a number in every answer."""

    def __init__(self, agent: Agent, national: str = NUMBER[2:]) -> None:
        super().__init__(agent.client)
        self.agent, self.national = agent, national
        self.called: set[str] = set()

    async def __call__(self, tool: str, /, **arguments: Any) -> Answer:
        answer = await self.agent(tool, **arguments)
        assert not exposed(answer, self.national)
        self.called.add(tool)
        return answer


# --- every tool ----------------------------------------------------------------------------------------------------

CSV = f"""\
Phone,Name {SPELLED},Other,Number
{SPELLED},Ann {NUMBER},415.555.2671,12
{NUMBER},Bo,"tel: 415 555 2671, or 4.15555267E+09",13
415-555-2671 x22,Cy,,14
"""


async def test_no_tool_shows_a_number_wherever_it_stands(
    agent: LookedAtAgent, organisation: Organisation, tmp_path: Path
) -> None:
    call = MaskedAgent(agent)
    (tmp_path / f"{NUMBER}.csv").write_text(CSV, encoding="utf-8")
    stored = organisation.audience(f"VIP {SPELLED}", f"{NUMBER},Name\n{NUMBER},Ann {SPELLED}\n", NUMBER)
    organisation.campaign(stored, f"Calls of {SPELLED}", "running")

    report = await call.do("check_contacts", file_path=f"{NUMBER}.csv", phone_columns=["Phone"])
    rows = await call.do("list_check_rows", check_id=report["check_id"])
    made = await call.do(
        "create_audience", name=f"May {SPELLED}", description=f"of {NUMBER}", check_id=report["check_id"]
    )
    ours = made["audiences"][0]["audience_id"]
    again = await call.do("add_contacts", audience_id=ours, contacts=[{"phone_number": SPELLED, "last_name": NUMBER}])
    await call.do("check_contacts", from_audiences=[stored, ours], exclude_audiences=[stored])
    await call.do("check_contacts", csv_text=CSV, phone_columns=["Phone"], add_to_audience_id=stored)
    await call.do("list_audiences", name_contains=NUMBER)
    found = await call.do("get_audience", audience_id=stored)
    members = await call.do("list_audience_members", audience_id=stored)
    await call.do("search_audience_members", audience_id=stored, query=NUMBER)
    await call.do("audit_audience", audience_id=stored)
    await call.do("export_audience", audience_id=stored, file_path=f"{NUMBER} copy.csv")
    asked = await call.do("delete_audience", audience_id=ours)
    await call.do("delete_audience", audience_id=ours, confirm_token=asked["confirm_token"])
    gone = await call.do("remove_audience_members", audience_id=stored, phone_numbers=[f"{NUMBER[:-1]}2"])

    assert call.called == {function.__name__ for function, *_ in TOOLS}, "a tool that this test does not call"
    assert gone["not_found"] == ["…2672"]
    assert [sample["phone_number"] for sample in report["sample"]] == ["…2671"]
    assert [row["value"] for row in rows["rows"]] == ["…2671", "…2671", "…1 x22"]
    assert rows["rows"][0]["label"] == "Ann …2671"
    assert report["columns"][1]["source"] == "Name …2671"
    assert again["counts"]["already_member"] == 1
    assert (found["name"], found["phone_column"]) == ("VIP …2671", "…2671")
    assert found["campaigns"][0]["name"] == "Calls of …2671"
    assert (members["members"][0]["phone_number"], members["members"][0]["fields"]) == ("…2671", {"Name": "Ann …2671"})
    assert organisation.members(stored)[0][NUMBER] == NUMBER


async def test_search_finds_what_is_shown_and_whole_numbers_but_no_masked_digits(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    csv = "phone,name,second\n+14155552671,Ann,+442071838750\n"
    audience_id = organisation.audience("VIP", csv, "phone")

    async def found(**wanted: Any) -> int:
        return len((await agent.do("search_audience_members", audience_id=audience_id, **wanted))["members"])

    assert await found(query="2671") == 1
    assert await found(query="+1 415 555 2671") == 1
    assert await found(query="ann") == 1
    assert await found(fields={"name": "Ann", "phone": "2671"}) == 1
    for digits in ("415", "41555", "5552671", "2071", "18387"):
        assert await found(query=digits) == 0
    assert await found(fields={"phone": "4155"}) == 0
    assert await found(fields={"second": "2071"}) == 0


async def test_what_is_sent_is_whole(agent: LookedAtAgent, organisation: Organisation) -> None:
    call = MaskedAgent(agent)
    report = await call.do(
        "check_contacts", csv_text="phone,other\n+14155552671,+14155552672\n", phone_columns=["phone"]
    )

    made = await call.do("create_audience", name="May", check_id=report["check_id"])

    assert organisation.members(made["audiences"][0]["audience_id"]) == [
        {"phone": "+14155552671", "other": "+14155552672"}
    ]


# --- every error ---------------------------------------------------------------------------------------------------


def says(code: int, **answer: Any) -> Any:
    async def answered(_: Send, __: httpx.Request) -> httpx.Response:
        return httpx.Response(code, headers={"Retry-After": NUMBER, "x-request-id": NUMBER}, json=answer)

    return answered


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 408, 429, 500, 503])
async def test_no_failure_of_atoms_shows_a_number(agent: LookedAtAgent, wire: Wire, status: int) -> None:
    call = MaskedAgent(agent)
    wire.fail(".*", says(status, status=False, errors=[f"{SPELLED} is wrong", {"message": NUMBER}], retry_after=NUMBER))

    calls: dict[str, dict[str, Any]] = {
        "list_audiences": {},
        "get_audience": {"audience_id": "a" * 24},
        "create_audience": {"name": NUMBER, "contacts": [{"phone_number": SPELLED, "first_name": NUMBER}]},
        "add_contacts": {"audience_id": "a" * 24, "contacts": [{"phone_number": SPELLED}]},
        "delete_audience": {"audience_id": "a" * 24},
    }
    for tool, arguments in calls.items():
        assert await call.fail(tool, **arguments)


async def test_no_refusal_shows_a_number(agent: LookedAtAgent, organisation: Organisation) -> None:
    call = MaskedAgent(agent)
    stored = organisation.audience("VIP", "phone,Name\n+33612345678,Ann\n", "phone")
    organisation.campaign(stored, f"Calls of {SPELLED}", "running")
    people = [{"phone_number": SPELLED}, {"phone_number": f"{NUMBER},,55", "first_name": f"Bo {SPELLED}"}]
    strange = [{"phone_number": SPELLED, "variables": {f"Order {SPELLED}": "1"}}]
    columns = f"a,b {SPELLED},c {SPELLED}\nx,+14155552671,+14155552672\n"

    refused = [
        await call.fail("create_audience", name="May", contacts=people),
        await call.fail("create_audience", name="VIP", contacts=people[:1]),
        await call.fail("add_contacts", audience_id=stored, contacts=people[:1]),
        await call.fail("add_contacts", audience_id=stored, contacts=strange, allow_active_campaign=True),
        await call.fail("delete_audience", audience_id=stored),
        await call.fail("check_contacts", csv_text=columns),
        await call.fail("check_contacts", csv_text=columns, phone_columns=[SPELLED]),
        await call.fail("check_contacts", csv_text="phone\n+14155552671\n", default_region=NUMBER),
        await call.fail("check_contacts", csv_text=f"phone,{SPELLED},{SPELLED}\n+14155552671,a,b\n"),
        await call.fail("check_contacts", file_path=f"{NUMBER}.csv"),
        await call.fail("list_check_rows", check_id=NUMBER, **{NUMBER: 1}),
        await call.fail("check_contacts", contacts=[{"phone_number": 1, "variables": {NUMBER: []}, SPELLED: 1}]),
        await call.fail("list_audience_members", audience_id=NUMBER),
    ]

    assert refused[0].endswith(
        "row 2 (…71,,55): extension. A voice agent cannot dial an extension: give a direct number."
    )
    assert "'Calls of …2671' (running)" in refused[2]


async def test_a_fault_of_our_own_shows_no_number(agent: LookedAtAgent, wire: Wire) -> None:
    async def unforeseen(_: Send, __: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError(NUMBER)

    wire.fail("GET audience", unforeseen)

    assert "ZeroDivisionError" in await MaskedAgent(agent).fail("list_audiences")


# --- tools that come later -----------------------------------------------------------------------------------------


class Anything(BaseModel):
    summary: str
    phone_number: str
    found: list[dict[str, str]]
    count: int
    next_step: str


async def a_tool_that_forgets(how: Literal["well", "refused", "wrong", "broken"]) -> Anything:
    """A tool that thinks of nothing."""
    await this_call().tell(1, 2, f"Reading {SPELLED}")
    result = Anything(
        summary=f"Found {SPELLED}.", phone_number=NUMBER, found=[{"x": SPELLED}], count=1, next_step=f"Call {NUMBER}."
    )
    match how:
        case "refused":
            raise Refused(result, lambda told: f"{told.summary} It is {told.phone_number}.")
        case "wrong":
            raise InvalidInput(f"{SPELLED} is wrong.")
        case "broken":
            raise ValueError(NUMBER)
        case _:
            return result


async def test_a_tool_that_is_added_later_cannot_forget_it(mode: Any, settings: Settings) -> None:
    @asynccontextmanager
    async def lifespan(_: MCPServer[App]) -> AsyncIterator[App]:
        yield App(settings)

    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        told.append(message)

    server = MCPServer("later", tools=[AudienceTool.of(a_tool_that_forgets, "Forgets", READ)], lifespan=lifespan)
    async with Client(server, mode=mode) as client:
        for how in ("well", "refused", "wrong", "broken", NUMBER):
            result = await client.call_tool("a_tool_that_forgets", {"how": how}, progress_callback=hear)
            text = "".join(getattr(block, "text", "") for block in result.content)
            answer = Answer(text, result.structured_content or {}, bool(result.is_error))
            assert answer.is_error == (how != "well")
            assert not exposed(answer, NUMBER[2:])

    assert told == ["Reading …2671"] * 4


async def test_all_that_is_offered_goes_through_the_one_door_or_has_no_data(
    settings: Settings, organisation: Organisation
) -> None:
    audience_id = organisation.audience("Friends of +14155552671", "phoneNumber\n+14155552671\n")
    async with Client(build_server(settings)) as client:
        tools = (await client.list_tools()).tools
        resources = [str(resource.uri) for resource in (await client.list_resources()).resources]
        templates = [each.uri_template for each in (await client.list_resource_templates()).resource_templates]
        read = await client.read_resource(f"audiences://audience/{audience_id}")
        offered = await client.complete(
            PromptReference(name="clean_audience"), {"name": "audience_id", "value": "friends"}
        )

    built = build_tools(read_only=False)
    assert all(isinstance(tool, AudienceTool) for tool in built)
    assert [tool.name for tool in tools] == [tool.name for tool in built]
    assert (resources, templates) == (["audiences://rules"], ["audiences://audience/{audience_id}"])
    assert "Friends of …2671" in str(read.contents)
    assert "4155552671" not in str(read.contents)
    assert offered.completion.values == [audience_id]


def test_progress_is_told_in_one_place_and_nothing_else_speaks_to_the_client() -> None:
    package = Path(audiences_mcp.__file__).parent
    speaking = re.compile(r"\.(?:report_progress|send_log_message|send_progress_notification)\(")

    assert {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if speaking.search(path.read_text(encoding="utf-8"))
    } == {"definitions.py"}


# --- still usable --------------------------------------------------------------------------------------------------


@ONE_REVISION
async def test_the_ready_phone_columns_and_mapping_of_a_hint_can_be_used_as_they_are_shown(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    csv = "Branch 5552671,Home 2,Order 20240131\n+14155552671,+14155552672,x\n"
    stored = organisation.audience("VIP", "phone,order\n+33612345678,y\n", "phone")
    call = MaskedAgent(agent)

    asked = await call.fail("check_contacts", csv_text=csv)
    ready = json.loads(asked[asked.index("[") : asked.index("]") + 1])
    report = await call.do(
        "check_contacts", csv_text=csv, phone_columns=ready, column_mapping={"Order …0131": "order"}, keep_columns=[]
    )
    added = await call.do("add_contacts", audience_id=stored, check_id=report["check_id"], allow_active_campaign=True)

    assert ready == ["Branch …2671", "Home 2"]
    assert report["phone_columns"] == ready
    assert added["added"] == 1
    assert organisation.members(stored)[1] == {"phone": "+14155552671", "order": "x"}


@ONE_REVISION
async def test_two_headers_that_are_shown_alike_are_told_apart_by_asking(agent: LookedAtAgent) -> None:
    csv = "Order 12342671,Order 56782671,Phone\n1,2,+14155552671\n"

    told = await MaskedAgent(agent).fail("check_contacts", csv_text=csv, keep_columns=["Order …2671"])

    assert told == "keep_columns: 'Order …2671' could be 'Order …2671', 'Order …2671'."


@ONE_REVISION
async def test_fields_whose_names_are_shown_alike_are_all_shown(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    names = ",".join(f"+1{area}5552671" for area in (212, 312, 415))
    stored = organisation.audience("VIP", f"phone,{names}\n+33612345678,a,b,c\n", "phone")

    listed = await agent.do("list_audience_members", audience_id=stored)

    assert listed["members"][0]["fields"] == {"…2671": "a", "…2671 (2)": "b", "…2671 (3)": "c"}


async def test_contains_finds_what_is_shown_so_that_digits_cannot_be_found_out(agent: LookedAtAgent) -> None:
    csv = f"phone,name,other\n{SPELLED},Ann,415 555 2671\n+33612345678,Bo,x\n"
    call = MaskedAgent(agent)
    report = await call.do("check_contacts", csv_text=csv, phone_columns=["phone"])

    async def found(text: str) -> list[int]:
        rows = await call.do("list_check_rows", check_id=report["check_id"], contains=text)
        return [row["row"] for row in rows["rows"]]

    assert [await found(text) for text in ("2671", "…5678", "ann", "x", "")] == [[2], [3], [2], [3], [2, 3]]
    assert [await found(text) for text in ("415", "+1", "52671", "5552671", "+33", "1 (4")] == [[]] * 6
    assert [await found(text) for text in (SPELLED, "0033 6 12 34 56 78", "+33612345679")] == [
        [2],
        [3],
        [],
    ]  # whole ones


async def test_the_model_is_told_that_numbers_are_masked(settings: Settings) -> None:
    async with Client(build_server(settings), mode="legacy") as client:
        assert "last four digits only, as …4567" in (client.instructions or "")
    async with Client(build_server(dataclasses.replace(settings, mask_numbers=False)), mode="legacy") as client:
        assert "…4567" not in (client.instructions or "")


def test_the_report_in_the_terminal_is_for_the_person_and_masks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SMALLEST_API_KEY", "ATOMS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUDIENCES_MCP_MASK_NUMBERS", "on")
    (tmp_path / "list.csv").write_text(f"phone\n{NUMBER}\n12\n", encoding="utf-8")

    main(["check", str(tmp_path / "list.csv"), "--json"])

    assert NUMBER in capsys.readouterr().out


# --- what is masked, and what is no number -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call +1 (415) 555-2671 now", "call …2671 now"),
        ("00919876543210", "…3210"),
        ("tel:+46701234567", "tel:…4567"),
        ("030/1234567", "…4567"),
        ("06.12.34.56.78", "…5678"),
        ("4155552671, 4155552672; 4155552673", "…2671, …2672; …2673"),
        ("415_555_2671", "…2671"),
        ("415,555,2671", "…2671"),
        ("14,155,552,671", "…2671"),
        ("٠١٢٣٤٥٦٧٨٩", "…٦٧٨٩"),
        ("９８７６５４３２１０", "…３２１０"),
        ("①②③④⑤⑥⑦⑧", "…⑤⑥⑦⑧"),
        ("一三八〇〇一三八〇〇〇", "…八〇〇〇"),
        ("4️⃣1️⃣5️⃣5️⃣5️⃣5️⃣2️⃣6️⃣7️⃣1️⃣", "…2671️⃣"),
        ("4155552O71", "…2O71"),
        ("9.05321E+11", "…E+11"),
        ("919876543210919876543211", "…3211"),
        ("+1 12-10-2025", "…2025"),
        ("…and 'Ann 41555…'", "…and 'Ann …1555…'"),
        ("+1 415 5…", "+…4155…"),
        ("12-10-2025 555 2671", "…2671"),
    ],
)
def test_whatever_may_be_a_number_is_masked_in_any_text(text: str, shown: str) -> None:
    assert text_masked(text) == shown
    assert text_masked(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "60d0fe4f5311236168a109ca",
        "0123456789abcdef0123456789ABCDEF",
        "12345678-1234-4e8a-9f33-1c2d3e4f5a6b",
        "2025-01-31",
        "31.1.2025",
        "Leads 2025-01-31 (1 of 3)",
        "May 12 2025-01-31",
        "2024-01-01 – 2024-12-31",
        "2025-11-25T18:03:21.123456+05:30",
        "2025-11-25 18:03:21 Z",
        "Wed, 21 Oct 2026 07:28:00 GMT",
        "08:00-21:00",
        "1,234,567 of 12,345,678 rows",
        "10,000 (2,000)",
        "12,345.67",
        "row 2, 14, 15, 16, 17 …",
        "(row 12345, 12346 …); they are",
        "1E+05",
        "555-01xx",
        "…2671 …2672",
    ],
)
def test_ids_dates_times_and_counts_are_no_numbers(text: str) -> None:
    assert text_masked(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("12", "12"),
        ("call Zebedee", "call Zebedee"),
        ("#N/A", "#N/A"),
        ("12345", "…2345"),
        ("2025-01-31", "…01-31"),
        ("1-800-FLOWERS", "…WERS"),
        ("+1 415 555 2671 ext 204", "…t 204"),
        ("415-555-267I", "…267I"),
        ("+91 98765 43210 (मोबाइल)", "…3210 (मोबाइल)"),
        ("9.05321E+11", "…1E+11"),
        ("4155552671 or 4155552672", "…2672"),
        ("41555, 52671", "…2671"),
    ],
)
def test_a_field_that_is_a_number_keeps_four_digits_whatever_its_writing(value: str, shown: str) -> None:
    assert masked({"value": value, "phone_numbers": [value], "row": 12345678}) == {
        "value": shown,
        "phone_numbers": [shown],
        "row": 12345678,
    }


# --- any list ------------------------------------------------------------------------------------------------------

USUAL = st.sampled_from(["", "", "", " ", "-", ".", "/", " (", ") ", "\u00a0", " - ", "\u2013", "·"])
ODD = USUAL | st.sampled_from([",", ", ", ";", " : ", "\n", "*", "=", "\u200d", "x"])
SCRIPTS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९"]
few = st.text("123456789", min_size=1, max_size=1)


def run(size: int) -> st.SearchStrategy[str]:
    return st.text("123456789", min_size=size, max_size=size)


nationals = st.one_of(
    st.builds("1 {}{}{}".format, st.sampled_from(["415", "212", "646"]), st.sampled_from("23456789"), run(6)),
    st.builds("91 9{}".format, run(9)),
    st.builds("44 79{}".format, run(8)),
    st.builds("49 151{}".format, run(8)),
    st.builds("45 {}".format, run(8)),
    st.builds("{} {}".format, few, st.text("123456789", min_size=7, max_size=16)),
)


@st.composite
def spelled(draw: st.DrawFn, national: str, code: str, between: st.SearchStrategy[str]) -> str:
    prefix = draw(st.sampled_from([f"+{code}", f"00{code}", code, "", "0", f"p:+{code}", f"'+{code}", f"+{code} (0)"]))
    body = "".join(digit + draw(between) for digit in national[:-1]) + national[-1]
    script = draw(st.sampled_from(SCRIPTS))
    return (prefix + draw(between) + body).translate(str.maketrans(SCRIPTS[0], script))


@st.composite
def people(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A national number, and a person who has it in many places and spellings."""
    code, _, national = draw(nationals).partition(" ")
    whole = draw(spelled(national, code, ODD))
    damaged = f"{national[0]}.{national[1:]}E+{len(national) - 1}"
    value = draw(
        st.sampled_from(
            [whole, f"{whole} x22", f"{whole} / {whole}", f"{whole}, or {national}", damaged, f"{national}OI"]
        )
    )
    usual = spelled(national, code, USUAL)
    return national, {
        "phone": value,
        "name": draw(st.sampled_from(["", "Ann ", "Order no. "])) + draw(usual),
        "other": draw(usual | st.just(damaged)),
    }


@drawn(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn_people=st.lists(people(), min_size=1, max_size=6), region=st.sampled_from([None, "US", "IN", "DE"]))
async def test_no_answer_on_any_list_holds_five_digits_in_a_row_of_any_number(
    agent: LookedAtAgent, drawn_people: list[tuple[str, dict[str, str]]], region: str | None
) -> None:
    contacts = [
        {"phone_number": person["phone"], "first_name": person["name"], "variables": {"other": person["other"]}}
        for _, person in drawn_people
    ]
    answers = [await agent("check_contacts", contacts=contacts, default_region=region)]
    check_id = answers[0].data["check_id"]
    answers += [
        await agent("list_check_rows", check_id=check_id),
        await agent("create_audience", name=drawn_people[0][1]["other"], check_id=check_id, allow_same_name=True),
        await agent("create_audience", name="Any", contacts=contacts, default_region=region, allow_same_name=True),
    ]
    for made in [made for answer in answers[2:] for made in answer.data.get("audiences", [])]:
        answers.append(await agent("list_audience_members", audience_id=made["audience_id"]))

    for answer in answers:
        for national, _ in drawn_people:
            assert not exposed(answer, national)
