"""What is kept between calls: checks, and leave to delete."""

from collections.abc import Sequence
from dataclasses import dataclass

from audiences_mcp.contacts.check import Check, CheckedRow
from audiences_mcp.models import AudienceInfo, CheckReport, Commit


@dataclass(frozen=True, slots=True)
class Audited:
    """Whose rows an audit has: they are stored already.

    Args:
        audience_id: The audience.
        member_ids: The member of each row.
    """

    audience_id: str
    member_ids: Sequence[str]


@dataclass(slots=True)
class StoredCheck:
    """A check that the server keeps, so that nobody retypes numbers.

    Args:
        check_id: 128 random bits, the only way to it.
        check: Every row, as it was checked.
        report: What was told of it.
        target: What it is committed to, as its lock and in words; it can be committed to one target only.
        written: Whether something was, or may have been, written for it.
        result: What the commit answered, once it is done.
        latest: Every row as the last commit found it: people may have come on a list since the check.
        objecting: How many ready rows say that they do not want to be called.
        audited: For an audit of a stored audience, which cannot be committed, whose rows they are.
    """

    check_id: str
    check: Check
    report: CheckReport
    target: tuple[str, str] | None = None
    written: bool = False
    result: Commit | None = None
    latest: Check | None = None
    objecting: int = 0
    audited: Audited | None = None

    @property
    def rows(self) -> list[CheckedRow]:
        """Every row as it stands now."""
        return (self.latest or self.check).rows


@dataclass(slots=True)
class DeletionToken:
    """Leave to delete one audience.

    Args:
        audience: The audience as it was when the person was asked.
        tried: Whether the deletion was sent.
        done: Whether it is surely deleted.
    """

    audience: AudienceInfo
    tried: bool = False
    done: bool = False
