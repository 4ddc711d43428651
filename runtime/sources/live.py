"""What devices and network streams share: each frame as it comes, and an outage when none comes."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2

from runtime.sources.address import Address
from runtime.sources.capture import MAX_BAD_FRAMES, retrieve_image, stated_fps
from runtime.sources.frame import EveryFrame, Image
from runtime.sources.outage import Outage

_MAX_FPS = 240.0
# At the end of a stream grab() fails at once, for a frame that cannot be decoded only when its packets have come. 50
# failures within a tenth of a second are no stream: 500 frames a second.
_END_S = 0.1
# OpenCV's limit may end a moment before ours; then it is not to begin once more.
_LIMIT_SHARE = 0.95
# Failures that took longer than this waited for something.
_WAITED_S = 0.5

Clock = Callable[[], float]


class LiveSource(EveryFrame):
    """An open capture whose frames are of now. Until its first frame it may take the opening's limit as well.

    For many cameras send a key frame only every 10 s, and nothing can be decoded before it.
    """

    live = True

    def __init__(
        self,
        address: Address,
        capture: cv2.VideoCapture,
        open_timeout_s: float,
        read_timeout_s: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = address.name
        self.fps = stated_fps(capture, _MAX_FPS)
        self._capture = capture
        self._read_timeout_s = read_timeout_s
        self._limit_s = open_timeout_s + read_timeout_s
        self._clock = clock

    def grab(self) -> float:
        """Wait for the next frame; its time on the monotonic clock. Raises Outage: gone, timeout or codec.

        Blocks for twice the read time-out at most (OpenCV's own limit may begin just before ours ends), for the first
        frame that much longer than the opening's.
        """
        started_s = self._clock()
        self._next()
        now_s = self._clock()
        # When its limit runs out OpenCV first hands over the frame that it had kept back: one of before the silence.
        return started_s if now_s - started_s >= _LIMIT_SHARE * self._read_timeout_s else now_s

    def retrieve(self) -> Image | None:
        """The picture of the frame that was grabbed last; None when it cannot be decoded. Its size may change."""
        return retrieve_image(self._capture)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _next(self) -> None:
        """Grab until a frame comes."""
        started_s = since_s = self._clock()
        bad, fast = 0, 0
        while not self._grabbed():
            now_s = self._clock()
            bad += now_s - since_s < _WAITED_S
            fast = fast + 1 if now_s - since_s < _END_S / MAX_BAD_FRAMES else 0
            since_s = now_s
            if fast >= MAX_BAD_FRAMES:
                raise self._gone()
            if now_s - started_s >= _LIMIT_SHARE * self._limit_s:
                raise self._silent(bad, now_s - started_s)
        self._limit_s = self._read_timeout_s

    def _grabbed(self) -> bool:
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def _gone(self) -> Outage:
        return Outage(self.name, "gone", "the stream has ended; is the camera still on?")

    def _silent(self, bad: int, silent_s: float) -> Outage:
        if bad >= MAX_BAD_FRAMES:
            return Outage(
                self.name, "codec", f"nothing could be decoded for {silent_s:.0f} s; set it to H.264 or H.265"
            )
        return Outage(self.name, "timeout", f"no frame for {silent_s:.0f} s; is it still on, is the network well?")
