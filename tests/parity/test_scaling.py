"""What a decoder scales moves no probability by more than 0.05 from the one preprocessing of the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from torchvision.models import ResNet

from edge_resnet.geometry import ResizePolicy
from edge_resnet.model import build, normalise
from edge_resnet.preprocess import Preprocess
from runtime.cameras.measure import measure
from runtime.sources.decoded import AvFrame
from runtime.sources.frame import Decoded, Image
from tests.parity.conftest import SPEC, seeded_network
from tests.unit.runtime.sources.videos import Video, write, x264

# What any other path than the one preprocessing may move a probability by (docs/decisions/0030-attention-ladder.md).
MOST = 0.05
POLICIES: tuple[ResizePolicy, ...] = ("stretch", "letterbox", "crop")
CLASSES = 200
Probabilities = npt.NDArray[np.float32]
Classify = Callable[[list[Image]], Probabilities]


def decoded(path: Path, every: int = 1, most: int = 1000) -> Iterator[AvFrame]:
    """Every so many frames of a video, as its decoder gives them."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= every * most:
                return
            if number % every == 0:
                yield AvFrame(frame)


def classifier(network: ResNet) -> Classify:
    def classify(inputs: list[Image]) -> Probabilities:
        with torch.inference_mode():
            logits: torch.Tensor = network(normalise(torch.from_numpy(np.stack(inputs))))
            return np.asarray(logits.softmax(1).numpy(), np.float32)

    return classify


def moved(frames: list[AvFrame], preprocess: Preprocess, classify: Classify, enough: Any = None) -> float:
    """How far the probability of any class moves at the most. `enough`: see Preprocess; another to see it fail."""
    enough = enough or preprocess.enough
    whole = [preprocess(each.scaled(*each.shape)) for each in frames]
    scaled = [preprocess(each.scaled(*enough(*each.shape))) for each in frames]
    return float(np.abs(classify(whole) - classify(scaled)).max())


@pytest.fixture(scope="module")
def seeded() -> Classify:
    return classifier(seeded_network())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (704, 576), (640, 480), (640, 360)])
def test_of_drawn_frames_it_moves_hardly_anything(
    tmp_path: Path, seeded: Classify, size: tuple[int, int], policy: ResizePolicy
) -> None:
    video = Video(width=size[0], height=size[1], frames=6, options=x264())
    frames = list(decoded(write(tmp_path / "drawn", video)))
    assert moved(frames, Preprocess(SPEC.input.height, SPEC.input.width, policy), seeded) < MOST


def test_less_than_enough_would_move_more(tmp_path: Path, seeded: Classify) -> None:
    frames = list(decoded(write(tmp_path / "drawn", Video(width=1280, height=720, frames=6, options=x264()))))
    preprocess = Preprocess(SPEC.input.height, SPEC.input.width)
    less = preprocess.height * 5 // 4, preprocess.width * 5 // 4
    much = moved(frames, preprocess, seeded, lambda height, width: less)
    assert much > 2 * moved(frames, preprocess, seeded)


@pytest.fixture(scope="module")
def trained(real_data: Path) -> Classify:
    checkpoint = real_data / "checkpoints" / "resnet50-tinyimagenet64.safetensors"
    if not checkpoint.is_file():
        pytest.skip(f"{checkpoint} is absent")
    network = build(CLASSES)
    network.load_state_dict(load_file(checkpoint))
    return classifier(network.eval())


@pytest.fixture(scope="module")
def clips(real_data: Path) -> list[Path]:
    found = sorted([*(real_data / "clips").glob("*.mp4"), *(real_data / "clips").glob("*.avi")])
    if not found:
        pytest.skip(f"no clips in {real_data / 'clips'}")
    return found


@pytest.mark.real
@pytest.mark.parametrize("policy", POLICIES)
def test_of_real_clips_no_probability_of_a_trained_network_moves_by_more_than_is_allowed(
    clips: list[Path], trained: Classify, policy: ResizePolicy
) -> None:
    moves = {path.name: moved(list(decoded(path, 20, 5)), Preprocess(64, 64, policy), trained) for path in clips}
    assert max(moves.values()) < MOST, moves


@pytest.mark.real
def test_what_is_measured_of_real_frames_is_what_is_measured_of_their_pictures(clips: list[Path]) -> None:
    levels, shares = [], []
    for path in clips:
        frame: Decoded
        for frame in decoded(path, 40, 5):
            seen, expected = measure(frame), measure(frame.scaled(*frame.shape))
            levels += [seen.dark_level - expected.dark_level, seen.light_level - expected.light_level]
            shares.append(seen.sharpness / expected.sharpness)
    # Colours that are cut off at the ends of their range are brighter in brightness alone.
    assert np.percentile(np.abs(levels), 95) < 2.0
    assert np.abs(levels).max() < 5.0
    assert np.percentile(np.abs(np.log(shares)), 95) < 0.1
    assert np.abs(np.log(shares)).max() < 0.25
