"""What waits, put together into batches: whose frames go to the engine next, and what is under way there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from runtime.cameras.shot import Shot
from runtime.channel import Channel
from runtime.dispatch import Turns
from runtime.inference import Inference

# A file's frames are never dropped: a batch that so many engines could not answer is given up.
_MOST_TRIES = 3


@dataclass(frozen=True)
class Limits:
    """`max_wait_s`: how long a due frame waits for others. `max_batch`: frames at once. `max_seconds`: None for no end,
    else of each file's own time, and of the watch for live cameras.
    """

    max_wait_s: float = 0.05
    max_batch: int = 8
    max_seconds: float | None = None


@dataclass
class Batch:
    """What is being classified, and how often it was tried."""

    shots: list[tuple[Channel, Shot]]
    tries: int = 1


@dataclass
class Batcher:
    """Gives the engine batches while it takes more. The main thread alone uses it.

    `channels`: by name, as the watch has them. `passed` is told of each shot that is taken but not looked at.
    """

    channels: Mapping[str, Channel]
    inference: Inference
    passed: Callable[[Channel, Shot], None]
    bell: threading.Event
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    size: int = field(default=0, init=False)
    """Frames in the batch that was given last."""
    _turns: Turns = field(default_factory=Turns, init=False)
    # At the engine, by number; and those whose engine failed.
    _batches: dict[int, Batch] = field(default_factory=dict, init=False)
    _returned: list[Batch] = field(default_factory=list, init=False)
    # Since when none is under way, if none is.
    _rests_since_s: float = field(default=float("-inf"), init=False)

    @property
    def idle(self) -> bool:
        """Whether nothing is to be answered any more of what was taken."""
        return not self._batches and not self._returned

    def submit(self) -> None:
        """Give batches, while the engine takes more and enough wait, or one has waited long enough."""
        while self.inference.free and (batch := self._next()) is not None:
            self.size = len(batch.shots)
            inputs = [shot.input for _, shot in batch.shots if shot.input is not None]
            self._batches[self.inference.submit(np.stack(inputs))] = batch

    def answered(self, number: int) -> Batch:
        """The batch of such a number, which is no longer under way."""
        self._rests_since_s = self.clock()
        return self._batches.pop(number)

    def failed(self) -> list[Batch]:
        """The engine has failed: another is given what is under way, but for those that failed too often."""
        for batch in self._batches.values():
            batch.tries += 1
        returned = [*self._returned, *self._batches.values()]
        self._batches.clear()
        self._returned = [batch for batch in returned if batch.tries <= _MOST_TRIES]
        return [batch for batch in returned if batch.tries > _MOST_TRIES]

    def forget(self, name: str) -> None:
        """A camera was removed."""
        self._turns.forget(name)

    def patience_s(self, now_s: float) -> float:
        """How long until a batch is to be given although few wait; for ever where none wait, or the engine is busy."""
        if not self.inference.free:
            return float("inf")
        waiting = self._waiting().values()
        return self._given_by_s(waiting) - now_s if waiting else float("inf")

    def _next(self) -> Batch | None:
        while self._returned:
            # The engine that had it failed: another tries what is still worth it.
            batch = self._returned.pop(0)
            batch.shots = [(channel, shot) for channel, shot in batch.shots if self._worth_it(channel, shot)]
            if batch.shots:
                return batch
        shots = self._gather()
        return Batch(shots) if shots else None

    def _waiting(self) -> dict[str, float]:
        """The cameras of which a shot may be taken, and since when it waits.

        Of a camera one shot is at the engine at a time, so that its shots are judged in the order of time. What came
        back from an engine that failed goes to the next before anything else is taken.
        """
        since_s = {name: each.camera.waiting_since_s for name, each in self._others().items()}
        return {name: since for name, since in since_s.items() if since is not None}

    def _others(self) -> dict[str, Channel]:
        """The cameras of which no shot is under way."""
        under_way = {channel.name for batch in self._batches.values() for channel, _ in batch.shots}
        return {name: channel for name, channel in self.channels.items() if name not in under_way}

    def _gather(self) -> list[tuple[Channel, Shot]]:
        """The shots for a batch, from the cameras whose turn is next."""
        waiting = self._waiting()
        if not waiting or not self._enough(waiting.values()):
            return []
        most = self.limits.max_batch
        chosen: list[tuple[Channel, Shot]] = []
        for name in self._turns.order(waiting):
            channel = self.channels[name]
            shot = channel.camera.take() if len(chosen) < most else None
            if shot is None or self._past_the_end(channel, shot):
                continue
            if shot.due and channel.admit(shot, self.clock()):
                chosen.append((channel, shot))
                self._turns.served(name)
            else:
                self.passed(channel, shot)
                # Perhaps its next frame waits already.
                self.bell.set()
        return chosen

    def _enough(self, since_s: Iterable[float]) -> bool:
        """Whether to wait for others is worth nothing: as many wait as may come, or one has waited long enough."""
        times_s = list(since_s)
        most = min(self.limits.max_batch, sum(channel.expected for channel in self._others().values()))
        return len(times_s) >= most or self.clock() >= self._given_by_s(times_s)

    def _given_by_s(self, since_s: Iterable[float]) -> float:
        """When what waits is given, however little it is.

        A batch gathers for `max_wait_s`, since more frames at once cost less each, and the cores are wanted for
        decoding as well. Not so where there are several requests, and all have rested for as long: that box has power
        to spare, and has a request at hand for what comes next.
        """
        by_s = min(since_s) + self.limits.max_wait_s
        rests = self.inference.requests > 1 and not self._batches
        return min(by_s, self._rests_since_s + self.limits.max_wait_s) if rests else by_s

    def _past_the_end(self, channel: Channel, shot: Shot) -> bool:
        limit_s = self.limits.max_seconds
        past = not channel.in_time and limit_s is not None and shot.frame.time_s >= limit_s
        if past:
            channel.camera.stop()
        return past

    def _worth_it(self, channel: Channel, shot: Shot) -> bool:
        """Whether a shot that was admitted still is not too old."""
        return self.channels.get(channel.name) is channel and not channel.too_old(shot, self.clock(), "too_old")
