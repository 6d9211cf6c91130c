"""What a person should know of the columns before a list is called: who said no, what is blank or reads badly aloud."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from audiences_mcp.contacts.check import Check, Options, is_among, known_numbers, numbers_of
from audiences_mcp.contacts.columns import find_header, is_phone_header
from audiences_mcp.contacts.consent import (
    Question,
    agrees,
    is_about_email,
    is_wrong_number,
    may_refuse,
    names_unwilling,
    questions,
    refuses,
)
from audiences_mcp.contacts.countries import country_column, named_codes, names_states, unknown_names
from audiences_mcp.contacts.reasons import ROW_SAYS_NO_HINT, SAYS_NO_HINT, Reason, Status
from audiences_mcp.contacts.sources import OF_UNWILLING
from audiences_mcp.contacts.tables import Table
from audiences_mcp.contacts.writing import is_date
from audiences_mcp.text import line, several

_LONG = 500  # characters that a voice agent should not read out
_MOST_NAMED = 10
_MOST_VALUES, _LONGEST_VALUE = 5, 60

_PRIVATE = re.compile(
    r"passwords?|passwd|passwort|pwd|pin|cvv|cvc|ssn|secrets?|tokens?|iban|card(?:number)?|aadhaa?r|passport",
    re.IGNORECASE,
)
# Headers with the cells of the ready rows.
_Columns = Sequence[tuple[str, Sequence[str]]]
_FIGURES_OR_ADDRESS = re.compile(r"\d|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Objection:
    """A column in which people said that they do not want to be called.

    Args:
        header: The column.
        count: How many ready rows say so; may be none where others say yes and some do not.
        wrong: How many of them say that the number is somebody else's.
        unsaid: How many ready rows say nothing, where being called takes a yes.
        unclear: How many say something that is neither, where being called takes a yes.
        only_where: What keeps the others; None where nobody agreed, or the answers are too many or too long to name.
        refusing: What keeps those who say so; None where their answers are too many or too long to name.
        refused: The places of the refused rows that say so, which nobody should mend.
    """

    header: str
    count: int
    wrong: int
    unsaid: int
    unclear: int
    only_where: Mapping[str, Sequence[str]] | None
    refusing: Mapping[str, Sequence[str]] | None
    refused: frozenset[int]

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
        if not self.only_where:
            return "ask whom to leave out; only_where does it"
        out = self.told
        whom = "them" if out in {self.count, self.unsaid, self.unclear} else "both" if out == 2 else f"all {out:,}"
        return f"to leave {whom} out check again with only_where {json.dumps(self.only_where, ensure_ascii=False)}"


def _say(count: int) -> str:
    return "says" if count == 1 else "say"


def objections(table: Table, check: Check) -> list[Objection]:
    """Return the columns in which people object to being called, in whichever of their rows."""
    asked = dict(questions(table.headers))
    phones = set(check.phone_columns)
    plain = (
        place
        for place, header in enumerate(table.headers)
        if place not in asked and header not in phones and not (asked and is_about_email(header))
    )
    told = [place for place in plain if may_refuse([row.cells[place] for row in table.rows])]
    found = [_objection(table, check, place, asked.get(place)) for place in [*asked, *told]]
    return [objection for objection in found if objection]


def _objection(table: Table, check: Check, place: int, question: Question | None) -> Objection | None:
    rows = [(row.cells[place].strip(), checked) for row, checked in zip(table.rows, check.rows, strict=True)]
    asked = question == "in"  # where being called takes a yes
    answers = dict.fromkeys(answer for answer, _ in rows)
    refusing = {answer for answer in answers if refuses(answer, question)}
    agreeing = {answer for answer in answers if asked and agrees(answer)}
    saying = [each for each, (answer, _) in enumerate(rows) if answer in refusing]
    # A subscription that is active is no yes that others could lack.
    if not saying and {answer.casefold() for answer in agreeing} <= {"active"}:
        return None
    read = [number for each in saying for number in numbers_of(rows[each][1])]
    theirs = known_numbers(table, saying, check.number_columns, read)
    ready = [(answer, checked) for answer, checked in rows if checked.status is Status.READY]
    silent = Counter(
        answer for answer, row in ready if answer not in refusing and not (theirs and is_among(row, theirs))
    )
    count = len(ready) - silent.total()
    refused = frozenset(each for each in saying if rows[each][1].status is Status.INVALID)
    wanting = asked and bool(count or agreeing)
    doubted = {answer: many for answer, many in silent.items() if wanting and answer not in agreeing}
    unsaid = doubted.pop("", 0)
    if not (count or refused or unsaid or doubted):
        return None
    answers = dict.fromkeys(answer for answer, _ in ready)
    said = [answer for answer in answers if answer in refusing]
    kept = [answer for answer in answers if (answer in agreeing if asked else answer not in refusing)]
    wrong = sum(answer in refusing and is_wrong_number(answer) for answer, _ in ready)
    header = table.headers[place]
    kept_by, said_by = ({header: each} if _can_be_named(each) else None for each in (kept, said))
    return Objection(header, count, wrong, unsaid, sum(doubted.values()), kept_by, said_by, refused)


def _can_be_named(answers: Sequence[str]) -> bool:
    return 0 < len(answers) <= _MOST_VALUES and all(answer == line(answer, _LONGEST_VALUE) for answer in answers)


def without_mends(check: Check, against: Sequence[Objection]) -> Check:
    """Return a check that tells nobody how to make a row callable that says no."""
    places = frozenset[int]().union(*(each.refused for each in against))
    if not places:
        return check
    rows = [
        row._replace(hint=ROW_SAYS_NO_HINT) if place in places and row.hint != SAYS_NO_HINT else row
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
        absent = [_quoted(value) for value in dict.fromkeys(values) if value not in folded]
        if values and not absent:
            continue
        name = _quoted(table.headers[place])
        told = (
            f"No row has {' or '.join(absent[:_MOST_VALUES])} in {name}"
            if values
            else f"only_where has no value for {name}"
        )
        there = ", ".join(_quoted(line(cell, _LONGEST_VALUE)) for cell, _ in cells.most_common(_MOST_VALUES))
        more = f" and {several(len(cells) - _MOST_VALUES, 'other value')}" if len(cells) > _MOST_VALUES else ""
        texts.append(f"{told}; rows have {there}{more}.")
    return texts


# --- countries -----------------------------------------------------------------------------------------------------


def country_warnings(table: Table, check: Check, options: Options) -> list[str]:
    """Tell of a column of countries that was not used where it would mend rows, and of names that are no country."""
    if options.region_column is not None:
        named_place = find_header(table, options.region_column, "region_column")
        unknown = unknown_names(row.cells[named_place] for row in table.rows)
        named = ", ".join(map(_quoted, unknown[:_MOST_VALUES]))
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
        texts.append(
            f"Private by its name, and sent all the same unless keep_columns leaves it out: {_quoted(private[0])}."
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
    return [f"By its header {_quoted(named[0])} may be a column {OF_UNWILLING}"] if named else []


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


def _quoted(header: str) -> str:
    return json.dumps(line(header, 80), ensure_ascii=False)
