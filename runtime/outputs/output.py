"""The contract of a output; this one takes everything and does nothing with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from runtime.cameras.shot import Shot
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.look import Look


class Output:
    """Takes what the pipeline makes. A output overrides what it cares for."""

    def look(self, look: Look) -> None:
        """A frame was classified."""

    def event(self, event: Event) -> None:
        """An alarm was raised (`ended_s` is None) or cleared; it is in the store already."""

    def incident(self, incident: Incident) -> None:
        """A camera is blind, or an engine failed (`ended_at` is None), or that is over; it is in the store already."""

    def judged(self, shot: Shot, look: Look) -> None:
        """A shot of a camera was judged; its picture is that of `shot.frame`, masked."""

    def evidence(self, subject: Event | NearMiss, shot: Shot, look: Look) -> None:
        """The shot that raised an event, or the best of a near miss, and the look at it; both are in the store."""

    def picture(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        """An annotated frame, H x W x 3, uint8, BGR, at `time_s` seconds of the stream."""

    def close(self) -> None:
        """The stream is over, well or not: finish what was begun."""
