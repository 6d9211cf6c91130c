"""The server over HTTP for a team: stateless, behind a token, for the hosts that are named and no others."""

import hmac
import sys

from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from audiences_mcp.app import App
from audiences_mcp.config import Settings, is_loopback
from audiences_mcp.errors import NotConfigured
from audiences_mcp.listening import listen, web_server
from audiences_mcp.server import build_server

PATH = "/mcp"
HEALTH = "/healthz"

MAX_REQUEST = 8_000_000
"""Bytes of a request: a million characters of csv_text may take six bytes each in JSON."""

MIN_TOKEN = 16
"""Characters of a token: it is the only door."""

GRACE_SECONDS = 50
"""Seconds that calls under way have left once the process is told to end."""


def http_app(settings: Settings, host: str) -> Starlette:
    """Return the web application.

    Args:
        settings: What the server was told.
        host: Where it listens, which decides how strict it must be.

    Raises:
        NotConfigured: It would be open to the network, its token is none, or a setting cannot be used.
    """
    _check(settings, host)
    held = App(settings)  # now, and not once the server runs: what cannot be used is to end the start
    server = build_server(settings, lambda _: held)
    server.custom_route(HEALTH, methods=["GET"])(_healthy)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=False,
        max_request_body_size=MAX_REQUEST,
        transport_security=_allowed(settings.http_hosts, host),
    )
    for route in app.routes:
        if isinstance(route, Route) and route.path == PATH:
            # Nothing is kept between requests, so a stream (GET) would stay empty, and nothing can be ended (DELETE).
            route.methods = {"POST"}
    if settings.http_token:
        app.add_middleware(_TokenRequired, token=settings.http_token)
    return app


def run(settings: Settings, place: str) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: What the server was told.
        place: `HOST:PORT`.

    Raises:
        NotConfigured: It may not be served there, or the place is none.
    """
    host, port = _host_and_port(place)
    app = http_app(settings, host)
    try:
        listener = listen(host, port)
    except OSError as error:
        raise NotConfigured(f"--http {place}: the server could not listen there: {error.strerror or error}.") from None
    with listener:
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"audiences-mcp: MCP at http://{shown}:{listener.getsockname()[1]}{PATH}\n")
        sys.stderr.flush()
        # It would cut off, at the first signal, the answers of calls that are under way in the older revision.
        AppStatus.enable_automatic_graceful_drain = False
        web_server(app, grace=GRACE_SECONDS).run([listener])


def _host_and_port(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if host and port.isdecimal() and int(port) < 65_536:
        return host.strip("[]"), int(port)
    raise NotConfigured("--http takes a host and a port, such as 127.0.0.1:8000.")


def _check(settings: Settings, host: str) -> None:
    token, hosts = settings.http_token, settings.http_hosts
    if not is_loopback(host) and not (token and hosts):
        raise NotConfigured(
            "Off this machine the server may be reached by anybody, so it starts only with AUDIENCES_MCP_HTTP_TOKEN (a secret "
            "that clients send) and AUDIENCES_MCP_HTTP_HOSTS (the names under which they reach it). Set both, or listen on "
            "127.0.0.1.",
        )
    if token and not (len(token) >= MIN_TOKEN and token.isascii() and token.isprintable()):
        raise NotConfigured(
            f"AUDIENCES_MCP_HTTP_TOKEN must have at least {MIN_TOKEN} characters, all of ASCII: a header carries no others."
        )
    if token and settings.api_key and hmac.compare_digest(token.encode(), settings.api_key.encode()):
        raise NotConfigured(
            "AUDIENCES_MCP_HTTP_TOKEN is the Atoms key, which clients must not have. Set it to a secret of its own."
        )


def _allowed(names: tuple[str, ...], host: str) -> TransportSecuritySettings:
    """Return which Host and Origin headers are accepted; without names those of this machine alone.

    A page of any site may resolve its own name to this machine, so they are looked at on every loopback address.
    """
    if not names:
        shown = f"[{host}]" if ":" in host else host
        hosts = [*dict.fromkeys(("127.0.0.1", "localhost", "[::1]", shown))]
        hosts += [f"{each}:*" for each in hosts]
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"http://{each}" for each in hosts])
    hosts = [name for name in names if "://" not in name]
    origins = [name for name in names if "://" in name]
    return TransportSecuritySettings(
        allowed_hosts=[*hosts, *(f"{host}:*" for host in hosts)],
        allowed_origins=[*origins, *(f"https://{host}" for host in hosts), *(f"https://{host}:*" for host in hosts)],
    )


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


class _TokenRequired:
    """Lets nobody through without the token, but to ask whether the process lives."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != HEALTH:
            scheme, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
            # The scheme may be written in any case (RFC 9110, section 11.1).
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given, self._expected):
                refusal = PlainTextResponse(
                    "The token is missing or wrong.\n", 401, headers={"WWW-Authenticate": "Bearer"}
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
