"""Snapshots of frames that were never made into pictures: in the camera's own size, and never of what is masked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.cameras.mask import Mask
from runtime.cameras.shot import Maker, Shot
from runtime.config.settings import CameraSettings, Polygon, SiteSettings, WatchSettings
from runtime.events.media import Kind, file_of
from runtime.look import Look
from runtime.recording.recorder import Recorder
from runtime.service.lines import Lines
from runtime.sources.frame import Frame
from tests.stand_ins import MODEL
from tests.unit.runtime.stored import event

LEFT = ((0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0))
HEIGHT, WIDTH = 1080, 1920


class Space:
    def allows(self, kind: Kind) -> bool:
        return True


def decoded(mask: Mask) -> Shot:
    """As a camera on the ladder gives it: a frame of the decoder's, of which only the network's input was made."""
    av = pytest.importorskip("av")
    from runtime.sources.decoded import AvFrame

    image = np.full((HEIGHT, WIDTH, 3), 140, np.uint8)
    image[:, WIDTH // 2 :] = 220
    frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
    shot = Maker(mask, MODEL.input.preprocess).make(Frame(AvFrame(frame), 2.0, 50, 1002.0, "yard"), due=True)
    assert "image" not in vars(shot.frame)
    return shot


@pytest.mark.parametrize("mask", [(), (LEFT,)])
def test_a_snapshot_of_a_decoded_frame_is_of_full_size_with_masks_blanked(
    tmp_path: Path, mask: tuple[Polygon, ...]
) -> None:
    settings, store, said = (
        WatchSettings(sites={"": SiteSettings(cameras={"yard": CameraSettings(detect="0")})}),
        tmp_path,
        [],
    )
    recorder = Recorder(store / "events.sqlite", MODEL, lambda: settings, Space(), Lines(said.append))
    subject = replace(event(), ended_s=None)
    look = Look("yard", 2.0, 50, {"normal": 0.1, "fire": 0.9}, {"fire": 0.9}, np.zeros((2, 2, 2), np.float32), 8, 8)
    recorder.evidence(subject, decoded(Mask(mask)), look)
    recorder.close()
    for kind in ("snapshot", "heat"):
        image = cv2.imread(str(file_of(store / "events.sqlite", subject, kind)))
        assert image is not None
        assert image.shape == (HEIGHT, WIDTH, 3)
        # Below the banner; heat tints all of it.
        left, middle, right = (float(image[600:, at : at + 200].mean()) for at in (100, 700, 1400))
        assert (left < 40.0) is bool(mask)
        assert 100.0 < middle < 160.0 < right
