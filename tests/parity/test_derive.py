"""Another input size, from the ONNX alone: torch's answers at that size, in a bundle like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from edge_resnet.bundle import Bundle
from edge_resnet.errors import BundleError
from edge_resnet.manifest import METADATA_KEY, ModelSpec
from edge_resnet.model import normalise
from export.golden import drawn_frames
from export.tune.derive import derive, resized, with_input
from runtime import trust, tuned
from runtime.backends import open_backend, variant
from tests.parity.conftest import SPEC, Exported


@pytest.mark.parametrize(
    ("height", "width", "cells"),
    [(96, 128, (3, 4)), (77, 90, (3, 3)), (32, 33, (1, 2))],
    ids=["multiples of 32", "no multiples", "smallest"],
)
def test_answers_at_another_size_are_torchs(
    height: int, width: int, cells: tuple[int, int], exported: Exported, tmp_path: Path
) -> None:
    derived = derive(exported.bundle, tmp_path / "derived", height, width, "openvino")
    assert derived.variants == exported.bundle.variants
    assert derived.model == resized(SPEC, height, width)
    frames = drawn_frames(derived.model.input, 4)
    with torch.inference_mode():
        wanted = exported.model(normalise(torch.from_numpy(frames))).numpy()
    for engine in ("onnxruntime", "openvino", "opencv"):
        with open_backend(engine, derived) as backend:
            for batch in (4, 1):
                scores = backend.infer(frames[:batch])
                assert np.abs(scores.logits - wanted[:batch]).max() < 1e-3
                assert scores.cam.shape == (batch, len(SPEC.labels), *cells)
                np.testing.assert_allclose(scores.cam.mean(axis=(2, 3)), scores.logits, atol=1e-4)


def test_a_derived_bundle_is_trusted_like_any_other(exported: Exported, tmp_path: Path) -> None:
    derived = derive(exported.bundle, tmp_path / "derived", 96, 128, "opencv")
    assert derived.manifest.provenance[tuned.DERIVED_FROM] == tuned.manifest_sha256(exported.bundle)
    golden = derived.golden()
    assert golden.frames.shape == (8, 96, 128, 3)
    with torch.inference_mode():
        wanted = exported.model(normalise(torch.from_numpy(golden.frames))).numpy()
    np.testing.assert_allclose(golden.logits, wanted, atol=1e-3)
    with trust.choose(derived, "openvino", "fp32") as backend:
        assert backend.describe().backend == "openvino"


def test_every_variant_is_rewritten_and_its_numbers_stay(exported: Exported) -> None:
    spec = resized(SPEC, 96, 128)
    for name in exported.bundle.variants:
        before = onnx.load_from_string(exported.bundle.model_bytes(name))
        after = onnx.load_from_string(with_input(exported.bundle.model_bytes(name), spec, Path("model.onnx")))
        assert [constant.SerializeToString() for constant in after.graph.initializer] == [
            constant.SerializeToString() for constant in before.graph.initializer
        ]
        assert after.graph.node == before.graph.node
        properties = {item.key: item.value for item in after.metadata_props}
        assert ModelSpec.model_validate_json(properties[METADATA_KEY]) == spec


def test_the_same_size_gives_the_same_bytes(exported: Exported) -> None:
    for name in exported.bundle.variants:
        model = exported.bundle.model_bytes(name)
        assert with_input(model, SPEC, Path("model.onnx")) == model


def _foreign(exported: Exported) -> bytes:
    model = onnx.load_from_string(exported.bundle.model_bytes("fp32"))
    del model.metadata_props[:]
    return model.SerializeToString()


def _size_bound(exported: Exported) -> bytes:
    """Ours by its words, but with a node that holds the old size."""
    model = onnx.load_from_string(exported.bundle.model_bytes("fp32"))
    shape = numpy_helper.from_array(np.array([-1, 3, 64, 96]), "shape")
    model.graph.initializer.append(shape)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    reshape = onnx.helper.make_node("Reshape", [convolution.input[0], "shape"], ["bound"], name="bound")
    convolution.input[0] = "bound"
    model.graph.node.insert(list(model.graph.node).index(convolution), reshape)
    return model.SerializeToString()


@pytest.mark.parametrize("make", [lambda exported: b"", lambda exported: b"no model", _foreign, _size_bound])
def test_a_model_that_is_not_ours_is_refused_in_one_line(make: object, exported: Exported) -> None:
    with pytest.raises(BundleError) as caught:
        with_input(make(exported), resized(SPEC, 96, 128), Path("model.onnx"))
    assert str(caught.value).startswith("model.onnx: ")
    assert "\n" not in str(caught.value)


def test_nothing_is_left_where_it_fails(exported: Exported, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    for name in exported.bundle.manifest.files:
        (folder / name).write_bytes((exported.bundle.folder / name).read_bytes())
    (folder / "manifest.json").write_bytes((exported.bundle.folder / "manifest.json").read_bytes())
    model = folder / "model.fp16.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="changed since export"):
        derive(Bundle.open(folder), tmp_path / "derived", 96, 128, "opencv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed"]


def test_int8_scales_stay_at_another_size(exported: Exported, tmp_path: Path) -> None:
    derived = derive(exported.bundle, tmp_path / "derived", 96, 128, "openvino")
    assert variant("openvino", "int8") in derived.variants
    with trust.choose(derived, "onnxruntime", "int8") as backend:
        assert backend.describe().precision == "int8"
