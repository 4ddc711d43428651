"""When a live source gives up, and what it calls that: with a capture and a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.sources.address import Address
from runtime.sources.live import LiveSource
from runtime.sources.outage import Outage


class Script:
    """A capture whose grabs take the seconds and end as the script says; then the last goes on for ever."""

    def __init__(self, *grabs: tuple[float, bool]) -> None:
        self.now_s = 100.0
        self._grabs: Iterator[tuple[float, bool]] = iter(grabs)
        self._last = grabs[-1]
        self.picture: Any = np.zeros((48, 64, 3), np.uint8)

    def grab(self) -> bool:
        self._last = next(self._grabs, self._last)
        self.now_s += self._last[0]
        return self._last[1]

    def retrieve(self) -> tuple[bool, Any]:
        return self.picture is not None, self.picture

    def get(self, _property: int) -> float:
        return 0.0

    def release(self) -> None:
        pass


def source(script: Script) -> LiveSource:
    address = Address.parse("rtsp://admin:s3cr3t@127.0.0.1/cam")
    return LiveSource(address, script, 8.0, 5.0, clock=lambda: script.now_s)  # type: ignore[arg-type]  # a stand-in


def outage(script: Script) -> Outage:
    live = source(script)
    with pytest.raises(Outage) as caught:
        for _ in range(1000):
            live.grab()
    assert "\n" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    return caught.value


def test_a_frame_counts_as_captured_when_it_came() -> None:
    assert source(Script((0.5, True))).grab() == 100.5


def test_a_frame_that_opencv_hands_over_when_its_limit_runs_out_is_one_of_before() -> None:
    live = source(Script((0.04, True), (4.99, True), (0.04, True)))
    assert [live.grab() for _ in range(3)] == pytest.approx([100.04, 100.04, 105.07])


def test_what_ends_at_once_is_gone() -> None:
    script = Script((0.04, True), (0.04, True), (0.0, False))
    assert outage(script).reason == "gone"
    assert script.now_s == pytest.approx(100.08)


def test_silence_is_a_timeout_after_the_read_timeout() -> None:
    # OpenCV's own limit may end a moment before ours, and is not waited for twice.
    script = Script((0.04, True), (4.99, False))
    assert outage(script).reason == "timeout"
    assert script.now_s == pytest.approx(105.03)


def test_what_comes_and_cannot_be_decoded_is_a_codec() -> None:
    script = Script((0.04, True), (0.04, False))
    assert outage(script).reason == "codec"
    assert script.now_s == pytest.approx(105.0, abs=0.5)


def test_a_few_damaged_frames_are_no_outage() -> None:
    live = source(Script((0.04, True), *[(0.0, False)] * 49, (0.04, True), *[(0.0, False)] * 49, (0.04, True)))
    assert [live.grab() for _ in range(3)] == pytest.approx([100.04, 100.08, 100.12])


def test_the_first_frame_may_take_the_opening_time_as_well() -> None:
    script = Script((5.0, False), (5.0, False), (1.0, True), (5.0, False))
    assert outage(script).reason == "timeout"
    assert script.now_s == pytest.approx(116.0)
    never = Script((5.0, False))
    assert outage(never).reason == "timeout"
    assert never.now_s == pytest.approx(115.0)


def test_an_error_of_opencv_is_a_frame_that_did_not_come() -> None:
    script = Script((0.0, False))

    def fail() -> bool:
        raise cv2.error("broken")

    script.grab = fail  # type: ignore[method-assign]  # as OpenCV does on some devices
    live = LiveSource(Address.parse("0"), script, 1.0, 1.0, clock=lambda: script.now_s)  # type: ignore[arg-type]
    with pytest.raises(Outage):
        live.grab()


@pytest.mark.parametrize(
    "picture",
    [None, np.zeros((48, 64), np.uint8), np.zeros((48, 64, 4), np.uint8), np.zeros((48, 64, 3), np.uint16)],
    ids=["none", "grey", "alpha", "16 bits"],
)
def test_only_pictures_of_three_channels_of_bytes_are_given(picture: Any) -> None:
    script = Script((0.04, True))
    script.picture = picture
    assert source(script).retrieve() is None
