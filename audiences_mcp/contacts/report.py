"""A check told in figures: counts that add up, a sample, countries, line types, calling hours and warnings."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from itertools import chain, zip_longest
from zoneinfo import ZoneInfo

from audiences_mcp.contacts.check import Check, CheckedRow
from audiences_mcp.contacts.columns import Column
from audiences_mcp.contacts.reasons import Note, Reason, Status
from audiences_mcp.contacts.regions import time_zones
from audiences_mcp.models import (
    CallingHours,
    ColumnInfo,
    Counts,
    Figures,
    LineTypeCount,
    ListedRow,
    Problem,
    ReasonCount,
    RegionCount,
    Sample,
    ZoneCount,
)
from audiences_mcp.text import clip, in_short, line, several

_SAMPLE_ROWS = 5
_MAX_LISTED = 40
_MOST_NAMED = 10
_SEVERAL_ZONES, _UNKNOWN_ZONE = "several", "unknown"
_EARLIEST, _LATEST = time(8), time(21)
_ROUND_NUMBER = "0000"
_ROUND_MIN_ROWS, _ROUND_MIN_SHARE = 3, 10


def counts_of(rows: Sequence[CheckedRow]) -> Counts:
    """Return the row accounting.

    Raises:
        AssertionError: A row would be unaccounted for, which is a fault of this package.
    """
    by_status = Counter(row.status for row in rows)
    counts = Counts(rows=len(rows), **{status.value: by_status[status] for status in Status})
    if counts.rows != sum(getattr(counts, status.value) for status in Status):
        raise AssertionError("a row of the list is unaccounted for")
    return counts


def by_reason(rows: Iterable[CheckedRow]) -> list[ReasonCount]:
    """Return how many rows were left out for each reason, the most frequent first."""
    counted = Counter(row.reason for row in rows if row.reason)
    return [ReasonCount(reason=reason.value, count=count) for reason, count in counted.most_common()]


def problems(rows: Iterable[CheckedRow], most: int) -> list[Problem]:
    """Return the first rows that will not be called, with what to do about each."""
    found = (row for row in rows if row.reason)
    return [
        Problem(
            row=row.row,
            label=row.label,
            value=row.value,
            reason=row.reason.value,
            hint=row.hint,
            duplicate_of=row.duplicate_of,
        )
        for row, _ in zip(found, range(most), strict=False)
        if row.reason
    ]


def listed(row: CheckedRow, member_id: str | None = None) -> ListedRow:
    """Return a row as it is listed, with the member that it is of an audit."""
    return ListedRow(
        row=row.row,
        label=row.label,
        value=row.value,
        phone_number=row.phone.number if row.phone else None,
        status=row.status.value,
        reason=row.reason.value if row.reason else None,
        hint=row.hint or None,
        member_id=member_id,
    )


def sample(check: Check) -> list[Sample]:
    """Return five ready rows spread over their countries, so that a wrong reading is seen."""
    by_region: dict[str, list[CheckedRow]] = {}
    for row, region in ((row, row.phone.region) for row in check.ready if row.phone):
        by_region.setdefault(region, []).append(row)
    in_turn = (row for row in chain.from_iterable(zip_longest(*by_region.values())) if row)
    chosen = sorted((row for row, _ in zip(in_turn, range(_SAMPLE_ROWS), strict=False)), key=lambda row: row.row)
    names = [column.name for column in check.columns[1:]]
    return [
        Sample(
            row=row.row,
            value=row.value,
            phone_number=row.phone.number,
            region=row.phone.region,
            line_type=row.phone.line_type,
            fields={name: clip(cell, 200) for name, cell in zip(names, row.fields, strict=True) if cell.strip()},
        )
        for row in chosen
        if row.phone
    ]


def columns(check: Check) -> list[ColumnInfo]:
    """Return the columns that are sent, with how many ready rows have them blank."""
    ready = check.ready
    blank = [0, *(sum(not row.fields[index].strip() for row in ready) for index in range(len(check.columns) - 1))]
    return [
        ColumnInfo(source=column.source, name=column.name, blank=count)
        for column, count in zip(check.columns, blank, strict=True)
    ]


def figures(rows: Iterable[CheckedRow], now: datetime | None = None) -> Figures:
    """Return what the ready rows are made of.

    Args:
        rows: Checked rows; the ready ones count.
        now: The moment for the calling hours, with a time zone; None for the present.
    """
    moment = now or datetime.now(UTC)
    phones = [row.phone for row in rows if row.status is Status.READY and row.phone]
    zones_of_each = Counter(map(time_zones, phones))
    zones: Counter[str] = Counter()
    hours: Counter[str] = Counter()
    for found, count in zones_of_each.items():
        zones[_zone_of(found)] += count
        hours[_hours_of(found, moment)] += count
    return Figures(
        by_country=[
            RegionCount(region=region, count=count) for region, count in _top(Counter(phone.region for phone in phones))
        ],
        by_line_type=[
            LineTypeCount(line_type=kind, count=count) for kind, count in _top(Counter(p.line_type for p in phones))
        ],
        time_zones=[ZoneCount(zone=zone, count=count) for zone, count in _top(zones)],
        calling_hours_now=CallingHours(**{key: hours[key] for key in ("inside", "outside", "unknown")}),
    )


def _top(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return the most frequent first; what would make the answer too long is added up as `other`."""
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[_MAX_LISTED:])
    return [*ordered[:_MAX_LISTED], *([("other", rest)] if rest else [])]


def _zone_of(zones: tuple[str, ...]) -> str:
    if len(zones) == 1:
        return zones[0]
    return _SEVERAL_ZONES if zones else _UNKNOWN_ZONE


def _hours_of(zones: tuple[str, ...], moment: datetime) -> str:
    """Tell whether it is 08:00-21:00 in all of the zones: a number that may be in several must be inside in each."""
    if not zones:
        return "unknown"
    local = (moment.astimezone(ZoneInfo(zone)).time() for zone in zones)
    return "inside" if all(_EARLIEST <= clock < _LATEST for clock in local) else "outside"


def warnings(check: Check) -> list[str]:
    """Return what a person should know before the list is called, one sentence each."""
    texts = [*refusal_warnings(check), *number_warnings(check)]
    further = [len(row.others) for row in check.ready if row.others]
    if further:
        texts.append(
            f"{several(sum(further), 'further number')} in {several(len(further), 'row')} "
            f"{'was' if sum(further) == 1 else 'were'} not taken, since a row gives one: if they are of other people, give "
            "each a row of its own.",
        )
    changed = [column for column in check.columns if column.source != column.name]
    if changed and not check.optional_columns:
        texts.append(_renamed(changed))
    if check.dropped_columns:
        texts.append(f"{several(len(check.dropped_columns), 'column')} will not be sent: see dropped_columns.")
    if check.ready:
        texts.append("A valid number is one that a line can have; nothing here tells whether somebody answers it.")
    return texts


def _renamed(changed: Sequence[Column]) -> str:
    """Say that headers became names, and which, where that is not plain from the header."""
    text = f"{several(len(changed), 'column')} got a name of letters, digits and underscores: see columns."
    own = (each for each in changed if not each.given)
    telling = [each for each in own if re.sub(r"[\W_]+", "", each.source) != each.name.replace("_", "")]
    if not telling:
        return text
    shown = in_short(
        telling, _MOST_NAMED, lambda each: f"{json.dumps(line(each.source, 80), ensure_ascii=False)} is {each.name}"
    )
    return f"{text} {shown}; column_mapping gives other names."


def refusal_warnings(check: Check) -> list[str]:
    """Tell of the phone cells that say no themselves, and of the rows that are left out since another row says no."""
    saying = sum(row.says_no for row in check.rows)
    texts = []
    if saying:
        texts.append(
            f"{several(saying, 'refused row')} {'says' if saying == 1 else 'say'} in the phone cell itself that the number is "
            "not to be called: leave them out, and do not strip that off the number.",
        )
    if check.also_objecting:
        texts.append(
            f"{several(check.also_objecting, 'row')} of people who said no in another of their rows: they are left out too.",
        )
    return texts


def number_warnings(check: Check) -> list[str]:
    """Return what to know of the ready numbers: what was mended in them, of what kind they are, what looks odd."""
    ready = check.ready
    noted = Counter(note for row in ready if row.phone for note in row.phone.notes)
    texts = [f"{several(noted[note], 'number')}: {note.value}" for note in Note if noted[note]]
    round_numbers = sum(row.phone.number.endswith(_ROUND_NUMBER) for row in ready if row.phone)
    if round_numbers >= max(_ROUND_MIN_ROWS, len(ready) // _ROUND_MIN_SHARE):
        texts.append(
            f"{several(round_numbers, 'number')} end in {_ROUND_NUMBER}: a spreadsheet may have rounded them; compare "
            "some with their source.",
        )
    return texts


def summary(counts: Counts) -> str:
    """Return the report in one sentence that can be read to a person."""
    left_out = [
        f"{getattr(counts, status.value):,} {status.value.replace('_', ' ')}"
        for status in Status
        if status is not Status.READY and getattr(counts, status.value)
    ]
    rest = f"; left out: {', '.join(left_out)}" if left_out else ""
    verb = "is" if counts.ready == 1 else "are"
    return f"{counts.ready:,} of {several(counts.rows, 'row')} {verb} ready to be called{rest}."


def problem_lines(found: Sequence[Problem], most: int = 10) -> str:
    """Return the first problems as lines of text, for clients that show only the text of an error."""
    lines = [
        f"row {problem.row} ({line(problem.value, 40)}): {problem.reason}. {problem.hint}" for problem in found[:most]
    ]
    return "\n".join(lines)


def needs_country(rows: Iterable[CheckedRow]) -> bool:
    """Tell whether a default region could mend rows of the check."""
    mendable = (Reason.MISSING_COUNTRY_CODE, Reason.AMBIGUOUS_COUNTRY)
    return any(row.reason in mendable for row in rows if row.reason)
