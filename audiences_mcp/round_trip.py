"""A tiny audience made, read, changed and deleted on the account, and each answer compared with the published API.

It goes through the client that the tools use, so that it finds what would hinder them. What was made is deleted, whatever
happens in between.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Generic, TypeVar

import anyio

from audiences_mcp.atoms import published
from audiences_mcp.atoms.client import AtomsClient
from audiences_mcp.audit_log import AuditLog
from audiences_mcp.contacts.phones import Phone, read_numbers
from audiences_mcp.errors import AtomsError, NotFound
from audiences_mcp.models import Person

NUMBERS = ("+1 202 555 0143", "+1 202 555 0144")
"""Set aside for fiction, so that nobody has them."""

PAUSES = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each look at what was written: a store may need a moment to show it."""

_FIRST_NAME = "Fictional"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the trip.

    Args:
        title: What it does.
        differences: What is not as published, and would or may hinder the tools.
        remarks: What is not as published and does no harm.
    """

    title: str
    differences: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Asked(Generic[T]):
    """An answer, what is wrong with it, and whether that may settle by itself."""

    answer: T | None
    wrong: str
    may_settle: bool


async def round_trip(base_url: str, api_key: str, audit_log: AuditLog, tell: Callable[[Step], None]) -> None:
    """Make the trip and tell each step; the last one, also of a trip that is cut short, is whether anything is left.

    Raises:
        NotConfigured: The key, the address or the audit log cannot be used; nothing was sent.
    """
    await audit_log.must_be_writable()
    trip = _Trip(audit_log, tell)
    client = AtomsClient(base_url, api_key, watch=lambda status, body: trip.answers.append((status, dict(body))))
    try:
        await trip.run(client)
    finally:
        with anyio.CancelScope(shield=True):
            await trip.clear(client)
            await client.aclose()


class _Trip:
    """One trip: its audience, and what was found on the way."""

    def __init__(self, audit_log: AuditLog, tell: Callable[[Step], None]) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        """The answers to the last request; a long list has several."""
        self._audit_log = audit_log
        self._tell = tell
        self._name = f"audiences-mcp round trip {token_hex(6)}"
        self._audience_id = ""
        self._may_exist = False

    async def run(self, client: AtomsClient) -> None:
        """Make every request that the tools make."""
        people = [Person(read.number, (_FIRST_NAME,)) for read in read_numbers(NUMBERS) if isinstance(read, Phone)]
        await self._read("read the do-not-call list", client.do_not_call, published.DO_NOT_CALL)
        self._may_exist = True
        await self._create(client, people[0])
        if self._may_exist:
            await self._find(client)
        if not self._audience_id:
            return
        await self._read("get it", lambda: client.get_audience(self._audience_id), published.AUDIENCE)
        await self._members(client, *people)
        await self._delete(client)

    async def _create(self, client: AtomsClient, person: Person) -> None:
        async def create() -> str:
            try:
                made = await client.create_audience(self._name, "", published.COLUMNS, [person])
            except AtomsError as error:
                self._may_exist = error.maybe_done
                raise
            return made.audience_id

        self._audience_id = await self._write("create an audience of one", create, published.AUDIENCE) or ""

    async def _find(self, client: AtomsClient) -> None:
        async def count() -> int:
            ours = [audience for audience in await client.list_audiences() if audience.name == self._name]
            self._audience_id = ours[0].audience_id if ours else self._audience_id
            return ours[0].member_count if ours else -1

        def wrong(count: int) -> str:
            return "the new audience is not listed" if count < 0 else _counted("memberCount", count, 1)

        await self._read("list the audiences", count, published.AUDIENCES, wrong)

    async def _members(self, client: AtomsClient, first: Person, second: Person) -> None:
        audience_id, page_shape = self._audience_id, published.MEMBERS_PAGE
        sent = dict(zip(published.COLUMNS, (first.number, *first.fields), strict=True))
        page = await self._read(
            "list its members",
            lambda: client.list_members(audience_id, 1, 10),
            page_shape,
            lambda page: "" if [each.data for each in page.members] == [sent] else "the member is not stored as sent",
        )
        await self._write(
            "add one, and the first again",
            lambda: client.add_members(audience_id, published.COLUMNS, [second, first]),
            published.ADDED,
            lambda added: _counted("added", added.added, 1) or _counted("skipped", added.skipped, 1),
        )
        await self._read(
            "list them in pages of one",
            lambda: client.list_members(audience_id, 2, 1),
            page_shape,
            lambda page: _counted("totalCount", page.total, 2) or _counted("members on page 2", len(page.members), 1),
        )
        await self._read(
            "search for the second",
            lambda: client.search_members(audience_id, second.number.removeprefix("+")),
            published.FOUND,
            lambda found: _counted("members found", len(found), 1),
        )
        if page and page.members:
            await self._remove(client, page.members[0].member_id)

    async def _remove(self, client: AtomsClient, member_id: str) -> None:
        await self._write(
            "remove the first",
            lambda: client.remove_members(self._audience_id, [member_id]),
            published.REMOVED,
            lambda removed: _counted("deletedCount", removed, 1),
        )
        await self._read(
            "list who is left",
            lambda: client.list_members(self._audience_id, 1, 10),
            published.MEMBERS_PAGE,
            lambda page: _counted("totalCount", page.total, 1),
        )

    async def _delete(self, client: AtomsClient) -> None:
        async def delete() -> bool:
            await client.delete_audience(self._audience_id)
            return True

        async def is_gone() -> bool:
            try:
                await client.get_audience(self._audience_id)
            except NotFound:
                return True
            return False

        if await self._write("delete it", delete, published.DELETED):
            await self._read(
                "look for it once more",
                is_gone,
                None,
                lambda gone: "" if gone else "the deleted audience is still there",
                status=404,
            )

    # --- one request -------------------------------------------------------------------------------------------

    async def _read(
        self,
        title: str,
        request: Callable[[], Awaitable[T]],
        data: object,
        wrong: Callable[[T], str] = lambda _: "",
        status: int = 200,
    ) -> T | None:
        """Ask, and ask again as long as what is stored may still be on its way."""
        for pause in PAUSES:
            await anyio.sleep(pause)
            asked = await self._ask(request, wrong)
            if not asked.may_settle:
                break
        self._compare(title, asked.wrong, data, status)
        return asked.answer

    async def _write(
        self,
        title: str,
        request: Callable[[], Awaitable[T]],
        data: object,
        wrong: Callable[[T], str] = lambda _: "",
    ) -> T | None:
        """Ask once, and log it where changes are logged."""
        asked = await self._ask(request, wrong)
        self._compare(title, asked.wrong, data, 200)
        await self._log(title, asked.answer is not None)
        return asked.answer

    async def _ask(self, request: Callable[[], Awaitable[T]], wrong: Callable[[T], str]) -> _Asked[T]:
        self.answers.clear()
        try:
            answer = await request()
        except AtomsError as error:
            return _Asked(None, str(error), isinstance(error, NotFound))
        said = wrong(answer)
        return _Asked(answer, said, bool(said))

    def _compare(self, title: str, said: str, data: object, status: int) -> None:
        found = dict.fromkeys(
            each for given, body in self.answers for each in published.differences(given, body, data, status)
        )
        harm = [each.text for each in found if not each.harmless]
        self._tell(Step(title, harm + [said] * bool(said), [each.text for each in found if each.harmless]))

    async def _log(self, title: str, done: bool) -> None:  # noqa: FBT001 - a word on the change that was tried
        warning = await self._audit_log.note(f"doctor: {title}", "done" if done else "unknown", self._audience_id, {})
        if warning:
            self._tell(Step("write the audit log", [warning]))

    # --- what is left ------------------------------------------------------------------------------------------

    async def clear(self, client: AtomsClient) -> None:
        """Delete what is left, also where the answer to the creation was lost or could not be read."""
        if not self._may_exist:
            return
        title = "look that nothing is left"
        for pause in PAUSES:
            await anyio.sleep(pause)
            listed = await self._left(client)
            left = {self._audience_id} - {""} if listed is None else listed
            gone = [await self._clear_one(client, audience_id) for audience_id in left]
            if all(gone) and (left or listed is not None):
                self._tell(Step(title))
                return
        which = " ".join(["an audience", *left])
        may = "may be left, since Atoms did not list the audiences" if listed is None else "is left"
        self._tell(Step(title, [f"{which}, named '{self._name}', {may}: delete it in the Atoms console"]))

    async def _left(self, client: AtomsClient) -> set[str] | None:
        """Return the ids of audiences of the trip's name; None where they cannot be seen."""
        try:
            return {each.audience_id for each in await client.list_audiences() if each.name == self._name}
        except AtomsError:
            return None

    async def _clear_one(self, client: AtomsClient, audience_id: str) -> bool:
        """Delete an audience and tell whether it is surely gone."""
        try:
            await client.delete_audience(audience_id)
        except AtomsError as error:
            return isinstance(error, NotFound)
        await self._audit_log.note("doctor: delete it", "done", audience_id, {})
        return True


def _counted(noun: str, found: int, expected: int) -> str:
    return "" if found == expected else f"{noun} is {found:,}, not {expected}"
