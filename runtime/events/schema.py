"""The tables of the event store, and how they came about."""

from __future__ import annotations

# From version n to n + 1 of the schema (user_version) leads the n-th script; a released one never changes.
MIGRATIONS = (
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY NOT NULL,
        camera TEXT NOT NULL,
        alarm TEXT NOT NULL,
        label TEXT NOT NULL,
        raised_at TEXT,
        created_at TEXT NOT NULL,
        started_s REAL NOT NULL,
        raised_s REAL NOT NULL,
        ended_s REAL,
        peak REAL NOT NULL,
        mean REAL NOT NULL,
        looks INTEGER NOT NULL,
        model_sha256 TEXT NOT NULL,
        backend TEXT NOT NULL,
        precision TEXT NOT NULL
    );
    CREATE INDEX events_by_creation ON events (created_at);
    """,
    """
    CREATE TABLE incidents (
        id TEXT PRIMARY KEY NOT NULL,
        camera TEXT,
        kind TEXT NOT NULL,
        began_at TEXT NOT NULL,
        ended_at TEXT,
        evidence TEXT NOT NULL
    );
    CREATE INDEX incidents_by_begin ON incidents (began_at);
    CREATE TABLE ledger (
        camera TEXT NOT NULL,
        hour TEXT NOT NULL,
        category TEXT NOT NULL,
        seconds REAL NOT NULL,
        PRIMARY KEY (camera, hour, category)
    );
    CREATE INDEX ledger_by_hour ON ledger (hour);
    CREATE TABLE ledger_until (
        camera TEXT PRIMARY KEY NOT NULL,
        moment TEXT NOT NULL
    );
    """,
)
