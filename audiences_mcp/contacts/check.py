"""Rows become checked rows: which will be called, which not and why. Every row is accounted for.

Data flows one way: a `Table` and its `Options` in, a `Check` out, which never changes afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import NamedTuple

from audiences_mcp.contacts.columns import Column, find_header, label_columns, phone_columns, sent_columns
from audiences_mcp.contacts.guarding import unguarded
from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.contacts.phones import BareDigits, Phone, read_numbers
from audiences_mcp.contacts.reasons import HINTS, Reason, Refusal, Status
from audiences_mcp.contacts.regions import is_us_state, region_code
from audiences_mcp.contacts.tables import MAX_ROWS, Row, Table, Tick
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164
from audiences_mcp.text import clean, clip, line

_MAX_VALUE = 100
_MAX_LABEL = 80
_FEW_CELLS = 2
_NOTE_HINT = "Only one cell of the row is filled: if it is a total or a note below the list, leave it out."


@dataclass(frozen=True, slots=True)
class Options:
    """How a list is to be read; each as the argument of the same name of `check_contacts` says.

    Args:
        default_region: Region code for numbers without a country code, or None.
        bare_digits: What digits without a plus begin with, or None for the careful rules.
        phone_columns: Headers in order of preference; empty to find the column in the data.
        take_first_number: Whether a cell of several numbers gives its first usable one.
        only_where: For each header the values (folded) of the rows to keep.
        region_column: Header of the column that holds each row's country, or None.
        keep_columns: Headers to send, or None for all.
        column_mapping: For a header in the list the name of the column in the audience.
    """

    default_region: str | None = None
    bare_digits: BareDigits | None = None
    phone_columns: Sequence[str] = ()
    take_first_number: bool = False
    only_where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    region_column: str | None = None
    keep_columns: Sequence[str] | None = None
    column_mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownLists:
    """The lists that a number may be on already; None where a list was not asked for or could not be read."""

    do_not_call: KnownNumbers | None = None
    suppression_list: KnownNumbers | None = None
    excluded_audience: KnownNumbers | None = None
    already_member: KnownNumbers | None = None

    def reason_for(self, number: E164) -> Reason | None:
        """Return why the number is not to be called, the first in the order of `Reason`."""
        for reason, known in (
            (Reason.DO_NOT_CALL, self.do_not_call),
            (Reason.SUPPRESSION_LIST, self.suppression_list),
            (Reason.EXCLUDED_AUDIENCE, self.excluded_audience),
            (Reason.ALREADY_MEMBER, self.already_member),
        ):
            if known and known.find(number) is not None:
                return reason
        return None


class CheckedRow(NamedTuple):
    """What the check says of one row.

    Args:
        row: The row that a person sees.
        label: A name cell, by which the person knows it.
        value: The phone cell as written.
        status: What will become of it.
        phone: The number, where one was read.
        reason: Why it is not ready; None when it is ready or filtered out.
        hint: What to do about it.
        duplicate_of: For a duplicate the row that is used.
        fields: The cells that are sent, aligned with the columns after the phone column.
    """

    row: int
    label: str
    value: str
    status: Status
    phone: Phone | None = None
    reason: Reason | None = None
    hint: str = ""
    duplicate_of: int | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A checked list.

    Args:
        rows: Every row of the list, in its order.
        columns: What is sent, the phone column first.
        phone_columns: Headers of the columns that numbers were taken from.
        dropped_columns: Headers that are not sent.
        optional_columns: Headers that need not be sent where they are blank throughout.
    """

    rows: list[CheckedRow]
    columns: tuple[Column, ...]
    phone_columns: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    optional_columns: frozenset[str]

    @property
    def ready(self) -> list[CheckedRow]:
        """The rows that a commit would send."""
        return [row for row in self.rows if row.status is Status.READY]

    def against(self, known: KnownLists) -> "Check":
        """Return the check with its ready rows compared with lists that were read later."""
        return replace(self, rows=[_compare(row, known) for row in self.rows])


def check_table(table: Table, options: Options, known: KnownLists, tick: Tick = lambda _done, _all: None) -> Check:
    """Check a list.

    Args:
        table: The rows as given.
        options: How they are to be read.
        known: Lists whose numbers are left out.
        tick: Progress; called from the thread that checks.

    Raises:
        InvalidInput: An option names a column that is not there, no phone column can be told, or the list is too long.
    """
    if len(table.rows) > MAX_ROWS:
        raise InvalidInput(
            f"The list has {len(table.rows):,} rows; a check takes at most {MAX_ROWS:,}. Divide it into several lists.",
        )
    wanted = _wanted_rows(table, options.only_where)
    countries = _countries(table, options)
    places = phone_columns(
        table, options.phone_columns, options.default_region, [country.region for country in countries]
    )
    columns, dropped = sent_columns(table, places[0], options.keep_columns, options.column_mapping)
    found = _read_rows(list(compress(table.rows, wanted)), list(compress(countries, wanted)), places, options, tick)
    return Check(
        rows=_Judge(table, places, columns, known).rows(wanted, found),
        columns=tuple(columns),
        phone_columns=tuple(table.headers[place] for place in places),
        dropped_columns=tuple(dropped),
        optional_columns=table.optional,
    )


def _wanted_rows(table: Table, only_where: Mapping[str, Sequence[str]]) -> list[bool]:
    if not only_where:
        return [True] * len(table.rows)
    filters = [(find_header(table, header, "only_where"), frozenset(values)) for header, values in only_where.items()]
    return [all(row.cells[place].strip().casefold() in values for place, values in filters) for row in table.rows]


@dataclass(frozen=True, slots=True)
class _Country:
    """The country that a row names for itself, or the default.

    Args:
        region: Its region code, or None.
        known: Whether what the row names is a country; true where it names none.
    """

    region: str | None
    known: bool = True


def _countries(table: Table, options: Options) -> list[_Country]:
    """Return the country of each row.

    Raises:
        InvalidInput: The region column holds US states, of which some (`IN`, `CA`) look like a country, or mostly what is
            none.
    """
    place = find_header(table, options.region_column, "region_column") if options.region_column else None
    named = [(row.region if place is None else row.cells[place]).strip() for row in table.rows]
    countries = {name: _country(name) if name else _Country(options.default_region) for name in dict.fromkeys(named)}
    known = sum(bool(name) and country.known for name, country in countries.items())
    unknown = sum(not country.known for country in countries.values())
    states = any(not country.known and is_us_state(name) for name, country in countries.items())
    if place is not None and (states or 0 < known < unknown):
        raise InvalidInput(
            f"region_column: {'some values of' if states else 'most values of'} {table.headers[place]!r} are "
            f"{'states of the US' if states else 'no countries'}: name a column of ISO codes, such as IN, or of English "
            "names of countries, or leave region_column out.",
        )
    return [countries[name] for name in named]


def _country(named: str) -> _Country:
    try:
        return _Country(region_code(named))
    except InvalidInput:
        return _Country(None, known=False)


def _read_rows(
    rows: Sequence[Row], countries: Sequence[_Country], places: Sequence[int], options: Options, tick: Tick
) -> Iterator[tuple[str, Phone | Refusal]]:
    """Return for each row the phone cell that it is judged by, and what it says.

    That is its first usable number; a row without one keeps the trouble of its first filled cell.
    """
    values = [""] * len(rows)
    found: list[Phone | Refusal] = [Refusal(Reason.EMPTY)] * len(rows)
    open_rows = list(range(len(rows)))
    for place in places:
        cells = [rows[index].cells[place] for index in open_rows]
        readings = read_numbers(
            cells,
            [countries[index].region for index in open_rows],
            options.bare_digits,
            lambda done: tick(done, len(rows)),
            take_first=options.take_first_number,
        )
        for index, cell, reading in zip(open_rows, cells, readings, strict=True):
            if isinstance(reading, Phone) or not values[index].strip():
                values[index] = cell
                found[index] = reading if countries[index].known else _by_its_plus_alone(reading)
        open_rows = [index for index in open_rows if isinstance(found[index], Refusal)]
    return zip(values, found, strict=True)


def _by_its_plus_alone(reading: Phone | Refusal) -> Phone | Refusal:
    """A row that names a country we do not know is not read by any other rule than its own plus."""
    if isinstance(reading, Phone) and not reading.international:
        return Refusal(
            Reason.MISSING_COUNTRY_CODE,
            "The country of this row is not one that we know: write it as its ISO code, such as IN, or give the number "
            "with + and its country code.",
        )
    return reading


class _Judge:
    """Gives every row its status; remembers the numbers that were seen."""

    def __init__(self, table: Table, places: Sequence[int], columns: Sequence[Column], known: KnownLists) -> None:
        self._table = table
        self._places = places
        self._labels = label_columns(table)
        self._fields = [column.index for column in columns[1:]]
        self._known = None if known == KnownLists() else known
        self._first_rows: dict[E164, int] = {}

    def rows(self, wanted: Sequence[bool], found: Iterator[tuple[str, Phone | Refusal]]) -> list[CheckedRow]:
        return [
            self._judge(row, *next(found)) if keep else self._filtered_out(row)
            for row, keep in zip(self._table.rows, wanted, strict=True)
        ]

    def _filtered_out(self, row: Row) -> CheckedRow:
        value = next((row.cells[place] for place in self._places if row.cells[place].strip()), "")
        return CheckedRow(row.number, self._label(row), _shown(value), Status.FILTERED_OUT)

    def _judge(self, row: Row, written: str, reading: Phone | Refusal) -> CheckedRow:
        label, value = self._label(row), _shown(written)
        if isinstance(reading, Phone) and row.surplus:
            reading = Refusal(Reason.MALFORMED_ROW)
        if isinstance(reading, Refusal):
            hint = reading.hint
            if reading.reason is Reason.EMPTY and _is_note(row):
                hint, label = _NOTE_HINT, line("".join(row.cells), _MAX_LABEL)
            return CheckedRow(row.number, label, value, Status.INVALID, None, reading.reason, hint)
        fields = tuple([self._text(row.cells[index]) for index in self._fields])
        first = self._first_rows.setdefault(reading.number, row.number)
        ready = CheckedRow(row.number, label, value, Status.READY, reading, fields=fields)
        if first != row.number:
            return _refused(ready, Reason.DUPLICATE, first)
        return _compare(ready, self._known) if self._known else ready

    def _text(self, cell: str) -> str:
        return clean(unguarded(cell) if self._table.guarded else cell)

    def _label(self, row: Row) -> str:
        return line(" ".join([row.cells[index] for index in self._labels]), _MAX_LABEL)


def _is_note(row: Row) -> bool:
    """Tell whether a row holds but one cell of several, as totals and notes below a report do."""
    return len(row.cells) > _FEW_CELLS and sum(1 for cell in row.cells if cell.strip()) == 1


def _compare(row: CheckedRow, known: KnownLists) -> CheckedRow:
    if row.status is not Status.READY or row.phone is None:
        return row
    reason = known.reason_for(row.phone.number)
    return _refused(row, reason) if reason else row


def _refused(row: CheckedRow, reason: Reason, duplicate_of: int | None = None) -> CheckedRow:
    return row._replace(status=reason.status, reason=reason, hint=HINTS[reason], duplicate_of=duplicate_of)


def _shown(value: str) -> str:
    if len(value) <= _MAX_VALUE and value.isascii() and value.isprintable():
        return value.strip()
    return clip(clean(value).strip(), _MAX_VALUE)
