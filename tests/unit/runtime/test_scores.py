"""Every look is recorded as it was judged, and what was raised is on the disk with what raised it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.cameras.shot import Shot
from runtime.config.settings import AlarmSettings, GateSettings
from runtime.events import scores
from runtime.events.database import Damaged, Database
from runtime.events.event import Event
from runtime.events.journal import Decider, Journal
from runtime.events.near_miss import NearMiss
from runtime.events.scores import JudgedTarget, Piece, RecordedLook
from runtime.events.store import EventStore
from runtime.judge import Judge
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.scorebook import ScoreBook
from tests.stand_ins import BRIGHT, DARK, MODEL
from tests.unit.runtime.feed import Frames, Recorder, Room

shares = st.floats(0.0, 1.0).map(lambda value: round(value, 6))
times_s = st.floats(0.0, 1e6).map(lambda value: round(value, 3))
looks = st.builds(
    RecordedLook,
    time_s=times_s,
    index=st.integers(0, 10**9),
    age_s=st.none() | times_s,
    gate=st.sampled_from(["off", "motion", "heartbeat"]),
    probabilities=st.tuples(shares, shares),
    targets=st.tuples(st.builds(JudgedTarget, shares, st.just("watching"), st.just(("looks", "share")))),
)
PIECE = Piece(
    run="a run",
    camera="yard",
    created_at="2026-11-24T12:00:00.000+00:00",
    labels=("normal", "fire"),
    targets=(("fire", None),),
    rules=({"threshold": 0.5},),
    model_sha256="ab" * 32,
    backend="opencv",
    precision="fp32",
    looks=(
        RecordedLook(1.0, 5, None, "off", (0.25, 0.75), (JudgedTarget(0.75, "held"),)),
        RecordedLook(1.2, 6, None, "off", (0.25, 0.75), (JudgedTarget(0.75, "held"),), "watch", "evidence"),
    ),
)


@settings(max_examples=30)
@given(st.lists(looks, min_size=1, max_size=20))
def test_what_was_recorded_is_read(recorded: list[RecordedLook]) -> None:
    database = Database(Path(":memory:"))
    piece = replace(PIECE, looks=tuple(sorted(recorded, key=lambda look: look.time_s)))
    scores.write(database, [piece])
    assert scores.read(database, "a run", "yard") == [piece]
    assert scores.read(database, "a run", "gate") == []
    database.close()


def test_pieces_are_found_by_the_stream_s_time_and_by_the_clock(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        later = replace(
            PIECE, created_at="2026-11-24T13:00:00.000+00:00", looks=(replace(PIECE.looks[0], time_s=60.0),)
        )
        store.add_scores([PIECE, later])
        assert scores.read(store.database, "a run", "yard", 30.0) == [later]
        assert scores.read(store.database, "a run", "yard", -math.inf, 30.0) == [PIECE]
        assert scores.read_between(store.database, "2026-11-24T12:30", "2026-11-25") == [later]


@pytest.mark.parametrize("body", [b"", b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_scores_that_are_damaged_are_told_in_a_line(tmp_path: Path, body: bytes) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add_scores([PIECE])
        store.database.run("UPDATE scores SET body = ?", (body,))
        with pytest.raises(Damaged, match="recorded scores of yard cannot be read"):
            scores.read(store.database, "a run", "yard")


def recorded(store: EventStore) -> list[RecordedLook]:
    ((run, camera),) = store.database.rows("SELECT DISTINCT run, camera FROM scores")
    return [look for piece in scores.read(store.database, run, camera) for look in piece.looks]


def test_a_watch_records_each_look_as_it_was_judged(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([DARK] * 20 + [BRIGHT] * 40 + [DARK] * 200)}, Recorder())
        room.run()
        found = recorded(store)
        (event,) = store.events()
        (piece, *_) = scores.read(store.database, event.run, "yard")
    assert len(found) == room.watch.channels["yard"].looks == 130
    assert [look.targets[0].state for look in found[::10]] == [
        *["watching"] * 2, *["held"] * 4, *["cooldown"] * 5, *["watching"] * 2,
    ]  # fmt: skip
    raised = next(look for look in found if look.time_s == pytest.approx(event.raised_s))
    assert raised.targets[0].lacks == ()
    before = found[found.index(raised) - 1]
    assert before.targets[0].lacks == ("share", "mean")
    assert (before.gate, before.age_s) == ("off", None)
    (rule,) = room.watch.channels["yard"].judge.rules.values()
    assert piece.rules == (asdict(rule.settings),)
    assert sum(before.probabilities) == pytest.approx(1.0, abs=1e-5)


@dataclass
class Desk:
    """A store that counts the pieces it is given."""

    pieces: list[Piece] = field(default_factory=list)

    def add_scores(self, pieces: Sequence[Piece]) -> None:
        self.pieces += pieces


@pytest.mark.parametrize(("every_s", "most"), [(0.2, 3), (5.0, 8)])
def test_cameras_that_begin_together_do_not_all_write_together(every_s: float, most: int) -> None:
    desk, together = Desk(), list[int]()
    journals = [Journal(desk, f"yard/{n}", Decider("", "", ""), live=True) for n in range(16)]  # type: ignore[arg-type]
    books = [ScoreBook(journal, Judge(MODEL, {}, {}), MODEL.labels) for journal in journals]
    for number in range(int(600 / every_s)):
        time_s, before = number * every_s, len(desk.pieces)
        look = Look("", time_s, number, {"normal": 0.75, "fire": 0.25}, {}, np.zeros((2, 1, 1), np.float32), 1, 1)
        for book in books:
            book.add(look, [], None)
        together.append(len(desk.pieces) - before)
    assert max(together) <= most
    # None waits longer for it.
    assert max(piece.looks[-1].time_s - piece.looks[0].time_s for piece in desk.pieces) <= 60.0


def test_why_it_was_raised_is_on_the_disk_when_it_is_told(tmp_path: Path) -> None:
    class Witness(Output):
        looks = 0

        def event(self, event: Event) -> None:
            with EventStore(tmp_path / "events.sqlite", read_only=True) as reader:
                self.looks = self.looks or len(recorded(reader))

    witness = Witness()
    with EventStore(tmp_path / "events.sqlite") as store:
        Room(store, {"yard": Frames([DARK] * 20 + [BRIGHT] * 40)}, witness).run()
        (event,) = store.events()
    assert witness.looks == pytest.approx(event.raised_s / 0.2 + 1)


def test_a_near_miss_is_kept_with_the_shot_that_came_nearest(tmp_path: Path) -> None:
    class Evidence(Output):
        def __init__(self) -> None:
            self.seen: list[tuple[Event | NearMiss, float]] = []

        def evidence(self, subject: Event | NearMiss, shot: Shot, look: Look) -> None:
            assert shot.frame.time_s == look.time_s
            self.seen.append((subject, look.time_s))

    evidence = Evidence()
    with EventStore(tmp_path / "events.sqlite") as store:
        flash = [DARK] * 20 + [132, 134, 131, 131] + [DARK] * 60
        Room(store, {"yard": Frames(flash)}, evidence).run()
        (miss,) = store.misses()
    assert evidence.seen == [(miss, pytest.approx(miss.best_s))]
    assert miss.best_s == pytest.approx(2.0)
    assert "1 of" in miss.reason or "2 of" in miss.reason


def test_an_event_is_shown_by_the_look_that_raised_it(tmp_path: Path) -> None:
    class Evidence(Output):
        times: list[float]

        def evidence(self, subject: Event | NearMiss, shot: Shot, look: Look) -> None:
            self.times.append(shot.frame.time_s)

    evidence = Evidence()
    evidence.times = []
    with EventStore(tmp_path / "events.sqlite") as store:
        Room(store, {"yard": Frames([DARK] * 20 + [BRIGHT] * 40 + [DARK] * 100)}, evidence).run()
        (event,) = store.events()
    assert evidence.times == [pytest.approx(event.raised_s)]


def test_the_gate_s_reason_is_recorded(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        Room(store, {"yard": Frames([DARK] * 300)}, Recorder(), gate=GateSettings(enabled=True)).run()
        assert {look.gate for look in recorded(store)} == {"first", "heartbeat"}


def test_a_disarmed_alarm_is_recorded_as_such(tmp_path: Path) -> None:
    whole = {"alarms": {"fire": AlarmSettings(modes=())}}
    with EventStore(tmp_path / "events.sqlite") as store:
        Room(store, {"yard": Frames([BRIGHT] * 60)}, Recorder(), whole=whole).run()
        assert {look.targets[0].state for look in recorded(store)} == {"disarmed"}
        assert store.events() == []
