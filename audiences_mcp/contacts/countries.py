"""Which country each row names for itself, and which column of a list seems to hold countries."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from audiences_mcp.contacts.consent import words
from audiences_mcp.contacts.plans import country_code
from audiences_mcp.contacts.regions import is_state, region_code
from audiences_mcp.contacts.tables import Table
from audiences_mcp.errors import InvalidInput

_MOST_COUNTRIES = 300
_KNOWN_TENTHS = 6  # of the values of a column of countries
_COUNTRY = re.compile(
    r"\b(?:countr(?:y|ies)\w*|nation|land|l[äa]nder\w*|pays|pa[ií]s|paese|nazione|kraj|maa|[üu]lke|negara|страна|国家|國家"
    r"|calling code|dial(?:ling)? code|isd)\b"
)
_CODE = re.compile(r"\b(?:codes?|calling|dial(?:ling)?|isd|prefix)\b|\bcountrycode\b")
# Of something else than where the phone is.
_ELSEWHERE = re.compile(
    r"\b(?:interests?|birth|origin|destination|hq|headquarters?|citizenship|nationality|club|acres?|area|visited|manager)\b"
)
# What people and programs write where they know of no country.
_NOTHING = frozenset("na nan none null unknown undefined other others tbd unbekannt andere xx zz".split())  # noqa: SIM905 - shorter
_STATE = re.compile(r"\b(?:states?|province|bundesland|county|counties)\b")


@dataclass(frozen=True, slots=True)
class Country:
    """The country that a row names for itself, or the default.

    Args:
        region: Its region code, or None.
        known: Whether what the row names is a country; true where it names none.
    """

    region: str | None
    known: bool = True


def row_countries(table: Table, place: int | None, default_region: str | None) -> list[Country]:
    """Return the country of each row.

    Args:
        table: The list.
        place: The column of countries; None for what the rows name themselves.
        default_region: The region of rows that name none.

    Raises:
        InvalidInput: The column holds states, of which some (`IN`, `CA`) look like a country, or mostly what is none.
    """
    if place is None and not any(row.region for row in table.rows):
        return [Country(default_region)] * len(table.rows)
    named = [(row.region if place is None else row.cells[place]).strip() for row in table.rows]
    countries = {name: _country(name) if name else Country(default_region) for name in dict.fromkeys(named)}
    if place is not None:
        _refuse_states(table.headers[place], countries)
    return [countries[name] for name in named]


def _refuse_states(header: str, countries: dict[str, Country]) -> None:
    known = sum(bool(name) and country.known for name, country in countries.items())
    unknown = sum(not country.known for country in countries.values())
    states = any(not country.known and is_state(name) for name, country in countries.items())
    if states or _STATE.search(words(header)) or 0 < known < unknown:
        what = (
            "most values of {!r} are no countries"
            if not states
            else "some values of {!r} are states of the US or Germany"
        )
        if not states and _STATE.search(words(header)):
            what = "{!r} is named like a column of states, of which IN or DE look like countries"
        raise InvalidInput(
            f"region_column: {what.format(header)}: name a column of ISO codes, such as IN, or of names of countries, or "
            "leave region_column out.",
        )


def _country(named: str) -> Country:
    try:
        return Country(region_code(named))
    except InvalidInput:
        return Country(None, known=False)


def country_column(table: Table) -> int | None:
    """Return the place of the column that seems to hold countries, by its header and its values."""
    for index, header in enumerate(table.headers):
        title = words(header)
        if not _COUNTRY.search(title) or _ELSEWHERE.search(title):
            continue
        named = {row.cells[index].strip() for row in table.rows} - {""}
        if not _CODE.search(title) and all(name.strip("+").isdigit() for name in named):
            continue
        known = sum(_country(name).known for name in named) if len(named) <= _MOST_COUNTRIES else 0
        if known * 10 >= len(named) * _KNOWN_TENTHS and known:
            return index
    return None


def names_states(table: Table, place: int) -> bool:
    """Tell whether a column has the code of a state that is no country, so that others may be states too."""
    return any(is_state(row.cells[place]) for row in table.rows)


def named_codes(table: Table, place: int) -> list[int | None]:
    """Return for each row the country code of what a column names: 0 where that is nothing, None where it is unknown."""
    named = [row.cells[place].strip() for row in table.rows]
    codes = {name: _named_code(name) for name in dict.fromkeys(named)}
    return [codes[name] for name in named]


def _named_code(name: str) -> int | None:
    country = _country(name)
    if country.known:
        return country_code(country.region or "")
    letters = "".join(filter(str.isalpha, name)).casefold()
    return 0 if not letters or letters in _NOTHING or is_state(name) else None


def unknown_names(names: Iterable[str]) -> list[str]:
    """Return the names that are no country, each once."""
    return [name for name in dict.fromkeys(name.strip() for name in names) if name and not _country(name).known]
