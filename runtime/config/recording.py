"""What is kept of events beside their rows, pictures and clips, and for how long."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from runtime.config.base import Settings
from runtime.config.finding import Finding, Inconsistent
from runtime.config.units import Bytes, Seconds


def _off(value: Any) -> Any:
    """YAML takes `off` for false."""
    return "off" if value is False else value


Packets = Annotated[Literal["auto", "off"], BeforeValidator(_off), WithJsonSchema({"enum": ["auto", "off", False]})]


class RecordingSettings(Settings):
    """What is recorded of an event, beside the events file, in the folder NAME.media."""

    snapshots: bool = True
    """A picture of what raised it, and one that shows where it was seen."""
    near_misses: bool = True
    """Snapshots of near misses too, of each alarm and zone of a camera one a minute at most."""
    clips: bool = True
    """A video of what came before and after."""
    pre_roll: Seconds = 5.0
    """A clip begins so long before the look that raised it."""
    post_roll: Seconds = 10.0
    """A clip ends so long after the event is over."""
    max_length: Seconds = 60.0
    """But no clip is longer."""
    packets: Packets = "auto"
    """Clips from the camera's own packets, not encoded again, where PyAV is installed and the camera sends H.264 or
    H.265 and has no masks: of a camera on the ladder without a record stream those that are read anyway, else by a
    connection of their own. off, or otherwise: from the pictures that were judged.
    """
    width: Annotated[int, Field(ge=64, le=7680)] = 640
    """Width of a clip's pictures, where it is made of those that were judged (pixels)."""
    quality: Annotated[int, Field(ge=1, le=100)] = 85
    """Of the JPEGs, 1 to 100."""

    @model_validator(mode="after")
    def _room_for_the_event(self) -> RecordingSettings:
        if self.max_length <= self.pre_roll:
            text = f"{self.max_length:g} s leave no room after pre_roll ({self.pre_roll:g} s); give it a longer time"
            raise Inconsistent([Finding(("max_length",), text)])
        return self


class RetentionSettings(Settings):
    """For how long what is kept is kept. A disk that is short of space loses clips first, then snapshots, then scores
    and near misses; never an event.
    """

    keep_clips: Seconds = 30 * 86400.0
    """Clips are removed after so long."""
    keep_snapshots: Seconds = 30 * 86400.0
    """Snapshots are removed after so long."""
    keep_scores: Seconds = 14 * 86400.0
    """The recorded scores of each look are removed after so long."""
    keep_near_misses: Seconds = 14 * 86400.0
    """Near misses and their snapshots are removed after so long."""
    keep_events: Seconds | None = None
    """Events and incidents, and all that belongs to them, are removed after so long; never, when left out."""
    max_size: Bytes = 10e9
    """The most that clips, snapshots and the events file may take together; then the snapshots of near misses go,
    then the oldest files."""
    min_free: Bytes = 1e9
    """So much of the disk is left free, but at most a twentieth of it."""
