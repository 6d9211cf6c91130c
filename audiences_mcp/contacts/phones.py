"""Which digits are a number that may be dialled: every phone rule, over one number and over a whole list.

The only door to `phonenumbers`, Google's metadata of all numbering plans, and the only place that makes an `E164`.
A number is never guessed: where two countries could be meant, it is refused with what would settle it.

Words: a number's *region code* is ISO 3166 alpha-2 (`US`), its *country code* the digits after the plus (`1`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import repeat
from typing import Literal, NamedTuple

import phonenumbers  # noqa: TID251 - this module is its door
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumberType, ValidationResult  # noqa: TID251

from audiences_mcp.contacts.reasons import Note, Reason, Refusal
from audiences_mcp.contacts.writing import MIN_NUMBER_DIGITS, Written, parse_cell, split_cell
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164

BareDigits = Literal["international", "national"]
"""What digits without a plus begin with, as the person says: their country code, or not."""

LINE_TYPES: dict[int, str] = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
_LINE_TYPE_NUMBERS = {name: number for number, name in LINE_TYPES.items()}
_REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: Refusal(Reason.PREMIUM_RATE),
    PhoneNumberType.SHARED_COST: Refusal(Reason.PREMIUM_RATE),
    PhoneNumberType.PAGER: Refusal(Reason.INVALID_NUMBER, "This is a pager, which cannot talk: give another number."),
}
_TYPE_NOTES = {
    PhoneNumberType.TOLL_FREE: Note.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: Note.PERSONAL,
    PhoneNumberType.UAN: Note.UAN,
    PhoneNumberType.VOICEMAIL: Note.VOICEMAIL,
}
_UNKNOWN = PhoneNumberType.UNKNOWN  # not valid
_MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
# Inmarsat, global satellite and international networks (ITU-T E.164, list of assigned country codes).
_SATELLITE_CODES = frozenset({870, 881, 882, 883})
_NORTH_AMERICA = 1
_PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.UNKNOWN_COUNTRY_CODE,
    NumberParseException.NOT_A_NUMBER: Reason.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Reason.TOO_SHORT,
    NumberParseException.TOO_LONG: Reason.TOO_LONG,
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}
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
_OPEN_PLAN_SPAN = 3
# Bare digits of one length are trusted as international when at least this many tenths of them are.
_TRUSTED_TENTHS = 9
# From so many bare rows on, most of them of no country, a list is taken for one of national numbers.
_NATIONAL_MIN_ROWS = 5
# What the library may leave off a national number: trunk prefixes. Anything else it strips is a carrier's code.
_TRUNK_PREFIXES = ("", "0", "1", "8", "06", "80")
_ARGENTINA = 54
# The order in which `number_type` tries them, before fixed lines and mobiles.
_SPECIAL_LINES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_NO_LINE = ("", _UNKNOWN)
_NEVER = "(?!)"
_TICK = 250
_LONGEST_NAME = 100
_LONGEST_ZONE_PREFIX = 9
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


class _Reading(NamedTuple):
    """What digits are in one numbering plan: a valid number with its type, or the reason why not.

    Args:
        e164: The number; empty where it is not valid, and so is all that follows.
        line_type: Its `PhoneNumberType`.
        region: Region code that it belongs to.
        country_code: Its country code.
        source: Where the country code came from, a `CountryCodeSource`, where it did not stand in front.
        reason: Why it is not valid.
    """

    e164: str = ""
    line_type: int = _UNKNOWN
    region: str = ""
    country_code: int = 0
    source: int = CountryCodeSource.UNSPECIFIED
    reason: Reason | None = None

    @property
    def valid(self) -> bool:
        return self.line_type != _UNKNOWN

    def differs(self, other: "_Reading") -> bool:
        """Tell whether this is a valid number, and another one."""
        return self.valid and self.e164 != other.e164


_UNREAD = _Reading()  # not read, or no valid number; why not, only a refusal has to find out


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
        self.abroad = _UNREAD if region and not written.plus else _international(self.plus_digits or digits)


@dataclass(frozen=True, slots=True)
class _ListFacts:
    """What only the whole list can tell.

    Args:
        glued: Regions in whose national form many of the `+` rows are written.
        shown: Regions of the rows that name their country.
        trusted_lengths: Lengths at which bare digits nearly always read internationally.
    """

    glued: tuple[str, ...]
    shown: tuple[str, ...]
    trusted_lengths: frozenset[int]


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
            tick(0)
        parsed.append(_parse(cell, region, take_first=take_first))
    facts = _facts_of(list(_cells_in(parsed)))
    results: list[Phone | Refusal] = []
    for index, part in enumerate(parsed):
        if index % _TICK == 0:
            tick(index)
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
        result = _from_plus(cell.digits, cell, _international(cell.digits))
    elif cell.region:
        result = _judge_national(cell, cell.region, bare_digits)
    else:
        result = _judge_bare(cell, facts, bare_digits)
    if isinstance(result, Refusal) and written.splits:
        return Refusal(Reason.MULTIPLE_NUMBERS)
    return result


def _judge_plus(cell: _Cell, facts: _ListFacts) -> Phone | Refusal:
    """Rule 1: written with `+`, so international, unless the list shows that a spreadsheet glued the plus on."""
    for region in facts.glued:
        if _may_be_national(cell.digits, region) and _national(cell.digits, region).differs(cell.abroad):
            return Refusal(
                Reason.AMBIGUOUS_COUNTRY,
                f"Many rows of this list look like national numbers (of {region}, perhaps) with a plus glued on: ask which "
                "country they are of, then give them without the plus and set default_region.",
            )
    return _from_plus(cell.digits, cell, cell.abroad)


def _from_plus(digits: str, cell: _Cell, reading: _Reading) -> Phone | Refusal:
    if reading.valid:
        return _accept(reading, cell, international=True)
    if _is_short_code(digits, None):
        return Refusal(Reason.SHORT_CODE)
    region = cell.region
    if cell.written.plus and region and _national(digits, region).valid:
        return Refusal(
            Reason.INVALID_NUMBER,
            f"The plus looks glued on: without it this is a number of {region}. Leave the plus out if that is meant.",
        )
    old_form = _old_form(digits)
    return Refusal(Reason.INVALID_NUMBER, old_form) if old_form else _refuse(_read(f"+{digits}", None))


def _judge_national(cell: _Cell, region: str, bare_digits: BareDigits | None) -> Phone | Refusal:
    """Rule 2: a region is known, so only its national reading counts, then `00`."""
    digits = cell.digits
    reading = _national(digits, region)
    if reading.valid and reading.source == CountryCodeSource.FROM_NUMBER_WITH_IDD:
        return _judge_exit_code(cell, reading, region)
    if reading.valid:
        without_plus = reading.source == CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN
        if bare_digits == "national" and without_plus and not digits.startswith(_trunk_prefix(region) or "+"):
            return Refusal(
                Reason.TOO_LONG,
                "It begins with a country code, though bare_digits says national: write it with +, or leave "
                "bare_digits out.",
            )
        return _judge_abroad(cell, reading, region, bare_digits)
    if digits.startswith("00") and _international(digits[2:]).valid:
        return _judge_exit_code(cell, _international(digits[2:]), region)
    if _is_short_code(digits, region):
        return Refusal(Reason.SHORT_CODE)
    return _refuse(reading, f"It is no number of {region}: correct it, or write it with + and its country code.")


def _judge_exit_code(cell: _Cell, reading: _Reading, region: str) -> Phone | Refusal:
    """Written with an exit code, which may be chance: `0091 9…` begins with `00` and with Nigeria's 009."""
    rest = cell.digits.removeprefix("00")
    otherwise = _international(rest)
    slip = reading.country_code != phonenumbers.country_code_for_region(region) and _may_be_slip(cell.digits, region)
    if slip or (otherwise.differs(reading) and otherwise.e164 == f"+{rest}"):
        return Refusal(
            Reason.AMBIGUOUS_COUNTRY,
            f"It begins like an exit code, but may also be a number of {region} with a digit wrong, or one of another "
            "country: write it with + and its country code.",
        )
    return _accept(reading, cell, international=True)


def _may_be_slip(digits: str, region: str) -> bool:
    """Tell whether one wrong digit may have made an exit code of a national number, as a doubled first zero does."""
    if len(digits) <= min(_SHORT_ABROAD, len(_trunk_prefix(region)) + max(_ordinary_lengths(region), default=0)):
        return True
    with_one_zero = _national(digits[1:], region) if digits.startswith("00") else _UNREAD
    if not _dials_00(region):
        return with_one_zero.valid
    return with_one_zero.line_type in _MOBILE_TYPES and _has_even_mobiles(region)


def _judge_abroad(cell: _Cell, reading: _Reading, region: str, bare_digits: BareDigits | None) -> Phone | Refusal:
    """A national number may be an international one whose plus was lost. No country code begins with 0."""
    abroad = _international(cell.digits) if bare_digits is None and cell.digits[0] != "0" else _UNREAD
    if not abroad.differs(reading):
        return _accept(reading, cell, international=False)
    trunk_prefix = _trunk_prefix(region)
    lacks_trunk_prefix = trunk_prefix and not cell.digits.startswith(trunk_prefix)
    plain_fixed_line = reading.line_type == PhoneNumberType.FIXED_LINE and lacks_trunk_prefix
    if plain_fixed_line or abroad.country_code == reading.country_code:
        return Refusal(
            Reason.AMBIGUOUS_COUNTRY,
            f"It is a number in {region} and, with a plus in front, another real number: write it with +, or say with "
            "bare_digits whether digits without + begin with their country code.",
        )
    return _accept(reading, cell, international=False, note=Note.ALSO_ABROAD)


def _judge_bare(cell: _Cell, facts: _ListFacts, bare_digits: BareDigits | None) -> Phone | Refusal:
    """Rule 3: no region is known. `00` is read as `+`; bare digits only where nothing else could be meant."""
    digits = cell.digits
    if cell.plus_digits is not None:
        return _from_plus(cell.plus_digits, cell, cell.abroad)
    reading = cell.abroad
    if bare_digits == "national" or not reading.valid:
        return Refusal(Reason.MISSING_COUNTRY_CODE)
    others = [_international(f"{_NORTH_AMERICA}{digits}")] if len(digits) == 10 else []
    others += [_national(digits, region) for region in facts.shown if _may_be_national(digits, region)]
    if any(other.differs(reading) for other in others) or len(digits) not in facts.trusted_lengths:
        return Refusal(Reason.AMBIGUOUS_COUNTRY)
    return _accept(reading, cell, international=False)


def _accept(reading: _Reading, cell: _Cell, *, international: bool, note: Note | None = None) -> Phone | Refusal:
    """The last rules: which kinds of valid numbers are never called, and what to know of the others."""
    refused = _REFUSED_TYPES.get(reading.line_type)
    if refused:
        return refused
    if Note.VANITY in cell.written.notes and reading.country_code != _NORTH_AMERICA:
        return Refusal(Reason.NOT_A_NUMBER)
    notes = cell.written.notes + ((note,) if note else ()) + _notes_on(reading)
    return Phone(E164(reading.e164), reading.region, LINE_TYPES[reading.line_type], notes, international)


def _notes_on(reading: _Reading) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = (_TYPE_NOTES[reading.line_type],) if reading.line_type in _TYPE_NOTES else ()
    if reading.e164[5:10] == "55501" and reading.country_code == _NORTH_AMERICA:  # 555-0100 to 555-0199 (NANPA)
        notes += (Note.FICTIONAL,)
    if reading.country_code in _SATELLITE_CODES:
        notes += (Note.SATELLITE,)
    return notes


def _refuse(reading: _Reading, hint: str = "") -> Refusal:
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
        reading = _national(digits, cell.region or "")
    else:
        reading = _international(digits if cell.written.plus else digits.removeprefix("00"))
    return reading.valid and len(reading.e164) - len(f"+{reading.country_code}") >= MIN_NUMBER_DIGITS


# --- what the whole list tells -------------------------------------------------------------------------------------


def _facts_of(cells: Sequence[_Cell]) -> _ListFacts:
    codes = {cell.abroad.country_code for cell in cells if cell.plus_digits and cell.abroad.valid}
    codes |= {phonenumbers.country_code_for_region(region) for region in {cell.region for cell in cells} if region}
    return _ListFacts(
        glued=_glued_regions([cell for cell in cells if cell.written.plus]),
        shown=tuple(sorted(phonenumbers.region_code_for_country_code(code) for code in codes)),
        trusted_lengths=_trusted_lengths([cell for cell in cells if not cell.region and cell.plus_digits is None]),
    )


def _trusted_lengths(bare: Sequence[_Cell]) -> frozenset[int]:
    """Find the lengths at which bare digits are international.

    A long list whose bare rows mostly are not has none: there a row that is rather has a digit too many.
    """
    total = Counter(len(cell.digits) for cell in bare)
    valid = Counter(len(cell.digits) for cell in bare if cell.abroad.valid)
    if total.total() - valid.total() >= max(_NATIONAL_MIN_ROWS, valid.total() + 1):
        return frozenset()
    return frozenset(length for length, count in total.items() if valid[length] * 10 >= count * _TRUSTED_TENTHS)


def _glued_regions(plus: Sequence[_Cell]) -> tuple[str, ...]:
    """Find the regions in whose national form at least 3, and 1 in 10, of the `+` rows are written."""
    invalid = [cell.digits for cell in plus if not cell.abroad.valid]
    needed = max(_GLUED_MIN_ROWS, -(-len(plus) // _GLUED_MIN_SHARE))
    if len(invalid) < needed:
        return ()
    # An even sample bounds the time: every region is tried on it.
    sample = invalid[:: -(-len(invalid) // _GLUED_SAMPLE)]
    borne_out = _borne_out_codes(plus)
    odd = [digits for digits in sample if _country_code_of(digits) not in borne_out]
    counts = Counter(
        {
            region: sum(_may_be_national(digits, region) for digits in (odd if _is_open_plan(region) else sample))
            for region in _main_regions()
        }
    )
    closed = max(count for region, count in counts.items() if not _is_open_plan(region))
    found = [
        region
        for region, count in counts.most_common(_GLUED_MAX_REGIONS)
        # Numbers of an open plan could be nearly anything: it is meant only where it explains more than any other.
        if count * len(invalid) >= needed * len(sample) and (count > closed or not _is_open_plan(region))
    ]
    return tuple(found)


def _borne_out_codes(plus: Sequence[_Cell]) -> frozenset[str]:
    """Find the country codes that most of their `+` rows bear out: the other such rows are typing errors.

    Without this, where nearly any digits are a number, as in Germany, errors in an Indian list pass for glued rows.
    """
    rows = Counter(_country_code_of(cell.digits) for cell in plus)
    valid = Counter(_country_code_of(cell.digits) for cell in plus if cell.abroad.valid)
    return frozenset(code for code, count in rows.items() if code and valid[code] * 3 >= count * 2)


# --- the numbering plans -------------------------------------------------------------------------------------------


def _international(digits: str) -> _Reading:
    """Read digits that begin with their country code. Why they are no number, `_read` tells."""
    plan = _plan_of(digits)
    return (plan and plan.abroad(digits[len(plan.code) :])) or _read(f"+{digits}", None)


def _national(digits: str, region: str) -> _Reading:
    """Read digits as dialled in a region: its trunk prefix, its country code or its exit code may be in front."""
    plan = _plan_in(region)
    plain = plan.at_home(digits, region) if plan else _UNREAD
    if plain.valid:
        return plain
    reading = _read(digits, region)
    if reading.valid and _international(reading.e164[1:]).e164 != reading.e164:
        return _Reading(reason=Reason.INVALID_NUMBER)  # the network would read its first digits as a prefix
    return reading


def _read(text: str, region: str | None) -> _Reading:
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=region is not None)
    except NumberParseException as error:
        return _Reading(reason=_PARSE_REASONS[error.error_type])
    plan = _plan_of(str(number.country_code))
    national = phonenumbers.national_significant_number(number)
    line_region, line_type = plan.line_of(national) if plan else _NO_LINE
    if line_type == _UNKNOWN:  # exactly the numbers that is_valid_number refuses
        length = phonenumbers.is_possible_number_with_reason(number)
        return _Reading(reason=_LENGTH_REASONS.get(length, Reason.INVALID_NUMBER))
    code = number.country_code or 0
    e164 = f"+{code}{national}"
    reason = None if e164 == text else _rewritten(text, e164, number)
    if reason:
        return _Reading(reason=reason)
    return _Reading(e164, line_type, line_region, code, number.country_code_source)


def _rewritten(text: str, e164: str, number: phonenumbers.PhoneNumber) -> Reason | None:
    """Say why a number is refused from which the library left off, or to which it added, more than codes.

    It drops what may be a carrier's code: `043 664 1234567`, an Austrian number as some write it, would be a Brazilian
    one dialled through carrier 43. It adds the area code where a small country has but one.
    """
    digits, code = text.removeprefix("+"), str(number.country_code)
    national = e164[1 + len(code) :]
    if not digits.endswith(national):
        # The 15 of Argentine mobiles became a 9, which is the only other way to write them.
        is_mended = number.country_code == _ARGENTINA
        return None if is_mended else Reason.TOO_SHORT if len(digits) < len(national) else Reason.INVALID_NUMBER
    before = digits.removesuffix(national)
    if number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY:
        is_prefix = before in _TRUNK_PREFIXES
    else:
        is_prefix = any(before.endswith(code + prefix) for prefix in _TRUNK_PREFIXES)
    return None if is_prefix else Reason.INVALID_NUMBER


class _Place:
    """What numbers of one region look like.

    Args:
        metadata: Its metadata.
        alone: Whether no other region shares its country code.
    """

    def __init__(self, metadata: phonenumbers.PhoneMetadata, *, alone: bool) -> None:
        # What `parse` may leave off or rewrite.
        self.prefix = re.compile(metadata.national_prefix_for_parsing or _NEVER)
        self._exit_code = re.compile(metadata.international_prefix or _NEVER)
        # Some regions are told from those that share their country code by these alone, even if a number is not valid.
        self._first_digits = re.compile(metadata.leading_digits) if metadata.leading_digits and not alone else None
        self._metadata = metadata

    @cached_property
    def _lines(self) -> re.Pattern[str]:
        return re.compile(_form_of_lines(self._metadata))

    def type_of(self, national: str) -> int | None:
        """Return the line type as `number_type` does; None where a national number is not of this region."""
        if self._first_digits and not self._first_digits.match(national):
            return None
        found = self._lines.fullmatch(national)
        kind = found.lastgroup if found else None
        if not found or not kind:
            return _UNKNOWN if self._first_digits else None
        if kind == "mobile" and found["fixed_line"]:
            return PhoneNumberType.FIXED_LINE_OR_MOBILE
        return _LINE_TYPE_NUMBERS[kind]

    def without_trunk_prefix(self, digits: str) -> str | None:
        """Return digits as dialled here without the trunk prefix; None where they begin with anything else."""
        prefix = self.prefix.match(digits)
        if self._exit_code.match(digits) or (prefix and (prefix.lastindex or prefix[0] not in _TRUNK_PREFIXES)):
            return None
        return digits[prefix.end() :] if prefix else digits


class _Plan:
    """The numbering plan of a country code, which reads what is plainly a number of it.

    `parse` reads the same, but takes many times as long. So it is asked only where it might leave off or rewrite more
    than a trunk prefix: see its `_maybe_extract_country_code` and
    `_maybe_strip_national_prefix_carrier_code`. `tests/contacts/test_plans.py` compares the two over all regions.

    Args:
        country_code: The code.
        regions: The region codes that share it, the main one first.
    """

    def __init__(self, country_code: int, regions: Sequence[str]) -> None:
        self.country_code = country_code
        self.code = str(country_code)
        self._regions = regions

    def line_of(self, national: str) -> tuple[str, int]:
        """Return region and line type of a national number; the type is `UNKNOWN` where it is not valid."""
        for region in self._regions:
            line_type = _place(self.country_code, region).type_of(national)
            if line_type is not None:
                return region, line_type
        return _NO_LINE

    def abroad(self, national: str) -> _Reading | None:
        """Read what follows the country code; None where `parse` might change it."""
        if _place(self.country_code, self._regions[0]).prefix.match(national):
            return None
        region, line_type = self.line_of(national)
        if line_type == _UNKNOWN:
            return _UNREAD
        return _Reading(f"+{self.code}{national}", line_type, region, self.country_code)

    def at_home(self, digits: str, region: str) -> _Reading:
        """Read digits as dialled in one of the regions, where nothing else than its trunk prefix may be in front."""
        if digits.startswith(self.code):
            return _UNREAD
        national = _place(self.country_code, region).without_trunk_prefix(digits)
        reading = self.abroad(national) if national else None
        if reading is None or reading.region != region:  # `parse` takes the prefix off by the rules of the region
            return _UNREAD
        return reading._replace(source=CountryCodeSource.FROM_DEFAULT_COUNTRY)


def _form_of_lines(metadata: phonenumbers.PhoneMetadata) -> str:
    """Return an expression whose last group with a match is the kind of line that a national number is.

    The kinds are in the order in which `number_type` tries them. Fixed lines and mobiles are both tried, since a number
    may be either.
    """
    forms = {kind: _form(getattr(metadata, kind)) for kind in _SPECIAL_LINES}
    groups = [f"(?P<{kind}>{form})" for kind, form in forms.items() if form != _NEVER]
    fixed_line, mobile = _form(metadata.fixed_line), _form(metadata.mobile)
    if metadata.same_mobile_and_fixed_line_pattern:
        groups.append(f"(?P<fixed_line_or_mobile>{fixed_line})")
    else:
        groups.append(f"(?=(?P<fixed_line>{fixed_line})?)(?=(?P<mobile>{mobile})?).*")
    return f"(?={_form(metadata.general_desc)})(?:{'|'.join(groups)})"


def _form(numbers: phonenumbers.PhoneNumberDesc | None) -> str:
    """Return an expression for whole numbers of one description: their lengths, then their digits."""
    if numbers is None or not numbers.national_number_pattern:
        return _NEVER
    lengths = "|".join(f".{{{length}}}" for length in numbers.possible_length) or ".*"
    return rf"(?=(?:{lengths})\Z)(?:{numbers.national_number_pattern})\Z"


@cache
def _place(country_code: int, region: str) -> _Place:
    """Return a region of a country code; loaded one by one, since two dozen share the code 1."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    if metadata is None:
        raise AssertionError("a region of the library has no metadata")
    return _Place(metadata, alone=len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country_code]) == 1)


@cache
def _plan(code: str) -> _Plan | None:
    regions = None if code[:1] in ("", "0") else phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    return _Plan(int(code), regions) if regions else None


def _plan_of(digits: str) -> _Plan | None:
    """Return the plan of the country code that digits begin with; no code begins with another."""
    return _plan(digits[:1]) or _plan(digits[:2]) or _plan(digits[:3])


@cache
def _plan_in(region: str) -> _Plan | None:
    return _plan(str(phonenumbers.country_code_for_region(region)))


@lru_cache
def _main_regions() -> tuple[str, ...]:
    """One region for each country code: numbers are written alike in all that share one."""
    codes = {phonenumbers.country_code_for_region(region) for region in phonenumbers.SUPPORTED_REGIONS}
    return tuple(sorted(phonenumbers.region_code_for_country_code(code) for code in codes))


@lru_cache
def _trunk_prefix(region: str) -> str:
    return phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""


def _metadata(region: str) -> phonenumbers.PhoneMetadata | None:
    return phonenumbers.PhoneMetadata.metadata_for_region(region)


@lru_cache
def _has_even_mobiles(region: str) -> bool:
    """Tell whether mobiles of the region have one or two lengths, so that not nearly any digits are one."""
    metadata = _metadata(region)
    lengths = metadata.mobile.possible_length if metadata and metadata.mobile else ()
    return bool(lengths) and lengths[-1] - lengths[0] <= 1


@lru_cache
def _dials_00(region: str) -> bool:
    metadata = _metadata(region)
    return bool(metadata and re.fullmatch(metadata.international_prefix or "", "00"))


@lru_cache
def _ordinary_lengths(region: str) -> frozenset[int]:
    """Return how many digits fixed lines and mobiles of the region have, without trunk prefix."""
    metadata = _metadata(region)
    kinds = (metadata.fixed_line, metadata.mobile) if metadata else ()
    return frozenset(length for kind in kinds if kind for length in kind.possible_length)


def _is_open_plan(region: str) -> bool:
    """Tell whether numbers of the region have so many lengths that nearly any digits are one."""
    lengths = _ordinary_lengths(region)
    return max(lengths) - min(lengths) > _OPEN_PLAN_SPAN


@cache
def _national_form(region: str) -> re.Pattern[str]:
    """Return what the national numbers of all regions of the region's country code look like, trunk prefix included.

    Reading a number takes many times as long as comparing it with this, so that every region can be tried.
    """
    code = phonenumbers.country_code_for_region(region)
    plans = [plan for each in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ()) if (plan := _metadata(each))]
    kinds = [getattr(plan, kind, None) for plan in plans for kind in LINE_TYPES.values()]
    patterns = {kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern}
    prefixes = [f"(?:{plan.national_prefix_for_parsing})?" for plan in plans[:1] if plan.national_prefix_for_parsing]
    return re.compile(f"{''.join(prefixes)}(?:{'|'.join(sorted(patterns)) or '(?!)'})")


def _may_be_national(digits: str, region: str) -> bool:
    return _national_form(region).fullmatch(digits) is not None


def _is_short_code(digits: str, region: str | None) -> bool:
    """Tell whether digits are a short or emergency code, such as 911 or 112.

    Args:
        digits: As dialled in the region, or after its country code where no region is given.
        region: Region code, or None.
    """
    if len(digits) > 6:
        return False
    from phonenumbers import shortnumberinfo  # noqa: PLC0415, TID251 - its tables load only where one is met

    if region is None:
        code = _country_code_of(digits)
        region, digits = phonenumbers.region_code_for_country_code(int(code or 0)), digits.removeprefix(code)
    if not digits or region not in phonenumbers.SUPPORTED_REGIONS:
        return False
    country_code = phonenumbers.country_code_for_region(region)
    zeros = len(digits) - len(digits.lstrip("0"))
    number = phonenumbers.PhoneNumber(country_code, int(digits), None, zeros > 0, zeros or None)
    return shortnumberinfo.is_emergency_number(digits, region) or shortnumberinfo.is_valid_short_number_for_region(
        number, region
    )


def _country_code_of(digits: str) -> str:
    heads = (digits[:length] for length in (1, 2, 3))
    return next((head for head in heads if head and int(head) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), "")


def renewed(digits: str) -> tuple[E164, str] | None:
    """Return what an old form that its numbering plan has given up is today, and what changed; None for others.

    Args:
        digits: Country code and national number.
    """
    for code, old, new, change in _OLD_FORMS:
        found = re.fullmatch(code + old, digits)
        today = _international(code + found.expand(new)) if found else _UNREAD
        if today.valid:
            return E164(today.e164), change
    return None


def _old_form(digits: str) -> str:
    today = renewed(digits)
    if today is None:
        return ""
    number, change = today
    return f"This is an old form ({change}); today it would be {number}: confirm and write that."


# --- regions and time zones ----------------------------------------------------------------------------------------

# Names and spellings that the library's own list does not have.
_COMMON_NAMES = {
    "UK": "GB",
    "US": "US",
    "USA": "US",
    "UAE": "AE",
    "UNITEDSTATESOFAMERICA": "US",
    "GREATBRITAIN": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "NORTHERNIRELAND": "GB",
    "CZECHIA": "CZ",
    "TURKIYE": "TR",
    "RUSSIANFEDERATION": "RU",
    "NORTHMACEDONIA": "MK",
    "ESWATINI": "SZ",
    "CABOVERDE": "CV",
    "IVORYCOAST": "CI",
    "REPUBLICOFKOREA": "KR",
    "THENETHERLANDS": "NL",
    "THEPHILIPPINES": "PH",
}


_US_STATES = frozenset(
    "AK AZ CT DC FL HI IA KS MI MS ND NH NJ NM NV NY OH OK OR RI SD TX UT VT WA WI WV WY".split()  # noqa: SIM905 - shorter
)


def region_code(text: str) -> str:
    """Return the region code that a text names: an ISO 3166 alpha-2 code, an English name or a country code.

    Raises:
        InvalidInput: No country is named by it.
    """
    word = text.strip().upper()
    if re.fullmatch(r"(?:\+|00)?[1-9]\d{0,2}", word, re.ASCII):
        word = phonenumbers.region_code_for_country_code(int(word.removeprefix("+")))
    if word in phonenumbers.SUPPORTED_REGIONS:
        return word
    name = _letters(text[:_LONGEST_NAME])
    region = _COMMON_NAMES.get(name) or _regions_by_name().get(name)
    if region:
        return region
    raise InvalidInput(
        "The region is not a country that we know: use its ISO 3166 code of two letters, such as IN, US or GB.",
    )


def is_us_state(text: str) -> bool:
    """Tell whether a text is the code of a state of the US and of no country; `IN` and `CA` are both."""
    return text.strip().upper() in _US_STATES


def country_code(region: str) -> int:
    """Return the country code of a region, such as 1 for `US`; 0 for one that is not known."""
    return phonenumbers.country_code_for_region(region)


@lru_cache
def _regions_by_name() -> dict[str, str]:
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415, TID251 - large, needed for names only

    return {
        _letters(_english(names)): region
        for region, names in LOCALE_DATA.items()
        if "en" in names and region in phonenumbers.SUPPORTED_REGIONS
    }


def _letters(name: str) -> str:
    """Return the letters of a name without accents, so that `Viet Nam` and `Côte d'Ivoire` are found as written."""
    return "".join(char for char in unicodedata.normalize("NFKD", name).upper() if "A" <= char <= "Z")


def _english(names: dict[str, str]) -> str:
    name = names["en"]
    return names[name[1:]] if name.startswith("*") else name  # *xx: the same as in language xx


def time_zones(phone: Phone) -> tuple[str, ...]:
    """Return the time zones (IANA names) that a number may be in; empty when none is known.

    A mobile is anywhere in its country, unless its plan ties it to a place; so is a toll-free number and the like.
    """
    digits = phone.number[1 : 1 + _LONGEST_ZONE_PREFIX]
    plan = _plan_of(digits)
    is_anywhere = plan and _is_anywhere(plan.country_code, phone.region, phone.line_type)
    return _zones_by_prefix(plan.code if plan and is_anywhere else digits)


@cache
def _is_anywhere(country_code: int, region: str, line_type: str) -> bool:
    """Tell whether all numbers of a kind may be anywhere in the country, so that the country code says as much."""
    is_placed = phonenumbers.is_number_type_geographical(_LINE_TYPE_NUMBERS[line_type], country_code)
    return region == phonenumbers.region_code_for_country_code(country_code) and not is_placed


def _zones_by_prefix(digits: str) -> tuple[str, ...]:
    by_prefix = _zone_table()
    for length in range(len(digits), 0, -1):
        zones = by_prefix.get(digits[:length])
        if zones:
            return zones
    return ()


@cache
def _zone_table() -> dict[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: PLC0415, TID251 - loaded only for a report

    return TIMEZONE_DATA
