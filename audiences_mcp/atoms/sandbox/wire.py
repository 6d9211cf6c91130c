"""What goes over the wire: a request read to its end, and the envelopes of the answers."""

import json
import re
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn

from starlette.responses import Response

_NUMBER_LIMIT = 10**9  # a page times a page size must fit the 64 bits of SQLite


class RefusedError(Exception):
    """A request that Atoms answers with an error envelope.

    Args:
        code: The HTTP status.
        message: The text in `errors`.
        status: The `status` of the envelope; one endpoint says "error".
    """

    def __init__(self, code: int, message: str, *, status: Literal[False, "error"] = False) -> None:
        super().__init__(message)
        self.code = code
        self.status: Literal[False, "error"] = status


def invalid(what: str) -> RefusedError:
    """Build the refusal of a request for which Atoms publishes no message."""
    return RefusedError(400, f"Invalid input: {what}")


@dataclass(frozen=True)
class Call:
    """One authenticated request, read to its end so that no handler awaits and no transaction is interrupted."""

    organization: str
    user: str
    id: str
    query: Mapping[str, str]
    fields: Mapping[str, str]
    file: bytes
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        try:
            body = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise invalid("the body must be JSON") from None
        if not isinstance(body, dict):
            raise invalid("the body must be a JSON object")
        return body

    def number(self, name: str, default: int) -> int | None:
        """Return a query parameter as a number, or None when it is none."""
        try:
            number = int(self.query.get(name) or default)
        except ValueError:
            return None
        return min(number, _NUMBER_LIMIT)

    def clamped_number(self, name: str, default: int, limit: int = _NUMBER_LIMIT) -> int:
        """Return a query parameter as a number from 1 to the limit, whatever was sent."""
        number = self.number(name, default)
        return max(1, min(default if number is None else number, limit))

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return a query parameter that must be one of a few; the first of them when it is missing."""
        value = self.query.get(name) or allowed[0]
        if value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(filter(None, allowed))}")
        return value


Handler = Callable[[sqlite3.Connection, Call], Response]


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity are no JSON; stored and echoed they would make every later answer unreadable.
    raise ValueError(name)


def required_text(body: Mapping[str, Any], field: str) -> str:
    """Return a field that must be a text with something in it."""
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{field} is required")
    return value


def optional_text(body: Mapping[str, Any], field: str) -> str | None:
    """Return a field that is a text or missing."""
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{field} must be a text")
    return value


def agent_id(value: str) -> str:
    """Return the id of an agent, which must be well formed; any such agent exists here."""
    if re.fullmatch("[0-9a-fA-F]{24}", value) is None:
        raise invalid("agentId must be 24 hexadecimal characters")
    return value


def new_id() -> str:
    """Make an id in the shape of Atoms' own: 24 hexadecimal characters, the time first."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def now() -> str:
    """Return the present moment as the API writes it."""
    return timestamp(datetime.now(UTC))


def timestamp(moment: datetime) -> str:
    """Return a moment as the API writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_json(content: object) -> str:
    """Return JSON without blanks."""
    return json.dumps(content, separators=(",", ":"))


def to_text(value: object) -> str:
    """Return a member's value as the text that numbers are compared and searched by."""
    return value if isinstance(value, str) else to_json(value)


def document(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row as the API shows it; what was never set is left out, as MongoDB does."""
    return without_none({column: row[column] for column in row.keys() if column != "seq"})  # noqa: SIM118 - a Row iterates over its values


def without_none(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content without what was never set."""
    return {key: value for key, value in content.items() if value is not None}


def pagination(total: int, page: int, size: int) -> dict[str, Any]:
    """Return the `pagination` object of a list."""
    pages = -(-total // size)
    return {"total": total, "page": page, "offset": size, "totalPages": pages, "hasMore": page < pages}


def ok(data: object, code: int = 200) -> Response:
    """Answer with data in the envelope of success."""
    return answer(to_json({"status": True, "data": data}), code)


def refusal(
    code: int,
    message: str,
    *,
    status: Literal[False, "error"] = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a message in the envelope of failure."""
    return answer(to_json({"status": status, "errors": [message]}), code, headers)


def answer(content: str, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON as it is."""
    return Response(content, code, {**(headers or {}), "x-request-id": str(uuid.uuid4())}, "application/json")
