"""What a process may say besides its answers: lines of this package as they are, of all other code only where it spoke.

Libraries log arguments, addresses, headers and the text of errors, which hold phone numbers, names and the key: some of it as
errors, the rest at levels that anybody may switch on. So it is taken out where a record is made, before any handler has it.
"""

import logging
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

_OURS = __name__.partition(".")[0]


def keep_logs_clean() -> None:
    """Let this process log, at any level, and say at its end nothing but what this package says and where others spoke."""
    logging.setLogRecordFactory(_record)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _, error, __: tell(error)
    sys.unraisablehook = lambda unraisable: tell(unraisable.exc_value)
    threading.excepthook = lambda failed: tell(failed.exc_value)


def place_of(error: BaseException) -> str:
    """Return which error it is and where it arose, but nothing of its text, which may hold phone numbers."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def tell(error: BaseException | None) -> None:
    """Say on standard error that an error was not foreseen, and where it arose."""
    if error is not None and sys.stderr is not None:
        sys.stderr.write(f"audiences-mcp: unforeseen error, {place_of(first_of(error))}\n")


def first_of(error: BaseException) -> BaseException:
    """Return an error, or the first that others came with."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _record(  # noqa: PLR0913, PLR0917 - what logging calls it with
    name: str,
    level: int,
    path: str,
    line: int,
    message: object,
    arguments: Any,  # noqa: ANN401
    error: Any = None,  # noqa: ANN401
    function: str | None = None,
    stack: str | None = None,
    **more: Any,  # noqa: ANN401
) -> logging.LogRecord:
    if name.partition(".")[0] != _OURS:
        kind = f": {error[0].__name__}" if error and error[0] else ""
        message, arguments, error, stack = f"{name} at {Path(path).name}:{line}{kind}", (), None, None
    return logging.LogRecord(name, level, path, line, message, arguments, error, function, stack, **more)
