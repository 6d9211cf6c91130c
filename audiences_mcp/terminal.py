"""`audiences-mcp check FILE`: the report of a check in the terminal, for people and for programs."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import anyio
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from audiences_mcp import calls
from audiences_mcp.app import running_app
from audiences_mcp.checking import Request, check_list, read_table
from audiences_mcp.config import Settings
from audiences_mcp.contacts.columns import free_name
from audiences_mcp.contacts.guarding import unguarded, write_rows
from audiences_mcp.contacts.reasons import Status
from audiences_mcp.contacts.report import listed
from audiences_mcp.contacts.tables import REPORT_COLUMNS
from audiences_mcp.contacts.tables import Table as ContactTable
from audiences_mcp.errors import InvalidInput
from audiences_mcp.folders import write_new
from audiences_mcp.masking import masked, text_masked
from audiences_mcp.models import CheckReport
from audiences_mcp.page import page_with
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import several

_LONG_LIST = 5_000  # rows from which on a bar shows how far it is
_ARGUMENTS = ("only_where", "region_column", "bare_digits", "keep_columns", "column_mapping", "take_first_number")
_WIDTH_OF_A_FILE = 120  # columns where the report goes into a file or a program


def run(options: Namespace, settings: Settings) -> int:
    """Check a file, print the report and return 1 when rows are refused, else 0.

    Args:
        options: `file`, `region`, `phone_column`, `sheet`, `json`, `rejected`, `html`, `mask` as the command line has them.
        settings: What the environment says; its folders do not matter, since the person names the file.

    Raises:
        AudiencesError: The file, an option or a setting cannot be used.
    """
    path = Path(options.file).absolute()
    rejected, page = _new_file(options.rejected), _new_file(options.html)
    if rejected and page and rejected.absolute() == page.absolute():
        raise InvalidInput("--rejected and --html name the same file: name two.")
    request = Request(
        file_path=str(path), default_region=options.region, phone_columns=options.phone_column, sheet=options.sheet
    )
    allowed = replace(settings, folders=(path.resolve().parent,))
    stored, table = anyio.run(_checked, request, allowed)
    if rejected:
        _write_rejected(rejected, stored, table)
    if page:
        html = page_with(stored.report, list(map(listed, stored.rows)), path.name, mask=options.mask)
        _write(page, html.encode())
    report, name = (masked(stored.report), text_masked(path.name)) if options.mask else (stored.report, path.name)
    if options.json:
        sys.stdout.write(report.model_dump_json(indent=2, exclude_none=True) + "\n")
    else:
        width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
        files = {several(report.counts.invalid, "refused row"): rejected, "The report as a page": page}
        Console(highlight=False, width=width).print(_report(report, name, files))
    return 1 if report.counts.invalid else 0


def _new_file(name: str | None) -> Path | None:
    """Return the path of a file that is to be written, and is not there yet."""
    path = Path(name) if name else None
    if path and path.exists():
        raise InvalidInput(f"{path} exists already, and nothing is overwritten: name a new file.")
    return path


async def _checked(request: Request, settings: Settings) -> tuple[StoredCheck, ContactTable]:
    async with running_app(settings) as held:
        with _bar() as progress:
            table = await read_table(held, request, progress)
            return await check_list(held, request, table, progress), table


@contextmanager
def _bar() -> Iterator[calls.Progress]:
    """Show how far a long list is, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("Checking", visible=False)

        async def tell(done: float, total: float | None, _: str | None) -> None:
            shown.update(task, completed=done, total=total, visible=(total or 0) >= _LONG_LIST)

        yield tell


# --- the report ----------------------------------------------------------------------------------------------------


def _report(report: CheckReport, name: str, files: Mapping[str, Path | None]) -> RenderableType:
    parts: list[RenderableType] = [Text(f"{name}: {report.summary}", style="bold")]
    if report.sample:
        heads = ("row", "you wrote", "will be dialled", "country", "line type")
        rows = [
            (str(row.row), row.value, row.phone_number, row.region, row.line_type.replace("_", " "))
            for row in report.sample
        ]
        parts.append(_table(f"A sample of the {report.counts.ready:,} ready", "green", heads, rows))
    if report.problems:
        parts += _problems(report)
    parts += [Padding(_facts(report), (1, 0, 0, 0))]
    parts += [Text(f"! {warning}", style="yellow") for warning in report.warnings]
    said = " ".join([*report.warnings, *(problem.hint for problem in report.problems)])
    if any(name in said for name in _ARGUMENTS):
        parts.append(Text(f"{', '.join(_ARGUMENTS)}: set by the agent, as arguments of check_contacts.", style="dim"))
    parts += [Text(f"{what} written to {path}.") for what, path in files.items() if path]
    return Group(*parts)


def _problems(report: CheckReport) -> list[RenderableType]:
    """Return the rows that will not be called, and what to do about them, each thing once."""
    rows = [
        (str(problem.row), problem.label, problem.value, problem.reason.replace("_", " "))
        for problem in report.problems
    ]
    hidden = sum(reason.count for reason in report.by_reason) - len(rows)
    title = f"Not called, {len(rows)} of {len(rows) + hidden:,}" if hidden else "Not called"
    mends = dict.fromkeys((problem.reason.replace("_", " "), problem.hint) for problem in report.problems)
    return [
        _table(title, "red", ("row", "who", "you wrote", "reason"), rows),
        _table("What to do", "red", ("reason", "what to do"), [*mends]),
    ]


def _table(title: str, style: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    table = Table(title=title, title_justify="left", title_style=style, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, justify="right" if head == "row" else "left", header_style="dim", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as it is: a cell may hold what rich takes for its markup
    return Padding(table, (1, 0, 0, 0))


def _facts(report: CheckReport) -> Table:
    hours = report.calling_hours_now
    facts = {
        "left out": ", ".join(f"{each.reason.replace('_', ' ')} {each.count:,}" for each in report.by_reason),
        "phone column": ", ".join(report.phone_columns),
        "region": f"{report.default_region.region} (by {report.default_region.source})"
        if report.default_region.region
        else "",
        "countries": ", ".join(f"{each.region} {each.count:,}" for each in report.by_country),
        "line types": ", ".join(f"{each.line_type.replace('_', ' ')} {each.count:,}" for each in report.by_line_type),
        "calling hours now": f"inside 08:00-21:00 local time {hours.inside:,}, outside {hours.outside:,}, unknown "
        f"{hours.unknown:,}",
        "call variables": ", ".join(column.name for column in report.columns[1:]),
        "audiences needed": str(report.audiences_needed) if report.audiences_needed > 1 else "",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, fact in facts.items():
        if fact:
            table.add_row(Text(name, style="dim"), Text(fact))
    return table


# --- the refused rows ----------------------------------------------------------------------------------------------


def _write_rejected(path: Path, stored: StoredCheck, table: ContactTable) -> None:
    """Write the refused rows as they were, with why and what to do, so that they can be mended and checked again."""
    refused = [
        (row, checked)
        for row, checked in zip(table.rows, stored.check.rows, strict=True)
        if checked.status is Status.INVALID
    ]
    surplus = max((len(row.surplus) for row, _ in refused), default=0)
    taken = dict.fromkeys(table.headers, 1)
    added = [free_name(name, taken) for name in (*["more"] * surplus, *REPORT_COLUMNS)]
    rows = (
        [
            *map(unguarded, row.cells),
            *map(unguarded, row.surplus),
            *[""] * (surplus - len(row.surplus)),
            str(row.number),
            checked.reason or "",
            checked.hint,
        ]
        for row, checked in refused
    )
    # Excel takes a file for UTF-8 only when it begins with the mark.
    text = StringIO(newline="")
    write_rows(text, [*table.headers, *added], rows)
    _write(path, text.getvalue().encode("utf-8-sig"))


def _write(path: Path, content: bytes) -> None:
    """Write a new file, whole or not at all, that only its owner may read."""
    try:
        write_new(path, content)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from None
