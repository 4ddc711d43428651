"""What each precision and each way of calibrating INT8 costs in accuracy: python -m benchmarks.int8_accuracy [--json]

A trained ResNet-50 with its own validation pictures at 64 x 64 pixels; --data DIR holds checkpoints/*.safetensors and
tinyimagenet/{train,val} (by default EDGE_RESNET_REAL, or ../shared/data). Calibration sees training pictures alone.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.command_line import Parser, exit_code
from benchmarks.real import find_data
from edge_resnet import command, files, runs
from edge_resnet.bundle import MODEL_FILES, Bundle, write_manifest
from edge_resnet.hardware import cpu_has_bf16, cpu_name
from edge_resnet.manifest import InputSpec
from edge_resnet.model import load
from edge_resnet.preprocess import Frame
from edge_resnet.progress import Narrator
from edge_resnet.train import evaluate
from edge_resnet.train.adopt import adopt
from edge_resnet.verdict import Verdict, judge
from export import graph
from export.held_out import held_out
from export.int8.calibrate import Int8Request, calibrate, largest_weight
from export.int8.pictures import DEFAULT_COUNT, calibration_pictures
from export.int8.thresholds import METHODS
from export.int8.trt import to_int8_trt
from export.int8.x86 import to_int8_x86
from runtime.backends import open_backend

SIDE = 64
_BATCH = 32
# Reported against this: what the default way of calibrating may cost.
MARGIN = 0.005


@dataclass(frozen=True)
class Result:
    """One model on one engine, against fp32 on ONNX Runtime."""

    name: str
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        figures, accuracy = self.verdict.figures, self.verdict.accuracy
        assert figures is not None
        assert accuracy is not None
        return {
            "name": self.name,
            "accuracy": accuracy.candidate,
            "drop": accuracy.drop,
            "upper_95": accuracy.upper,
            "non_inferiority": accuracy.non_inferiority,
            "agreement": figures.agreement,
            "cosine": figures.cosine,
            "kl_nats": figures.kl_nats,
            "n": figures.n,
        }


def logits_of(bundle: Bundle, backend: str, precision: str, frames: Frame) -> npt.NDArray[np.float32]:
    """N x C logits of one engine."""
    with open_backend(backend, bundle, precision) as opened:
        return evaluate.logits_of(opened, frames, _BATCH, lambda done, total: None)


def measure(data: Path, folder: Path, pictures: int, narrator: Narrator) -> list[Result]:
    """All precisions and methods on all validation pictures."""
    run, out = folder / "run", folder / "bundle"
    out.mkdir()
    (checkpoint,) = (data / "checkpoints").glob("*.safetensors")
    with narrator.stage("reading the list of pictures") as step:
        adopt(checkpoint, data / "tinyimagenet", InputSpec(height=SIDE, width=SIDE), run, step)
    network, spec = load(run / runs.MODEL)
    proving = held_out(run, None, spec, narrator)
    chosen = calibration_pictures(run, spec, pictures)
    fp32 = graph.export_onnx(network, spec)
    files.write_bytes(out / MODEL_FILES["fp32"], graph.serialise(fp32))
    with narrator.stage("calibrating") as step:
        request = Int8Request(
            tuple(sample.content for sample in chosen.samples),
            lambda: evaluate.read_frames(chosen, spec.input.preprocess, lambda done, total: None).frames,
        )
        table = calibrate(fp32, "", spec.input, request, narrator.say, step).table
    bundle = write_manifest(out, spec, {})
    reference = logits_of(bundle, "onnxruntime", "fp32", proving.frames)
    results: list[Result] = []

    def add(name: str, backend: str, precision: str) -> None:
        logits = logits_of(write_manifest(out, spec, {}), backend, precision, proving.frames)
        results.append(Result(name, judge(precision, reference, logits, labels=proving.truth, margin=MARGIN)))
        narrator.say(f"{name}: {results[-1].to_json()}")

    add("fp32, onnxruntime", "onnxruntime", "fp32")
    if cpu_has_bf16():
        add("bf16, openvino", "openvino", "bf16")
    for method in METHODS:
        x86 = to_int8_x86(fp32, table.ranges(method, "u8"), largest_weight(narrator.say))
        files.write_bytes(out / MODEL_FILES["int8.x86"], graph.serialise(x86))
        add(f"int8.x86 {method}, onnxruntime", "onnxruntime", "int8")
        add(f"int8.x86 {method}, openvino", "openvino", "int8")
        # The file for TensorRT in the place of the other: ONNX Runtime's processor kernels give its numbers.
        trt = to_int8_trt(fp32, table.ranges(method, "s8"))
        files.write_bytes(out / MODEL_FILES["int8.x86"], graph.serialise(trt))
        add(f"int8.trt {method}, onnxruntime", "onnxruntime", "int8")
    return results


def main() -> int:
    """Measure and print; the exit code."""
    parser = Parser("int8_accuracy", __doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pictures", type=int, default=DEFAULT_COUNT)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(find_data(args.data), Path(folder), args.pictures, Narrator())
    rows = [result.to_json() for result in results]
    if args.json:
        command.answer_json({"processor": cpu_name(), "calibration_pictures": args.pictures, "rows": rows})
    else:
        for row in rows:
            print(
                f"{row['name']:30} {row['accuracy']:.2%} drop {100 * row['drop']:+.2f} pp (at most "
                f"{100 * row['upper_95']:.2f}, {row['non_inferiority']}), same answer {row['agreement']:.2%}, "
                f"KL {row['kl_nats']:.5f}"
            )
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
