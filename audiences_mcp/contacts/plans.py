"""What digits are in the numbering plans of the world: a valid number with its line type, or the reason why not.

The only door to `phonenumbers`, Google's metadata of all numbering plans; names of regions and time zones, which come from
it too, are in `regions`. What of it may be dialled, the rules in `phones` say.

Words: a number's *region code* is ISO 3166 alpha-2 (`US`), its *country code* the digits after the plus (`1`).
"""

import re
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import phonenumbers  # noqa: TID251 - this module is its door
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumberType, ValidationResult  # noqa: TID251

from audiences_mcp.contacts.reasons import Reason

LineType, CodeSource = PhoneNumberType, CountryCodeSource
"""What a number is, and where its country code came from, as the library numbers them."""

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
LINE_TYPE_NUMBERS = {name: number for number, name in LINE_TYPES.items()}
UNKNOWN = PhoneNumberType.UNKNOWN  # not valid
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
_OPEN_PLAN_SPAN = 3
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
_NO_LINE = ("", UNKNOWN)
_NEVER = "(?!)"


class Reading(NamedTuple):
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
    line_type: int = UNKNOWN
    region: str = ""
    country_code: int = 0
    source: int = CountryCodeSource.UNSPECIFIED
    reason: Reason | None = None

    @property
    def valid(self) -> bool:
        """Whether a line can have this number."""
        return self.line_type != UNKNOWN

    def differs(self, other: "Reading") -> bool:
        """Tell whether this is a valid number, and another one."""
        return self.valid and self.e164 != other.e164


UNREAD = Reading()  # not read, or no valid number; why not, only a refusal has to find out


def read_international(digits: str) -> Reading:
    """Read digits that begin with their country code. Why they are no number, `read_by_parse` tells."""
    plan = plan_of(digits)
    return (plan and plan.abroad(digits)) or read_by_parse(f"+{digits}", None)


def read_national(digits: str, region: str) -> Reading:
    """Read digits as dialled in a region: its trunk prefix, its country code or its exit code may be in front."""
    plan = _plan_in(region)
    plain = plan.at_home(digits, region) if plan else UNREAD
    if plain.valid:
        return plain
    reading = read_by_parse(digits, region)
    if reading.valid and read_international(reading.e164[1:]).e164 != reading.e164:
        return Reading(reason=Reason.INVALID_NUMBER)  # the network would read its first digits as a prefix
    return reading


def read_by_parse(text: str, region: str | None) -> Reading:
    """Read a number as the library does, slower and with the reason where it is none.

    Args:
        text: Digits, with a plus in front where no region is given.
        region: The region that they are dialled in.
    """
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=region is not None)
    except NumberParseException as error:
        return Reading(reason=_PARSE_REASONS[error.error_type])
    plan = plan_of(str(number.country_code))
    national = phonenumbers.national_significant_number(number)
    line_region, line_type = plan.line_of(national) if plan else _NO_LINE
    if line_type == UNKNOWN:  # exactly the numbers that is_valid_number refuses
        length = phonenumbers.is_possible_number_with_reason(number)
        return Reading(reason=_LENGTH_REASONS.get(length, Reason.INVALID_NUMBER))
    code = number.country_code or 0
    e164 = f"+{code}{national}"
    reason = None if e164 == text else _rewritten(text, e164, number)
    if reason:
        return Reading(reason=reason)
    return Reading(e164, line_type, line_region, code, number.country_code_source)


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
        # Some regions are told from those that share their country code by these alone, even if a number is not valid.
        self.first_digits = re.compile(metadata.leading_digits) if metadata.leading_digits and not alone else None
        self._metadata = metadata

    @cached_property
    def prefix(self) -> re.Pattern[str]:
        """What `parse` may leave off or rewrite."""
        return re.compile(self._metadata.national_prefix_for_parsing or _NEVER)

    @cached_property
    def _exit_code(self) -> re.Pattern[str]:
        return re.compile(self._metadata.international_prefix or _NEVER)

    @cached_property
    def _lines(self) -> re.Pattern[str]:
        return re.compile(_form_of_lines(self._metadata))

    def type_of(self, national: str) -> int:
        """Return the line type as `number_type` does; `UNKNOWN` where it is not valid here."""
        found = self._lines.fullmatch(national)
        kind = found.lastgroup if found else None
        if not found or not kind:
            return UNKNOWN
        if kind == "mobile" and found["fixed_line"]:
            return PhoneNumberType.FIXED_LINE_OR_MOBILE
        return LINE_TYPE_NUMBERS[kind]

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

    @cached_property
    def _main(self) -> _Place:
        return _place(self.country_code, self._regions[0])

    def line_of(self, national: str) -> tuple[str, int]:
        """Return region and line type of a national number; the type is `UNKNOWN` where it is not valid."""
        for region in self._regions:
            place = _place(self.country_code, region)
            if place.first_digits and not place.first_digits.match(national):
                continue
            line_type = place.type_of(national)
            if line_type != UNKNOWN or place.first_digits:
                return region, line_type
        return _NO_LINE

    def abroad(self, digits: str) -> Reading | None:
        """Read digits that begin with the country code; None where `parse` might change what follows it."""
        national = digits[len(self.code) :]
        if self._main.prefix.match(national):
            return None
        region, line_type = self.line_of(national)
        if line_type == UNKNOWN:
            return UNREAD
        return Reading("+" + digits, line_type, region, self.country_code)

    def at_home(self, digits: str, region: str) -> Reading:
        """Read digits as dialled in one of the regions, where nothing else than its trunk prefix may be in front."""
        if digits.startswith(self.code):
            return UNREAD
        national = _place(self.country_code, region).without_trunk_prefix(digits)
        reading = self.abroad(self.code + national) if national else None
        if reading is None or reading.region != region:  # `parse` takes the prefix off by the rules of the region
            return UNREAD
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
    """Return an expression for whole numbers of one description: their digits, which rule out most, then their lengths."""
    if numbers is None or not numbers.national_number_pattern:
        return _NEVER
    lengths = "|".join(f".{{{length}}}" for length in numbers.possible_length) or ".*"
    return rf"(?=(?:{numbers.national_number_pattern})\Z)(?:{lengths})\Z"


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


def plan_of(digits: str) -> _Plan | None:
    """Return the plan of the country code that digits begin with."""
    return _plan_at(digits[:3])


@cache
def _plan_at(head: str) -> _Plan | None:
    return _plan(head[:1]) or _plan(head[:2]) or _plan(head)  # no code begins with another


@cache
def _plan_in(region: str) -> _Plan | None:
    return _plan(str(phonenumbers.country_code_for_region(region)))


@lru_cache
def main_regions() -> tuple[str, ...]:
    """One region for each country code: numbers are written alike in all that share one."""
    codes = {phonenumbers.country_code_for_region(region) for region in phonenumbers.SUPPORTED_REGIONS}
    return tuple(sorted(phonenumbers.region_code_for_country_code(code) for code in codes))


@lru_cache
def trunk_prefix_of(region: str) -> str:
    """Return what is dialled before a national number, such as 0 in Germany; empty where nothing is."""
    return phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""


def _metadata(region: str) -> phonenumbers.PhoneMetadata | None:
    return phonenumbers.PhoneMetadata.metadata_for_region(region)


@lru_cache
def has_even_mobiles(region: str) -> bool:
    """Tell whether mobiles of the region have one or two lengths, so that not nearly any digits are one."""
    metadata = _metadata(region)
    lengths = metadata.mobile.possible_length if metadata and metadata.mobile else ()
    return bool(lengths) and lengths[-1] - lengths[0] <= 1


@lru_cache
def dials_00(region: str) -> bool:
    """Tell whether 00 is the exit code of the region."""
    metadata = _metadata(region)
    return bool(metadata and re.fullmatch(metadata.international_prefix or "", "00"))


@lru_cache
def ordinary_lengths(region: str) -> frozenset[int]:
    """Return how many digits fixed lines and mobiles of the region have, without trunk prefix."""
    metadata = _metadata(region)
    kinds = (metadata.fixed_line, metadata.mobile) if metadata else ()
    return frozenset(length for kind in kinds if kind for length in kind.possible_length)


@lru_cache
def longest_fixed_line(region: str) -> int:
    """Return how many digits fixed lines of the region have at most, without trunk prefix."""
    metadata = _metadata(region)
    lines = metadata.fixed_line if metadata else None
    return max(lines.possible_length) if lines else 0


def is_open_plan(region: str) -> bool:
    """Tell whether numbers of the region have so many lengths that nearly any digits are one."""
    lengths = ordinary_lengths(region)
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


@cache
def _mobile_form(regions: tuple[str, ...]) -> re.Pattern[str]:
    plans = filter(None, map(_metadata, regions))
    return re.compile("|".join(f"(?:{_form(plan.mobile)})" for plan in plans))


def may_be_mobile_of(regions: tuple[str, ...], digits: str) -> bool:
    """Tell whether digits are a mobile of one of the regions as written there without trunk prefix."""
    return _mobile_form(regions).match(digits) is not None


def may_be_national(digits: str, region: str) -> bool:
    """Tell whether digits look like a number as dialled in the region, which takes little time."""
    return _national_form(region).fullmatch(digits) is not None


def is_short_code(digits: str, region: str | None) -> bool:
    """Tell whether digits are a short or emergency code, such as 911 or 112.

    Args:
        digits: As dialled in the region, or after its country code where no region is given.
        region: Region code, or None.
    """
    if len(digits) > 6:
        return False
    from phonenumbers import shortnumberinfo  # noqa: PLC0415, TID251 - its tables load only where one is met

    if region is None:
        code = country_code_of(digits)
        region, digits = phonenumbers.region_code_for_country_code(int(code or 0)), digits.removeprefix(code)
    if not digits or region not in phonenumbers.SUPPORTED_REGIONS:
        return False
    country_code = phonenumbers.country_code_for_region(region)
    zeros = len(digits) - len(digits.lstrip("0"))
    number = phonenumbers.PhoneNumber(country_code, int(digits), None, zeros > 0, zeros or None)
    return shortnumberinfo.is_emergency_number(digits, region) or shortnumberinfo.is_valid_short_number_for_region(
        number, region
    )


def country_code_of(digits: str) -> str:
    """Return the country code that digits begin with, or an empty text."""
    plan = plan_of(digits)
    return str(plan.code) if plan else ""


def country_code(region: str) -> int:
    """Return the country code of a region, such as 1 for `US`; 0 for one that is not known."""
    return phonenumbers.country_code_for_region(region)


def main_region(code: int) -> str:
    """Return the region code of the main region of a country code, such as `US` for 1; `ZZ` for none."""
    return phonenumbers.region_code_for_country_code(code)


def formatted(e164: str) -> tuple[str, str]:
    """Return a number as people write it abroad and at home: `+44 20 7946 0958`, `020 7946 0958`."""
    number = phonenumbers.parse(e164)
    forms = (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL)
    abroad, at_home = (phonenumbers.format_number(number, form) for form in forms)
    return abroad, at_home
