"""Drawn golden frames: the same every time, of any size, and not flat."""

from __future__ import annotations

import numpy as np
import pytest

from edge_resnet.manifest import InputSpec
from export.golden import drawn_frames


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (161, 289)])
def test_frames_fit_the_input_and_repeat(height: int, width: int) -> None:
    frames = drawn_frames(InputSpec(height=height, width=width), 3)
    assert frames.shape == (3, height, width, 3)
    assert frames.dtype == np.uint8
    assert frames.std() > 30
    assert len({frame.tobytes() for frame in frames}) == 3
    np.testing.assert_array_equal(frames, drawn_frames(InputSpec(height=height, width=width), 3))
