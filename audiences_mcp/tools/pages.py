"""Pages that fit into one answer, and how to go on from them."""

from typing import NamedTuple, TypeVar

from audiences_mcp.definitions import MAX_ANSWER, to_json
from audiences_mcp.models import (
    AudienceInfo,
    ListedRow,
    MemberInfo,
)

PAGE_ROOM = MAX_ANSWER - 1_000
"""Characters for the rows of a page; what stands around them is shorter than the rest."""

Item = TypeVar("Item", ListedRow, MemberInfo, AudienceInfo)


def within_answer(items: list[Item]) -> list[Item]:
    """Return the first items whose JSON stays within one answer; the first one always."""
    room = PAGE_ROOM
    shown: list[Item] = []
    for item in items:
        room -= len(to_json(item.model_dump(mode="json", exclude_none=True))) + 1
        if room < 0 and shown:
            break
        shown.append(item)
    return shown


class Turn(NamedTuple):
    """How to go on from a page."""

    next_page: int | None
    trouble: str = ""

    @property
    def more(self) -> str:
        """How to see more, as the beginning of a next step; empty on the last page."""
        return f"Call again with page={self.next_page} for more. " if self.next_page else ""


def turn_from(page: int, page_size: int, shown: int, found: int, total: int) -> Turn:
    """Return how to go on from a page of which `shown` of `found` items fitted into the answer."""
    before = (page - 1) * page_size
    if shown < found:
        # The page of that size which goes on from here; where pages do not meet, a few items come twice and none is missed.
        onward = f"page={before // shown + 2} and page_size={shown}"
        return Turn(None, f"The page was too long and ends early: call again with {onward} for the rest.")
    if total and not found:
        return Turn(None, f"There is no page {page:,}: the last one is {-(-total // page_size):,}.")
    return Turn(page + 1 if before + found < total else None)
