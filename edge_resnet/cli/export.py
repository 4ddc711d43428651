"""`edge-resnet export`: a run becomes a bundle, with the proof that the answers stayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_resnet.cli import options
from edge_resnet.cli.parity import print_rows
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.manifest import AlarmSpec
    from edge_resnet.progress import Narrator
    from export.package import Export

GoldenSource = Literal["data", "samples"]
CalibrationMethod = Literal["entropy", "percentile", "mse", "minmax"]


def export(
    run: Annotated[Path | None, typer.Argument(help="A run's folder; by default the newest under runs/.")] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Write an FP16 model too.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write INT8 models too, calibrated on training pictures.")
    ] = False,
    calibration: Annotated[CalibrationMethod, typer.Option(help="How INT8 chooses the range of each tensor.")] = "mse",
    calibration_pictures: Annotated[int, typer.Option(min=1, help="At most so many training pictures.")] = 128,
    plots: Annotated[bool, typer.Option("--plots", help="Draw the ranges chosen: RUN/calibration.png.")] = False,
    tensorrt: Annotated[
        bool, typer.Option("--tensorrt", help="Build TensorRT engines too, into the bundle's box/.")
    ] = False,
    target: Annotated[
        str, typer.Option(help="With --tensorrt: the GPU here (current), or a kind (SM86, SM89 ...).")
    ] = "current",
    openvino: Annotated[Path | None, typer.Option(metavar="DIR", help="Write OpenVINO IR there too.")] = None,
    triton: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a Triton model repository there too.")
    ] = None,
    alarm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CLASS,CLASS", help="An alarm of several classes (repeatable); by default one a class."
        ),
    ] = None,
    golden: Annotated[
        GoldenSource, typer.Option(help="What the box replays: held-out pictures, or drawn ones (samples).")
    ] = "data",
    data: Annotated[
        Path | None,
        typer.Option(help="Held-out pictures for the proof, by default the run's; with --weights, train/ and val/."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Export this trained ResNet-50 with the labels of --data: no fine-tuning.")
    ] = None,
    input: Annotated[str, typer.Option(metavar="HxW", help="With --weights: the input in pixels.")] = "224x224",
    speed: Annotated[bool, typer.Option("--speed/--no-speed", help="Time the engines that pass, in turns.")] = True,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The bundle's folder; by default RUN/bundle.")] = None,
    json: options.Json = False,
) -> None:
    """Write a run's bundle (ONNX, golden frames, manifest) and prove on every engine here that its answers stayed."""
    require("torch", "torchvision", "onnx", "onnxscript", extra="train")
    from edge_resnet import runs
    from edge_resnet.progress import Narrator
    from export.job import ExportJob, Int8Options
    from export.job import export as carry_out

    if plots and not int8:
        raise UserError("--plots: draws the ranges of --int8; give that too")
    narrator = Narrator()
    alarms = _alarms(alarm or [])
    if weights is not None:
        run, data = _adopted(weights, data, input, run, narrator), None
    elif run is None:
        run = runs.newest_trained()
        say(f"run: {run} (the newest)")
    job = ExportJob(
        run,
        out or run / runs.BUNDLE,
        data=data,
        golden=golden,
        alarms=alarms,
        fp16=fp16,
        int8=Int8Options(calibration, calibration_pictures, plots) if int8 else None,
        tensorrt=target if tensorrt else None,
        speed=speed,
    )
    result = carry_out(job, narrator)
    if result.report.passed:
        _write_folders(result.folder, openvino, triton)
    _tell(result, json)


def _adopted(weights: Path, data: Path | None, input: str, run: Path | None, narrator: Narrator) -> Path:
    """The run made from weights of another trainer. Raises UserError."""
    from edge_resnet import runs
    from edge_resnet.manifest import InputSpec
    from edge_resnet.train.adopt import adopt

    if data is None:
        raise UserError("--weights: needs the pictures whose class folders are its labels; name them with --data")
    height, width = options.size(input)
    run = run or runs.new_run(data)
    with narrator.stage("reading the list of pictures") as step:
        adopt(weights, data, InputSpec(height=height, width=width), run, step)
    say(f"run: {run}")
    return run


def _write_folders(bundle: Path, openvino: Path | None, triton: Path | None) -> None:
    """What other programs read, from a bundle whose proof passed."""
    from edge_resnet.bundle import Bundle
    from export.folders.openvino_ir import write_openvino_ir
    from export.folders.triton import write_triton

    if openvino is not None:
        write_openvino_ir(Bundle.open(bundle), openvino)
        say(f"OpenVINO IR: {openvino}")
    if triton is not None:
        write_triton(Bundle.open(bundle), triton)
        say(f"Triton model repository: {triton}")


def _tell(result: Export, json: bool) -> None:
    """Print what was exported; exit with 1 when the proof failed."""
    passed = result.report.passed
    if json:
        answer_json({"bundle": str(result.folder), "ready": passed, "parity": result.report.to_json()})
    else:
        print_rows(result.report)
        verdict = "ready" if passed else "NOT ready, the proof failed; the bundle before it (if any) stays"
        say(f"bundle {result.folder}: {verdict}; see {result.folder / 'parity.html'}")
    if not passed:
        raise typer.Exit(Exit.VERDICT_NO)


def _alarms(texts: list[str]) -> dict[str, AlarmSpec] | None:
    """The alarms of NAME=CLASS,CLASS options; None when there are none. Raises UserError."""
    from edge_resnet.manifest import AlarmSpec

    alarms = {}
    for text in texts:
        name, equals, classes = text.partition("=")
        listed = options.names(classes)
        if not (name.strip() and equals and listed):
            raise UserError(f"--alarm {text}: takes NAME=CLASS,CLASS, such as fire=fire,smoke")
        alarms[name.strip()] = AlarmSpec(classes=listed)
    return alarms or None
