"""Campaigns of the sandbox, which never call anyone: list, create, get, delete."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from audiences_mcp.atoms.sandbox.members import member_count, shared_audience
from audiences_mcp.atoms.sandbox.wire import (
    Call,
    RefusedError,
    agent_id,
    answer,
    document,
    invalid,
    new_id,
    now,
    ok,
    optional_text,
    pagination,
    required_text,
    timestamp,
    to_json,
    without_none,
)

_STATUSES = ("draft", "scheduled", "processing", "running", "paused", "completed", "failed")


def list_campaigns(db: sqlite3.Connection, call: Call) -> Response:
    """GET /campaign: newest first; `offset` is the page size here too."""
    # Nothing here changes a campaign, so both sort fields give the order of creation.
    call.choice("sortField", ("createdAt", "updatedAt"))
    status = call.choice("status", ("", *_STATUSES))
    search = call.query.get("search", "").casefold()
    page, size = call.clamped_number("page", 1), call.clamped_number("offset", 5)
    rows = db.execute("SELECT * FROM campaign WHERE organization = ? ORDER BY seq", (call.organization,)).fetchall()
    chosen = [row for row in rows if status in {"", row["status"]} and search in row["name"].casefold()]
    if call.choice("sortOrder", ("desc", "asc")) == "desc":
        chosen.reverse()
    return ok(
        {
            "campaigns": [_shown(db, row) for row in chosen[(page - 1) * size : page * size]],
            "pagination": pagination(len(chosen), page, size),
            "totalCampaignCount": len(rows),
        }
    )


def _shown(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """Return a campaign as GET shows it: agent and audience are objects, where the create answer has ids."""
    campaign = document(row)
    agent, audience_id = campaign.pop("agentId"), campaign.pop("audienceId")
    audience = db.execute("SELECT _id, name FROM audience WHERE _id = ?", (audience_id,)).fetchone()
    return {
        **campaign,
        "agent": {"_id": agent, "name": "Sandbox agent", "workflowType": "single_prompt"},
        "audience": dict(audience) if audience else None,
        "retryAttempts": 0,
        "cancelledCallsCount": 0,
    }


def create_campaign(db: sqlite3.Connection, call: Call) -> Response:
    """POST /campaign: a `status` in the body is only understood by the sandbox."""
    body, moment = call.json(), now()
    scheduled_at = _future(optional_text(body, "scheduledAt"))
    campaign: dict[str, Any] = {
        "_id": new_id(),
        "name": required_text(body, "name"),
        "description": optional_text(body, "description"),
        "organization": call.organization,
        "agentId": agent_id(required_text(body, "agentId")),
        "createdBy": call.user,
        "audienceId": required_text(body, "audienceId"),
        "scheduledAt": scheduled_at,
        "maxRetries": _from_range(body, "maxRetries", 3, range(11)),
        "retryDelay": _from_range(body, "retryDelay", 15, range(1, 1441)),
        "status": optional_text(body, "status") or ("scheduled" if scheduled_at else "draft"),
        "createdAt": moment,
        "updatedAt": moment,
    }
    if campaign["status"] not in _STATUSES:
        raise invalid(f"status must be one of {', '.join(_STATUSES)}")
    with db:
        db.execute("BEGIN IMMEDIATE")
        # The specification has no 404 here.
        audience = shared_audience(db, call, campaign["audienceId"], unknown=400)
        campaign["participantsCount"] = member_count(db, audience)
        db.execute(
            "INSERT INTO campaign VALUES (NULL, :_id, :name, :description, :organization, :agentId, :createdBy,"
            " :audienceId, :participantsCount, :scheduledAt, :maxRetries, :retryDelay, :status, :createdAt,"
            " :updatedAt)",
            campaign,
        )
    return ok({**without_none(campaign), "retryAttempts": 0}, 201)


def _future(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("scheduledAt must be an ISO 8601 timestamp") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise invalid("scheduledAt must be in the future")
    return timestamp(moment)


def _from_range(body: Mapping[str, Any], field: str, default: int, allowed: range) -> int:
    value = body.get(field, default)
    if type(value) is not int or value not in allowed:  # True is an int too, but no number of retries
        raise invalid(f"{field} must be a whole number from {allowed[0]} to {allowed[-1]}")
    return value


def get_campaign(db: sqlite3.Connection, call: Call) -> Response:
    """GET /campaign/{id}: with metrics of calls that never happened."""
    row = _own_campaign(db, call, unknown=400)  # the specification has a 404 for DELETE only
    metrics = {"total_participants": row["participantsCount"], "contacts_called": 0, "contacts_connected": 0}
    return ok({"campaign": _shown(db, row), "events": [], "metrics": metrics})


def delete_campaign(db: sqlite3.Connection, call: Call) -> Response:
    """DELETE /campaign/{id}: an envelope without data."""
    row = _own_campaign(db, call, unknown=404)
    db.execute("DELETE FROM campaign WHERE seq = ?", (row["seq"],))
    return answer(to_json({"status": True}))


def _own_campaign(db: sqlite3.Connection, call: Call, unknown: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM campaign WHERE _id = ? AND organization = ?", (call.id, call.organization)
    ).fetchone()
    if row is None:
        raise RefusedError(unknown, "Campaign not found")
    return row
