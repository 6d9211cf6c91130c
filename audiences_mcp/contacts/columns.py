"""Which columns hold the phone number, the country and the name, and what the others are called in Atoms."""

import difflib
import hashlib
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from audiences_mcp.contacts.consent import questions
from audiences_mcp.contacts.headers import (
    is_fax_kind,
    is_kind_of,
    is_of_the_listed,
    is_phone_header,
    is_phone_name,
    label_places,
    may_name_further_phones,
    names_kinds,
    names_mobile,
    names_other_digits,
    names_other_phone,
    names_phones,
    names_switchboard,
)
from audiences_mcp.contacts.phones import Phone, read_numbers
from audiences_mcp.contacts.reasons import Reason, Refusal
from audiences_mcp.contacts.tables import Table, holds_number, numbers_inside
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, is_date
from audiences_mcp.errors import InvalidInput
from audiences_mcp.masking import text_masked
from audiences_mcp.text import fold, in_short, line

# How many cells are drawn to tell a column, and within how many tenths of a limit their share is too close for that: then
# more are. Drawn, since lists may alternate: a number in every second row must not fall through.
_DRAWN = ((100, 2.5), (500, 1.0))
_SOME_DIGITS = re.compile(r"\d(?:\D{0,9}\d){3}")  # fewer are in no cell that is a number, whole or spoilt
_MOST_DIGITS = 15  # more are two numbers, or a payment card
# Shares of a column's filled cells, in tenths: cells written like numbers, and cells that are real numbers.
_LIKE_TENTHS = 5
_REAL_TENTHS = 3
_LONGEST_NOTHING = 4  # characters: `n/a`, `none`
_BARE_DIGITS = re.compile(r"(?:[A-Za-z]-)?\d+(?:\.0)?")  # also of a code, such as `C-30123456`
_LIKE_A_NUMBER = frozenset({Reason.EXCEL_DAMAGED, Reason.MULTIPLE_NUMBERS, Reason.EXTENSION})
# Latin letters that Unicode does not take for others with an accent.
_LATIN = {
    **{ord(letter): plain for letter, plain in zip("øØłŁđĐ\u0131", "oOlLdDi", strict=True)},
    **{ord(letter): plain for letter, plain in (("ß", "ss"), ("æ", "ae"), ("Æ", "AE"), ("œ", "oe"), ("Œ", "OE"))},
}
_MARK_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is sent.

    Args:
        source: The header in the list.
        name: The name in Atoms: letters, digits and underscores.
        index: Its place in a row of the list.
        given: Whether the caller gave it its name.
        nameless: Whether nothing but its place gave it its name: it has no header, and the caller named none.
    """

    source: str
    name: str
    index: int
    given: bool = False
    nameless: bool = False


def find_header(table: Table, wanted: str, argument: str) -> int:
    """Return the place of a header that the caller named, case and outer spaces ignored where that leaves no doubt.

    Raises:
        InvalidInput: The list has no such header, or several; says which come near.
    """
    folded = [header.strip().casefold() for header in table.headers]
    key = line(wanted).casefold()
    # A header with many digits may have been shown masked.
    alike = [place for place, header in enumerate(folded) if key in {header, text_masked(header)}]
    exact = [place for place in alike if table.headers[place].strip() == wanted.strip()]
    if len(exact or alike) == 1:
        return (exact or alike)[0]
    if alike:
        raise InvalidInput(
            f"{argument}: {line(wanted)!r} could be {_named([table.headers[place] for place in alike])}."
        )
    near = difflib.get_close_matches(key, folded, n=1)
    hint = f"did you mean {table.headers[folded.index(near[0])]!r}?" if near else f"it has {_named(table.headers)}."
    raise InvalidInput(f"{argument}: the list has no column {line(wanted)!r}; {hint}")


def phone_columns(
    table: Table, wanted: Sequence[str], region: str | None = None, candidates: Sequence[int] | None = None
) -> list[int]:
    """Return the places of the phone columns, in order of preference: those named, else the one found in the data.

    Args:
        table: The list.
        wanted: The headers that the caller named.
        region: The region of numbers without a country code.
        candidates: The columns that hold numbers, where they were looked for already.

    Raises:
        InvalidInput: A named column is not there, no column holds numbers, or several do.
    """
    if wanted:
        return list(dict.fromkeys(find_header(table, header, "phone_columns") for header in wanted))
    if table.phone_column is not None:
        return [table.headers.index(table.phone_column)]
    found = number_columns(table, [region] * len(table.rows)) if candidates is None else candidates
    places = _in_order(table, _without_bare_digits(table, found))
    if not places:
        raise InvalidInput(
            "No column of the list holds phone numbers: name the right one in phone_columns. "
            f"It has {_named(table.headers)}.",
        )
    _refuse_doubtful(table, places)
    return places


def _refuse_doubtful(table: Table, places: Sequence[int]) -> None:
    """Refuse columns of numbers of which it is not plain that one, and only one, is the phone to be called."""
    headers = [table.headers[place] for place in places]
    shown = "; ".join(f"{table.headers[place]!r} (such as {_masked_sample(table, place)})" for place in sorted(places))
    # Beside a column that is named for phones, others may be of anybody: who wants them called names them.
    offered = headers
    if any(map(is_phone_header, headers)):
        offered = [header for header in headers if is_phone_header(header) or may_name_further_phones(header)]
    ready = f"[{', '.join(json.dumps(header, ensure_ascii=False) for header in offered)}]"
    if len(places) > 1:
        raise InvalidInput(
            f"More than one column holds phone numbers: {shown}. Ask which to call, then set phone_columns to one, or "
            f"to several in order of preference: {ready}.",
        )
    if _is_not_theirs(headers[0]) and not is_of_the_listed(headers[0], table.headers):
        raise InvalidInput(
            f"The only column that could hold phone numbers is {shown}, which is named like something else. If it does, "
            f"set phone_columns to {ready}.",
        )
    named = [] if is_phone_header(headers[0]) or may_name_further_phones(headers[0]) else _phones_passed_over(table)
    if named:
        raise InvalidInput(
            f"The only column that could hold the phone numbers is {shown}, whose header does not say so, while {named[0]!r} "
            f"is named for phones. Ask whose numbers they are; if they are to be called, set phone_columns to {ready}.",
        )


def _phones_passed_over(table: Table) -> list[str]:
    """Return the headers that name phones over columns that hold none, or those of somebody else."""
    return [
        header
        for place, header in enumerate(table.headers)
        if is_phone_name(header)
        or (names_phones(header) and (names_other_phone(header) or _says_nothing(table, place)))
    ]


def _says_nothing(table: Table, place: int) -> bool:
    header = table.headers[place]
    if names_kinds(header) or any(questions([header])):
        return False
    return all(len(row.cells[place].strip()) <= _LONGEST_NOTHING for row in table.rows)


def _without_bare_digits(table: Table, candidates: Sequence[int]) -> list[int]:
    """Return columns of numbers without those of digits alone that no header calls phones, where another one is called so.

    Customer numbers may be real phone numbers too, in whatever language they are named.
    """

    def drawn(place: int) -> list[str]:
        cells = [cell for row in table.rows if (cell := row.cells[place].strip())]
        return [cells[each] for each in _drawn(len(cells), _DRAWN[0][0])]

    def is_full_of_numbers(place: int) -> bool:
        cells = drawn(place)
        return sum(map(holds_number, cells)) * 10 >= len(cells) * _LIKE_TENTHS

    headers = table.headers
    named = (place for place in candidates if names_phones(headers[place]) and not _is_not_theirs(headers[place]))
    if len(candidates) < 2 or not any(map(is_full_of_numbers, named)):
        return list(candidates)
    return [
        place
        for place in candidates
        if may_name_further_phones(headers[place]) or not all(map(_BARE_DIGITS.fullmatch, drawn(place)))
    ]


def holds_phone_numbers(table: Table) -> bool:
    """Tell whether a column of the list holds phone numbers."""
    candidates = number_columns(table)
    return any(not _is_not_theirs(table.headers[index]) for index in candidates)


def phone_cells(table: Table) -> list[str]:
    """Return the cells that may be or hold numbers, for a list of people who must not be called.

    There a number counts in whatever column it stands, also in one of notes, of old or of other people's phones; but not
    in one that is named for other digits, for many of these end like the phone of somebody.
    """
    places = [table.headers.index(table.phone_column)] if table.phone_column else []
    places = places or number_columns(table, at_least_like=True)
    cells = [cell for row in table.rows for cell in row.surplus if holds_number(cell)]
    for place, header in enumerate(table.headers):
        filled = [cell for row in table.rows if (cell := row.cells[place].strip())]
        if place in places or (names_phones(header) and not names_other_digits(header)):
            cells += filled
        elif not names_other_digits(header):
            cells += [number for cell in filled if _SOME_DIGITS.search(cell) for number in numbers_inside(cell)]
    return cells


def _in_order(table: Table, candidates: Sequence[int]) -> list[int]:
    """Return columns of numbers as a person would try them: mobiles, then the fuller ones, switchboards last."""
    if len(candidates) < 2:
        return list(candidates)

    def rank(place: int) -> tuple[bool, bool, bool, bool, int]:
        header = table.headers[place]
        filled = sum(1 for row in table.rows if row.cells[place].strip())
        is_last = not is_phone_header(header), names_switchboard(header)
        return *is_last, not names_mobile(header), not names_phones(header), -filled

    return sorted(candidates, key=rank)


def _is_not_theirs(header: str) -> bool:
    """Tell whether a header names digits that are no number of the person: an order, a fax, somebody else's phone."""
    return names_other_phone(header) or names_other_digits(header)


def number_columns(table: Table, regions: Sequence[str | None] = (), *, at_least_like: bool = False) -> list[int]:
    """Find the columns of numbers by their cells. A header only adds a column, whose numbers lack a country code.

    Args:
        table: The list.
        regions: For each row the region of its numbers without a country code; empty where there is none.
        at_least_like: Whether a column counts whose cells are only like numbers, though another has real ones.
    """
    regions = regions or [None] * len(table.rows)
    real, like, named = [], [], []
    for index, header in enumerate(table.headers):
        filled = [place for place, row in enumerate(table.rows) if (cell := row.cells[index]) and not cell.isspace()]
        cells = [table.rows[place].cells[index] for place in filled]
        if not any(_SOME_DIGITS.search(cells[place]) for place in _drawn(len(cells), _DRAWN[-1][0])):
            continue
        may_be_named = is_phone_header(header) and not _is_not_theirs(header)
        looked_at, likes, reals = _shares(cells, [regions[place] for place in filled], seldom=may_be_named)
        if likes and may_be_named:
            named.append(index)
        if not likes or likes * 10 < looked_at * _LIKE_TENTHS:
            continue
        like.append(index)
        if at_least_like or reals * 10 >= looked_at * _REAL_TENTHS:
            real.append(index)
    found = sorted({*real, *named}) if real else named or like
    # Numbers of faxes and orders may be real phone numbers too; their header counts where another column is left.
    return [index for index in found if not _is_not_theirs(table.headers[index])] or found


def _shares(cells: Sequence[str], regions: Sequence[str | None], *, seldom: bool) -> tuple[int, int, int]:
    """Return how many cells of a column were looked at, how many are like numbers, and how many are real numbers.

    Args:
        cells: Its filled cells.
        regions: For each the region of a number without a country code.
        seldom: Whether a few numbers among many cells would count too.
    """
    first = _DRAWN[0][0]
    for most, margin in _DRAWN:
        drawn = _drawn(len(cells), most)
        likes, reals = _count_numbers([cells[place] for place in drawn], [regions[place] for place in drawn])
        shares = ((likes, _LIKE_TENTHS), (reals, _REAL_TENTHS))
        close = any(abs(count * 10 - len(drawn) * tenths) < len(drawn) * margin for count, tenths in shares)
        if len(drawn) == len(cells) or not (close or (seldom and not likes and most == first)):
            return len(drawn), likes, reals
    return len(cells), *_count_numbers(cells, regions)


def _drawn(count: int, most: int) -> Sequence[int]:
    """Return the places of as many cells, in their order; the same ones each time."""
    if count <= most:
        return range(count)
    return sorted(random.Random(0).sample(range(count), most))  # noqa: S311 - no secret


def _count_numbers(cells: Sequence[str], regions: Sequence[str | None]) -> tuple[int, int]:
    """Return how many cells are written like numbers, and how many are real numbers."""
    readings = read_numbers(cells, regions)
    likes = sum(_is_like_a_number(cell, reading) for cell, reading in zip(cells, readings, strict=True))
    return likes, sum(isinstance(reading, Phone) for reading in readings)


def _is_like_a_number(cell: str, reading: Phone | Refusal) -> bool:
    if isinstance(reading, Phone) or reading.reason in _LIKE_A_NUMBER:
        return True
    digits = sum(char.isdigit() for char in cell)
    others = sum(char.isalpha() for char in cell)
    return MIN_NUMBER_DIGITS <= digits <= _MOST_DIGITS and not others and not is_date(cell)


def _masked_sample(table: Table, index: int) -> str:
    cell = next(row.cells[index].strip() for row in table.rows if row.cells[index].strip())
    return "…" + re.sub(r"\D", "", cell)[-2:]


def fax_rows(table: Table, phone: int) -> frozenset[int]:
    """Return the rows whose number in a phone column is that of a fax or pager, as a column of kinds beside it says."""
    header = table.headers[phone]
    kinds = [place for place, name in enumerate(table.headers) if place != phone and is_kind_of(name, header)]
    faxes = {cell for place in kinds for cell in {row.cells[place] for row in table.rows} if is_fax_kind(cell)}
    if not faxes:
        return frozenset()
    return frozenset(index for index, row in enumerate(table.rows) if any(row.cells[place] in faxes for place in kinds))


def label_columns(table: Table) -> list[int]:
    """Return the places of the cells by which a person knows a row: a full name, else first and last name."""
    return label_places(table.headers)


def sent_columns(
    table: Table, phone: int, keep: Sequence[str] | None, mapping: Mapping[str, str]
) -> tuple[list[Column], list[str]]:
    """Return the columns that are sent, the phone column first, and the headers that are left out.

    Args:
        table: The list.
        phone: Place of the phone column.
        keep: Headers to send; None for all.
        mapping: For a header in the list the column's name in the audience.

    Raises:
        InvalidInput: A named header is not there, or two columns would get one name.
    """
    kept = (
        set(range(len(table.headers)))
        if keep is None
        else {find_header(table, header, "keep_columns") for header in keep}
    )
    renamed = {find_header(table, header, "column_mapping"): name for header, name in mapping.items()}
    if len(set(renamed.values())) < len(mapping):
        raise InvalidInput("column_mapping gives two columns one name: give each a name of its own.")
    kept |= set(renamed)
    order = [phone, *(index for index in range(len(table.headers)) if index != phone and index in kept)]
    names = _own_names([table.headers[index] for index in order if index not in renamed], renamed.values())
    columns = [
        Column(header, renamed.get(index) or names[header], index, given, header in table.nameless and not given)
        for index in order
        for header, given in [(table.headers[index], index in renamed)]
    ]
    sent = set(order)
    dropped = [header for index, header in enumerate(table.headers) if index not in sent]
    return columns, dropped


def _own_names(headers: Sequence[str], given: Collection[str]) -> dict[str, str]:
    """Return a name for each header, made of the header alone: in another order, or another list, it is the same.

    Args:
        headers: The headers, no two alike.
        given: The names that the caller gave to other columns.
    """
    names = {header: variable_name(header) for header in headers}
    count = Counter([*names.values(), *given])
    # Whose header is the name keeps it; a number would say no more than which comes first.
    names = {
        header: name if count[name] == 1 or (name == header and name not in given) else _marked(name, header)
        for header, name in names.items()
    }
    taken = dict.fromkeys(given, 1)
    return {header: free_name(name, taken) for header, name in names.items()}


def variable_name(header: str) -> str:
    """Return a header as the name of a call variable: ASCII letters, digits and underscores (Atoms' rule).

    Accents are left out. Where letters of another script are, what is left does not tell headers apart (`Имя 1`, `Город 1`).
    """
    if is_variable_name(header):
        return header
    spelt = unicodedata.normalize("NFKD", header.translate(_LATIN))
    name = re.sub(r"[^A-Za-z0-9_]+", "_", re.sub(r"(?<=[A-Za-z])[\u0300-\u036f]+", "", spelt)).strip("_")
    is_told = name and not any(char.isalnum() and not char.isascii() for char in spelt)
    return name if is_told else _marked(name or "column", fold(header))


def _marked(name: str, header: str) -> str:
    """Return a name with letters that stand for its header: no digits, which could look like a phone number."""
    digest = hashlib.sha256(header.encode()).digest()
    return f"{name}_{''.join(chr(ord('a') + byte % 26) for byte in digest[:_MARK_LETTERS])}"


def is_variable_name(name: str) -> bool:
    """Tell whether Atoms takes a name as that of a call variable."""
    return re.fullmatch(r"[A-Za-z0-9_]+", name) is not None


def free_name(name: str, taken: dict[str, int]) -> str:
    """Return the name, numbered where it is taken, and take it."""
    free = name
    while free in taken:
        taken[name] = taken.get(name, 1) + 1
        free = f"{name}_{taken[name]}"
    taken[free] = 1
    return free


def _named(headers: Sequence[str], most: int = 20) -> str:
    return in_short(headers, most, repr)
