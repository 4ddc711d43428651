"""The gate: whether a frame is worth a look, by motion on a small grey picture; it never saves all looks."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from runtime.cameras.levels import histogram, percentiles
from runtime.cameras.mask import Mask
from runtime.config.settings import GateSettings
from runtime.sources.frame import Image

# The grey levels between these shares of the points are stretched over 0..255, so that night and fog have motion too.
_DARKEST, _BRIGHTEST = 0.04, 0.96
# But not by more than this: what is left of a black picture is noise.
_MOST_STRETCH = 6.0
_BLUR = (5, 5)
_ROUNDING_S = 1e-6

Why = Literal["first", "motion", "lightning", "held", "heartbeat", "still"]


@dataclass(frozen=True)
class Decision:
    """Whether to look at a frame, and `why`; `moved`: share of the unmasked picture that differs, 0..1."""

    open: bool
    why: Why
    moved: float


def always_open(settings: GateSettings, armed: Collection[str]) -> bool:
    """Whether every due frame must be looked at: the gate is off, or an alarm that is armed is never gated."""
    return not settings.enabled or any(alarm in armed for alarm in settings.never_for)


class Gate:
    """The gate of one camera. Times are seconds of its stream, and grow; nothing is read from a clock.

    The background is a running mean with a time constant, so that it does not depend on the rate of looks. It learns
    what moves too: whatever is slow enough to be absorbed, such as smoke, is left to the heartbeat.
    """

    def __init__(self, settings: GateSettings, heartbeat_s: float, mask: Mask | None = None) -> None:
        """`heartbeat_s`: at least so often it opens, whatever is seen. Parts inside `mask` do not count."""
        self._settings = settings
        self._heartbeat_s = heartbeat_s
        self._mask = mask
        self._counted: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._background: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._at_s = self._opened_s = 0.0
        self._levels: tuple[float, float] | None = None
        self._held_until_s = -math.inf

    def opens(self, time_s: float, points: Image) -> Decision:
        """Decide on the frame of `time_s`. `points`: Seen.points, rows x columns, uint8."""
        if self._background.shape != points.shape:
            self._begin(points)
            return self._decide(time_s, True, "first", 0.0)
        weight = 1.0 - math.exp(-max(0.0, time_s - self._at_s) / self._settings.memory)
        picture = self._prepare(points, weight)
        moved = self._moved(picture)
        if moved > self._settings.lightning:
            # All at once is light, or another view. One look, for it may be a flash of fire; then it is background.
            self._begin(points)
            return self._decide(time_s, True, "lightning", moved)
        cv2.accumulateWeighted(picture, self._background, weight)
        if moved > self._settings.min_area:
            self._held_until_s = time_s + self._settings.hold_open
            return self._decide(time_s, True, "motion", moved)
        if time_s <= self._held_until_s:
            return self._decide(time_s, True, "held", moved)
        # Now, where the next frame would come too late, if it is as far off as the last.
        if 2 * time_s - self._at_s > self.opens_by_s + _ROUNDING_S:
            return self._decide(time_s, True, "heartbeat", moved)
        return self._decide(time_s, False, "still", moved)

    def found(self, time_s: float) -> None:
        """A look at the frame of `time_s` found something: stay open, even if it stands still."""
        self._held_until_s = max(self._held_until_s, time_s + self._settings.hold_open)

    def missed(self, time_s: float) -> None:
        """The frame of `time_s`, for which it opened, was never looked at: the next stands for it."""
        if time_s == self._opened_s:
            self._opened_s = -math.inf

    @property
    def opens_by_s(self) -> float:
        """When it opens at the latest, whatever is seen."""
        return self._opened_s + self._heartbeat_s

    def _begin(self, points: Image) -> None:
        """Take this picture for the background."""
        rows, columns = points.shape
        self._counted = np.ones((rows, columns), np.uint8)
        if self._mask:
            self._counted[self._mask.inside(rows, columns)] = 0
        self._levels = None
        self._background = self._prepare(points, 1.0).astype(np.float32)

    def _prepare(self, points: Image, weight: float) -> Image:
        """Stretch and smooth. The levels follow as slowly as the background: a white car must not dim the street."""
        low, high = percentiles(histogram(points, self._counted), _DARKEST, _BRIGHTEST)
        if self._levels is not None:
            low, high = (old + weight * (new - old) for old, new in zip(self._levels, (low, high), strict=True))
        self._levels = low, high
        stretch = min(_MOST_STRETCH, 255.0 / max(1.0, high - low))
        table = np.clip((np.arange(256) - low) * stretch, 0, 255).astype(np.uint8)
        return np.asarray(cv2.GaussianBlur(cv2.LUT(points, table), _BLUR, 0), np.uint8)

    def _moved(self, picture: Image) -> float:
        differs = np.abs(picture - self._background) > self._settings.threshold
        counted = self._counted > 0
        return int(np.count_nonzero(differs & counted)) / max(1, int(np.count_nonzero(counted)))

    def _decide(self, time_s: float, opens: bool, why: Why, moved: float) -> Decision:
        self._at_s = time_s
        if opens:
            self._opened_s = time_s
        return Decision(opens, why, moved)
