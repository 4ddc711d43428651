"""The post office: couriers begun, rung, changed and closed, over a real store, with a sink of another package."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from runtime.config import plugins
from runtime.config.sinks import JsonlSettings, PluginSettings, SinkSettings
from runtime.delivery import courier
from runtime.delivery.office import Office
from runtime.events.deliveries import Deliveries, Waiting
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from runtime.service.logs import Log
from runtime.sinks.sink import Context, Sink, Unavailable
from tests.unit.runtime.notices import AT, add, event, incident, raised

CAMERAS = {"yard/gate": ("fire",)}
_PATIENCE_S = 20.0


class Pager(Sink):
    """A sink as another package would bring it. Its doings are of the class, for the courier makes the objects."""

    class Settings(BaseModel):
        number: int = 0

    news = threading.Condition()
    told: list[tuple[int, str]]
    made: list[tuple[Pager, Context]]
    closed: int
    answer: Callable[[Notice], None]

    def __init__(self, settings: Settings, context: Context) -> None:
        self.settings = settings
        self.made.append((self, context))

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        type(self).answer(notice)
        with self.news:
            self.told.append((self.settings.number, notice.id))
            self.news.notify_all()

    def close(self) -> None:
        type(self).closed += 1

    @classmethod
    def until(cls, count: int) -> list[str]:
        """Wait until it was told so often."""
        with cls.news:
            assert cls.news.wait_for(lambda: len(cls.told) >= count, _PATIENCE_S), cls.told
            return [id for _, id in cls.told]


class _Point:
    """An entry point of a package that is not installed."""

    name, value, dist = "pager", "acme:Pager", None

    @staticmethod
    def load() -> type[Pager]:
        return Pager


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "installed", lambda: {"pager": _Point()})
    # Attempts that fail are tried again at once.
    monkeypatch.setattr(courier, "pause_s", lambda failures, chance: 0.01)
    Pager.told, Pager.made, Pager.closed, Pager.answer = [], [], 0, staticmethod(lambda notice: None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


Open = Callable[..., Office]


@pytest.fixture
def office(store: EventStore) -> Iterator[Open]:
    offices: list[Office] = []

    def start(**sinks: SinkSettings) -> Office:
        offices.append(Office(store.path, sinks, CAMERAS, Log(for_people=False)))
        offices[-1].start()
        return offices[-1]

    yield start
    for each in offices:
        each.close(0.0)


def pager(number: int = 0, **more: Any) -> PluginSettings:
    return PluginSettings.model_validate({"kind": "pager", "number": number, **more})


def pending(store: EventStore) -> Mapping[str, Waiting]:
    with Deliveries(store.path, read_only=True) as deliveries:
        return deliveries.waiting()


def until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, "it never came to be"
        threading.Event().wait(0.005)


def test_what_was_committed_is_delivered_at_a_ring_and_what_was_left_over_at_the_start(
    store: EventStore, office: Open
) -> None:
    left = add(store, 2)
    opened = office(phone=pager())
    assert Pager.until(2) == [notice.id for notice in left]
    until(lambda: not pending(store))
    new = add(store, 1)
    opened.ring()
    assert Pager.until(3)[2] == new[0].id


def test_the_route_is_of_the_sinks_that_there_are(store: EventStore, office: Open) -> None:
    opened = office(phone=pager(alarms=("smoke",)), log=pager())
    assert opened.route(raised()) == ["log"]
    opened.change({"phone": pager()}, CAMERAS)
    assert opened.route(raised()) == ["phone"]


def test_a_sink_that_hangs_delays_nobody_and_is_left_behind(store: EventStore, office: Open) -> None:
    begun, hangs = threading.Event(), threading.Event()

    def answer(notice: Notice) -> None:
        if notice.alarm == "fire":
            begun.set()
            hangs.wait(_PATIENCE_S)

    Pager.answer = staticmethod(answer)
    opened = office(phone=pager(1), log=pager(2))
    stuck = event(alarm="fire")
    store.add(stuck, raised(stuck), ["phone"])
    notices = add(store, 3, ["log"], alarm="smoke")
    opened.ring()
    assert Pager.until(3) == [notice.id for notice in notices]
    assert opened.status()["phone"].pending == 1
    assert begun.wait(_PATIENCE_S)
    opened.close(0.0)
    hangs.set()
    # Not in the midst of the next test.
    Pager.until(4)


def test_couriers_survive_whatever_a_sink_does(store: EventStore, office: Open) -> None:
    failures = iter([OSError("gone"), KeyError("odd"), Unavailable("later")])

    def answer(notice: Notice) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure

    Pager.answer = staticmethod(answer)
    (notice,) = add(store, 1)
    office(phone=pager())
    assert Pager.until(1) == [notice.id]
    # What it did not foresee closes it; that it cannot be reached does not.
    assert len(Pager.made) == 3


def test_a_store_that_is_not_there_yet_is_waited_for(
    store: EventStore, office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, 1)
    aside = store.path.rename(tmp_path / "aside.sqlite")
    opened = office(phone=pager())
    assert opened.status() == {"phone": Waiting()}
    aside.rename(store.path)
    Pager.until(1)


def test_a_store_that_was_begun_anew_is_found(store: EventStore, office: Open, tmp_path: Path) -> None:
    add(store, 1)
    opened = office(phone=pager())
    Pager.until(1)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{store.path}{suffix}").rename(tmp_path / f"damaged{suffix}")
    with EventStore(store.path) as another:
        (notice,) = add(another, 1)
        opened.ring()
        assert Pager.until(2)[1] == notice.id


def test_a_change_exchanges_only_what_is_different(store: EventStore, office: Open) -> None:
    opened = office(phone=pager(1), log=pager(2))
    until(lambda: len(Pager.made) == 2)
    opened.change({"phone": pager(3), "log": pager(2)}, CAMERAS)
    until(lambda: len(Pager.made) == 3 and Pager.closed == 1)
    add(store, 1, ["phone", "log"])
    opened.ring()
    Pager.until(2)
    assert {number for number, _ in Pager.told} == {3, 2}


def test_sinks_learn_of_new_cameras(store: EventStore, office: Open) -> None:
    opened = office(phone=pager())
    until(lambda: len(Pager.made) == 1)
    opened.change({"phone": pager()}, {**CAMERAS, "yard/ramp": ("smoke",)})
    until(lambda: len(Pager.made) == 2)
    assert Pager.made[1][1].cameras["yard/ramp"] == ("smoke",)


def test_sinks_know_what_they_were_told_before(store: EventStore, office: Open) -> None:
    (notice,) = add(store, 1)
    with Deliveries(store.path) as deliveries:
        deliveries.delivered(deliveries.pending("phone", 1))
    office(phone=pager())
    until(lambda: len(Pager.made) == 1)
    assert Pager.made[0][1].standing == [notice]


def test_the_notices_of_a_sink_that_was_removed_stay(
    store: EventStore, office: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = office(phone=pager())
    opened.change({}, CAMERAS)
    add(store, 2)
    opened.ring()
    assert opened.status()["phone"].pending == 2
    opened.change({}, CAMERAS)
    assert "sink phone: no longer configured" in capsys.readouterr().err
    opened.change({"phone": pager()}, CAMERAS)
    Pager.until(2)


def test_closing_delivers_what_can_be(store: EventStore, office: Open) -> None:
    opened = office(phone=pager(fold_after=1))
    notices = add(store, 4)
    opened.close(_PATIENCE_S)
    assert Pager.told[0] == (0, notices[0].id)
    assert len(Pager.told) == 2
    assert not pending(store)
    assert Pager.closed == 1


def test_a_sink_that_is_reachable_again_is_told_at_once(
    store: EventStore, office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "pause_s", lambda failures, chance: 3600.0)
    failed = threading.Event()

    def answer(notice: Notice) -> None:
        failed.set()
        raise Unavailable("no connection")

    Pager.answer = staticmethod(answer)
    (notice,) = add(store, 1)
    office(phone=pager())
    assert failed.wait(_PATIENCE_S)
    Pager.answer = staticmethod(lambda notice: None)
    until(lambda: bool(pending(store)["phone"].pending))
    Pager.made[0][1].reachable()
    assert Pager.until(1) == [notice.id]


def test_a_store_that_fails_is_tried_again_soon_however_long_it_failed(
    store: EventStore, office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def pause_s(failures: int, chance: object) -> float:
        pauses.append(failures)
        return 0.01

    monkeypatch.setattr(courier, "pause_s", pause_s)
    add(store, 1)
    aside = store.path.rename(tmp_path / "aside.sqlite")
    office(phone=pager())
    until(lambda: len(pauses) > 20)
    assert set(pauses) == {1}
    # Nor is that counted as a failure of the sink.
    Pager.answer = staticmethod(_fail_once())
    aside.rename(store.path)
    Pager.until(1)
    assert pauses[-1] == 2


def _fail_once() -> Callable[[Notice], None]:
    failures = iter([Unavailable("later")])

    def answer(notice: Notice) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure

    return answer


def test_a_notice_that_cannot_be_read_stops_no_sink(
    store: EventStore, office: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    _, good = add(store, 2)
    store.open_incident(down := incident())
    store.tell_of(down, Notice.of_incident(down, AT), ["phone"])
    damaged = (f"{down.id}:down", good.id)
    store.database.run("UPDATE deliveries SET notice = '{' WHERE notice_id = ? OR notice_id <> ?", damaged)
    opened = office(phone=pager())
    assert Pager.until(1) == [good.id]
    assert opened.told_down() == []
    until(lambda: pending(store)["phone"].dead == 2)
    assert "a notice cannot be read any more" in capsys.readouterr().err


def test_a_pause_that_was_asked_for_is_kept_though_it_is_rung(
    store: EventStore, office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def answer(notice: Notice) -> None:
        tried.append(notice.id)
        if len(tried) == 1:
            raise Unavailable("too many requests", pause_s=0.5)

    Pager.answer = staticmethod(answer)
    add(store, 1)
    began_s = time.monotonic()
    opened = office(phone=pager())
    while len(tried) < 2:
        opened.ring()
        assert time.monotonic() - began_s < _PATIENCE_S
        threading.Event().wait(0.005)
    assert time.monotonic() - began_s >= 0.5
    Pager.until(1)


def test_a_sink_that_cannot_be_made_is_told_in_the_log(
    store: EventStore, office: Open, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(store, 1, ["log"])
    blocked = tmp_path / "blocked"
    blocked.touch()
    office(log=JsonlSettings(path=blocked / "lines.jsonl"))
    seen: list[str] = []

    def told() -> bool:
        seen.append(capsys.readouterr().err)
        return "sink log: not delivered, tried again" in "".join(seen)

    until(told)
    assert pending(store)["log"].pending == 1
