"""The do-not-call list of an organisation: list it, and (only in the sandbox) add to it."""

import sqlite3

from starlette.responses import Response

from audiences_mcp.atoms.sandbox.wire import (
    Call,
    agent_id,
    new_id,
    now,
    ok,
    optional_text,
    pagination,
    required_text,
)

_PAGE_LIMIT = 500


def list_dnc(db: sqlite3.Connection, call: Call) -> Response:
    """GET /dnc: newest first."""
    page, size = call.clamped_number("page", 1), call.clamped_number("offset", 50, _PAGE_LIMIT)
    order = call.choice("sortOrder", ("desc", "asc"))
    agent = call.query.get("agentId")
    wanted = {
        "organization": call.organization,
        "agent": agent_id(agent) if agent else None,
        "search": call.query.get("search", ""),
        "order": f"{call.choice('sortField', ('createdAt', 'phoneNumber'))} {order}",
        "direction": 1 if order == "asc" else -1,
        "size": size,
        "skipped": (page - 1) * size,
    }
    total = db.execute(
        "SELECT COUNT(*) FROM dnc"
        " WHERE orgId = :organization AND (:agent IS NULL OR agentId = :agent) AND instr(phoneNumber, :search) > 0",
        wanted,
    ).fetchone()[0]
    rows = db.execute(
        "SELECT id, agentId, orgId, phoneNumber, source, detectedInCallId, createdAt, updatedAt FROM dnc"
        " WHERE orgId = :organization AND (:agent IS NULL OR agentId = :agent) AND instr(phoneNumber, :search) > 0"
        " ORDER BY CASE :order WHEN 'phoneNumber asc' THEN phoneNumber END,"
        " CASE :order WHEN 'phoneNumber desc' THEN phoneNumber END DESC, seq * :direction"
        " LIMIT :size OFFSET :skipped",
        wanted,
    )
    return ok({"entries": [dict(row) for row in rows], "pagination": pagination(total, page, size)})


def add_dnc(db: sqlite3.Connection, call: Call) -> Response:
    """POST /dnc: only in the sandbox. Without an agent the number is for the whole organisation."""
    body, moment = call.json(), now()
    agent = optional_text(body, "agentId")
    entry = {
        "id": new_id(),
        "agentId": agent_id(agent) if agent else None,
        "orgId": call.organization,
        "phoneNumber": required_text(body, "phoneNumber"),
        "source": optional_text(body, "source") or "manual",
        "detectedInCallId": None,
        "createdAt": moment,
        "updatedAt": moment,
    }
    db.execute(
        "INSERT INTO dnc VALUES (NULL, :id, :agentId, :orgId, :phoneNumber, :source, :detectedInCallId,"
        " :createdAt, :updatedAt)",
        entry,
    )
    return ok(entry, 201)
