"""A whole export as a person asks for it: which pictures prove, which calibrate, and then the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_resnet import model, runs
from edge_resnet.data.listing import Listing
from edge_resnet.manifest import AlarmSpec, ModelSpec
from edge_resnet.preprocess import Frame
from edge_resnet.progress import Narrator
from edge_resnet.train.evaluate import Frames, read_frames
from export.held_out import golden_frames, held_out
from export.int8.calibrate import DEFAULT_METHOD, Int8Request
from export.int8.pictures import DEFAULT_COUNT, calibration_pictures, refuse_leak
from export.int8.thresholds import Method
from export.package import Export, Proof, export_run
from runtime.backends.tensorrt.options import Options

CALIBRATION_PICTURE = "calibration.png"
GoldenSource = Literal["data", "samples"]


@dataclass(frozen=True)
class Int8Options:
    """How INT8 is calibrated: the method, on how many training pictures, and whether the curves are drawn."""

    method: Method = DEFAULT_METHOD
    pictures: int = DEFAULT_COUNT
    plots: bool = False


@dataclass(frozen=True)
class ExportJob:
    """What to export.

    `data`: labelled pictures for the proof, None for the run's validation and test pictures. `golden`: whether the
    bundle carries held-out pictures for the box to replay, or drawn ones: with these it shows nobody's pictures.
    `alarms`: None for the run's. `int8`: None for no INT8. `tensorrt`: the GPU to build engines for
    (`current`, `SM89` ...), None for none. `speed`: time all engines that pass.
    """

    run: Path
    out: Path
    data: Path | None = None
    golden: GoldenSource = "data"
    alarms: Mapping[str, AlarmSpec] | None = None
    fp16: bool = False
    int8: Int8Options | None = None
    tensorrt: str | None = None
    speed: bool = True


def export(job: ExportJob, narrator: Narrator) -> Export:
    """Do it. Raises UserError, BackendError."""
    spec = model.specification(job.run / runs.MODEL)
    engines = None if job.tensorrt is None else Options.asked(job.tensorrt)
    # What is wrong with the calibration pictures is told before anything long begins.
    calibrating = None if job.int8 is None else calibration_pictures(job.run, spec, job.int8.pictures)
    proving = held_out(job.run, job.data, spec, narrator)
    int8 = None
    if calibrating is not None and job.int8 is not None:
        refuse_leak(calibrating, proving.samples)
        plots = job.run / CALIBRATION_PICTURE if job.int8.plots else None
        int8 = _int8_request(calibrating, spec, job.int8.method, plots, narrator)
    shows_pictures = job.golden == "data"
    with narrator.stages() as step:
        return export_run(
            job.run,
            job.out,
            fp16=job.fp16,
            int8=int8,
            tensorrt=engines,
            golden_frames=golden_frames(proving) if shows_pictures else None,
            proof=_proof(proving, shows_pictures, job.speed),
            alarms=job.alarms,
            provenance={"data": str(job.data or job.run), "golden": job.golden},
            say=narrator.say,
            progress=step,
        )


def _int8_request(
    listing: Listing, spec: ModelSpec, method: Method, plots: Path | None, narrator: Narrator
) -> Int8Request:
    """The request whose pictures are decoded only if they are needed."""

    def frames() -> Frame:
        with narrator.stage("reading calibration pictures") as step:
            return read_frames(listing, spec.input.preprocess, step).frames

    return Int8Request(tuple(sample.content for sample in listing.samples), frames, method, plots=plots)


def _proof(pictures: Frames, shows_pictures: bool, speed: bool) -> Proof:
    return Proof(
        frames=pictures.frames,
        labels=pictures.truth.tolist(),
        paths=[sample.path for sample in pictures.samples],
        speed=speed,
        gallery=shows_pictures,
    )
