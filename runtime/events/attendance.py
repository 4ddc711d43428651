"""Which cameras somebody wants to be looked at closely, and until when: kept in the store, by the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runtime.events.database import Database


@dataclass(frozen=True)
class Attendance:
    """`camera`: its full name. `since`: when it was asked for, `until`: when it ends by itself; both aware."""

    camera: str
    since: datetime
    until: datetime

    def remaining_s(self, now: datetime) -> float:
        """Seconds that are left of it; never more than were asked for, though the clock was set back since."""
        return min(self.until - now, self.until - self.since).total_seconds()


def attend(database: Database, asked: Attendance) -> None:
    """Have a camera looked at closely; what was asked for it before is over."""
    database.run(
        "INSERT OR REPLACE INTO attendances (camera, since, until) VALUES (?, ?, ?)",
        (asked.camera, asked.since.isoformat(), asked.until.isoformat()),
    )


def release(database: Database, camera: str) -> None:
    """A camera need not be looked at closely any longer."""
    database.run("DELETE FROM attendances WHERE camera = ?", (camera,))


def end(database: Database, over: Attendance) -> None:
    """Its time is over; what was asked for the same camera since stays."""
    database.run(
        "DELETE FROM attendances WHERE camera = ? AND since = ? AND until = ?",
        (over.camera, over.since.isoformat(), over.until.isoformat()),
    )


def attendances(database: Database) -> list[Attendance]:
    """All that were asked for and not ended yet, by camera."""
    rows = database.rows("SELECT camera, since, until FROM attendances ORDER BY camera")
    return [Attendance(camera, *map(datetime.fromisoformat, moments)) for camera, *moments in rows]
