"""A run without training: the weights of another trainer, with the labels and the splits of a data folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_resnet import files, model, runs, weights
from edge_resnet.data.listing import SPLIT_FILE, Listing, scan
from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec, ModelSpec, default_alarms, default_background
from edge_resnet.progress import Step


def adopt(checkpoint: Path, data: Path, inputs: InputSpec, out: Path, progress: Step) -> None:
    """Write to `out` what export needs of a run: the model with its specification, and the table of pictures.

    `checkpoint`: a state dict of torchvision's ResNet-50 with its head, whose outputs are the sorted class names of
    `data` (train/ with val/ and/or test/). The temperature is 1: nothing was fitted. Raises UserError.
    """
    if (out / runs.MODEL).exists() or (out / runs.ARGS).exists():
        raise UserError(f"{out}: a run lies here already; name a folder that is not there yet")
    listing = scan(data)
    if any(sample.split is None for sample in listing.samples):
        raise UserError(
            f"{data}: has no train/ and val/ or test/; INT8 and the proof need pictures of different splits"
        )
    network = weights.whole_model(checkpoint, len(listing.labels))
    background = default_background(listing.labels)
    spec = ModelSpec(
        labels=listing.labels,
        background=background,
        input=inputs,
        alarms=default_alarms(listing.labels, background),
    )
    hashed = _hashed(listing, progress)
    files.write_text(out / SPLIT_FILE, hashed.table())
    model.store(network, spec, out / runs.MODEL)


def _hashed(listing: Listing, progress: Step) -> Listing:
    samples = []
    for done, sample in enumerate(listing.samples, 1):
        samples.append(replace(sample, content=files.sha256(sample.path)))
        progress(done, len(listing.samples))
    return listing.with_samples(samples)
