"""A camera as the watch has it: what its reading thread left here, taken by the main thread.

A live camera has a slot of one shot: the newest wins, and the one that it replaces is counted as dropped. A file's
thread waits until its shot was taken, so that none is lost. A thread that hangs inside a library cannot be stopped in
Python; it is left behind, and another takes its place.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.cameras.backoff import Backoff
from runtime.cameras.reader import DROPPED, STAGES, Came, Open, Reader
from runtime.cameras.shot import Maker, Shot
from runtime.pace import Pace
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.outage import Outage

# So many threads of one camera may hang; then no other is begun until one of them comes back.
MOST_HANGING = 3
# Of the time to the next frame that can be had: one that comes on the beat but for its jitter is in time.
_NEARLY = 0.9
# A look that was lost is made up for so long after it at the soonest: where all are lost, little more is asked for.
_AGAIN_S = 2.0
# Corrected for what waited in buffers, the time of a live frame may seem to go back a little; it never does.
_LEAST_STEP_S = 1e-6


@dataclass(frozen=True)
class News:
    """How a camera does. Times are seconds of the clock.

    `came`: frames so far, `came_at_s`: when the last came, `last_s`: its time in the stream. `outage`: why there are
    none, since `outage_at_s`; None while connected or before the first attempt ended. `reconnects`: how often it came
    back. `ended`: no more will come.
    """

    came: int = 0
    came_at_s: float | None = None
    last_s: float = 0.0
    outage: Outage | None = None
    outage_at_s: float = 0.0
    reconnects: int = 0
    ended: bool = False


class Camera:
    """One camera, file or folder. Opening and reading happen on its own thread; all else here returns at once."""

    def __init__(
        self,
        name: str,
        address: Address,
        maker: Maker,
        looks: Pace | None,
        pictures: Pace | None,
        bell: threading.Event,
        *,
        open_timeout_s: float,
        read_timeout_s: float,
        open: Open = open_source,
        backoff: Callable[[], Backoff] = Backoff,
        clock: Callable[[], float] = time.monotonic,
        by_answers: bool = False,
    ) -> None:
        """`looks`, `pictures`: which frames are made into shots for a look, and for people (None for none).

        `bell` is set whenever there is news. `by_answers`: what is read next depends on the answer to a shot, so a file
        waits for `answered`; a live camera cannot.
        """
        self.name, self.address, self.live = name, address, address.live
        self.looks, self.pictures = looks, pictures
        self.maker, self.bell = maker, bell
        self.open, self.backoff, self.clock = open, backoff(), clock
        self.open_timeout_s, self.read_timeout_s = open_timeout_s, read_timeout_s
        self.ending, self._lock = threading.Event(), threading.Condition()
        # All reasons from the start: the main thread reads it while the reading thread counts.
        self.dropped = Counter(dict.fromkeys(DROPPED, 0))
        # The processor's time that its reading threads took, in seconds by stage.
        self.cpu_s = dict.fromkeys(STAGES, 0.0)
        # What decodes, known with the first frame; empty where there is no choice.
        self.decoder = ""
        # While no look is overdue (may_skip_s); and what it will be from the next frame that can be had anyway.
        self._skip_s = self._next_skip_s = 0.0
        self._zero_s, self._looked_s = clock(), float("-inf")
        # From when a look is due whatever the pace says, and when the last such look was.
        self._due_by_s, self._made_up_s = float("inf"), float("-inf")
        self._by_answers, self._unanswered = by_answers and not address.live, False
        self._news = News()
        self._shot: Shot | None = None
        self._picture: Shot | None = None
        self._waiting_since_s: float | None = None
        self._reader: Reader | None = None
        self._hanging: list[Reader] = []

    def start(self) -> None:
        """Begin to open and read."""
        self._reader = Reader(self)
        self._reader.start()

    def take(self) -> Shot | None:
        """The shot that waits, if any; the slot is free again."""
        with self._lock:
            shot, self._shot, self._waiting_since_s = self._shot, None, None
            self._unanswered = self._by_answers and shot is not None
            self._lock.notify_all()
            return shot

    def answered(self) -> None:
        """What was taken last has been judged, or never will be."""
        with self._lock:
            self._unanswered = False
            self._lock.notify_all()

    def skip(self, skip_s: float, *, patient: bool = False) -> None:
        """For so long after a key frame frames may be passed over from now on, while no look is overdue.

        `patient`: not before a frame comes that can be had anyway, such as the next key frame. To have those at once
        that were passed over since the last one, all of them have to be decoded.
        """
        with self._lock:
            self._next_skip_s = skip_s
            if not patient:
                self._skip_s = skip_s

    def missed(self, shot: Shot) -> None:
        """A due shot that was taken is never looked at: another frame is due in its place."""
        self.due_by(shot, shot.frame.time_s + _AGAIN_S)

    def due_by(self, shot: Shot, time_s: float) -> None:
        """A look at `shot` was not all that is needed: the next is due at `time_s` of the stream at the latest.

        Not so where a newer one was left since: it stands for this one.
        """
        with self._lock:
            if shot.frame.time_s == self._looked_s:
                self._due_by_s = time_s

    def take_picture(self) -> Shot | None:
        """The newest shot of a live camera for people's eyes, if there is one that was not taken before."""
        with self._lock:
            picture, self._picture = self._picture, None
            return picture

    @property
    def waiting_since_s(self) -> float | None:
        """Since when a shot waits, or one that a newer one replaced; None when there is none."""
        return self._waiting_since_s

    def news(self) -> News:
        """How it does."""
        return self._news

    def mend(self, now_s: float) -> bool:
        """Replace the reading thread if it hangs, or has died. Whether it did."""
        reader = self._reader
        if reader is None or not self.live or self.ending.is_set() or self._news.ended:
            return False
        if reader.is_alive():
            self._hanging = [each for each in self._hanging if each.is_alive()]
            if not reader.hangs(now_s) or len(self._hanging) >= MOST_HANGING:
                return False
            self._hanging.append(reader)
            outage = Outage(self.name, "timeout", "it hangs; a new connection is tried beside it")
        else:
            outage = Outage(self.name, "resources", "its thread has died; another is tried")
        self.lost(reader, outage, now_s)
        self.start()
        return True

    def stop(self) -> None:
        """Ask the thread to end. Returns at once, and may be called by any thread or signal handler."""
        self.ending.set()

    def join(self, patience_s: float) -> None:
        """Wait for the thread to end; one that hangs is a daemon, and ends with the process."""
        if self._reader is not None and self._reader.is_alive():
            self._reader.join(patience_s)

    # What the reading thread tells. One that was left behind has nothing more to say.

    def is_read_by(self, reader: Reader) -> bool:
        """Whether the thread is still the one that reads this camera, and is to go on."""
        return self._reader is reader and not self.ending.is_set()

    def may_skip_s(self) -> float:
        """For how long after a key frame frames may be passed over now: not at all once a look is overdue.

        The key frames that came tell when the next will come, and may be wrong. A look is overdue `skip_s` (see skip)
        after the last, where the box can give as many, and when it is due by now (due_by), but for this only once each
        `skip_s`: where one look after the other is lost, key frames have to do, or a box that cannot keep up would
        decode more.
        """
        last_s = self._news.last_s
        since_s = self._made_up_s if last_s >= self._due_by_s else self._looked_s
        overdue = self._is_due(last_s) and last_s - since_s >= self._skip_s
        return 0.0 if overdue else self._skip_s

    def came(self, reader: Reader, now_s: float, grabbed_s: float, at_hand: bool, next_s: float) -> Came | None:
        """A frame came, `grabbed_s` as the source says. None when the thread is to end.

        `at_hand`: it can be retrieved. `next_s`: seconds until the next that can; it is due now if that came too late.
        """
        with self._lock:
            if not self.is_read_by(reader):
                return None
            before = self._news
            if before.outage is not None:
                self.backoff.succeeded()
            reconnects = before.reconnects + (before.outage is not None and before.came > 0)
            least_s = before.last_s + _LEAST_STEP_S if before.came else 0.0
            time_s = max(grabbed_s - self._zero_s if self.live else grabbed_s, least_s)
            self._news = News(before.came + 1, now_s, time_s, reconnects=reconnects)
            if at_hand:
                self._skip_s = self._next_skip_s
        late_s = time_s + _NEARLY * next_s
        shown = self.pictures is not None and self.pictures.is_due(late_s)
        return Came(time_s, before.came, at_hand and self._is_due(late_s), at_hand and shown)

    def lost(self, reader: Reader, outage: Outage, now_s: float) -> None:
        """There is no connection, or no more."""
        with self._lock:
            if self._reader is not reader:
                return
            since_s = now_s if self._news.outage is None else self._news.outage_at_s
            self._news = replace(self._news, outage=outage, outage_at_s=since_s)
        self.bell.set()

    def ended(self, reader: Reader) -> None:
        """A file or folder is at its end."""
        with self._lock:
            self._news = replace(self._news, ended=self._news.ended or self._reader is reader)
        self.bell.set()

    def put(self, reader: Reader, shot: Shot, shown: bool) -> None:
        """Leave a shot, for people too where `shown`; of a file, wait until the one before was taken."""
        with self._lock:
            while not self.live and self._shot is not None and self.is_read_by(reader):
                self._lock.wait(0.2)
            if not self.is_read_by(reader):
                return
            self._keep_pace(shot, shown)
            if shot.due or not self.live:
                if self._shot is not None:
                    self.dropped["superseded"] += 1
                else:
                    self._waiting_since_s = self.clock()
                self._shot = shot
            if shown and self.live:
                self._picture = shot
            self.bell.set()
            while self._by_answers and (self._shot is shot or self._unanswered) and self.is_read_by(reader):
                self._lock.wait(0.2)

    def _is_due(self, time_s: float) -> bool:
        """Whether a frame of `time_s` is to be looked at: on the beat, or since one is due by then (due_by)."""
        return self.looks is not None and (time_s >= self._due_by_s or self.looks.is_due(time_s))

    def _keep_pace(self, shot: Shot, shown: bool) -> None:
        """What was made counts as a look, and as shown; what could not be made did not."""
        for pace, made in ((self.looks, shot.due), (self.pictures, shown)):
            if pace is not None and made:
                pace.take(shot.frame.time_s)
        if shot.due:
            self._looked_s = shot.frame.time_s
            if self._looked_s >= self._due_by_s:
                self._made_up_s = self._looked_s
            self._due_by_s = float("inf")
