"""The SQLite database behind the sandbox; several processes may share one file."""

import sqlite3
from contextlib import suppress
from pathlib import Path

# Columns that go out as they are bear the API's names. `seq` is the order of creation.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS audience (
    seq INTEGER PRIMARY KEY, _id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT,
    phoneNumberColumnName TEXT NOT NULL, organization TEXT NOT NULL, createdBy TEXT NOT NULL,
    createdAt TEXT NOT NULL, updatedAt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audience_organization ON audience (organization);
CREATE TABLE IF NOT EXISTS member (
    seq INTEGER PRIMARY KEY, _id TEXT NOT NULL UNIQUE,
    audience INTEGER NOT NULL REFERENCES audience (seq) ON DELETE CASCADE,
    phone TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (audience, phone)
);
CREATE INDEX IF NOT EXISTS member_order ON member (audience, seq);
CREATE TABLE IF NOT EXISTS campaign (
    seq INTEGER PRIMARY KEY, _id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT,
    organization TEXT NOT NULL, agentId TEXT NOT NULL, createdBy TEXT NOT NULL, audienceId TEXT NOT NULL,
    participantsCount INTEGER NOT NULL, scheduledAt TEXT, maxRetries INTEGER NOT NULL, retryDelay INTEGER NOT NULL,
    status TEXT NOT NULL, createdAt TEXT NOT NULL, updatedAt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS campaign_organization ON campaign (organization);
CREATE INDEX IF NOT EXISTS campaign_audience ON campaign (audienceId);
CREATE TABLE IF NOT EXISTS dnc (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, agentId TEXT, orgId TEXT NOT NULL, phoneNumber TEXT NOT NULL,
    source TEXT NOT NULL, detectedInCallId TEXT, createdAt TEXT NOT NULL, updatedAt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS dnc_organization ON dnc (orgId);
"""


def open_database(path: str | Path) -> sqlite3.Connection:
    """Open the database, creating what is missing.

    Statements commit by themselves; a handler that needs more than one begins a transaction inside `with db:`.

    Args:
        path: A file, or `:memory:`.

    Returns:
        The one connection of an application. The thread that serves it need not be the one that opened it.
    """
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    try:
        # Of two processes that open a new file at once, one is told without delay that it is locked; the switch is
        # kept in the file, so the other one has made it for both.
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.executescript(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db
