"""A camera and what it tells of its reading thread, with sources that the test controls frame by frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from itertools import pairwise

import pytest

from runtime.pace import Pace
from runtime.sources.outage import Outage
from tests.unit.runtime.cameras.fed import FILE, Fed, Rig, feed


def test_the_newest_frame_of_a_live_camera_wins_and_the_others_are_counted(rig: Callable[..., Rig]) -> None:
    at = rig()
    feed(at, 50.1, 50.2, 50.3)
    at.until(lambda news: news.came == 3 and at.camera.dropped["superseded"] == 2)
    shot = at.camera.take()
    assert shot is not None
    assert (shot.frame.index, shot.frame.captured_s) == (2, 50.3)
    assert shot.frame.time_s == pytest.approx(0.3)
    assert at.camera.take() is None
    assert at.camera.dropped["superseded"] == 2


def test_a_file_waits_for_every_frame_to_be_taken(rig: Callable[..., Rig]) -> None:
    at = rig(FILE)
    feed(at, 0.0, 0.1, 0.2, None)
    at.until(lambda news: news.came >= 2)
    # Time enough to go on, for one that did not wait.
    assert not threading.Event().wait(0.1)
    assert at.camera.news().came == 2
    times_s = []
    while not (at.camera.news().ended and at.camera.waiting_since_s is None):
        shot = at.camera.take()
        if shot is not None:
            times_s.append(shot.frame.time_s)
    assert times_s == [0.0, 0.1, 0.2]
    assert at.camera.dropped.total() == 0


def test_only_frames_that_are_due_become_pictures(rig: Callable[..., Rig]) -> None:
    at = rig(looks=Pace(1.0))
    source = feed(at, *(50.0 + number / 10 for number in range(21)))
    at.until(lambda news: news.came == 21 and source.food.empty())
    assert source.retrieved == 3


def test_it_opens_again_after_a_loss_and_time_goes_on(rig: Callable[..., Rig]) -> None:
    at = rig()
    at.sources.put(Outage("yard", "refused", "is it on?"))
    first = feed(at, 50.5, Outage("yard", "gone", "is it still on?"))
    feed(at, 51.5)
    news = at.until(lambda news: news.came == 2)
    assert first.closed.wait(5)
    assert (news.reconnects, news.outage) == (1, None)
    shot = at.camera.take()
    assert shot is not None
    assert shot.frame.time_s == pytest.approx(1.5)
    assert shot.frame.index == 1


def test_a_frame_ends_the_outage_for_the_backoff_too(rig: Callable[..., Rig]) -> None:
    at = rig()
    outages: list[float] = []
    at.camera.backoff.failed = lambda now_s: outages.append(now_s) or 0.0  # type: ignore[func-returns-value,method-assign]
    at.camera.backoff.succeeded = lambda: outages.append(-1.0)  # type: ignore[method-assign]
    at.sources.put(Outage("yard", "refused", "is it on?"))
    feed(at, 50.5, 50.6, Outage("yard", "gone", "is it still on?"))
    at.until(lambda news: len(outages) == 3)
    assert outages == [50.0, -1.0, 50.0]


def test_an_outage_is_told_with_its_reason_and_since_when(rig: Callable[..., Rig]) -> None:
    at = rig()
    at.now_s = 60.0
    for _ in range(2):
        at.sources.put(Outage("yard", "unauthorised", "check user and password"))
    at.until(lambda news: news.outage is not None and at.sources.empty())
    news = at.camera.news()
    assert news.outage is not None
    assert (news.outage.reason, news.outage_at_s, news.came_at_s) == ("unauthorised", 60.0, None)


def test_time_of_a_live_camera_only_grows(rig: Callable[..., Rig]) -> None:
    at = rig(looks=Pace(1e6))
    at.sources.put(source := Fed(True))
    times_s = []
    for captured_s in (50.2, 50.1, 50.3):
        source.food.put(captured_s)
        while (shot := at.camera.take()) is None:
            at.bell.wait(1)
            at.bell.clear()
        times_s.append(shot.frame.time_s)
    assert times_s == sorted(set(times_s))


@pytest.mark.parametrize("last_words", [57.1, Outage("yard", "gone", "is it still on?")])
def test_a_thread_that_hangs_is_replaced_and_what_it_says_later_is_ignored(
    rig: Callable[..., Rig], last_words: float | Outage
) -> None:
    at = rig()
    stuck = feed(at, 50.1)
    at.until(lambda news: news.came == 1)
    at.now_s += 6.9
    assert not at.camera.mend(at.now_s)
    at.now_s += 1.0
    assert at.camera.mend(at.now_s)
    assert at.camera.news().outage is not None
    feed(at, 57.0)
    at.until(lambda news: news.came == 2)
    stuck.food.put(last_words)
    assert stuck.closed.wait(5)
    news = at.camera.news()
    assert (news.came, news.outage) == (2, None)


def test_no_more_than_three_threads_hang_for_one_camera(rig: Callable[..., Rig]) -> None:
    at = rig()
    sources = []
    for _ in range(4):
        sources.append(feed(at, at.now_s))
        came = len(sources)
        at.until(lambda news, came=came: news.came == came)
        at.now_s += 10.0
        mended = at.camera.mend(at.now_s)
    assert not mended
    sources[0].food.put(at.now_s)
    assert sources[0].closed.wait(5)
    at.until(lambda news: at.camera.mend(at.now_s))
    for source in sources:
        source.food.put(None)


def test_frames_that_cannot_be_decoded_are_counted_and_many_of_them_are_an_outage(rig: Callable[..., Rig]) -> None:
    at = rig()
    source = Fed(True)
    source.decodes = False
    for number in range(50):
        source.food.put(50.0 + number)
    at.sources.put(source)
    news = at.until(lambda news: news.outage is not None)
    assert news.outage is not None
    assert news.outage.reason == "codec"
    assert at.camera.dropped["undecodable"] == 50


def test_pictures_for_people_do_not_take_the_place_of_looks(rig: Callable[..., Rig]) -> None:
    at = rig(looks=Pace(1.0), pictures=Pace(100.0))
    source = feed(at, 50.0, 50.1, 50.2)
    at.until(lambda news: news.came == 3 and source.retrieved == 3)
    while (picture := at.camera.take_picture()) is None or picture.frame.index < 2:
        at.bell.wait(1)
    shot = at.camera.take()
    assert shot is not None
    assert (shot.frame.index, shot.due, picture.due) == (0, True, False)
    assert at.camera.dropped.total() == 0


class Passing(Fed):
    """A source whose frames are passed over but for a key frame each so many; it remembers what it was allowed to."""

    def __init__(self, live: bool, every: int, period_s: float) -> None:
        super().__init__(live)
        self._every, self._number, self._period_s = every, -1, period_s
        self.skips: list[float] = []
        self.demuxed_s = 0.0

    @property
    def at_hand(self) -> bool:  # type: ignore[override]
        return self.skip_s == 0.0 or self._number % self._every == 0

    @property
    def key_period_s(self) -> float:  # type: ignore[override]
        return self._period_s if self.skip_s else 0.0

    @property
    def demux_cpu_s(self) -> float:  # type: ignore[override]
        return self.demuxed_s

    def grab(self) -> float | None:
        grabbed_s = super().grab()
        self._number += 1
        self.demuxed_s += 0.25
        self.skips.append(self.skip_s)
        return grabbed_s


def pass_over(rig: Rig, source: Passing, *food: float | None) -> Passing:
    for each in food:
        source.food.put(each)
    rig.sources.put(source)
    return source


def looked_at(rig: Rig, lost: Container[int] = ()) -> list[int]:
    """The numbers of the frames that come for a look, until the file ends. `lost`: those that are never looked at."""
    numbers = []
    while not rig.camera.news().ended:
        rig.bell.wait(1)
        rig.bell.clear()
        if (shot := rig.camera.take()) is not None:
            numbers.append(shot.frame.index)
            if shot.frame.index in lost:
                rig.camera.missed(shot)
            rig.camera.answered()
    return numbers


def test_only_frames_at_hand_are_looked_at_and_all_are_counted(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, by_answers=True)
    at.camera.skip(4.0)
    source = pass_over(at, Passing(False, 5, 0.5), *(number / 10 for number in range(20)), None)
    assert looked_at(at) == [0, 5, 10, 15]
    assert source.retrieved == 4
    assert at.camera.news().came == 20
    # Before the first look none is passed over.
    assert source.skips == [0.0, *[4.0] * 20]


def test_a_patient_change_begins_with_the_next_frame_that_can_be_had_anyway(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, by_answers=True)
    at.camera.skip(4.0)
    source = pass_over(at, Passing(False, 5, 0.5), *(number / 10 for number in range(13)), None)
    for number in (0, 5):
        at.until(lambda news: at.camera.waiting_since_s is not None)
        shot = at.camera.take()
        assert shot is not None
        assert shot.frame.index == number
        if number:
            # In the middle of the group that frame 5 has begun.
            at.camera.skip(0.0, patient=True)
        at.camera.answered()
    assert looked_at(at)[0] == 10
    assert source.skips == [0.0, *[4.0] * 10, 0.0, 0.0, 0.0]


def test_a_file_waits_for_the_answer_before_it_reads_on(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, by_answers=True)
    source = pass_over(at, Passing(False, 1, 0.0), 0.0, 0.1, 0.2, None)
    at.until(lambda news: at.camera.waiting_since_s is not None)
    assert at.camera.take() is not None
    # Taken, and not yet judged: what the answer says of the next frame must count for it.
    assert not threading.Event().wait(0.1)
    assert at.camera.news().came == 1
    at.camera.skip(7.0)
    at.camera.answered()
    at.until(lambda news: news.came == 2)
    assert source.skips == [0.0, 7.0]


def test_a_live_camera_waits_for_no_answer(rig: Callable[..., Rig]) -> None:
    at = rig(by_answers=True)
    feed(at, 50.1, 50.2, 50.3)
    at.until(lambda news: news.came == 3)


def test_the_time_of_the_processor_is_booked_by_stage(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, by_answers=True)
    pass_over(at, Passing(False, 1, 0.0), 0.0, 0.1, None)
    looked_at(at)
    assert set(at.camera.cpu_s) == {"demux", "decode", "scale"}
    # As the source says; the end of the file is a call as well.
    assert at.camera.cpu_s["demux"] == pytest.approx(0.75)


def test_what_decodes_is_known_once_a_frame_has_come(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, by_answers=True)
    source = Passing(False, 1, 0.0)
    source.decoder = "vaapi"
    assert at.camera.decoder == ""
    pass_over(at, source, 0.0, None)
    looked_at(at)
    assert at.camera.decoder == "vaapi"


@pytest.mark.parametrize("key_period_s", [1.0, 3.0, 4.0, 6.0])
def test_however_key_frames_fall_a_heartbeat_is_never_late(rig: Callable[..., Rig], key_period_s: float) -> None:
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    at.camera.skip(10.0)
    every = round(10 * key_period_s)
    pass_over(at, Passing(False, every, key_period_s), *(number / 10 for number in range(2000)), None)
    numbers = looked_at(at)
    assert max(later - earlier for earlier, later in pairwise(numbers)) <= 100


@pytest.mark.parametrize("key_period_s", [2.0, 2.1])
def test_a_key_frame_before_the_last_that_comes_in_time_is_not_looked_at(
    rig: Callable[..., Rig], key_period_s: float
) -> None:
    """As far as the key frames tell: the next may come on the beat, or a little after it."""
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    at.camera.skip(10.0)
    pass_over(at, Passing(False, 20, key_period_s), *(number / 10 for number in range(600)), None)
    assert looked_at(at) == [0, 100, 200, 300, 400, 500]


def test_a_look_that_was_lost_is_made_up_for_though_frames_are_passed_over(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    at.camera.skip(10.0)
    pass_over(at, Passing(False, 80, 8.0), *(number / 10 for number in range(300)), None)
    # Two seconds later, with the frame after the one by which it is known.
    assert looked_at(at, {80}) == [0, 80, 101, 160, 240]


def test_where_all_looks_are_lost_key_frames_have_to_do(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    at.camera.skip(10.0)
    source = pass_over(at, Passing(False, 30, 3.0), *(number / 10 for number in range(1000)), None)
    assert looked_at(at, range(1000)) == [0, 21, *range(30, 1000, 30)]
    # The first frame of all, and the one in the place of the first that was lost.
    assert source.skips.count(0.0) == 2


def test_where_all_looks_are_lost_few_more_are_asked_for(rig: Callable[..., Rig]) -> None:
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    feed(at, *(number / 10 for number in range(100)), None)
    assert looked_at(at, range(100)) == [0, 20, 40, 60, 80]


def test_a_newer_frame_stands_for_one_that_was_lost(rig: Callable[..., Rig]) -> None:
    at = rig(looks=Pace(1 / 10))
    source = feed(at, 50.0)
    at.until(lambda news: at.camera.waiting_since_s is not None)
    lost = at.camera.take()
    assert lost is not None
    source.food.put(60.0)
    at.until(lambda news: at.camera.waiting_since_s is not None)
    at.camera.missed(lost)
    source.food.put(63.0)
    at.until(lambda news: news.came == 3 and source.retrieved == 2)
    shot = at.camera.take()
    assert shot is not None
    assert shot.frame.index == 1
    # The newer one was lost as well.
    at.camera.missed(shot)
    source.food.put(63.1)
    at.until(lambda news: at.camera.waiting_since_s is not None)


@pytest.mark.parametrize(("key_frames_only", "looked"), [(False, [70]), (True, [71])])
def test_what_is_due_by_a_moment_is_looked_at_then_whatever_the_pace_and_the_key_frames_are(
    rig: Callable[..., Rig], key_frames_only: bool, looked: list[int]
) -> None:
    at = rig(FILE, looks=Pace(1 / 10), by_answers=True)
    at.camera.skip(10.0 * key_frames_only)
    pass_over(at, Passing(False, 1000, 100.0), *(number / 10 for number in range(90)), None)
    at.until(lambda news: at.camera.waiting_since_s is not None)
    shot = at.camera.take()
    assert shot is not None
    at.camera.due_by(shot, 7.0)
    at.camera.answered()
    assert looked_at(at) == looked
