"""How a watch stands at a moment: the snapshot that the table, the wall of pictures and /readyz read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.events.deliveries import Waiting


@dataclass(frozen=True)
class CameraStatus:
    """One camera now.

    `state`: live, stale, offline, frozen, black, overexposed or out_of_focus, since `since_s` seconds; `why` in words
    for people (`reason; advice`), empty while all is well, and `starting` while it is offline because it has not come
    yet and nothing is known to be wrong. `label`, `probability`: of the latest look (0..1), empty and 0 before the
    first. `held`: alarms that are held. `rate_per_s`: looks a second that it gets of the `wanted_per_s`. `age_s`: of
    the frame that was classified last, when its answer came; None before. `frames` came, `looks` were taken, `dropped`
    counts by reason. `attention`: the rung of the ladder that it is on (asleep, glance, watch), `attention_why`: what
    it is to be watched for (motion, always, site, operator, evidence); both empty where there is none; `woken`: how
    often it went up to be watched, by what for. `watched_s` and `blind_s` (by reason): of the ledger, since the start
    of the watch. `cpu_s`: the processor's time that reading it took since then, by stage (demux, decode, scale).
    `decoder`: cpu, or the device that decodes it; empty before a frame was decoded, and where OpenCV does.
    """

    name: str
    state: str
    since_s: float
    why: str = ""
    label: str = ""
    probability: float = 0.0
    held: tuple[str, ...] = ()
    rate_per_s: float = 0.0
    wanted_per_s: float = 0.0
    age_s: float | None = None
    frames: int = 0
    looks: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    reconnects: int = 0
    attention: str = ""
    attention_why: str = ""
    woken: Mapping[str, int] = field(default_factory=dict)
    watched_s: float = 0.0
    blind_s: Mapping[str, float] = field(default_factory=dict)
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    decoder: str = ""

    @property
    def starting(self) -> bool:
        """Whether it has not come yet and nothing is known to be wrong."""
        return self.state == "offline" and self.why == "starting"

    @property
    def reason(self) -> str:
        """The reason of `why`, a word or two; empty where it only repeats the state."""
        reason = self.why.partition("; ")[0]
        return "" if self.starting or reason == self.state.replace("_", " ") else reason

    @property
    def advice(self) -> str:
        """What `why` says beyond the reason."""
        return self.why.partition("; ")[2]


@dataclass(frozen=True)
class BoxStatus:
    """The whole watch now. `backend` and `precision` that run ("" while none does), `ms_a_frame` of inference in the
    mean, `batch` frames in the last one, `overloaded`: whether cameras get fewer looks than they want, or not
    all are watched that should be. `sinks`: what each was not told yet, by name.
    """

    cameras: tuple[CameraStatus, ...]
    uptime_s: float
    backend: str = ""
    precision: str = ""
    ms_a_frame: float = 0.0
    batch: int = 0
    overloaded: bool = False
    events: int = 0
    sinks: Mapping[str, Waiting] = field(default_factory=dict)
