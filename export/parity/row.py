"""A row of the proof: one engine in one precision, and everything that was found of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_resnet.verdict import Flip, Verdict
from export.parity.precision import PrecisionProof
from export.parity.speed import Speed
from runtime.backends import Description

RowVerdict = Literal["pass", "fail", "emulated", "unsupported", "not installed", "built, not run"]

# An engine that is not installed has one row for all its precisions.
ALL_PRECISIONS = "all"
# As their makers write them.
_PEOPLES_NAMES = {
    "torch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "opencv": "OpenCV",
    "tensorrt": "TensorRT",
    "tensorrt_rtx": "TensorRT for RTX",
}


@dataclass(frozen=True)
class Row:
    """One engine in one precision. `result` and `description` are None where it did not run; `reason` says why.

    `proof`: of the precision, None where the engine could not be opened. `speed`: None where it was not measured.
    """

    backend: str
    precision: str
    verdict: RowVerdict
    reason: str = ""
    description: Description | None = None
    result: Verdict | None = None
    proof: PrecisionProof | None = None
    speed: Speed | None = None

    @property
    def name(self) -> str:
        """For people, such as `INT8 on OpenVINO`."""
        engine = engine_name(self.backend)
        return engine if self.precision == ALL_PRECISIONS else f"{self.precision.upper()} on {engine}"

    def to_json(self, labels: Sequence[str] = ()) -> dict[str, Any]:
        """The row as types of JSON, its figures beside its names; flips with the names of their classes."""
        return {
            "backend": self.backend,
            "precision": self.precision,
            "verdict": self.verdict,
            "reason": self.reason,
            "description": None if self.description is None else asdict(self.description),
            **({} if self.result is None else self.result.to_json()),
            "flips": [] if self.result is None else [_flip(flip, labels) for flip in self.result.flips],
            "proof": None if self.proof is None else self.proof.to_json(),
            "speed": None if self.speed is None else asdict(self.speed),
        }


def engine_name(backend: str) -> str:
    """How people write an engine's name."""
    return _PEOPLES_NAMES.get(backend, backend)


def class_name(index: int, labels: Sequence[str]) -> str:
    """The label of a class, or its number where there are no labels."""
    return labels[index] if index < len(labels) else f"class {index}"


def _flip(flip: Flip, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "from": class_name(flip.reference, labels),
        "to": class_name(flip.candidate, labels),
        "pictures": flip.pictures,
        "of": flip.of,
    }
