"""The page is there at once: after the demo's list, and after the largest report that there is."""

import sys
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

import phonenumbers  # noqa: TID251 - examples of numbers
import pytest
from playwright.async_api import Page, expect

from audiences_mcp.config import Settings
from audiences_mcp.demo import LIST
from audiences_mcp.models import CheckReport, ListedRow
from audiences_mcp.page import MAX_ROWS_INSIDE, page_with
from tests.page.conftest import Chat, NewChat

pytestmark = pytest.mark.anyio

Capture = pytest.CaptureFixture[str]

ROWS = 200_000
# More countries, most of one time zone, than a report names.
COUNTRIES = (
    "GB FR DE IT ES NL SE NO DK FI PL CZ HU RO BG GR TR IL AE SA IN PK BD LK NP TH VN PH MY SG JP KR TW NZ ZA KE NG EG MA AR "
    "CO PE BE CH AT IE PT"
)


def _list_of(rows: int) -> str:
    """A list whose report is as long as a report can be."""
    examples = [
        phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        for region in COUNTRIES.split()
    ]
    stems = cycle(
        [phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164)[:-4] for each in examples if each]
    )
    bad = cycle(["", "call me", "9.05321E+11", "+1 415 555 2671 ext 12", "112", "2025550123", "4792345678", "12"])
    lines = [",".join(["name", "phone", *(f"column_number_{n}" for n in range(6))])]
    for n in range(rows):
        number = next(bad) if n % 2 else f"{next(stems)}{n // 2 // len(COUNTRIES.split()):04}"
        lines.append(f"Somebody with a long name {n},{number},a,b,,d,e,{n}")
    return "\n".join(lines) + "\n"


async def _shown_first(chat: Chat, name: str, out: Capture, **arguments: str) -> tuple[dict[str, Any], float]:
    """Show a report on a page that has shown none yet, and print after how many milliseconds it is painted."""
    result = await chat.client.call_tool("check_contacts", arguments)
    took = await chat.show({"content": [], "structuredContent": result.structured_content})
    size = len(getattr(result.content[0], "text", ""))
    with out.disabled():
        sys.stdout.write(f"\nfrom the result to the painted page, {name} ({size:,} characters): {took:.0f} ms\n")
    return result.structured_content or {}, took


async def test_the_demos_report_is_painted_within_100_milliseconds(chat: Chat, capsys: Capture) -> None:
    tries = 5  # the page can do it if it has done it once; the rest is a busy machine's
    while (await _shown_first(chat, "the demo's list", capsys, csv_text=LIST))[1] >= 100:
        tries -= 1
        assert tries
        await chat.begin_anew()


@pytest.mark.long
async def test_the_largest_report_of_200_000_rows_is_painted_within_300_milliseconds_and_can_be_searched(
    new_chat: NewChat, settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "large.csv").write_text(_list_of(ROWS), encoding="utf-8")
    async with new_chat(of=replace(settings, folders=(tmp_path,))) as chat:
        report, took = await _shown_first(chat, "200,000 rows", capsys, file_path="large.csv")

        assert report["counts"]["rows"] == ROWS
        assert report["counts"]["ready"] > 50_000
        assert len(report["by_country"]) == 41  # forty, and the others
        assert took < 300
        await chat.frame.get_by_label("Find a row").fill("long name 199999")
        began = perf_counter()
        await chat.frame.get_by_role("button", name="Search").click()
        await expect(chat.frame.get_by_role("table", name="Rows that match").locator("tbody tr")).to_have_count(1)
        assert perf_counter() - began < 5


@pytest.mark.long
async def test_a_file_of_many_rows_holds_those_that_are_left_out_first_and_says_so(
    chat: Chat, window: Page, tmp_path: Path
) -> None:
    many = 20_000
    report = CheckReport.model_validate(await chat.ask("check_contacts", csv_text=LIST))
    counts = report.counts.model_copy(update={"rows": many, "ready": many - 1_500, "invalid": 1_500})
    rows = [
        ListedRow(row=n, label=f"N{n}", value="x", status="invalid" if n > many - 1_500 else "ready")
        for n in range(1, many + 1)
    ]
    path = tmp_path / "large.html"
    path.write_text(page_with(report.model_copy(update={"counts": counts}), rows, "large.csv"), encoding="utf-8")

    await window.goto(path.as_uri())
    inside = await window.evaluate("JSON.parse(document.getElementById('given').textContent).rows")
    assert len(inside) == MAX_ROWS_INSIDE
    assert sum(row["status"] == "invalid" for row in inside) == 1_500
    await expect(window.get_by_text("This file holds 2,000 of the 20,000 rows")).to_be_visible()
    await window.get_by_label("Find a row").fill(f"N{many}")
    await window.get_by_role("button", name="Search").click()
    await expect(window.get_by_role("table", name="Rows that match").locator("tbody tr")).to_have_count(1)
