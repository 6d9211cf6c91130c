"""Phone numbers by their last four digits: what a model reads instead of whole ones, in any part of any answer.

A field that is a number keeps its last four digits, or letters among them, whatever its writing. In every other text
whatever may be a phone number is masked: seven digits or more, of any script, with what people put between them. Ids,
dates and times, and counts with thousands separators are none.
"""

import re
import unicodedata
from functools import cache
from typing import Any

from pydantic import BaseModel

NUMBER_FIELDS = frozenset({"value", "phone_number", "phone_numbers", "query"})
"""Fields of answers that are a number, or numbers, as somebody wrote them."""

_KEPT = 4
_HIDDEN = "…"
# What follows is matched against a text whose digits, of any script, are written 0 to 9; see `_in_western_digits`.
_BETWEEN = r"(?:[^\w,;:={}<>@&%$€!?\"…]|_|(?<=[0-9]),(?=[0-9])){0,4}"
_UNIT = r"[0-9][OoIl]?"  # as in 4155552O71
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)[0-9]{2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?"
_DATE = rf"(?:{_YEAR}(?:-{_MONTH}-|/{_MONTH}/|\.{_MONTH}\.){_DAY}|{_DAY}(?:-{_MONTH}-|/{_MONTH}/|\.{_MONTH}\.){_YEAR})"
# A few digits may follow, as in `2025-01-31 (2)`, or another date.
_ENDS = rf"(?:(?={_BETWEEN}{_DATE})|(?!(?:{_BETWEEN}[0-9]){{3}}))"
_MOMENT = rf"{_DATE}(?:[T ]{_CLOCK})?{_ENDS}|{_CLOCK}{_ENDS}"
_COUNT = rf"[1-9][0-9]{{0,2}}(?:,[0-9]{{3}}){{1,2}}(?:\.[0-9]{{1,2}})?(?![0-9,]){_ENDS}"
_HEX = r"(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{24}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"
# Digits alone are rather two numbers without a space.
_ID = rf"(?<![0-9A-Za-z])(?=[0-9-]{{0,35}}[A-Fa-f]){_HEX}(?![0-9A-Za-z])"
_NO_NUMBER = rf"(?<![0-9])(?<![0-9][-.,/])(?:{_MOMENT}|{_COUNT})"
_POWER = r"[0-9]+(?:[.,][0-9]+)?(?P<power> ?[Ee] ?[+-]? ?[0-9]{1,3})(?![0-9A-Za-z])"
_MAY_BE_NUMBER = (
    rf"(?P<kept>{_ID}|{_NO_NUMBER})|(?P<damaged>{_POWER})"
    rf"|(?:\+{_BETWEEN})?{_UNIT}(?:{_BETWEEN}(?!{_NO_NUMBER}){_UNIT}){{6,}}"
    rf"|\+{_BETWEEN}{_UNIT}(?:{_BETWEEN}{_UNIT}){{6,}}"  # a plus begins no date, as in +1 12-10-2025
    rf"|{_UNIT}(?:{_BETWEEN}{_UNIT}){{4,5}}(?=[^\w…]?…(?:['\"]|$))"  # the beginning of one, in a text that was cut
)


@cache
def _numbers() -> re.Pattern[str]:
    """Return the expression; only where numbers are masked it is worth the time that it takes to make."""
    return re.compile(_MAY_BE_NUMBER)


def masked(part: Any, name: str = "") -> Any:  # noqa: ANN401 - any part of an answer
    """Return a part of an answer with its numbers masked; counts and truth values are as they were.

    Args:
        part: A result, a text, or an object or a list of parts.
        name: The field that it stands in.
    """
    match part:
        case BaseModel():
            return type(part).model_validate(masked(part.model_dump(mode="json")))
        case dict():
            return dict(zip(_names(part), [masked(item, key) for key, item in part.items()], strict=True))
        case list():
            return [masked(item, name) for item in part]
        case str():
            return _number(part) if name in NUMBER_FIELDS else text_masked(part)
        case _:
            return part


def text_masked(text: str) -> str:
    """Return a text in which only the last four digits are left of whatever may be a phone number."""
    plain = _in_western_digits(text)
    if sum(map(str.isdigit, plain)) <= _KEPT:  # which is quickly told of most texts
        return text
    parts, end = [], 0
    for found in _numbers().finditer(plain):
        if found["kept"] is None:
            parts += [text[end : found.start()], _ending(text, plain, found)]
            end = found.end()
    return "".join([*parts, text[end:]])


def _ending(text: str, plain: str, found: re.Match[str]) -> str:
    if found["damaged"] is not None:  # 9.05321E+11 shows the beginning of a number
        many = sum(map(str.isdigit, found[0])) - sum(map(str.isdigit, found["power"])) > _KEPT
        return _HIDDEN + found["power"] if many else text[slice(*found.span())]
    digits = [place for place in range(*found.span()) if plain[place].isalnum()]
    return _HIDDEN + "".join(text[place] for place in digits[-_KEPT:])


def _number(text: str) -> str:
    """Mask all but the end of a text that is a number: an extension, letters and further numbers count as digits."""
    plain = _in_western_digits(text)
    places = [place for place, char in enumerate(plain) if char.isascii() and char.isalnum()]
    if len(places) <= _KEPT or not any(map(str.isdigit, plain)):
        return text
    return _HIDDEN + text[places[-_KEPT] :]


def _names(part: dict[str, Any]) -> list[str]:
    """Return the names of fields masked, since a person's columns may have any; no two become alike."""
    names: dict[str, None] = {}
    for name in part:
        free, number = text_masked(name), 1
        while free in names:
            number += 1
            free = f"{text_masked(name)} ({number})"
        names[free] = None
    return list(names)


def _in_western_digits(text: str) -> str:
    """Return the text with every digit, and whatever else stands for a number in any script, as one of 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(char, 0)) if char.isnumeric() else char for char in text)
