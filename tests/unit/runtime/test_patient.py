"""The store that is written to later: what waits, what is lost first, and a store that has to be begun anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from edge_resnet.errors import UserError
from runtime.events import patient, waiting
from runtime.events.ballast import Ballast
from runtime.events.database import Busy, Damaged, Full
from runtime.events.entry import Entry
from runtime.events.incident import Incident
from runtime.events.notice import Notice
from runtime.events.patient import PatientStore
from runtime.events.prompt import PromptStore
from runtime.events.store import EventStore
from tests.unit.runtime.stored import at, event, miss, piece

BOOKED = Entry("yard", "2026-11-29T12:00:00+00:00", "watched", 10.0)
UNTIL = {"yard": datetime(2026, 11, 29, 12, 0, 10, tzinfo=timezone.utc)}


@dataclass
class Disk:
    """A disk under a store: how many commits it still takes, and what it answers then."""

    commits: float = float("inf")
    error: UserError = field(default_factory=lambda: Full("no space left"))


class FailingStore(EventStore):
    """A store on such a disk."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path)
        self.disk = disk

    @contextmanager
    def together(self) -> Iterator[None]:
        if self.database.connection.in_transaction:
            yield
            return
        if self.disk.commits <= 0:
            raise self.disk.error
        with super().together():
            yield
        self.disk.commits -= 1


class FakeBallast(Ballast):
    """Space for so many commits on a disk. `refill`: whether there is space to make it again."""

    def __init__(self, store: Path, disk: Disk, commits: int) -> None:
        super().__init__(store)
        self._disk, self._commits, self.refill = disk, commits, False

    def load(self) -> bool:
        self.released = self.released and not self.refill
        return not self.released

    def release(self) -> bool:
        if self.released:
            return False
        self.released = True
        self._disk.commits = self._commits
        return True


@dataclass
class Bench:
    """A patient store and what is around it."""

    path: Path
    disk: Disk = field(default_factory=Disk)
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def patient(self, ballast_commits: int | None = None, **options: Any) -> PatientStore:
        ballast = None if ballast_commits is None else FakeBallast(self.path, self.disk, ballast_commits)
        store = FailingStore(self.path, self.disk)
        return PatientStore(store, self.tell, ballast=ballast, make_room=lambda: self.asked.append("room"), **options)

    def tell(self, event: str, **fields: object) -> None:
        self.told.append(event)

    def rows(self) -> dict[str, int]:
        tables = ("events", "near_misses", "scores", "incidents", "deliveries", "ledger")
        with EventStore(self.path) as store:
            return {table: store.database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "events.sqlite")


def test_what_cannot_be_written_waits_in_order_and_is_written_later(bench: Bench) -> None:
    store = bench.patient()
    bench.disk.commits = 0
    held = event(ended_s=None)
    store.add(held, Notice.of_event(held, at()), ["phone"])
    over = replace(held, ended_s=9.0)
    store.update(over, Notice.of_event(over, at()), ["phone"])
    store.add_ledger([BOOKED], UNTIL)
    store.add_ledger([BOOKED], UNTIL)
    assert "no space left" in store.unwritten
    assert bench.rows()["events"] == 0
    bench.disk.commits = float("inf")
    store.flush()
    assert store.unwritten == ""
    with EventStore(bench.path) as read:
        assert read.events() == [over]
        assert [entry.seconds for entry in read.ledger()] == [20.0]
        rows = read.database.rows("SELECT notice_id FROM deliveries ORDER BY id")
        assert rows == [(f"{held.id}:raised",), (f"{held.id}:cleared",)]


def test_a_full_disk_takes_scores_then_near_misses_and_only_then_the_ballast(bench: Bench) -> None:
    store = bench.patient(ballast_commits=1)
    bench.disk.commits = 0
    with store.together():
        store.add_scores([piece()])
        store.add_miss(miss())
    assert bench.rows() == dict.fromkeys(bench.rows(), 0)
    assert store.ballast is not None
    assert not store.ballast.released
    assert "scores and near misses are lost" in bench.told
    with store.together():
        store.add_scores([piece()])
        store.add_miss(miss())
        store.add(event())
    assert store.ballast.released
    assert {name: count for name, count in bench.rows().items() if count} == {"events": 1}
    assert bench.asked


def test_the_space_of_the_ballast_is_not_for_scores_and_it_is_made_again_when_there_is_other(bench: Bench) -> None:
    store = bench.patient(ballast_commits=5)
    bench.disk.commits = 0
    store.add(event())
    store.add_scores([piece()])
    store.add_miss(miss())
    # The ledger takes no new space, and is written.
    store.add_ledger([BOOKED], UNTIL)
    assert {name: count for name, count in bench.rows().items() if count} == {"events": 1, "ledger": 1}
    assert isinstance(store.ballast, FakeBallast)
    assert store.ballast.released
    store.ballast.refill = True
    store.add_scores([piece()])
    assert not store.ballast.released
    assert bench.rows()["scores"] == 1


def test_a_write_that_was_committed_though_it_was_told_to_have_failed_is_no_hindrance(bench: Bench) -> None:
    store = bench.patient()
    twice, other = event(), event()
    with EventStore(bench.path) as behind:
        behind.add(twice)
    store.add(replace(twice, peak=0.99))
    store.add(other)
    assert store.unwritten == ""
    with EventStore(bench.path) as read:
        assert read.events() == [replace(twice, peak=0.99), other]


def test_what_the_store_refuses_does_not_keep_others_waiting(bench: Bench) -> None:
    store = bench.patient()
    unknown = Incident("nobody", "yard", "offline", at())
    with store.together():
        store.add(event())
        store.tell_of(unknown, Notice.of_incident(unknown, at()), ["phone"])
        store.add(event())
    assert bench.rows()["events"] == 2
    assert store.lost == 1
    assert "refused by the event store, and lost" in bench.told


def test_an_event_that_is_not_there_to_be_updated_is_added(bench: Bench) -> None:
    store = bench.patient()
    held = event(ended_s=None)
    store.update(held, Notice.of_event(held, at()), ["phone"])
    assert (bench.rows()["events"], bench.rows()["deliveries"]) == (1, 1)


def test_too_much_that_waits_loses_what_is_worth_least(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 3)
    store = bench.patient()
    bench.disk.commits, bench.disk.error = 0, UserError("another program holds the event store")
    near = miss()
    store.add_miss(near)
    events = [event() for _ in range(3)]
    for each in events:
        store.add(each)
    assert store.lost == 1
    bench.disk.commits = float("inf")
    store.flush()
    assert (bench.rows()["events"], bench.rows()["near_misses"]) == (3, 0)


# Somebody else writes to it.


def test_another_program_that_writes_is_not_waited_for_and_costs_nothing(bench: Bench) -> None:
    now_s, waits_ms = [0.0], list[int]()
    store = bench.patient(clock=lambda: now_s[0])
    store.do(lambda opened: waits_ms.append(opened.database.rows("PRAGMA busy_timeout")[0][0]))
    assert waits_ms == [500]
    other = sqlite3.connect(bench.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with store.together():
        store.add(event())
        store.add_scores([piece()])
        store.add_miss(miss())
    assert "another program holds the event store" in store.unwritten
    other.execute("ROLLBACK")
    other.close()
    now_s[0] = 3.0
    store.look()
    assert store.unwritten == ""
    assert {name: count for name, count in bench.rows().items() if count} == {
        "events": 1,
        "near_misses": 1,
        "scores": 1,
    }


def test_while_somebody_else_writes_it_is_tried_now_and_then_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "_MOST_BUSY", 5)
    now_s = [0.0]
    store = bench.patient(clock=lambda: now_s[0])
    bench.disk.commits, bench.disk.error = 0, Busy("another program holds the event store")
    for _ in range(4):
        store.add(event())
        store.add_scores([piece()])
    bench.disk.commits = float("inf")
    store.look()
    assert bench.rows()["events"] == 0
    bench.disk.commits = 0
    for now_s[0] in (3.0, 6.0):
        store.look()
    assert bench.told == ["not written yet, tried again"]
    bench.disk.commits = float("inf")
    store.close()
    # Of so many the scores are let go.
    assert (bench.rows()["events"], bench.rows()["scores"]) == (4, 0)


# A store that cannot be opened yet, or is damaged.


@dataclass
class FakeOpener:
    """Opens the store of a bench; `errors` come first. `mends`: the disk takes all when it is begun anew."""

    bench: Bench
    mends: bool = True
    errors: list[UserError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def open(self) -> EventStore:
        self.calls.append("open")
        return self._opened()

    def anew(self, why: str) -> EventStore:
        self.calls.append(f"anew: {why}")
        self.bench.path.unlink()
        return self._opened()

    def _opened(self) -> EventStore:
        if self.errors:
            raise self.errors.pop(0)
        if self.mends:
            self.bench.disk.commits = float("inf")
        return FailingStore(self.bench.path, self.bench.disk)


def test_a_store_that_cannot_be_opened_yet_is_opened_later(bench: Bench) -> None:
    opener = FakeOpener(bench, errors=[Full("no space left"), Full("no space left")])
    store = PatientStore(None, bench.tell, opener)
    first: list[EventStore] = []
    store.do(first.append)
    assert store.booked_until() == {}
    assert "nothing is known of earlier runs" in bench.told
    store.add(event())
    with pytest.raises(UserError, match="no space left"):
        _ = store.store
    store.add(event())
    assert (store.unwritten, bench.rows()["events"]) == ("", 2)
    assert first == [store.store]
    store.close()


def malformed() -> Damaged:
    error = Damaged("malformed")
    error.__cause__ = sqlite3.DatabaseError("database disk image is malformed")
    return error


def damage(bench: Bench) -> None:
    """From now on the store's disk answers that it is damaged."""
    bench.disk.commits, bench.disk.error = 0, malformed()


def test_damage_in_the_middle_of_a_run_begins_a_new_store_with_what_this_run_knows(bench: Bench) -> None:
    opener = FakeOpener(bench)
    store = bench.patient(opener=opener)
    held = event(ended_s=None)
    store.add(held, Notice.of_event(held, at()), ["phone"])
    damage(bench)
    later = event()
    store.add(later)
    assert opener.calls == ["anew: database disk image is malformed"]
    assert store.unwritten == ""
    with EventStore(bench.path) as read:
        assert read.events() == [held, later]
        assert read.database.rows("SELECT notice_id FROM deliveries") == [(f"{held.id}:raised",)]


def test_a_disk_that_damages_every_store_is_not_filled_with_them(bench: Bench) -> None:
    now_s = [0.0]
    opener = FakeOpener(bench, mends=False)
    store = bench.patient(opener=opener, clock=lambda: now_s[0])
    damage(bench)
    for _ in range(5):
        store.add(event())
    assert len(opener.calls) == 1
    now_s[0] = 61.0
    store.add(event())
    assert len(opener.calls) == 2
    assert store.unwritten != ""


def test_a_new_store_that_has_no_space_yet_is_opened_later(bench: Bench) -> None:
    opener = FakeOpener(bench, errors=[Full("no space left"), Full("no space left")])
    store = bench.patient(opener=opener)
    known = event()
    store.add(known)
    damage(bench)
    store.add(event())
    assert store.unwritten != ""
    store.flush()
    store.flush()
    assert store.unwritten == ""
    assert [name.split(":")[0] for name in opener.calls] == ["anew", "open", "open"]
    assert bench.rows()["events"] == 2


def test_a_file_is_written_at_once_or_told_and_survives_damage(bench: Bench) -> None:
    opener = FakeOpener(bench)
    patient = bench.patient(opener=opener)
    prompt = PromptStore(patient)
    prompt.add(event())
    bench.disk.commits = 0
    with pytest.raises(Full):
        prompt.add(event())
    damage(bench)
    last = event()
    prompt.add(last)
    prompt.add_miss(miss())
    with EventStore(bench.path) as read:
        assert last in read.events()
        assert len(read.misses()) == 1
