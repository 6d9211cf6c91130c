"""Make the README's pictures of the report's page: `python -m tests.page.pictures`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
from mcp import Client
from playwright.async_api import Browser, async_playwright

from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.config import Settings
from audiences_mcp.demo import LIST
from audiences_mcp.server import build_server
from tests.page.conftest import ALL, CHROMIUM, SHOWS_PAGES, Chat

PICTURES = Path(__file__).parents[2] / "pictures"
WIDTH = 860
NOW = datetime(2026, 11, 25, 10, 20, tzinfo=UTC)
# From the heading at its top to the one that is no longer on it.
PARTS: Mapping[str, tuple[str, str, str]] = {
    "light": ("h1", "Damaged by a spreadsheet", "report-light.png"),
    "dark": ("Countries", "", "report-dark.png"),
}


async def _take(browser: Browser, client: Client, theme: str) -> None:
    first, last, name = PARTS[theme]
    page = await browser.new_page(viewport={"width": WIDTH, "height": 4_000})
    await page.clock.set_fixed_time(NOW)
    chat = Chat(page, client)
    await chat.open(ALL, {"theme": theme, "timeZone": "Europe/London"})
    await chat.ask("check_contacts", csv_text=LIST)
    await page.wait_for_function("chat.frame.clientHeight > 1_000")  # it has grown with the report
    await chat.frame.get_by_label("Name of the audience").fill("Spring offer")
    await chat.frame.get_by_label("agreed to it").check()
    await chat.frame.evaluate("document.activeElement.blur()")
    top = chat.frame.locator("h1") if first == "h1" else chat.frame.get_by_role("heading", name=first)
    begins = ((await top.bounding_box()) or {"y": 0})["y"]
    box = await chat.frame.get_by_role("heading", name=last).bounding_box() if last else None
    ends = box["y"] if box else await page.evaluate("chat.frame.clientHeight")
    clip = {"x": 0, "y": max(0, begins - 16), "width": WIDTH, "height": ends - begins + (4 if box else 16)}
    await page.screenshot(path=PICTURES / name, clip=clip)  # type: ignore[arg-type] # a dict is one
    await page.close()


async def main() -> None:
    """Take both pictures of the demo's list, as a chat shows it."""
    with serve() as url:
        async with (
            Client(build_server(Settings(api_key="sk_pictures", api_url=url)), extensions=[SHOWS_PAGES]) as client,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            PICTURES.mkdir(exist_ok=True)
            for theme in PARTS:
                await _take(browser, client, theme)
            await browser.close()


if __name__ == "__main__":
    anyio.run(main)
