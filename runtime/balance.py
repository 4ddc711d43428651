"""Overload: cameras are watched less closely or give up looks evenly, which is said, until the box keeps up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runtime.attention import Rung
from runtime.channel import Channel
from runtime.dispatch import Load, Losses, fair_rates, keeps_up
from runtime.service.logs import Log

_EVERY_S = 1.0
# So long after the first frame of a camera nothing is measured.
_BEGINNING_S = 3.0
# Where not all can be watched that have the same reason, each is for so long, then another. Long enough for a rule to
# raise an alarm; and since the `hold` of a reason stands still while it waits (runtime/attention.py), whoever has as
# good a reason as others gets a turn, however short `hold` is and however many they are.
_TURN_S = 10.0
# Where reading takes so much of the processor's time it is what the box is short of, but not where the engine has
# something to do for so much of the time: it may run on a device of its own.
_MOST_OF_IT = 0.5
_ALL_THE_TIME = 0.9


@dataclass(frozen=True)
class _Count:
    """What was counted until `at_s`: looks that were given, due frames that were lost, the processor's time, of the
    threads that read and of all, and for how long the engine has worked.
    """

    at_s: float
    given: int
    lost: int
    reading_cpu_s: float
    cpu_s: float
    worked_s: float

    def reads_since(self, before: _Count) -> bool:
        """Whether most of what was done since `before` was to read cameras, and not to classify."""
        mostly = self.reading_cpu_s - before.reading_cpu_s >= _MOST_OF_IT * (self.cpu_s - before.cpu_s)
        return mostly and self.worked_s - before.worked_s < _ALL_THE_TIME * (self.at_s - before.at_s)


@dataclass
class Balance:
    """Grants each camera its rung of the ladder, and sets the rate of its looks.

    Who is watched has all frames decoded, whatever its rate of looks is. So when the box does not keep up with that,
    cameras go down to glances, those with the least reason before the others. Where it does not keep up with the
    network, or nobody is left to go down, they get fewer looks: those without evidence of an alarm before those with
    it, each between what it wants and one each heartbeat.

    `worked`: for how long the engine has worked so far. `cpu`: the processor's time of this process. Both in seconds.
    """

    channels: Mapping[str, Channel]
    log: Log
    worked: Callable[[], float]
    cpu: Callable[[], float] = time.process_time
    _load: Load = field(default_factory=Load, init=False)
    # In cameras that are watched, not in looks.
    _places: Load = field(default_factory=Load, init=False)
    _count: _Count | None = field(default=None, init=False)
    _losses: Losses = field(default_factory=Losses, init=False)
    # Since when each camera of the ladder is watched, or is not, by the clock of `look`.
    _since_s: dict[str, float] = field(default_factory=dict, init=False)
    _now_s: float = field(default=0.0, init=False)
    # How many cameras ever gave a frame, and since when.
    _begun: int = field(default=0, init=False)
    _begun_s: float = field(default=float("-inf"), init=False)

    @property
    def overloaded(self) -> bool:
        """Whether cameras get less than they want."""
        return self._load.capacity is not None or self._places.capacity is not None

    def look(self, now_s: float) -> None:
        """To be called often: rungs follow what the cameras want, and once a second what was managed and lost."""
        self._now_s = now_s
        turned = [channel.turn(now_s) for channel in self._live()]
        # Where places are few, others may have their turn.
        if self._measure(now_s) or any(turned) or self._places.capacity is not None:
            self.share_out()

    def turned(self, channel: Channel, at_s: float) -> None:
        """A look may have been a reason to watch a camera; `at_s` of its own clock."""
        if channel.turn(at_s):
            self.share_out()

    def skip(self) -> None:
        """What is being counted is no measure: no engine runs, or a camera came or went."""
        self._count = None
        self._losses.forget()
        for name in self._since_s.keys() - self.channels.keys():
            del self._since_s[name]

    def share_out(self) -> None:
        """Give each camera its rung and its share of the looks."""
        self._grant()
        wanted = {channel.name: channel.due_per_s for channel in self._live()}
        capacity = self._load.capacity
        rates = wanted if capacity is None else self._shared(wanted, capacity)
        for name, channel in self.channels.items():
            if channel.camera.looks is not None:
                rate = rates.get(name, channel.due_per_s)
                channel.camera.looks.rate_per_s = max(rate, 1.0 / channel.settings.heartbeat)

    def _shared(self, wanted: Mapping[str, float], capacity: float) -> dict[str, float]:
        """Each live camera's looks a second: first what those with evidence of an alarm want, then what is left."""
        sure = {name for name in wanted if self.channels[name].sure}
        first = fair_rates({name: rate for name, rate in wanted.items() if name in sure}, capacity)
        others = {name: rate for name, rate in wanted.items() if name not in sure}
        return {**first, **fair_rates(others, capacity - sum(first.values()))}

    def _grant(self) -> None:
        for channel in self.channels.values():
            if channel.attention is not None and channel.attention.wants is not Rung.WATCH:
                self._put(channel, channel.attention.wants)
        places = self._places.capacity
        place = 0
        for channel in self._wanting():
            # A file has all the time there is, and takes nobody's place.
            watched = places is None or place < max(1, int(places)) or not channel.in_time
            place += channel.in_time
            self._put(channel, Rung.WATCH if watched else Rung.GLANCE)

    def _put(self, channel: Channel, rung: Rung) -> None:
        """Grant a rung, and note since when it is watched, or is not."""
        if channel.name not in self._since_s or channel.watched != (rung is Rung.WATCH):
            self._since_s[channel.name] = self._now_s
        # A box that has not places enough should not decode in one go what was passed over until now.
        channel.grant(rung, patient=self._places.capacity is not None)

    def _wanting(self) -> list[Channel]:
        """The cameras that want to be watched, those with the best reason first; of equals, each has its turn."""
        wanting = [channel for channel in self.channels.values() if channel.attention and channel.attention.reason]
        return sorted(wanting, key=self._precedence)

    def _precedence(self, channel: Channel) -> tuple[int, int, float]:
        assert channel.attention is not None
        assert channel.attention.reason is not None
        since_s = self._since_s.get(channel.name, 0.0)
        # Those whose turn goes on, those who wait, and those who had theirs.
        turn = 1 if not channel.watched else 2 if self._now_s - since_s >= _TURN_S else 0
        return -channel.attention.reason, turn, since_s

    def _measure(self, now_s: float) -> bool:
        """Once a second: whether what can be given has changed."""
        live = self._live()
        begun = sum(channel.begun for channel in live)
        if begun != self._begun:
            # Connections that are made cost more than cameras that are read.
            self._begun, self._begun_s = begun, now_s
            self.skip()
        if now_s - self._begun_s < _BEGINNING_S or (self._count and now_s - self._count.at_s < _EVERY_S):
            return False
        count = _Count(
            now_s,
            given=sum(channel.given for channel in live),
            lost=sum(channel.lost for channel in live),
            reading_cpu_s=sum(sum(channel.cpu_s.values()) for channel in live),
            cpu_s=self.cpu(),
            worked_s=self.worked(),
        )
        before, self._count = self._count, count
        if before is None:
            return False
        was, seconds = self.overloaded, now_s - before.at_s
        given, lost = count.given - before.given, count.lost - before.lost
        changed = self._follow(given / seconds, lost / seconds, reads=count.reads_since(before))
        if was != self.overloaded:
            self._say()
        return changed

    def _follow(self, given: float, lost: float, *, reads: bool) -> bool:
        """Take away or give back, by the looks a second that were given and lost: of places where it mostly `reads`."""
        wanting = [channel for channel in self._wanting() if channel.in_time]
        watched = sum(channel.watched for channel in wanting)
        wanted = sum(channel.due_per_s for channel in self._live())
        given, lost = self._losses.second(given, lost)
        if keeps_up(given, lost):
            more_looks = self._load.second(wanted, given, lost)
            return self._places.second(len(wanting), watched, 0.0) or more_looks
        self._losses.forget()
        if watched > 1 and reads:
            share = lost / (given + lost)
            return self._places.second(len(wanting), watched * (1.0 - share), watched * share)
        # Nor is the last place taken away.
        return self._load.second(wanted, given, lost)

    def _live(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.in_time]

    def _say(self) -> None:
        wanting = [channel for channel in self._wanting() if channel.in_time]
        wanted = round(sum(channel.wanted_per_s for channel in self._live()), 1)
        if not self.overloaded:
            self.log.info("no longer overloaded", wanted_per_s=wanted)
        elif self._places.capacity is not None:
            self.log.warning(
                "overloaded: not every camera is watched that should be",
                wanted=len(wanting),
                watched=round(self._places.capacity, 1),
            )
        else:
            given = round(self._load.capacity or 0.0, 1)
            self.log.warning("overloaded: every camera gets fewer looks", wanted_per_s=wanted, given_per_s=given)
