"""What happens to the frames of one camera: masks, gate, armed hours, the large stream, blindness and the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from runtime.config.schedule import Period, Schedule
from runtime.config.settings import AlarmSettings, GateSettings
from runtime.events.store import EventStore
from runtime.judge import Target
from runtime.look import Look
from runtime.outputs.output import Output
from tests.stand_ins import BRIGHT, DARK
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
