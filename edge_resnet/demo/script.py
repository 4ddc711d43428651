"""What happens in a scene and when: the time of day, when the person or the fire appears, and what else passes."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Kind = Literal["normal", "intruder", "fire"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NuisanceKind = Literal["cat", "car", "sweep", "rain", "clouds", "wind", "lamp"]
ALWAYS_S = 1e9


@dataclass(frozen=True)
class Nuisance:
    """Something harmless that goes on from `from_s` until `until_s`; what passes is midway at the mean of both."""

    kind: NuisanceKind
    from_s: float = -ALWAYS_S
    until_s: float = ALWAYS_S

    @property
    def middle_s(self) -> float:
        """The moment it is best seen; 0.5 s for what goes on always."""
        return 0.5 if self.from_s <= -ALWAYS_S else (self.from_s + self.until_s) / 2


@dataclass(frozen=True)
class Script:
    """A scene's course. In a still (`enters_s` None) the person or the fire is there at once and well in view."""

    daylight: tuple[tuple[float, float], ...]
    """(t in seconds, daylight 0 to 1), joined by straight lines."""
    overcast: float
    infrared_from_s: float
    nuisances: tuple[Nuisance, ...]
    enters_s: float | None = None
    grow_s: float = 12.0
    """How long a fire takes from onset to its full size, seconds."""

    def daylight_at(self, t_s: float) -> float:
        """Daylight at a moment, 0 (night) to 1 (noon)."""
        times, levels = zip(*self.daylight, strict=True)
        return float(np.interp(t_s, times, levels))

    def lamp_at(self, t_s: float, seed: int) -> float:
        """How bright the lamp burns: 1, or unsteady while it is starting, 0 before its start."""
        for nuisance in self.nuisances:
            if nuisance.kind == "lamp" and t_s < nuisance.until_s:
                if t_s < nuisance.from_s:
                    return 0.0
                rng = np.random.default_rng([seed, 61, int(max(t_s, 0.0) * 10)])
                return float(rng.choice([0.0, 0.25, 0.6, 1.0]))
        return 1.0


def still(seed: int) -> Script:
    """A script for single pictures: its choices are the same for every class, so that none gives the class away."""
    rng = np.random.default_rng([seed, 21])
    part = str(rng.choice(["day", "dusk", "night", "infrared"], p=[0.42, 0.18, 0.20, 0.20]))
    span = {"day": (0.6, 1.0), "dusk": (0.18, 0.5), "night": (0.0, 0.1), "infrared": (0.0, 0.0)}[part]
    dark = part in ("night", "infrared")
    chances: tuple[tuple[NuisanceKind, float], ...] = (
        ("cat", 0.28),
        ("car", 0.17),
        ("sweep", 0.22 if part != "day" else 0.0),
        ("rain", 0.25),
        ("clouds", 0.45),
        ("wind", 0.6),
        ("lamp", 0.25 if dark else 0.1),
    )
    picked = [Nuisance(kind) for kind, chance in chances if rng.random() < chance]
    rainy = any(nuisance.kind == "rain" for nuisance in picked)
    overcast = float(rng.uniform(0.6, 1.0)) if rainy or rng.random() < 0.3 else float(rng.uniform(0, 0.25))
    level = float(rng.uniform(*span))
    infrared_s = -ALWAYS_S if part == "infrared" else ALWAYS_S
    return Script(((0.0, level),), overcast, infrared_s, tuple(picked))
