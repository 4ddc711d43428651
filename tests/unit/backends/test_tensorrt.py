"""TensorRT 8.6, 10 and 11 against stand-ins: what the adaptor asks of each, and how the runner uses the GPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_resnet import files
from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.errors import BackendError
from runtime.backends import Backend, built_not_run, open_backend, registry
from tests.stand_ins import MODEL
from tests.unit.backends import stand_in_tensorrt as stand_in

pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed: pip install 'edge-resnet[rtx]'")

from runtime.backends.tensorrt import ahead
from runtime.backends.tensorrt.engine import Engine
from runtime.backends.tensorrt.options import Options

FRAMES = np.random.default_rng(0).integers(0, 256, (20, *stand_in.SIDE), np.uint8)


def no_progress(phase: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("model.onnx", "model.fp16.onnx", "model.int8.trt.onnx"):
        (folder / name).write_bytes(name.encode())
    return write_manifest(folder, MODEL, {})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda package: object())


def build(bundle: Bundle, precision: str = "fp32", box: Path | None = None, **options: Any) -> Engine:
    wanted = registry.opening("tensorrt", bundle, precision, box=box)
    return ahead.build_ahead("tensorrt", wanted, Options(**options), no_progress)[0]


def asked(bundle: Bundle, precision: str = "fp32", **options: Any) -> dict[str, Any]:
    """What the stand-in's builder was asked for."""
    answer: dict[str, Any] = json.loads(build(bundle, precision, **options).data)
    return answer


@pytest.mark.parametrize(
    ("version", "precision", "network", "flags"),
    [
        ("8.6.1", "fp32", 1, []),  # 1 << EXPLICIT_BATCH, which is 0 there
        ("8.6.1", "fp16", 1, ["FP16"]),
        ("8.6.1", "int8", 1, ["INT8"]),
        ("10.13.0", "fp16", 2, []),  # 1 << STRONGLY_TYPED, which the stand-in numbers 1
        ("10.13.0", "int8", 2, []),
        ("11.4.0", "fp16", 0, []),
        ("11.4.0", "int8", 0, []),
    ],
)
def test_each_version_gets_the_precision_of_the_file_in_its_own_way(
    version: str, precision: str, network: int, flags: list[str], bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.install(monkeypatch, version)
    answer = asked(bundle, precision)
    assert answer["network_flags"] == network
    assert answer["flags"] == flags  # so TF32, which is on by default, is off too
    assert answer["verbosity"] == "detailed"
    assert answer["profile"] == [[frames, *stand_in.SIDE] for frames in (1, 1, 8)]
    assert answer["workspace"] == 0


@pytest.mark.parametrize("version", stand_in.VERSIONS)
def test_options_reach_the_builder(version: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.install(monkeypatch, version)
    answer = asked(bundle, max_batch=3, workspace_mb=256, target="ampere+", version_compatible=True)
    assert answer["profile"][2][0] == 3
    assert answer["workspace"] == 256 << 20
    assert answer["level"] == "AMPERE_PLUS"
    assert answer["flags"] == ["VERSION_COMPATIBLE"]


def test_a_named_capability_is_built_for_on_such_a_card_only(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.install(monkeypatch, "10.13.0")
    assert asked(bundle, target="SM89")["level"] == "SAME_COMPUTE_CAPABILITY"
    with pytest.raises(BackendError, match="builds on the GPU that it builds for; this is SM89"):
        asked(bundle, target="SM86")
    stand_in.install(monkeypatch, "8.6.1")
    with pytest.raises(BackendError, match=r"8\.6\.1: cannot build for SM89; --target takes current"):
        asked(bundle, target="SM89")


def test_without_a_gpu_it_builds_nothing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime({"cudaGetDeviceCount": 35}))
    with pytest.raises(BackendError, match="builds on the GPU that it builds for, and there is none here"):
        build(bundle)


@pytest.mark.parametrize(("version", "told"), [("8.6.1", 0), ("10.13.0", stand_in.STEPS), ("11.4.0", stand_in.STEPS)])
def test_progress_is_told_where_the_library_tells_it(
    version: str, told: int, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.install(monkeypatch, version)
    steps: list[tuple[str, int, int]] = []
    wanted = registry.opening("tensorrt", bundle, "fp32")
    ahead.build_ahead("tensorrt", wanted, Options(), lambda *step: steps.append(step))
    assert steps == [(stand_in.PHASE, done, stand_in.STEPS) for done in range(1, told + 1)]


def test_what_fails_while_progress_is_told_is_not_lost(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(phase: str, done: int, total: int) -> None:
        raise BackendError("nobody listens")

    stand_in.install(monkeypatch)
    with pytest.raises(BackendError, match="nobody listens"):
        ahead.build_ahead("tensorrt", registry.opening("tensorrt", bundle, "fp32"), Options(), gone)


def test_a_model_that_is_not_read_is_one_line_with_the_parser_s_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.install(monkeypatch)
    (tmp_path / "model.onnx").write_bytes(b"not ours")
    bundle = write_manifest(tmp_path, MODEL, {})
    with pytest.raises(BackendError, match=r"cannot read the ONNX model: no such operator$"):
        build(bundle)


def test_a_library_that_raises_is_one_line(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: object, network: object, config: object) -> bytes:
        raise RuntimeError("out of luck\nand more")

    stand_in.install(monkeypatch)
    monkeypatch.setattr("tests.unit.backends.stand_in_tensorrt._Builder.build_serialized_network", raises)
    with pytest.raises(BackendError, match=r"^tensorrt: cannot build the fp32 engine: out of luck$"):
        build(bundle)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> stand_in.CudaRuntime:
    return stand_in.install(monkeypatch)


def check(backend: Backend, frames: np.ndarray) -> None:
    scores = backend.infer(frames)
    means = frames.reshape(len(frames), -1).mean(axis=1)
    np.testing.assert_allclose(scores.logits, np.repeat(means[:, None], stand_in.CLASSES, 1), rtol=1e-5)
    assert scores.cam.shape == (len(frames), stand_in.CLASSES, *stand_in.CELLS)
    np.testing.assert_allclose(scores.cam.mean(axis=(2, 3)), scores.logits, rtol=1e-5)


def test_batches_over_the_largest_are_split(bundle: Bundle, cuda: stand_in.CudaRuntime) -> None:
    with open_backend("tensorrt", bundle) as backend:
        check(backend, FRAMES)
        assert stand_in.loaded().context.runs == [8, 8, 4]
        for size in (1, 8, 3):
            check(backend, FRAMES[:size])


def test_a_graph_is_captured_when_a_batch_size_comes_again(bundle: Bundle, cuda: stand_in.CudaRuntime) -> None:
    with open_backend("tensorrt", bundle) as backend:
        for number in range(4):
            check(backend, FRAMES[number : number + 1])
        assert cuda.launched == 3  # the first run was not captured
        check(backend, FRAMES[:2])
        assert (cuda.launched, cuda.graphs) == (3, 0)  # a graph belongs to its shapes
        check(backend, FRAMES[2:4])
        assert (cuda.launched, cuda.graphs) == (4, 1)
    assert cuda.graphs == 0


@pytest.mark.parametrize("call", ["cudaStreamBeginCapture", "cudaGraphInstantiate"])
def test_it_runs_without_a_graph_where_none_can_be_captured(
    call: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime({call: 900}))
    lines: list[str] = []
    with open_backend("tensorrt", bundle, log=lines.append) as backend:
        for number in range(4):
            check(backend, FRAMES[number : number + 1])
    assert cuda.launched == 0
    told = [line for line in lines if "CUDA graph" in line]
    assert told == [f"tensorrt: runs without a CUDA graph ({call}: cudaErrorStreamCaptureUnsupported)"]


def test_closing_frees_all_memory(bundle: Bundle, cuda: stand_in.CudaRuntime) -> None:
    backend = open_backend("tensorrt", bundle)
    assert cuda.allocated == 6  # frames, logits and cam, each on both sides
    backend.close()
    backend.close()
    assert cuda.allocated == 0
    with pytest.raises(BackendError):
        backend.infer(FRAMES[:1])


@pytest.mark.parametrize("call", ["cudaMalloc", "cudaHostAlloc", "cudaStreamCreateWithFlags", "cudaSetDevice"])
def test_a_failing_call_is_named_and_nothing_stays_allocated(
    call: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime({call: 35}))
    with pytest.raises(BackendError, match=f"^{call}: cudaErrorInsufficientDriver$"):
        open_backend("tensorrt", bundle)
    assert cuda.allocated == 0


def test_a_call_that_fails_while_running_is_named(bundle: Bundle, cuda: stand_in.CudaRuntime) -> None:
    with open_backend("tensorrt", bundle) as backend:
        cuda._failing["cudaMemcpyAsync"] = 35
        with pytest.raises(
            BackendError, match=r"cannot run a batch of 1: cudaMemcpyAsync: cudaErrorInsufficientDriver"
        ):
            backend.infer(FRAMES[:1])
        del cuda._failing["cudaMemcpyAsync"]
        check(backend, FRAMES[:1])


@pytest.mark.parametrize("device", ["cpu", "cuda:x", "cuda:1"])
def test_a_device_that_is_not_there_is_told(device: str, bundle: Bundle, cuda: stand_in.CudaRuntime) -> None:
    with pytest.raises(BackendError, match=f"no device {device}"):
        open_backend("tensorrt", bundle, device=device)


def test_no_driver_is_one_line_and_nothing_is_built(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime({"cudaGetDeviceCount": 35}))
    lines: list[str] = []
    with pytest.raises(BackendError, match=r"^tensorrt: no NVIDIA GPU with a driver here \(cudaGetDeviceCount: cuda"):
        open_backend("tensorrt", bundle, log=lines.append)
    assert lines == []


def test_what_runs_is_what_the_inspector_tells(
    bundle: Bundle, cuda: stand_in.CudaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_backend("tensorrt", bundle, "fp16") as backend:
        description = backend.describe()
        assert (description.runs, description.executed) == ("fp16", None)
        assert "does not tell" in description.note
        assert description.device == "cuda:0 (Stand-in GPU)"
    layers = [{"Name": "conv1", "LayerType": "CaskConvolution", "Weights": {"Type": "Float", "Count": 1}}]
    monkeypatch.setattr(stand_in.Engine, "inspected", json.dumps({"Layers": layers}))
    with open_backend("tensorrt", bundle, "fp16") as backend:
        assert backend.describe().runs == "fp32"
        assert backend.describe().downgraded


def opened(bundle: Bundle, box: Path, precision: str = "fp16") -> list[str]:
    """What opening tells; the first line is why nothing kept was used, or that it builds."""
    lines: list[str] = []
    open_backend("tensorrt", bundle, precision, box=box, log=lines.append).close()
    return lines


def test_an_engine_is_built_once(bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime) -> None:
    (line,) = opened(bundle, tmp_path)
    assert line == "tensorrt: builds the fp16 engine for Stand-in GPU, which can take minutes"
    assert opened(bundle, tmp_path) == []
    assert (tmp_path / "tensorrt" / "tensorrt.timing").read_bytes() == b"measured"
    told = json.loads((tmp_path / "tensorrt" / "tensorrt-fp16-current.engine.json").read_text())
    assert told["about"]["gpu"]["name"] == "Stand-in GPU"
    assert told["about"]["gpu"]["uuid"] == bytes(range(16)).hex()


@pytest.mark.parametrize("change", ["GPU", "capability", "driver", "library", "machine", "model"])
def test_an_engine_of_something_else_is_built_again_and_told(
    change: str, bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(bundle, tmp_path)
    if change == "GPU":
        stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime(gpu="Another GPU"))
    elif change == "capability":
        stand_in.install(monkeypatch, cuda=stand_in.CudaRuntime(capability=86))
    elif change == "driver":
        cuda.driver = 13010
    elif change == "library":
        stand_in.install(monkeypatch, "11.4.0")
    elif change == "machine":
        monkeypatch.setattr("runtime.backends.tensorrt.engine.machine", lambda: "another")
    else:
        (bundle.folder / "model.fp16.onnx").write_bytes(b"another model")
        bundle = write_manifest(bundle.folder, MODEL, {})
    part = "GPU" if change == "capability" else change
    why = opened(bundle, tmp_path)
    assert f"tensorrt-fp16-current.engine: made for {part} " in why[0]
    assert any("builds the fp16 engine" in line for line in why)
    assert opened(bundle, tmp_path) == []


def test_the_user_s_options_stay_when_it_is_built_again(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime
) -> None:
    build(bundle, "fp16", tmp_path, max_batch=3)
    assert opened(bundle, tmp_path) == []
    cuda.driver = 13010
    assert opened(bundle, tmp_path)
    with open_backend("tensorrt", bundle, "fp16", box=tmp_path) as backend:
        check(backend, FRAMES[:7])
        assert stand_in.loaded().context.runs == [3, 3, 1]


def test_a_version_compatible_engine_is_loaded_too(bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime) -> None:
    build(bundle, "fp16", tmp_path, version_compatible=True)
    with open_backend("tensorrt", bundle, "fp16", box=tmp_path) as backend:
        check(backend, FRAMES[:1])


def test_an_engine_that_does_not_load_names_its_file(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.backends.stand_in_tensorrt._Runtime.deserialize_cuda_engine", lambda *a: None)
    with pytest.raises(BackendError, match=r"does not load its own engine .*; remove .*fp32-current\.engine to build"):
        open_backend("tensorrt", bundle, box=tmp_path)


def test_another_profile_is_built_again(bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime) -> None:
    assert build(bundle, "fp16", tmp_path, max_batch=3).data != build(bundle, "fp16", tmp_path, max_batch=4).data
    assert build(bundle, "fp16", tmp_path, max_batch=4).entry.options.max_batch == 4


def test_a_timing_cache_that_the_library_does_not_take_is_told_and_made_again(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime
) -> None:
    opened(bundle, tmp_path)
    told = json.loads((tmp_path / "tensorrt" / "tensorrt.timing.json").read_text())
    path = tmp_path / "tensorrt" / "tensorrt.timing"
    path.write_bytes(b"of another card")
    told.update(sha256=files.sha256(path), size=path.stat().st_size)
    path.with_name("tensorrt.timing.json").write_text(json.dumps(told))
    assert any(
        "tensorrt.timing: tensorrt does not take it; made again" in line for line in opened(bundle, tmp_path, "int8")
    )
    assert path.read_bytes() == b"measured"


def test_compiled_kernels_are_kept_and_the_library_captures_graphs_itself(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in.Engine, "create_runtime_config", lambda self: stand_in.RuntimeConfig(), raising=False)
    kept = tmp_path / "tensorrt" / "tensorrt-fp32-current.kernels"
    for taken in (False, True):
        with open_backend("tensorrt", bundle, box=tmp_path) as backend:
            for _run in range(3):
                check(backend, FRAMES[:1])
        assert stand_in.RuntimeConfig.made.cache.taken == taken
        assert stand_in.RuntimeConfig.made.cuda_graph_strategy == "whole graph"
        assert kept.read_bytes() == b"compiled"
    assert cuda.launched == 0
    monkeypatch.setattr(stand_in.RuntimeCache, "content", b"compiled otherwise")
    assert opened(bundle, tmp_path, "fp32") == [f"{kept}: tensorrt does not take it; made again"]
    assert kept.read_bytes() == b"compiled otherwise"
    kept.write_bytes(b"damaged")
    assert opened(bundle, tmp_path, "fp32") == [f"{kept}: damaged or missing; made again"]
    assert kept.read_bytes() == b"compiled otherwise"


def test_a_full_disk_does_not_keep_a_stream_from_running(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime
) -> None:
    (tmp_path / "file").write_text("")
    lines: list[str] = []
    with open_backend("tensorrt", bundle, box=tmp_path / "file" / "box", log=lines.append) as backend:
        check(backend, FRAMES[:1])
    assert any("cannot be kept (Not a directory)" in line for line in lines)
    with pytest.raises(BackendError, match="cannot be kept"):
        build(bundle, box=tmp_path / "file" / "box")


def test_an_engine_lies_built_without_its_gpu(
    bundle: Bundle, tmp_path: Path, cuda: stand_in.CudaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(bundle, tmp_path)
    build(bundle, "int8", tmp_path / "named", target="SM89")
    assert not built_not_run("tensorrt", bundle, "fp16", tmp_path)  # the GPU is here: it can be run
    cuda._failing["cudaGetDeviceCount"] = 35
    assert built_not_run("tensorrt", bundle, "fp16", tmp_path)
    assert not built_not_run("tensorrt", bundle, "int8", tmp_path)
    assert not built_not_run("tensorrt", bundle, "fp32", tmp_path)
    assert built_not_run("tensorrt", bundle, "int8", tmp_path / "named")
    assert not built_not_run("openvino", bundle, "fp16", tmp_path)
    (tmp_path / "tensorrt" / "tensorrt-fp16-current.engine").write_bytes(b"damaged")
    assert not built_not_run("tensorrt", bundle, "fp16", tmp_path)
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    assert not built_not_run("tensorrt", bundle, "fp16", tmp_path)
