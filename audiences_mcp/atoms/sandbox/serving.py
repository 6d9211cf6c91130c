"""The sandbox on a port: beside the caller or in the foreground."""

import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn

from audiences_mcp.atoms.sandbox.app import PREFIX, build_app
from audiences_mcp.listening import listen, web_server

_HOST = "127.0.0.1"


@contextmanager
def serve(port: int = 0, db: str | Path = ":memory:") -> Iterator[str]:
    """Run the sandbox in a thread of its own for as long as the context lasts.

    Args:
        port: The port on 127.0.0.1; 0 picks a free one.
        db: The SQLite file that keeps the data; by default memory only.

    Yields:
        The base URL, `http://127.0.0.1:N/atoms/v1`, which accepts connections already.

    Raises:
        OSError: If the port is taken, or the file cannot be used.
    """
    with listen(_HOST, port) as listener:
        url = _url(listener)
        server = _server(db)
        thread = Thread(target=server.run, args=([listener],), name="atoms-sandbox", daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


def run(port: int, db: str | Path = ":memory:") -> None:
    """Run the sandbox in the foreground until SIGINT or SIGTERM; the first line it prints holds the URL.

    Args:
        port: The port on 127.0.0.1; 0 picks a free one.
        db: The SQLite file that keeps the data; by default memory only.

    Raises:
        OSError: If the port is taken, or the file cannot be used.
    """
    with listen(_HOST, port) as listener:
        server = _server(db)
        # uvicorn ends by raising the signal again for the handler it found. Finding its own, which by then changes
        # nothing, it returns; and a signal that comes before uvicorn listens for any is not lost.
        found = {each: signal.signal(each, server.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            sys.stdout.write(_greeting(_url(listener), db))
            sys.stdout.flush()
            server.run([listener])
        finally:
            for each, handler in found.items():
                signal.signal(each, handler)


def _server(db: str | Path) -> uvicorn.Server:
    try:
        return web_server(build_app(db), grace=1)
    except sqlite3.Error as error:
        raise OSError(str(error)) from None


def _greeting(url: str, db: str | Path) -> str:
    kept = "in memory only" if str(db) == ":memory:" else f"in {db}"
    return (
        f"Atoms sandbox at {url}\n"
        f"Any key that begins with sk_ is an organisation of its own. Data is kept {kept}.\n"
        f'Try: curl -H "Authorization: Bearer sk_test" {url}/audience\n'
    )


def _url(listener: socket.socket) -> str:
    return f"http://{_HOST}:{listener.getsockname()[1]}{PREFIX}"
