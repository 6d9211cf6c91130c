"""Which digits are a number that may be dialled: every phone rule, over one number and over a whole list.

The only place that makes an `E164`. A number is never guessed: where two countries could be meant, it is refused with what
would settle it.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Literal, NamedTuple

from audiences_mcp.contacts.plans import (
    LINE_TYPES,
    UNREAD,
    CodeSource,
    LineType,
    Reading,
    country_code,
    country_code_of,
    dials_00,
    has_even_mobiles,
    is_open_plan,
    is_short_code,
    longest_fixed_line,
    main_region,
    main_regions,
    may_be_mobile_of,
    may_be_national,
    ordinary_lengths,
    read_by_parse,
    read_international,
    read_national,
    trunk_prefix_of,
)
from audiences_mcp.contacts.reasons import Note, Reason, Refusal
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, Written, parse_cell, split_cell
from audiences_mcp.models import E164

BareDigits = Literal["international", "national"]
"""What digits without a plus begin with, as the person says: their country code, or not."""

_REFUSED_TYPES = {
    LineType.PREMIUM_RATE: Refusal(Reason.PREMIUM_RATE),
    LineType.SHARED_COST: Refusal(Reason.PREMIUM_RATE),
    LineType.PAGER: Refusal(Reason.INVALID_NUMBER, "This is a pager, which cannot talk: give another number."),
}
_TYPE_NOTES = {
    LineType.TOLL_FREE: Note.TOLL_FREE,
    LineType.PERSONAL_NUMBER: Note.PERSONAL,
    LineType.UAN: Note.UAN,
    LineType.VOICEMAIL: Note.VOICEMAIL,
}
_MOBILE_TYPES = (LineType.MOBILE, LineType.FIXED_LINE_OR_MOBILE)
# Inmarsat, global satellite and international networks (ITU-T E.164, list of assigned country codes).
_SATELLITE_CODES = frozenset({870, 881, 882, 883})
_NORTH_AMERICA = 1
# Forms that a numbering plan has given up: country code, the old national number, the new one, what changed.
_OLD_FORMS = (
    ("52", r"1(\d{10})", r"\1", "Mexico no longer dials the 1 after +52"),
    ("55", r"(\d{2})([6-9]\d{7})", r"\g<1>9\2", "Brazilian mobiles now have a 9 after the area code"),
    ("229", r"(\d{8})", r"01\1", "numbers in Benin now begin with 01"),
)
# A glued-on plus is a fault of the whole column: below these shares it is single rows.
_GLUED_MIN_ROWS = 3
_GLUED_MIN_SHARE = 10
_GLUED_SAMPLE = 400
_GLUED_MAX_REGIONS = 20
_FICTIONAL_AREA = "1555"  # what people type into a form; there is no area code 555
# Bare digits of one length are trusted as international when at least this many tenths of them are.
_TRUSTED_TENTHS = 9
# From so many bare rows on, most of them of no country, a list is taken for one of national numbers.
_NATIONAL_MIN_ROWS = 5
# So many rows of one length are trusted there too; three typing errors hardly all make a number abroad.
_TRUSTED_AMONG_NATIONAL = 3
# Populous countries whose mobiles, without trunk prefix, have as many digits as a number with a country code: by their first
# digit, with how many they have at most.
_LOSES_ZERO: dict[str, tuple[int, tuple[str, ...]]] = {"1": (11, ("CN", "DE")), "5": (10, ("TR",)), "8": (12, ("ID",))}
_TICK = 250
# A fixed line of so few digits, and this much shorter than others of its region, may lack its area code. The area codes of
# small towns are long, those of large ones short, so it is a number of somebody else with what is there.
_LOCAL_MOST_DIGITS = 8
_AREA_CODE_DIGITS = 2
# Fewer digits than these, an exit code included, may be a mistyped national number of the region.
_SHORT_ABROAD = 11


class Phone(NamedTuple):
    """A number that may be dialled.

    Args:
        number: The number in E.164 with `+`.
        region: Region code that the number belongs to; `001` for numbers of no country (satellite, +800).
        line_type: One of `LINE_TYPES`.
        notes: What was mended and what to know of it.
        international: Whether it was written with its country code (`+` or an exit code).
    """

    number: E164
    region: str
    line_type: str
    notes: tuple[Note, ...]
    international: bool


class _Cell:
    """A written number with the region that applies to it.

    Args:
        written: The number as written.
        region: Its region code, or None.
    """

    __slots__ = ("abroad", "digits", "plus_digits", "region", "written")

    def __init__(self, written: Written, region: str | None) -> None:
        self.written = written
        self.region = region
        self.digits = digits = written.digits
        # The digits after `+` or `00`, where the number is written internationally without naming a region.
        self.plus_digits = digits if written.plus else digits[2:] if not region and digits.startswith("00") else None
        # Read once, since the rules over the whole list need it too; not where only the region counts.
        self.abroad = UNREAD if region and not written.plus else read_international(self.plus_digits or digits)


@dataclass(frozen=True, slots=True)
class _ListFacts:
    """What only the whole list can tell.

    Args:
        glued: Regions in whose national form many of the `+` rows are written.
        shown: Regions of the rows that name their country.
        beside: The same where one region applies to all other rows; empty where rows have regions of their own.
        trusted_lengths: Lengths at which bare digits nearly always read internationally.
        dialled: Regions of whose numbers some are written with the trunk prefix, and these numbers without it; only where
            others may be local ones.
    """

    glued: tuple[str, ...]
    shown: tuple[str, ...]
    beside: tuple[str, ...]
    trusted_lengths: frozenset[int]
    dialled: Mapping[str, Collection[str]]


def read_numbers(
    cells: Sequence[str],
    regions: Iterable[str | None] = repeat(None),
    bare_digits: BareDigits | None = None,
    tick: Callable[[int], None] = lambda _: None,
    *,
    take_first: bool = False,
) -> list[Phone | Refusal]:
    """Read the phone cells of one list, which are judged together.

    Args:
        cells: The cells as written, one a row.
        regions: For each cell the region code that its number is of when it has no country code, or None.
        bare_digits: What the person says of digits without `+`; None for the careful rules.
        tick: Called with the number of cells done, from time to time; may raise to stop.
        take_first: Whether a cell that holds several numbers gives its first usable one.

    Returns:
        For each cell the number, or why it is refused.
    """
    parsed: list[_Cell | Refusal | list[_Cell | Refusal]] = []
    for index, (cell, region) in enumerate(zip(cells, regions, strict=False)):
        if index % _TICK == 0:
            tick(index // 2)  # each cell is gone through twice
        parsed.append(_parse(cell, region, take_first=take_first))
    facts = _facts_of(list(_cells_in(parsed)) if take_first else [part for part in parsed if isinstance(part, _Cell)])
    results: list[Phone | Refusal] = []
    for index, part in enumerate(parsed):
        if index % _TICK == 0:
            tick((len(parsed) + index) // 2)
        if isinstance(part, _Cell):
            results.append(_judge(part, facts, bare_digits))
        else:
            results.append(part if isinstance(part, Refusal) else _first_usable(part, facts, bare_digits))
    return results


def read_number(cell: str, region: str | None = None, bare_digits: BareDigits | None = None) -> Phone | Refusal:
    """Read one cell that stands for itself: a list of one."""
    return read_numbers([cell], [region], bare_digits)[0]


def _parse(cell: str, region: str | None, *, take_first: bool) -> _Cell | Refusal | list[_Cell | Refusal]:
    """Return what the cell says; if the first usable of several numbers is to be taken, then also what each says."""
    written = parse_cell(cell)
    if isinstance(written, Written):
        return _Cell(written, region)
    if written.reason is not Reason.MULTIPLE_NUMBERS or not take_first:
        return written
    parts = [parse_cell(part) for part in split_cell(cell)]
    return [written, *(_Cell(part, region) for part in parts if isinstance(part, Written))]


def _cells_in(parsed: Iterable[_Cell | Refusal | list[_Cell | Refusal]]) -> Iterator[_Cell]:
    for part in parsed:
        if isinstance(part, _Cell):
            yield part
        elif isinstance(part, list):
            yield from _cells_in(part)


def _first_usable(
    parts: Sequence[_Cell | Refusal], facts: _ListFacts, bare_digits: BareDigits | None
) -> Phone | Refusal:
    readings = [_judge(part, facts, bare_digits) if isinstance(part, _Cell) else part for part in parts]
    return next((reading for reading in readings if isinstance(reading, Phone)), readings[0])


def _judge(cell: _Cell, facts: _ListFacts, bare_digits: BareDigits | None) -> Phone | Refusal:
    written = cell.written
    if (written.heads or written.gaps) and _holds_two(cell):
        return Refusal(Reason.MULTIPLE_NUMBERS)
    if written.plus:
        result = _judge_plus(cell, facts)
    elif bare_digits == "international" and not cell.digits.startswith("0"):
        result = _settled(_from_plus(cell.digits, cell, read_international(cell.digits)), cell, bare_digits)
    elif cell.region:
        result = _settled(_judge_national(cell, cell.region, bare_digits, facts), cell, bare_digits)
    else:
        result = _judge_bare(cell, facts, bare_digits)
    if isinstance(result, Refusal) and written.splits:
        return Refusal(Reason.MULTIPLE_NUMBERS)
    return result


def _settled(result: Phone | Refusal, cell: _Cell, bare_digits: BareDigits | None) -> Phone | Refusal:
    """Rule 4: `bare_digits` decides as the person says; where it really decides, that is noted."""
    if bare_digits is None or isinstance(result, Refusal) or not cell.region or cell.digits.startswith("0"):
        return result
    national = bare_digits == "national"
    other = read_international(cell.digits) if national else read_national(cell.digits, cell.region)
    return (
        result._replace(notes=(*result.notes, Note.SETTLED)) if other.valid and other.e164 != result.number else result
    )


def _judge_plus(cell: _Cell, facts: _ListFacts) -> Phone | Refusal:
    """Rule 1: written with `+`, so international, unless the list shows that a spreadsheet glued the plus on."""
    for region in facts.glued:
        if may_be_national(cell.digits, region) and read_national(cell.digits, region).differs(cell.abroad):
            return Refusal(
                Reason.AMBIGUOUS_COUNTRY,
                f"Many rows of this list look like national numbers (of {region}, perhaps) with a plus glued on: ask which "
                "country they are of, then give them without the plus and set default_region. If the plus is right, correct "
                "or leave out the invalid rows and check again.",
            )
    return _from_plus(cell.digits, cell, cell.abroad)


def _from_plus(digits: str, cell: _Cell, reading: Reading) -> Phone | Refusal:
    if reading.valid:
        return _accept(reading, cell, international=True)
    if is_short_code(digits, None):
        return Refusal(Reason.SHORT_CODE)
    region = cell.region
    if cell.written.plus and region and read_national(digits, region).valid:
        return Refusal(
            Reason.INVALID_NUMBER,
            f"The plus looks glued on: without it this is a number of {region}. Leave the plus out if that is meant.",
        )
    old_form = _old_form(digits)
    return Refusal(Reason.INVALID_NUMBER, old_form) if old_form else _refuse(read_by_parse(f"+{digits}", None))


def _judge_national(cell: _Cell, region: str, bare_digits: BareDigits | None, facts: _ListFacts) -> Phone | Refusal:
    """Rule 2: a region is known, so only its national reading counts, then `00`."""
    digits = cell.digits
    reading = read_national(digits, region)
    if reading.valid and reading.source == CodeSource.FROM_NUMBER_WITH_IDD:
        return _judge_exit_code(cell, reading, region)
    if reading.valid:
        without_plus = reading.source == CodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN
        if bare_digits == "national" and without_plus and not digits.startswith(trunk_prefix_of(region) or "+"):
            return Refusal(
                Reason.TOO_LONG,
                "It begins with a country code, though bare_digits says national: write it with +, or leave "
                "bare_digits out.",
            )
        return _judge_abroad(cell, reading, region, bare_digits, facts)
    if digits.startswith("00") and read_international(digits[2:]).valid:
        return _judge_exit_code(cell, read_international(digits[2:]), region)
    if is_short_code(digits, region):
        return Refusal(Reason.SHORT_CODE)
    return _refuse(reading, f"It is no number of {region}: correct it, or write it with + and its country code.")


def _judge_exit_code(cell: _Cell, reading: Reading, region: str) -> Phone | Refusal:
    """Written with an exit code, which may be chance: `0091 9…` begins with `00` and with Nigeria's 009."""
    rest = cell.digits.removeprefix("00")
    otherwise = read_international(rest)
    slip = reading.country_code != country_code(region) and _may_be_slip(cell.digits, region)
    if slip or (otherwise.differs(reading) and otherwise.e164 == f"+{rest}"):
        return Refusal(
            Reason.AMBIGUOUS_COUNTRY,
            f"It begins like an exit code, but may also be a number of {region} with a digit wrong, or one of another "
            "country: write it with + and its country code.",
        )
    return _accept(reading, cell, international=True)


def _may_be_slip(digits: str, region: str) -> bool:
    """Tell whether one wrong digit may have made an exit code of a national number, as a doubled first zero does."""
    if len(digits) <= min(_SHORT_ABROAD, len(trunk_prefix_of(region)) + max(ordinary_lengths(region), default=0)):
        return True
    with_one_zero = read_national(digits[1:], region) if digits.startswith("00") else UNREAD
    if not dials_00(region):
        return with_one_zero.valid
    return with_one_zero.line_type in _MOBILE_TYPES and has_even_mobiles(region)


def _judge_abroad(
    cell: _Cell, reading: Reading, region: str, bare_digits: BareDigits | None, facts: _ListFacts
) -> Phone | Refusal:
    """A national number may be an international one whose plus was lost, or lack its area code.

    No country code begins with 0.
    """
    trunk_prefix, dialled = trunk_prefix_of(region), facts.dialled.get(region, ())
    lacks_trunk_prefix = trunk_prefix and not cell.digits.startswith(trunk_prefix)
    plain_fixed_line = reading.line_type == LineType.FIXED_LINE and lacks_trunk_prefix
    may_be_local = plain_fixed_line and _may_lack_area_code(cell.digits, region) and cell.digits not in dialled
    if may_be_local and dialled:
        return Refusal(
            Reason.TOO_SHORT,
            f"It may lack its area code, which other numbers of {region} in this list have: write it with that, beginning "
            f"with {trunk_prefix}.",
        )
    abroad = read_international(cell.digits) if bare_digits is None and cell.digits[0] != "0" else UNREAD
    if not abroad.differs(reading):
        also = Note.ALSO_SHOWN if _is_also_shown(cell, reading, facts) else None
        return _accept(reading, cell, international=False, note=Note.MAYBE_LOCAL if may_be_local else also)
    if plain_fixed_line or abroad.country_code == reading.country_code:
        return Refusal(
            Reason.AMBIGUOUS_COUNTRY,
            f"It is a number in {region} and, with a plus in front, another real number: write it with +, or say with "
            "bare_digits whether digits without + begin with their country code.",
        )
    return _accept(reading, cell, international=False, note=Note.ALSO_ABROAD)


def _may_lack_area_code(digits: str, region: str) -> bool:
    """Tell whether a fixed line is so short that it may be a local number, though it is a whole one of another town too."""
    most = min(_LOCAL_MOST_DIGITS, max(ordinary_lengths(region)) - _AREA_CODE_DIGITS)
    return len(digits) <= most and len(digits) < longest_fixed_line(region)  # in New Zealand all have as many


def _is_also_shown(cell: _Cell, reading: Reading, facts: _ListFacts) -> bool:
    """Tell whether a national number would be one of another country that rows of the list name with `+`."""
    others = (each for each in facts.beside if country_code(each) != reading.country_code)
    return any(
        may_be_national(cell.digits, each) and read_national(cell.digits, each).differs(reading) for each in others
    )


def _judge_bare(cell: _Cell, facts: _ListFacts, bare_digits: BareDigits | None) -> Phone | Refusal:
    """Rule 3: no region is known. `00` is read as `+`; bare digits only where nothing else could be meant."""
    digits = cell.digits
    if cell.plus_digits is not None:
        return _from_plus(cell.plus_digits, cell, cell.abroad)
    reading = cell.abroad
    if bare_digits == "national" or not reading.valid:
        return Refusal(Reason.MISSING_COUNTRY_CODE)
    if _is_also_at_home(digits, reading, facts):
        return Refusal(Reason.AMBIGUOUS_COUNTRY)
    if len(digits) not in facts.trusted_lengths:
        return Refusal(
            Reason.AMBIGUOUS_COUNTRY,
            "Too many rows like it have no country code in front, so it may have none either: write it with +, set "
            "default_region, or say with bare_digits that digits without + begin with their country code.",
        )
    most, regions = _LOSES_ZERO.get(digits[0], (0, ()))
    note = Note.ALSO_NATIONAL if len(digits) <= most and may_be_mobile_of(regions, digits) else None
    return _accept(reading, cell, international=False, note=note)


def _is_also_at_home(digits: str, reading: Reading, facts: _ListFacts) -> bool:
    """Tell whether bare digits would be another number in North America, or in a country that the list shows."""
    if len(digits) == 10 and read_international(f"{_NORTH_AMERICA}{digits}").differs(reading):
        return True
    return bool(facts.shown) and any(
        may_be_national(digits, region) and read_national(digits, region).differs(reading) for region in facts.shown
    )


def _accept(reading: Reading, cell: _Cell, *, international: bool, note: Note | None = None) -> Phone | Refusal:
    """The last rules: which kinds of valid numbers are never called, and what to know of the others."""
    refused = _REFUSED_TYPES.get(reading.line_type)
    if refused:
        return refused
    notes = cell.written.notes
    if notes and Note.VANITY in notes and reading.country_code != _NORTH_AMERICA:
        return Refusal(Reason.NOT_A_NUMBER)
    notes += ((note,) if note else ()) + _notes_on(reading.line_type, reading.country_code)
    if reading.e164[5:10] == "55501" and reading.country_code == _NORTH_AMERICA:  # 555-0100 to 555-0199 (NANPA)
        notes += (Note.FICTIONAL,)
    return Phone(E164(reading.e164), reading.region, LINE_TYPES[reading.line_type], notes, international)


@cache
def _notes_on(line_type: int, country_code: int) -> tuple[Note, ...]:
    """Return what to know of all numbers of a kind."""
    notes: tuple[Note, ...] = (_TYPE_NOTES[line_type],) if line_type in _TYPE_NOTES else ()
    return (*notes, Note.SATELLITE) if country_code in _SATELLITE_CODES else notes


def _refuse(reading: Reading, hint: str = "") -> Refusal:
    return Refusal(reading.reason or Reason.INVALID_NUMBER, hint)


def _holds_two(cell: _Cell) -> bool:
    """Tell whether a part of the digits is a number of its own: `030 1234567/57`, `0664123456 4567890`."""
    written = cell.written
    if not cell.region and cell.plus_digits is None:  # nothing tells what is whole: what is long enough is
        return bool(written.gaps) or any(len(head) >= MIN_NUMBER_DIGITS for head in written.heads)
    if any(_is_whole(head, cell) for head in written.heads):
        return True
    both = ((head, written.digits.removeprefix(head)) for head in written.gaps)
    return not written.plus and any(_is_whole(head, cell) and _is_whole(tail, cell) for head, tail in both)


def _is_whole(digits: str, cell: _Cell) -> bool:
    if cell.plus_digits is None:
        reading = read_national(digits, cell.region or "")
    else:
        reading = read_international(digits if cell.written.plus else digits.removeprefix("00"))
    return reading.valid and len(reading.e164) - len(f"+{reading.country_code}") >= MIN_NUMBER_DIGITS


# --- what the whole list tells -------------------------------------------------------------------------------------


def _facts_of(cells: Sequence[_Cell]) -> _ListFacts:
    codes = {cell.abroad.country_code for cell in cells if cell.plus_digits and cell.abroad.valid}
    regions = {cell.region for cell in cells if cell.region}
    codes |= set(map(country_code, regions))
    shown = tuple(sorted(map(main_region, codes)))
    return _ListFacts(
        glued=_glued_regions([cell for cell in cells if cell.written.plus]),
        shown=shown,
        beside=shown if len(regions) == 1 else (),
        trusted_lengths=_trusted_lengths([cell for cell in cells if not cell.region and cell.plus_digits is None]),
        dialled=_dialled(cells),
    )


def _dialled(cells: Sequence[_Cell]) -> dict[str, set[str]]:
    """Find the numbers with trunk prefix of each region of which short ones without it are there too."""
    short = {cell.region for cell in cells if cell.region and len(cell.digits) <= _LOCAL_MOST_DIGITS}
    dialled: dict[str, set[str]] = {}
    for cell in cells if short else ():
        prefix = trunk_prefix_of(cell.region) if cell.region in short and not cell.written.plus else ""
        if cell.region and prefix and cell.digits.startswith(prefix):
            dialled.setdefault(cell.region, set()).add(cell.digits.removeprefix(prefix))
    return dialled


def _trusted_lengths(bare: Sequence[_Cell]) -> frozenset[int]:
    """Find the lengths at which bare digits are international.

    In a long list whose bare rows mostly are not, a few rows that are rather have a digit too many: but not two.
    """
    total = Counter(len(cell.digits) for cell in bare)
    valid = Counter(len(cell.digits) for cell in bare if cell.abroad.valid)
    national = Counter(len(cell.digits.lstrip("0")) for cell in bare if not cell.abroad.valid)
    is_national = national.total() >= max(_NATIONAL_MIN_ROWS, valid.total() + 1)
    surely = national.most_common(1)[0][0] + 2 if is_national else 0
    return frozenset(
        length
        for length, count in total.items()
        if valid[length] * 10 >= count * _TRUSTED_TENTHS and (length >= surely or count >= _TRUSTED_AMONG_NATIONAL)
    )


def _glued_regions(plus: Sequence[_Cell]) -> tuple[str, ...]:
    """Find the regions in whose national form at least 3, and 1 in 10, of the `+` rows are written."""
    invalid = [cell.digits for cell in plus if not cell.abroad.valid]
    needed = max(_GLUED_MIN_ROWS, -(-len(plus) // _GLUED_MIN_SHARE))
    if len(invalid) < needed:
        return ()
    # An even sample bounds the time: every region is tried on it.
    sample = invalid[:: -(-len(invalid) // _GLUED_SAMPLE)]
    shares = _valid_shares(plus)
    odd = [digits for digits in sample if not _is_slip(digits, shares)]
    counts = Counter(
        {
            region: sum(may_be_national(digits, region) for digits in (odd if is_open_plan(region) else sample))
            for region in main_regions()
        }
    )
    closed = max(count for region, count in counts.items() if not is_open_plan(region))

    def is_enough(count: int) -> bool:
        return count * len(invalid) >= needed * len(sample)

    found = [
        region
        for region, count in counts.most_common(_GLUED_MAX_REGIONS)
        # Numbers of an open plan could be nearly anything: it is meant only where it explains more than any other.
        if is_enough(count) and (count > closed or not is_open_plan(region))
    ]
    mobiles = (region for region in _open_with_even_mobiles() if is_enough(_count_mobiles(region, sample)))
    return tuple(dict.fromkeys([*found, *mobiles]))


@cache
def _open_with_even_mobiles() -> tuple[str, ...]:
    """List the regions whose mobiles tell them, though nearly any digits are a number there, such as China and Germany."""
    return tuple(region for region in main_regions() if is_open_plan(region) and has_even_mobiles(region))


def _count_mobiles(region: str, invalid: Sequence[str]) -> int:
    """Count the mobiles of a region that lost their trunk prefix, whatever else bears their first digits out.

    Most German mobiles with a plus are lines of Texas and New York. American numbers that nobody has are no sign.
    """
    return sum(may_be_mobile_of((region,), digits) for digits in invalid if not digits.startswith(_FICTIONAL_AREA))


def _is_slip(digits: str, shares: Mapping[str, float]) -> bool:
    """Tell whether digits are an old form, made up, or a typing error in a number of their own country.

    Without this, where nearly any digits are a number, as in Germany, errors in an Indian list pass for glued rows. They
    are errors where most rows of the country code are right, and where half are if a digit is missing or too much at most.
    """
    code = country_code_of(digits)
    share = shares[code] if code else 0
    if share >= 2 / 3 or renewed(digits) or digits.startswith(_FICTIONAL_AREA):
        return True
    usual = ordinary_lengths(main_region(int(code))) if share >= 1 / 2 else ()
    return any(abs(len(digits) - len(code) - length) <= 1 for length in usual)


def _valid_shares(plus: Sequence[_Cell]) -> dict[str, float]:
    """Return for each country code which share of its `+` rows is valid."""
    rows = Counter(country_code_of(cell.digits) for cell in plus)
    valid = Counter(country_code_of(cell.digits) for cell in plus if cell.abroad.valid)
    return {code: valid[code] / count for code, count in rows.items()}


def renewed(digits: str) -> tuple[E164, str] | None:
    """Return what an old form that its numbering plan has given up is today, and what changed; None for others.

    Args:
        digits: Country code and national number.
    """
    for code, old, new, change in _OLD_FORMS:
        found = re.fullmatch(code + old, digits)
        today = read_international(code + found.expand(new)) if found else UNREAD
        if today.valid:
            return E164(today.e164), change
    return None


def _old_form(digits: str) -> str:
    today = renewed(digits)
    if today is None:
        return ""
    number, change = today
    return f"This is an old form ({change}); today it would be {number}: confirm and write that."
