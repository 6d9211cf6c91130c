"""A browser, a chat that shows the page in it, and a server behind the chat."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import CallToolResult, TextResourceContents
from playwright.async_api import Browser, Frame, Page, async_playwright, expect

from audiences_mcp import server
from audiences_mcp.config import Settings
from audiences_mcp.page import PAGE
from audiences_mcp.server import build_server
from audiences_mcp.tools import build_tools

CHAT = Path(__file__).with_name("chat.html")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOWS_PAGES = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})

_LONGEST = 60
"""Seconds after which what has not happened never will."""

expect.set_options(timeout=_LONGEST * 1_000)

ALL: dict[str, Any] = {"serverTools": {}, "message": {}, "downloadFile": {}, "updateModelContext": {}}
"""What a chat can be able to do for a page."""

# When an answer arrives, and when what it draws is on the screen: after the frame that it is drawn in.
_STOPWATCH = """\
window.watch = () => {
  window.painted = new Promise((resolve) => window.addEventListener("message", function look({ data }) {
    if (data?.method !== "ui/notifications/tool-result") return;
    window.removeEventListener("message", look);
    const arrived = performance.now();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - arrived)));
  }));
};
"""


class Chat:
    """A chat with the page in it.

    Args:
        page: The browser's page that holds the chat.
        client: The chat's connection to the server.
    """

    def __init__(self, page: Page, client: Client) -> None:
        self.page = page
        self.client = client
        self.requests: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._given: list[dict[str, Any]] = []

    async def open(self, capabilities: dict[str, Any], context: dict[str, Any]) -> None:
        """Show the page, as the server has it."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        await self.page.expose_function("callTool", self._call)
        await self.page.add_init_script(_STOPWATCH)
        self._given = [capabilities, context]
        await self.begin_anew()

    async def begin_anew(self) -> None:
        """Show the page as one that has shown nothing yet."""
        await self.page.goto(CHAT.as_uri())
        (content,) = (await self.client.read_resource(PAGE)).contents
        assert isinstance(content, TextResourceContents)
        await self.page.evaluate("(given) => chat.open(...given)", [content.text, *self._given])
        await self.page.wait_for_function("chat.ready")

    async def _call(self, tool: str, arguments: str) -> str:
        self.calls.append((tool, json.loads(arguments)))
        return _wire(await self.client.call_tool(tool, json.loads(arguments)))

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, as a model does, show its answer as the page and return it."""
        result = await self.client.call_tool(tool, arguments)
        await self.show(json.loads(_wire(result)))
        return result.structured_content or {}

    async def show(self, answer: dict[str, Any]) -> float:
        """Show any answer and return after how many milliseconds it was on the screen."""
        await self.frame.evaluate("window.watch()")
        await self.tell("ui/notifications/tool-result", answer)
        with anyio.fail_after(_LONGEST):
            return float(await self.frame.evaluate("window.painted"))

    async def until(self, condition: str) -> None:
        """Wait until something is so in the page, whose policy lets nobody else's code in."""
        look = f"new Promise((done) => {{ const look = () => {condition} ? done() : setTimeout(look, 5); look(); }})"
        with anyio.fail_after(_LONGEST):
            await self.frame.evaluate(look)

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        """Tell the page something."""
        await self.page.evaluate("([method, params]) => chat.tell(method, params)", [method, params])

    async def refuse(self, method: str, why: str) -> None:
        """Refuse what the page asks from now on."""
        await self.page.evaluate("([method, why]) => { chat.refuses[method] = why }", [method, why])

    @property
    def frame(self) -> Frame:
        """The page itself."""
        return self.page.frames[1]

    async def said(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of what the page said, once it has; its frame is a process of its own."""
        await self.page.wait_for_function("(method) => chat.said.some((each) => each.method === method)", arg=method)
        found: list[dict[str, Any]] = await self.page.evaluate(
            "(method) => chat.said.filter((each) => each.method === method).map((each) => each.params)", method
        )
        return found

    async def text(self, selector: str = "#page") -> str:
        """Return what is seen."""
        return " ".join((await self.frame.locator(selector).inner_text()).split())


def _wire(result: CallToolResult) -> str:
    return result.model_dump_json(by_alias=True, exclude_none=True)


async def findings(frame: Frame | Page) -> list[str]:
    """Return what an automatic accessibility check finds fault with."""
    await frame.evaluate(AXE_SCRIPT)
    found = await frame.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.fixture(autouse=True)
def _tools_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definitions, which hold nothing, take longer to make than most calls."""
    monkeypatch.setattr(server, "build_tools", _tools)


_tools = cache(build_tools)
NewChat = Callable[..., AbstractAsyncContextManager[Chat]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine, so the page was not looked at")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[Page]:
    """An empty page of the browser, in which nothing may go wrong unseen."""
    errors: list[str] = []
    page = await browser.new_page(viewport={"width": 800, "height": 900}, timezone_id="Europe/Berlin")
    page.set_default_timeout(_LONGEST * 1_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    yield page
    await page.close()
    assert errors == []


@pytest.fixture
def new_chat(window: Page, settings: Settings) -> NewChat:
    """Return how to open a chat: what it can do for the page, what it looks like, how its server is set."""

    @asynccontextmanager
    async def opened(
        capabilities: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        of: Settings | None = None,
    ) -> AsyncIterator[Chat]:
        async with Client(build_server(of or settings), extensions=[SHOWS_PAGES]) as client:
            chat = Chat(window, client)
            await chat.open(ALL if capabilities is None else capabilities, context or {"theme": "light"})
            yield chat

    return opened


@pytest.fixture
async def chat(new_chat: NewChat) -> AsyncIterator[Chat]:
    """A chat that can do everything for the page."""
    async with new_chat() as opened:
        yield opened
