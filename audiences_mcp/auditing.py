"""One audit, whole: a stored audience in, a report of who in it should not be called out. Reads only."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from audiences_mcp.app import App
from audiences_mcp.audiences import active_campaigns, find_audience, named
from audiences_mcp.calls import Progress
from audiences_mcp.checking import in_thread, known_warnings, report_of
from audiences_mcp.contacts import report
from audiences_mcp.contacts.cautions import Objection, objections, spoken_warnings
from audiences_mcp.contacts.check import Check, CheckedRow, KnownLists, Options, check_table
from audiences_mcp.contacts.reasons import HINTS, Reason, Status
from audiences_mcp.contacts.tables import Table, Tick
from audiences_mcp.members import OF_DO_NOT_CALL, read_members, table_of, telling
from audiences_mcp.models import (
    E164,
    AudienceInfo,
    Audit,
    AuditProblem,
    BlankColumn,
    CheckReport,
    DefaultRegion,
    Figures,
)
from audiences_mcp.state.kept import Audited, StoredCheck
from audiences_mcp.text import line, several

AS_ATOMS_DIALS = Options(bare_digits="international")
"""Atoms demands the country code, so stored digits begin with it, whatever region the server was told."""

_AS_ATOMS_WANTS = re.compile(r"\+?[1-9][0-9]{6,14}")
_TWICE = "An earlier member has this number too, so the person would be called twice: remove this one."
_NO_NUMBER = "A stored member cannot be edited: ask for the right number, add it, then remove this one."
_TAKE_OUT = "That is: remove this member."


async def run_audit(app: App, audience_id: str, progress: Progress) -> Audit:
    """Read all members of an audience, check them as a list would be checked, and keep the check.

    Args:
        app: The server process.
        audience_id: The audience.
        progress: Where to tell how far it is.

    Raises:
        InvalidInput: It is no id.
        NotConfigured: The suppression file cannot be read.
        AtomsError: The audience could not be read.
    """
    client = await app.client()
    audience = await find_audience(client, audience_id)
    members = await read_members(client, audience_id, progress)
    do_not_call, trouble = await app.do_not_call(telling(progress, OF_DO_NOT_CALL), anew=True)
    known = KnownLists(do_not_call, await app.suppression_list())

    def work(tick: Tick) -> tuple[StoredCheck, Audit]:
        table = table_of([(audience, members)])
        check = _advised(check_table(table, AS_ATOMS_DIALS, KnownLists(), tick), known)
        doubts = [*([trouble] if trouble else []), *_objecting(app, audience, table, check)]
        warnings = [*doubts, *known_warnings(known), *_warnings(audience, table, check)]
        ready = not doubts and len(check.ready) == len(members) > 0
        told = report_of(check, DefaultRegion(source="none"), warnings, _next_step(app, check, ready=ready))
        audited = Audited(audience_id, [member.member_id for member in members])
        stored = StoredCheck(told.check_id, check, told, audited=audited)
        return stored, _audit(audience, audited, told, warnings, ready=ready)

    stored, audit = await in_thread(work, progress)
    await app.checks.put(stored.check_id, stored)
    return audit


def _advised(check: Check, known: KnownLists) -> Check:
    """Return a check that says what can be done about somebody who is stored already.

    Whoever must not be called must not be called by any of several entries: unlike in a list, where the first entry of a
    number stands for all of them, each says so.
    """
    against: dict[E164, Reason] = {}
    for row in check.rows:
        if row.phone and (reason := known.reason_for(row.phone.number, row.others)):
            against.setdefault(row.phone.number, reason)
    rows = (
        row._replace(status=reason.status, reason=reason, hint=HINTS[reason], duplicate_of=None)
        if row.phone and (reason := against.get(row.phone.number))
        else row
        for row in check.rows
    )
    return replace(check, rows=[row._replace(hint=_hint(row, row.reason)) if row.reason else row for row in rows])


def _hint(row: CheckedRow, reason: Reason) -> str:
    if row.says_no:
        return f"{row.hint} {_TAKE_OUT}"
    if row.status is Status.INVALID:
        return _NO_NUMBER if row.hint == HINTS[reason] else f"{row.hint} {_NO_NUMBER}"
    return _TWICE if reason is Reason.DUPLICATE else row.hint


def _objecting(app: App, audience: AudienceInfo, table: Table, check: Check) -> list[str]:
    """Tell of the columns in which members said no, and how to take just these out."""
    read_only = app.settings.read_only
    return [
        _to_take_out(audience, each) if each.count and not read_only else _to_leave_out(each)
        for each in objections(table, check)
    ]


def _to_leave_out(objection: Objection) -> str:
    if not objection.told:
        return objection.warning
    rows = " list_check_rows with this check_id gives the member_id of each row."
    return f"{objection.warning}{rows if objection.kept is None else ' Give the audience as from_audiences.'}"


def _to_take_out(audience: AudienceInfo, objection: Objection) -> str:
    verb = "says" if objection.count == 1 else "say"
    said = f"{several(objection.count, 'member')} {verb} no to being contacted in {line(objection.header)!r}"
    if objection.refusing is None:
        return f"{said}: ask whom to take out; list_audience_members shows their member_id for remove_audience_members."
    where = json.dumps(objection.refusing, ensure_ascii=False)
    return (
        f'{said}: to take out just them call check_contacts with from_audiences ["{audience.audience_id}"] and only_where '
        f"{where}, then remove_audience_members with the check_id of its answer."
    )


def _warnings(audience: AudienceInfo, table: Table, check: Check) -> list[str]:
    active = active_campaigns(audience)
    odd = sum(
        row.status is Status.READY and not _AS_ATOMS_WANTS.fullmatch(written.cells[0])
        for written, row in zip(table.rows, check.rows, strict=True)
    )
    texts = [f"A campaign uses the audience and may be calling it: {named(active)}."] if active else []
    if odd:
        texts.append(
            f"{several(odd, 'number')} stored with spaces, punctuation or 00 in front, which Atoms may not dial: a copy of "
            "the audience (check_contacts with from_audiences) has them right.",
        )
    return [*texts, *report.refusal_warnings(check), *report.number_warnings(check), *spoken_warnings(check)]


def _next_step(app: App, check: Check, *, ready: bool) -> str:
    if ready:
        return "Tell the person that the audience is ready to dial; a valid number is still one that nobody may answer."
    if not check.rows:
        return "The audience has no members: check a list for it with check_contacts."
    step = "Show the person the reasons and the warnings; list_check_rows with this check_id gives every row."
    if app.settings.read_only or len(check.ready) == len(check.rows):
        return step
    taking = (
        "call remove_audience_members with this audience_id, this check_id and the reasons that the person agrees to"
    )
    return f"{step} To take some out {taking}."


def _audit(
    audience: AudienceInfo, audited: Audited, told: CheckReport, warnings: Sequence[str], *, ready: bool
) -> Audit:
    counts = told.counts
    verb = "is ready to dial" if ready else "is not ready to dial as it is"
    left_out = ", ".join(f"{each.count:,} {each.reason.replace('_', ' ')}" for each in told.by_reason)
    hidden = sum(each.count for each in told.by_reason) - len(told.problems)
    more = [f"{several(hidden, 'problem')} more than shown here: see list_check_rows."] if hidden else []
    return Audit(
        **told.model_dump(include={*Figures.model_fields, "check_id", "by_reason", "next_step"}),
        summary=f"The audience {verb}: {counts.ready:,} of {several(counts.rows, 'member')} can be called"
        f"{f'; not to be called: {left_out}' if left_out else ''}.",
        audience_id=audience.audience_id,
        name=audience.name,
        ready_to_dial=ready,
        counts=counts,
        problems=[
            AuditProblem(**problem.model_dump(), member_id=audited.member_ids[problem.row - 1])
            for problem in told.problems
        ],
        blank_columns=[BlankColumn(column=each.source, blank=each.blank) for each in told.columns[1:] if each.blank],
        warnings=[*more, *warnings],
    )
