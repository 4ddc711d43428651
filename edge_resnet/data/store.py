"""Every picture decoded once, resized, and kept as memory-mapped arrays for all epochs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from edge_resnet.data.listing import Listing, Sample, Skipped, refuse_if_too_many
from edge_resnet.data.traits import Traits
from edge_resnet.errors import PictureError
from edge_resnet.files import whole_file
from edge_resnet.pictures import decode_picture, read_bounded
from edge_resnet.preprocess import Frame, Preprocess
from edge_resnet.progress import Step

# Training pictures are kept this much larger than the input, so that random crops lose little sharpness.
_MARGIN = 8 / 7
_WORKERS = 4
_EVALUATION, _TRAINING = "evaluation.npy", "training.npy"


@dataclass(frozen=True)
class Store:
    """The pictures of a listing, in its order.

    `listing`: the samples that could be read. `evaluation`: N x H x W x 3, uint8, BGR, of the one preprocessing.
    `training`: the same, larger by a seventh. `traits`: what was measured on each. `skipped`: what could not be read.
    """

    listing: Listing
    evaluation: npt.NDArray[np.uint8]
    training: npt.NDArray[np.uint8]
    traits: tuple[Traits, ...]
    skipped: tuple[Skipped, ...]

    @property
    def hashes(self) -> list[int]:
        """A perceptual hash of each picture."""
        return [traits.perceptual for traits in self.traits]


@dataclass(frozen=True)
class _Decoded:
    evaluation: Frame
    training: Frame
    traits: Traits


def read(
    listing: Listing, preprocess: Preprocess, folder: Path, progress: Step, *, allow_skipped: bool = False
) -> Store:
    """Decode all pictures of `listing` into arrays under `folder`.

    Raises UserError when too many are unreadable; with `allow_skipped` never, for who wants to tell of them.
    """
    larger = replace(preprocess, height=round(preprocess.height * _MARGIN), width=round(preprocess.width * _MARGIN))
    total = len(listing.samples)
    folder.mkdir(parents=True, exist_ok=True)
    kept: list[Sample] = []
    traits: list[Traits] = []
    skipped: list[Skipped] = []
    with (
        whole_file(folder / _EVALUATION) as evaluation_path,
        whole_file(folder / _TRAINING) as training_path,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        evaluation = _empty(evaluation_path, total, preprocess)
        training = _empty(training_path, total, larger)
        results = pool.map(lambda sample: _decode(sample, preprocess, larger), listing.samples)
        for done, (sample, result) in enumerate(zip(listing.samples, results, strict=True), 1):
            if isinstance(result, _Decoded):
                evaluation[len(kept)], training[len(kept)] = result.evaluation, result.training
                kept.append(replace(sample, content=result.traits.content))
                traits.append(result.traits)
            else:
                skipped.append(result)
            progress(done, total)
        evaluation.flush()
        training.flush()
    if not allow_skipped:
        refuse_if_too_many(skipped, total, listing.root)
    return Store(listing.with_samples(kept), *arrays(folder, len(kept)), tuple(traits), tuple(skipped))


def arrays(folder: Path, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The evaluation and the training frames of the first `count` pictures that `read` left under `folder`."""
    evaluation, training = (np.load(folder / name, mmap_mode="r")[:count] for name in (_EVALUATION, _TRAINING))
    return evaluation, training


def _empty(path: Path, count: int, size: Preprocess) -> np.memmap[Any, np.dtype[np.uint8]]:
    shape = (max(count, 1), size.height, size.width, 3)
    array: np.memmap[Any, np.dtype[np.uint8]] = open_memmap(path, "w+", np.uint8, shape)
    # Room is taken now: a full disk is an error here, but would kill the process later, when a page is written.
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _decode(sample: Sample, preprocess: Preprocess, larger: Preprocess) -> _Decoded | Skipped:
    try:
        data = read_bounded(sample.path)
        frame = decode_picture(data, str(sample.path))
    except PictureError as error:
        return Skipped(sample.path, error.reason)
    evaluation = preprocess(frame)
    return _Decoded(evaluation, larger(frame), Traits.measure(data, frame, evaluation))
