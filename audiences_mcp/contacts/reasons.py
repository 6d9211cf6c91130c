"""Why a row is not called, what was mended in it, and what to do about it: every such fact once."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a check says of a row. Every row has exactly one, so that the counts add up."""

    READY = "ready"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    ALREADY_MEMBER = "already_member"
    FILTERED_OUT = "filtered_out"


class Reason(StrEnum):
    """Why a row is not ready. Where several apply, the first in this order is given."""

    EMPTY = "empty"
    EXCEL_DAMAGED = "excel_damaged"
    MULTIPLE_NUMBERS = "multiple_numbers"
    EXTENSION = "extension"
    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS_COUNTRY = "ambiguous_country"
    MISSING_COUNTRY_CODE = "missing_country_code"
    UNKNOWN_COUNTRY_CODE = "unknown_country_code"
    SHORT_CODE = "short_code"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    PREMIUM_RATE = "premium_rate"
    INVALID_NUMBER = "invalid_number"
    MALFORMED_ROW = "malformed_row"
    DUPLICATE = "duplicate"
    DO_NOT_CALL = "do_not_call"
    SUPPRESSION_LIST = "suppression_list"
    EXCLUDED_AUDIENCE = "excluded_audience"
    ALREADY_MEMBER = "already_member"

    @property
    def status(self) -> Status:
        """The status that a row with this reason has."""
        return _STATUS.get(self, Status.INVALID)


_STATUS = {
    Reason.DUPLICATE: Status.DUPLICATE,
    Reason.DO_NOT_CALL: Status.SUPPRESSED,
    Reason.SUPPRESSION_LIST: Status.SUPPRESSED,
    Reason.EXCLUDED_AUDIENCE: Status.SUPPRESSED,
    Reason.ALREADY_MEMBER: Status.ALREADY_MEMBER,
}

NEVER_CALLED = frozenset({Reason.DO_NOT_CALL, Reason.SUPPRESSION_LIST})
"""Reasons that hold whatever the list is for."""

# What to do, per reason. A more telling hint is made on the spot where the number allows one.
HINTS = {
    Reason.EMPTY: "There is no phone number: add one, or leave the row out.",
    Reason.EXCEL_DAMAGED: (
        "The spreadsheet changed the number and its digits are lost: format the column as text and export again, "
        "or give the .xlsx file."
    ),
    Reason.MULTIPLE_NUMBERS: "Keep one number, or set take_first_number to use the first usable one.",
    Reason.EXTENSION: "A voice agent cannot dial an extension: give a direct number.",
    Reason.NOT_A_NUMBER: "This is not a phone number: correct it, or leave the row out.",
    Reason.AMBIGUOUS_COUNTRY: (
        "It is a real number in more than one country: write it with + and its country code, set default_region, or "
        "say with bare_digits whether digits without + begin with their country code."
    ),
    Reason.MISSING_COUNTRY_CODE: "Write it with + and its country code, or set default_region to its country.",
    Reason.UNKNOWN_COUNTRY_CODE: "No country has this country code: correct it.",
    Reason.SHORT_CODE: "Short and emergency codes are never called: give a full number.",
    Reason.TOO_SHORT: "Digits are missing, or the area code is: give the full number.",
    Reason.TOO_LONG: "It has more digits than its country allows: correct it.",
    Reason.PREMIUM_RATE: "Premium-rate and shared-cost numbers are never called: give an ordinary number.",
    Reason.INVALID_NUMBER: "No line can have this number in its country: check it with the person.",
    Reason.MALFORMED_ROW: "The row has more cells than the header: name every column, and quote cells that hold a comma.",
    Reason.DUPLICATE: "The same number stands in an earlier row, which is the one that is used.",
    Reason.DO_NOT_CALL: "The number is on the organisation's do-not-call list.",
    Reason.SUPPRESSION_LIST: "The number is in the suppression file.",
    Reason.EXCLUDED_AUDIENCE: "The number is in an audience that was to be left out.",
    Reason.ALREADY_MEMBER: "The audience has this number already.",
}

SAYS_NO_HINT = "The cell itself says that this number is not to be called: leave the row out."
"""Of a phone cell such as `98765 43210 (do not call)`, whose digits nobody should be told to keep."""
ROW_SAYS_NO_HINT = "The row says no to being called: leave it out."


class Note(StrEnum):
    """What was mended in a number that is ready, or what to know of it; a report counts each in its warnings."""

    TRAILING_ZERO = "the .0 that spreadsheets add to whole numbers was left off."
    APOSTROPHE = "the apostrophe or spreadsheet quoting in front was left off."
    LABEL = "the label in front, such as p: or tel:, was left off."
    OTHER_DIGITS = "digits of another script were read as 0 to 9."
    VANITY = "letters were read as on a keypad."
    TOLL_FREE = "toll-free, so a company rather than a person."
    FICTIONAL = "555-01xx is fictional and reaches nobody."
    PERSONAL = "a personal number (such as UK 070) forwards anywhere and may cost much."
    UAN = "a company-wide access number (UAN) rather than a person's."
    VOICEMAIL = "a voicemail access number rather than a person's."
    SATELLITE = "a satellite or global network, which may cost much."
    ALSO_NATIONAL = (
        "written without + and read with their country code, they would also be mobiles of other countries (such as Germany "
        "or China) that lost a 0 or their country code; if the list is of one of these, set default_region."
    )
    MAYBE_LOCAL = (
        "short fixed lines without the 0 or area code in front: if they are local numbers, they would reach another town; "
        "compare some with their source."
    )
    SETTLED = "read as bare_digits says; otherwise they would be other real numbers, so compare some with their source."
    ALSO_SHOWN = (
        "read in the given region, they would also be real in another country that this list shows; if they are of that "
        "country, write them with + or set region_column."
    )
    ALSO_ABROAD = (
        "written without + and read in the given region, they would also be real numbers abroad with a plus in "
        "front; if the list is international, look at the sample and set bare_digits."
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell is not a number that may be dialled.

    Args:
        reason: The first of the reasons that apply.
        special_hint: What to do, where more can be said than the reason's own hint.
    """

    reason: Reason
    special_hint: str = ""

    @property
    def hint(self) -> str:
        """What to do about it, in one sentence."""
        return self.special_hint or HINTS[self.reason]
