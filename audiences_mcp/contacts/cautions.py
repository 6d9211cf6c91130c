"""What a person should know of the columns before a list is called: who said no, what is blank or reads badly aloud."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from audiences_mcp.contacts.check import Check, CheckedRow, Options
from audiences_mcp.contacts.plans import country_code
from audiences_mcp.contacts.reasons import Reason, Status
from audiences_mcp.contacts.regions import is_us_state, region_code
from audiences_mcp.contacts.tables import Table
from audiences_mcp.contacts.writing import is_date
from audiences_mcp.errors import InvalidInput
from audiences_mcp.text import line, several

_LONG = 500  # characters that a voice agent should not read out
_MOST_NAMED = 10
_MOST_VALUES = 5
_MOST_COUNTRIES = 300
_KNOWN_TENTHS = 7  # of the values of a column of countries

_OPT_OUT = re.compile(
    r"\b(?:dnc|dnd|do not (?:call|contact|disturb|phone)|don t call|opt(?:ed)? ?out|optout|unsubscribed?|suppress(?:ed)?"
    r"|blocked|black ?list(?:ed)?|no calls?|robinson)\b"
)
_OPT_IN = re.compile(
    r"\b(?:consent(?:ed|s)?|opt(?:ed)? ?in|optin|subscribed|accepts?|permission|gdpr|agree[ds]?|(?:may|can) we (?:call|contact)"
    r"|ok(?:ay)? to call|(?:marketing|subscription) (?:contact )?status|marketing contact|einwilligung|zustimmung"
    r"|consentement|consentimiento|consenso|erlaub\w*|acepta)\b"
)
_EMAIL_ONLY = re.compile(r"\b(?:e ?mail|newsletter)\b")
# First words of an answer, in the languages whose spreadsheets say it.
_YES = re.compile(
    r"(?:yes|y|true|1|on|x|ja|oui|s[ií]|sim|da|да|tak|subscribed|opted in|granted|accepted|agreed|confirmed|consented)\b"
)
_NO = re.compile(
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|not|never|unsubscribed|opted out|opt out|optout|declined|denied"
    r"|withdrawn|revoked|refused)\b"
)
_COUNTRY = re.compile(r"\b(?:country|land|pays|pa[ií]s|paese|country code|calling code|dial(?:ling)? code)\b")
_IN_FIGURES = re.compile(r"https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Objection:
    """A column in which people of the ready rows said that they do not want to be called.

    Args:
        header: The column.
        count: How many ready rows say so.
        unsaid: How many ready rows say nothing, where being called takes a yes.
        only_where: What keeps the others; None where nobody agreed, or the answers are too many to name.
    """

    header: str
    count: int
    unsaid: int
    only_where: Mapping[str, Sequence[str]] | None

    @property
    def warning(self) -> str:
        """What to know and to do about it, in one sentence."""
        unsaid = f" and {self.unsaid:,} {'says' if self.unsaid == 1 else 'say'} nothing" if self.unsaid else ""
        mend = "ask whom to leave out; only_where does it"
        if self.only_where:
            mend = f"to leave them out check again with only_where {json.dumps(self.only_where, ensure_ascii=False)}"
        return (
            f"{several(self.count, 'ready row')} {'says' if self.count == 1 else 'say'} no to being contacted in "
            f"{_quoted(self.header)}{unsaid}: {mend}."
        )


def objections(table: Table, check: Check) -> list[Objection]:
    """Return the columns in which ready rows object to being called; for e-mail only where no other column asks."""
    asked = [(index, _words(header)) for index, header in enumerate(table.headers)]
    columns = [(index, words) for index, words in asked if _OPT_OUT.search(words) or _OPT_IN.search(words)]
    by_phone = [(index, words) for index, words in columns if not _EMAIL_ONLY.search(words)]
    found = (_objection(table, check, index, words) for index, words in by_phone or columns)
    return [objection for objection in found if objection]


def _objection(table: Table, check: Check, index: int, words: str) -> Objection | None:
    out = _OPT_OUT.search(words) is not None
    answers = [
        row.cells[index].strip()
        for row, checked in zip(table.rows, check.rows, strict=True)
        if checked.status is Status.READY
    ]
    refusing = {answer for answer in set(answers) if _refuses(_words(answer), out=out)}
    count = sum(answer in refusing for answer in answers)
    if not count:
        return None
    kept = [
        answer for answer in dict.fromkeys(answers) if answer not in refusing and (out or _YES.match(_words(answer)))
    ]
    unsaid = 0 if out else sum(not answer for answer in answers)
    header = table.headers[index]
    return Objection(header, count, unsaid, {header: kept} if 0 < len(kept) <= _MOST_VALUES else None)


def _words(header: str) -> str:
    """Return the words of a header: `AcceptsSMS_marketing` is `accepts sms marketing`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return re.sub(r"[\W_]+", " ", spaced).strip().casefold()


def _refuses(answer: str, *, out: bool) -> bool:
    """Tell whether an answer is a no to being called: a no to consent, or a yes to being left out."""
    if _NO.match(answer):
        return not out or "out" in answer.split()[:2] or answer.startswith("unsub")
    return out and _YES.match(answer) is not None


# --- countries -----------------------------------------------------------------------------------------------------


def country_warnings(table: Table, check: Check, options: Options) -> list[str]:
    """Tell of a column of countries that was not used, where it would mend rows or says another country."""
    index = _country_column(table) if options.region_column is None else None
    if index is None:
        return []
    regions = _regions([row.cells[index].strip() for row in table.rows])
    pairs = [
        (checked, regions.get(row.cells[index].strip())) for row, checked in zip(table.rows, check.rows, strict=True)
    ]
    mended = sum(
        region is not None and row.reason in {Reason.MISSING_COUNTRY_CODE, Reason.AMBIGUOUS_COUNTRY}
        for row, region in pairs
    )
    other = sum(region is not None and _read_elsewhere(row, region) for row, region in pairs)
    header = _quoted(table.headers[index])
    texts = [
        f"{header} names the country of {several(mended, 'row')} refused for lack of one: check again with region_column "
        f"{header}."
        if mended
        else "",
        f"{several(other, 'number')} without a country code {'was' if other == 1 else 'were'} read in another country than "
        f"{header} says: check again with region_column {header}."
        if other
        else "",
    ]
    return [text for text in texts if text]


def _country_column(table: Table) -> int | None:
    for index, header in enumerate(table.headers):
        if not _COUNTRY.search(_words(header)):
            continue
        named = [row.cells[index].strip() for row in table.rows]
        distinct = set(filter(None, named))
        if any(map(is_us_state, distinct)):
            continue
        if 0 < len(distinct) <= _MOST_COUNTRIES and len(_regions(named)) * 10 >= len(distinct) * _KNOWN_TENTHS:
            return index
    return None


def _regions(named: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in set(filter(None, named)):
        try:
            found[name] = region_code(name)
        except InvalidInput:
            continue
    return found


def _read_elsewhere(row: CheckedRow, region: str) -> bool:
    phone = row.phone if row.status is Status.READY else None
    return phone is not None and not phone.international and not phone.number.startswith(f"+{country_code(region)}")


# --- call variables ------------------------------------------------------------------------------------------------


def variable_warnings(check: Check) -> list[str]:
    """Tell of the columns whose cells are blank, too long or badly read aloud, for a voice agent says them."""
    ready = check.ready
    columns = [(column.source, [row.fields[place] for row in ready]) for place, column in enumerate(check.columns[1:])]
    optional = check.optional_columns
    blank = [
        (header, count)
        for header, count in _counted(columns, lambda cell: not cell or cell.isspace())
        if header not in optional or count < len(ready)
    ]
    found = (
        ("Blank for some people (keep_columns sends only the columns that the agent needs)", blank),
        (
            f"Longer than {_LONG} characters, which is much to read out",
            _counted(columns, lambda cell: len(cell) > _LONG),
        ),
        (
            "Dates in figures or web addresses, read badly aloud (10 March 2024 is better)",
            _counted(columns, _reads_badly),
        ),
    )
    return [f"{what}: {_list(counted)}." for what, counted in found if counted]


def _counted(columns: Sequence[tuple[str, Sequence[str]]], odd: Callable[[str], bool]) -> list[tuple[str, int]]:
    counted = [(header, sum(map(odd, cells))) for header, cells in columns]
    return [(header, count) for header, count in counted if count]


def _reads_badly(cell: str) -> bool:
    if not cell:
        return False
    return (cell[0].isdigit() and is_date(cell)) or _IN_FIGURES.match(cell) is not None


def _list(counted: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{_quoted(header)} ({count:,})" for header, count in counted[:_MOST_NAMED])
    more = len(counted) - _MOST_NAMED
    return f"{shown} and {several(more, 'more column')}" if more > 0 else shown


def _quoted(header: str) -> str:
    return json.dumps(line(header, 80), ensure_ascii=False)
