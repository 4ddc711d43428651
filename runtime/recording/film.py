"""Writes a clip: of the camera's own packets where they show it, else of the pictures that were judged."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from edge_resnet import files
from runtime.outputs.clip import Clip
from runtime.recording.packets import plays, remux
from runtime.recording.reel import Picture
from runtime.recording.take import Take

# Packets show every frame, in the camera's own size: so much less of the time is still better than pictures.
_WORTH_S = 1.0


def write_film(path: Path, take: Take, fps: float, av: ModuleType | None) -> bool:
    """Write what was gathered to `path`, whole or not at all. Whether there is anything to see.

    `fps`: of the pictures. Raises OSError, UserError (no space).
    """
    packets_s, pictures_s = take.covered_s(take.packets), take.covered_s(take.pictures)
    if av is not None and take.header is not None and packets_s > 0.0 and packets_s >= pictures_s - _WORTH_S:
        try:
            with files.whole_file(path) as temporary:
                remux(av, temporary, take.packets, take.header)
                if not plays(av, temporary):
                    raise ValueError("no frame of it can be decoded")
            return True
        # FFmpeg's errors are of many classes; all but a full disk mean that these packets make no clip.
        except (av.error.FFmpegError, ValueError, IndexError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
    return _of_pictures(path, take.pictures, fps)


def _of_pictures(path: Path, pictures: Sequence[Picture], fps: float) -> bool:
    clip, some = Clip(path, fps, lambda line: None), False
    try:
        for picture in pictures:
            image = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                clip.picture(np.asarray(image, np.uint8), picture.at_s)
                some = True
    finally:
        clip.close()
    return some
