"""What the page shows in a chat: the handshake, the report from its result alone, every size and theme, by keyboard."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

import audiences_mcp
from audiences_mcp.config import Settings
from audiences_mcp.contacts.reasons import Reason, Status
from audiences_mcp.demo import LIST
from audiences_mcp.models import CheckReport, ListedRow
from audiences_mcp.page import chat_page, page_with
from tests.conftest import Organisation
from tests.page.conftest import Chat, NewChat, findings

pytestmark = pytest.mark.anyio


async def _rows_of(chat: Chat, caption: str) -> list[list[str]]:
    table = chat.frame.locator("table", has=chat.frame.locator("caption", has_text=caption))
    found: list[list[str]] = await table.evaluate(
        "table => [...table.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return found


# --- the protocol --------------------------------------------------------------------------------------------------


async def test_the_page_is_one_file_of_at_most_60_kilobytes_that_names_no_other_place() -> None:
    page = chat_page(read_only=False)

    assert len(page.encode()) <= 60_000
    assert not re.search(r"https?:|\bsrc=|\bhref=|@import|url\(|\bfetch\(|XMLHttp", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", page)


async def test_page_and_chat_shake_hands_before_anything_is_sent(chat: Chat) -> None:
    await chat.ask("check_contacts", csv_text=LIST)

    said = await chat.page.evaluate("chat.said")
    assert [each.get("method") for each in said[:2]] == ["ui/initialize", "ui/notifications/initialized"]
    assert said[0]["params"] == {
        "protocolVersion": "2026-01-26",
        "appInfo": {"name": "audiences-mcp", "version": audiences_mcp.__version__},
        "appCapabilities": {"availableDisplayModes": ["inline", "fullscreen"]},
    }
    assert all(each["jsonrpc"] == "2.0" for each in said)
    assert [url for url in chat.requests if not url.startswith(("file:", "about:"))] == []


async def test_the_page_answers_a_ping_and_its_end_and_says_what_it_does_not_know(chat: Chat) -> None:
    for number, method in enumerate(["ping", "ui/resource-teardown", "tools/list"]):
        await chat.page.evaluate("([id, method]) => chat.post({ id, method, params: {} })", [f"chat {number}", method])
    await chat.page.wait_for_function("chat.said.filter((each) => String(each.id).startsWith('chat')).length === 3")

    answers = await chat.page.evaluate("chat.said.filter((each) => String(each.id).startsWith('chat'))")
    assert [each.get("result") for each in answers] == [{}, {}, None]
    assert answers[2]["error"]["code"] == -32601


async def test_the_page_listens_to_the_chat_alone(chat: Chat) -> None:
    await chat.frame.evaluate(
        "window.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/tool-cancelled', params: {} }, '*')"
    )
    await chat.ask("check_contacts", csv_text=LIST)

    assert "Cancelled" not in await chat.text()


async def test_a_chat_that_does_not_take_the_page_is_told_to_be_so(new_chat: NewChat, browser: Browser) -> None:
    async with new_chat() as chat:
        page = await browser.new_page()
        await page.goto(chat.page.url)
        await page.evaluate(
            "(html) => { chat.refuses['ui/initialize'] = 'no pages here'; chat.open(html, {}, {}) }",
            chat_page(read_only=False),
        )
        await expect(page.frame_locator("iframe").locator("h1")).to_have_text("Not connected")
        await page.close()


async def test_the_page_grows_with_what_it_shows_and_never_scrolls_sideways(chat: Chat) -> None:
    await chat.ask("check_contacts", csv_text=LIST)
    for width in (320, 480, 768, 1200):
        await chat.page.set_viewport_size({"width": width, "height": 900})
        await chat.page.wait_for_function(
            "(width) => chat.said.findLast((each) => each.params?.height).params.width === width", arg=width
        )
        root = "document.documentElement"
        # The chat sees what it said before its frame has the height that it asked for.
        await chat.until("Math.ceil(document.body.getBoundingClientRect().height) === window.innerHeight")
        sizes = await chat.frame.evaluate(f"[{root}.scrollWidth, {root}.scrollHeight - window.innerHeight]")
        assert sizes == [width, 0]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_looks_like_the_chat_and_follows_it(new_chat: NewChat, theme: str) -> None:
    other = {"light": "dark", "dark": "light"}[theme]
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(31, 31, 30)"}
    look = "getComputedStyle(document.documentElement).backgroundColor"
    async with new_chat(context={"theme": theme}) as chat:
        await chat.ask("check_contacts", csv_text=LIST)
        assert await chat.frame.evaluate(look) == ground[theme]

        await chat.tell("ui/notifications/host-context-changed", {"theme": other})
        await chat.until(f"{look} === '{ground[other]}'")
        variables = {"--color-background-primary": "rgb(1, 2, 3)", "--font-sans": "serif", "--not-ours": "red"}
        await chat.tell("ui/notifications/host-context-changed", {"styles": {"variables": variables}})
        await chat.until(f"{look} === 'rgb(1, 2, 3)'")
        assert await chat.frame.evaluate("getComputedStyle(document.body).fontFamily") == "serif"
        assert not await chat.frame.evaluate("document.documentElement.style.getPropertyValue('--not-ours')")


async def test_a_cancelled_call_and_an_answer_that_is_no_report_are_said_so(chat: Chat) -> None:
    await chat.tell("ui/notifications/tool-cancelled", {"reason": "user action"})
    await expect(chat.frame.locator("h1")).to_have_text("Cancelled")

    await chat.show({"content": [{"type": "text", "text": "Something else"}]})
    assert await chat.text() == "The report cannot be shown Something else"
    await chat.show({"content": []})
    assert await chat.text("h1") == "The report cannot be shown"
    await chat.show({"content": [{"type": "text", "text": "No such file."}], "isError": True})
    assert await chat.text() == "Not done No such file."


async def test_a_chat_that_hands_on_the_text_alone_gets_the_same_page(chat: Chat) -> None:
    result = await chat.client.call_tool("check_contacts", {"csv_text": LIST})
    shown = []
    for answer in (
        {"content": [], "structuredContent": result.structured_content},
        {"content": [{"type": "text", "text": json.dumps(result.structured_content)}]},
    ):
        await chat.show(answer)
        shown.append(re.sub(r"Now, at .*", "", await chat.text("#page")))

    assert shown[0] == shown[1]


# --- the report ----------------------------------------------------------------------------------------------------


async def test_a_check_is_shown_from_how_many_to_what_the_agent_will_say(chat: Chat) -> None:
    report = await chat.ask("check_contacts", csv_text=LIST)

    assert await chat.text("h1") == "8 of 21 rows will be called"
    assert await chat.text(".legend") == "8 will be called 12 to be mended 1 twice in the list"
    assert (await _rows_of(chat, "A sample of"))[0] == ["2", "+91 98765 43210", "+919876543210", "India", "mobile"]
    text = await chat.text()
    for problem in report["problems"]:
        assert problem["hint"] in text
        assert problem["reason"] not in text.replace(problem["hint"], "") or "_" not in problem["reason"]
    for warning in report["warnings"]:
        assert warning in text
    assert ["India", "1", "13 %"] in await _rows_of(chat, "Countries of those")
    assert ["name", "name", "0", "0 %"] in await _rows_of(chat, "Columns that are sent")
    assert "“Hello Asha Rao. I have Pune as your city.”" in text
    bar = await chat.frame.eval_on_selector_all(
        ".bar span", "all => all.map(each => each.getBoundingClientRect().width)"
    )
    assert bar[0] / sum(bar) == pytest.approx(8 / 21, abs=0.01)


async def test_every_reason_and_every_status_has_words_for_a_person() -> None:
    page = chat_page(read_only=False)

    for name in [*Reason, *Status]:
        assert re.search(rf"^  {name.value}: \"\w", page, re.MULTILINE), name


@pytest.mark.parametrize(("clock", "best"), [(8, "08:00 to 21:00"), (3, "08:00 to 21:00")])
async def test_the_hours_are_those_of_the_persons_own_day(new_chat: NewChat, clock: int, best: str) -> None:
    rows = "phone\n+4915123456789\n+390669812345\n"  # Berlin and Rome, where the person is too
    async with new_chat(context={"timeZone": "Europe/Berlin"}) as chat:
        await chat.page.clock.set_fixed_time(datetime(2026, 7, 1, clock - 2, 30, tzinfo=UTC))
        await chat.ask("check_contacts", csv_text=rows)

        assert f"Best: {best}, when all are between 08:00 and 21:00 of their own day." in await chat.text()
        assert f"Now, at 0{clock}:30, {2 if clock == 8 else 0} are." in await chat.text()
        hours = await _rows_of(chat, "People who can be called in each hour")
        assert [count for _, count, _ in hours] == ["0"] * 8 + ["2"] * 13 + ["0"] * 3


async def test_an_hour_counts_when_all_of_it_is_inside_and_zones_may_be_half_an_hour_apart(new_chat: NewChat) -> None:
    async with new_chat(context={"timeZone": "UTC"}) as chat:
        await chat.page.clock.set_fixed_time(datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
        await chat.ask("check_contacts", csv_text="phone\n+919876543210\n")  # 08:00 in India is 02:30

        hours = await _rows_of(chat, "People who can be called in each hour")
        assert [hour for hour, count, _ in hours if count == "1"] == [f"{hour:02}:00" for hour in range(3, 15)]


async def test_a_chat_that_names_no_real_time_zone_gets_the_hours_of_the_browser(new_chat: NewChat) -> None:
    async with new_chat(context={"timeZone": "Middle/Earth"}) as chat:
        await chat.ask("check_contacts", csv_text=LIST)

        assert "The hours of your day, Europe/Berlin" in await chat.text()


async def test_whoever_may_be_in_several_zones_is_told_of_and_not_counted(chat: Chat) -> None:
    report = await chat.ask("check_contacts", csv_text="phone\n+525512345678\n+5511961234567\n+79161234567\n")
    unsure = sum(each["count"] for each in report["time_zones"] if each["zone"] in {"several", "unknown"})

    assert unsure
    assert f"{unsure} p" in await chat.text()
    assert "not counted" in await chat.text()


async def test_an_audit_says_whether_the_audience_is_ready_and_what_is_blank(
    chat: Chat, organisation: Organisation
) -> None:
    members = "phoneNumber,city\n+919876543210,Pune\n+33612345678,\n+44112,Bath\n"
    audience_id = organisation.audience("May leads", members)
    await chat.ask("audit_audience", audience_id=audience_id)

    assert await chat.text("header") == (
        "May leads Not ready to dial as it is 2 of 3 members can be called. 2 can be called 1 to be mended"
    )
    assert await _rows_of(chat, "Columns that are blank") == [["city", "1", "50 %"]]


async def test_a_commit_says_what_stands_in_atoms(chat: Chat, organisation: Organisation) -> None:
    people = [{"phone_number": "+919876543210", "first_name": "Asha"}]
    made = await chat.ask("create_audience", name="May", contacts=people)

    assert await chat.text("h1") == "Made 1 audience with 1 person."
    assert await _rows_of(chat, "Audiences as they stand") == [["May", made["audiences"][0]["audience_id"], "1"]]
    assert "The stored count was read back" in await chat.text()
    assert "Nobody is called until a campaign uses it." in await chat.text()
    again = [*people, {"phone_number": "+33612345678"}]
    await chat.ask("add_contacts", audience_id=organisation.audiences()[0]["_id"], contacts=again)
    assert await chat.text(".legend") == "1 sent 1 in the audience already"
    assert "Nobody is called" not in await chat.text()  # a campaign may be running


async def test_a_refused_commit_shows_which_rows_are_in_the_way(chat: Chat) -> None:
    await chat.ask("create_audience", name="May", contacts=[{"phone_number": "call me", "first_name": "Kim"}])

    assert await chat.text("h1") == "Not done"
    assert "1 contact cannot be called, so nothing was sent." in await chat.text()
    assert "Not a phone number 1 row" in await chat.text()


async def test_numbers_are_masked_on_the_page_where_they_are_for_everybody(
    new_chat: NewChat, settings: Settings
) -> None:
    async with new_chat(of=replace(settings, mask_numbers=True)) as chat:
        await chat.ask("check_contacts", csv_text=LIST)

        assert (await _rows_of(chat, "A sample of"))[0][1:3] == ["…3210", "…3210"]
        assert not re.search(r"\d{5}", await chat.frame.locator("#page").inner_html())


# --- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("theme", "width"), [("light", 320), ("dark", 1200)])
async def test_an_automatic_check_finds_no_fault_in_either_theme(new_chat: NewChat, theme: str, width: int) -> None:
    async with new_chat(context={"theme": theme}) as chat:
        await chat.page.set_viewport_size({"width": width, "height": 900})
        await chat.ask("check_contacts", csv_text=LIST)
        await chat.frame.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        await chat.frame.get_by_role("button", name="Create the audience").click()  # so that its faults are there
        await chat.frame.get_by_role("button", name="Search").click()
        await expect(chat.frame.get_by_role("button", name="Further rows")).to_be_visible()

        assert await findings(chat.frame) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_file_is_the_same_page_searched_without_a_server_and_without_a_fault(
    chat: Chat, window: Page, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    report = await chat.ask("check_contacts", csv_text=LIST)
    rows = (await chat.client.call_tool("list_check_rows", {"check_id": report["check_id"]})).structured_content or {}
    file = tmp_path / "report.html"
    listed = [ListedRow.model_validate(row) for row in rows["rows"]]
    file.write_text(page_with(CheckReport.model_validate(report), listed, "leads.csv"), encoding="utf-8")
    requests: list[str] = []
    window.on("request", lambda request: requests.append(request.url))

    await window.emulate_media(color_scheme=theme)
    await window.goto(file.as_uri())
    assert await window.title() == "leads.csv: contact list report"
    await window.get_by_label("Find a row").fill("4792345678")
    await window.get_by_role("button", name="Search").click()
    found = window.get_by_role("table", name="Rows that match").locator("tbody tr")
    await expect(found).to_have_text(["8Finn Olsen4792345678Real in more than one country"])
    assert await window.get_by_role("button", name=re.compile("Create|Save|Mend")).count() == 0
    assert await findings(window) == []
    assert requests == [file.as_uri()]


async def test_on_paper_all_is_unfolded_and_nothing_is_there_to_be_clicked(chat: Chat) -> None:
    await chat.ask("check_contacts", csv_text="phone\n" + "call me\n" * 5 + "+919876543210\n")
    await chat.page.emulate_media(media="print", color_scheme="dark")
    await chat.frame.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert await chat.frame.locator("details:not([open])").count() == 0
    for button in await chat.frame.get_by_role("button").all():
        assert not await button.is_visible()
    assert (
        await chat.frame.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    )
