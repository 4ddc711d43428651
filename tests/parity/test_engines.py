"""Every engine, for real: answers, batches, maps, threads, and what it says that it runs."""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import openvino
import pytest

from edge_resnet.bundle import MODEL_FILES, write_manifest
from edge_resnet.errors import BackendError
from edge_resnet.hardware import cpu_has_bf16
from edge_resnet.verdict import judge
from runtime.backends import NAMES as ALL
from runtime.backends import open_backend, registry
from runtime.backends import openvino_ as openvino_backend
from tests.parity.conftest import FRAMES, SPEC, Exported

# TensorRT needs a GPU: tests/parity/test_gpu.py runs it.
NAMES = [name for name in ALL if not name.startswith("tensorrt")]
ENGINES = [name for name in NAMES if name != "torch"]
Answers = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@pytest.mark.parametrize("name", NAMES)
def test_logits_and_map_are_torchvisions_in_every_batch_size_of_one_backend(
    name: str, exported: Exported, answers: Answers
) -> None:
    logits, cam = answers
    with open_backend(name, exported.bundle) as backend:
        for size in (1, 2, 7, 1):
            scores = backend.infer(FRAMES[:size])
            assert scores.logits.dtype == scores.cam.dtype == np.float32
            assert scores.cam.shape == (size, 3, 2, 3)
            np.testing.assert_allclose(scores.logits, logits[:size], atol=1e-4)
            np.testing.assert_allclose(scores.cam, cam[:size], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_not_overwritten_by_the_next(name: str, exported: Exported) -> None:
    with open_backend(name, exported.bundle) as backend:
        first = backend.infer(FRAMES[:2])
        kept = first.logits.copy(), first.cam.copy()
        backend.infer(FRAMES[2:4])
    np.testing.assert_array_equal(first.logits, kept[0])
    np.testing.assert_array_equal(first.cam, kept[1])


@pytest.mark.parametrize("name", ENGINES)
def test_threads_may_share_a_backend(name: str, exported: Exported, answers: Answers) -> None:
    with open_backend(name, exported.bundle) as backend, ThreadPoolExecutor(4) as pool:
        scores = list(pool.map(lambda start: backend.infer(FRAMES[start : start + 1]), range(len(FRAMES))))
    np.testing.assert_allclose(np.concatenate([score.logits for score in scores]), answers[0], atol=1e-4)


@pytest.mark.parametrize("name", ENGINES)
def test_the_colour_order_is_bgr(name: str, exported: Exported, answers: Answers) -> None:
    swapped = np.ascontiguousarray(FRAMES[:4, :, :, ::-1])
    with open_backend(name, exported.bundle) as backend:
        assert np.abs(backend.infer(swapped).logits - answers[0][:4]).max() > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_fp32_runs_fp32(name: str, exported: Exported) -> None:
    with open_backend(name, exported.bundle) as backend:
        told = backend.describe()
    assert (told.backend, told.precision, told.runs, told.emulated) == (name, "fp32", "fp32", False)
    assert told.version
    assert not told.downgraded


def test_openvino_tells_of_bf16_when_it_is_let(exported: Exported) -> None:
    core = openvino_backend.shared_core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bf16, so OpenVINO does not choose it")
    model = core.read_model(model=exported.bundle.model_bytes("fp32"))
    assert openvino_backend.executed(core.compile_model(model, "CPU")).runs == "bf16"


@pytest.mark.parametrize("name", ENGINES)
def test_fp16_on_an_x86_processor_is_emulated_and_says_so(name: str, exported: Exported) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("other processors may have fp16 arithmetic")
    with open_backend(name, exported.bundle, "fp16", "cpu") as backend:
        told = backend.describe()
    if "FP16" in openvino_backend.shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") and name == "openvino":
        assert told.runs == "fp16"
        assert not told.emulated
    else:
        assert (told.precision, told.runs, told.emulated, told.downgraded) == ("fp16", "fp32", True, False)
        assert told.note


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((0, 64, 96, 3), np.uint8),
        np.zeros((1, 96, 64, 3), np.uint8),
        np.zeros((1, 3, 64, 96), np.uint8),
        np.zeros((64, 96, 3), np.uint8),
        np.zeros((1, 64, 96, 3), np.float32),
    ],
    ids=["none", "turned", "planes", "no batch", "floats"],
)
def test_frames_of_another_shape_or_type_are_refused(
    name: str, frames: npt.NDArray[np.uint8], exported: Exported
) -> None:
    with open_backend(name, exported.bundle) as backend, pytest.raises(ValueError, match="N x 64 x 96 x 3"):
        backend.infer(frames)


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_is_not_there_is_told_in_one_line(name: str, exported: Exported) -> None:
    with pytest.raises(BackendError) as caught:
        open_backend(name, exported.bundle, device="abacus")
    assert "abacus" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ENGINES)
def test_engines_write_nothing_to_standard_output(
    name: str, exported: Exported, capfd: pytest.CaptureFixture[str]
) -> None:
    with open_backend(name, exported.bundle, "fp16") as backend:
        backend.infer(FRAMES[:1])
    assert capfd.readouterr().out == ""


def test_the_profile_of_onnxruntime_is_not_left_behind(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_backend("onnxruntime", exported.bundle) as backend:
        backend.infer(FRAMES[:1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ENGINES)
def test_threads_and_hint_change_no_answer(name: str, exported: Exported, answers: Answers) -> None:
    threads = cv2.getNumThreads()
    with open_backend(name, exported.bundle, threads=1, hint="throughput") as backend:
        scores = backend.infer(FRAMES[:7])
    np.testing.assert_allclose(scores.logits, answers[0][:7], atol=1e-4)
    np.testing.assert_allclose(scores.cam, answers[1][:7], atol=1e-3)
    # OpenCV's number of threads is the whole process's: it is given back.
    assert cv2.getNumThreads() == threads


def test_a_batch_takes_one_request_of_openvino_and_leaves_the_others_to_other_batches(
    exported: Exported, answers: Answers
) -> None:
    idle_meanwhile: list[int] = []

    class Requests(SimpleQueue[openvino.InferRequest]):
        def put(self, item: openvino.InferRequest, block: bool = True, timeout: float | None = None) -> None:
            idle_meanwhile.append(self.qsize())
            super().put(item)

    with open_backend("openvino", exported.bundle, hint="throughput") as backend:
        backend._idle = Requests()
        for _ in range(3):
            backend._idle.put(backend._compiled.create_infer_request())
        scores = backend.infer(FRAMES[:8])
    assert idle_meanwhile == [0, 1, 2, 2]
    np.testing.assert_allclose(scores.logits, answers[0][:8], atol=1e-4)
    np.testing.assert_allclose(scores.cam, answers[1][:8], atol=1e-3)


def test_threads_reach_the_engines_and_do_not_spin(exported: Exported) -> None:
    with open_backend("onnxruntime", exported.bundle, threads=1) as backend:
        options = backend._session.get_session_options()
        assert options.intra_op_num_threads == 1
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    with open_backend("openvino", exported.bundle, threads=1, hint="throughput") as backend:
        assert backend._compiled.get_property("INFERENCE_NUM_THREADS") == 1
        assert str(backend._compiled.get_property("PERFORMANCE_HINT")).endswith("THROUGHPUT")
    with open_backend("opencv", exported.bundle, threads=1):
        assert cv2.getNumThreads() == 1


def test_openvino_keeps_what_it_compiled_in_the_box_and_nothing_without_one(exported: Exported, tmp_path: Path) -> None:
    lines: list[str] = []
    open_backend("openvino", exported.bundle, box=tmp_path).close()
    assert list((tmp_path / "openvino").glob("*.blob"))
    open_backend("openvino", exported.bundle).close()
    assert not exported.bundle.box.exists()
    (tmp_path / "file").write_text("")
    open_backend("openvino", exported.bundle, box=tmp_path / "file", log=lines.append).close()
    assert "cannot be written" in lines[0]


def test_bf16_runs_where_the_processor_has_it_and_is_refused_elsewhere(
    exported: Exported, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cpu_has_bf16():
        with open_backend("openvino", exported.bundle, "bf16") as backend:
            told = backend.describe()
            assert judge("bf16", answers[0], backend.infer(FRAMES).logits).failures == ()
        assert (told.runs, told.downgraded) == ("bf16", False)
    monkeypatch.setitem(openvino_backend._CAPABILITY, "bf16", "ANOTHER")
    with pytest.raises(BackendError, match="no bf16 arithmetic"):
        open_backend("openvino", exported.bundle, "bf16")
    monkeypatch.setattr(registry, "cpu_has_bf16", lambda: False)
    assert "bf16" not in registry.precisions("openvino", exported.bundle)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_an_onnx_that_is_not_ours_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    """With the manifest's hash right: somebody made the bundle with a model of his own, and of an old opset."""
    sides = [1, 3, 64, 96]
    values = [onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, sides) for value in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "foreign", values[:1], values[1:])
    opset = onnx.helper.make_opsetid("", 9)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=4), tmp_path / MODEL_FILES["fp32"])
    with pytest.raises(BackendError, match=r"exported \(it takes x and gives y\); export it again") as caught:
        open_backend(name, write_manifest(tmp_path, SPEC, {}))
    assert "\n" not in str(caught.value)
