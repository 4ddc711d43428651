"""Scores recorded live: footage of each run, its truth from verdicts or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.backtest.conditions import Conditions
from runtime.backtest.footage import Footage
from runtime.backtest.recorded import EARLY_S, MOST_GAP_S, CameraTruth, Recorded, read_camera_truth
from runtime.backtest.replay import replay
from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings, ZoneSettings
from runtime.events.event import Event
from runtime.events.scores import JudgedTarget, Piece, RecordedLook
from runtime.events.store import EventStore
from runtime.events.verdict import Judged, Verdict, give
from runtime.judge import Target
from runtime.rule_settings import RuleSettings
from tests.stand_ins import MODEL
from tests.unit.runtime.backtest.made import FIRE, PERIOD_S, scene

BEGAN = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
SHA = "a" * 64
EVENT = Event(
    "id", "yard/gate", "fire", "fire", None, "2026-11-24", 100.0, 101.0, 120.0, 0.9, 0.9, 90, SHA, "o", "fp32"
)
QUIET = (100, 0.01)
ONE_FIRE = scene(QUIET, (20, 0.9), QUIET)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as opened:
        yield opened


def record(
    store: EventStore,
    values: Sequence[float],
    run: str = "run",
    camera: str = "yard/gate",
    sha: str = SHA,
    first_s: float = 0.0,
    targets: Sequence[tuple[str, str | None]] = (("fire", None),),
    state: str = "watching",
    labels: tuple[str, ...] = MODEL.labels,
) -> None:
    looks = [
        RecordedLook(
            first_s + PERIOD_S * number,
            number,
            0.1,
            "off",
            (1 - value, value),
            (JudgedTarget(value, state),) * len(targets),
        )
        for number, value in enumerate(values)
    ]
    for at in range(0, len(looks), 300):
        part = tuple(looks[at : at + 300])
        written = BEGAN + timedelta(seconds=part[-1].time_s + 0.1)
        rules = (asdict(RuleSettings()),) * len(targets)
        text = written.isoformat(timespec="milliseconds")
        store.add_scores([Piece(run, camera, text, labels, tuple(targets), rules, sha, "o", "fp32", part)])


def footage(
    store: EventStore, conditions: Conditions | None = None, truth: CameraTruth | None = None, since: str = "0000"
) -> list[Footage]:
    return Recorded(store, MODEL, {SHA}, conditions or Conditions()).footage(since, truth)


def judge(store: EventStore, event: Event, verdict: Judged | None) -> None:
    store.add(event)
    if verdict is not None:
        give(store.database, Verdict(event.id, verdict, "", "2026-11-24"))


def test_what_was_recorded_is_replayed_by_another_rule(store: EventStore) -> None:
    record(store, ONE_FIRE)
    (made,) = footage(store)
    assert made.seconds == pytest.approx(PERIOD_S * (len(ONE_FIRE) - 1))
    assert made.evidence[FIRE].probabilities.tolist() == pytest.approx(ONE_FIRE)
    assert made.name == f"yard/gate from {BEGAN.astimezone():%Y-%m-%d %H:%M}"
    (event,) = replay(made, {"fire": RuleSettings(window_s=4.0)})
    assert (event.started_s, event.model_sha256, event.precision) == (100.0, SHA, "fp32")


@pytest.mark.parametrize(
    ("verdict", "expected", "false", "normal_s"),
    [
        ("true", 1, 0, 220.0 - 20.0 - EARLY_S - 1.0),
        ("false", 0, 1, 220.0),
        ("unclear", 0, 0, 220.0 - 22.0),
        (None, 0, 0, 220.0 - 22.0),
    ],
)
def test_verdicts_are_the_truth(
    store: EventStore, verdict: Judged | None, expected: int, false: int, normal_s: float
) -> None:
    record(store, ONE_FIRE)
    judge(store, replace(EVENT, run="run"), verdict)
    judge(store, replace(EVENT, id="other", run="other run"), "true")
    (made,) = footage(store)
    tally = made.tally("fire", replay(made, {"fire": RuleSettings()}))
    assert (tally.expected, tally.found, tally.false) == (expected, expected, false)
    assert tally.normal_s == pytest.approx(normal_s, abs=PERIOD_S)


def test_a_rule_that_raises_a_true_event_earlier_is_right(store: EventStore) -> None:
    record(store, scene((80, 0.01), (20, 0.4), (20, 0.9), QUIET))
    judge(store, replace(EVENT, run="run"), "true")
    (made,) = footage(store)
    tally = made.tally("fire", replay(made, {"fire": RuleSettings(0.3, 0.3, 0.2)}))
    assert (tally.found, tally.false) == (1, 0)
    assert tally.delay_s == pytest.approx(-18.5, abs=0.5)


def test_events_that_nobody_judged_are_no_truth(store: EventStore) -> None:
    record(store, ONE_FIRE)
    judge(store, replace(EVENT, run="run"), None)
    with pytest.raises(UserError, match="nobody has judged its events; edge-resnet events verdict"):
        footage(store)


def test_a_file_of_truth_tells_by_the_clock_on_the_wall(store: EventStore, tmp_path: Path) -> None:
    record(store, ONE_FIRE)
    record(store, ONE_FIRE, run="day before", first_s=-86400.0)
    path = tmp_path / "truth.csv"
    path.write_text("camera,start,end,class\nyard/gate,2026-11-24T12:01:40+00:00,2026-11-24T12:02:00+00:00,fire\n")
    earlier, later = sorted(footage(store, truth=read_camera_truth(path)), key=lambda made: made.watched)
    assert earlier.truth == {"fire": ()}
    (interval,) = later.truth["fire"]
    assert (interval.start_s, interval.end_s) == (pytest.approx(100.0, abs=0.01), pytest.approx(120.0, abs=0.01))


@pytest.mark.parametrize(
    ("row", "told"),
    [("gate,yesterday,2026-11-24,fire", "line 2: write times"), ("g,2026-11-24,2026-11-24,f", "line 2")],
)
def test_a_broken_file_of_truth_is_one_line(tmp_path: Path, row: str, told: str) -> None:
    (tmp_path / "truth.csv").write_text(f"camera,start,end,class\n{row}\n")
    with pytest.raises(UserError, match=told):
        read_camera_truth(tmp_path / "truth.csv")


def test_gaps_were_not_watched_and_disarmed_hours_are_nothing(store: EventStore) -> None:
    record(store, scene((50, 0.01)))
    record(store, scene((50, 0.9)), first_s=50.0 + MOST_GAP_S + 1, state="disarmed")
    record(store, scene((50, 0.01)), first_s=500.0)
    (made,) = footage(store)
    assert made.seconds == pytest.approx(150.0, abs=1.0)
    assert made.normal_s("fire") == pytest.approx(100.0, abs=1.0)
    assert replay(made, {"fire": RuleSettings()}) == ()


def test_scores_of_another_model_are_left_out_and_counted(store: EventStore) -> None:
    record(store, ONE_FIRE)
    record(store, ONE_FIRE, run="older", sha="b" * 64)
    record(store, ONE_FIRE, run="other classes", labels=("fire", "normal"))
    recorded = Recorded(store, MODEL, {SHA}, Conditions())
    assert len(recorded.footage("0000", None)) == 1
    assert recorded.left_out == 2 * len(ONE_FIRE)
    with pytest.raises(UserError, match=r"no scores of this bundle .* \(3300 looks are of another model"):
        Recorded(store, MODEL, {"b" * 63}, Conditions()).footage("0000", None)


def test_since_and_camera_choose(store: EventStore) -> None:
    record(store, ONE_FIRE)
    record(store, ONE_FIRE, run="hall", camera="yard/hall")
    record(store, ONE_FIRE, run="later", first_s=90000.0)
    assert len(footage(store)) == 3
    assert len(footage(store, since="2026-11-25")) == 1
    cameras = {name: CameraSettings(detect="-") for name in ("gate", "hall")}
    config = WatchSettings(sites={"yard": SiteSettings(cameras=cameras)})
    (made,) = footage(store, Conditions(config, "yard/hall"))
    assert made.name.startswith("yard/hall")
    with pytest.raises(UserError, match="no scores of this bundle were recorded since 2027"):
        footage(store, since="2027-01-01")


def test_a_zone_is_judged_by_what_was_recorded_of_it_and_left_out_where_it_was_not(store: EventStore) -> None:
    zone = ZoneSettings(polygon=((0, 0), (1, 0), (1, 1)), alarms=("fire",), threshold=0.95)
    config = WatchSettings(
        sites={"yard": SiteSettings(cameras={"gate": CameraSettings(detect="-", zones={"door": zone})})}
    )
    record(store, ONE_FIRE, targets=(("fire", "door"),))
    record(store, ONE_FIRE, run="without", targets=(("fire", None),))
    recorded = Recorded(store, MODEL, {SHA}, Conditions(config))
    (made,) = recorded.footage("0000", None)
    assert list(made.evidence) == [Target("fire", "door")]
    assert recorded.left_out == len(ONE_FIRE)
    assert replay(made, {"fire": RuleSettings()}) == (), "the zone's own threshold"


def test_a_store_without_scores_is_told(store: EventStore) -> None:
    with pytest.raises(UserError, match="no scores of this bundle"):
        footage(store)
