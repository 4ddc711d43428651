"""The queue of one sink: order, what is settled when, what is given up, what is folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_resnet.errors import UserError
from runtime.config.sinks import JsonlSettings
from runtime.delivery.queue import Broken, Queue
from runtime.events.deliveries import Deliveries
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from runtime.service.logs import Log
from runtime.sinks.sink import Refused, Sink, Unavailable
from tests.unit.runtime.notices import AT, add

NOW = datetime.fromisoformat(AT)
DAY_S = 86400.0


@dataclass
class Told(Sink):
    """Keeps what it was told; `answer` is called first, and may raise."""

    answer: Callable[[Notice], None] = lambda notice: None
    ids: list[str] = field(default_factory=list)
    pictures: list[Sequence[Path]] = field(default_factory=list)

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        self.answer(notice)
        self.ids.append(notice.id)
        self.pictures.append(pictures)


@dataclass
class Time:
    """A clock that is moved by hand, and a wall clock with it."""

    now_s: float = 0.0

    def clock(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return NOW + timedelta(seconds=self.now_s)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


@pytest.fixture
def deliveries(store: EventStore) -> Iterator[Deliveries]:
    with Deliveries(store.path) as deliveries:
        yield deliveries


def queue(time: Time, **settings: Any) -> Queue:
    made = JsonlSettings(path=Path("unused"), **settings)
    return Queue("phone", made, Log(for_people=False), time.clock, time.wall)


def always() -> bool:
    return True


def states(deliveries: Deliveries) -> list[str]:
    return [delivery.state for delivery in deliveries.find("phone")]


def fail(error: Exception) -> Callable[[Notice], None]:
    def answer(notice: Notice) -> None:
        raise error

    return answer


def test_all_are_told_in_order_and_settled(store: EventStore, deliveries: Deliveries) -> None:
    notices, sink = add(store, 200), Told()
    line = queue(Time())
    assert line.drain(deliveries, sink, always) > 0.0
    assert sink.ids == [notice.id for notice in notices]
    assert set(states(deliveries)) == {"delivered"}
    assert line.progressed


def test_who_cannot_be_told_keeps_the_rest_waiting(store: EventStore, deliveries: Deliveries) -> None:
    first, second, third = add(store, 3)

    def answer(notice: Notice) -> None:
        if notice.id == second.id:
            raise Unavailable("no connection to user:password@host")

    sink, line = Told(answer), queue(Time())
    with pytest.raises(Unavailable):
        line.drain(deliveries, sink, always)
    assert line.progressed
    with pytest.raises(Unavailable):
        line.drain(deliveries, sink, always)
    assert not line.progressed
    assert sink.ids == [first.id]
    assert states(deliveries) == ["delivered", "pending", "pending"]
    failed = deliveries.pending("phone", 1)[0]
    assert (failed.attempts, failed.error) == (2, "no connection to ***@host")
    sink.answer = lambda notice: None
    line.drain(deliveries, sink, always)
    assert sink.ids == [first.id, second.id, third.id]


def test_what_is_refused_is_a_dead_letter_and_the_next_one_s_turn_comes(
    store: EventStore, deliveries: Deliveries
) -> None:
    first, second = add(store, 2)

    def answer(notice: Notice) -> None:
        if notice.id == first.id:
            raise Refused("no such address")

    sink = Told(answer)
    queue(Time()).drain(deliveries, sink, always)
    assert sink.ids == [second.id]
    assert [(each.notice.id, each.error) for each in deliveries.find(state="dead")] == [(first.id, "no such address")]


def test_another_package_s_mistake_loses_nothing(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 1)
    with pytest.raises(Broken, match=r"ZeroDivisionError: by zero"):
        queue(Time()).drain(deliveries, Told(fail(ZeroDivisionError("by zero"))), always)
    assert states(deliveries) == ["pending"]


def test_what_fails_for_too_long_is_given_up_with_all_that_is_as_old(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 2)
    time, sink = Time(), Told(fail(Unavailable("no answer")))
    line = queue(time, give_up_after=DAY_S)
    for time.now_s in (0.0, DAY_S - 1.0):
        with pytest.raises(Unavailable):
            line.drain(deliveries, sink, always)
    assert states(deliveries) == ["pending", "pending"]
    time.now_s = DAY_S + 1.0
    with pytest.raises(Unavailable):
        line.drain(deliveries, sink, always)
    assert states(deliveries) == ["dead", "dead"]
    assert deliveries.find(state="dead")[1].error == "no answer"


def test_a_clock_that_jumps_gives_nothing_up_by_itself(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 1)
    time, sink = Time(), Told(fail(Unavailable("no answer")))
    line = queue(time)
    jumped = NOW + timedelta(days=400)
    line.wall = lambda: jumped
    for time.now_s in (0.0, 300.0):
        with pytest.raises(Unavailable):
            line.drain(deliveries, sink, always)
    assert states(deliveries) == ["pending"]


def test_a_clock_that_is_set_late_gives_nothing_up(store: EventStore, deliveries: Deliveries) -> None:
    unset = datetime.fromisoformat("1970-01-01T00:01:00.000+00:00")
    add(store, 1)
    store.database.run("UPDATE deliveries SET created_at = ?", (unset.isoformat(timespec="milliseconds"),))
    time, sink = Time(), Told(fail(Unavailable("no network")))
    walls = {0.0: unset, 601.0: unset, 602.0: NOW, DAY_S: NOW}
    made = JsonlSettings(path=Path("unused"), give_up_after=DAY_S)
    line = Queue("phone", made, Log(for_people=False), time.clock, lambda: walls[time.now_s])
    for time.now_s in walls:
        assert states(deliveries) == ["pending"]
        with pytest.raises(Unavailable):
            line.drain(deliveries, sink, always)
    assert states(deliveries) == ["dead"]


def test_what_was_told_and_could_not_be_settled_is_not_told_again(
    store: EventStore, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notice,) = add(store, 1)
    sink, line = Told(), queue(Time())
    with monkeypatch.context() as full:
        full.setattr(Deliveries, "delivered", lambda *_: (_ for _ in ()).throw(UserError("no space left")))
        for _ in range(2):
            with pytest.raises(UserError, match="no space"):
                line.drain(deliveries, sink, always)
    line.drain(deliveries, sink, always)
    assert sink.ids == [notice.id]
    assert states(deliveries) == ["delivered"]


def test_a_store_that_was_begun_anew_is_not_settled_for_the_damaged_one(tmp_path: Path) -> None:
    sink, line = Told(), queue(Time())
    with EventStore(tmp_path / "damaged.sqlite") as damaged, Deliveries(damaged.path) as deliveries:
        (before,) = add(damaged, 1)
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(Deliveries, "delivered", lambda *_: (_ for _ in ()).throw(UserError("malformed")))
            with pytest.raises(UserError, match="malformed"):
                line.drain(deliveries, sink, always)
    with EventStore(tmp_path / "anew.sqlite") as anew, Deliveries(anew.path) as deliveries:
        (after,) = add(anew, 1)
        line.drain(deliveries, sink, always)
        assert states(deliveries) == ["delivered"]
    assert sink.ids == [before.id, after.id]


def test_the_drain_ends_when_it_shall(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 5)
    sink = Told()
    queue(Time()).drain(deliveries, sink, lambda: len(sink.ids) < 2)
    assert len(sink.ids) == 2
    assert states(deliveries).count("delivered") == 2


def test_a_storm_becomes_one_notice(store: EventStore, deliveries: Deliveries) -> None:
    time, sink = Time(), Told()
    line = queue(time, fold_after=2, fold_within=300.0)
    notices = add(store, 9)
    assert line.drain(deliveries, sink, always) > 0.0
    assert sink.ids == [notice.id for notice in notices[:2]]
    time.now_s = 299.0
    line.drain(deliveries, sink, always)
    assert len(sink.ids) == 2
    time.now_s = 300.0
    line.drain(deliveries, sink, always)
    assert len(sink.ids) == 3
    told = deliveries.find("phone", "delivered")[-1].notice
    assert told.body["text"].startswith("7 more in ")
    assert [each["id"] for each in told.body["notices"]] == [notice.id for notice in notices[2:]]
    assert states(deliveries).count("folded") == 7
    # The storm goes on: the next one is due when the time is over once more.
    add(store, 3)
    time.now_s = 599.0
    line.drain(deliveries, sink, always)
    assert len(sink.ids) == 3
    time.now_s = 600.0
    line.drain(deliveries, sink, always)
    assert deliveries.find("phone", "delivered")[-1].notice.body["text"].startswith("3 more in ")


def test_a_critical_alarm_goes_past_a_storm(store: EventStore, deliveries: Deliveries) -> None:
    time, sink = Time(), Told()
    line = queue(time, fold_after=2, fold_within=300.0)
    # More than are looked at at once.
    noise = add(store, 200, severity="info")
    assert line.drain(deliveries, sink, always) > 0.0
    time.now_s = 100.0
    fires = add(store, 2, severity="critical")
    noise += add(store, 1, severity="info")
    assert line.drain(deliveries, sink, always) > 0.0
    assert sink.ids == [notice.id for notice in (*noise[:2], *fires)]
    # The others wait no longer for it.
    time.now_s = 300.0
    late = add(store, 1, severity="critical")
    line.drain(deliveries, sink, always)
    assert sink.ids[4] == late[0].id
    told = deliveries.find("phone", "delivered")[-1].notice
    assert told.body["count"] == 199
    assert states(deliveries).count("folded") == 199


def test_a_critical_alarm_that_fails_is_the_next_one_still(store: EventStore, deliveries: Deliveries) -> None:
    sink, line = Told(), queue(Time(), fold_after=1, fold_within=300.0)
    noise = add(store, 3, severity="info")
    (fire,) = add(store, 1, severity="critical")

    def answer(notice: Notice) -> None:
        if notice.id == fire.id:
            raise Unavailable("no answer")

    sink.answer = answer
    for _ in range(2):
        with pytest.raises(Unavailable):
            line.drain(deliveries, sink, always)
    sink.answer = lambda notice: None
    line.drain(deliveries, sink, always)
    assert sink.ids == [noise[0].id, fire.id]


def test_what_a_summary_told_is_not_hidden_when_it_is_refused(store: EventStore, deliveries: Deliveries) -> None:
    time, sink = Time(), Told()
    line = queue(time, fold_after=1, fold_within=300.0)
    notices = add(store, 4)
    line.drain(deliveries, sink, always)

    def answer(notice: Notice) -> None:
        if notice.what == "summary":
            raise Refused("too large")

    time.now_s, sink.answer = 300.0, answer
    line.drain(deliveries, sink, always)
    assert [each.notice.id for each in deliveries.find("phone", "dead")] == [notice.id for notice in notices[1:]]
    assert len(states(deliveries)) == 4


def test_one_that_waited_alone_is_told_as_it_is(store: EventStore, deliveries: Deliveries) -> None:
    time, sink = Time(), Told()
    line = queue(time, fold_after=1, fold_within=300.0)
    first, second = add(store, 2)
    line.drain(deliveries, sink, always)
    time.now_s = 300.0
    line.drain(deliveries, sink, always)
    assert sink.ids == [first.id, second.id]


def test_a_summary_that_cannot_be_told_stays_one(store: EventStore, deliveries: Deliveries) -> None:
    time, sink = Time(), Told()
    line = queue(time, fold_after=1, fold_within=300.0)
    add(store, 3)
    line.drain(deliveries, sink, always)
    time.now_s, sink.answer = 300.0, fail(Unavailable("no answer"))
    for _ in range(3):
        with pytest.raises(Unavailable):
            line.drain(deliveries, sink, always)
    assert sorted(states(deliveries)) == ["delivered", "folded", "folded", "pending"]


def test_at_the_end_nothing_waits_for_the_storm_to_be_over(store: EventStore, deliveries: Deliveries) -> None:
    sink, line = Told(), queue(Time(), fold_after=1, fold_within=300.0)
    add(store, 4)
    line.drain(deliveries, sink, always, last=True)
    assert len(sink.ids) == 2
    assert states(deliveries).count("pending") == 0


def test_an_alarm_waits_for_its_pictures_but_not_for_ever(
    store: EventStore, deliveries: Deliveries, tmp_path: Path
) -> None:
    time, sink = Time(), Told()
    sink.pictures_within_s = 3.0
    line = queue(time)
    (first,) = add(store, 1)
    time.now_s = 0.5
    assert 0.0 < line.drain(deliveries, sink, always) < 1.0
    assert sink.ids == []
    (tmp_path / "a.jpg").touch()
    media = "INSERT INTO media (event_id, kind, path, bytes, created_at) VALUES (?, 'snapshot', 'a.jpg', 1, ?)"
    store.database.run(media, (first.body["id"], AT))
    line.drain(deliveries, sink, always)
    assert sink.pictures == [[tmp_path / "a.jpg"]]
    add(store, 1)
    time.now_s = 3.0
    line.drain(deliveries, sink, always)
    assert list(map(list, sink.pictures)) == [[tmp_path / "a.jpg"], []]
