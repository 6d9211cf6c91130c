"""A socket to listen on and the web server behind it, quiet and without surprises."""

import os
import socket

import uvicorn
from starlette.types import ASGIApp


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that accepts connections.

    Args:
        host: Name or address of this machine.
        port: The port; 0 picks a free one.

    Raises:
        OSError: The port is taken, or the host is none of this machine.
    """
    family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # Without its protocol number asyncio leaves Nagle's algorithm on, which costs every request 40 ms.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        # On POSIX this frees the port of a server that just ended; on Windows it would share one that is in use.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        listener.bind(place)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def web_server(app: ASGIApp, *, grace: int) -> uvicorn.Server:
    """Return a web server for an application.

    Args:
        app: The application.
        grace: Seconds that requests under way have left once it is told to end.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,  # logging is the host's affair, and its standard output may be a protocol
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=grace,
        )
    )
