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
    """
    ALTER TABLE events ADD COLUMN zone TEXT;
    ALTER TABLE events ADD COLUMN severity TEXT NOT NULL DEFAULT 'warning';
    ALTER TABLE events ADD COLUMN run TEXT NOT NULL DEFAULT '';
    ALTER TABLE events ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE near_misses (
        id TEXT PRIMARY KEY NOT NULL,
        camera TEXT NOT NULL,
        alarm TEXT NOT NULL,
        zone TEXT,
        label TEXT NOT NULL,
        seen_at TEXT,
        created_at TEXT NOT NULL,
        began_s REAL NOT NULL,
        ended_s REAL NOT NULL,
        best REAL NOT NULL,
        best_s REAL NOT NULL,
        threshold REAL NOT NULL,
        looks INTEGER NOT NULL,
        reason TEXT NOT NULL,
        run TEXT NOT NULL,
        model_sha256 TEXT NOT NULL,
        backend TEXT NOT NULL,
        precision TEXT NOT NULL
    );
    CREATE INDEX near_misses_by_creation ON near_misses (created_at);
    CREATE TABLE scores (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        camera TEXT NOT NULL,
        created_at TEXT NOT NULL,
        first_s REAL NOT NULL,
        last_s REAL NOT NULL,
        looks INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX scores_by_run ON scores (run, camera, first_s);
    CREATE INDEX scores_by_creation ON scores (created_at);
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sink TEXT NOT NULL,
        notice_id TEXT NOT NULL,
        event_id TEXT REFERENCES events (id) ON DELETE CASCADE,
        incident_id TEXT REFERENCES incidents (id) ON DELETE CASCADE,
        notice TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'folded')),
        attempts INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        settled_at TEXT,
        error TEXT,
        folded_into TEXT,
        urgent INTEGER NOT NULL DEFAULT 0,
        UNIQUE (notice_id, sink)
    );
    CREATE INDEX deliveries_by_state ON deliveries (state, sink, id);
    CREATE INDEX deliveries_by_age ON deliveries (state, sink, created_at);
    CREATE INDEX deliveries_urgent ON deliveries (sink, id) WHERE urgent = 1 AND state = 'pending';
    CREATE INDEX deliveries_by_event ON deliveries (event_id);
    CREATE INDEX deliveries_by_incident ON deliveries (incident_id);
    CREATE TABLE verdicts (
        event_id TEXT PRIMARY KEY NOT NULL REFERENCES events (id) ON DELETE CASCADE,
        verdict TEXT NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        given_at TEXT NOT NULL
    );
    CREATE TABLE media (
        id INTEGER PRIMARY KEY,
        event_id TEXT REFERENCES events (id) ON DELETE CASCADE,
        near_miss_id TEXT REFERENCES near_misses (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        path TEXT NOT NULL UNIQUE,
        bytes INTEGER NOT NULL,
        created_at TEXT NOT NULL
    );
    CREATE INDEX media_by_event ON media (event_id);
    CREATE INDEX media_by_near_miss ON media (near_miss_id);
    CREATE INDEX media_by_creation ON media (kind, created_at);
    CREATE TABLE mode (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        name TEXT NOT NULL,
        until TEXT,
        set_at TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE attendances (
        camera TEXT PRIMARY KEY NOT NULL,
        since TEXT NOT NULL,
        until TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE media ADD COLUMN cut TEXT;
    """,
)
