"""How much is loaded of the libraries that take longest: what a client waits for at the start and at the first call."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_sdk() -> None:
    """Load the SDK, of whose 550 models a session needs a tenth: each is made where it is first used."""
    from pydantic import BaseModel  # noqa: PLC0415 - the caller says when

    BaseModel.model_config["defer_build"] = True
    try:
        import mcp.server.mcpserver  # noqa: F401, PLC0415 - after what its models inherit is set
    finally:
        del BaseModel.model_config["defer_build"]


@contextmanager
def without_rich() -> Iterator[None]:
    """Load others without rich, which they take where they find it: the SDK to log, httpx for a command of its own.

    rich is here for the terminal, and takes as long to load as httpx does.
    """
    if "rich.console" in sys.modules:  # it is the terminal
        yield
        return
    sys.modules["rich.console"] = None  # type: ignore[assignment] # so that its import fails
    try:
        yield
    finally:
        sys.modules.pop("rich.console", None)
