"""One check, whole: the list and its options in, a stored check with its report out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from time import monotonic
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from audiences_mcp import collector
from audiences_mcp.app import App
from audiences_mcp.audiences import (
    active_campaigns,
    audience_columns,
    barred,
    find_audience,
    known_members,
    misfit,
    named,
)
from audiences_mcp.calls import Progress, own_work
from audiences_mcp.contacts import report
from audiences_mcp.contacts.cautions import (
    Objection,
    country_warnings,
    extension_warnings,
    filter_warnings,
    header_warnings,
    objections,
    unwilling_headers,
    variable_warnings,
    without_mends,
)
from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.columns import is_variable_name
from audiences_mcp.contacts.fit import fit_columns
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.phones import BareDigits
from audiences_mcp.contacts.regions import region_code
from audiences_mcp.contacts.sources import (
    TypedContact,
    table_from_contacts,
    table_from_csv,
    table_from_file,
)
from audiences_mcp.contacts.tables import Table, Tick, is_invented
from audiences_mcp.errors import InvalidInput, NotConfigured
from audiences_mcp.members import OF_DO_NOT_CALL, read_members, table_of, telling
from audiences_mcp.models import MAX_MEMBERS, MAX_PROBLEMS, AudienceInfo, CheckReport, Contact, DefaultRegion, Member
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.state.shelf import Shelf
from audiences_mcp.text import line, several

_PROGRESS_SECONDS = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What `check_contacts` was asked; each field as the argument of the same name says."""

    contacts: Sequence[Contact] | None = None
    file_path: str | None = None
    csv_text: str | None = None
    from_audiences: Sequence[str] | None = None
    default_region: str | None = None
    bare_digits: BareDigits | None = None
    phone_columns: Sequence[str] = ()
    take_first_number: bool = False
    only_where: Mapping[str, Any] = field(default_factory=dict)
    region_column: str | None = None
    keep_columns: Sequence[str] | None = None
    column_mapping: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    exclude_audiences: Sequence[str] = ()
    add_to_audience_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """The audience that a list is meant for."""

    audience: AudienceInfo
    members: Sequence[Member]
    known: KnownNumbers


@dataclass(frozen=True, slots=True)
class _Checked:
    """A list that was checked, and what it was compared with: all that its report is made of."""

    table: Table
    options: Options
    check: Check
    known: KnownLists
    against: Sequence[Objection]
    target: _Target | None
    trouble: str


async def run_check(app: App, request: Request, progress: Progress) -> StoredCheck:
    """Read a list, check it and keep the check; see `read_table` and `check_list`."""
    return await check_list(app, request, await read_table(app, request, progress), progress)


async def check_list(app: App, request: Request, table: Table, progress: Progress) -> StoredCheck:
    """Check a list and keep the check.

    Args:
        app: The server process.
        request: How the list is to be read.
        table: The list.
        progress: Where to tell how far it is.

    Raises:
        InvalidInput: The list or an option cannot be used; says which.
        NotConfigured: The suppression file cannot be read.
        AtomsError: An audience that is needed could not be read.
    """
    default_region = default_region_of(app, request.default_region)
    options = _options(request, default_region.region)
    target = await _target(app, request, progress)
    do_not_call, trouble = await app.do_not_call(telling(progress, OF_DO_NOT_CALL), anew=True)
    known = KnownLists(
        do_not_call=do_not_call,
        suppression_list=await app.suppression_list(),
        excluded_audience=await _excluded(app, request, progress),
        already_member=target.known if target else None,
    )
    checked = await in_thread(partial(check_table, table, options, known), progress)
    against = await in_thread(lambda _: objections(table, checked, options.only_where), progress)
    found = _Checked(table, options, without_mends(checked, against), known, against, target, trouble)
    told = await in_thread(lambda _: _report(app, found, default_region), progress)
    stored = StoredCheck(told.check_id, found.check, told, objecting=sum(each.count for each in against))
    await app.checks.put(told.check_id, stored)
    return stored


def _report(app: App, found: _Checked, default_region: DefaultRegion) -> CheckReport:
    """Return what is told of a check; takes a while for a long list."""
    table, options, check, against = found.table, found.options, found.check, found.against
    countries, headers = country_warnings(table, check, options), unwilling_headers(check)
    warnings = [
        *([found.trouble] if found.trouble else []),
        *known_warnings(found.known),
        *_target_warnings(check, found.target),
        *table.notes,
        *filter_warnings(table, options),
        *headers,
        *(objection.warning for objection in against),
        *countries,
        *header_warnings(table, check, options),
        *extension_warnings(table, check, options),
        *variable_warnings(check),
    ]
    unwilling = table.unwilling or bool(headers)
    # Of a list of such people nobody asks whom of them to leave out.
    out = "" if unwilling else _to_leave_out(against)
    asks = [
        *([f"whether to leave out those who {out}, then check again as the warning says"] if out else []),
        *(["to mend the entries that cannot be compared"] if _lost(found.known) else []),
        *_country_ask(check, options, countries),
    ]
    next_step = _next_step(app, check, found.target, asks, unchecked=bool(found.trouble), unwilling=unwilling)
    return report_of(check, default_region, warnings, next_step)


def _to_leave_out(against: Sequence[Objection]) -> str:
    if any(objection.count for objection in against):
        return "said no"
    return "did not agree" if any(objection.told for objection in against) else ""


def default_region_of(app: App, argument: str | None = None) -> DefaultRegion:
    """Return which region applies and whence; none is ever assumed.

    Raises:
        InvalidInput: The argument names no country.
        NotConfigured: The setting names none.
    """
    for text, source in ((argument, "argument"), (app.settings.default_region, "setting")):
        if text and text.strip():
            try:
                region = region_code(text)
            except InvalidInput as error:
                if source == "argument":
                    raise InvalidInput(f"default_region: {error}") from None
                raise NotConfigured(f"AUDIENCES_MCP_DEFAULT_REGION: {error}") from None
            return DefaultRegion.model_validate({"region": region, "source": source})
    return DefaultRegion(source="none")


def _options(request: Request, region: str | None) -> Options:
    for name in request.column_mapping.values():
        # An audience that exists may have columns of other names.
        plain = line(name) == name != "" if request.add_to_audience_id else is_variable_name(name)
        if not plain:
            raise InvalidInput(
                "column_mapping: a column name in Atoms has letters, digits and underscores only, such as firstName."
            )
    return Options(
        default_region=region,
        bare_digits=request.bare_digits,
        phone_columns=request.phone_columns,
        take_first_number=request.take_first_number,
        only_where={header: _wanted_values(values) for header, values in request.only_where.items()},
        region_column=request.region_column,
        keep_columns=request.keep_columns,
        column_mapping=request.column_mapping,
    )


def _wanted_values(values: Any) -> list[str]:  # noqa: ANN401 - a value or a list of values
    several_values = values if isinstance(values, list) else [values]
    if not all(isinstance(value, str | int | float) for value in several_values):
        raise InvalidInput('only_where takes a text or a list of texts for each header, such as {"Opted in": "yes"}.')
    return [str(value).strip().casefold() for value in several_values]


# --- sources -------------------------------------------------------------------------------------------------------


async def read_table(app: App, request: Request, progress: Progress) -> Table:
    """Return the list of a request as a table, whatever it came in.

    Raises:
        InvalidInput: There is not exactly one source, or it cannot be read; says what to do.
        NotConfigured: It is a file, and no folder is allowed.
        AtomsError: A stored audience could not be read.
    """
    sources = {
        "contacts": request.contacts,
        "file_path": request.file_path,
        "csv_text": request.csv_text,
        "from_audiences": request.from_audiences,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        both = f"; you gave {' and '.join(given)}" if given else ""
        raise InvalidInput(f"Give exactly one source of {', '.join(sources)}{both}.")
    if request.sheet is not None and request.file_path is None:
        raise InvalidInput("sheet names a sheet of an .xlsx file, so it goes with file_path: leave it out.")
    if request.contacts is not None:
        return table_from_contacts([_typed(contact) for contact in request.contacts])
    if request.csv_text is not None:
        return await in_thread(partial(table_from_csv, request.csv_text), progress)
    if (path := request.file_path) is not None:
        return await in_thread(lambda tick: table_from_file(app.folders.read(path), request.sheet, tick), progress)
    if not request.from_audiences:
        raise InvalidInput("from_audiences is empty: give at least one audience_id.")
    stored = await _stored(app, request.from_audiences, progress)
    return await in_thread(lambda _: _table_of(stored), progress)


def _typed(contact: Contact) -> TypedContact:
    variables = {line(name): text for name, text in contact.variables.items()}
    if len(variables) < len(contact.variables):
        raise InvalidInput("Two variables of one contact have the same name: give each a name of its own.")
    return TypedContact(contact.phone_number, contact.first_name, contact.last_name, contact.region, variables)


async def _stored(app: App, audience_ids: Sequence[str], progress: Progress) -> list[tuple[AudienceInfo, list[Member]]]:
    """Return stored audiences with all of their members, and tell how far it is after each."""
    client, found, read = await app.client(), list[tuple[AudienceInfo, list[Member]]](), 0
    for audience_id in dict.fromkeys(audience_ids):
        audience = await client.get_audience(audience_id)
        found.append((audience, await read_members(client, audience_id, progress)))
        read += len(found[-1][1])
        await progress(read, None, f"Read {several(read, 'member')}")
    return found


def _table_of(found: Sequence[tuple[AudienceInfo, list[Member]]]) -> Table:
    """Return the members of stored audiences as one list; a wholly blank row is no row."""
    table = table_of(found)
    by_place = frozenset(filter(is_invented, table.headers))
    shared = [name for name in by_place if sum(name in audience_columns(*stored) for stored in found) > 1]
    note = f"Named by its place alone, so perhaps not the same in each audience: {', '.join(sorted(shared))}."
    rows = [row for row in table.rows if any(map(str.strip, row.cells))]
    if not rows:
        raise InvalidInput("The audiences have no members, so there is no list to check.")
    return replace(table, rows=rows, nameless=by_place, notes=(*table.notes, *([note] if shared else [])))


async def _target(app: App, request: Request, progress: Progress) -> _Target | None:
    if request.add_to_audience_id is None:
        return None
    client = await app.client()
    audience = await find_audience(client, request.add_to_audience_id)
    members = await read_members(client, audience.audience_id, progress)
    return _Target(audience, members, await known_members(audience, members))


async def _excluded(app: App, request: Request, progress: Progress) -> KnownNumbers | None:
    if not request.exclude_audiences:
        return None
    pairs = [
        (member.data.get(audience.phone_column, ""), audience.audience_id)
        for audience, members in await _stored(app, request.exclude_audiences, progress)
        for member in members
    ]
    return await anyio.to_thread.run_sync(KnownNumbers, pairs)


# --- off the event loop --------------------------------------------------------------------------------------------


async def in_thread(work: Callable[[Tick], T], progress: Progress) -> T:
    """Run long work in a thread; tell how far it is at most ten times a second, and stop it when the call is cancelled."""
    told = monotonic()

    def tick(done: int, rows: int) -> None:
        nonlocal told
        anyio.from_thread.check_cancelled()
        if rows and done and monotonic() - told >= _PROGRESS_SECONDS:
            told = monotonic()
            anyio.from_thread.run(progress, done, rows, f"Checked {done:,} of {several(rows, 'row')}")

    with collector.paused(), own_work():
        return await anyio.to_thread.run_sync(work, tick)


# --- the report ----------------------------------------------------------------------------------------------------


def report_of(check: Check, default_region: DefaultRegion, warnings: Sequence[str], next_step: str) -> CheckReport:
    """Return the report of a check, with what only who made the check can tell of it."""
    counts = report.counts_of(check.rows)
    reasons = report.by_reason(check.rows)
    hidden = sum(reason.count for reason in reasons) - MAX_PROBLEMS
    more = [f"{several(hidden, 'problem')} more than shown here: see list_check_rows."] if hidden > 0 else []
    return CheckReport(
        **report.figures(check.rows).model_dump(),
        summary=report.summary(counts),
        check_id=Shelf.new_key(),
        counts=counts,
        by_reason=reasons,
        problems=report.problems(check.rows, MAX_PROBLEMS),
        sample=report.sample(check),
        default_region=default_region,
        phone_columns=list(check.phone_columns),
        columns=report.columns(check),
        dropped_columns=list(check.dropped_columns),
        audiences_needed=ceil(counts.ready / MAX_MEMBERS),
        warnings=[*more, *warnings, *report.warnings(check)],
        next_step=next_step,
    )


def known_warnings(known: KnownLists) -> list[str]:
    """Tell which entries of the lists cannot be compared, or only by their last digits."""
    lists = (
        ("do-not-call list", known.do_not_call),
        ("suppression file", known.suppression_list),
        ("excluded audiences", known.excluded_audience),
        ("audience that the list is for", known.already_member),
    )
    by_ending = [
        f"{several(count, 'stored number')} of the {name} cannot be read as a number; the list was compared with "
        f"{'its' if count == 1 else 'their'} last digits."
        for name, numbers in lists
        if numbers and (count := numbers.unreadable - numbers.lost)
    ]
    lost = [
        f"{several(numbers.lost, 'entry', 'entries')} of the {name} cannot be compared at all, so whoever is meant is not "
        "left out: mend the list."
        for name, numbers in lists
        if numbers and numbers.lost
    ]
    return [*lost, *by_ending]


def _target_warnings(check: Check, target: _Target | None) -> list[str]:
    """Tell what add_contacts would refuse: columns that the audience lacks, and more people than it has room for."""
    if target is None:
        return []
    active = active_campaigns(target.audience)
    calls = f"A campaign uses the audience and may call new people at once: {named(active)}." if active else ""
    room, ready = MAX_MEMBERS - len(target.members), len(check.ready)
    fits = "all fit" if ready <= room else "they do not fit"
    space = f"Room left in the audience: {room:,}; ready: {ready:,}, so {fits}."
    texts = (_misfit(check, target), calls, barred(check.rows, target.known), space)
    return [text for text in texts if text]


def _misfit(check: Check, target: _Target) -> str:
    columns = audience_columns(target.audience, target.members)
    return misfit(check, fit_columns(check, columns, empty=not target.members))


def _lost(known: KnownLists) -> int:
    lists = (known.do_not_call, known.suppression_list, known.excluded_audience)
    return sum(numbers.lost for numbers in lists if numbers)


def _country_ask(check: Check, options: Options, country_warnings: Sequence[str]) -> list[str]:
    if not report.needs_country(check.rows):
        return []
    if options.default_region or options.region_column:
        return [
            "for the country codes of the rows that lack one, or with bare_digits whether bare digits begin with theirs"
        ]
    ways = "region_column or default_region" if country_warnings else "default_region"
    return [f"which country the numbers without a country code are of, then check again with {ways}"]


def _next_step(
    app: App, check: Check, target: _Target | None, asks: Sequence[str], *, unchecked: bool, unwilling: bool
) -> str:
    problems = "the problems, " if any(row.reason for row in check.rows) else ""
    ask = f"Show the person the counts, {problems}the sample and the warnings."
    ask += "".join(f" Ask {each}." for each in asks)
    if unwilling and any(row.phone for row in check.rows):
        ways = (
            "this server is read-only, so nothing can be changed from here"
            if app.settings.read_only
            else "to take them out of an audience call remove_audience_members with this check_id; upload them only if the "
            "person says so"
        )
        return f"{ask} By its name these people must not be called: {ways}."
    if not check.ready:
        return f"{ask} No row can be called yet: mend the rows as their hints say, and check again."
    if target and not app.settings.read_only and _misfit(check, target):
        return f"{ask} Then check the list again as the warning on columns says."
    ask += " Ask them to confirm that everyone agreed to be called"
    ask += " and that nobody of them is on a do-not-call list, which was not checked" if unchecked else ""
    if app.settings.read_only:
        return f"{ask}. This server is read-only, so the list cannot be uploaded from here."
    if target is None:
        return f"{ask}; then call create_audience with this check_id and a name."
    return f"{ask}; then call add_contacts with this check_id and audience_id {target.audience.audience_id}."
