"""A camera's channel: what happens to its frames, from the gate to the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.attention import Attention, Reason, Rung
from runtime.cameras.camera import Camera
from runtime.cameras.gate import Gate, always_open
from runtime.cameras.ledger import Ledger
from runtime.cameras.reader import STAGES
from runtime.cameras.shot import Shot
from runtime.cameras.sight import Sight, Turn
from runtime.config.settings import CameraSettings
from runtime.events.event import Event
from runtime.events.journal import Journal
from runtime.events.near_miss import NearMiss
from runtime.judge import Armed, Judge, Judgement, Target
from runtime.look import Look, Occasion
from runtime.rule import Change, State
from runtime.scorebook import ScoreBook
from runtime.sources.outage import Outage

# With less than so many periods between two looks nothing was missed; a beat may fall out.
PERIODS = 2.5
# A threshold of 0 is reached by every look.
_LEAST_THRESHOLD = 1e-6
# Why a due frame was not looked at, when that was for want of power.
_LOST = ("superseded", "too_old", "late")


@dataclass(frozen=True)
class Found:
    """An event that was raised or cleared, or a near miss, and the shot and the look that show it best.

    Of what ended without a look (the watch is over) there is none.
    """

    subject: Event | NearMiss
    shot: Shot | None = None
    look: Look | None = None


@dataclass
class Channel:
    """One camera's gate, rules, sight and ledger. The main thread alone uses it.

    `recorded`: the large stream, for people's eyes only. `sight`, `ledger`: None for files, whose pictures may be of
    any day. `attention`: where frames can be passed over; else None.
    """

    camera: Camera
    recorded: Camera | None
    settings: CameraSettings
    judge: Judge
    journal: Journal
    scores: ScoreBook
    gate: Gate
    sight: Sight | None
    ledger: Ledger | None
    armed: Armed
    attention: Attention | None = None
    latest: Look | None = field(default=None, init=False)
    age_s: float | None = field(default=None, init=False)
    looks: int = field(default=0, init=False)
    # By target: the highest probability since it was raised.
    peaks: dict[Target, float] = field(default_factory=dict, init=False)
    # By target: what the attempt that goes on shows best.
    _best: dict[Target, tuple[Shot, Look]] = field(default_factory=dict, init=False)
    # Of the shot that was admitted last.
    occasion: Occasion = field(default_factory=Occasion, init=False)
    _attended_until_s: float = field(default=float("-inf"), init=False)
    _told_outage: Outage | None = field(default=None, init=False)
    dropped: Counter[str] = field(default_factory=Counter, init=False)
    # How often it went up to be watched, by reason.
    woken: Counter[str] = field(default_factory=Counter, init=False)

    @property
    def name(self) -> str:
        return self.camera.name

    @property
    def site(self) -> str:
        """The place where it is; empty where it belongs to none."""
        return self.name.rpartition("/")[0]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come, and all that came was looked at."""
        return self.camera.ending.is_set() or (self.camera.news().ended and self.camera.waiting_since_s is None)

    @property
    def begun(self) -> bool:
        """Whether it ever gave a frame."""
        return self.camera.news().came > 0

    @property
    def expected(self) -> bool:
        """Whether frames come, so that it is worth to wait a moment for the next."""
        news = self.camera.news()
        return not self.ended and news.came > 0 and news.outage is None

    @property
    def in_time(self) -> bool:
        """Whether its frames are of now, so that old ones are worthless."""
        return self.camera.live

    @property
    def seen_s(self) -> float:
        """How far the stream has come, in seconds of its own time."""
        return self.camera.news().last_s

    def start(self) -> None:
        """Begin to read."""
        self.camera.start()
        if self.recorded is not None:
            self.recorded.start()

    def stop(self) -> None:
        """Ask the reading threads to end. Returns at once."""
        self.camera.stop()
        if self.recorded is not None:
            self.recorded.stop()

    def join(self, patience_s: float) -> None:
        """Wait for the reading threads to end, each so long."""
        self.camera.join(patience_s)
        if self.recorded is not None:
            self.recorded.join(patience_s)

    def new_outage(self) -> Outage | None:
        """Why there is no connection, if that was not told before."""
        outage = self.camera.news().outage
        told, self._told_outage = self._told_outage, outage
        return None if outage is told else outage

    def take_picture(self) -> Shot | None:
        """The newest picture for people's eyes, of the large stream where there is one."""
        return (self.recorded or self.camera).take_picture()

    def mend(self, now_s: float) -> bool:
        """Replace a reading thread that hangs. Whether it had to be done."""
        recorded = self.recorded is not None and self.recorded.mend(now_s)
        return self.camera.mend(now_s) or recorded

    def admit(self, shot: Shot, now_s: float) -> bool:
        """Whether a due shot is to be classified: it is not too old, and the gate is open."""
        if self.too_old(shot, now_s, "too_old"):
            return False
        assert shot.seen is not None
        if self.sight is not None:
            self.sight.saw(shot.frame.captured_s, shot.seen)
        if self._opens(shot):
            return True
        self.dropped["still"] += 1
        # Key frames may not come when the gate takes them to.
        self.camera.due_by(shot, self.gate.opens_by_s)
        if self.ledger is not None:
            self.ledger.looked(shot.frame.captured_s)
        return False

    def at_s(self, shot: Shot) -> float:
        """The time of a shot for the ladder: of a live camera on the clock, of a file its own."""
        return shot.frame.captured_s if self.in_time else shot.frame.time_s

    def turn(self, at_s: float) -> bool:
        """Bring the ladder up to a time; whether it wants another rung, or for another reason."""
        if self.attention is None:
            return False
        self.attention.armed = any(self.armed(alarm) for alarm in self.judge.alarms)
        return self.attention.turn(at_s)

    def alarm_nearby(self, at_s: float) -> None:
        """An alarm was raised at another camera of its site."""
        if self.attention is not None:
            self.attention.alarm_nearby(at_s)

    def attend(self, until_s: float | None) -> None:
        """Somebody wants it to be looked at closely until `until_s` of the clock; None for no longer.

        A file has all the attention there is, and a time of its own.
        """
        if not self.in_time:
            return
        self._attended_until_s = float("-inf") if until_s is None else until_s
        if self.attention is not None:
            self.attention.asked(until_s)

    def grant(self, rung: Rung, *, patient: bool = False) -> None:
        """The rung of the ladder that this camera gets from now on; where `patient`, it begins with a key frame."""
        if self.attention is None:
            return
        if rung is Rung.WATCH and not self.watched:
            self.woken[self.reason] += 1
        self.attention.granted = rung
        self.camera.skip(self.attention.skip_s, patient=patient)
        gap_s = PERIODS * self.attention.longest_s
        if self.sight is not None:
            self.sight.gap.allow(max(self.settings.blindness.offline_after, gap_s))
        if self.ledger is not None:
            self.ledger.gap.allow(max(self.settings.blindness.stale_after, gap_s))

    @property
    def watched(self) -> bool:
        """Whether all of its frames are decoded although it may be passed over."""
        return self.attention is not None and self.attention.granted is Rung.WATCH

    @property
    def whole(self) -> bool:
        """Whether it is watched as if there were no ladder."""
        return self.attention is None or (self.attention.always and self.watched)

    @property
    def sure(self) -> bool:
        """Whether it is watched for evidence of an alarm."""
        return self.watched and self.attention is not None and self.attention.reason is Reason.EVIDENCE

    @property
    def due_per_s(self) -> float:
        """How many looks a second it should get on the rung that it was granted."""
        return self.settings.rate if self.attention is None else self.attention.looks_per_s

    @property
    def wanted_per_s(self) -> float:
        """How many looks a second it wants: more than is due while it is denied a place."""
        return self.settings.rate if self.attention is None else self.attention.wanted_per_s

    def take(self, shot: Shot, look: Look, now_s: float) -> list[Found]:
        """Take the answer to a shot, and give what it raised, cleared or let miss; nothing if it came too late."""
        if self.too_old(shot, now_s, "late"):
            return []
        self.latest, self.looks = look, self.looks + 1
        self.age_s = max(0.0, now_s - shot.frame.captured_s)
        if self.ledger is not None:
            self.ledger.looked(shot.frame.captured_s)
        judgements = self.judge.look(look, self.armed)
        self.scores.add(look, judgements, self.age_s if self.in_time else None)
        for judgement in judgements:
            self._notice(judgement, shot, look)
        found = self._enter(judgements, (shot, look))
        if self.attention is not None:
            self.attention.looked(self.at_s(shot), self._evidence(judgements), held=bool(self.journal.held))
        return found

    def rest(self) -> list[Found]:
        """End what is held, or attempted, by alarms that were disarmed: there may be no frames to notice it by."""
        return self._enter(self.judge.rest(self.armed), None)

    def finish(self) -> list[Found]:
        """The camera's watch is over: what is still held is cleared."""
        return self._enter(self.judge.finish(), None)

    def _notice(self, judgement: Judgement, shot: Shot, look: Look) -> None:
        """Keep peaks and best shots up to date, and the gate open while something is seen."""
        target, probability = judgement.target, judgement.probability
        if probability >= self.judge.rules[target].settings.low_threshold:
            self.gate.found(look.time_s)
        # Of an alarm that is held, or may be about to be.
        before = self.peaks.get(target, 0.0) if target in self.journal.held else 0.0
        self.peaks[target] = max(before, probability)
        attempt = judgement.transition.attempt
        if attempt is not None and attempt.best_s == look.time_s:
            self._best[target] = shot, look

    def _enter(self, judgements: Sequence[Judgement], now: tuple[Shot, Look] | None) -> list[Found]:
        found = []
        for judgement in judgements:
            change = judgement.transition.change
            if change in (Change.RAISED, Change.MISSED):
                # Why it was raised, or not, is on the disk with it, whatever happens next.
                self.scores.flush()
            subject = self.journal.enter(judgement, self.judge.rules[judgement.target].settings)
            best = self._best.get(judgement.target)
            if judgement.transition.attempt is None or change is Change.MISSED:
                self._best.pop(judgement.target, None)
            if subject is not None:
                shown = best if isinstance(subject, NearMiss) else now
                found.append(Found(subject, *(shown or (None, None))))
        return found

    def tick(self, now_s: float, engine: bool = True) -> Sequence[Turn]:
        """Bring sight and ledger up to now; the changes of state since the last tick. `engine`: whether one runs."""
        if self.sight is None or self.ledger is None:
            return ()
        news = self.camera.news()
        if news.came_at_s is not None:
            self.sight.came(news.came_at_s)
        if news.outage is not None:
            self.sight.lost(news.outage_at_s, news.outage.reason, news.outage.why)
        turns = self.sight.tick(now_s)
        for turn in turns:
            self.ledger.turned(turn)
        self.ledger.engine(now_s, engine)
        self.ledger.settle(now_s, self.sight.trusted_until(now_s))
        return turns

    def settle(self, now_s: float) -> None:
        """The watch of this camera is over: book all that is left, also what nobody will confirm any more."""
        if self.ledger is not None:
            self.ledger.settle(now_s)

    @property
    def given(self) -> int:
        """How many due frames were looked at since the start, by the network or by the gate."""
        return self.looks + self.dropped["still"]

    @property
    def lost(self) -> int:
        """How many due frames were lost since the start because the box could not keep up."""
        return sum(self.dropped[reason] + self.camera.dropped[reason] for reason in _LOST)

    @property
    def rung(self) -> str:
        """The rung that it is on, for people; empty without a ladder."""
        return "" if self.whole or self.attention is None else self.attention.granted.name.lower()

    @property
    def reason(self) -> str:
        """Why it wants to be watched, for people; empty without a reason."""
        reason = None if self.whole or self.attention is None else self.attention.reason
        return "" if reason is None else reason.name.lower()

    @property
    def cpu_s(self) -> dict[str, float]:
        """The processor's time of its reading threads so far, by stage: most of it is decoding."""
        cameras = (self.camera, self.recorded) if self.recorded is not None else (self.camera,)
        return {stage: sum(each.cpu_s[stage] for each in cameras) for stage in STAGES}

    def _opens(self, shot: Shot) -> bool:
        """Whether the gate is open; where nothing may be left out, it is asked for motion at most."""
        assert shot.seen is not None
        time_s, points = shot.frame.time_s, shot.seen.points
        never = [alarm for alarm in self.settings.gate.never_for if alarm in self.judge.alarms and self.armed(alarm)]
        leaves_out = not always_open(self.settings.gate, never)
        if leaves_out and (self.journal.held or self.at_s(shot) <= self._attended_until_s):
            # Quiet has to be seen before an alarm is over; and nothing is left out where somebody wants to see it.
            self.gate.found(time_s)
        climbs = self.attention is not None and not self.attention.always
        decision = self.gate.opens(time_s, points) if leaves_out or climbs else None
        if decision is not None and self.attention is not None:
            if decision.why in ("motion", "lightning"):
                self.attention.moved(self.at_s(shot))
            else:
                self.attention.still(self.at_s(shot))
        gate = decision.why if decision is not None and leaves_out else "off"
        self.occasion = Occasion(gate, self.rung, self.reason)
        return not leaves_out or decision is None or decision.open

    def _evidence(self, judgements: Sequence[Judgement]) -> float:
        """The highest probability of what is armed, as a share of its low threshold."""
        shares = (
            judgement.probability / max(self.judge.rules[judgement.target].settings.low_threshold, _LEAST_THRESHOLD)
            for judgement in judgements
            if judgement.transition.state is not State.DISARMED
        )
        return max(shares, default=0.0)

    def too_old(self, shot: Shot, now_s: float, reason: str) -> bool:
        """Whether a shot of a live camera is older than it may be; then it is counted as dropped for `reason`."""
        old = self.in_time and now_s - shot.frame.captured_s > self.settings.max_age
        if old:
            self.dropped[reason] += 1
            self.missed(shot)
        return old

    def missed(self, shot: Shot) -> None:
        """A due shot is never looked at after all: another frame is due in its place."""
        self.camera.missed(shot)
        self.gate.missed(shot.frame.time_s)
