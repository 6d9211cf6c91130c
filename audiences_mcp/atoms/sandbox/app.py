"""The ASGI application: routes, keys, and one place that turns errors into envelopes."""

import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from audiences_mcp.atoms.sandbox import audiences, campaigns, dnc, members
from audiences_mcp.atoms.sandbox.store import open_database
from audiences_mcp.atoms.sandbox.wire import Call, Handler, RefusedError, answer, refusal, to_json

PREFIX = "/atoms/v1"


def _account(_: sqlite3.Connection, call: Call) -> Response:
    # No part of the audience API, and without an envelope: the vendor's MCP server asks it before anything else.
    organization = {"orgId": call.organization, "name": "Sandbox organisation", "roleId": 0}
    return answer(to_json({"userId": call.user, "organizations": [organization]}))


_ROUTES: dict[str, dict[str, Handler]] = {
    "/audience": {"GET": audiences.list_audiences, "POST": audiences.create_audience},
    "/audience/{id}": {"GET": audiences.get_audience, "DELETE": audiences.delete_audience},
    "/audience/{id}/members": {
        "GET": members.list_members,
        "POST": members.add_members,
        "DELETE": members.remove_members,
    },
    "/audience/{id}/members/search": {"GET": members.search_members},
    "/dnc": {"GET": dnc.list_dnc, "POST": dnc.add_dnc},
    "/campaign": {"GET": campaigns.list_campaigns, "POST": campaigns.create_campaign},
    "/campaign/{id}": {"GET": campaigns.get_campaign, "DELETE": campaigns.delete_campaign},
    "/account/get-account-details": {"GET": _account},
}


def build_app(db: str | Path = ":memory:") -> Starlette:
    """Build the sandbox as an ASGI application.

    Args:
        db: The SQLite file that keeps the data; several processes may share one. By default memory only.

    Returns:
        The application. The end of its lifespan closes the database.
    """
    connection = open_database(db)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with closing(connection):
            yield

    routes = [
        Route(PREFIX + path + tail, _endpoint(connection, handlers), methods=list(handlers))
        for path, handlers in _ROUTES.items()
        for tail in ("", "/")  # Atoms runs on Express, which takes both: so an empty id reaches the list
    ]
    handled = (RefusedError, HTTPException, UnicodeError, ClientDisconnect, sqlite3.Error, Exception)
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=dict.fromkeys(handled, _explain))
    app.router.redirect_slashes = False
    return app


def _endpoint(db: sqlite3.Connection, handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        return handler(db, await _read(request))

    return endpoint


async def _read(request: Request) -> Call:
    key = re.fullmatch(r"(?i:bearer) +(sk_.*)", request.headers.get("authorization", ""))
    if key is None:
        raise RefusedError(401, "Unauthorized: User not found")
    digest = hashlib.sha256(key[1].encode()).hexdigest()  # the key itself, which may be a real one, is not stored
    fields: dict[str, str] = {}
    file = body = b""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form() as parts:
            fields = {name: part for name, part in parts.items() if isinstance(part, str)}
            upload = parts.get("file")
            file = await upload.read(audiences.FILE_LIMIT + 1) if isinstance(upload, UploadFile) else b""
    else:
        body = await request.body()
    return Call(
        organization=digest[:24],
        user=digest[24:48],
        id=request.path_params.get("id", ""),
        query=request.query_params,
        fields=fields,
        file=file,
        body=body,
    )


async def _explain(request: Request, error: Exception) -> Response:
    match error:
        case RefusedError():
            return refusal(error.code, str(error), status=error.status)
        case HTTPException():
            return refusal(error.status_code, error.detail, headers=error.headers)
        case UnicodeError() | ClientDisconnect():
            return refusal(400, "Invalid input: the request is incomplete or not UTF-8")
        case _:
            return refusal(500, _failure(request))


def _failure(request: Request) -> str:
    match request.method, request.url.path.rpartition("/")[2]:
        case "GET", "members":
            return "Failed to fetch audience members"
        case "GET", "search":
            return "Failed to search audience members"
        case _:
            return "Internal server error"
