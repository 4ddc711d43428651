"""The pictures that a proof is made on: labelled ones that training did not see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_resnet.data.listing import SPLIT_FILE, Listing, read_table, scan_labelled
from edge_resnet.errors import UserError
from edge_resnet.manifest import ModelSpec
from edge_resnet.preprocess import Frame
from edge_resnet.progress import Narrator
from edge_resnet.train.evaluate import Frames, read_frames
from export.golden import MAX_FRAMES


def held_out(run: Path | None, data: Path | None, spec: ModelSpec, narrator: Narrator) -> Frames:
    """The pictures under `data`, else validation and test of `run`, decoded for the model. Raises UserError."""
    if data is not None:
        listing = scan_labelled(data, spec.labels)
    elif run is not None:
        listing = _of_run(run, spec)
    else:
        raise UserError("which pictures? name labelled ones with --data, or the trained run with --run")
    with narrator.stage("reading held-out pictures") as step:
        return read_frames(listing, spec.input.preprocess, step)


def golden_frames(pictures: Frames) -> Frame:
    """The pictures for the box to replay: evenly spread over all, so that every class is among them."""
    count = min(MAX_FRAMES, len(pictures.frames))
    chosen: Frame = pictures.frames[np.linspace(0, len(pictures.frames) - 1, count).round().astype(np.int64)]
    return chosen


def _of_run(run: Path, spec: ModelSpec) -> Listing:
    listing = read_table(run / SPLIT_FILE, spec.labels)
    return listing.with_samples((*listing.of("val"), *listing.of("test")))
