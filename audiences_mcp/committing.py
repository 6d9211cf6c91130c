"""Writing exactly once: what every commit of a check shares.

Atoms has no idempotency keys. So a check is bound to its target, one target is written to at a time, and a write whose
answer was lost is looked up before anything else is said or done.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import anyio.to_thread

from audiences_mcp import collector
from audiences_mcp.app import App
from audiences_mcp.calls import Progress, this_call
from audiences_mcp.contacts import report
from audiences_mcp.contacts.check import CheckedRow, KnownLists
from audiences_mcp.errors import AtomsError, InvalidInput, Refused
from audiences_mcp.models import MAX_PROBLEMS, Commit, Person
from audiences_mcp.state.kept import StoredCheck
from audiences_mcp.text import clip, several

if TYPE_CHECKING:  # httpx is slow to import, so only the first call to Atoms does it
    from audiences_mcp.atoms.client import AtomsClient

READ_BACK_SECONDS = 10.0
"""How long the stored counts are read until they are as expected."""

_MAX_MESSAGE = 6_000  # characters; it stands in the text of an error and twice in its structure

Result = TypeVar("Result", bound=Commit)


class Committer(ABC, Generic[Result]):
    """One commit of one check; `Creation` and `Extension` say of what kind.

    Args:
        app: The server process.
        stored: The check.
        progress: Where to tell how far a long commit is.
    """

    look_up_pauses = (0.0, 2.0)
    """Seconds before each look for a write whose answer was lost."""

    def __init__(self, app: App, stored: StoredCheck, progress: Progress) -> None:
        self._app = app
        self._stored = stored
        self._progress = progress
        self._check = stored.check
        self._warnings: list[str] = []
        self._unchecked = ""
        self._bound_before: tuple[str, str] | None = None

    @abstractmethod
    def _complete(self, result: Commit) -> Result:
        """Return what is common to all results as a result of this kind of commit, with what was done so far."""

    @abstractmethod
    def _so_far(self) -> str:
        """Say what was done until now, should the commit be cut short."""

    async def _note(self, tool: str, audience_id: str, people: Sequence[bytes], *, unknown: bool = False) -> None:
        """Put a write into the audit log."""
        self._warnings += filter(None, [await self._app.note_people(tool, audience_id, people, unknown=unknown)])

    def show_check(self) -> None:
        """Tell the warnings of a check of people typed in chat, which nobody has seen.

        Raises:
            Refused: One of them cannot be called, or says no; so nobody is left out, or called, unseen.
        """
        self._warnings += self._stored.report.warnings
        invalid = self._stored.report.counts.invalid
        if invalid:
            raise self._refused(
                f"{several(invalid, 'contact')} cannot be called, so nothing was sent. Mend them and call again, or send "
                "only the ready ones with the check_id below.",
            )
        objecting = self._stored.objecting
        if objecting:
            verb = "says" if objecting == 1 else "say"
            raise self._refused(
                f"{several(objecting, 'contact')} {verb} no to being called, so nothing was sent. Leave them out and call "
                "again; or ask the person, and send all with the check_id below.",
            )

    @asynccontextmanager
    async def _committing(self, target: str, words: str) -> AsyncIterator[Commit | None]:
        """Bind the check to its target while something is, or may be, written there; give its result if it has one."""
        check_id = self._stored.check_id
        async with self._app.lock(target):
            async with self._app.lock(f"check {check_id}"):
                self._stored = await self._app.checks.get(check_id)  # as another process may have left it
                self._bind(target, words)
                await self._app.checks.save(check_id, self._stored)
            try:
                await self._app.audit_log.must_be_writable()
                this_call().so_far = self._so_far
                yield self._stored.result
            except AtomsError as error:
                raise self._refused(str(error)) from None
            finally:
                self._unbind()
                with anyio.CancelScope(shield=True):
                    await self._app.checks.save(check_id, self._stored)

    def _bind(self, target: str, words: str) -> None:
        bound = self._bound_before = self._stored.target
        if bound and bound[0] != target:
            raise InvalidInput(
                f"This check_id was used for {bound[1]}, and a check is committed to one target only; nothing "
                "was sent. For another target call check_contacts again.",
            )
        self._stored.target = bound or (target, words)

    def _unbind(self) -> None:
        """Free the check for another target when surely nothing was written."""
        if not self._stored.written and not self._stored.result:
            self._stored.target = self._bound_before

    async def _compare_with_suppressed(self) -> None:
        """Leave out who came on the do-not-call list or into the suppression file since the check."""
        known, trouble = await self._app.do_not_call()
        await self._compare(KnownLists(known, await self._app.suppression_list()))
        if known is None:
            self._unchecked = trouble
            self._warnings.append(trouble)

    async def _compare(self, known: KnownLists) -> None:
        with collector.paused():
            self._check = self._stored.latest = await anyio.to_thread.run_sync(self._check.against, known)

    def _verified(self, expected: Mapping[str, int], stored: Mapping[str, int]) -> bool:
        """Tell whether the counts that were read back are as expected; if not, warn with both."""
        if stored == expected:
            return True
        counted = f"{sum(stored.values()):,}" if stored.keys() == expected.keys() else "not readable"
        self._warnings.append(
            f"{several(sum(expected.values()), 'member')} should be stored; the count that Atoms gives is {counted}. Look "
            "again later.",
        )
        return False

    def _result(self, *, summary: str, next_step: str) -> Result:
        rows = self._check.rows
        return self._complete(
            Commit(
                summary=summary,
                check_id=self._stored.check_id,
                audiences=[],
                counts=report.counts_of(rows),
                by_reason=report.by_reason(rows),
                problems=report.problems(rows, MAX_PROBLEMS),
                verified=False,
                already_done=False,
                warnings=list(dict.fromkeys(self._warnings)),
                next_step=f"{next_step} {self._unchecked}".strip(),
            )
        )

    def _refused(self, message: str) -> Refused:
        """Return the error of a refused commit: the report in its text, a complete result in its structure."""
        message = clip(message, _MAX_MESSAGE)
        return Refused(self._result(summary=message, next_step=message), _told)

    def _unknown(self, found: str) -> Refused:
        return self._refused(
            f"outcome unknown: the answer of Atoms was lost. {found} Call again with the same check_id, which looks again "
            "and sends only what is not there.",
        )


def _told(result: Commit) -> str:
    """Return the result of a refused commit as text: its message, and what clients need that show only that."""
    lines = [result.summary, f"check_id: {result.check_id}"]
    lines.append("counts: " + ", ".join(f"{name} {count}" for name, count in result.counts.model_dump().items()))
    lines += [f"audience {made.audience_id} holds {made.member_count:,} of them" for made in result.audiences]
    lines.append(report.problem_lines(result.problems))
    return "\n".join(filter(None, lines))


def already_done(result: Result) -> Result:
    """Return the result of an earlier call, saying so."""
    summary = f"Already done, so nothing was sent again. {result.summary}"
    return result.model_copy(update={"already_done": True, "summary": summary})


def no_longer_in(count: int) -> str:
    """Warn that people whom an earlier call sent are not stored any more: somebody may have taken them out on purpose."""
    verb = "is" if count == 1 else "are"
    return (
        f"{several(count, 'person', 'people')} of this list {verb} not stored any more, and {verb} not added again: if they "
        "should be, check the list with add_to_audience_id and call add_contacts."
    )


def person_of(row: CheckedRow, fields: tuple[str, ...]) -> Person:
    """Return a ready row as somebody who can be sent."""
    if row.phone is None:
        raise AssertionError("a row without a checked number cannot be sent")
    return Person(row.phone.number, fields)


async def read_back(client: "AtomsClient", expected: Mapping[str, int]) -> dict[str, int]:
    """Return stored member counts by audience id, read again until they are as expected or ten seconds are over.

    What cannot be read is left out: the write is done, and the count is told as unknown.
    """
    counts: dict[str, int] = {}
    pause = 0.0
    with anyio.move_on_after(READ_BACK_SECONDS):
        while counts != expected:
            await anyio.sleep(pause)
            pause = pause * 2 or 0.1
            for audience_id in [each for each, count in expected.items() if counts.get(each) != count]:
                with suppress(AtomsError):
                    counts[audience_id] = (await client.list_members(audience_id, 1, 1)).total
    return counts
