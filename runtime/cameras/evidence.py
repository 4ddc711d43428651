"""What speaks for one kind of blindness: since when, whether it is enough, and what is usual for a camera."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from runtime.cameras.measure import Blocks

STILL_SHARE = 0.95
# Pictures that are recalled: 30 s at 5 a second, several groups of pictures of an encoder.
_RECALLED = 150
# The usual sharpness follows a season, not a person who walks through; and is not believed before this much was seen.
_MEMORY_S = 1800.0
_LEARN_S = 10.0
# One look teaches little: a long gap weighs no more than this, a strange picture no more than a factor of 2.
_MOST_S = 5.0
_MOST_LOG = math.log(2.0)


class Evidence:
    """One kind of blindness of pictures: held after `after_s` of suspicion, over after `recover_s` without.

    `since_s`: when the suspicion began. `ended_s`: the first good picture after the last time it was held. `facts`:
    what was measured when it was suspected last.
    """

    def __init__(self, after_s: float, recover_s: float) -> None:
        self._after_s = after_s
        self._recover_s = recover_s
        self.held = False
        self.since_s: float | None = None
        self.ended_s = -math.inf
        self._well_s: float | None = None
        self.facts: Mapping[str, float | str] = {}

    @property
    def open_s(self) -> float | None:
        """Since when it may still turn out either way; None when it is settled."""
        return self._well_s if self.held else self.since_s

    def judge(self, at_s: float, suspect: bool, facts: Mapping[str, float | str], began_s: float | None = None) -> None:
        """Take the picture of `at_s` into account. `began_s`: since when, where one picture tells more than its own."""
        if suspect:
            self._well_s = None
            self.facts = facts
            if not self.held:
                began_s = self.since_s if began_s is None else began_s
                self.since_s = at_s if began_s is None else began_s
                self.held = at_s - self.since_s >= self._after_s
        elif not self.held:
            self.since_s = None
        else:
            self._well_s = at_s if self._well_s is None else self._well_s
            if at_s - self._well_s >= self._recover_s:
                self.held, self.since_s, self.ended_s, self._well_s = False, None, self._well_s, None

    def forget(self, held: bool) -> None:
        """Drop the suspicion, and with `held` the verdict too."""
        self._well_s = None
        if held or not self.held:
            self.held, self.since_s = False, None


class Stillness:
    """Since when nearly nothing is new, not by a single grey level: no sensor is so quiet.

    What was there before is not new either: an encoder that is fed the same picture for ever makes other pixels of it
    at every key frame, but the same ones again and again; a sensor's noise never comes back.
    """

    def __init__(self) -> None:
        # Of the last _RECALLED pictures, in a ring, and how many there were since it began anew.
        self._known: Blocks = np.zeros((_RECALLED, 0, 0), np.uint32)
        self._seen = 0
        self._changed_s: npt.NDArray[np.float64] = np.zeros(0)

    def began_s(self, at_s: float, blocks: Blocks) -> float:
        """The first of the pictures since which 95% of the blocks are known; `at_s` itself when this one is new."""
        if self._known.shape[1:] != blocks.shape:
            self._known = np.zeros((_RECALLED, *blocks.shape), np.uint32)
            self.forget()
        if self._seen == 0:
            self._changed_s = np.full(blocks.shape, at_s)
        else:
            self._changed_s[~np.any(self._known[: self._seen] == blocks, axis=0)] = at_s
        self._known[self._seen % _RECALLED] = blocks
        self._seen += 1
        place = math.ceil(STILL_SHARE * self._changed_s.size) - 1
        return float(np.partition(self._changed_s, place, axis=None)[place])

    def forget(self) -> None:
        """Begin anew with the next picture."""
        self._seen = 0


class Usual:
    """The sharpness that a camera usually has: a slow mean of the logarithm. 0 until it can be told."""

    def __init__(self) -> None:
        self._log = 0.0
        self._learnt_s = 0.0
        self._at_s: float | None = None

    @property
    def sharpness(self) -> float:
        return math.exp(self._log) if self._learnt_s >= _LEARN_S else 0.0

    def learn(self, at_s: float, sharpness: float) -> None:
        """Take a picture of a camera that sees well into account; the first ten seconds count alike."""
        value = math.log(max(sharpness, 1e-6))
        if self._at_s is None:
            self._log = value
        else:
            gap_s = min(max(at_s - self._at_s, 0.0), _MOST_S)
            self._learnt_s = min(self._learnt_s + gap_s, _MEMORY_S)
            if self._learnt_s > 0.0:
                # Before it is believed it must find its place, wherever it began.
                most = _MOST_LOG if self._learnt_s >= _LEARN_S else math.inf
                self._log += min(most, max(-most, value - self._log)) * gap_s / self._learnt_s
        self._at_s = at_s
