"""Whether a camera sees: live, or blind and why, each with its evidence and since when it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.cameras.evidence import Evidence, Stillness, Usual
from runtime.cameras.gap import Gap
from runtime.cameras.measure import Seen
from runtime.config.settings import BlindnessSettings

LIVE, STALE, OFFLINE = "live", "stale", "offline"
FROZEN, BLACK, OVEREXPOSED, OUT_OF_FOCUS = "frozen", "black", "overexposed", "out_of_focus"
# Where several hold, the first is told: without frames nothing is known of pictures, and a black picture is also still.
BLIND = (OFFLINE, STALE, BLACK, OVEREXPOSED, FROZEN, OUT_OF_FOCUS)
STATES = (LIVE, *BLIND)
# The reason of being offline before anything is known, and where frames stop and nothing says why.
STARTING, TIMEOUT = "starting", "timeout"

# Less is blur on any camera, even one that never was in focus: a sigma of 5 of 640 pixels (docs/decisions/0020).
SHARPNESS_FLOOR = 0.008


@dataclass(frozen=True)
class Turn:
    """A camera went from one state to another.

    `since_s`: when the evidence began (the last frame before the silence, the first of the identical pictures, the
    first good picture), never before the state it replaces began. `at_s`: when it was sure. Both on the caller's clock.
    `evidence`: what was measured, for people and for the store; `reason` of offline is one of outage.REASONS.
    """

    before: str
    state: str
    since_s: float
    at_s: float
    evidence: Mapping[str, float | str] = field(default_factory=dict)


class Sight:
    """The state machine of one camera. The caller gives the time: of a live camera seconds of time.monotonic(), of a
    file those of its stream (it then calls `tick` only with the times of its frames: a file is never stale).

    `gap`: with a longer time between two pictures, what they showed says nothing of the time between.
    Until the first frame the state is offline and the reason `starting`; it becomes a Turn only after `offline_after`.
    """

    def __init__(self, settings: BlindnessSettings, now_s: float) -> None:
        """`now_s`: when the watch of this camera begins."""
        self._settings = settings
        self._started_s = self.since_s = now_s
        self.state = OFFLINE
        self.evidence: Mapping[str, float | str] = {"reason": STARTING}
        self._frame_s: float | None = None
        self._silent: str | None = None
        # The first frame after a silence, while it is not sure that it is over, and of the last silence that was.
        self._back_s: float | None = None
        self._returned_s = now_s
        self._lost: dict[str, str] = {}
        self._lost_s = now_s
        self._seen_s: float | None = None
        self.gap = Gap(settings.offline_after)
        recover_s = settings.recover_after
        self._pictures = {
            BLACK: Evidence(settings.black_after, recover_s),
            OVEREXPOSED: Evidence(settings.overexposed_after, recover_s),
            FROZEN: Evidence(settings.frozen_after, recover_s),
            OUT_OF_FOCUS: Evidence(settings.out_of_focus_after, recover_s),
        }
        self._stillness = Stillness()
        self._usual = Usual()

    def came(self, now_s: float) -> None:
        """A frame arrived, whether or not anybody looks at it. The same one may be told again and changes nothing."""
        if self._frame_s is not None and now_s <= self._frame_s:
            return
        gap = self._frame_s is not None and now_s - self._frame_s >= self._settings.stale_after
        if gap:
            # What was the same before and after a silence was not seen to be the same all the time.
            self._forget(held=False)
        if self._frame_s is None:
            self._returned_s = now_s
        if self._silent and (gap or self._back_s is None):
            self._back_s = now_s
        self._frame_s = now_s
        self._lost = {}

    def lost(self, now_s: float, reason: str, text: str) -> None:
        """The connection is down since `now_s`, or could not be made: `reason` of outage.REASONS, `text` for people."""
        self._lost, self._lost_s = {"reason": reason, "text": text}, now_s

    def saw(self, captured_s: float, seen: Seen) -> None:
        """A picture was measured, captured at `captured_s`; pictures come in the order in which they were captured."""
        if self._seen_s is not None and captured_s <= self._seen_s:
            return
        self._seen_s = captured_s
        self.gap.looked()
        settings, judge = self._settings, {name: evidence.judge for name, evidence in self._pictures.items()}
        dark, light = seen.dark_level < settings.black_level, seen.light_level > settings.overexposed_level
        judge[BLACK](captured_s, dark, {"dark_level": seen.dark_level})
        judge[OVEREXPOSED](captured_s, light, {"light_level": seen.light_level})
        bound = max(SHARPNESS_FLOOR, settings.focus_share * self._usual.sharpness)
        blurred = seen.sharpness < bound
        judge[OUT_OF_FOCUS](captured_s, blurred, {"sharpness": seen.sharpness, "usual": self._usual.sharpness})
        began_s = self._stillness.began_s(captured_s, seen.blocks)
        frozen = self._pictures[FROZEN]
        # Once frozen, a single change ends it however still it is afterwards: a quiet scene is refreshed once a GOP.
        was_held, facts = frozen.held, {"still_s": captured_s - began_s}
        if was_held:
            frozen.judge(captured_s, captured_s - began_s >= settings.frozen_after, facts, began_s)
        if not frozen.held:
            frozen.judge(captured_s, began_s < captured_s, facts, began_s)
        if self.state == LIVE and not (dark or light or blurred):
            self._usual.learn(captured_s, seen.sharpness)

    def tick(self, now_s: float) -> tuple[Turn, ...]:
        """What has changed up to now: one Turn, or none. To be called often, also when nothing comes."""
        self._listen(now_s)
        if self._seen_s is not None and now_s - self._seen_s >= self.gap.longest_s:
            self._forget(held=False)
        held = [name for name, evidence in self._pictures.items() if evidence.held]
        if self._silent is None and self._frame_s is None:
            return ()
        state = self._silent or (held[0] if held else LIVE)
        if state == self.state and not (state == OFFLINE and self.evidence.get("reason") == STARTING):
            return ()
        since_s = max(self.since_s, self._began_s(state))
        turn = Turn(self.state, state, since_s, now_s, self._facts(state, now_s))
        self.state, self.since_s, self.evidence = state, since_s, turn.evidence
        return (turn,)

    def trusted_until(self, now_s: float) -> float:
        """Up to when it is certain whether the camera saw; what is later may still turn out to be blind, or seen.

        A suspicion holds it back to where it began. It never is later than `now_s`.
        """
        if self._frame_s is None:
            return now_s if self._silent else self._started_s
        if self._silent:
            # While it recovers it may be live since it is back; while it is stale, offline since the same last frame.
            last_s = now_s if self._silent == OFFLINE else self._frame_s
            return min(now_s, last_s if self._back_s is None else self._back_s)
        until_s = [now_s, self._frame_s]
        if self._seen_s is not None and now_s - self._seen_s < self.gap.longest_s:
            until_s.append(self._seen_s)
        until_s += [evidence.open_s for evidence in self._pictures.values() if evidence.open_s is not None]
        return min(until_s)

    def _listen(self, now_s: float) -> None:
        """Stale and offline: how long no frame came; over when frames came without a gap for `recover_after`."""
        last_s = self._started_s if self._frame_s is None else self._frame_s
        silence_s = now_s - last_s
        if silence_s >= self._settings.offline_after:
            if self._silent != OFFLINE:
                self._forget(held=True)
            self._silent, self._back_s = OFFLINE, None
        elif silence_s >= self._settings.stale_after and self._frame_s is not None:
            self._silent, self._back_s = self._silent or STALE, None
            self._forget(held=False)
        elif self._back_s is not None and last_s - self._back_s >= self._settings.recover_after:
            self._returned_s = self._back_s
            self._silent = self._back_s = None

    def _forget(self, held: bool) -> None:
        """Drop what pictures hinted at, and with `held` also what they had shown: a new connection is judged anew."""
        for evidence in self._pictures.values():
            evidence.forget(held)
        if not self._pictures[FROZEN].held:
            self._stillness.forget()

    def _began_s(self, state: str) -> float:
        if state in (OFFLINE, STALE):
            return self._started_s if self._frame_s is None else self._frame_s
        if self.state in (OFFLINE, STALE):
            ended_s = self._returned_s
        else:
            ended_s = self._pictures[self.state].ended_s if self.state in self._pictures else self._started_s
        return max(ended_s, self._pictures[state].since_s or ended_s) if state in self._pictures else ended_s

    def _facts(self, state: str, now_s: float) -> Mapping[str, float | str]:
        if state == LIVE:
            return {}
        if state in self._pictures:
            return dict(self._pictures[state].facts)
        silence = {"silence_s": now_s - self._began_s(state)}
        if state == STALE:
            return silence
        # A length, not the moment: the clock is nobody's outside of this run.
        down = {"down_s": now_s - self._lost_s} if self._lost else {}
        return {**silence, "reason": TIMEOUT, **self._lost, **down}
