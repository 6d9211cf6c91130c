"""Made-up lists of numbers that are valid lines, written in one of the ways that people write them."""

import random
from collections.abc import Iterator, Sequence
from itertools import count, islice

import phonenumbers  # noqa: TID251 - made without the code that is measured
from phonenumbers import PhoneNumberType  # noqa: TID251

COUNTRIES = ("US", "GB", "IN", "DE", "FR", "BR", "NG", "MX", "PH", "AU", "ZA", "ES")
# Way of writing: what stands before the country code, or before the national number of the region.
ABROAD = {"+": "+", "00": "00", "bare": ""}
NATIONAL = ("GB", "DE", "IN")


def written(way: str, rows: int, seed: int) -> list[str]:
    """Return phone cells, no two alike; the same for the same seed."""
    found = islice(_numbers((way,) if way in NATIONAL else COUNTRIES, seed), rows)
    return [f"0{national}" if way in NATIONAL else f"{ABROAD[way]}{code}{national}" for code, national in found]


def as_csv(cells: Sequence[str]) -> str:
    """Return a list with a name for each number."""
    return "phone,first_name\n" + "".join(f"{cell},Person {number}\n" for number, cell in enumerate(cells))


def _numbers(regions: tuple[str, ...], seed: int) -> Iterator[tuple[str, str]]:
    """Yield country code and national number of valid lines, no two alike."""
    rng = random.Random(seed)
    seen: set[tuple[str, str]] = set()
    for index in count():
        kind = rng.choice((PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
        example = phonenumbers.example_number_for_type(regions[index % len(regions)], kind)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        national = national[:3] + "".join(rng.choice("0123456789") for _ in national[3:])
        found = (str(example.country_code), national)
        if found not in seen and phonenumbers.is_valid_number(phonenumbers.parse(f"+{found[0]}{national}")):
            seen.add(found)
            yield found
