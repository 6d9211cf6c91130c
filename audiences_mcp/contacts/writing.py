"""What a cell says: a phone number as people and programs write it becomes digits, or is refused.

No country is applied here; `phones` does that. What is written is taken as it stands or refused: the only things
mended are listed in `Note`, and each is counted in the report.
"""

import re
import unicodedata
from typing import NamedTuple

from audiences_mcp.contacts.consent import says_no
from audiences_mcp.contacts.reasons import SAYS_NO_HINT, Note, Reason, Refusal
from audiences_mcp.text import clean

# Enough digits to be a subscriber's number in most countries; fewer are an extension or part of a number.
MIN_NUMBER_DIGITS = 7
_SHORT_NUMBER_DIGITS = 3
# With area code, or else `0049 (0)2151 / 1234567` would hold two.
_WHOLE_NUMBER_DIGITS = 10
# E.164 allows 15 digits, so a longer run may be two numbers.
_MAX_NUMBER_DIGITS = 15
# A longer cell is a text. The limit also bounds the time that any expression below can take.
_MAX_CELL = 500

_PLAIN = re.compile(r"(\+?)([0-9]{1,40})")
_SPREADSHEET_TEXT = re.compile(r'="([^"]*)"')
_LABELS = (
    "(?:p|ph|phone|t|tel|telephone|telefon|m|mob|mobile|mobil|cell|c|whatsapp|wa|sms|call|callto|home|work|office|main)"
)
_LABEL = re.compile(
    # "Phone 2 030 1234567" counts the phones.
    rf"{_LABELS}(?:\s*[:.]{{1,2}}\s*(?://)?|\s*-\s*(?=[+(]|\d{{5}})|\s+(?=[+(]|\d(?!\s)))"
    rf"|\(\s*{_LABELS}\s*\)\s*|[☎✆📞📱📲]\ufe0f?\s*",
    re.IGNORECASE,
)
_FAX = re.compile(r"f\s*:|(?!.*\b(?:tel(?!efax)|phone))(?:.*\b)?(?:tele)?fax\b", re.IGNORECASE | re.DOTALL)
_PHONE_CONTEXT = re.compile(r"([^;]*);phone-context=(\+[\d.()-]+)(.*)", re.IGNORECASE)
_RFC_EXTENSION = re.compile(r";\s*ext\s*=", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,](\d*))?\s*e\s*(?:([+-])\s*)?(\d{1,3})\d*", re.IGNORECASE)
# Phones that are counted: `2) 0151 …`, `Tel.2 0151 …`, `030 1234567 (2)`. Not `(2) 2123 4567` nor `02) 2123 4567`, whose
# first digits are an area code, nor `8 029 …`, which begins with a trunk prefix.
_COUNT_BEFORE = re.compile(r"[1-9]\d?\s*\)|(?:\([1-9]\)|[1-79][.:]?|[1-9]\d\.)\s+(?:-\s+)?(?=0(?:\D*\d){8})")
_COUNT_AFTER = re.compile(r"(?:\D*\d){7}.*\(\s*[1-9]\s*\)", re.DOTALL)
# The only full stop of the cell: with others, as in 06.12.34.56.78, it is punctuation.
# Several zeros only after digits alone: 202 555.0000 is a number as people write it.
_TRAILING_ZERO = re.compile(r"[^.]*\d\.0|\+?\d{7,}\.0+")
_DECIMAL = re.compile(r"[^.,]*\d{4}[.,]\d{1,2}")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?:{_YEAR}(?P<ymd>[-/. ]){_MONTH}(?P=ymd){_DAY}"
    rf"|{_DAY}(?P<dmy>[-/. ]){_MONTH}(?P=dmy){_YEAR}"
    rf"|{_MONTH}(?P<mdy>[-/. ]){_DAY}(?P=mdy){_YEAR})(?:[T ]\d\d?[:.]\d\d.*)?"
)
_ERROR_VALUE = re.compile(r"#[A-Z]")  # such as #N/A and #VALUE!
_SEPARATORS = ("/", ",", ";", "|", "&")
_EDGE_SEPARATORS = " \t\r\n,;|/"
# Between two numbers. A comma may also be a pause before an extension, a slash stands inside German numbers.
_BETWEEN = re.compile(r"[;,|&\n\r\t]+|\s:::\s|\s(?:or|and|und|oder|ou|et|y|o|e)\s", re.IGNORECASE)
# Not the first group of another number, as in `98765 43215;98765 43216`.
_PAUSE = re.compile(r"(?<=\d)\s*(?:[,;]+|[pw])\d{1,6}#?(?![\s.-]?\d)", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?<=[\d)])\s*(?:(?:[,;]\s*)?(?:extension|extn?|xtn|x|anexo|ramal|poste|durchwahl|dw|доб(?:авочный)?)\.?(?:\s*:)?"
    r"|#)\s*\d{1,9}\s*#?",
    re.IGNORECASE,
)
_TOLL_FREE_VANITY = re.compile(
    r"(\+?1?[\s.-]*\(?(?:800|833|844|855|866|877|888)\)?[\s.-]*)((?:[A-Z0-9][\s.-]*){7})", re.IGNORECASE
)
_PUNCTUATION = re.compile(r"[-\s().\[\]/]+")
_SPLITTER = re.compile(r"([-\s/]+)")
_BEFORE_PLUS = re.compile(r"(?<=\d)[\s/-]*(?=\+)")
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_LETTERS_FOR_DIGITS = str.maketrans("OILoil", "011011")
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−ー－﹣", "-"),
        **dict.fromkeys("＋﹢", "+"),
        **dict.fromkeys("（﹙", "("),
        **dict.fromkeys("）﹚", ")"),
        **dict.fromkeys("／⁄~∼～⁓", "/"),  # between numbers of a range, as in 030 1234567/9
        **dict.fromkeys("．·•", "."),
        **dict.fromkeys("；", ";"),
        **dict.fromkeys("，、،", ","),
        **dict.fromkeys("：", ":"),
    }
)


_IN_SHORT_HINT = (
    "It is in scientific notation: write the number in full, or format the column as text and export again."
)
SAYS_NO = Refusal(Reason.NOT_A_NUMBER, SAYS_NO_HINT)
"""Of a cell that says that it must not be called, whatever else it holds: no number is taken out of it."""


class Written(NamedTuple):
    """A phone number as written, before any country is applied.

    Args:
        digits: Its digits, 0 to 9.
        plus: Whether it was written with a plus, and so internationally.
        notes: What was mended.
        heads: The digits before each slash; if one of them is a whole number, the cell holds two.
        gaps: The digits before each space or dash between two runs that are each long enough to be a number.
    """

    digits: str
    plus: bool
    notes: tuple[Note, ...] = ()
    heads: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def splits(self) -> bool:
        """Whether it is too long for one number and falls into two runs that are each long enough."""
        return len(self.digits) > _MAX_NUMBER_DIGITS and bool(self.gaps)


def parse_cell(cell: str) -> Written | Refusal:
    """Return what the cell says, or why it is not one phone number.

    The order of the steps is the order of `Reason`, after a cell that says no.
    """
    plain = _PLAIN.fullmatch(cell)
    if plain:
        plus, digits = plain.groups()
        return Written(digits, bool(plus))
    if len(cell) > _MAX_CELL and len(cell.strip()) > _MAX_CELL:
        return Refusal(Reason.NOT_A_NUMBER)
    if says_no(cell):
        return SAYS_NO
    text, notes = _unwrap(cell.strip())
    if not any(map(str.isalnum, text)):
        return Refusal(Reason.EXCEL_DAMAGED if "##" in text else Reason.EMPTY)
    if _TRAILING_ZERO.fullmatch(text):
        text, notes = text[: text.index(".")], (*notes, Note.TRAILING_ZERO)
    if _is_spreadsheet_damage(text):
        return Refusal(Reason.EXCEL_DAMAGED, _IN_SHORT_HINT if _is_only_shortened(text) else "")
    return _refusal(text) or _as_digits(text, notes)


def split_cell(cell: str) -> list[str]:
    """Return the numbers of a cell that holds several, each as written, in their order.

    Digits in groups are not cut: `030 1234 5678 030 1234 5679` would begin with a number of somebody else.
    """
    if len(cell.strip()) > _MAX_CELL:
        return [cell]
    parts = [part for long in _BETWEEN.split(_common_characters(cell)) for part in _BEFORE_PLUS.split(long)]
    return [piece for part in parts for piece in _whole_pieces(part.strip()) if piece]


def without_extension(text: str) -> str:
    """Return the text of a number without an extension or a pause after it."""
    return _PAUSE.sub("", _EXTENSION.sub("", text[:_MAX_CELL]))


def is_date(text: str) -> bool:
    """Tell whether the text is a date, such as 2025-01-31 or 31.1.2025 10:00."""
    return _DATE.fullmatch(text.strip()[:_MAX_CELL]) is not None


def _whole_pieces(text: str) -> list[str]:
    """Cut at spaces and slashes where every piece is long enough, at slashes between spaces where each is whole."""
    for separator, digits in ((r"[\s/]+", MIN_NUMBER_DIGITS), (r"\s+/\s+", _WHOLE_NUMBER_DIGITS)):
        pieces = re.split(separator, text)
        if all(_count_digits(piece) >= digits for piece in pieces):
            return pieces
    return [text]


def _common_characters(cell: str) -> str:
    return clean(cell).translate(_LOOKALIKES).strip()


def _unwrap(cell: str) -> tuple[str, tuple[Note, ...]]:
    """Take off what programs put around a number, and write its characters the common way."""
    notes: list[Note] = []
    text = _common_characters(cell)
    if not text.isascii():
        text, changed = _western_digits(text)
        notes += [Note.OTHER_DIGITS] * changed
    bare = text.lstrip("'’‘` ")  # a file of this package has one more in front than the cell had
    quoted = _SPREADSHEET_TEXT.fullmatch(bare)
    if quoted or bare != text:
        text = (quoted[1] if quoted else bare).strip()
        notes.append(Note.APOSTROPHE)
    label = _LABEL.match(text)
    if label:
        text = text[label.end() :].strip()
        notes.append(Note.LABEL)
    context = _PHONE_CONTEXT.fullmatch(text)
    if context:  # RFC 3966, section 5.1.5: a local number is completed by the context in front
        text = context[2] + context[1] + context[3]
    text = _RFC_EXTENSION.sub(" ext ", text)
    return text.strip(_EDGE_SEPARATORS), tuple(notes)


def _western_digits(text: str) -> tuple[str, bool]:
    changed = False
    chars = []
    for char in text:
        value = None if char.isascii() else unicodedata.decimal(char, None)
        changed = changed or value is not None
        chars.append(char if value is None else str(value))
    return "".join(chars), changed


def _is_spreadsheet_damage(text: str) -> bool:
    """Tell scientific notation, decimals, error values and results of a subtraction: the digits are lost."""
    return (
        all(_SCIENTIFIC.fullmatch(number.strip()) for number in text.split(";"))
        or _DECIMAL.fullmatch(text) is not None
        or _ERROR_VALUE.match(text) is not None
        or (text.startswith("-") and text[1:2].isdigit())
    )


def _is_only_shortened(text: str) -> bool:
    """Tell whether scientific notation has as many digits as the number itself."""
    found = _SCIENTIFIC.fullmatch(text)
    return found is not None and found[2] != "-" and len(found[1] or "") >= int(found[3])


def _refusal(text: str) -> Refusal | None:
    if is_date(text):
        return Refusal(Reason.NOT_A_NUMBER, "It reads as a date: give the phone number.")
    if _holds_several(text):
        return Refusal(Reason.MULTIPLE_NUMBERS)
    for pattern in (_EXTENSION, _PAUSE):
        found = pattern.search(text)
        if found and found.end() == len(text) and _count_digits(text[: found.start()]) >= MIN_NUMBER_DIGITS:
            return Refusal(Reason.EXTENSION)
    return None


def _holds_several(text: str) -> bool:
    pieces = _BETWEEN.split(_PAUSE.sub("", text))
    counts = [count for count in map(_count_digits, pieces) if count]
    if len(counts) > 1 and counts[0] >= MIN_NUMBER_DIGITS:
        return True
    before, _, after = text[1:].partition("+")
    before = text[:1] + before
    # What stands before a separator and a plus may be a short or a broken number.
    fewest = _SHORT_NUMBER_DIGITS if before.rstrip().endswith(_SEPARATORS) else MIN_NUMBER_DIGITS
    if _count_digits(before) >= fewest and _count_digits(after) >= MIN_NUMBER_DIGITS:
        return True
    if _count_digits(text) <= _MAX_NUMBER_DIGITS:
        return False
    left, _, right = text.rpartition("/")
    in_two = _count_digits(left) >= MIN_NUMBER_DIGITS and _count_digits(right) >= MIN_NUMBER_DIGITS
    return in_two or len(_whole_pieces(text)) > 1


def _as_digits(text: str, notes: tuple[Note, ...]) -> Written | Refusal:
    vanity = _TOLL_FREE_VANITY.fullmatch(text)
    if vanity and re.search("[A-Za-z]", vanity[2]):
        text, notes = vanity[1] + vanity[2].upper().translate(_KEYPAD), (*notes, Note.VANITY)
    if _COUNT_BEFORE.match(text) or (text.endswith(")") and _COUNT_AFTER.fullmatch(text)):
        return Refusal(Reason.NOT_A_NUMBER, "A digit beside it seems to count the phones: write the number alone.")
    bare = _PUNCTUATION.sub("", text)
    digits = bare.lstrip("+")
    if _FAX.match(text):
        return Refusal(Reason.NOT_A_NUMBER, "It is a fax: give a number that somebody answers.")
    if not (digits.isascii() and digits.isdigit()):
        return Refusal(Reason.NOT_A_NUMBER, _hint_with_digits(bare))
    return Written(digits, bare.startswith("+"), notes, *_cuts(text, len(digits)))


def _hint_with_digits(bare: str) -> str:
    """Say which digits the cell holds, or would on a keypad, so that the person can confirm them."""
    meant = bare.translate(_LETTERS_FOR_DIGITS)
    if _PLAIN.fullmatch(meant):
        return f"It has letters among its digits: write {meant}, if that was meant."
    shown = re.sub(r"[^0-9+]", "", bare)
    spelled = re.sub(r"[^0-9+]", "", bare.upper().translate(_KEYPAD))
    if MIN_NUMBER_DIGITS <= len(shown) <= _MAX_NUMBER_DIGITS and _PLAIN.fullmatch(shown):
        return f"Write the digits only: {shown}, if nothing else was meant."
    if (
        bare[0] in "+0123456789"
        and MIN_NUMBER_DIGITS <= len(spelled) <= _MAX_NUMBER_DIGITS
        and _PLAIN.fullmatch(spelled)
    ):
        return f"Write the digits only: {spelled} as spelled on a keypad, if that was meant."
    return ""


def _cuts(text: str, total: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the digits before each slash, and before each other separator that stands between two long runs."""
    pieces = _SPLITTER.split(text)
    heads, gaps, head = [], [], ""
    for piece, separator in zip(pieces[::2], pieces[1::2], strict=False):
        head += "".join(char for char in piece if char.isdigit())
        if head and "/" in separator:
            heads.append(head)
        if MIN_NUMBER_DIGITS <= len(head) <= total - MIN_NUMBER_DIGITS:
            gaps.append(head)
    return tuple(heads), tuple(gaps)


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))
