"""How the columns of a list go into an audience that has columns of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from audiences_mcp.contacts.check import Check
from audiences_mcp.contacts.columns import Column
from audiences_mcp.text import line

_MOST_PAIRS = 10_000  # of names that are compared, which takes a second


@dataclass(frozen=True, slots=True)
class Fit:
    """How the columns of a list go into an audience.

    Args:
        columns: The audience's columns, the phone column first.
        places: For each further column the place in a row's fields, or None where the list lacks it.
        missing: Columns of the audience that the list does not have.
        unmatched: Headers of the list, not blank throughout, that the audience has no column for.
        mapping: For unmatched headers the column that was probably meant.
    """

    columns: tuple[str, ...]
    places: tuple[int | None, ...]
    missing: tuple[str, ...]
    unmatched: tuple[str, ...]
    mapping: dict[str, str]


def fit_columns(check: Check, own: Sequence[str], *, empty: bool) -> Fit:
    """Match the columns of a list with those of an audience, which Atoms compares case-sensitively.

    Args:
        check: The checked list; its phone column fits by itself.
        own: The audience's columns, the phone column first.
        empty: Whether the audience has no member yet, so that it takes any columns.
    """
    sent = list(enumerate(check.columns[1:]))
    phone, *others = own
    if empty:
        others = [column.name for _, column in sent if column.name != phone]
    # The list's phone column goes into the phone column, so no other column of that name can. A header counts where
    # its name in Atoms does not: an audience made elsewhere may have it as it stands. A name that only says where a column
    # stood does not tell that it holds the same.
    named = sent if empty else [(place, column) for place, column in sent if not column.nameless]
    places = {column.name: place for place, column in named if column.name in others}
    for place, column in named:
        if column.name not in others and column.source in others:
            places.setdefault(column.source, place)
    ready = check.ready
    unmatched = [
        column
        for place, column in sent
        if place not in places.values() and (empty or any(row.fields[place].strip() for row in ready))
    ]
    missing = tuple(name for name in others if name not in places)
    return Fit(
        columns=(phone, *others),
        places=tuple(places.get(name) for name in others),
        missing=missing,
        unmatched=tuple(column.source for column in unmatched),
        mapping=_likely_mapping(unmatched, missing),
    )


def _likely_mapping(unmatched: Sequence[Column], missing: Sequence[str]) -> dict[str, str]:
    # Another client may have made a column of any name; one that would be shown otherwise than it is cannot be mapped to.
    if len(unmatched) * len(missing) > _MOST_PAIRS:
        return {}
    plain = {_plain(name): name for name in missing if name == line(name)}
    mapping = {}
    for column in unmatched:
        if column.nameless:
            continue
        near = get_close_matches(_plain(column.source), plain, n=1)
        if near:
            mapping[column.source] = plain.pop(near[0])
    return mapping


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
