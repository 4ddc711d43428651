"""The watch: many cameras, one backend. The main thread's loop from due frames to batches, answers, events and states.

Readers leave shots and ring the bell; the loop gathers what is due, gives it to the engine in batches, and judges the
answers. It never waits for a camera, for the backend or for a client: whatever may hang has a thread of its
own. Twice a second it looks after the cameras, and once a second it is told to and tells.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field, replace

from edge_resnet.errors import BackendError, UserError
from edge_resnet.manifest import ModelSpec
from runtime.backends import Description
from runtime.balance import Balance
from runtime.batcher import Batcher, Limits
from runtime.cameras.shot import Shot, Undecodable
from runtime.channel import Channel
from runtime.crier import Crier
from runtime.events.deliveries import Waiting
from runtime.incidents import Incidents
from runtime.inference import Answer, Failure, Inference
from runtime.ladder import Ladder
from runtime.look import looks
from runtime.outputs.output import Output
from runtime.screen import Screen
from runtime.service.logs import Log
from runtime.service.metrics import Metrics
from runtime.service.status import BoxStatus
from runtime.standing import standing

# States change in seconds, and systemd wants its beat; more often would only cost.
TICK_S = 0.5
# What a person has commanded, and what somebody is told of all this: each costs more than the rest of a tick.
_TELL_EVERY_S = 1.0
_KEEP_LEDGER_S = 10.0
_DRAIN_S = 5.0
# All reading threads together; what hangs is left behind.
_JOIN_S = 3.0
# Ages that go into the mean of inference time: the last twenty batches or so.
_MEMORY = 0.05
# Pictures of the wall.
_SHOW_EVERY_S = 0.1


@dataclass
class Watch:
    """All cameras, watched. `channels`: by name; more may be added, and removed, while it runs, by the main thread.

    `on_tick`: the loop beats, twice a second. `commands`: to be looked at once a second; then `tell` gets the
    status. `sinks`: what they were not told yet. `on_backend`: an engine runs now. `on_end`: the loop is left, and what
    is at hand is finished.
    """

    channels: dict[str, Channel]
    model: ModelSpec
    inference: Inference
    incidents: Incidents
    outputs: list[Output]
    screen: Screen | None
    metrics: Metrics
    log: Log
    bell: threading.Event
    limits: InitVar[Limits | None] = None
    tell: Sequence[Callable[[BoxStatus], None]] = ()
    sinks: Callable[[], Mapping[str, Waiting]] = dict
    on_backend: Callable[[Description], None] = lambda description: None
    on_tick: Sequence[Callable[[], None]] = ()
    commands: Sequence[Callable[[], None]] = ()
    on_end: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    running: Description | None = field(default=None, init=False)

    def __post_init__(self, limits: Limits | None) -> None:
        self._balance = Balance(self.channels, self.log, lambda: self.inference.worked_s)
        self._ladder = Ladder(self.channels, self._balance, self.clock)
        self.batcher = Batcher(self.channels, self.inference, self._passed, self.bell, limits or Limits(), self.clock)
        self._ending = False
        self._started_s = self._kept_s = self._shown_s = self.clock()
        # At once.
        self._ticked_s = self._told_s = float("-inf")
        self._ms_a_frame = 0.0
        self._ran = False
        self.crier = Crier(self.outputs, self.metrics)

    def stop(self) -> None:
        """End soon, with what is at hand finished. For signal handlers too."""
        self._ending = True
        self.bell.set()

    def run(self) -> None:
        """Watch until all files have ended, `max_seconds` are over, or it is stopped.

        Raises UserError for what cannot be watched: no engine can be opened at the start, or for a file; the store
        cannot be written. Whatever is raised, what is held is cleared and the ledger is kept.
        """
        for channel in list(self.channels.values()):
            self.add(channel)
        try:
            while not self._ending and not self._over():
                self.bell.wait(self._patience_s())
                self.bell.clear()
                self._work()
            self.on_end()
            self._drain()
        finally:
            self._finish()
        if why := self.incidents.store.unwritten:
            raise UserError(f"not all that was seen could be written: {why}")
        for channel in self.channels.values():
            outage = channel.camera.news().outage
            if outage is not None and not channel.in_time:
                raise outage

    def add(self, channel: Channel) -> None:
        """Begin to watch one more camera."""
        self.channels[channel.name] = channel
        self._balance.skip()
        # Before its first frame: how many are looked at is not to depend on which thread is faster.
        self._balance.share_out()
        channel.start()

    def remove(self, name: str) -> None:
        """End the watch of a camera; the others do not notice."""
        channel = self.channels.pop(name)
        # Nobody waits for its threads: they may hang in a dead camera.
        channel.stop()
        self._end_channels([channel])
        self.batcher.forget(name)
        self.metrics.remove(name)
        self._balance.skip()
        self._balance.share_out()

    @property
    def seconds(self) -> float:
        """Of the longest file's stream, or since the start where a camera is live."""
        elapsed_s = self.clock() - self._started_s
        files = [channel.seen_s for channel in self.channels.values() if not channel.in_time]
        return max(files) if len(files) == len(self.channels) and files else elapsed_s

    def status(self) -> BoxStatus:
        """How all of it stands."""
        now_s = self.clock()
        return BoxStatus(
            cameras=tuple(standing(channel, now_s) for channel in self.channels.values()),
            uptime_s=now_s - self._started_s,
            backend=self.running.backend if self.running else "",
            precision=self.running.precision if self.running else "",
            ms_a_frame=self._ms_a_frame,
            batch=self.batcher.size,
            overloaded=self._balance.overloaded,
            events=self.crier.raised,
            sinks=self.sinks(),
        )

    # The loop, from the batch to the beat.

    def _work(self) -> None:
        self._hear_all()
        self.batcher.submit()
        self._show_live()
        now_s = self.clock()
        if now_s - self._ticked_s >= TICK_S:
            self._ticked_s = now_s
            self._tick(now_s)

    def _over(self) -> bool:
        limit_s = self.batcher.limits.max_seconds
        live = any(channel.in_time for channel in self.channels.values())
        if live:
            return limit_s is not None and self.clock() - self._started_s >= limit_s
        return self.batcher.idle and all(channel.ended for channel in self.channels.values())

    def _patience_s(self) -> float:
        """How long the loop may sleep when no bell rings."""
        now_s = self.clock()
        patience_s = TICK_S - (now_s - self._ticked_s)
        if self.screen is not None:
            patience_s = min(patience_s, _SHOW_EVERY_S - (now_s - self._shown_s))
        return max(0.0, min(patience_s, self.batcher.patience_s(now_s)))

    def _passed(self, channel: Channel, shot: Shot) -> None:
        """A shot was taken that is not looked at."""
        self._ladder.passed(channel, shot)
        if not channel.in_time:
            self._show(channel, shot)

    def _hear_all(self) -> None:
        while (told := self.inference.poll()) is not None:
            if isinstance(told, Answer):
                self._judge(told)
            elif isinstance(told, Failure):
                self._mourn(told)
            else:
                self._welcome(told)

    def _judge(self, answer: Answer) -> None:
        batch = self.batcher.answered(answer.number)
        self.metrics.batch(len(batch.shots), answer.seconds)
        # Its other requests are at work meanwhile.
        ms = 1000.0 * answer.seconds / (len(batch.shots) * self.inference.requests)
        self._ms_a_frame += (ms - self._ms_a_frame) * (_MEMORY if self._ms_a_frame else 1.0)
        now_s = self.clock()
        found = looks(self.model, [shot.frame for _, shot in batch.shots], answer.scores)
        pairs = [
            (channel, shot, replace(look, occasion=channel.occasion))
            for (channel, shot), look in zip(batch.shots, found, strict=True)
            if self.channels.get(channel.name) is channel
        ]
        # What a batch raises is one commit, and on the disk before anybody is told.
        with self.incidents.store.together():
            taken = [channel.take(shot, look, now_s) for channel, shot, look in pairs]
        for (channel, shot, look), discovered in zip(pairs, taken, strict=True):
            if channel.latest is look:
                self.metrics.classified(channel.name, channel.age_s or 0.0)
                for output in self.outputs:
                    output.look(look)
                    output.judged(shot, look)
            self.crier.tell(discovered)
            self._ladder.judged(channel, shot, discovered)
            if not channel.in_time:
                self._show(channel, shot)

    def _mourn(self, failure: Failure) -> None:
        """The engine failed. For files there is no later: what no engine can do ends the watch."""
        self.metrics.backend_failed(failure.engine[0])
        self.running = None
        tired = self.batcher.failed()
        files_only = not any(channel.in_time for channel in self.channels.values())
        if (failure.final and (files_only or not self._ran)) or (files_only and tired):
            raise BackendError(failure.why)
        for batch in tired:
            for channel, shot in batch.shots:
                channel.missed(shot)
                channel.camera.answered()
        name = " ".join(filter(None, failure.engine)) or "any engine"
        self.log.error("backend failed", backend=name, why=failure.why)
        self.incidents.began(None, "backend", {"backend": name, "why": failure.why})

    def _welcome(self, description: Description) -> None:
        self.running, self._ran = description, True
        # Somebody waits for it.
        self._ticked_s = self._told_s = float("-inf")
        self.on_backend(description)
        self.metrics.backend(description.backend, description.precision, description.device)
        replaced = self.incidents.ended(None)
        facts = {"backend": description.backend, "precision": description.precision, "device": description.device}
        self.log.info("backend runs again" if replaced else "backend runs", **facts)

    # What is looked after twice a second.

    def _tick(self, now_s: float) -> None:
        for look in self.on_tick:
            look()
        for channel in self.channels.values():
            if channel.mend(now_s):
                self.log.error("camera hangs", camera=channel.name)
            if (outage := channel.new_outage()) is not None and channel.in_time:
                self.log.warning("no connection", camera=channel.name, reason=outage.reason, why=outage.advice)
            for turn in channel.tick(now_s, engine=self.running is not None):
                self.incidents.turned(channel.name, turn, channel.camera.decoder)
        if self.running is None:
            self._balance.skip()
        self._balance.look(now_s)
        if now_s - self._kept_s >= _KEEP_LEDGER_S:
            self._kept_s = now_s
            self.incidents.keep_ledger(self.channels.values())
        if now_s - self._told_s >= _TELL_EVERY_S:
            self._told_s = now_s
            for look in self.commands:
                look()
            status = self.status()
            self.metrics.update(status)
            for tell in self.tell:
                tell(status)

    # Pictures.

    def _show(self, channel: Channel, shot: Shot) -> None:
        if self.screen is not None:
            # Where nobody has asked for the picture before, it is made now; without it the watch goes on.
            with suppress(Undecodable):
                self.screen.show(channel, shot)

    def _show_live(self) -> None:
        if self.screen is None:
            return
        for channel in self.channels.values():
            if (picture := channel.take_picture()) is not None:
                self._show(channel, picture)
        now_s = self.clock()
        if now_s - self._shown_s >= _SHOW_EVERY_S:
            self._shown_s = now_s
            self.screen.refresh(self.status(), now_s - self._started_s)

    # The end.

    def _drain(self) -> None:
        """Let what is at the engine come to its answer."""
        until_s = self.clock() + _DRAIN_S
        while self.inference.busy and self.clock() < until_s:
            self.bell.wait(TICK_S)
            self.bell.clear()
            self._hear_all()

    def _finish(self) -> None:
        channels = list(self.channels.values())
        for channel in channels:
            channel.stop()
        self._end_channels(channels)
        self.incidents.ended(None)
        self.metrics.update(self.status())
        until_s = self.clock() + _JOIN_S
        for channel in channels:
            channel.join(max(0.0, until_s - self.clock()))

    def _end_channels(self, channels: Sequence[Channel]) -> None:
        now_s = self.clock()
        try:
            # All of them written before the first is told: a output may be what failed.
            with self.incidents.store.together():
                found = [each for channel in channels for each in channel.finish()]
            self.crier.tell(found)
        finally:
            for channel in channels:
                channel.scores.flush()
                channel.settle(now_s)
                self.incidents.pause(channel.name)
            self.incidents.keep_ledger(channels)
