"""How the attention ladder goes up and down, with units and defaults; each default says why it is what it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runtime.config.base import Settings
from runtime.config.units import Seconds

AttentionMode = Literal["full", "ladder"]


class LadderSettings(Settings):
    """When a quiet camera's frames are passed over, and when it is watched again."""

    glance: Seconds = 1.0
    """While quiet, at most one key frame in so long is looked at: cameras that send only key frames would cost as much
    as when they are watched.
    """
    glance_within: Seconds = 4.0
    """Where key frames come more rarely than this, the frames between them are decoded: who comes and goes between two
    looks is not seen. Most cameras send one each 1 to 4 s.
    """
    wake: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """A look wakes the camera that comes over this share of an alarm's low threshold: one glance is not to decide."""
    hold: Seconds = 10.0
    """So long it is watched after the last sign: who goes behind a pillar comes back within seconds."""
