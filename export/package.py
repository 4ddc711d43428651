"""From a training run to a bundle: written beside the old one, proven, and swapped in only when the proof holds."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from pydantic import ValidationError

from edge_resnet import files, runs
from edge_resnet.bundle import GOLDEN, MANIFEST, MODEL_FILES, Bundle, write_golden, write_manifest
from edge_resnet.environment import versions
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import AlarmSpec, ModelSpec
from edge_resnet.model import load
from edge_resnet.preprocess import Frame
from export import golden, graph
from export.engines import build_engines
from export.fp16 import convolutions_in_fp32, to_fp16
from export.int8.calibrate import Int8Request, Say, calibrate, largest_weight
from export.int8.calibration import CALIBRATION
from export.int8.trt import to_int8_trt
from export.int8.x86 import to_int8_x86
from export.parity import page
from export.parity.trials import FrameSource, Progress, Report, find_reference, parity
from runtime.backends.run import WEIGHTS_SHA256
from runtime.backends.tensorrt.options import Options

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


@dataclass(frozen=True)
class Proof:
    """What a bundle is proven on.

    `frames`: held-out pictures, N x H x W x 3, uint8, BGR, of the network's input size; None for the golden ones.
    `labels`: N class indices. `paths`: N files that they came from. `speed`: time all engines that pass. `gallery`:
    show the pictures that changed sides on the page.
    """

    frames: FrameSource | None = None
    labels: Sequence[int] | None = None
    paths: Sequence[Path] = ()
    speed: bool = False
    gallery: bool = False


class _Rejected(Exception):
    """Leaves the block that would swap the new bundle in."""


def export_run(
    run: Path,
    out: Path,
    *,
    fp16: bool = False,
    int8: Int8Request | None = None,
    tensorrt: Options | None = None,
    golden_frames: Frame | None = None,
    proof: Proof | None = None,
    alarms: Mapping[str, AlarmSpec] | None = None,
    provenance: Mapping[str, Any] | None = None,
    say: Say = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> Export:
    """Write the bundle of `run` to `out`, and prove it.

    `fp16`, `int8`: what to write beside fp32; an INT8 table of the bundle that lies at `out` is used again if it fits.
    `tensorrt`: how to build engines of all precisions, before the proof and for it; None for none.
    `golden_frames`: at most 48, N x H x W x 3, uint8, BGR, of the network's input size, which the bundle carries; None
    for drawn ones that show nobody's pictures. `proof`: None to prove on these alone. `alarms` takes the place of the
    run's. `provenance`: what the caller knows, JSON's types (arguments, data fingerprint). `say` is told what is odd,
    in lines. When the proof fails, an older bundle at `out` stays and the new one is left at `out` + ".rejected".
    Raises UserError, and BackendError when INT8 is asked for and no ONNX engine is installed.
    """
    _check_target(out)
    rejected = out.with_name(out.name + REJECTED)
    try:
        with files.whole_folder(out) as folder:
            draft = _Draft(folder, run, {**_provenance(run), **(provenance or {})})
            proof = proof or Proof()
            golden_frames = draft.write_floats(fp16, golden_frames, proof.frames, alarms)
            if int8 is not None:
                draft.write_int8(replace(int8, earlier=out), say, progress)
            if tensorrt is not None:
                build_engines(draft.manifest(), tensorrt, say)
            report = draft.prove(golden_frames, proof, progress)
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

    def write_floats(
        self,
        fp16: bool,
        golden_frames: Frame | None,
        frames: FrameSource | None,
        alarms: Mapping[str, AlarmSpec] | None,
    ) -> Frame:
        """Write the fp32 model, and fp16's if asked for; the golden frames to use."""
        model, self._spec = load(self._run / runs.MODEL)
        if alarms is not None:
            self._spec = _with_alarms(self._spec, alarms)
        golden_frames = golden.drawn_frames(self._spec.input) if golden_frames is None else golden_frames
        self._fp32 = graph.export_onnx(model, self._spec)
        self._write_model("fp32", self._fp32)
        if fp16:
            half = to_fp16(self._fp32, graph.peaks(model, _first_frames(golden_frames, frames)))
            self._write_model("fp16", half)
            self._provenance["fp32_in_fp16"] = convolutions_in_fp32(half)
        return golden_frames

    def write_int8(self, request: Int8Request, say: Say, progress: Progress) -> None:
        """Calibrate, and write both INT8 models and the table that they come from."""
        step = partial(progress, "calibration")
        calibrated = calibrate(
            self._fp32, self._provenance[WEIGHTS_SHA256], self._spec.input, request, say=say, progress=step
        )
        table, largest = calibrated.table, largest_weight(say)
        files.write_json(self._folder / CALIBRATION, table.model_dump(mode="json"))
        self._write_model("int8.x86", to_int8_x86(self._fp32, table.ranges(request.method, "u8"), largest))
        self._write_model("int8.trt", to_int8_trt(self._fp32, table.ranges(request.method, "s8")))
        self._provenance["int8"] = {
            "method": request.method,
            "pictures": table.pictures,
            "calibration_key": table.key,
            "largest_weight_x86": largest,
        }
        if request.plots is not None and calibrated.histograms is not None:
            from export.int8.plot import draw  # needs matplotlib

            draw(calibrated.histograms, table, request.method, request.plots)

    def _write_model(self, variant: str, model: onnx.ModelProto) -> None:
        files.write_bytes(self._folder / MODEL_FILES[variant], graph.serialise(model))

    def prove(self, golden_frames: Frame, proof: Proof, progress: Progress) -> Report:
        """Record the golden logits, compare all engines, and write the manifest over everything."""
        with find_reference(self.manifest(), self._run) as reference:
            assert reference.classifier is not None  # a named run is never passed over
            write_golden(self._folder / GOLDEN, golden.record(reference.classifier, golden_frames))
            report = parity(
                self.manifest(),
                reference,
                proof.frames,
                proof.labels,
                paths=proof.paths,
                speed=proof.speed,
                gallery=proof.gallery,
                progress=progress,
            )
        files.write_json(self._folder / PARITY_JSON, report.to_json())
        files.write_text(self._folder / PARITY_HTML, page.render(report))
        self.manifest()
        return report

    def manifest(self) -> Bundle:
        """Write the manifest over everything that lies in the folder now."""
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
