"""Why it fired, and why it did not: told from looks that were judged and recorded as a watch does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.events.entry import Entry
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.journal import Decider, Journal
from runtime.events.media import Media
from runtime.events.near_miss import NearMiss
from runtime.events.store import EventStore
from runtime.events.verdict import Verdict, give
from runtime.judge import Judge, Judgement, Target
from runtime.look import Look, Occasion
from runtime.rule import Change, Rule
from runtime.rule_settings import RuleSettings
from runtime.scorebook import ScoreBook
from runtime.why.fired import Why, why
from runtime.why.silent import Silence, silence
from runtime.zones import Zone

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
MODEL = ModelSpec(
    labels=("normal", "fire"),
    background=("normal",),
    input=InputSpec(height=224, width=224),
    alarms={"fire": AlarmSpec(classes=("fire",))},
)
RULE = RuleSettings(threshold=0.7, mean_threshold=0.6, low_threshold=0.5, window_s=2.0, min_looks=3, quiet_s=2.0)
FIRE = Target("fire")
OFF = Occasion()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as opened:
        yield opened


@dataclass
class Watch:
    """A camera's judge, journal and score book, whose looks a test gives. `began`: the wall clock at its second 0."""

    store: EventStore
    rule: RuleSettings = RULE
    live: bool = True
    began: datetime = NOON
    targets: Sequence[Target] = (FIRE,)
    zones: Sequence[Zone] = ()
    run: str = "one"
    armed: Callable[[float], bool] = lambda time_s: True

    def __post_init__(self) -> None:
        self.now_s = 0.0
        self.found: list[Event | NearMiss] = []
        rules = {target: Rule(self.rule) for target in self.targets}
        self.judge = Judge(MODEL, rules, {zone.name: zone for zone in self.zones})
        decider = Decider("a" * 64, "opencv", "fp32")
        self.journal = Journal(self.store, "yard/gate", decider, self.live, self.run, self._wall)
        self.book = ScoreBook(self.journal, self.judge, MODEL.labels)

    def _wall(self) -> datetime:
        return self.began + timedelta(seconds=self.now_s)

    def looks(
        self, values: Sequence[float], every_s: float = 0.5, start_s: float = 0.0, occasion: Occasion = OFF
    ) -> Watch:
        """Looks at which the whole picture gave `values`; zones see twice as much on the left as on the right."""
        for number, value in enumerate(values):
            self.now_s = start_s + number * every_s
            cam = np.zeros((2, 7, 7), np.float32)
            cam[1, :, :3] = 5.0
            probabilities = {"normal": 1.0 - value, "fire": value}
            alarms = {"fire": value}
            look = Look("yard/gate", self.now_s, number, probabilities, alarms, cam, 480, 640, occasion)
            judgements = self.judge.look(look, lambda alarm: self.armed(self.now_s))
            self.book.add(look, judgements, 0.2 if self.live else None)
            self._enter(judgements)
        return self

    def end(self) -> Watch:
        self._enter(self.judge.finish())
        self.book.flush()
        return self

    def _enter(self, judgements: Sequence[Judgement]) -> None:
        for judgement in judgements:
            if judgement.transition.change is Change.RAISED:
                self.book.flush()
            subject = self.journal.enter(judgement, self.rule)
            if subject is not None:
                self.found.append(subject)


def told(store: EventStore, subject: Event | NearMiss) -> Why:
    return why(store, subject)


def around(store: EventStore, seconds: float, around_s: float = 10.0, alarm: str | None = None) -> Silence:
    return silence(store, "yard/gate", NOON + timedelta(seconds=seconds), around_s, alarm)


def test_why_it_fired_is_the_looks_of_its_window(store: EventStore) -> None:
    watch = Watch(store).looks([0.1, 0.1, 0.8, 0.6, 0.9, 0.9, 0.9, 0.1, 0.1]).end()
    found = told(store, watch.found[0])
    first, own, second, *_ = found.sentences()
    # At 2.5 s: 0.1, 0.8, 0.6, 0.9, 0.9 lie in the window; a half of them are needed, and 0.6 in the mean.
    assert first == (
        "fired at 2.5 s: 3 of 5 looks over 0.70, mean 0.66 of all 5, within 2.0 s; needed in 2 s: 3 looks at least "
        "1 s apart, 50% of them over 0.70, mean 0.60"
    )
    # 0.8, 0.6, 0.9, 0.9: another mean, and named for what it is of.
    assert own == "the event's own mean 0.80 and peak 0.90 are of the 4 looks over its low threshold 0.50, so far"
    lacked = "the share of looks, or of their time, over the threshold, the mean"
    assert second == f"the look before, at 2.0 s (0.90), still lacked {lacked}"
    assert found.decisive is not None
    assert (found.decisive.time_s, found.decisive.state, found.decisive.age_s) == (2.5, "held", 0.2)
    assert found.decisive.at == NOON + timedelta(seconds=2.5)
    assert found.trace is not None
    assert (found.trace.rule, found.trace.model_sha256) == (RULE, "a" * 64)


def test_why_it_did_not_fire_is_what_lacked(store: EventStore) -> None:
    watch = Watch(store).looks([0.6, 0.64], every_s=1.5).looks([0.1] * 5, every_s=1.5, start_s=3.0).end()
    (miss,) = watch.found
    found = told(store, miss)
    assert found.sentences()[0] == "did not fire: 2 of 3 looks, best 0.64 under 0.70"
    assert found.decisive is not None
    assert (found.decisive.time_s, found.decisive.lacks) == (1.5, ("looks", "threshold", "share"))


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.0, 0.45, 0.55, 0.7, 0.8, 1.0]), min_size=5, max_size=60),
    st.sampled_from([0.1, 0.4, 0.9]),
)
def test_what_is_told_of_an_event_always_fulfils_its_rule(values: list[float], every_s: float) -> None:
    rule = replace(RULE, cooldown_s=1.0, quiet_s=0.5, min_duration_s=0.3)
    with TemporaryDirectory() as folder, EventStore(Path(folder) / "events.sqlite") as store:
        Watch(store, rule, live=False).looks(values, every_s).end()
        for event in store.events():
            found = told(store, event)
            assert found.decisive is not None
            assert found.reach is not None
            assert found.reach.lacks(found.decisive.probability, rule) == ()
        for miss in store.misses():
            assert told(store, miss).decisive is not None


def test_looks_that_are_gone_are_said_to_be(store: EventStore) -> None:
    watch = Watch(store).looks([0.9] * 6).end()
    store.database.run("DELETE FROM scores")
    found = told(store, watch.found[0])
    assert found.trace is None
    assert found.sentences()[0].startswith("fired at 1.0 s: looks over the low threshold, mean 0.90")
    assert "not kept any more" in found.sentences()[1]


def test_cooldown_is_the_reason_why_it_came_late(store: EventStore) -> None:
    rule = replace(RULE, cooldown_s=3.0)
    watch = Watch(store, rule).looks([0.9] * 4 + [0.1] * 5 + [0.9] * 12).end()
    second = [each for each in watch.found if isinstance(each, Event) and each.ended_s is None][1]
    assert "it could not fire before: an alarm was over less than 3 s ago (cooldown)" in told(store, second).sentences()


def test_a_zone_is_told_beside_the_whole_picture_and_other_zones(store: EventStore) -> None:
    halves = {"left": (0.0, 0.4), "right": (0.6, 1.0)}
    zones = [Zone(name, ((a, 0.0), (b, 0.0), (b, 1.0), (a, 1.0)), MODEL) for name, (a, b) in halves.items()]
    targets = [Target("fire", "left"), Target("fire", "right")]
    watch = Watch(store, targets=targets, zones=zones).looks([0.3] * 6).end()
    found = told(store, watch.found[0])
    assert str(found.target) == "fire in left"
    assert "judged by the evidence in zone left, 0.99; the whole picture was normal (0.70)" in found.sentences()
    assert "at that look besides: fire in right 0.50" in found.sentences()


def test_a_camera_that_a_reload_added_anew_is_told_by_its_own_looks(store: EventStore) -> None:
    Watch(store).looks([0.1] * 20).end()
    watch = Watch(store, began=NOON + timedelta(seconds=300)).looks([0.9] * 8).end()
    found = told(store, watch.found[0])
    assert found.trace is not None
    assert all(step.probability == 0.9 for step in found.trace.steps)


def test_files_that_are_there_and_the_verdict_are_told(store: EventStore, tmp_path: Path) -> None:
    watch = Watch(store).looks([0.9] * 6).end()
    event = watch.found[0]
    media = Media(store.path)
    for name, kind in (("there.jpg", "snapshot"), ("gone.jpg", "heat")):
        (tmp_path / name).write_bytes(b"x")
        media.register(event, kind, tmp_path / name)  # type: ignore[arg-type]
    media.close()
    (tmp_path / "gone.jpg").unlink()
    give(store.database, Verdict(event.id, "false", "a lamp", NOON.isoformat()))
    found = told(store, event)
    assert [each.path.name for each in found.media] == ["there.jpg"]
    assert found.verdict is not None
    assert found.verdict.note == "a lamp"


# Why nothing was raised at a time.


def test_a_quiet_time_was_seen_and_nothing_was_there(store: EventStore) -> None:
    Watch(store).looks([0.1] * 30 + [0.2] + [0.1] * 30).end()
    (line,) = around(store, 15.0).sentences()
    clock = (NOON + timedelta(seconds=15)).astimezone().strftime("%H:%M:%S")
    assert line == f"fire: 41 looks saw nothing of it, best 0.20 at {clock}, far under its threshold 0.70"


def test_a_near_miss_and_what_its_best_look_lacked(store: EventStore) -> None:
    Watch(store).looks([0.1] * 20 + [0.75] + [0.1] * 20).end()
    first, second = around(store, 10.0).sentences()
    assert "best 0.75 at " in first
    assert first.endswith(
        "over its threshold 0.70; it still lacked the share of looks, or of their time, over the threshold, the mean"
    )
    assert second.startswith("came near (")
    assert second.endswith("1 of 5 looks over 0.70, 50% are needed")


def test_that_it_did_fire_or_was_held_from_before(store: EventStore) -> None:
    Watch(store).looks([0.9] * 100).end()
    for seconds in (1.0, 45.0):
        first = around(store, seconds).sentences()[0]
        assert first.startswith("it did fire: fire at ")
        assert "lasted 49.5 s since its first look, which was 1.0 s before (event " in first
    assert around(store, 45.0).sentences()[1].endswith("over its threshold 0.70; an alarm was held then")
    assert not around(store, 90.0).events


def test_what_was_disarmed_is_not_said_to_have_seen_nothing(store: EventStore) -> None:
    Watch(store, armed=lambda time_s: time_s > 30.0).looks([0.9] * 100).end()
    (line,) = around(store, 15.0).sentences()
    assert line.startswith("fire: not armed then (its schedule, its modes, or the camera's alarms); best 0.90 at ")


def test_a_blind_camera_and_a_program_that_was_off(store: EventStore) -> None:
    Watch(store).looks([0.1] * 10).end()
    began, ended = NOON + timedelta(seconds=55), NOON + timedelta(seconds=90)
    for id, camera, kind in (("1", "yard/gate", "offline"), ("2", "yard/hall", "black"), ("3", None, "backend")):
        store.open_incident(Incident(id, camera, kind, began.isoformat(timespec="milliseconds")))
        store.close_incident(id, ended.isoformat(timespec="milliseconds"))
    entries = [Entry("yard/gate", NOON.isoformat(), name, s) for name, s in (("watched", 60.0), ("not_running", 400.0))]
    store.add_ledger(entries, {})
    lines = around(store, 60.0).sentences()
    assert [line.split(" from ")[0] for line in lines[:2]] == [
        "the camera could not see: offline",
        "the box could not see: backend",
    ]
    assert lines[2] == "edge-resnet was not running for 400 s of 460 s that are booked of the hour"
    assert lines[3] == "no look was recorded then"
    assert not around(store, 300.0).incidents


def test_looks_that_are_too_old_are_not_said_to_have_been_none(store: EventStore) -> None:
    Watch(store).looks([0.1] * 10).end()
    store.add_ledger([Entry("yard/gate", (NOON - timedelta(hours=5)).isoformat(), "watched", 3600.0)], {})
    lines = around(store, -5 * 3600 + 60.0).sentences()
    assert lines == ["no looks are kept of then, though the hour was watched: they are too old, or the disk was full"]


def test_looks_that_a_stream_still_gathers_are_said_to_come(store: EventStore) -> None:
    Watch(store).looks([0.1] * 10).end()
    store.add_ledger([], {"yard/gate": NOON + timedelta(seconds=120)})
    assert around(store, 100.0).sentences()[0].startswith("the looks of then are not written yet")
    assert around(store, 200.0).sentences() == ["no look was recorded then"]


@pytest.mark.parametrize(
    ("occasion", "words"),
    [
        (Occasion("heartbeat"), "the gate was closed"),
        (OFF, "no frame came"),
        (Occasion(attention="watch", attention_why="motion"), "no frame came"),
        (Occasion(attention="glance"), "it was at glances, without a reason to be watched"),
        (
            Occasion(attention="glance", attention_why="site"),
            "it was at glances, to be watched (site) and not, for want of power",
        ),
    ],
)
def test_a_long_pause_between_looks_is_told(store: EventStore, occasion: Occasion, words: str) -> None:
    Watch(store).looks([0.1] * 10, every_s=9.0, occasion=occasion).end()
    assert f"up to 9.0 s passed between two looks: {words}" in around(store, 45.0, 30.0).sentences()[-1]


def test_only_the_alarm_that_is_asked_for_and_cameras_that_are_known(store: EventStore) -> None:
    Watch(store).looks([0.9] * 10).end()
    assert not around(store, 1.0, alarm="smoke").traces
    assert not around(store, 1.0, alarm="smoke").events
    assert around(store, 1.0).known
    assert not silence(store, "yard/roof", NOON, 5.0).known


# What woke a camera, and what else kept it from looking.

GLANCE, MOTION, EVIDENCE = (
    Occasion(attention=rung, attention_why=why)
    for rung, why in (("glance", ""), ("watch", "motion"), ("watch", "evidence"))
)


def test_what_woke_a_camera_on_the_ladder_is_told_of_its_event(store: EventStore) -> None:
    watch = Watch(store).looks([0.1] * 4, 1.0, occasion=GLANCE).looks([0.1] * 5, 0.2, 4.0, MOTION)
    watch.looks([0.9] * 10, 0.2, 5.0, EVIDENCE).end()
    found = told(store, watch.found[0])
    assert "attention: at glances, watched since 4.0 s (motion), watched since 5.0 s (evidence)" in found.sentences()
    assert found.decisive is not None
    assert (found.decisive.attention, found.decisive.attention_why) == ("watch", "evidence")


def test_a_camera_that_is_watched_as_long_as_is_known_was_perhaps_before(store: EventStore) -> None:
    watch = Watch(store).looks([0.1] * 5 + [0.9] * 10, 0.2, occasion=MOTION).end()
    assert "attention: watched since 0.0 s or before (motion)" in told(store, watch.found[0]).sentences()


def test_a_reason_for_which_there_was_no_power_is_told(store: EventStore) -> None:
    starved = replace(EVIDENCE, attention="glance")
    watch = Watch(store).looks([0.1] * 4, 1.0, occasion=GLANCE).looks([0.9] * 5, 1.0, 4.0, starved).end()
    words = "attention: at glances, to be watched (evidence) and not, for want of power"
    assert words in told(store, watch.found[0]).sentences()


def test_a_near_miss_that_waited_for_power_says_so(store: EventStore) -> None:
    starved = replace(EVIDENCE, attention="glance")
    watch = Watch(store).looks([0.1, 0.9], 2.5, occasion=GLANCE).looks([0.1] * 3, 2.5, 5.0, starved).end()
    (miss,) = watch.found
    # Its only look gave the reason; the next says that nothing came of it.
    words = "attention: at glances, since 5.0 s to be watched (evidence) and not, for want of power"
    assert words in told(store, miss).sentences()


def test_a_reason_that_came_within_a_pause_is_not_said_to_have_been_there_before(store: EventStore) -> None:
    starved = replace(MOTION, attention="glance")
    Watch(store).looks([0.1] * 2, 1.0, occasion=GLANCE).looks([0.1] * 2, 1.0, 9.0, starved).end()
    words = "it was at glances, by the end of it to be watched (motion) and not, for want of power"
    assert around(store, 5.0).sentences()[-1] == f"  up to 8.0 s passed between two looks: {words}"


def test_without_a_ladder_nothing_is_told_of_attention(store: EventStore) -> None:
    watch = Watch(store).looks([0.9] * 10).end()
    assert not any("attention" in line for line in told(store, watch.found[0]).sentences())
    assert not any("attention" in line for line in around(store, 2.0).sentences())


def test_the_rungs_of_a_quiet_time_are_told(store: EventStore) -> None:
    Watch(store).looks([0.1] * 4, 1.0, occasion=GLANCE).looks([0.1] * 5, 0.2, 4.0, MOTION).end()
    Watch(store).looks([0.1] * 2, 1.0, 6.0, replace(MOTION, attention="glance")).end()
    starved = "2 looks at glances, to be watched (motion) and not, for want of power"
    assert f"attention: 4 looks at glances; 5 looks watched (motion); {starved}" in around(store, 2.0).sentences()


def test_frames_that_came_before_there_was_an_engine(store: EventStore) -> None:
    Watch(store).looks([0.1] * 10, start_s=40.0).end()
    entries = [Entry("yard/gate", NOON.isoformat(), name, s) for name, s in (("no_engine", 40.0), ("watched", 60.0))]
    store.add_ledger(entries, {})
    lines = around(store, 42.0).sentences()
    assert lines[0].startswith("the engine was being opened for 40 s of 100 s that are booked")
    assert not any("keep up" in line for line in lines)
