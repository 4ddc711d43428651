"""Preprocessing drift: none where nothing is resized, and what others' interpolation does where it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from edge_resnet.manifest import InputSpec, ModelSpec
from edge_resnet.preprocess import Preprocess
from export.parity.drift import MAX_PICTURES, WAYS, measure
from tests.drawn import class_folders
from tests.stand_ins import MODEL, Brightness

PILLOW, OPENCV, PRESET = WAYS


@pytest.fixture
def noise() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)


def test_the_ways_are_the_libraries_own(noise: npt.NDArray[np.uint8]) -> None:
    stretch = Preprocess(96, 64)
    pillow = np.asarray(Image.fromarray(noise).resize((64, 96), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(WAYS[PILLOW](noise, stretch), pillow)
    np.testing.assert_array_equal(WAYS[OPENCV](noise, stretch), cv2.resize(noise, (64, 96)))
    preset = v2.Compose([v2.Resize(256), v2.CenterCrop(224)])(torch.from_numpy(noise).permute(2, 0, 1))
    ours = WAYS[PRESET](noise, Preprocess(224, 224)).astype(int)
    assert ours.shape == (224, 224, 3)
    # torch's antialiased filter rounds otherwise than Pillow's.
    assert np.abs(ours - preset.permute(1, 2, 0).numpy()).max() <= 2


def test_bars_and_cuts_stay_the_models(noise: npt.NDArray[np.uint8]) -> None:
    before = noise.copy()
    letterbox = Preprocess(96, 96, "letterbox")
    square = noise[:96, :96].copy()
    square.setflags(write=False)
    white_sides = np.zeros((300, 400, 3), np.uint8)
    white_sides[:, :45] = white_sides[:, -45:] = 255
    for way in (WAYS[PILLOW], WAYS[OPENCV]):
        np.testing.assert_array_equal(way(noise, letterbox)[:12], letterbox(noise)[:12])
        assert way(white_sides, Preprocess(96, 96, "crop")).max() == 0
        np.testing.assert_array_equal(way(square, Preprocess(96, 96)), square)
    np.testing.assert_array_equal(noise, before)


def test_pictures_of_the_inputs_size_do_not_drift(tmp_path: Path) -> None:
    size = MODEL.input.width, MODEL.input.height
    paths = []
    for place, brightness in enumerate((100, 128, 140)):
        paths.append(tmp_path / f"{place}.png")
        Image.new("RGB", size, (brightness,) * 3).save(paths[-1])
    for drift in measure(Brightness(), MODEL, paths)[:2]:
        assert (drift.n, drift.largest, drift.mean, drift.changed) == (3, 0.0, 0.0, 0.0)


def test_thin_lines_show_who_does_not_average(tmp_path: Path) -> None:
    """A white line in sixteen, on black: the mean is dark, and single pixels are white or black."""
    lines = np.zeros((32 * 16, 64 * 16, 3), np.uint8)
    lines[7::16] = lines[8::16] = 255
    Image.fromarray(lines).save(tmp_path / "lines.png")
    drifts = {drift.way: drift for drift in measure(Brightness(), MODEL, [tmp_path / "lines.png"])}
    assert drifts[PILLOW].changed == 0.0
    assert drifts[PILLOW].largest < 0.01
    assert drifts[OPENCV].changed == 1.0
    assert drifts[OPENCV].largest == drifts[OPENCV].mean > 0.9


def test_it_takes_a_spread_and_passes_over_what_is_no_picture(tmp_path: Path) -> None:
    class_folders(tmp_path, {"fire": 50, "normal": 50})
    paths = sorted(tmp_path.rglob("*.png"))
    told: list[tuple[int, int]] = []
    drifts = measure(Brightness(), MODEL, paths, lambda done, total: told.append((done, total)))
    assert [drift.way for drift in drifts] == list(WAYS)
    assert drifts[0].n == MAX_PICTURES
    assert told[-1] == (MAX_PICTURES, MAX_PICTURES)
    paths[0].write_bytes(b"no picture")
    assert measure(Brightness(), MODEL, paths)[0].n == MAX_PICTURES - 1
    assert measure(Brightness(), MODEL, [paths[0]]) == ()


def test_probabilities_are_the_calibrated_ones(tmp_path: Path) -> None:
    class_folders(tmp_path, {"fire": 4})
    paths = sorted(tmp_path.rglob("*.png"))
    cold = ModelSpec(labels=MODEL.labels, input=InputSpec(height=32, width=64), temperature=100.0)
    assert measure(Brightness(), cold, paths)[2].largest < measure(Brightness(), MODEL, paths)[2].largest / 10
