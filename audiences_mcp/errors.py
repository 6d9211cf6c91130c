"""What can go wrong, said so that a model or a person knows what to do next.

    AudiencesError
    ├── InvalidInput            the call, the list or an id cannot be used as it is
    ├── NotConfigured           a setting is missing or wrong
    ├── StateUnavailable        the store that a team's servers share does not answer
    ├── Refused                 a commit was refused; carries the complete result
    └── AtomsError              Atoms did not do what was asked
        ├── AuthenticationFailed    401: the key is missing or wrong
        ├── PermissionDenied        403
        ├── NotFound                404, said by Atoms itself
        ├── Rejected                any other 4xx, or a 200 that says status: false
        ├── RateLimited             429
        ├── ServerFailed            5xx, or 408
        ├── Unreachable             no answer: refused, reset, timed out, no such host
        └── NotUnderstood           an answer that is not the documented JSON
            └── AnswerTooLong           so long that it was not read

The text of every one is shown to the model as it is: one or two plain sentences on what happened, whether
anything was changed and what to do next. No text holds a key, a header or a traceback.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

OUTCOME_UNKNOWN = "The outcome is unknown: the change may have been made. Look at what is stored before trying again."
"""What is said of a write without a clear answer, unless it was looked up."""


class AudiencesError(Exception):
    """Base of everything this package raises on purpose."""


class InvalidInput(AudiencesError):
    """The arguments, the list or an id cannot be used; nothing was sent or changed."""


class NotConfigured(AudiencesError):
    """A setting is missing or cannot be used; says which one and where it goes."""


class StateUnavailable(AudiencesError):
    """What is kept between calls cannot be read or written, so nothing is done without it."""


class Refused(AudiencesError):
    """A commit that was refused.

    Args:
        result: The complete result of the tool, for clients that show or validate only the structured part.
        told: Makes what the model reads of a result, so that both parts say the same, however the result is shown.
    """

    def __init__(self, result: BaseModel, told: Callable[[Any], str]) -> None:
        super().__init__(told(result))
        self.result = result
        self.told = told


class AtomsError(AudiencesError):
    """Atoms did not do what was asked.

    Args:
        message: What the model reads.
        maybe_done: True when the request was a write that Atoms may have carried out all the same.
    """

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done

    @property
    def cause(self) -> str:
        """What went wrong, for whoever has looked whether the change was made."""
        return " ".join(str(self).replace(OUTCOME_UNKNOWN, "").split())


class AuthenticationFailed(AtomsError):
    """401: Atoms does not know the key."""


class PermissionDenied(AtomsError):
    """403: the key may not do this."""


class NotFound(AtomsError):
    """404: nothing with that id belongs to this key's organisation."""


class Rejected(AtomsError):
    """Atoms understood the request and said no."""


class RateLimited(AtomsError):
    """429: too many requests.

    Args:
        message: What the model reads.
        maybe_done: As with every `AtomsError`.
        retry_after: Seconds after which Atoms wants to be asked again, where it says so.
    """

    def __init__(self, message: str, *, maybe_done: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message, maybe_done=maybe_done)
        self.retry_after = retry_after


class ServerFailed(AtomsError):
    """5xx, or 408: Atoms failed; a write may have happened before it did."""


class Unreachable(AtomsError):
    """No answer arrived."""


class NotUnderstood(AtomsError):
    """An answer arrived that is not the documented JSON."""


class AnswerTooLong(NotUnderstood):
    """An answer arrived that is longer than any that is read; a smaller page may be."""
