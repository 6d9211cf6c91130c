"""What was reported, kept beside what is stored, so that both can be compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import Organisation


@dataclass
class Kept:
    """An audience that was reported.

    Args:
        audience_id: Its id.
        name: Its name.
        people: The numbers that were reported to be in it.
        maybe: These, and those that a call is adding now or tried to add.
        added: How many were reported to be added, the first ones included.
        exact: Whether no outcome was unknown, so that what was added is all that is there.
        going: Whether somebody is deleting it.
        gone: Whether it was reported to be deleted.
    """

    audience_id: str
    name: str
    people: set[str]
    maybe: set[str]
    added: int
    exact: bool = True
    going: bool = False
    gone: bool = False


@dataclass
class World:
    """All audiences that were reported, deleted ones too."""

    audiences: dict[str, Kept] = field(default_factory=dict)

    def made(self, audience_id: str, name: str, numbers: Iterable[str]) -> None:
        """Note an audience that was reported; the same one may be reported again."""
        people = set(numbers)
        kept = self.audiences.setdefault(audience_id, Kept(audience_id, name, people, set(people), len(people)))
        assert (kept.name, kept.people >= people) == (name, True), f"{name} was reported as {kept.name} before"

    @property
    def living(self) -> list[Kept]:
        """The audiences that nobody has deleted or is deleting."""
        return [kept for kept in self.audiences.values() if not kept.going]

    def differences(self, organisation: Organisation) -> list[str]:
        """Return in which ways that which is stored is not that which was reported; none is how it should be."""
        stored = {audience["_id"]: audience for audience in organisation.audiences()}
        reported = {kept.audience_id: kept for kept in self.audiences.values() if not kept.gone}
        found = [f"reported and not stored: {reported[each].name}" for each in reported.keys() - stored]
        found += [f"stored and not reported: {stored[each]['name']}" for each in stored.keys() - reported]
        for audience_id in reported.keys() & stored:
            members = organisation.members(audience_id)
            found += _differences(reported[audience_id], stored[audience_id], [each["phoneNumber"] for each in members])
        return found


def _differences(kept: Kept, audience: dict[str, Any], numbers: Sequence[str]) -> list[str]:
    lost, more = kept.people.difference(numbers), set(numbers) - kept.people
    facts = {
        "has another name": audience["name"] != kept.name,
        "counts wrong": audience["memberCount"] != len(numbers),
        "holds somebody twice": len(set(numbers)) != len(numbers),
        f"lost {len(lost)} people": bool(lost),
        f"holds {len(more)} people who were not reported": bool(more),
        f"was reported to get {kept.added} people and has {len(numbers)}": kept.exact and kept.added != len(numbers),
    }
    return [f"{kept.name} {what}" for what, holds in facts.items() if holds]
