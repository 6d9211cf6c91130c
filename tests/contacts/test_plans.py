"""The short way of reading plain numbers must say what the library says, for every region and however they are wrong.

The long way, which these tests compare with, is `parse`, `number_type` and `region_code_for_number`.
"""

import random
from collections.abc import Iterator

import phonenumbers  # noqa: TID251 - what the short way is compared with
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberType  # noqa: TID251

from audiences_mcp.contacts.plans import (
    _LENGTH_REASONS,
    _PARSE_REASONS,
    LINE_TYPES,
    Reading,
    _rewritten,
    read_by_parse,
    read_international,
    read_national,
)
from audiences_mcp.contacts.reasons import Reason

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
DIGITS = st.text("0123456789", min_size=1, max_size=18)


def read_by_library(text: str, region: str | None) -> Reading:
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=region is not None)
    except NumberParseException as error:
        return Reading(reason=_PARSE_REASONS[error.error_type])
    line_type = phonenumbers.number_type(number)
    assert (line_type != PhoneNumberType.UNKNOWN) == phonenumbers.is_valid_number(number)
    if line_type == PhoneNumberType.UNKNOWN:
        length = phonenumbers.is_possible_number_with_reason(number)
        return Reading(reason=_LENGTH_REASONS.get(length, Reason.INVALID_NUMBER))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    reason = None if e164 == text else _rewritten(text, e164, number)
    if reason:
        return Reading(reason=reason)
    of_region = phonenumbers.region_code_for_number(number) or "001"
    return Reading(e164, line_type, of_region, number.country_code or 0, number.country_code_source)


def international_by_library(digits: str) -> Reading:
    return read_by_library(f"+{digits}", None)


def same(digits: str) -> bool:
    """Tell whether digits after a plus are read alike, and refused for the same reason."""
    found, wanted = read_international(digits), international_by_library(digits)
    return found._replace(reason=None) == wanted._replace(reason=None) and read_by_parse(f"+{digits}", None) == wanted


def national_by_library(digits: str, region: str) -> Reading:
    reading = read_by_library(digits, region)
    if reading.valid and international_by_library(reading.e164[1:]).e164 != reading.e164:
        return Reading(reason=Reason.INVALID_NUMBER)
    return reading


def examples(code: int, region: str) -> list[str]:
    """Return national numbers of every kind of line of a region."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    kinds = [getattr(metadata, kind) for kind in (*LINE_TYPES.values(), "general_desc") if hasattr(metadata, kind)]
    return sorted({kind.example_number for kind in kinds if kind and kind.example_number}) or ["123456789"]


def spoiled(national: str, rng: random.Random) -> Iterator[str]:
    """Yield a number, and others of the same beginning: digits changed, left out and put in, too short and too long."""
    yield national
    yield national[:-1]
    yield national + rng.choice("0123456789")
    place = rng.randrange(len(national))
    yield national[:place] + national[place + 1 :]
    yield national[:place] + rng.choice("0123456789") + national[place:]
    for start in range(len(national)):
        yield national[:start] + "".join(rng.choice("0123456789") for _ in national[start:])


def prefixes(code: int, region: str) -> list[str]:
    """Return what may stand before a national number in the region: rightly, wrongly and by chance."""
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or "0"
    return ["", trunk, trunk * 2, "0", "00", f"00{code}", f"{code}", f"{code}{trunk}", "1", "011", "15", "90"]


@pytest.mark.parametrize("code", CODES)
def test_a_country_code_and_any_digits_are_read_as_the_library_reads_them(code: int) -> None:
    rng = random.Random(code)
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        for example in examples(code, region):
            for national in spoiled(example, rng):
                for prefix in ("", rng.choice(prefixes(code, region))):
                    digits = f"{code}{prefix}{national}"
                    assert same(digits), digits


@pytest.mark.parametrize("region", REGIONS)
def test_any_digits_dialled_in_a_region_are_read_as_the_library_reads_them(region: str) -> None:
    rng = random.Random(region)
    code = phonenumbers.country_code_for_region(region)
    for example in examples(code, region):
        for national in spoiled(example, rng):
            for prefix in ("", rng.choice(prefixes(code, region))):
                digits = prefix + national
                assert (digits, read_national(digits, region)) == (digits, national_by_library(digits, region))


@given(digits=DIGITS, region=st.sampled_from(REGIONS))
def test_digits_of_no_kind_are_read_as_the_library_reads_them(digits: str, region: str) -> None:
    assert read_national(digits, region) == national_by_library(digits, region)
    assert same(digits)
