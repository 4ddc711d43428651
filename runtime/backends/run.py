"""The training run that a bundle came from: the reference's weights lie there."""

from __future__ import annotations

from pathlib import Path

from edge_resnet import files, runs
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError

# Where a bundle's provenance keeps the hash of its run's weights.
WEIGHTS_SHA256 = "weights_sha256"


def find_run(bundle: Bundle, run: Path | None = None) -> Path | None:
    """The run of a bundle: `run` if named, else the bundle's parent folder if a trained model lies there, else None.

    Raises UserError when a model lies there that this bundle was not made from.
    """
    folder = bundle.folder.resolve().parent if run is None else run
    weights = folder / runs.MODEL
    if not weights.is_file():
        if run is not None:
            raise UserError(f"{weights}: no trained model here; name the run that the bundle came from")
        return None
    if files.sha256(weights) != bundle.manifest.provenance.get(WEIGHTS_SHA256):
        raise UserError(f"{weights}: not what {bundle.folder} was exported from; export again, or name its run")
    return folder
