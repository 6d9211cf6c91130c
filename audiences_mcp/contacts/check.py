"""Rows become checked rows: which will be called, which not and why. Every row is accounted for.

Data flows one way: a `Table` and its `Options` in, a `Check` out, which never changes afterwards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import NamedTuple

from audiences_mcp.contacts.columns import (
    Column,
    fax_rows,
    find_header,
    label_columns,
    number_columns,
    phone_columns,
    sent_columns,
)
from audiences_mcp.contacts.consent import questions, refuses, who_says_no
from audiences_mcp.contacts.countries import Country, country_column, named_codes, row_countries
from audiences_mcp.contacts.guarding import unguarded
from audiences_mcp.contacts.known import KnownNumbers, pieces_of
from audiences_mcp.contacts.phones import BareDigits, Phone, read_numbers
from audiences_mcp.contacts.reasons import HINTS, Reason, Refusal, Status
from audiences_mcp.contacts.tables import MAX_ROWS, Row, Table, Tick
from audiences_mcp.contacts.writing import SAYS_NO
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164
from audiences_mcp.text import clean, clip, is_clean, line

_MAX_VALUE = 100
_MAX_LABEL = 80
_FEW_CELLS = 2
_OTHER_COUNTRY_HINT = (
    "Another column of its row names another country than the number was read in: set region_column to that column, write "
    "the number with + and its country code, or say with bare_digits what digits without + begin with."
)
_UNKNOWN_COUNTRY_HINT = (
    "Another column of its row names a country that we do not know, perhaps not the one that the number was read in: "
    "correct that name, write the number with + and its country code, or say with bare_digits what digits without + begin "
    "with."
)
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

    def __bool__(self) -> bool:
        """Tell whether anybody is on one of them."""
        return any((self.do_not_call, self.suppression_list, self.excluded_audience, self.already_member))

    def reason_for(self, number: E164, others: Iterable[E164] = ()) -> Reason | None:
        """Return why a person is not to be called, the first in the order of `Reason`.

        Args:
            number: The number that would be called.
            others: Further numbers of the same person: whoever must not be called is not called on another number.
        """
        for reason, known, numbers in (
            (Reason.DO_NOT_CALL, self.do_not_call, (number, *others)),
            (Reason.SUPPRESSION_LIST, self.suppression_list, (number, *others)),
            (Reason.EXCLUDED_AUDIENCE, self.excluded_audience, (number, *others)),
            (Reason.ALREADY_MEMBER, self.already_member, (number,)),
        ):
            if known and known.has_any(numbers):
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
        others: Further numbers of the same row.
        says_no: Whether its phone cell itself says that it must not be called.
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
    others: tuple[E164, ...] = ()
    says_no: bool = False


@dataclass(frozen=True)
class Check:
    """A checked list.

    Args:
        rows: Every row of the list, in its order.
        columns: What is sent, the phone column first.
        phone_columns: Headers of the columns that numbers were taken from.
        dropped_columns: Headers that are not sent.
        optional_columns: Headers that need not be sent where they are blank throughout.
        number_columns: Places of all columns that hold numbers, whosever they are.
        also_objecting: Rows that were left out since another row of the same number says no.
    """

    rows: list[CheckedRow]
    columns: tuple[Column, ...]
    phone_columns: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    optional_columns: frozenset[str]
    number_columns: tuple[int, ...] = ()
    also_objecting: int = 0

    @cached_property
    def ready(self) -> list[CheckedRow]:
        """The rows that a commit would send."""
        ready = Status.READY
        return [row for row in self.rows if row.status is ready]

    def without(self, reason: Reason) -> "Check":
        """Return the check with the rows ready again that were left out for a reason found by comparing with lists."""
        ready = [
            row._replace(status=Status.READY, reason=None, hint="") if row.reason is reason else row
            for row in self.rows
        ]
        return replace(self, rows=ready)

    def against(self, known: KnownLists) -> "Check":
        """Return the check with its ready rows compared with lists that were read later."""
        if not known:
            return self
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
    region_place = find_header(table, options.region_column, "region_column") if options.region_column else None
    countries = row_countries(table, region_place, options.default_region)
    numbers = number_columns(table, [country.region for country in countries])
    places = phone_columns(table, options.phone_columns, options.default_region, numbers)
    columns, dropped = sent_columns(table, places[0], options.keep_columns, options.column_mapping)
    saying_no = _saying_no(table, places)
    reader = _Reader(table, countries, places, numbers, options)
    found = reader.read(list(compress(range(len(table.rows)), wanted)), saying_no, tick)
    objecting = _objecting(table, wanted, options, countries, {*places, *numbers}, saying_no)
    judge = _Judge(table, places, columns, known, objecting)
    return Check(
        rows=judge.rows(wanted, found),
        columns=tuple(columns),
        phone_columns=tuple(table.headers[place] for place in places),
        number_columns=tuple(sorted({*places, *numbers})),
        dropped_columns=tuple(dropped),
        optional_columns=table.optional,
        also_objecting=judge.also_objecting,
    )


def _saying_no(table: Table, places: Sequence[int]) -> dict[int, str]:
    """Return the rows whose phone cells say no, each with the first cell that does."""
    found: dict[int, str] = {}
    for place in reversed(places):
        cells = [row.cells[place] for row in table.rows]
        found.update((index, cells[index]) for index in who_says_no(cells))
    return found


def _wanted_rows(table: Table, only_where: Mapping[str, Sequence[str]]) -> list[bool]:
    if not only_where:
        return [True] * len(table.rows)
    filters = [(find_header(table, header, "only_where"), frozenset(values)) for header, values in only_where.items()]
    return [all(row.cells[place].strip().casefold() in values for place, values in filters) for row in table.rows]


_Found = tuple[str, Phone | Refusal, tuple[E164, ...]]
"""The cell that a row is judged by, what it says, and the other numbers of its phone cells, which reach the same person."""

_EMPTY = Refusal(Reason.EMPTY)
_FAX = Refusal(
    Reason.INVALID_NUMBER,
    "Another column says that this is a fax or a pager: give a number that somebody answers, or correct what is said there.",
)


class _Reader:
    """Reads the phone cells of rows."""

    def __init__(
        self,
        table: Table,
        countries: Sequence[Country],
        places: Sequence[int],
        numbers: Sequence[int],
        options: Options,
    ) -> None:
        self._table = table
        self._countries = countries
        self._places = places
        self._columns = sorted({*places, *numbers})
        self._options = options
        # A column of countries that was not named is no reason to read a number, but one to doubt it.
        settled = options.region_column is not None or options.bare_digits is not None
        doubted = None if settled else country_column(table)
        self._codes = named_codes(table, doubted) if doubted is not None else []
        self._doubts = bool(self._codes) or not all(country.known for country in countries)

    def read(self, wanted: Sequence[int], saying_no: Mapping[int, str], tick: Tick) -> Iterator[_Found]:
        """Read each wanted row's first usable number; a row without one keeps the trouble of its first filled cell.

        Args:
            wanted: The rows.
            saying_no: Those who say no on one number, and are not called on another, with that cell.
            tick: Progress.
        """
        values = [saying_no.get(index, "") for index in wanted]
        found: list[Phone | Refusal] = [SAYS_NO if index in saying_no else _EMPTY for index in wanted]
        open_places = [place for place, reading in enumerate(found) if reading is _EMPTY]
        for column in self._places:
            cells = [self._table.rows[wanted[place]].cells[column] for place in open_places]
            readings = read_numbers(
                cells,
                [self._countries[wanted[place]].region for place in open_places],
                self._options.bare_digits,
                lambda done: tick(done, len(wanted)),
                take_first=self._options.take_first_number,
            )
            readings = self._without_faxes(column, [wanted[place] for place in open_places], readings)
            for place, cell, reading in zip(open_places, cells, readings, strict=True):
                if isinstance(reading, Phone) or not values[place].strip():
                    values[place], found[place] = cell, self._doubt(wanted[place], reading) if self._doubts else reading
            open_places = [place for place in open_places if isinstance(found[place], Refusal)]
        return zip(values, found, self._others(wanted, values, found), strict=True)

    def _without_faxes(
        self, column: int, rows: Sequence[int], readings: list[Phone | Refusal]
    ) -> list[Phone | Refusal]:
        faxes = fax_rows(self._table, column)
        if not faxes:
            return readings
        return [
            _FAX if row in faxes and isinstance(reading, Phone) else reading
            for row, reading in zip(rows, readings, strict=True)
        ]

    def _doubt(self, index: int, reading: Phone | Refusal) -> Phone | Refusal:
        """Refuse a number that was read in another country than its row names."""
        if not self._countries[index].known:
            return _by_its_plus_alone(reading)
        code = self._codes[index] if self._codes else 0
        if code == 0 or isinstance(reading, Refusal) or reading.international:
            return reading
        if code is None:
            return Refusal(Reason.AMBIGUOUS_COUNTRY, _UNKNOWN_COUNTRY_HINT)
        is_there = reading.number.startswith(f"+{code}")
        return reading if is_there else Refusal(Reason.AMBIGUOUS_COUNTRY, _OTHER_COUNTRY_HINT)

    def _others(
        self, wanted: Sequence[int], values: Sequence[str], found: Sequence[Phone | Refusal]
    ) -> list[tuple[E164, ...]]:
        """Return the other numbers of each row: of all columns that hold numbers, and of cells that hold several."""
        if len(self._columns) == 1 and not self._options.take_first_number:
            return [()] * len(wanted)
        parts = [
            (place, part, self._countries[index].region)
            for place, index in enumerate(wanted)
            for column in self._columns
            if (cell := self._table.rows[index].cells[column]) and cell is not values[place] and not cell.isspace()
            for part in pieces_of(cell)
        ]
        parts += [
            (place, part, self._countries[wanted[place]].region)
            for place, reading in enumerate(found)
            if self._options.take_first_number and isinstance(reading, Phone)
            for part in pieces_of(values[place])
        ]
        readings = read_numbers(
            [part for _, part, _ in parts], [region for *_, region in parts], self._options.bare_digits
        )
        others: dict[int, set[E164]] = {}
        for (place, _, _), reading in zip(parts, readings, strict=True):
            if isinstance(reading, Phone):
                others.setdefault(place, set()).add(reading.number)
        return [
            tuple(sorted(others[place] - {getattr(reading, "number", "")})) if place in others else ()
            for place, reading in enumerate(found)
        ]


def known_numbers(
    table: Table, indices: Sequence[int], columns: Iterable[int], read: Iterable[E164]
) -> KnownNumbers | None:
    """Return the numbers of rows, in whatever spelling, to be found in other rows; None where there are none.

    Args:
        table: The list.
        indices: The places of the rows.
        columns: The places of the columns that hold numbers.
        read: The numbers of these rows that could be read, in the country of each.
    """
    cells = [cell for column in columns for index in indices if (cell := table.rows[index].cells[column]).strip()]
    return KnownNumbers((text, "") for text in (*cells, *read)) if cells else None


def is_among(row: CheckedRow, numbers: KnownNumbers) -> bool:
    """Tell whether a person of a row has one of the numbers."""
    return numbers.has_any(numbers_of(row))


def numbers_of(row: CheckedRow) -> tuple[E164, ...]:
    """Return the numbers of a row: the one that would be called, and the others; none where none could be read."""
    return (row.phone.number, *row.others) if row.phone else ()


def _objecting(
    table: Table,
    wanted: Sequence[bool],
    options: Options,
    countries: Sequence[Country],
    columns: Collection[int],
    saying_no: Iterable[int],
) -> KnownNumbers | None:
    """Return the numbers of people who said no in a phone cell, or in a row that `only_where` left out.

    No other row calls them.
    """
    asking = dict(questions(table.headers))
    filters = [find_header(table, header, "only_where") for header in options.only_where]
    left_out = [
        index
        for index, row in enumerate(table.rows if filters else ())
        if not wanted[index] and any(refuses(row.cells[place], asking.get(place)) for place in filters)
    ]
    objecting = sorted({*saying_no, *left_out})
    parts = [
        (part, countries[index].region)
        for index in objecting
        for column in columns
        for part in pieces_of(table.rows[index].cells[column])
    ]
    readings = read_numbers([part for part, _ in parts], [region for _, region in parts], options.bare_digits)
    return known_numbers(table, objecting, columns, [each.number for each in readings if isinstance(each, Phone)])


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

    def __init__(
        self,
        table: Table,
        places: Sequence[int],
        columns: Sequence[Column],
        known: KnownLists,
        objecting: KnownNumbers | None,
    ) -> None:
        self._table = table
        self._places = places
        labels, fields = label_columns(table), [column.index for column in columns[1:]]
        cleaned = {place: _cleaned(table, place) for place in {*labels, *fields}}
        self._labels = _rows_of([cleaned[place] for place in labels], len(table.rows))
        self._fields = _rows_of([cleaned[place] for place in fields], len(table.rows))
        self._known = known or None  # asked for each row
        self._objecting = objecting
        self._first_rows: dict[E164, int] = {}
        self.also_objecting = 0

    def rows(self, wanted: Sequence[bool], found: Iterator[_Found]) -> list[CheckedRow]:
        rows = _as_persons(
            self._judge(row, label, fields, next(found)) if keep else self._filtered_out(row, label)
            for row, keep, label, fields in zip(
                self._table.rows, wanted, map(_label, self._labels), self._fields, strict=True
            )
        )
        return [_compare(row, self._known) for row in rows] if self._known else rows

    def _filtered_out(self, row: Row, label: str) -> CheckedRow:
        value = next((row.cells[place] for place in self._places if row.cells[place].strip()), "")
        return CheckedRow(row.number, label, _shown(value), Status.FILTERED_OUT)

    def _judge(self, row: Row, label: str, fields: tuple[str, ...], found: _Found) -> CheckedRow:
        written, reading, others = found
        value = _shown(written)
        if isinstance(reading, Phone) and row.surplus:
            reading = Refusal(Reason.MALFORMED_ROW)
        if isinstance(reading, Refusal):
            hint = reading.hint
            if reading.reason is Reason.EMPTY and self._table.guarded and _is_note(row):  # a file or a text
                hint, label = _NOTE_HINT, line("".join(row.cells), _MAX_LABEL)
            says_no = reading is SAYS_NO
            return CheckedRow(row.number, label, value, Status.INVALID, None, reading.reason, hint, says_no=says_no)
        ready = CheckedRow(row.number, label, value, Status.READY, reading, None, "", None, fields, others)
        if self._objecting and is_among(ready, self._objecting):
            self.also_objecting += 1
            return ready._replace(status=Status.FILTERED_OUT, fields=())
        first = self._first_rows.setdefault(reading.number, row.number)
        if first != row.number:
            return _refused(ready, Reason.DUPLICATE, first)
        return ready


def _as_persons(judged: Iterable[CheckedRow]) -> list[CheckedRow]:
    """Give each row the other numbers of its duplicates too, for these are of the same person."""
    rows, duplicate = list(judged), Reason.DUPLICATE
    others: dict[int, set[E164]] = {}
    for row in rows:
        if row.others and row.reason is duplicate and row.duplicate_of is not None:
            others.setdefault(row.duplicate_of, set()).update(row.others)
    if not others:
        return rows
    return [
        row._replace(others=tuple(sorted(others[row.row].union(row.others)))) if row.row in others else row
        for row in rows
    ]


def _label(names: Sequence[str]) -> str:
    text = " ".join(names)
    label = clip(" ".join(text.split()), _MAX_LABEL)
    return text if label == text else label  # the cell itself, which is kept anyway


def _rows_of(columns: Sequence[Sequence[str]], rows: int) -> list[tuple[str, ...]]:
    """Return the cells of some columns row by row."""
    return list(zip(*columns, strict=True)) if columns else [()] * rows


def _cleaned(table: Table, place: int) -> list[str]:
    """Return the cells of a column without what cannot be seen, and without the apostrophes of `guarding`."""
    cells = [row.cells[place] for row in table.rows]
    if not table.guarded:
        return [clean(cell) for cell in cells]
    return [cell if is_clean(cell) and "'" not in cell else clean(unguarded(cell)) for cell in cells]


def _is_note(row: Row) -> bool:
    """Tell whether a row holds but one cell of several, as totals and notes below a report do."""
    return len(row.cells) > _FEW_CELLS and sum(1 for cell in row.cells if cell.strip()) == 1


def _compare(row: CheckedRow, known: KnownLists) -> CheckedRow:
    if row.status is not Status.READY or row.phone is None:
        return row
    reason = known.reason_for(row.phone.number, row.others)
    return _refused(row, reason) if reason else row


def _refused(row: CheckedRow, reason: Reason, duplicate_of: int | None = None) -> CheckedRow:
    return row._replace(status=reason.status, reason=reason, hint=HINTS[reason], duplicate_of=duplicate_of)


def _shown(value: str) -> str:
    if len(value) <= _MAX_VALUE and is_clean(value):
        return value.strip()
    return clip(clean(value).strip(), _MAX_VALUE)
