"""How many mistakes of writing would ring a stranger: before the rules and after them, written down as typos.md."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os import environ
from pathlib import Path

import phonenumbers  # noqa: TID251 - the naive reading that the rules are compared with
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType  # noqa: TID251

from audiences_mcp.contacts.phones import Phone, read_number, read_numbers

COUNTRIES = ("US", "IN", "GB", "DE", "FR", "BR", "MX", "NG", "JP", "AU", "NO", "AE")
NUMBERS = 10_000
LIST_LENGTH = 100
SNAPSHOT = Path(__file__).with_name("typos.md")


@dataclass(frozen=True)
class Line:
    """A line that somebody has: its country, its number, and the number as dialled within the country."""

    region: str
    e164: str
    national: str


def lines() -> list[Line]:
    rng = random.Random(20_250_701)
    return [_line(COUNTRIES[index % len(COUNTRIES)], rng) for index in range(NUMBERS)]


def _line(region: str, rng: random.Random) -> Line:
    """Randomise the last digits of an example number until they are a valid number of the region."""
    while True:
        kind = rng.choice((PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
        example = phonenumbers.example_number_for_type(region, kind)
        assert example is not None
        digits = phonenumbers.national_significant_number(example)
        kept = rng.randrange(len(digits) // 2)
        tail = "".join(rng.choices("0123456789", k=len(digits) - kept))
        number = PhoneNumber(country_code=example.country_code, national_number=int(digits[:kept] + tail))
        if phonenumbers.is_valid_number_for_region(number, region):
            national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            return Line(region, _e164(number), re.sub(r"\D", "", national))


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def naive(text: str, region: str | None) -> str | None:
    """Read a number as most tools do: in the region where there is one, else with a plus in front."""
    for written, where in ((text, region), (f"+{text.lstrip('+')}", None)):
        try:
            number = phonenumbers.parse(written, where)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return _e164(number)
    return None


def country(e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""


# --- the mistakes: what is written, and the default region that the list is read with --------------------------------

Written = tuple[str, str | None]


def one_digit_replaced(line: Line, rng: random.Random) -> Written:
    digits, at = line.national, rng.randrange(len(line.national))
    other = rng.choice("0123456789".replace(digits[at], ""))
    return digits[:at] + other + digits[at + 1 :], line.region


def one_digit_missing(line: Line, rng: random.Random) -> Written:
    at = rng.randrange(len(line.national))
    return line.national[:at] + line.national[at + 1 :], line.region


def one_digit_doubled(line: Line, rng: random.Random) -> Written:
    at = rng.randrange(len(line.national))
    return line.national[: at + 1] + line.national[at:], line.region


def lost_plus(line: Line, _rng: random.Random) -> Written:
    return line.e164[1:], None


def lost_plus_in_another_region(line: Line, rng: random.Random) -> Written:
    return line.e164[1:], rng.choice([region for region in COUNTRIES if region != line.region])


def glued_plus(line: Line, _rng: random.Random) -> Written:
    return f"+{line.national}", None


def glued_plus_for_zero(line: Line, _rng: random.Random) -> Written:
    """A spreadsheet takes the first zero off before the plus is glued on."""
    return f"+{line.national.lstrip('0')}", None


Mistake = Callable[[Line, random.Random], Written]
MISTAKES: dict[str, tuple[Mistake, bool]] = {
    "one digit replaced": (one_digit_replaced, False),
    "one digit missing": (one_digit_missing, False),
    "one digit doubled": (one_digit_doubled, False),
    "plus lost, no region, single rows": (lost_plus, False),
    "plus lost, no region, lists of 100": (lost_plus, True),
    "plus lost, another region, single rows": (lost_plus_in_another_region, False),
    "plus lost, another region, lists of 100": (lost_plus_in_another_region, True),
    "plus glued on, single rows": (glued_plus, False),
    "plus glued on, lists of 100": (glued_plus, True),
    "plus glued on, zero lost, single rows": (glued_plus_for_zero, False),
    "plus glued on, zero lost, lists of 100": (glued_plus_for_zero, True),
}


@dataclass
class Outcome:
    """Per country how many rows would ring another number, and another country."""

    another_number: Counter[str] = field(default_factory=Counter)
    another_country: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, sent: str | None) -> None:
        if sent is not None and sent != line.e164:
            self.another_number[line.region] += 1
            self.another_country[line.region] += country(sent) != line.region


def sent_by_rules(written: Sequence[Written], *, as_list: bool) -> list[str | None]:
    if as_list:
        read = read_numbers([text for text, _ in written], [region for _, region in written])
    else:
        read = [read_number(text, region) for text, region in written]
    return [reading.number if isinstance(reading, Phone) else None for reading in read]


def lists_of(people: Sequence[Line]) -> Iterator[list[Line]]:
    for region in COUNTRIES:
        own = [line for line in people if line.region == region]
        for start in range(0, len(own), LIST_LENGTH):
            yield own[start : start + LIST_LENGTH]


def outcomes(people: Sequence[Line], mistake: Mistake, *, as_list: bool) -> tuple[Outcome, Outcome]:
    before, after = Outcome(), Outcome()
    for index, batch in enumerate(lists_of(people)):
        # One list is read with one default region, so there the choice is the list's.
        written = [mistake(line, random.Random(index if as_list else line.e164)) for line in batch]
        sent = sent_by_rules(written, as_list=as_list)
        for line, (text, region), number in zip(batch, written, sent, strict=True):
            before.add(line, naive(text, region))
            after.add(line, number)
    return before, after


# --- the table -------------------------------------------------------------------------------------------------------

INTRODUCTION = f"""\
# Mistakes of writing that ring a stranger

{NUMBERS:,} numbers of {len(COUNTRIES)} countries, each written with every mistake once. *Before* is the reading of
most tools: in the default region if that is valid, else with a plus in front. *After* is this package. A row counts
when a number would be sent that is not the one that was meant; it counts again when that one is in another country.

Written by `tests/contacts/test_typos.py` with phonenumbers {phonenumbers.__version__};
run it with `UPDATE_SNAPSHOTS=1` to write it anew.
"""


def row(*cells: object) -> str:
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return row(*head) + row(*["---"] * len(head)) + "".join(row(*cells) for cells in rows)


def snapshot(found: dict[str, tuple[Outcome, Outcome]]) -> str:
    totals = [
        (
            name,
            before.another_number.total(),
            after.another_number.total(),
            before.another_country.total(),
            after.another_country.total(),
        )
        for name, (before, after) in found.items()
    ]
    head = ["mistake", "another number, before", "after", "another country, before", "after"]
    parts = [INTRODUCTION, "## In all\n", table(head, totals)]
    for title, counter in (("Another country", "another_country"), ("Another number", "another_number")):
        rows = [
            [name, *(f"{getattr(before, counter)[each]} → {getattr(after, counter)[each]}" for each in COUNTRIES)]
            for name, (before, after) in found.items()
        ]
        parts += [f"## {title}, before → after, by the country that was meant\n", table(["mistake", *COUNTRIES], rows)]
    return "\n".join(parts)


def recorded(text: str) -> dict[str, list[int]]:
    """Return the figures of the first table by mistake."""
    lines = re.findall(r"^\| ([^|]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    return {name: [int(figure.replace(",", "")) for figure in figures] for name, *figures in lines}


def test_the_rules_keep_mistakes_from_ringing_strangers_as_written_down() -> None:
    people = lines()
    assert len(set(people)) > 0.99 * NUMBERS
    found = {name: outcomes(people, mistake, as_list=as_list) for name, (mistake, as_list) in MISTAKES.items()}
    text = snapshot(found)
    if environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    written_down = SNAPSHOT.read_text(encoding="utf-8")

    if INTRODUCTION in written_down:
        assert text == written_down
    # With other numbering plans the figures differ a little, but may not grow.
    for name, figures in recorded(text).items():
        for figure, most in zip(figures, recorded(written_down)[name], strict=True):
            assert figure <= most * 1.1 + 10, name
    for _, after, abroad_before, abroad_after in recorded(text).values():
        assert abroad_after <= after
        assert abroad_after <= abroad_before
