"""Where runs and their bundles lie: runs/NAME and runs/NAME/bundle."""

from __future__ import annotations

from pathlib import Path

from edge_resnet.bundle import MANIFEST
from edge_resnet.errors import UserError

RUNS = Path("runs")
BUNDLE = "bundle"
# The files that make a folder a run, and a run a trained one.
ARGS, MODEL = "args.yaml", "model.safetensors"


def new_run(data: Path) -> Path:
    """A folder that is not there yet, named as the data: runs/NAME, runs/NAME-2 ..."""
    name = data.resolve().name or "run"
    number = 1
    while (folder := RUNS / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder


def newest_begun() -> Path:
    """The run that was begun or touched last. Raises UserError."""
    return _newest(ARGS, "no run under runs/ to go on with; start one with edge-resnet finetune")


def newest_trained() -> Path:
    """The run whose model was stored last. Raises UserError."""
    return _newest(MODEL, "no trained run under runs/; train one with edge-resnet finetune, or name one")


def newest_bundle() -> Path:
    """The bundle that was exported last. Raises UserError."""
    return (
        _newest(f"{BUNDLE}/{MANIFEST}", "no bundle under runs/; make one with edge-resnet export, or name one") / BUNDLE
    )


def _newest(mark: str, missing: str) -> Path:
    marks = list(RUNS.glob(f"*/{mark}"))
    if not marks:
        raise UserError(missing)
    newest = max(marks, key=lambda path: path.stat().st_mtime)
    return RUNS / newest.relative_to(RUNS).parts[0]
