"""A bundle for another input size, made from the ONNX files alone: only the shapes of `frames` and `cam` change.

The network is fully convolutional up to its pooling, so its weights fit any input; see docs/decisions/0011-tune.md.
"""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from pydantic import ValidationError

from edge_resnet import files
from edge_resnet.bundle import GOLDEN, MODEL_FILES, Bundle, write_golden, write_manifest
from edge_resnet.environment import versions
from edge_resnet.errors import BundleError
from edge_resnet.geometry import CELL_PIXELS
from edge_resnet.manifest import METADATA_KEY, InputSpec, ModelSpec
from edge_resnet.preprocess import Preprocess
from export import golden
from runtime import tuned
from runtime.backends import open_backend
from runtime.backends.base import INPUT, OUTPUTS


def derive(bundle: Bundle, folder: Path, height: int, width: int, engine: str) -> Bundle:
    """Write the bundle of another input size (pixels) to `folder`, whole or not at all, with all variants of the model.

    Its golden frames are the bundle's, resized; their logits are those of the fp32 model of the new size on `engine`,
    which must be verified here (see runtime.trust). Raises BundleError, BackendError.
    """
    spec = resized(bundle.model, height, width)
    provenance = {tuned.DERIVED_FROM: tuned.manifest_sha256(bundle), "golden_engine": engine, "versions": versions()}
    with files.whole_folder(folder) as draft:
        for variant in bundle.variants:
            name = MODEL_FILES[variant]
            files.write_bytes(draft / name, with_input(bundle.model_bytes(variant), spec, bundle.folder / name))
        frames = Preprocess(height, width).batch(list(bundle.golden().frames))
        with open_backend(engine, write_manifest(draft, spec, provenance), "fp32") as reference:
            write_golden(draft / GOLDEN, golden.record(reference, frames))
        write_manifest(draft, spec, provenance)
    return Bundle.open(folder)


def resized(spec: ModelSpec, height: int, width: int) -> ModelSpec:
    """The same specification with another input size in pixels. Raises ValidationError for one out of bounds."""
    size = InputSpec.model_validate({**spec.input.model_dump(), "height": height, "width": width})
    return spec.model_copy(update={"input": size})


def map_size(size: InputSpec) -> tuple[int, int]:
    """Height and width of the class activation map, in cells."""
    return math.ceil(size.height / CELL_PIXELS), math.ceil(size.width / CELL_PIXELS)


def with_input(model: bytes, spec: ModelSpec, path: Path) -> bytes:
    """The ONNX model with the input size of `spec`; weights, scales and nodes stay as they are.

    `path` is named in errors. Raises BundleError when the model is not one that edge-resnet exported.
    """
    try:
        proto = onnx.load_from_string(model)
        _check_ours(proto)
        _set_shapes(proto.graph, spec.input)
        onnx.helper.set_model_props(proto, {METADATA_KEY: spec.model_dump_json()})
        # Full check: infers every shape again, and refuses a declared one that is not what follows from the input.
        onnx.checker.check_model(proto, full_check=True)
    except (ValueError, KeyError, ValidationError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        raise BundleError(f"{path}: not a model that edge-resnet exported, so its input cannot be changed") from None
    except Exception as error:  # protobuf's DecodeError has no public base
        raise BundleError(f"{path}: cannot be read as ONNX ({type(error).__name__}); export it again") from error
    return bytes(proto.SerializeToString(deterministic=True))


def _check_ours(proto: onnx.ModelProto) -> None:
    """Raise KeyError, ValueError or ValidationError when the model does not tell of itself as ours do."""
    properties = {item.key: item.value for item in proto.metadata_props}
    ModelSpec.model_validate_json(properties[METADATA_KEY])
    names = ([value.name for value in proto.graph.input], [value.name for value in proto.graph.output])
    if names != ([INPUT], list(OUTPUTS)):
        raise ValueError(f"inputs and outputs {names}")


def _set_shapes(graph: onnx.GraphProto, size: InputSpec) -> None:
    # What was inferred for the old size would contradict the new one.
    del graph.value_info[:]
    (frames,) = graph.input
    cam = graph.output[OUTPUTS.index("cam")]
    _set_sides(frames, 1, size.height, size.width)
    _set_sides(cam, 2, *map_size(size))


def _set_sides(value: onnx.ValueInfoProto, first: int, height: int, width: int) -> None:
    dimensions = value.type.tensor_type.shape.dim
    dimensions[first].dim_value, dimensions[first + 1].dim_value = height, width
