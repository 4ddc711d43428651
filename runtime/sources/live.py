"""A live camera: captured on a thread of its own, and the newest frame wins.

The thread grabs every frame as it comes, so that none waits in a buffer and what is looked at is never old. It turns
only wanted frames into pictures and puts them into a slot of one; a frame that is still there when the next one comes
is lost, and counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np

from edge_resnet.errors import CameraError
from runtime.sources.address import Address
from runtime.sources.capture import MAX_BAD_FRAMES, OPEN_TIMEOUT_S, READ_TIMEOUT_S, open_capture
from runtime.sources.frame import Frame, Wanted

_USUAL_FPS = 25.0
_MAX_FPS = 240.0
# How much longer than the capture's own limits we wait: some backends (V4L2) have none that can be set.
_GRACE_S = 2.0


class LiveSource:
    """Frames of a device or URL as they come, with the time since watching began."""

    live = True

    def __init__(
        self, address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Connect, and wait for the first frame. Raises CameraError when there is none within the time limits."""
        self.name = address.name
        self.fps = _USUAL_FPS
        self.seen = 0
        self.seen_s = 0.0
        self.dropped = 0
        self._address = address
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        # Guards all below; notified whenever one of them changes.
        self._news = threading.Condition()
        self._slot: Frame | None = None
        self._wanted: Wanted | None = None
        self._zero_s = 0.0
        self._grabbed_at_s: float | None = None
        self._failure: str | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._capture, name="capture", daemon=True)
        self._thread.start()
        self._await_first_frame()

    def frames(self, wanted: Wanted) -> Iterator[Frame]:
        """The newest wanted frame each time one is asked for. Raises CameraError when the camera stops giving any.

        Time, `seen` and `dropped` count from here: what came before was not watched.
        """
        with self._news:
            self._wanted, self._zero_s, self._grabbed_at_s = wanted, time.monotonic(), time.monotonic()
        while (frame := self._take()) is not None:
            yield frame

    def interrupt(self) -> None:
        """Make `frames` end, also while it waits."""
        # No lock here: a signal handler may run while this very thread holds it. The waiting side looks again soon.
        self._ending = True

    def close(self) -> None:
        """Stop the thread, which lets go of the camera. One that hangs in a dead camera is left behind (a daemon)."""
        self._ending = True
        self._thread.join(timeout=_GRACE_S)

    def _take(self) -> Frame | None:
        with self._news:
            while self._slot is None and not self._ending:
                self._check_failure(self._read_timeout_s)
                self._news.wait(timeout=0.2)
            frame, self._slot = self._slot, None
            return frame

    def _await_first_frame(self) -> None:
        started_s = time.monotonic()
        with self._news:
            while self._grabbed_at_s is None:
                waited_s = time.monotonic() - started_s
                if self._failure or waited_s > self._open_timeout_s + self._read_timeout_s + _GRACE_S:
                    self._ending = True
                    raise self._error(waited_s, self._advice)
                self._news.wait(timeout=0.2)

    @property
    def _advice(self) -> str:
        if self._address.kind == "device":
            return f"is /dev/video{self._address.target} there, yours to read, and not in use?"
        return "check address, user and password, and that the camera is on"

    def _check_failure(self, limit_s: float) -> None:
        assert self._grabbed_at_s is not None
        silent_s = time.monotonic() - self._grabbed_at_s
        if self._failure or silent_s > limit_s + _GRACE_S:
            raise self._error(silent_s, "is it still on?")

    def _error(self, silent_s: float, advice: str) -> CameraError:
        reason = self._failure or "gives no frame"
        return CameraError(f"camera {self.name}: {reason} (waited {silent_s:.0f} s); {advice}")

    def _capture(self) -> None:
        """The thread: open, grab until the end, let go."""
        try:
            capture = open_capture(self._address, self._open_timeout_s, self._read_timeout_s)
            try:
                self._grab_all(capture)
            finally:
                capture.release()
        except cv2.error:
            self._fail("gives what OpenCV cannot read")

    def _grab_all(self, capture: cv2.VideoCapture) -> None:
        if not capture.isOpened():
            self._fail("does not open")
            return
        stated_fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = stated_fps if 0.0 < stated_fps <= _MAX_FPS else _USUAL_FPS
        good_at_s, bad_in_a_row = time.monotonic(), 0
        while not self._ending and bad_in_a_row < MAX_BAD_FRAMES:
            good, now_s = capture.grab(), time.monotonic()
            if good:
                good_at_s, bad_in_a_row = now_s, 0
                self._grabbed(capture, now_s)
            elif now_s - good_at_s > self._read_timeout_s:
                break
            else:
                bad_in_a_row += 1
        self._fail("gives no more frames")

    def _grabbed(self, capture: cv2.VideoCapture, now_s: float) -> None:
        with self._news:
            self._grabbed_at_s = now_s
            self._news.notify_all()
            if self._wanted is None or now_s < self._zero_s:
                return
            time_s, index = now_s - self._zero_s, self.seen
            self.seen, self.seen_s = index + 1, time_s
            if not self._wanted(time_s):
                return
        good, image = capture.retrieve()
        if not good:
            return
        with self._news:
            self.dropped += self._slot is not None
            self._slot = Frame(np.asarray(image, np.uint8), time_s, index)
            self._news.notify_all()

    def _fail(self, reason: str) -> None:
        with self._news:
            self._failure = reason
            self._news.notify_all()
