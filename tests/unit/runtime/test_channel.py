"""What happens to the frames of one camera: masks, gate, armed hours, the large stream, blindness and the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.attention import Reason, Rung
from runtime.cameras.measure import Seen, blocks_of
from runtime.cameras.shot import Shot
from runtime.channel import PERIODS, Channel
from runtime.config.schedule import Period, Schedule
from runtime.config.settings import AlarmSettings, GateSettings
from runtime.events.store import EventStore
from runtime.judge import Target
from runtime.look import Look, looks
from runtime.outputs.output import Output
from runtime.sources.frame import Frame
from runtime.standing import standing
from tests.stand_ins import BRIGHT, DARK, MODEL, Brightness
from tests.unit.runtime.feed import NOW, Frames, Recorder, Room

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def test_what_is_masked_is_neither_classified_nor_shown(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        Room(store, {"yard": Frames([BRIGHT] * 50)}, recorder, screen=True, masks=(LEFT,)).run()
    # The stand-in sees fire in what is bright: half a picture is black now.
    assert all(look.cam[1, :, :3].max() < 0 < look.cam[1, :, 5:].min() for look in recorder.looks)
    # Looked at above the panel of probabilities.
    assert all(image[8:12, :20].max() == 0 for _, image in recorder.pictures)


def test_a_gate_leaves_out_what_stands_still_but_for_the_heartbeat(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        gate = GateSettings(enabled=True)
        room = Room(store, {"yard": Frames([DARK] * 600)}, recorder, gate=gate, heartbeat=10.0)
        room.run()
    assert [look.time_s for look in recorder.looks] == pytest.approx([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    assert room.watch.channels["yard"].dropped["still"] == 300 - 6


def test_an_alarm_that_is_held_keeps_the_gate_open_until_quiet_was_seen(tmp_path: Path) -> None:
    fire = [DARK] * 20 + [BRIGHT] * 300 + [DARK] * 300
    seen = []
    for gate in (GateSettings(), GateSettings(enabled=True, hold_open=1.0)):
        with EventStore(tmp_path / f"events{len(seen)}.sqlite") as store:
            recorder = Recorder(store)
            Room(store, {"yard": Frames(fire)}, recorder, gate=gate).run()
        seen.append([(event.alarm, event.raised_s, event.ended_s) for event in recorder.events])
        # Five seconds of quiet, looked at five times a second, then it is over.
        assert len([look for look in recorder.looks if 32.0 <= look.time_s <= 37.0]) == 26
    assert seen[0] == seen[1]
    assert len(seen[0]) == 2


def test_for_an_alarm_that_is_never_gated_every_due_frame_is_looked_at(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        gate = GateSettings(enabled=True, never_for=("fire",))
        Room(store, {"yard": Frames([DARK] * 100)}, recorder, gate=gate).run()
    assert len(recorder.looks) == 50


# NOW is a Tuesday at noon, UTC.
NIGHTS = Schedule(periods=(Period(start="22:00", end="06:00"),))


@pytest.mark.parametrize(("hours_later", "events"), [(0, 0), (11, 2)])
def test_an_alarm_is_raised_only_while_it_is_armed(tmp_path: Path, hours_later: int, events: int) -> None:
    whole = {"schedules": {"nights": NIGHTS}, "alarms": {"fire": AlarmSettings(schedule="nights")}}
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        now = NOW.astimezone() + timedelta(hours=hours_later)
        # Whatever the machine's time zone: the local clock shows NOW's hours.
        local = now.replace(hour=(12 + hours_later) % 24)
        Room(store, {"yard": Frames([BRIGHT] * 100)}, recorder, whole=whole, wall=lambda: local).run()
    assert len(recorder.looks) == 50
    assert len(recorder.events) == events


def test_arming_in_the_middle_of_a_fire_raises_it(tmp_path: Path) -> None:
    whole = {"schedules": {"nights": NIGHTS}, "alarms": {"fire": AlarmSettings(schedule="nights")}}
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)

        def wall() -> datetime:
            # Ten looks after the beginning it is night.
            return NOW.astimezone().replace(hour=23 if len(recorder.looks) >= 10 else 12)

        Room(store, {"yard": Frames([BRIGHT] * 200)}, recorder, whole=whole, wall=wall).run()
    raised = recorder.events[0]
    assert raised.started_s == pytest.approx(2.0, abs=0.3)
    assert raised.raised_s >= 3.0


def test_the_rule_is_what_the_configuration_makes_of_the_bundles(tmp_path: Path) -> None:
    whole = {"alarms": {"fire": AlarmSettings(window=6.0, min_looks=20)}}
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        Room(store, {"yard": Frames([BRIGHT] * 100)}, recorder, whole=whole).run()
    assert recorder.events[0].raised_s == pytest.approx(3.8)


def test_a_camera_that_watches_for_no_alarm_raises_none(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        Room(store, {"yard": Frames([BRIGHT] * 100)}, recorder, alarms=()).run()
    assert not recorder.events


def test_a_mask_over_all_of_a_picture_leaves_it_black(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        recorder = Recorder(store)
        Room(store, {"yard": Frames([BRIGHT] * 20)}, recorder, masks=(WHOLE,)).run()
    assert all(np.all(look.cam[1] < -8.0) for look in recorder.looks)


def test_what_is_held_is_told_with_its_highest_probability(tmp_path: Path) -> None:
    class Peaks(Output):
        seen: list[tuple[bool, float]]

        def look(self, look: Look) -> None:
            channel = room.watch.channels["yard"]
            self.seen.append((bool(channel.journal.held), channel.peaks[Target("fire")]))

    output = Peaks()
    output.seen = []
    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([DARK] * 20 + [BRIGHT] * 40 + [DARK] * 100)}, output)
        room.run()
    held = [peak for is_held, peak in output.seen if is_held]
    free = [peak for is_held, peak in output.seen if not is_held]
    # Also while the picture is dark again, and the alarm is held still; afterwards it begins anew.
    assert len(held) > 25
    assert min(held) > 0.9
    assert free[-1] < 0.1


class Stage:
    """A channel on the ladder that is shown frames by hand, each at its time of the clock."""

    def __init__(self, store: EventStore, live: bool = True, **options: Any) -> None:
        room = Room(store, {"yard": Frames([], live=live)}, attention="ladder", **options)
        room.watch.inference.close()
        self.clock = room.clock
        self.channel: Channel = room.assembly.channel("yard")
        assert self.channel.attention is not None
        self.attention = self.channel.attention
        self._number = 0

    def show(self, level: int, at_s: float, intruder: bool = False, flash: bool = False) -> bool:
        """A frame of this brightness to the network, in which the gate sees a yard; whether it was looked at."""
        image = np.full((32, 64, 3), level, np.uint8)
        points = np.random.default_rng(self._number).integers(0, 4, (90, 160)) + np.arange(20, 180)
        points[20:70, 40:80] += 60 * intruder
        # Backwards: another picture of the same levels, for which the gate makes up.
        points = points[:, ::-1] if flash else points
        points = points.astype(np.uint8)
        seen = Seen(points, blocks_of(points), 180.0, 30.0, 0.2)
        frame = Frame(image, at_s - 1000.0, self._number, at_s if self.channel.in_time else 0.0, "yard")
        self._number += 1
        shot = Shot(frame, seen, image)
        if not self.channel.admit(shot, at_s):
            return False
        (look,) = looks(MODEL, [frame], Brightness().infer(image[None]))
        self.channel.take(shot, look, at_s)
        return True

    def turn(self, at_s: float) -> tuple[Rung, Reason | None]:
        """What it wants, which is granted."""
        self.channel.turn(at_s)
        self.channel.grant(self.attention.wants)
        return self.attention.wants, self.attention.reason


def test_a_look_over_half_the_low_threshold_is_a_reason_to_watch(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        stage.show(DARK, 1001.0)
        assert stage.turn(1001.0) == (Rung.GLANCE, None)
        # A probability of 0.3, where 0.35 is the low threshold.
        stage.show(117, 1002.0)
        assert stage.turn(1002.0) == (Rung.WATCH, Reason.EVIDENCE)
        stage.show(DARK, 1003.0)
        assert stage.turn(1012.0)[0] is Rung.WATCH
        assert stage.turn(1012.1)[0] is Rung.GLANCE


def test_an_alarm_that_is_held_keeps_it_watched_whatever_is_seen(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        for number in range(10):
            stage.show(BRIGHT, 1001.0 + number / 5)
        assert stage.channel.journal.held
        stage.show(DARK, 1020.0)
        assert stage.turn(1029.0) == (Rung.WATCH, Reason.EVIDENCE)


def test_motion_is_a_reason_to_watch_though_the_gate_is_off_and_leaves_nothing_out(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        # Every frame is looked at, whether anything moves or not.
        assert all(stage.show(DARK, 1001.0 + number) for number in range(30))
        assert stage.turn(1030.0) == (Rung.GLANCE, None)
        assert stage.show(DARK, 1031.0, intruder=True)
        assert stage.turn(1031.0) == (Rung.WATCH, Reason.MOTION)


def test_a_flash_over_the_whole_picture_is_a_reason_to_watch(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        stage.show(DARK, 1001.0)
        stage.show(DARK, 1002.0, flash=True)
        assert stage.turn(1002.0) == (Rung.WATCH, Reason.MOTION)


def test_motion_is_news_again_after_looks_that_saw_none_and_not_after_a_time_without_looks(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        stage.show(DARK, 1001.0)
        stage.show(DARK, 1002.0, intruder=True)
        assert stage.turn(1002.0) == (Rung.WATCH, Reason.MOTION)
        stage.show(DARK, 1003.0, intruder=True)
        assert stage.turn(1050.0) == (Rung.GLANCE, None)
        stage.show(DARK, 1051.0, intruder=True)
        assert stage.turn(1051.0) == (Rung.GLANCE, None)
        # The gate's background has the intruder in it by then, and takes some looks to forget it.
        for second in range(60):
            stage.show(DARK, 1100.0 + second)
        stage.show(DARK, 1160.0, intruder=True)
        assert stage.turn(1160.0) == (Rung.WATCH, Reason.MOTION)
        # Going on is no waking.
        stage.turn(1161.0)
        assert standing(stage.channel, 1160.0).woken == {"motion": 2}


def test_a_camera_that_is_denied_says_what_it_wants_and_is_due_what_its_rung_gives(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store)
        stage.channel.alarm_nearby(1001.0)
        stage.channel.turn(1001.0)
        stage.channel.grant(Rung.GLANCE)
        status = standing(stage.channel, 1001.0)
    assert (status.wanted_per_s, stage.channel.due_per_s) == (5.0, 1.0)
    assert (status.attention, status.attention_why, status.woken) == ("glance", "site", {})


def test_disarmed_it_sleeps_and_evidence_of_what_is_not_armed_does_not_wake_it(tmp_path: Path) -> None:
    whole = {"schedules": {"nights": NIGHTS}, "alarms": {"fire": AlarmSettings(schedule="nights")}}
    hour = [12]
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store, whole=whole, wall=lambda: NOW.astimezone().replace(hour=hour[0]))
        stage.show(BRIGHT, 1001.0)
        assert stage.turn(1001.0) == (Rung.ASLEEP, None)
        hour[0] = 23
        assert stage.turn(1002.0) == (Rung.GLANCE, None)
        stage.show(BRIGHT, 1003.0)
        assert stage.turn(1003.0) == (Rung.WATCH, Reason.EVIDENCE)


def test_the_rung_that_is_granted_says_what_may_be_passed_over_and_how_far_apart_looks_may_be(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store, heartbeat=60.0)
        channel, now_s = stage.channel, 1000.0
        assert channel.sight is not None
        assert channel.ledger is not None
        blindness = channel.settings.blindness
        for rung, skip_s, per_s, gap_s in (
            (Rung.ASLEEP, 60.0, 1 / 60, 60.0),
            (Rung.GLANCE, 4.0, 1.0, 4.0),
            (Rung.WATCH, 0.0, 5.0, 0.2),
        ):
            channel.grant(rung)
            # Down to less with the next look: what is between it and the one before was seen as that one allowed.
            now_s += 1.0
            stage.show(DARK, now_s)
            assert (channel.camera._skip_s, channel.due_per_s) == (skip_s, pytest.approx(per_s))
            assert channel.watched == (rung is Rung.WATCH)
            assert standing(channel, 1001.0).attention == rung.name.lower()
            assert channel.sight.gap.longest_s == pytest.approx(max(blindness.offline_after, PERIODS * gap_s))
            assert channel.ledger.gap.longest_s == pytest.approx(max(blindness.stale_after, PERIODS * gap_s))


def test_a_sleeping_camera_that_is_looked_at_each_heartbeat_is_watched_by_the_ledger(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store, heartbeat=30.0)
        assert stage.channel.ledger is not None
        assert stage.channel.sight is not None
        stage.channel.grant(Rung.ASLEEP)
        for tenth in range(1, 3001):
            now_s = 1000.0 + tenth / 10
            stage.channel.sight.came(now_s)
            if tenth % 300 == 10:
                stage.show(DARK, now_s)
            stage.channel.tick(now_s)
        stage.channel.settle(1300.0)
        totals = stage.channel.ledger.totals
    # But for the time after the last look, when none may come any more.
    assert totals["watched"] == pytest.approx(270.0, abs=2.0)
    assert stage.channel.sight.state == "live"


@pytest.mark.parametrize(("rung", "apart_s"), [(Rung.ASLEEP, 10.0), (Rung.GLANCE, 4.0)])
def test_waking_up_makes_nothing_unseen_that_was_seen(tmp_path: Path, rung: Rung, apart_s: float) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store, heartbeat=10.0)
        channel = stage.channel
        assert channel.ledger is not None
        assert channel.sight is not None
        channel.grant(rung)
        # The last look before it wakes is nearly as old as it may be then.
        woken_s = 1001.0 + 5 * apart_s - 0.1
        looked_s = [1001.0 + number * apart_s for number in range(5)]
        looked_s += [woken_s + 0.2 * (number + 1) for number in range(20)]
        for tenth in range(1, 10 * round(looked_s[-1] - 1000.0)):
            now_s = 1000.0 + tenth / 10
            if now_s == pytest.approx(woken_s):
                channel.grant(Rung.WATCH)
            channel.sight.came(now_s)
            while looked_s and looked_s[0] <= now_s:
                stage.show(DARK, looked_s.pop(0))
            channel.tick(now_s)
        assert set(channel.ledger.totals) == {"starting", "watched"}
        # Awake, it is asked for more.
        channel.settle(now_s + 5.0)
        assert channel.ledger.totals["not_looked"] > 1.5


def test_a_file_goes_by_its_own_time(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        stage = Stage(store, live=False)
        stage.show(BRIGHT, 1003.0)
        assert stage.turn(3.0) == (Rung.WATCH, Reason.EVIDENCE)
        assert stage.turn(13.0)[0] is Rung.WATCH
        assert stage.turn(13.1)[0] is Rung.GLANCE


def test_where_no_frame_can_be_passed_over_nothing_is_turned(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([], live=True)}, decoder="opencv")
        room.watch.inference.close()
        channel = room.watch.channels["yard"]
        channel.grant(Rung.ASLEEP)
        channel.alarm_nearby(1000.0)
        assert not channel.turn(1000.0)
    assert (channel.camera._skip_s, channel.watched, channel.wanted_per_s) == (0.0, False, 5.0)
    assert standing(channel, 1001.0).attention == ""


def test_without_a_ladder_a_rung_is_told_only_where_it_had_to_come_down(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([], live=True)})
        room.watch.inference.close()
        channel = room.watch.channels["yard"]
        told = []
        for rung in (Rung.WATCH, Rung.GLANCE, Rung.WATCH):
            channel.grant(rung)
            status = standing(channel, 1001.0)
            told.append((channel.camera._skip_s, status.attention, status.attention_why))
    assert told == [(0.0, "", ""), (4.0, "glance", "always"), (0.0, "", "")]
