"""The loop from frames to events, with a source, a store and sinks that the test sees through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.errors import CameraError
from runtime.events.event import Event
from runtime.events.journal import Decider, Journal
from runtime.events.store import EventStore
from runtime.look import Examiner, Look
from runtime.pace import Pace
from runtime.pipeline import Pipeline
from runtime.rule import Rule, RuleSettings
from runtime.sinks.sink import Sink
from runtime.sources.frame import Frame, Wanted
from tests.stand_ins import BRIGHT, DARK, MODEL, Brightness


class Frames:
    """A source of flat frames, 10 a second; fails at its end where told to."""

    name, fps, dropped = "http://***@yard/video", 10.0, 0
    live = False

    def __init__(self, brightness: list[int], failure: Exception | None = None) -> None:
        self.brightness, self.failure, self.seen, self.seen_s = brightness, failure, 0, 0.0

    def frames(self, wanted: Wanted) -> Iterator[Frame]:
        for number, value in enumerate(self.brightness):
            self.seen, self.seen_s = number + 1, number / self.fps
            if wanted(number / self.fps):
                yield Frame(np.full((48, 64, 3), value, np.uint8), number / self.fps, number)
        if self.failure:
            raise self.failure

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


class Recorder(Sink):
    """Keeps all it is told, and what the store held at that moment."""

    def __init__(self, store: EventStore, pictures: bool = False) -> None:
        self.store, self.wants_pictures = store, pictures
        self.looks: list[Look] = []
        self.events: list[Event] = []
        self.stored: list[list[Event]] = []
        self.pictures: list[tuple[float, npt.NDArray[np.uint8]]] = []

    def look(self, look: Look) -> None:
        self.looks.append(look)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.stored.append(self.store.events())

    def picture(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        self.pictures.append((time_s, image))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


def pipeline(source: Frames, store: EventStore, *sinks: Sink, max_seconds: float | None = None) -> Pipeline:
    return Pipeline(
        source=source,
        examiner=Examiner(Brightness(), MODEL),
        rules={"fire": Rule(RuleSettings())},
        journal=Journal(store, source.name, Decider("0" * 64, "brightness", "fp32"), source.live),
        sinks=sinks,
        pace=Pace(5.0),
        max_seconds=max_seconds,
    )


ONE_FIRE = [DARK] * 50 + [BRIGHT] * 50 + [DARK] * 100


def test_a_fire_is_one_event_written_before_it_is_told(store: EventStore) -> None:
    recorder = Recorder(store)
    run = pipeline(Frames(ONE_FIRE), store, recorder)
    run.run()
    raised, cleared = recorder.events
    assert recorder.stored == [[raised], [cleared]]
    assert (raised.started_s, raised.raised_s, raised.ended_s) == (5.0, 6.0, None)
    assert (cleared.id, cleared.ended_s) == (raised.id, pytest.approx(9.8))
    assert run.looks == len(recorder.looks) == 100
    assert not recorder.pictures


def test_calm_frames_are_no_event(store: EventStore) -> None:
    pipeline(Frames([DARK] * 200), store).run()
    assert not store.events()


def test_a_replay_gives_the_same_events(store: EventStore) -> None:
    noise = np.random.default_rng(7).choice([DARK, 128, BRIGHT], 600).tolist()
    seen = []
    for _ in range(2):
        recorder = Recorder(store)
        pipeline(Frames(noise), store, recorder).run()
        seen.append([(event.started_s, event.raised_s, event.ended_s, event.mean) for event in recorder.events])
    assert seen[0] == seen[1]
    assert seen[0]


def test_what_is_held_when_a_camera_fails_is_ended_in_the_store_and_told(store: EventStore) -> None:
    recorder = Recorder(store)
    with pytest.raises(CameraError, match="gone"):
        pipeline(Frames([BRIGHT] * 30, CameraError("gone")), store, recorder).run()
    assert [event.ended_s for event in store.events()] == [pytest.approx(2.8)]
    assert recorder.events[1:] == store.events()


def test_a_sink_that_fails_takes_no_event_with_it(store: EventStore) -> None:
    class Broken(Sink):
        def event(self, event: Event) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        pipeline(Frames(ONE_FIRE), store, Broken()).run()
    assert [event.ended_s is not None for event in store.events()] == [True]


def test_it_ends_after_so_many_seconds_of_the_stream(store: EventStore) -> None:
    run = pipeline(Frames([DARK] * 100), store, max_seconds=3.0)
    run.run()
    assert run.looks == 15


def test_pictures_are_made_of_every_frame_and_only_for_who_wants_them(store: EventStore) -> None:
    recorder = Recorder(store, pictures=True)
    run = pipeline(Frames(ONE_FIRE), store, recorder)
    run.run()
    assert [time_s for time_s, _ in recorder.pictures] == [number / 10 for number in range(200)]
    assert run.looks == 100
    before, during = recorder.pictures[10][1], recorder.pictures[80][1]
    # The band of the alarm, on a grey frame: red over green.
    assert before[4, 50, 2] == before[4, 50, 1]
    assert int(during[4, 50, 2]) - int(during[4, 50, 1]) > 100
