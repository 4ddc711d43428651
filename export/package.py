"""From a training run to a bundle: written beside the old one, proven, and swapped in only when the proof holds."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from edge_resnet import files, runs
from edge_resnet.bundle import GOLDEN, MANIFEST, MODEL_FILES, Bundle, write_golden, write_manifest
from edge_resnet.environment import versions
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import AlarmSpec, ModelSpec
from edge_resnet.model import load
from edge_resnet.preprocess import Frame
from export import golden, graph, page
from export.fp16 import convolutions_in_fp32, to_fp16
from export.parity import FrameSource, Progress, Report, find_reference, parity
from runtime.backends.run import WEIGHTS_SHA256

PARITY_JSON = "parity.json"
PARITY_HTML = "parity.html"
# A bundle that failed its proof is left under this suffix, so that its parity.html can be read.
REJECTED = ".rejected"

_PEAK_FRAMES = 64


@dataclass(frozen=True)
class Export:
    """What an export left: `folder` is the bundle, or the rejected one when the proof did not hold."""

    folder: Path
    report: Report


class _Rejected(Exception):
    """Leaves the block that would swap the new bundle in."""


def export_run(
    run: Path,
    out: Path,
    *,
    precisions: Sequence[str] = ("fp32",),
    golden_frames: Frame | None = None,
    frames: FrameSource | None = None,
    labels: Sequence[int] | None = None,
    alarms: Mapping[str, AlarmSpec] | None = None,
    provenance: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write the bundle of `run` to `out`, and prove it.

    All frames are N x H x W x 3, uint8, BGR, of the network's input size. `golden_frames`: at most 48, which the bundle
    carries; None for drawn ones that show nobody's pictures. `frames`, `labels`: held-out pictures for the proof; None
    for the golden ones. `alarms` takes the place of the run's. `provenance`: what the caller knows, JSON's types
    (arguments, data fingerprint). When the proof fails, an older bundle at `out` stays and the new one is left at
    `out` + ".rejected". Raises UserError.
    """
    _check_target(out)
    _check_precisions(precisions)
    rejected = out.with_name(out.name + REJECTED)
    try:
        with files.whole_folder(out) as folder:
            draft = _Draft(folder, run, {**_provenance(run), **(provenance or {})})
            golden_frames = draft.write_models(precisions, golden_frames, frames, alarms)
            report = draft.prove(golden_frames, frames, labels, progress)
            if not report.passed:
                shutil.rmtree(rejected, ignore_errors=True)
                folder.rename(rejected)
                raise _Rejected
    except _Rejected:
        return Export(rejected, report)
    shutil.rmtree(rejected, ignore_errors=True)
    return Export(out, report)


class _Draft:
    """A bundle while it is being made in its temporary folder."""

    def __init__(self, folder: Path, run: Path, provenance: dict[str, Any]) -> None:
        self._folder = folder
        self._run = run
        self._provenance = provenance

    def write_models(
        self,
        precisions: Sequence[str],
        golden_frames: Frame | None,
        frames: FrameSource | None,
        alarms: Mapping[str, AlarmSpec] | None,
    ) -> Frame:
        """Write the ONNX files and a first manifest; the golden frames to use."""
        model, self._spec = load(self._run / runs.MODEL)
        if alarms is not None:
            self._spec = _with_alarms(self._spec, alarms)
        golden_frames = golden.drawn_frames(self._spec.input) if golden_frames is None else golden_frames
        proto = graph.export_onnx(model, self._spec)
        files.write_bytes(self._folder / MODEL_FILES["fp32"], graph.serialise(proto))
        if "fp16" in precisions:
            half = to_fp16(proto, graph.peaks(model, _first_frames(golden_frames, frames)))
            files.write_bytes(self._folder / MODEL_FILES["fp16"], graph.serialise(half))
            self._provenance["fp32_in_fp16"] = convolutions_in_fp32(half)
        return golden_frames

    def prove(
        self, golden_frames: Frame, frames: FrameSource | None, labels: Sequence[int] | None, progress: Progress | None
    ) -> Report:
        """Record the golden logits, compare all engines, and write the manifest over everything."""
        with find_reference(self._manifest(), self._run) as reference:
            assert reference.classifier is not None  # a named run is never passed over
            write_golden(self._folder / GOLDEN, golden.record(reference.classifier, golden_frames))
            report = parity(self._manifest(), reference, frames, labels, progress=progress)
        files.write_json(self._folder / PARITY_JSON, report.to_json())
        files.write_text(self._folder / PARITY_HTML, page.render(report))
        self._manifest()
        return report

    def _manifest(self) -> Bundle:
        return write_manifest(self._folder, self._spec, self._provenance)


def _first_frames(golden_frames: Frame, frames: FrameSource | None) -> Frame:
    """Frames to see how large values grow: the golden ones, and some of the held-out pictures."""
    if frames is None or not len(frames):
        return golden_frames
    some = frames[:_PEAK_FRAMES] if isinstance(frames, np.ndarray) else frames[0]
    return np.concatenate([golden_frames, some])


def _with_alarms(spec: ModelSpec, alarms: Mapping[str, AlarmSpec]) -> ModelSpec:
    try:
        return ModelSpec.model_validate({**spec.model_dump(), "alarms": alarms})
    except ValidationError as error:
        raise UserError(f"alarms: {error.errors()[0]['msg']}") from error


def _check_target(out: Path) -> None:
    """An export takes the place of a bundle, of an empty folder, or of nothing: never of somebody's files."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).is_file()):
        raise UserError(f"{out}: not a bundle, so export does not replace it; name another folder with -o")


def _check_precisions(precisions: Sequence[str]) -> None:
    if "fp32" not in precisions or not set(precisions) <= set(MODEL_FILES):
        asked = ", ".join(precisions) or "none"
        raise UserError(f"precisions {asked}: export writes fp32 always, and of the others {', '.join(MODEL_FILES)}")


def _provenance(run: Path) -> dict[str, Any]:
    weights = run / runs.MODEL
    if not weights.is_file():
        raise UserError(f"{weights}: no trained model here; train one with edge-resnet finetune")
    return {
        WEIGHTS_SHA256: files.sha256(weights),
        "versions": versions(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": {"machine": platform.machine(), "processor": cpu_name()},
    }
