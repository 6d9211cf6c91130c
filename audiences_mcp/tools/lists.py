"""The tools that take lists in and show what a check says of them."""

import re
from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import Field

from audiences_mcp.app import App
from audiences_mcp.calls import long_read, this_call
from audiences_mcp.checking import Request, default_region_of, run_check
from audiences_mcp.contacts.check import CheckedRow
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.phones import BareDigits
from audiences_mcp.contacts.reasons import Reason
from audiences_mcp.contacts.report import listed
from audiences_mcp.contacts.spellings import search_texts
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164, CheckReport, CheckRows
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import several
from audiences_mcp.tools.arguments import Contacts, Ctx, DefaultRegion, Id, Page, app_of
from audiences_mcp.tools.pages import turn_from, within_answer

_MAX_CSV = 1_000_000
_ENDING = 4
_AFTER_CHECK = "Mend what can be mended and check again, or commit the ready rows."
_AFTER_AUDIT = "Ask the person which of these members should not be in the audience."


async def check_contacts(
    ctx: Ctx,
    contacts: Contacts = None,
    file_path: Annotated[
        str | None,
        Field(
            description="A .csv, .tsv, .txt or .xlsx file by name or path, e.g. leads.xlsx",
        ),
    ] = None,
    csv_text: Annotated[
        str | None,
        Field(
            max_length=_MAX_CSV,
            description="A pasted table as CSV with a header, e.g. phone,name\\n+14155552671,Ann",
        ),
    ] = None,
    from_audiences: Annotated[
        list[Id] | None,
        Field(description="Audiences whose members are the list, e.g. [audience_id], for unions and differences"),
    ] = None,
    default_region: DefaultRegion = None,
    bare_digits: Annotated[
        BareDigits | None,
        Field(
            description="international: digits without + begin with their country code; national: they do not. Only as "
            "the person says",
        ),
    ] = None,
    phone_columns: Annotated[
        list[str] | None,
        Field(
            description='Phone headers, best first, e.g. ["Mobile","Home"]; else found from the data',
        ),
    ] = None,
    take_first_number: Annotated[
        bool, Field(description="If a cell holds several numbers, use the first usable one")
    ] = False,
    only_where: Annotated[
        dict[str, Any] | None,
        Field(description='Rows to keep: header to value or values, e.g. {"Opted in":"yes"}; case is ignored'),
    ] = None,
    region_column: Annotated[str | None, Field(description="Header of each row's country, e.g. Country")] = None,
    keep_columns: Annotated[
        list[str] | None,
        Field(description='Headers to send as call variables, e.g. ["Name"]; else all'),
    ] = None,
    column_mapping: Annotated[
        dict[str, str] | None,
        Field(description='Header to column name in Atoms, e.g. {"First Name":"firstName"}'),
    ] = None,
    sheet: Annotated[str | None, Field(description="Sheet of an .xlsx with several, e.g. May")] = None,
    exclude_audiences: Annotated[
        list[Id] | None,
        Field(description="Audiences whose members are left out, e.g. [audience_id] of last month's"),
    ] = None,
    add_to_audience_id: Annotated[
        Id | None,
        Field(description="audience_id that the list is meant for; its members are compared too"),
    ] = None,
) -> CheckReport:
    """Check a contact list before anything is uploaded: every row is read, its number validated and normalised to
    E.164, duplicates and do-not-call entries found. Nothing is sent and nobody is called. Give exactly one source.
    Show the report, then pass its check_id to create_audience or add_contacts.
    """
    long_read()
    request = Request(
        contacts=contacts,
        file_path=file_path,
        csv_text=csv_text,
        from_audiences=from_audiences,
        default_region=default_region,
        bare_digits=bare_digits,
        phone_columns=phone_columns or (),
        take_first_number=take_first_number,
        only_where=only_where or {},
        region_column=region_column,
        keep_columns=keep_columns,
        column_mapping=column_mapping or {},
        sheet=sheet,
        exclude_audiences=exclude_audiences or (),
        add_to_audience_id=add_to_audience_id,
    )
    return (await run_check(app_of(ctx), request, this_call().tell)).report


async def list_check_rows(
    ctx: Ctx,
    check_id: Annotated[str, Field(description="check_id of check_contacts or audit_audience")],
    status: Annotated[
        Literal["ready", "invalid", "duplicate", "suppressed", "already_member", "filtered_out"] | None,
        Field(description="Only rows of this status, e.g. invalid"),
    ] = None,
    reason: Annotated[str | None, Field(description="Only rows left out for this reason, e.g. do_not_call")] = None,
    contains: Annotated[
        str | None,
        Field(description="Only rows whose name, cell or number holds this text, e.g. Rao"),
    ] = None,
    page: Page = 1,
    page_size: Annotated[int, Field(ge=1, le=200, description="Rows a page, at most 200")] = 50,
) -> CheckRows:
    """List any rows of a check or an audit, ready or left out, with the reason and what to do about each. Use it
    when the report shows too little, or to answer why one contact was left out or who is on do-not-call. Kept for
    60 minutes; for stored people use list_audience_members.
    """
    app = app_of(ctx)
    stored = await app.checks.get(check_id)
    if reason is not None and reason not in set(Reason):
        raise InvalidInput(f"reason must be one of {', '.join(Reason)}.")
    region = default_region_of(app, stored.report.default_region.region).region
    _, number = search_texts(contains, region) if contains else ([], None)
    wanted = partial(_wanted, status, reason, contains, number, app)
    matching = await anyio.to_thread.run_sync(_matching, stored, wanted)
    found = [listed(row, member_id) for row, member_id in matching[(page - 1) * page_size : page * page_size]]
    shown = within_answer(found)
    turn = turn_from(page, page_size, len(shown), len(found), len(matching))
    return CheckRows(
        summary=f"{len(matching):,} of {several(len(stored.rows), 'row')} match; {len(shown)} on this page.",
        rows=shown,
        total=len(matching),
        next_page=turn.next_page,
        next_step=turn.trouble or turn.more + (_AFTER_AUDIT if stored.audited else _AFTER_CHECK),
    )


def _matching(stored: StoredCheck, wanted: Callable[[CheckedRow], bool]) -> list[tuple[CheckedRow, str | None]]:
    """Return the rows that are asked for, with the members of an audit; takes a while for a long list."""
    member_ids = stored.audited.member_ids if stored.audited else repeat(None)
    return [(row, member_id) for row, member_id in zip(stored.rows, member_ids, strict=False) if wanted(row)]


def _wanted(
    status: str | None, reason: str | None, contains: str | None, number: E164 | None, app: App, row: CheckedRow
) -> bool:
    if (status and row.status != status) or (reason and row.reason != reason):
        return False
    return not contains or (number is not None and _is_of(row, number)) or _holds(row, contains, app)


def _is_of(row: CheckedRow, number: E164) -> bool:
    """Tell whether a row holds a whole number in any spelling, which whoever knows it may ask, masked or not."""
    if row.phone:
        return number in {row.phone.number, *row.others}
    # Reading each of many rows would take a minute, and few end alike; other scripts' digits are read all the same.
    alike = not row.value.isascii() or number[-_ENDING:] in re.sub(r"\D", "", row.value)
    return alike and KnownNumbers([(row.value, "")]).find(number) is not None


def _holds(row: CheckedRow, wanted: str, app: App) -> bool:
    """Tell whether a row holds a text, in what is shown of it: else masked digits could be found out one by one."""
    number = row.phone.number if row.phone else ""
    seen = app.shown({"value": [row.value, number], "fields": [row.label, *row.fields]})
    return any(wanted.casefold() in text.casefold() for texts in seen.values() for text in texts)
