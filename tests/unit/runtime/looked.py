"""Channels of which nothing is read: what a box of them manages is what the test says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from runtime.attention import Attention, Reason
from runtime.cameras.reader import STAGES
from runtime.channel import Channel
from runtime.config.settings import CameraSettings
from runtime.pace import Pace


@dataclass
class Eye:
    """A stand-in for the camera of a channel: nothing is read."""

    name: str
    looks: Pace
    live: bool
    begun: bool
    skip_s: float = 0.0
    patient: bool = False
    # Due frames that were lost; a box that manages a share loses shares of frames.
    dropped: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    cpu_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    def news(self) -> Any:
        return SimpleNamespace(came=int(self.begun))

    def answered(self) -> None:
        self.answers += 1

    def skip(self, skip_s: float, *, patient: bool = False) -> None:
        self.skip_s, self.patient = skip_s, patient


class Looked(Channel):
    """A channel that wants so many looks a second, on the ladder where it has one, and sees what the test says."""

    camera: Any
    looks: Any

    def __init__(
        self, name: str, wanted: float, in_time: bool = True, ladder: bool = False, begun: bool = True
    ) -> None:
        settings = CameraSettings(detect="rtsp://yard/1", rate=wanted, heartbeat=10.0)
        super().__init__(
            camera=Eye(name, Pace(wanted), in_time, begun),  # type: ignore[arg-type]
            recorded=None,
            settings=settings,
            judge=SimpleNamespace(alarms=("fire",)),  # type: ignore[arg-type]
            journal=SimpleNamespace(),  # type: ignore[arg-type]
            scores=SimpleNamespace(),  # type: ignore[arg-type]
            gate=SimpleNamespace(),  # type: ignore[arg-type]
            sight=None,
            ledger=None,
            armed=lambda alarm: self.arms,
            attention=Attention(settings.ladder, wanted, settings.heartbeat) if ladder else None,
        )
        self.arms = True

    @property
    def rate(self) -> float:
        return float(self.camera.looks.rate_per_s)

    @property
    def ladder(self) -> Attention:
        assert self.attention is not None
        return self.attention

    def give(self, reason: Reason, until_s: float = 1e9) -> Looked:
        """A reason to be watched."""
        self.ladder._stay(reason, until_s)
        return self


def climber(name: str, **more: Any) -> Looked:
    """One that has a ladder."""
    return Looked(name, 5.0, ladder=True, **more)
