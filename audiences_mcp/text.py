"""Third-party text (names, columns, file and audience names, API messages) made safe to show and to send.

Names may be written in any script, so only what cannot be seen or changes the order of what is seen is removed.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_JOINERS = "\u200c\u200d"  # ZWNJ and ZWJ
# Format characters that are drawn (Arabic number signs and the like): spelling, not control.
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Variation selectors choose the form of the character before them; in a row they can hide a message.
_VARIATIONS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_GRAPHEME_JOINER = "\u034f"
_LINE_BREAKS_AND_TABS = frozenset("\n\r\t")
_ELLIPSIS = "…"


def is_clean(text: str) -> bool:
    """Tell in little time whether `clean` would leave a text as it is; a text in other letters may be so all the same."""
    return text.isascii() and text.isprintable()


def clean(text: str) -> str:
    """Return the text without control, bidirectional and zero-width characters.

    Newlines and tabs stay, and so do zero-width joiners between letters: they are spelling in Persian and in
    Indic scripts (Unicode Standard, section 23.2). Lone surrogates go, since they cannot be encoded.
    """
    if is_clean(text):
        return text
    return "".join(char for index, char in enumerate(text) if _stays(text, index, char))


def _stays(text: str, index: int, char: str) -> bool:
    if char in _JOINERS:
        return 0 < index < len(text) - 1 and _is_letter(text[index - 1]) and _is_letter(text[index + 1])
    if _VARIATIONS.match(char):
        return index > 0 and _is_visible(text[index - 1])
    category = unicodedata.category(char)
    if category == "Cf":
        return char in _VISIBLE_FORMAT
    if category == "Cc":
        return char in _LINE_BREAKS_AND_TABS
    return category != "Cs" and char != _GRAPHEME_JOINER


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM" and not _is_hidden(char)


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] not in "CZ" and not _is_hidden(char)


def _is_hidden(char: str) -> bool:
    return char == _GRAPHEME_JOINER or _VARIATIONS.match(char) is not None


def clip(text: str, most: int) -> str:
    """Return the text cut to at most `most` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= most else text[: most - 1] + _ELLIPSIS


def line(text: str, most: int = 120) -> str:
    """Return the text cleaned, on one line and at most `most` characters long, for use inside a sentence."""
    return clip(" ".join(clean(text).split()), most)


def fold(name: str) -> str:
    """Return a name as names are compared: spaces, case and the way of writing accents ignored."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def in_short(things: Sequence[T], most: int, form: Callable[[T], str] = str) -> str:
    """Return the first of many things in a row, and how many more there are: `a, b and 3 more`."""
    shown = ", ".join(map(form, things[:most]))
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"


def several(count: int, singular: str, plural: str = "") -> str:
    """Return the count with its noun: `1 row`, `2 rows`, `12,400 rows`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
