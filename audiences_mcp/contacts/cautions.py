"""What a person should know of the columns before a list is called: who said no, what is blank or reads badly aloud."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from audiences_mcp.contacts.check import Check, Options, is_among, known_numbers, numbers_of
from audiences_mcp.contacts.columns import find_header
from audiences_mcp.contacts.consent import (
    OF_UNWILLING,
    Question,
    agrees,
    ask_of_calls,
    is_about_email,
    is_wrong_number,
    names_unwilling,
    questions,
    refusing,
)
from audiences_mcp.contacts.countries import country_column, named_codes, names_states, unknown_names
from audiences_mcp.contacts.headers import is_extension_header, is_phone_header
from audiences_mcp.contacts.reasons import ROW_SAYS_NO_HINT, Reason, Status
from audiences_mcp.contacts.tables import Table
from audiences_mcp.contacts.writing import is_date
from audiences_mcp.text import in_short, line, several

_LONG = 500  # characters that a voice agent should not read out
_MOST_NAMED = 10
_MOST_VALUES, _LONGEST_VALUE = 5, 60
_MOST_ROWS = 20
_SENTENCE = 2  # spaces

_PRIVATE = re.compile(
    r"passwords?|passwd|passwort|pwd|pin|cvv|cvc|ssn|secrets?|tokens?|iban|card(?:number)?|aadhaa?r|passport",
    re.IGNORECASE,
)
_SHORT_NUMBER = re.compile(r"\d{1,6}(?:\.0)?")
# Headers with the cells of the ready rows.
_Columns = Sequence[tuple[str, Sequence[str]]]
_FIGURES_OR_ADDRESS = re.compile(r"\d|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Objection:
    """A column in which people said that they do not want to be called.

    Args:
        header: The column.
        asks: Whether the column asks, so that its answers are a few known words rather than notes.
        count: How many ready rows say so; may be none where others say yes and some do not.
        wrong: How many of them say that the number is somebody else's.
        unsaid: How many ready rows say nothing, where being called takes a yes.
        unclear: How many say something that is neither, where being called takes a yes.
        kept: The answers of the others; None where they are too many or too long to name, or notes that each say something
            else, none of which should be taken for a yes.
        rows: The rows, as a person sees them, of those who are not to be called, and their other rows.
        refusing: What keeps those who say so; None where their answers are too many or too long to name.
        refused: The places of the refused rows that say so, which nobody should mend.
        only_where: All that check_contacts is to be given: what was in force, and what keeps the others in each column.
    """

    header: str
    asks: bool
    count: int
    wrong: int
    unsaid: int
    unclear: int
    kept: Sequence[str] | None
    rows: Sequence[int]
    refusing: Mapping[str, Sequence[str]] | None
    refused: frozenset[int]
    only_where: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def warning(self) -> str:
        """What to know and to do about it, in a sentence for the ready rows and one for the refused ones."""
        where = f"no to being contacted in {_quoted(self.header)}"
        refused = f"{several(len(self.refused), 'refused row')} {_say(len(self.refused))}"
        leave = "leave them out rather than mend them."
        if not self.told:
            return f"{refused} {where}: {leave}"
        wrong = f" ({self.wrong:,} of them: a wrong number)" if self.wrong else ""
        said = (
            (self.count, f"{where}{wrong}"),
            (self.unsaid, "nothing"),
            (self.unclear, "neither yes nor no"),
        )
        (first, what), *others = [(count, what) for count, what in said if count]
        parts = [f"{several(first, 'ready row')} {_say(first)} {what}"]
        parts += [f"{count:,} {_say(count)} {what}" for count, what in others]
        told = f"{', '.join(parts[:-1])} and {parts[-1]}" if others else parts[0]
        asked = "" if self.count else f" in {_quoted(self.header)}, where others agree to being contacted"
        also = f" {refused} {'so too' if self.count else where}: {leave}" if self.refused else ""
        return f"{told}{asked}: {self._mend}.{also}"

    @property
    def told(self) -> int:
        """How many ready rows are to be left out, or asked about."""
        return self.count + self.unsaid + self.unclear

    @property
    def _mend(self) -> str:
        if self.kept is not None and not self.kept:
            return "ask whom to leave out; only_where does it"
        out = self.told
        whom = "them" if out in {self.count, self.unsaid, self.unclear} else "both" if out == 2 else f"all {out:,}"
        where = f" with only_where {json.dumps(self.only_where, ensure_ascii=False)}" if self.only_where else ""
        look = "" if self.asks else ", once you have seen that no other answer is a no too"
        if self.kept is not None:
            return f"to leave {whom} out check again{where}{look}"
        rows = f"{'row' if len(self.rows) == 1 else 'rows'} {in_short(self.rows, _MOST_ROWS)}"
        return f"to leave {whom} out take {rows} out of the list and check again{where}{look}"


def _say(count: int) -> str:
    return "says" if count == 1 else "say"


def objections(table: Table, check: Check, only_where: Mapping[str, Sequence[str]] | None = None) -> list[Objection]:
    """Return the columns in which people object to being called, in whichever of their rows.

    Args:
        table: The list.
        check: The list, checked.
        only_where: The filter of that check, which what is offered must not undo.
    """
    asked = dict(questions(table.headers))
    phones, of_calls = set(check.phone_columns), ask_of_calls(asked.values())
    plain = (
        place
        for place, header in enumerate(table.headers)
        if place not in asked and header not in phones and not (of_calls and is_about_email(header))
    )
    asking = [_column(table, place, question) for place, question in asked.items()]
    # Beside another yes the date of one tells nothing more.
    beside = any(column.agreeing for column in asking)
    asking = [column if beside and not column.saying_no else column.by_date() for column in asking]
    columns = chain(asking, (_column(table, place) for place in plain))  # one at a time, for there may be many
    found = [_objection(table, check, column) for column in columns]
    told = [objection for objection in found if objection]
    # One filter for all of it, since a check takes one, and whoever follows one warning must not undo another.
    whole = _in_force(table, only_where or {}) | {each.header: each.kept for each in told if each.told and each.kept}
    return [replace(each, only_where=whole) for each in told]


def _in_force(table: Table, only_where: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return a filter as it was asked for, in the spelling of the list."""
    places = {find_header(table, header, "only_where"): values for header, values in only_where.items()}
    return {
        table.headers[place]: _spelled_once(
            cell for row in table.rows if (cell := row.cells[place].strip()).casefold() in values
        )
        for place, values in places.items()
    }


def _spelled_once(answers: Iterable[str]) -> list[str]:
    """Return answers in their order, each in one spelling, since only_where ignores case."""
    spelled: dict[str, str] = {}
    for answer in dict.fromkeys(answers):
        spelled.setdefault(answer.casefold(), answer)
    return list(spelled.values())


class _Column(NamedTuple):
    """A column as it is answered: what asks it, its cells, and which answers are a no and a yes to being called."""

    header: str
    question: Question | None
    cells: Sequence[str]
    saying_no: frozenset[str]
    agreeing: frozenset[str]

    @property
    def asks(self) -> bool:
        """Whether being called takes a yes."""
        return self.question == "in"

    def by_date(self) -> "_Column":
        """Return the column with each date as a yes: that of a consent, which may be the only sign of it."""
        return self._replace(agreeing=self.agreeing.union(filter(is_date, set(self.cells)))) if self.asks else self


def _column(table: Table, place: int, question: Question | None = None) -> _Column:
    cells = [row.cells[place].strip() for row in table.rows]
    agreeing = filter(agrees, set(cells)) if question == "in" else ()
    return _Column(table.headers[place], question, cells, refusing(cells, question), frozenset(agreeing))


def _objection(table: Table, check: Check, column: _Column) -> Objection | None:
    # A subscription that is active is no yes that others could lack.
    if not column.saying_no and {answer.casefold() for answer in column.agreeing} <= {"active"}:
        return None
    saying = [place for place, answer in enumerate(column.cells) if answer in column.saying_no]
    read = [number for place in saying for number in numbers_of(check.rows[place])]
    theirs = known_numbers(table, saying, check.number_columns, read)
    rows = [
        (answer, row, answer in column.saying_no or (theirs is not None and is_among(row, theirs)))
        for answer, row in zip(column.cells, check.rows, strict=True)
        if row.status is not Status.FILTERED_OUT
    ]
    ready = [(answer, no) for answer, row, no in rows if row.status is Status.READY]
    silent = Counter(answer for answer, no in ready if not no)
    count = len(ready) - silent.total()
    wanting = column.asks and bool(count or column.agreeing)
    doubted = {answer: many for answer, many in silent.items() if wanting and answer not in column.agreeing}
    out = [row.row for answer, row, no in rows if row.phone and (no or (wanting and answer not in column.agreeing))]
    said = _spelled_once(answer for answer, _ in ready if answer in column.saying_no)
    found = Objection(
        header=column.header,
        asks=column.question is not None,
        count=count,
        wrong=sum(answer in column.saying_no and is_wrong_number(answer) for answer, _ in ready),
        unsaid=doubted.pop("", 0),
        unclear=sum(doubted.values()),
        # Of rows that are refused as yet too: once their number is mended, they must not be lost.
        kept=_kept(column, [answer for answer, _, _ in rows if answer not in column.saying_no]),
        rows=out,
        refusing={column.header: said} if _can_be_named(said) else None,
        refused=frozenset(place for place in saying if check.rows[place].status is Status.INVALID),
    )
    return found if found.told or found.refused else None


def _kept(column: _Column, others: Sequence[str]) -> Sequence[str] | None:
    kept = _spelled_once(answer for answer in others if not column.asks or answer in column.agreeing)
    return kept if not kept or (_can_be_named(kept) and not _are_notes(column, others)) else None


def _can_be_named(answers: Sequence[str]) -> bool:
    return 0 < len(answers) <= _MOST_VALUES and all(answer == line(answer, _LONGEST_VALUE) for answer in answers)


def _are_notes(column: _Column, answers: Iterable[str]) -> bool:
    """Tell whether hardly two answers are alike, as dates and sentences are and the few words of a status are not."""
    said = Counter(filter(None, answers))
    if column.asks:
        return any(map(is_date, said))
    sentences = any(answer.count(" ") >= _SENTENCE for answer in said)
    return column.question is None and sentences and len(said) * 2 > said.total()


def without_mends(check: Check, against: Sequence[Objection]) -> Check:
    """Return a check that tells nobody how to make a row callable that says no."""
    places = frozenset[int]().union(*(each.refused for each in against))
    if not places:
        return check
    rows = [
        row._replace(hint=ROW_SAYS_NO_HINT) if place in places and not row.says_no else row
        for place, row in enumerate(check.rows)
    ]
    return replace(check, rows=rows)


# --- only_where ----------------------------------------------------------------------------------------------------


def filter_warnings(table: Table, options: Options) -> list[str]:
    """Tell of values in only_where that no row has, with some that are there."""
    texts = []
    for header, values in options.only_where.items():
        place = find_header(table, header, "only_where")
        cells = Counter(row.cells[place].strip() for row in table.rows)
        folded = {cell.casefold() for cell in cells}
        absent = [value for value in dict.fromkeys(values) if value not in folded]
        if values and not absent:
            continue
        name = _quoted(table.headers[place])
        told = f"No row has {_in_row(absent)} in {name}" if values else f"only_where has no value for {name}"
        there = _in_row([line(cell, _LONGEST_VALUE) for cell, _ in cells.most_common()])
        texts.append(f"{told}; rows have {there}.")
    return texts


# --- countries -----------------------------------------------------------------------------------------------------


def country_warnings(table: Table, check: Check, options: Options) -> list[str]:
    """Tell of a column of countries that was not used where it would mend rows, and of names that are no country."""
    if options.region_column is not None:
        named_place = find_header(table, options.region_column, "region_column")
        unknown = unknown_names(row.cells[named_place] for row in table.rows)
        named = _in_row(unknown)
        return [f"No country by its name, so that the rows are read by their plus alone: {named}."] if unknown else []
    place = country_column(table)
    if place is None or names_states(table, place):
        return []
    refused = {Reason.MISSING_COUNTRY_CODE, Reason.AMBIGUOUS_COUNTRY}
    codes = named_codes(table, place)
    mended = sum(bool(code) and row.reason in refused for code, row in zip(codes, check.rows, strict=True))
    if not mended:
        return []
    header = _quoted(table.headers[place])
    rows = several(mended, "row")
    return [f"{header} names the country of {rows} refused for lack of one: check again with region_column {header}."]


# --- call variables ------------------------------------------------------------------------------------------------


def variable_warnings(check: Check) -> list[str]:
    """Tell of the columns whose cells are blank, too long or badly read aloud, for a voice agent says them."""
    ready = check.ready
    columns = _cells_of_columns(check)
    optional = check.optional_columns
    blank = [
        (header, count)
        for header, count in _counted(columns, lambda cells: cells.count("") + sum(map(str.isspace, cells)))
        if header not in optional or count < len(ready)
    ]
    what = "Blank for some people (keep_columns sends only the columns that the agent needs)"
    texts = [*([f"{what}: {_list(blank)}."] if blank else []), *_spoken_warnings(columns)]
    private = [
        column.source
        for column in check.columns[1:]
        if any(map(_PRIVATE.fullmatch, re.split(r"[\W_]+", column.source)))
    ]
    if private and ready:
        it = "it" if len(private) == 1 else "them"
        texts.append(
            f"Private by {'its name' if len(private) == 1 else 'their names'}, and sent all the same unless keep_columns "
            f"leaves {it} out: {_in_row(private)}."
        )
    return texts


def spoken_warnings(check: Check) -> list[str]:
    """Tell of the columns whose cells are long or badly read aloud."""
    return _spoken_warnings(_cells_of_columns(check))


def _spoken_warnings(columns: _Columns) -> list[str]:
    found = (
        (
            f"Longer than {_LONG} characters, which is much to read out",
            _counted(columns, lambda cells: sum(size > _LONG for size in map(len, cells))),
        ),
        (
            "Dates in figures or web addresses, read badly aloud (10 March 2024 is better)",
            _counted(columns, lambda cells: sum(map(_reads_badly, filter(_FIGURES_OR_ADDRESS.match, cells)))),
        ),
    )
    return [f"{what}: {_list(counted)}." for what, counted in found if counted]


def _cells_of_columns(check: Check) -> _Columns:
    ready = check.ready
    return [(column.source, [row.fields[place] for row in ready]) for place, column in enumerate(check.columns[1:])]


def unwilling_headers(check: Check) -> list[str]:
    """Tell of a phone column whose header says that its numbers are of people who must not be called."""
    named = [header for header in check.phone_columns if names_unwilling(header)]
    return [f"By its header {_in_row(named)} may be a column {OF_UNWILLING}"] if named else []


def header_warnings(table: Table, check: Check, options: Options) -> list[str]:
    """Tell where the header of the phone column is no name of one, so that the first row may be a person."""
    odd = [header for header in check.phone_columns if not is_phone_header(header) and header != table.phone_column]
    if not odd or not table.guarded or options.phone_columns:
        return []
    text = (
        f"The phone column is named {_quoted(odd[0])}. If that is no name but a cell of the first person, the list lacks a "
        "header row, and that person is not counted: add one above it."
    )
    return [text]


def extension_warnings(table: Table, check: Check, options: Options) -> list[str]:
    """Tell of extensions in a column of their own, so that many people seem to have one number."""
    texts = []
    for place, header in enumerate(table.headers):
        if header in check.phone_columns or not is_extension_header(header):
            continue
        called = (
            row.cells[place]
            for row, checked in zip(table.rows, check.rows, strict=True)
            if checked.status in {Status.READY, Status.DUPLICATE}
        )
        count = sum(_SHORT_NUMBER.fullmatch(cell.strip()) is not None for cell in called)
        if count:
            have = several(count, "number has", "numbers have")
            without = json.dumps({**_in_force(table, options.only_where), header: ""}, ensure_ascii=False)
            texts.append(
                f"{have} an extension in {_quoted(header)}, which Atoms cannot dial: ask whether to call them without it; to "
                f"leave them out check again with only_where {without}."
            )
    return texts


def _counted(columns: _Columns, odd: Callable[[Sequence[str]], int]) -> list[tuple[str, int]]:
    """Return the columns that have odd cells, with how many."""
    counted = [(header, odd(cells)) for header, cells in columns]
    return [(header, count) for header, count in counted if count]


def _reads_badly(cell: str) -> bool:
    """Tell of a cell that begins with a digit, or like a web address, whether it is a date or an address."""
    return not cell[0].isdigit() or is_date(cell)


def _list(counted: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{_quoted(header)} ({count:,})" for header, count in counted[:_MOST_NAMED])
    more = len(counted) - _MOST_NAMED
    return f"{shown} and {several(more, 'more column')}" if more > 0 else shown


def _in_row(texts: Sequence[str]) -> str:
    """Return texts that a list holds, and how many more there are."""
    return in_short(texts, _MOST_VALUES, _quoted)


def _quoted(header: str) -> str:
    return json.dumps(line(header, 80), ensure_ascii=False)
