"""The attention ladder of one camera: how much of its stream is decoded and looked at, by what was seen of it.

    asleep --armed--> glance --evidence, motion, site--> watch
       ^                 | ^                               |
       +----disarmed-----+ +---------`hold` of quiet-------+

    asleep   no alarm of the camera is armed: packets are only counted, and a key frame is looked at each `heartbeat`
    glance   key frames are looked at, at most one each `glance` seconds; where key frames come more rarely than each
             `glance_within`, the frames between them are decoded as well
    watch    all frames are decoded, and `rate` a second are looked at

Up goes, at once, whoever has a reason to, and stays there until `hold` seconds after the last one:
    evidence   an alarm is held, or a look came over `wake` times the low threshold of an alarm that is armed
    operator   somebody asked for it, until a time of theirs; this wakes a camera that is asleep, too
    site       an alarm was raised at another camera of the site
    always     it is not on the ladder (attention: full), and comes down only where there is not power for all
    motion     much of the picture differs from what is usual (runtime/cameras/gate.py); where it goes on without any
               evidence for longer than `hold`, glances are enough until looks have seen it still for as long
In this order the reasons count when there is not power for all (runtime/balance.py). While a camera waits for its turn,
`hold` stands still, so that none is over before it was watched at all. There is no clock here: the caller gives the
time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from runtime.config.attention import LadderSettings


class Rung(IntEnum):
    """How much attention a camera gets: more is higher."""

    ASLEEP = 0
    GLANCE = 1
    WATCH = 2


class Reason(IntEnum):
    """Why a camera is watched: the higher, the more it counts."""

    MOTION = 1
    ALWAYS = 2
    SITE = 3
    OPERATOR = 4
    EVIDENCE = 5


@dataclass
class Attention:
    """The state machine of one camera. Times are seconds of one clock of the caller's.

    They may be told out of order, for a look is told of later than it was taken; `turn` never goes back.

    `rate_per_s`: looks a second while it is watched. `heartbeat_s`: at least so often it is looked at. `always`: it is
    to be watched without any other reason. `armed`: whether any of its alarms is. `granted`: what it gets; what it
    `wants`, and the `reason`, `turn` brings up to date.
    """

    settings: LadderSettings
    rate_per_s: float
    heartbeat_s: float
    always: bool = False
    armed: bool = True
    wants: Rung = field(default=Rung.GLANCE, init=False)
    reason: Reason | None = field(default=None, init=False)
    granted: Rung = field(default=Rung.GLANCE, init=False)
    _turned_s: float = field(default=float("-inf"), init=False)
    # When motion that still goes on began, and the first look since that saw none.
    _moving_since_s: float | None = field(default=None, init=False)
    _still_since_s: float | None = field(default=None, init=False)
    # Until when each reason holds.
    _until_s: dict[Reason, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if self.always:
            self.wants = self.granted = Rung.WATCH
            self.reason = Reason.ALWAYS

    def moved(self, at_s: float) -> None:
        """The picture of `at_s` differs from what is usual.

        A tree in the wind is no news after a while: key frames are looked at anyway.
        """
        if self._moving_since_s is None:
            self._moving_since_s = at_s
        self._still_since_s = None
        self._stay(Reason.MOTION, self._moving_since_s + self.settings.hold)

    def still(self, at_s: float) -> None:
        """Nothing moves in the picture of `at_s`.

        Motion is over when looks have seen none for `hold`. That there was no look says nothing: they may be further
        apart than that, and what always moves would be news with each of them.
        """
        if self._still_since_s is None:
            self._still_since_s = at_s
        elif at_s - self._still_since_s >= self.settings.hold:
            self._moving_since_s = None
            # Who still waits to be watched for it would see nothing of it any more.
            self._until_s.pop(Reason.MOTION, None)

    def looked(self, at_s: float, evidence: float, *, held: bool) -> None:
        """Take the answer to the frame of `at_s` into account.

        `evidence`: of the alarms that are armed, the highest probability as a share of its low threshold. `held`: an
        alarm is held.
        """
        if held or evidence >= self.settings.wake:
            self._stay(Reason.EVIDENCE, at_s + self.settings.hold)

    def alarm_nearby(self, at_s: float) -> None:
        """An alarm was raised at another camera of the site, at `at_s`."""
        self._stay(Reason.SITE, at_s + self.settings.hold)

    def asked(self, until_s: float | None) -> None:
        """Somebody wants it to be watched until `until_s`; None for no longer."""
        self._until_s.pop(Reason.OPERATOR, None)
        if until_s is not None:
            self._stay(Reason.OPERATOR, until_s)

    def turn(self, at_s: float) -> bool:
        """Bring `wants` and `reason` up to `at_s`. Whether one of them has changed."""
        before = self.wants, self.reason
        since_s, self._turned_s = self._turned_s, max(self._turned_s, at_s)
        if self.reason is not None and self.granted is not Rung.WATCH:
            self._wait(self._turned_s - since_s)
        holding = [reason for reason, until_s in self._until_s.items() if self._turned_s <= until_s]
        if not self.armed:
            holding = [reason for reason in holding if reason is Reason.OPERATOR]
        if self.always:
            holding.append(Reason.ALWAYS)
        self.reason = max(holding, default=None)
        if self.reason is not None:
            self.wants = Rung.WATCH
        else:
            self.wants = Rung.GLANCE if self.armed else Rung.ASLEEP
        return before != (self.wants, self.reason)

    @property
    def skip_s(self) -> float:
        """For how long after a key frame the frames that need it are passed over, in seconds; 0 for not at all."""
        glance_s = min(self.settings.glance_within, self.heartbeat_s)
        return {Rung.ASLEEP: self.heartbeat_s, Rung.GLANCE: glance_s, Rung.WATCH: 0.0}[self.granted]

    @property
    def looks_per_s(self) -> float:
        """How many looks a second it is to get, and gets where key frames are so many."""
        return self._looks_per_s(self.granted)

    @property
    def wanted_per_s(self) -> float:
        """How many it would get on the rung that it wants."""
        return self._looks_per_s(self.wants)

    @property
    def longest_s(self) -> float:
        """The longest time between two looks that this rung allows, in seconds."""
        return max(self.skip_s, 1.0 / self.looks_per_s)

    def _looks_per_s(self, rung: Rung) -> float:
        most = {Rung.ASLEEP: 0.0, Rung.GLANCE: 1.0 / self.settings.glance, Rung.WATCH: self.rate_per_s}
        return max(min(self.rate_per_s, most[rung]), 1.0 / self.heartbeat_s)

    def _wait(self, passed_s: float) -> None:
        """For so long there was a reason, and no place: its time stands still. The operator's time is his own."""
        for reason in self._until_s.keys() - {Reason.OPERATOR}:
            self._until_s[reason] += passed_s

    def _stay(self, reason: Reason, until_s: float) -> None:
        self._until_s[reason] = max(until_s, self._until_s.get(reason, until_s))
