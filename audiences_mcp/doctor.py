"""`audiences-mcp doctor`: whether everything that the server needs is there, and what to tell a client to start it."""

import os
import platform
import signal
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, time
from typing import Literal

import anyio
from mcp import Client, MCPError, StdioServerParameters
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audiences_mcp import __version__
from audiences_mcp.app import App, running_app
from audiences_mcp.atoms.client import AtomsClient
from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.clients import KEY_VARIABLE, PLACEHOLDER, Start, configurations
from audiences_mcp.config import Settings, folders_apart, is_set
from audiences_mcp.contacts.regions import region_code
from audiences_mcp.errors import AudiencesError, NotConfigured
from audiences_mcp.round_trip import NUMBERS, Step, round_trip
from audiences_mcp.text import line, several

Status = Literal["ok", "note", "FAILED"]

_STYLES: dict[Status, str] = {"ok": "green", "note": "yellow", "FAILED": "bold red"}
_WIDTH_OF_A_FILE = 120  # columns where the report goes into a file or a program
_PATIENCE = 30.0  # seconds for one check
_OLD_DAYS = 180  # numbering plans change every month somewhere
_SECRETS = ("api_key", "http_token", "state_url")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: `note` is no fault, as a setting that is not set."""

    status: Status
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Setting:
    """A field of the settings.

    Args:
        field: Its name.
        variables: What sets it; the first that is set counts.
        flag: What sets it on the command line.
        for_team: Whether it is for a server over HTTP, which no client starts.
    """

    field: str
    variables: Sequence[str]
    flag: str = ""
    for_team: bool = False

    def shown(self, settings: Settings) -> str:
        """Return its value as text; of a secret, only that it is there."""
        value = getattr(settings, self.field)
        if self.field in _SECRETS:
            return f"set, {len(value)} characters" if value else "not set"
        if isinstance(value, tuple):
            return ", ".join(map(str, value)) or "not set"
        return ("on" if value else "off") if isinstance(value, bool) else str(value or "not set")

    def source(self, environment: Mapping[str, str], options: Namespace) -> str:
        """Return where its value comes from."""
        flags = [self.flag] if self.flag and getattr(options, self.flag.removeprefix("--").replace("-", "_")) else []
        variables = [name for name in self.variables if self._says(environment.get(name, ""))][:1]
        return " and ".join([*flags, *variables]) or "default"

    def _says(self, value: str) -> bool:
        return any(map(is_set, folders_apart(value) if self.field == "folders" else [value]))


_SETTINGS = (
    _Setting("api_key", [KEY_VARIABLE, "ATOMS_API_KEY"]),
    _Setting("api_url", ["ATOMS_API_URL"]),
    _Setting("sandbox", ["AUDIENCES_MCP_SANDBOX"], "--sandbox"),
    _Setting("folders", ["AUDIENCES_MCP_FOLDERS"], "--folder"),
    _Setting("default_region", ["AUDIENCES_MCP_DEFAULT_REGION"]),
    _Setting("suppression_file", ["AUDIENCES_MCP_SUPPRESSION_FILE"]),
    _Setting("read_only", ["AUDIENCES_MCP_READ_ONLY"], "--read-only"),
    _Setting("mask_numbers", ["AUDIENCES_MCP_MASK_NUMBERS"]),
    _Setting("audit_log", ["AUDIENCES_MCP_AUDIT_LOG"]),
    _Setting("state_url", ["AUDIENCES_MCP_STATE_URL"], for_team=True),
    _Setting("http_token", ["AUDIENCES_MCP_HTTP_TOKEN"], for_team=True),
    _Setting("http_hosts", ["AUDIENCES_MCP_HTTP_HOSTS"], for_team=True),
)


def run(options: Namespace, settings_of: Callable[[Namespace], Settings]) -> int:
    """Look at everything, print what is found, and return 0 only if nothing is amiss.

    Args:
        options: `sandbox`, `read_only`, `folder`, `round_trip` and `yes` as the command line has them.
        settings_of: Reads the settings; what is wrong with them is a finding like others.
    """
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # an old console may lack a letter
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    try:
        settings = settings_of(options)
    except NotConfigured as error:
        console.print(_report([Line("FAILED", "settings", str(error))]))
        return 1
    if options.round_trip:
        return _exit_code(_round_trip(options, settings, console))
    start = _start(settings)
    console.print(_settings_table(settings, options))
    lines = anyio.run(_looked_at, settings, start, console)
    console.print(_clients(start), soft_wrap=True)
    return _exit_code(lines)


def _exit_code(lines: Sequence[Line]) -> int:
    return 1 if any(each.status == "FAILED" for each in lines) else 0


# --- what is looked at ---------------------------------------------------------------------------------------------


async def _looked_at(settings: Settings, start: Start, console: Console) -> list[Line]:
    """Look at one thing after the other, and tell each as soon as it is known."""
    lines = _shared_state(settings)
    for each in lines:
        console.print(_report([each]))
    # The rest is looked at without what is amiss.
    async with running_app(replace(settings, state_url=None) if lines else settings) as app:
        async for each in _everything(app, start):
            console.print(_report([each]))
            lines.append(each)
    return lines


def _shared_state(settings: Settings) -> list[Line]:
    """Tell why a team's server would not start, should that be for what its processes share."""
    try:
        App(replace(settings, shared=True))
    except NotConfigured as error:
        return [Line("FAILED", "shared state", str(error))]
    return []


async def _everything(app: App, start: Start) -> AsyncIterator[Line]:
    for each in _versions():
        yield each
    checks: list[tuple[str, Callable[[], Awaitable[Line]]]] = [
        ("Atoms", partial(_atoms, app)),
        *(("folder", partial(_folder, folder)) for folder in app.settings.folders),
        ("default region", partial(_region, app)),
        ("suppression file", partial(_suppression, app)),
        (_state_of(app), partial(_state, app)),
        ("audit log", partial(_audit_log, app)),
        ("sandbox", partial(_sandbox, app)),
        ("server", partial(_server, start)),
    ]
    if not app.settings.folders:
        yield Line("note", "folders", "None is set, so no files are read: set AUDIENCES_MCP_FOLDERS, or --folder PATH.")
    for subject, check in checks:
        yield await _guarded(subject, check)


async def _guarded(subject: str, check: Callable[[], Awaitable[Line]]) -> Line:
    """Make a finding of whatever goes wrong."""
    try:
        with anyio.fail_after(_PATIENCE):
            return await check()
    except AudiencesError as error:
        return Line("FAILED", subject, str(error))
    except TimeoutError:
        return Line("FAILED", subject, f"No answer within {_PATIENCE:.0f} seconds. Try again, and check the network.")
    except (OSError, ExceptionGroup) as error:  # the text of others' errors may hold anything
        return Line("FAILED", subject, f"It does not work ({type(error).__name__}): install audiences-mcp anew.")


def _versions() -> Iterator[Line]:
    names = ("mcp", "httpx", "phonenumbers")
    found = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])
    yield Line("ok", "versions", f"audiences-mcp {__version__}, {found}.")
    origin = (spec := find_spec("phonenumbers")) and spec.origin
    days = int((time() - Path(origin).stat().st_mtime) / 86_400) if origin else 0
    if days > _OLD_DAYS:
        detail = f"Installed {days} days ago: numbering plans have changed since. Upgrade the package phonenumbers."
        yield Line("note", "numbering plans", detail)
    else:
        yield Line("ok", "numbering plans", f"Installed {several(days, 'day')} ago.")


async def _atoms(app: App) -> Line:
    if app.settings.sandbox:
        return Line("note", "Atoms", "The embedded sandbox is used instead; nobody is called.")
    if not app.has_key:
        return Line("note", "Atoms", f"No key is set, so lists can be checked and nothing else. Set {KEY_VARIABLE}.")
    client, started = await app.client(), monotonic()
    found = await client.list_audiences()
    took = f"{monotonic() - started:.1f} s"
    return Line("ok", "Atoms", f"Reached, and the key is accepted: {several(len(found), 'audience')}, in {took}.")


async def _folder(folder: Path) -> Line:
    shown = line(str(folder), 200)
    try:
        names = os.listdir(folder)  # noqa: PTH208 - what is tried is whether it may be listed
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        return Line("FAILED", "folder", f"{shown} cannot be read ({reason}): mend that, or leave it out.")
    return Line("ok", "folder", f"{shown} is readable, with {several(len(names), 'entry', 'entries')}.")


async def _region(app: App) -> Line:
    written = app.settings.default_region
    if not written:
        return Line("note", "default region", "Not set: the person is asked where it matters.")
    return Line("ok", "default region", f"{region_code(written)}.")


async def _suppression(app: App) -> Line:
    known = await app.suppression_list()
    if known is None:
        return Line("note", "suppression file", "None is set.")
    return Line("ok", "suppression file", f"Readable, with {several(len(known), 'number')}.")


def _state_of(app: App) -> str:
    return "shared state" if app.settings.state_url else "state folder"


async def _state(app: App) -> Line:
    await app.journal.keep("", [])  # nothing, under a name that no commit has
    if app.journal.trouble:
        mend = "" if app.settings.state_url else " Let this user write there."
        return Line("FAILED", _state_of(app), app.journal.trouble + mend)
    return Line("ok", _state_of(app), "Writable: what is sent is known again after a restart.")


async def _audit_log(app: App) -> Line:
    if app.settings.audit_log is None:
        return Line("note", "audit log", "None is kept.")
    await app.audit_log.must_be_writable()
    return Line("ok", "audit log", "Writable.")


async def _sandbox(app: App) -> Line:
    if app.settings.sandbox:  # with the data that it keeps
        await (await app.client()).list_audiences()
        return Line("ok", "sandbox", "Starts and answers.")
    with serve() as url:
        client = AtomsClient(url, "sk_doctor")
        await client.list_audiences()
        await client.aclose()
    return Line("ok", "sandbox", "Starts and answers.")


async def _server(start: Start) -> Line:
    """Start it as a client does, with the settings of this environment."""
    started = monotonic()
    server = StdioServerParameters(command=start.command, args=[*start.args], env=dict(os.environ))
    try:
        async with Client(server, mode="legacy") as client:
            tools = (await client.list_tools()).tools
    except (MCPError, ExceptionGroup):
        return Line(
            "FAILED", "server", "It ended before it answered. What it said stands on standard error: mend that."
        )
    took = f"{monotonic() - started:.1f} s"
    return Line("ok", "server", f"Starts over stdio and lists {several(len(tools), 'tool')}, in {took}.")


# --- the round trip ------------------------------------------------------------------------------------------------


def _round_trip(options: Namespace, settings: Settings, console: Console) -> list[Line]:
    """Ask, make the trip and tell each step as it is done; a signal ends it, and what was made is deleted all the same."""
    lines: list[Line] = []

    def tell(*told: Line) -> None:
        console.print(_report(told))
        lines.extend(told)

    # Ended as by the keyboard, which lets the trip delete what it made; of that a shell's background jobs hear nothing.
    keyboard = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        _may_go(options, settings)
        with serve() if settings.sandbox else nullcontext(settings.api_url) as url:
            app = App(settings)
            anyio.run(round_trip, url, app.key, app.audit_log, lambda step: tell(*_lines_of(step)))
    except AudiencesError as error:
        tell(Line("FAILED", "round trip", str(error)))
    except KeyboardInterrupt:
        tell(Line("FAILED", "round trip", "It was interrupted."))
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, keyboard)
    return lines


def _may_go(options: Namespace, settings: Settings) -> None:
    """Refuse the trip unless there is a key, the mode allows it and the person agrees."""
    if settings.read_only:
        raise NotConfigured("Read-only mode is on, so nothing was made: start it without.")
    if not (settings.sandbox or settings.api_key):
        raise NotConfigured(f"No key is set, so nothing was made: set {KEY_VARIABLE}.")
    where = "in the embedded sandbox" if settings.sandbox else f"at {settings.api_url}"
    question = f"This makes an audience of a fictional number ({NUMBERS[0]}) {where}, changes it and deletes it."
    if not (options.yes or _agrees(question)):
        raise NotConfigured("Nothing was made: answer y, or pass --yes.")


def _agrees(question: str) -> bool:
    try:
        return input(f"{question} Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:  # nobody is there
        sys.stdout.write("\n")
        return False


def _lines_of(step: Step) -> list[Line]:
    found = [Line("FAILED", step.title, line(text, 400)) for text in step.differences]
    harmless = [Line("note", step.title, f"{text}; it does no harm.") for text in step.remarks]
    return [*(found or [Line("ok", step.title, "As published.")]), *harmless]


# --- what is printed -----------------------------------------------------------------------------------------------


def _start(settings: Settings) -> Start:
    """Return how a client starts the server with these settings; it knows nothing of this terminal's environment."""
    program = Path(sys.executable).with_name("audiences-mcp.exe" if os.name == "nt" else "audiences-mcp")
    command = [str(program)] if program.exists() else [sys.executable, "-m", "audiences_mcp"]
    flags = [flag for flag, on in (("--sandbox", settings.sandbox), ("--read-only", settings.read_only)) if on]
    folders = [part for folder in settings.folders for part in ("--folder", str(folder))]
    env = {} if settings.sandbox else {KEY_VARIABLE: PLACEHOLDER}
    default = Settings()
    for each in _SETTINGS:
        changed = getattr(settings, each.field) != getattr(default, each.field)
        if changed and not (each.flag or each.for_team or each.field in _SECRETS):
            env[each.variables[0]] = each.shown(settings)
    return Start(command[0], [*command[1:], *flags, *folders], env)


def _settings_table(settings: Settings, options: Namespace) -> RenderableType:
    table = Table(
        title="Settings", title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for head in ("setting", "value", "from"):
        table.add_column(head, header_style="dim", overflow="fold")
    for each in _SETTINGS:
        shown = Text(line(each.shown(settings), 400))
        table.add_row(Text(each.variables[0]), shown, Text(each.source(os.environ, options)))
    return Padding(table, (0, 0, 1, 0))


def _report(lines: Sequence[Line]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=6)
    table.add_column(width=28, overflow="fold")
    table.add_column(overflow="fold")
    for each in lines:
        table.add_row(Text(each.status, style=_STYLES[each.status]), Text(each.subject), Text(each.detail))
    return table


def _clients(start: Start) -> RenderableType:
    parts: list[RenderableType] = [Text(f"\nFor your client; put the key where {PLACEHOLDER} stands", style="bold")]
    for each in configurations(start):
        parts.append(Text(""))
        parts += [Text.assemble((name, "bold"), f": {place.replace('`', '')}") for name, place in each.places.items()]
        parts.append(Text(each.text))
        parts += [Text(f"With one click, opened in a browser: {link}") for link in each.links.values()]
    return Group(*parts)
