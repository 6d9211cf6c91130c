"""Members of an audience: list, add, remove, search."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from audiences_mcp.atoms.sandbox.wire import (
    Call,
    RefusedError,
    answer,
    invalid,
    new_id,
    now,
    ok,
    to_json,
    to_text,
)

MEMBER_LIMIT = 10_000
_FOUND_LIMIT = 10


def own_audience(db: sqlite3.Connection, call: Call) -> sqlite3.Row:
    """Return the audience of the path; another organisation's does not exist."""
    if not call.id.strip():
        raise RefusedError(400, "Audience ID missing")
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM audience WHERE _id = ? AND organization = ?", (call.id, call.organization)
    ).fetchone()
    if row is None:
        raise RefusedError(404, "Audience not found")
    return row


def shared_audience(db: sqlite3.Connection, call: Call, audience_id: str, unknown: int) -> sqlite3.Row:
    """Return an audience where Atoms admits with a 403 that another organisation's exists.

    Args:
        db: The database.
        call: The request.
        audience_id: The id of the audience.
        unknown: The HTTP status when there is no such audience.
    """
    row: sqlite3.Row | None = db.execute("SELECT * FROM audience WHERE _id = ?", (audience_id,)).fetchone()
    if row is None:
        raise RefusedError(unknown, "Audience not found")
    if row["organization"] != call.organization:
        raise RefusedError(403, "Forbidden access")
    return row


def member_count(db: sqlite3.Connection, audience: sqlite3.Row) -> int:
    """Count the members of an audience."""
    count: int = db.execute("SELECT COUNT(*) FROM member WHERE audience = ?", (audience["seq"],)).fetchone()[0]
    return count


def phone_texts(members: Sequence[object], column: str) -> list[str]:
    """Return the texts by which members are compared: each phone number exactly as it was written."""
    phones = []
    for member in members:
        phone = member.get(column) if isinstance(member, dict) else None
        if phone is None or phone == "":
            raise RefusedError(400, f"Each member must have a {column} field")
        phones.append(to_text(phone))
    return phones


def insert_members(db: sqlite3.Connection, audience: int | None, phones: list[str], members: Sequence[object]) -> int:
    """Store the members whose phone text is new to the audience, and return how many they were."""
    rows = ((new_id(), audience, phone, to_json(member)) for phone, member in zip(phones, members, strict=True))
    return db.executemany("INSERT OR IGNORE INTO member VALUES (NULL, ?, ?, ?, ?)", rows).rowcount


def list_members(db: sqlite3.Connection, call: Call) -> Response:
    """GET /audience/{id}/members: `offset` is the page size, `limit` is nothing."""
    if not call.id.strip():
        raise RefusedError(400, "Audience ID is required", status="error")
    page, size = _positive(call, "page", 1), _positive(call, "offset", 5)
    audience = shared_audience(db, call, call.id, unknown=404)
    total = member_count(db, audience)
    pages = -(-total // size)
    rows = db.execute(
        "SELECT _id, data FROM member WHERE audience = ? ORDER BY seq LIMIT ? OFFSET ?",
        (audience["seq"], size, (page - 1) * size),
    )
    # `data` is JSON already: parsing it to write it again would be most of the time of a large page.
    members = ",".join([f'{{"_id":"{row[0]}","data":{row[1]}}}' for row in rows])
    counts = to_json({"totalCount": total, "totalPages": pages, "hasMore": page < pages})
    return answer(f'{{"status":true,"data":{{"members":[{members}],{counts[1:]}}}')


def _positive(call: Call, name: str, default: int) -> int:
    number = call.number(name, default)
    if number is None or number < 1:
        raise RefusedError(400, f"Invalid input: {name} must be a whole number of at least 1", status="error")
    return number


def add_members(db: sqlite3.Connection, call: Call) -> Response:
    """POST /audience/{id}/members: skips phone texts that are stored, whatever else the member holds."""
    members = call.json().get("members")
    with db:
        db.execute("BEGIN IMMEDIATE")
        audience = own_audience(db, call)
        if not isinstance(members, list) or not members:
            raise invalid("members must be a list of at least one member")
        phones = phone_texts(members, audience["phoneNumberColumnName"])
        stored = member_count(db, audience)
        if stored + len(members) > MEMBER_LIMIT:
            raise RefusedError(
                400,
                f"Cannot add {len(members)} members. You currently have {stored} members in this audience."
                f" The maximum limit is {MEMBER_LIMIT} members."
                f" You can add up to {MEMBER_LIMIT - stored} more members.",
            )
        added = insert_members(db, audience["seq"], phones, members)
        _touch(db, audience)
    counts = {"added": added, "skipped": len(members) - added}
    return ok([{"message": f"{added} members added successfully", "data": counts}])


def _touch(db: sqlite3.Connection, audience: sqlite3.Row) -> None:
    db.execute("UPDATE audience SET updatedAt = ? WHERE seq = ?", (now(), audience["seq"]))


def remove_members(db: sqlite3.Connection, call: Call) -> Response:
    """DELETE /audience/{id}/members: with its last member the audience goes too."""
    ids = call.json().get("memberIds")
    with db:
        db.execute("BEGIN IMMEDIATE")
        audience = own_audience(db, call)
        if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
            raise invalid("memberIds must be a list of at least one id")
        wanted = ((each, audience["seq"]) for each in ids)
        deleted = db.executemany("DELETE FROM member WHERE _id = ? AND audience = ?", wanted).rowcount
        _touch(db, audience)
        if not member_count(db, audience):
            # "If all members are removed, the audience itself may be deleted", says the vendor: here it is, even
            # under a running campaign.
            db.execute("DELETE FROM audience WHERE seq = ?", (audience["seq"],))
    return ok({"deletedCount": deleted})


def search_members(db: sqlite3.Connection, call: Call) -> Response:
    """GET /audience/{id}/members/search: at most ten, by a term anywhere or by fields."""
    audience = own_audience(db, call)
    fields = {field: term for field, term in call.query.items() if term}
    term = fields.pop("query", "")
    if not term and not fields:
        raise RefusedError(
            400,
            "At least one search parameter is required. Use 'query' for general search across all fields, or use"
            " field-specific searches like 'firstName=john' or 'phoneNumber=123456'.",
        )
    if term and fields:
        raise invalid("use a general search or field-specific searches, but not both simultaneously")
    found = _found(db, audience, term, fields)
    info: dict[str, Any] = {"searchType": "general", "searchTerm": term}
    if fields:
        info = {"searchType": "multiple", "searchTerm": ", ".join(fields.values()), "searchFields": list(fields)}
    info["totalResults"] = len(found)
    return ok({"members": found, "searchInfo": info})


def _found(db: sqlite3.Connection, audience: sqlite3.Row, term: str, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = db.execute("SELECT _id, data FROM member WHERE audience = ? ORDER BY seq", (audience["seq"],))
    found: list[dict[str, Any]] = []
    for row in rows.fetchall():
        data = json.loads(row["data"])
        if _matches(data, term, fields):
            found.append({"_id": row["_id"], "data": data})
            if len(found) == _FOUND_LIMIT:
                break
    return found


def _matches(data: Mapping[str, object], term: str, fields: Mapping[str, str]) -> bool:
    if term:
        return any(term.casefold() in to_text(value).casefold() for value in data.values())
    return all(wanted.casefold() in to_text(data.get(field, "")).casefold() for field, wanted in fields.items())
