"""calibration.json: for each tensor the ranges of its values that INT8 keeps, by method and scheme, and their key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError, model_validator
from typing_extensions import Self

from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec, Strict
from export.int8.histogram import Histogram
from export.int8.thresholds import METHODS, SCHEMES, Method, Range, Scheme, threshold

CALIBRATION = "calibration.json"
_MAX_FILE_BYTES = 4 << 20


class KeptRange(Strict):
    """The range of a tensor's values that are kept, zero in it; the rest is clipped."""

    low: float
    high: float

    @model_validator(mode="after")
    def _holds_zero(self) -> Self:
        if not self.low <= 0.0 < self.high:
            raise ValueError(f"{self.low} to {self.high} is no range around zero")
        return self


class TensorRanges(Strict):
    """What was seen of a tensor, and the ranges chosen from it by each method for each scheme."""

    low: float
    high: float
    ranges: dict[Method, dict[Scheme, KeptRange]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.ranges) != set(METHODS) or any(set(schemes) != set(SCHEMES) for schemes in self.ranges.values()):
            raise ValueError("a method or a scheme is missing")
        return self


class Calibration(Strict):
    """The table. `key` is a hash over what it depends on (see `key_of`); `pictures` counts what it was made from.

    `tensors`: by the name of the value in model.onnx (`layer1.0.conv1.relu`).
    """

    schema_version: Literal[1] = 1
    key: str
    pictures: int
    engine: str
    tensors: dict[str, TensorRanges]

    def ranges(self, method: Method, scheme: Scheme) -> dict[str, Range]:
        """The range of each tensor by a method for a scheme."""
        chosen = {name: tensor.ranges[method][scheme] for name, tensor in self.tensors.items()}
        return {name: Range(kept.low, kept.high) for name, kept in chosen.items()}


def key_of(weights_sha256: str, spec: InputSpec, pictures: list[str]) -> str:
    """The key of a table: hashes of weights, preprocessing and pictures, these in any order."""
    parts = [weights_sha256, spec.model_dump_json(), *sorted(pictures)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def tabulate(key: str, pictures: int, engine: str, histograms: Mapping[str, Histogram]) -> Calibration:
    """The table of what was collected: every method and scheme, so that none needs the pictures again."""
    tensors = {}
    for name, histogram in histograms.items():
        ranges: dict[Method, dict[Scheme, KeptRange]] = {
            method: {scheme: _kept(threshold(histogram, method, scheme)) for scheme in SCHEMES} for method in METHODS
        }
        tensors[name] = TensorRanges(low=histogram.extent.low, high=histogram.extent.high, ranges=ranges)
    return Calibration(key=key, pictures=pictures, engine=engine, tensors=tensors)


def read(path: Path) -> Calibration:
    """Read and check a table. Raises UserError."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise UserError(f"{path}: larger than {_MAX_FILE_BYTES} bytes, so it is no calibration table")
        return Calibration.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "table"
        raise UserError(f"{path}: {where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON") from error


def _kept(chosen: Range) -> KeptRange:
    return KeptRange(low=chosen.low, high=chosen.high)
