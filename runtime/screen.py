"""What people see: one camera's annotated picture, or a wall of all of them; for the window and the saved clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_resnet import overlay
from edge_resnet.manifest import ModelSpec
from runtime.cameras.shot import Shot
from runtime.cameras.sight import LIVE
from runtime.channel import Channel
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.outputs.wall import Wall, blind
from runtime.service.status import BoxStatus
from runtime.sources.frame import Image

# Of a camera that never gave a picture.
_USUAL_HEIGHT, _USUAL_WIDTH = 360, 640


class Screen:
    """Annotates shots and gives them to the outputs that want pictures: one by one, or as a wall of all cameras."""

    def __init__(self, model: ModelSpec, outputs: Sequence[Output], wall: Wall | None) -> None:
        """`wall`: None for one camera, whose every picture is given on at its own time.

        What a reload adds to that camera is not shown.
        """
        self._model, self._outputs, self._wall = model, outputs, wall
        self._newest: Image | None = None
        self._only: str | None = None
        self._alarming = model.alarming

    def show(self, channel: Channel, shot: Shot) -> None:
        """A new picture of a camera, annotated with its latest look, at it or shortly before."""
        if self._wall is not None:
            # Drawn at the size at which it is seen: text stays readable, and a small picture costs little.
            self._wall.put(channel.name, self._annotated(channel, shot, self._wall.fitted(shot.frame)))
            return
        self._only = self._only or channel.name
        if channel.name != self._only:
            return
        self._newest = self._annotated(channel, shot, shot.frame.image)
        self._give(self._newest, shot.frame.time_s)

    def refresh(self, status: BoxStatus, time_s: float) -> None:
        """Time for the next picture of the wall, or of one camera that is blind, `time_s` seconds after the beginning.

        Else a window would go on showing the last good picture of a camera that is dead.
        """
        if self._wall is not None:
            self._give(self._wall.picture(status), time_s)
            return
        shown = [camera for camera in status.cameras if self._only in (None, camera.name)]
        if len(shown) == 1 and shown[0].state != LIVE:
            height, width = (_USUAL_HEIGHT, _USUAL_WIDTH) if self._newest is None else self._newest.shape[:2]
            self._give(blind(shown[0], self._newest, width, height), time_s)

    def _give(self, image: Image, time_s: float) -> None:
        for output in self._outputs:
            output.picture(image, time_s)

    def _annotated(self, channel: Channel, shot: Shot, image: Image) -> Image:
        look = channel.latest
        caption = overlay.Caption(
            probabilities=look.probabilities if look else {},
            alarming=self._alarming,
            held={str(target): channel.peaks[target] for target in channel.journal.held} if look else {},
            note=f"{channel.name.rpartition('/')[2]}  {shot.frame.time_s:.1f} s",
        )
        heat = self._heat(look) if look else None
        return overlay.draw(image, caption, heat, self._model.input.preprocess)

    def _heat(self, look: Look) -> npt.NDArray[np.float32] | None:
        if not look.alarms:
            return None
        alarm = max(look.alarms, key=look.alarms.__getitem__)
        return overlay.heat_map(look.cam, self._model.class_indices(alarm), look.alarms[alarm], self._model.temperature)
