"""Whom of an audience's members a call means: by ids, by phone numbers, or by the rows of a check. Nobody by guessing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from audiences_mcp.contacts.check import CheckedRow
from audiences_mcp.contacts.phones import Phone, read_numbers
from audiences_mcp.contacts.reasons import Reason, Refusal, Status
from audiences_mcp.contacts.spellings import StoredNumbers
from audiences_mcp.errors import InvalidInput
from audiences_mcp.models import E164, AudienceInfo, Member
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import line, several

_MOST_TEXT = 100
_NOT_REMOVED = "Nothing was removed."


@dataclass(frozen=True, slots=True)
class Order:
    """Whom a call means, in one of three ways.

    Args:
        member_ids: Ids of members.
        phone_numbers: Numbers, with country code or just as they are stored.
        check: A check whose people are meant, or the audit of an audience.
        reasons: Of the check only the rows with these reasons.
        region: Region code of numbers without a country code, or None.
    """

    member_ids: Sequence[str] | None = None
    phone_numbers: Sequence[str] | None = None
    check: StoredCheck | None = None
    reasons: Sequence[str] = ()
    region: str | None = None

    @property
    def words(self) -> str:
        """The order as text, to be compared with another."""
        check_id = self.check.check_id if self.check else ""
        return repr((self.member_ids, self.phone_numbers, check_id, sorted(self.reasons)))


@dataclass(slots=True)
class Choice:
    """Whom of the members a call means.

    Args:
        members: Those who surely are meant, in the order in which they are stored.
        missing: What nobody is stored under: ids or numbers.
        alike: Members who may be meant, so that a person has to say.
        warnings: What to know of it, one sentence each.
        unread: Rows whose number could not be read, so that those people are still there.
    """

    members: list[Member] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    alike: list[Member] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unread: int = 0


def choose(audience: AudienceInfo, members: Sequence[Member], order: Order) -> Choice:
    """Return whom of the members a call means.

    Raises:
        InvalidInput: A number cannot be read, a reason is none, or the audit is of another audience.
    """
    if order.member_ids is not None:
        return _with_ids(members, order.member_ids)
    if order.phone_numbers is not None:
        return _with_texts(audience, members, order.phone_numbers, order.region)
    if order.check is None:
        raise AssertionError("an order says whom it means")
    _refuse_reasons(order.check, order.reasons)
    if order.check.audited is None:
        return _of_check(audience, members, _rows_of(order.check, order.reasons))
    if order.check.audited.audience_id != audience.audience_id:
        raise InvalidInput(
            f"This check_id is of the audit of another audience. {_NOT_REMOVED} Call audit_audience for this one."
        )
    audited = zip(order.check.rows, order.check.audited.member_ids, strict=True)
    return _with_ids(members, [member_id for row, member_id in audited if row.reason in order.reasons])


def _with_ids(members: Iterable[Member], wanted: Iterable[str]) -> Choice:
    missing = dict.fromkeys(wanted)
    found = [member for member in members if member.member_id in missing]
    for member in found:
        del missing[member.member_id]
    return Choice(found, [line(each, _MOST_TEXT) for each in missing])


# --- by rows of a check --------------------------------------------------------------------------------------------


def _refuse_reasons(check: StoredCheck, reasons: Sequence[str]) -> None:
    if not set(reasons) <= set(Reason):
        raise InvalidInput(f"reasons must be among {', '.join(Reason)}. {_NOT_REMOVED}")
    if check.audited and not reasons:
        raise InvalidInput(
            "The check_id is of an audit, which has every member of the audience, so say with reasons which of them are to "
            f"go, such as invalid_number. {_NOT_REMOVED}",
        )


def _rows_of(check: StoredCheck, reasons: Sequence[str]) -> list[CheckedRow]:
    """Return the rows that are meant: all that were to be read, whatever became of them, or those with the reasons."""
    if reasons:
        return [row for row in check.rows if row.reason in reasons]
    return [row for row in check.rows if row.status is not Status.FILTERED_OUT]


def _of_check(audience: AudienceInfo, members: Sequence[Member], rows: Sequence[CheckedRow]) -> Choice:
    """Return the members who have the numbers of rows: also of those that were left out of the list itself."""
    numbers = [row.phone.number for row in rows if row.phone]
    others = [number for row in rows if row.phone for number in row.others]
    choice = _with_numbers(audience, members, numbers, others)
    unread = sum(row.phone is None for row in rows)
    choice.unread = unread
    if unread:
        choice.warnings.append(
            f"{several(unread, 'row')} of the check {'has' if unread == 1 else 'have'} no number that could be read, so nobody "
            "was looked for by them: list_check_rows shows which.",
        )
    return choice


# --- by numbers ----------------------------------------------------------------------------------------------------


def _with_texts(audience: AudienceInfo, members: Sequence[Member], texts: Sequence[str], region: str | None) -> Choice:
    """Return the members who have the numbers; one that cannot be read means whoever is stored with just that text."""
    by_text: dict[str, list[str]] = {}
    for member in members:
        by_text.setdefault(_as_shown(member, audience), []).append(member.member_id)
    by_text.pop("", None)  # a blank text names nobody
    wanted = [line(text, _MOST_TEXT) for text in texts]
    readings = read_numbers(wanted, [region] * len(wanted))
    unread = [
        (place, reading.reason)
        for place, (text, reading) in enumerate(zip(wanted, readings, strict=True), 1)
        if isinstance(reading, Refusal) and text not in by_text
    ]
    if unread:
        place, reason = unread[0]
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        raise InvalidInput(
            f"phone_numbers item {place}{more} cannot be read as a number ({reason.value}), and nobody is stored with just "
            f"that text. {_NOT_REMOVED} Write it with + and its country code, or give member_ids.",
        )
    numbers = [reading.number for reading in readings if isinstance(reading, Phone)]
    exact = [
        member_id
        for text, reading in zip(wanted, readings, strict=True)
        if isinstance(reading, Refusal)
        for member_id in by_text[text]
    ]
    return _with_numbers(audience, members, numbers, exact=exact)


def _as_shown(member: Member, audience: AudienceInfo) -> str:
    return line(member.data.get(audience.phone_column, ""), _MOST_TEXT)


def _with_numbers(
    audience: AudienceInfo,
    members: Sequence[Member],
    numbers: Iterable[E164],
    others: Iterable[E164] = (),
    exact: Iterable[str] = (),
) -> Choice:
    """Return the members whom Atoms dials at the numbers.

    Args:
        audience: The audience.
        members: All of its members.
        numbers: Who is meant.
        others: Further numbers of the same people, which may be somebody else's too.
        exact: Ids of members who are meant in any case.
    """
    stored = StoredNumbers([(member.data.get(audience.phone_column, ""), member.member_id) for member in members])
    ids = {number: stored.dialled(number) for number in numbers}
    sure = {*exact, *(member_id for found in ids.values() for member_id in found)}
    further = dict.fromkeys(others)
    alike = {*stored.alike([*ids, *further]), *(each for number in further for each in stored.dialled(number))} - sure
    choice = Choice(
        members=[member for member in members if member.member_id in sure],
        missing=[number for number, found in ids.items() if not found],
        alike=[member for member in members if member.member_id in alike],
    )
    if alike:
        choice.warnings.append(
            f"{several(len(alike), 'member')} may be meant too, but {'is' if len(alike) == 1 else 'are'} stored in a form that "
            "leaves doubt, or under a further number of a row, and stay: see possible, and ask the person.",
        )
    return choice
