"""Regions as people name them, and the time zones that a number may be in."""

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

import phonenumbers  # noqa: TID251 - names and zones come from it; numbers do in plans.py

from audiences_mcp.contacts.phones import Phone
from audiences_mcp.contacts.plans import LINE_TYPE_NUMBERS, country_code, main_region, plan_of
from audiences_mcp.errors import InvalidInput

_LONGEST_NAME = 100
# Names and spellings that the library's own list does not have, as `_letters` has them.
_OTHER_NAMES = {
    "AE": "UAE EMIRATES DUBAI ABUDHABI",
    "BA": "BOSNIA",
    "BO": "PLURINATIONALSTATEOFBOLIVIA BOLIVIAPLURINATIONALSTATEOF",
    "CD": "DRCONGO DRC",
    "CI": "IVORYCOAST",
    "CN": "PRC MAINLANDCHINA PEOPLESREPUBLICOFCHINA",
    "CV": "CABOVERDE",
    "CZ": "CZECHIA TSCHECHIEN",
    "DE": "BRD FRG FEDERALREPUBLICOFGERMANY",
    "GB": "UK GREATBRITAIN UNITEDKINGDOMOFGREATBRITAINANDNORTHERNIRELAND GROSSBRITANNIEN GRANDEBRETAGNE GRANBRETANA "
    "GRANBRETAGNA GRABRETANHA GROOTBRITTANNIE STORBRITANNIA BUYUKBRITANYA великобритания ENGLAND SCOTLAND WALES "
    "NORTHERNIRELAND ANGLETERRE INGLATERRA INGHILTERRA ENGELAND INGILTERE англия SCHOTTLAND ESCOCIA",
    "IE": "EIRE REPUBLICOFIRELAND",
    "IN": "BHARAT HINDUSTAN",
    "IR": "ISLAMICREPUBLICOFIRAN IRANISLAMICREPUBLICOF",
    "KR": "KOREA SOUTHKOREA KOREASOUTH REPUBLICOFKOREA KOREAREPUBLICOF",
    "MK": "NORTHMACEDONIA",
    "MM": "BURMA",
    "MO": "MACAU",
    "MX": "MEJICO",
    "NL": "HOLLAND HOLLANDE OLANDA THENETHERLANDS",
    "PH": "THEPHILIPPINES",
    "RU": "RUSSIANFEDERATION",
    "SA": "KSA KINGDOMOFSAUDIARABIA",
    "SK": "SLOVAKREPUBLIC",
    "SZ": "ESWATINI",
    "TR": "TURKIYE",
    "TT": "TRINIDAD",
    "TZ": "UNITEDREPUBLICOFTANZANIA",
    "US": "US USA UNITEDSTATESOFAMERICA AMERICA AMERIKA VEREINIGTESTAATEN EEUU сша",
    "XK": "KOSOVO",
    "ZA": "RSA",
}


# Codes of states of the US and of Germany that are no countries.
_STATES = frozenset(
    "AK AZ CT DC FL HI IA KS MI MS ND NH NJ NM NV NY OH OK OR RI SD TX UT VT WA WI WV WY HE HH NW RP".split()  # noqa: SIM905 - shorter
)
# ISO 3166 alpha-3 codes that lists have, each before its alpha-2 code.
_ALPHA_3 = (
    "ARE AE ARG AR AUS AU AUT AT BEL BE BGD BD BGR BG BHR BH BRA BR CAN CA CHE CH CHL CL CHN CN COL CO CZE CZ DEU DE DNK DK "
    "EGY EG ESP ES EST EE FIN FI FRA FR GBR GB GHA GH GRC GR HKG HK HRV HR HUN HU IDN ID IND IN IRL IE ISR IL ITA IT JOR JO "
    "JPN JP KEN KE KOR KR KWT KW LBN LB LKA LK LTU LT LUX LU LVA LV MAR MA MEX MX MYS MY NGA NG NLD NL NOR NO NPL NP NZL NZ "
    "OMN OM PAK PK PER PE PHL PH POL PL PRT PT QAT QA ROU RO RUS RU SAU SA SGP SG SRB RS SVK SK SVN SI SWE SE THA TH TUN TN "
    "TUR TR TWN TW UKR UA URY UY VEN VE VNM VN ZAF ZA"
)


_COUNTRY_CODE = re.compile(r"(?:\+|00)?([1-9]\d{0,2})(?:\.0)?", re.ASCII)
_WITH_COUNTRY_CODE = re.compile(r"([^\d()+]*[^\d()+\s-])\s*(?:-\s*|\(\s*)?\+\s*(\d{1,3})\s*\)?")


def region_code(text: str) -> str:
    """Return the region code that a text names: an ISO 3166 code, a name in a common language or a country code.

    A country code may have the `.0` of a spreadsheet, or stand beside the country that has it, as in `IN (+91)`.

    Raises:
        InvalidInput: No country is named by it.
    """
    word = text.strip().upper()
    both = _WITH_COUNTRY_CODE.fullmatch(text.strip()[:_LONGEST_NAME])
    if both and (named := region_code(both[1])) and country_code(named) == int(both[2]):
        return named
    code = _COUNTRY_CODE.fullmatch(word)
    if code:
        word = main_region(int(code[1]))
    if word in phonenumbers.SUPPORTED_REGIONS:
        return word
    name = _letters(text[:_LONGEST_NAME])
    region = _regions_by_other_name().get(name) or _regions_by_alpha_3().get(name) or _regions_by_name().get(name)
    if region:
        return region
    raise InvalidInput(
        "The region is not a country that we know: use its ISO 3166 code of two letters, such as IN, US or GB.",
    )


def is_state(text: str) -> bool:
    """Tell whether a text is the code of a state of the US or Germany and of no country; `IN` and `BE` are both."""
    return text.strip().upper() in _STATES


# Of those that spreadsheets are kept in; all of the library's would take a third of a second to read.
_LANGUAGES = (
    "ar",
    "da",
    "de",
    "es",
    "fi",
    "fr",
    "hi",
    "id",
    "it",
    "ja",
    "nb",
    "nl",
    "pl",
    "pt",
    "ru",
    "sv",
    "tr",
    "zh",
)


@lru_cache
def _regions_by_other_name() -> dict[str, str]:
    return {name: region for region, names in _OTHER_NAMES.items() for name in names.split()}


@lru_cache
def _regions_by_alpha_3() -> dict[str, str]:
    codes = _ALPHA_3.split()
    return dict(zip(codes[::2], codes[1::2], strict=True))


@lru_cache
def _regions_by_name() -> dict[str, str]:
    """Return regions by their names in many languages; what is the name of two counts for the English one only."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415, TID251 - large, needed for names only

    english: dict[str, str] = {}
    others: dict[str, set[str]] = {}
    for region in phonenumbers.SUPPORTED_REGIONS & LOCALE_DATA.keys():
        names = LOCALE_DATA[region]
        english[_letters(_name_in("en", names))] = region
        for name in {_name_in(language, names) for language in _LANGUAGES}:
            others.setdefault(_letters(name), set()).add(region)
    unique = {name: regions.pop() for name, regions in others.items() if len(regions) == 1}
    return {name: region for name, region in {**unique, **english}.items() if name}


def _name_in(language: str, names: dict[str, str]) -> str:
    name = names.get(language, "")
    return names[name[1:]] if name.startswith("*") else name  # *xx: the same as in language xx


def _letters(name: str) -> str:
    """Return the letters of a name without accents, so that `Viet Nam` and `Côte d'Ivoire` are found as written."""
    plain = name if name.isascii() else unicodedata.normalize("NFKD", name)
    return re.sub("[^A-Z]", "", plain.upper()) or name.strip().casefold()


def time_zones(phone: Phone) -> tuple[str, ...]:
    """Return the time zones (IANA names) that a number may be in; empty when none is known.

    A mobile is anywhere in its country, unless its plan ties it to a place; so is a toll-free number and the like.
    """
    number = phone.number
    return _zones_by_prefix(number[1 : 1 + _telling_digits(number[1:4], phone.region, phone.line_type)])


@cache
def _telling_digits(head: str, region: str, line_type: str) -> int:
    """Return how many digits of a number tell its time zones: only the country code where it may be anywhere in the country.

    Args:
        head: Its first three digits, which hold its country code.
        region: Its region code.
        line_type: Its line type.
    """
    plan = plan_of(head)
    if plan is None:
        return 0
    is_placed = phonenumbers.is_number_type_geographical(LINE_TYPE_NUMBERS[line_type], plan.country_code)
    is_anywhere = region == main_region(plan.country_code) and not is_placed
    return len(plan.code) if is_anywhere else _longest_prefixes()[plan.code]


@lru_cache(maxsize=10_000)
def _zones_by_prefix(digits: str) -> tuple[str, ...]:
    by_prefix = _zone_table()
    for length in range(len(digits), 0, -1):
        zones = by_prefix.get(digits[:length])
        if zones:
            return zones
    return ()


@cache
def _longest_prefixes() -> Counter[str]:
    """Return for each country code how many digits tell the time zone: few, so that many numbers share them."""
    longest = Counter[str]()
    for prefix in _zone_table():
        plan = plan_of(prefix)
        if plan:
            longest[plan.code] = max(longest[plan.code], len(prefix))
    return longest


@cache
def _zone_table() -> dict[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: PLC0415, TID251 - loaded only for a report

    return TIMEZONE_DATA
