"""The mode that a person has put in force (home, away): kept in the store, so that it outlives a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runtime.events.database import Database


@dataclass(frozen=True)
class Command:
    """`mode`: its name in cameras.yaml. `until`: when it ends by itself, aware; None for never."""

    mode: str
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is still in force."""
        return self.until is None or now < self.until


def command(database: Database, given: Command, now: datetime) -> None:
    """Put a mode in force."""
    database.run(
        "INSERT OR REPLACE INTO mode (only, name, until, set_at) VALUES (1, ?, ?, ?)",
        (given.mode, None if given.until is None else given.until.isoformat(), now.isoformat()),
    )


def release(database: Database) -> None:
    """Follow the clock again."""
    database.run("DELETE FROM mode")


def commanded(database: Database, now: datetime) -> Command | None:
    """What was commanded and still holds."""
    for name, until in database.rows("SELECT name, until FROM mode"):
        given = Command(name, None if until is None else datetime.fromisoformat(until))
        return given if given.holds(now) else None
    return None
