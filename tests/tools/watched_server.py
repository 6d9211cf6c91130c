"""The server as it runs, whose event loop is watched: `python -m tests.tools.watched_server FILE`.

Notes in the file when the loop came round and how much of the processor's time this process had used since it last did.
That is what held it up: what other processes take does not count, a thread that keeps the interpreter to itself does.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, process_time

from audiences_mcp import __main__, server
from audiences_mcp.app import App, running_app
from audiences_mcp.config import Settings

EVERY = 0.005
"""Seconds that the watcher sleeps."""


async def _watch(file: Path) -> None:
    with file.open("a", buffering=1) as notes:
        while True:
            used = process_time()
            await asyncio.sleep(EVERY)
            notes.write(f"{monotonic()} {process_time() - used}\n")


def main() -> int:
    """Serve on standard input and output."""
    file = Path(sys.argv.pop(1))

    @asynccontextmanager
    async def watched(settings: Settings, new_app: Callable[[Settings], App]) -> AsyncIterator[App]:
        async with running_app(settings, new_app) as app:
            watcher = asyncio.create_task(_watch(file))
            yield app
            watcher.cancel()

    vars(server)["running_app"] = watched
    return __main__.main()


if __name__ == "__main__":
    sys.exit(main())
