"""Audiences of the sandbox: list, create from a CSV, get, delete."""

import csv
import io
import sqlite3
from typing import Any

from starlette.responses import Response

from audiences_mcp.atoms.sandbox.members import MEMBER_LIMIT, insert_members, own_audience, phone_texts
from audiences_mcp.atoms.sandbox.wire import (
    Call,
    RefusedError,
    document,
    invalid,
    new_id,
    now,
    ok,
    required_text,
    without_none,
)

FILE_LIMIT = 5 * 1024 * 1024
_LONGEST_CELL = 131_072  # what the csv module takes, unless another part of the process lets it take more
_OVER = ("completed", "failed")  # campaigns that no longer need their audience


def list_audiences(db: sqlite3.Connection, call: Call) -> Response:
    """GET /audience: the only place that tells counts and campaigns."""
    campaigns: dict[str, list[dict[str, str]]] = {}
    for row in db.execute("SELECT * FROM campaign WHERE organization = ? ORDER BY seq", (call.organization,)):
        shown = {key: row[key] for key in ("_id", "name", "status", "createdAt")}
        campaigns.setdefault(row["audienceId"], []).append(shown)
    rows = db.execute(
        "SELECT *, (SELECT COUNT(*) FROM member WHERE audience = audience.seq) AS memberCount"
        " FROM audience WHERE organization = ? ORDER BY seq",
        (call.organization,),
    )
    audiences = []
    for row in rows:
        used_by = campaigns.get(row["_id"], [])
        audiences.append({**document(row), "hasCampaigns": bool(used_by), "campaigns": used_by})
    return ok(audiences)


def create_audience(db: sqlite3.Connection, call: Call) -> Response:
    """POST /audience: all rows of the file or none."""
    if not call.file:
        raise RefusedError(400, "CSV file is required")
    if len(call.file) > FILE_LIMIT:
        raise RefusedError(400, "File too large")
    moment, phone_column = now(), required_text(call.fields, "phoneNumberColumnName")
    audience = {
        "_id": new_id(),
        "name": required_text(call.fields, "name"),
        "description": call.fields.get("description"),
        "phoneNumberColumnName": phone_column,
        "organization": call.organization,
        "createdBy": call.user,
        "createdAt": moment,
        "updatedAt": moment,
    }
    members = _csv_rows(call.file)
    phones = phone_texts(members, phone_column)
    _refuse_unfit(phones)
    with db:
        db.execute("BEGIN IMMEDIATE")
        created = db.execute(
            "INSERT INTO audience VALUES (NULL, :_id, :name, :description, :phoneNumberColumnName,"
            " :organization, :createdBy, :createdAt, :updatedAt)",
            audience,
        )
        insert_members(db, created.lastrowid, phones, members)
    return ok(without_none({**audience, "identifierColumnName": call.fields.get("identifierColumnName")}))


def _csv_rows(file: bytes) -> list[dict[str, Any]]:
    """Read the rows below the header. Blank lines are no rows; what is not UTF-8 is stored malformed, as published."""
    text = file.decode("utf-8-sig", errors="replace")
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    except csv.Error as error:
        raise invalid(f"the CSV cannot be read: {error}") from None
    if any(len(cell) > _LONGEST_CELL for line in lines for cell in line):
        raise invalid(f"the CSV cannot be read: field larger than field limit ({_LONGEST_CELL})")
    if len(lines) < 2:
        raise RefusedError(400, "CSV file is required")
    header, *below = lines
    return [dict(zip(header, line, strict=False)) for line in below]


def _refuse_unfit(phones: list[str]) -> None:
    if len(phones) > MEMBER_LIMIT:
        raise RefusedError(400, f"Audience cannot exceed {MEMBER_LIMIT} members")
    if len(set(phones)) < len(phones):
        raise RefusedError(
            400,
            "Some phone numbers in your CSV already exist in this audience."
            " Please remove duplicate entries and try again.",
        )


def get_audience(db: sqlite3.Connection, call: Call) -> Response:
    """GET /audience/{id}: without count and campaigns."""
    return ok(document(own_audience(db, call)))


def delete_audience(db: sqlite3.Connection, call: Call) -> Response:
    """DELETE /audience/{id}: not while a campaign needs it."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        audience = own_audience(db, call)
        campaigns = db.execute("SELECT status FROM campaign WHERE audienceId = ?", (call.id,)).fetchall()
        if any(campaign["status"] not in _OVER for campaign in campaigns):
            raise RefusedError(400, f"can't delete audience, campaign with this audience {call.id} exists")
        db.execute("DELETE FROM audience WHERE seq = ?", (audience["seq"],))
    return ok([])
