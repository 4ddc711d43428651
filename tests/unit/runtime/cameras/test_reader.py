"""The thread that reads a camera, when what it reads or makes of it fails: it goes on, or another does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.cameras.reader import DROPPED
from runtime.cameras.shot import Shot, Undecodable
from runtime.pace import Pace
from runtime.sources.frame import Frame
from tests.unit.runtime.cameras.fed import Fed, Plain, Rig, feed


class Failing(Plain):
    """Cannot make a shot of some frames."""

    def __init__(self, error: Exception, frames: range) -> None:
        self._error, self._frames = error, frames

    def make(self, frame: Frame, due: bool) -> Shot:
        if frame.index in self._frames:
            raise self._error
        return super().make(frame, due)


def test_a_frame_that_no_picture_can_be_made_of_is_counted_and_the_next_is_looked_at(rig: Callable[..., Rig]) -> None:
    # A look in 10 s, and none of the three but the last can be had.
    at = rig(looks=Pace(0.1))
    at.camera.maker = Failing(Undecodable("damaged"), range(2))  # type: ignore[assignment]
    feed(at, 50.0, 50.1, 50.2, 50.3)
    at.until(lambda news: news.came == 4)
    shot = at.camera.take()
    assert shot is not None
    assert shot.frame.index == 2
    assert at.camera.dropped["undecodable"] == 2
    assert at.camera.news().outage is None


def test_when_no_picture_can_be_made_for_long_it_is_an_outage(rig: Callable[..., Rig]) -> None:
    at = rig()
    at.camera.maker = Failing(Undecodable("damaged"), range(50))  # type: ignore[assignment]
    feed(at, *(50.0 + number for number in range(50)))
    news = at.until(lambda news: news.outage is not None)
    assert news.outage is not None
    assert news.outage.reason == "codec"


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), OSError(), TypeError("of the library")])
def test_whatever_fails_is_an_outage_and_it_is_opened_again(rig: Callable[..., Rig], error: Exception) -> None:
    at = rig()
    at.camera.maker = Failing(error, range(1))  # type: ignore[assignment]
    first = feed(at, 50.0)
    news = at.until(lambda news: news.outage is not None)
    assert news.outage is not None
    assert news.outage.reason == "resources"
    assert type(error).__name__ in news.outage.why
    assert first.closed.wait(5)
    feed(at, 51.0)
    at.until(lambda news: (news.came, news.outage, news.reconnects) == (2, None, 1))


class Deadly(Fed):
    """Ends its thread in a way that no exception handler may stop."""

    def grab(self) -> float | None:
        raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_died_is_replaced(rig: Callable[..., Rig]) -> None:
    at = rig()
    assert not at.camera.mend(at.now_s)
    at.sources.put(Deadly(live=True))
    at.until(lambda news: at.camera.mend(at.now_s))
    assert at.camera.news().outage is not None
    source = feed(at, 51.0)
    at.until(lambda news: (news.came, news.outage) == (1, None))
    # Not so one that has ended because it was asked to.
    at.camera.stop()
    source.food.put(52.0)
    at.camera.join(5)
    assert not at.camera.mend(at.now_s)


def test_all_reasons_are_there_from_the_start_since_another_thread_reads_while_they_are_counted(
    rig: Callable[..., Rig],
) -> None:
    at = rig()
    before = list(at.camera.dropped)
    at.camera.maker = Failing(Undecodable("damaged"), range(1))  # type: ignore[assignment]
    feed(at, 50.0, 50.1, 50.2)
    at.until(lambda news: news.came == 3 and at.camera.dropped["superseded"] == 1)
    assert list(at.camera.dropped) == before == list(DROPPED)
