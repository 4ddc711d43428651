"""TensorRT for RTX, for real as far as it goes without a GPU: parsing, profiles, building, keeping, refusing."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from edge_resnet import files
from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.command import Exit
from edge_resnet.errors import BackendError
from runtime.backends import built_not_run, installed, open_backend, registry
from tests.commands import Outcome, edge_resnet
from tests.parity.conftest import Exported

pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: pip install 'edge-resnet[rtx]'")
pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed: pip install 'edge-resnet[rtx]'")

from runtime.backends.tensorrt import ahead, builder, shelf
from runtime.backends.tensorrt.api import Api
from runtime.backends.tensorrt.builder import build
from runtime.backends.tensorrt.gpu import Gpu, find_gpu
from runtime.backends.tensorrt.options import Options

NAME = "tensorrt_rtx"
CONVOLUTIONS, ADDITIONS = 54, 16  # ResNet-50's 53 and the head; one addition a block


def a_gpu_is_here() -> bool:
    try:
        find_gpu(NAME, "auto")
    except BackendError:
        return False
    return True


without_a_gpu = pytest.mark.skipif(a_gpu_is_here(), reason="this is about a machine without a GPU")


@pytest.fixture
def bundle(exported: Exported) -> Bundle:
    return exported.bundle


@pytest.fixture
def command(exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Outcome]:
    """`edge-resnet build BUNDLE --engine tensorrt_rtx ... --box tmp_path`."""

    def run(*options: object, bundle: Bundle = exported.bundle) -> Outcome:
        return edge_resnet(capsys, "build", bundle.folder, "--engine", NAME, "--box", tmp_path, *options)

    return run


@pytest.mark.parametrize(
    ("precision", "target"), [("fp32", "SM75"), ("fp16", "SM89"), ("fp16", "SM120"), ("int8", "SM89")]
)
def test_an_engine_is_built_for_a_named_gpu(
    precision: str, target: str, bundle: Bundle, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    if precision not in registry.precisions(NAME, bundle):
        pytest.skip(f"this bundle has no {precision} model for TensorRT")
    outcome = command("--precision", precision, "--target", target, "--json")
    assert outcome.code == Exit.FINE, outcome.err
    answer = outcome.answer
    path = Path(answer["file"])
    assert path == tmp_path / "tensorrt" / f"{NAME}-{precision}-{target}.engine"
    assert (answer["sha256"], answer["bytes"]) == (files.sha256(path), path.stat().st_size)
    assert (answer["engine"], answer["precision"], answer["target"]) == (NAME, precision, target)
    assert answer["status"] == "built, not run"
    # What the builder says that it will run, of every convolution: the precision is the file's.
    assert answer["layers"]["convolutions"][precision] >= (CONVOLUTIONS if precision != "int8" else CONVOLUTIONS - 2)
    assert sum(answer["layers"]["convolutions"].values()) == CONVOLUTIONS
    if precision != "int8":  # whose scaling, additions and rounding tensorrt_rtx 1.7 leaves to kernels of their own
        assert answer["layers"]["fused_adds"] == ADDITIONS
    told = json.loads(path.with_name(path.name + ".json").read_text())
    assert told["parts"]["model"] == bundle.model_sha256("int8.trt" if precision == "int8" else precision)
    assert told["parts"]["library"] == f"{NAME} {Api(NAME).version}"
    assert told["parts"]["batches"] == "1-1-8"


def test_a_precision_that_will_not_be_run_is_told(command: Callable[..., Outcome], bundle: Bundle) -> None:
    if "int8" not in registry.precisions(NAME, bundle):
        pytest.skip("this bundle has no int8 model for TensorRT")
    outcome = command("--precision", "int8", "--target", "SM75", "--json")
    if "int8" in outcome.answer["layers"]["convolutions"]:
        pytest.skip("this version has int8 convolutions for SM75; 1.7 has not")
    assert outcome.answer["layers"]["convolutions"] == {"fp32": CONVOLUTIONS}
    assert "for SM75 it plans fp32, not int8" in outcome.err
    assert "it plans" not in command("--precision", "int8", "--target", "SM89").err


def test_the_profile_and_the_workspace_are_the_user_s(
    command: Callable[..., Outcome], bundle: Bundle, tmp_path: Path
) -> None:
    api = Api(NAME)
    command("--target", "SM89", "--max-batch", 4, "--workspace", 64)
    build(api, bundle.model_bytes("fp32"), bundle.model, "fp32", Options(target="SM89", max_batch=4))
    # The engine tells its own profile in the library's words.
    assert "MinShape: [1,64,96,3], OptShape: [1,64,96,3], MaxShape: [4,64,96,3]" in api.journal.layers
    told = json.loads((tmp_path / "tensorrt" / f"{NAME}-fp32-SM89.engine.json").read_text())
    assert told["options"] == {"max_batch": 4, "workspace_mb": 64, "target": "SM89", "version_compatible": False}


def test_what_is_built_is_not_built_again(command: Callable[..., Outcome], tmp_path: Path) -> None:
    arguments = ("--precision", "fp16", "--target", "SM89", "--json")
    first = command(*arguments).answer
    path = Path(first["file"])
    written = path.stat().st_mtime_ns
    assert command(*arguments).answer == first
    assert path.stat().st_mtime_ns == written
    other = command(*arguments, "--max-batch", 2)
    assert "made for batches 1-1-8, here it is 1-1-2; made again" in other.err
    assert path.stat().st_mtime_ns != written


def test_what_is_damaged_is_built_again_and_told(command: Callable[..., Outcome], tmp_path: Path) -> None:
    arguments = ("--precision", "fp16", "--target", "SM89", "--json")
    path = Path(command(*arguments).answer["file"])
    for damaged, content in (
        (path, path.read_bytes()[:-1]),
        (path.with_name(path.name + ".json"), b"{"),
    ):
        damaged.write_bytes(content)
        outcome = command(*arguments)
        assert outcome.code == Exit.FINE, outcome.err
        assert f"{damaged}: damaged" in outcome.err
        assert files.sha256(path) == outcome.answer["sha256"]
        assert "damaged" not in command(*arguments).err


def test_an_engine_that_was_copied_from_another_machine_is_not_used(
    command: Callable[..., Outcome], bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("--precision", "fp16", "--target", "SM89")
    assert built_not_run(NAME, bundle, "fp16", tmp_path) == (not a_gpu_is_here())
    monkeypatch.setattr("runtime.backends.tensorrt.engine.machine", lambda: "another")
    assert not built_not_run(NAME, bundle, "fp16", tmp_path)
    assert "made for machine" in command("--precision", "fp16", "--target", "SM89").err


@without_a_gpu
def test_what_lies_built_is_known(command: Callable[..., Outcome], bundle: Bundle, tmp_path: Path) -> None:
    assert not built_not_run(NAME, bundle, "fp16", tmp_path)
    command("--precision", "fp16", "--target", "SM86")
    assert built_not_run(NAME, bundle, "fp16", tmp_path)
    assert not built_not_run(NAME, bundle, "fp32", tmp_path)


@without_a_gpu
def test_without_a_gpu_opening_is_refused_in_one_line_and_building_asks_for_a_target(
    bundle: Bundle, command: Callable[..., Outcome]
) -> None:
    assert NAME in installed()
    with pytest.raises(BackendError, match=r"^tensorrt_rtx: no NVIDIA GPU with a driver here") as caught:
        open_backend(NAME, bundle)
    assert "\n" not in str(caught.value)
    assert "name its kind with --target, one of SM75, " in command().mistake


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        (("--target", "SM90"), "cannot build for SM90; --target takes current, SM75, "),
        (("--target", "RTX4090"), "--target RTX4090: takes current, ampere+, or a capability such as SM89"),
        (("--max-batch", 0), "--max-batch"),
    ],
)
def test_a_mistake_is_one_line(options: tuple[object, ...], mistake: str, command: Callable[..., Outcome]) -> None:
    assert mistake in command(*options).mistake


def test_a_broken_installation_is_one_line(command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise OSError("libtensorrt_rtx.so.1: cannot open shared object file")

    monkeypatch.setattr(registry, "import_module", broken)
    mistake = command("--target", "SM89").mistake
    assert (
        mistake
        == "backend tensorrt_rtx is installed but does not load: libtensorrt_rtx.so.1: cannot open shared object file"
    )


def test_a_card_that_rtx_does_not_serve_is_refused_before_anything_is_built(bundle: Bundle) -> None:
    gpu = Gpu(0, "NVIDIA H100", "0" * 32, "SM90", "13000")
    workshop = ahead.Workshop(Api(NAME), registry.opening(NAME, bundle, "fp32"))
    with pytest.raises(BackendError, match=r"NVIDIA H100 is SM90, it serves SM75, .*; try tensorrt"):
        workshop.open(gpu)


@pytest.mark.parametrize(("here", "runs"), [("SM89", True), ("SM86", False)])
def test_an_engine_runs_on_the_kind_of_gpu_that_it_is_for(
    here: str, runs: bool, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "find_gpu", lambda name, device: Gpu(0, "RTX", "0" * 32, here, "13000"))
    wanted = registry.opening(NAME, bundle, "fp16")
    built = ahead.build_ahead(NAME, wanted, Options(target="SM89"), lambda phase, done, total: None)
    assert built[1] == runs


def test_an_onnx_that_cannot_be_read_is_one_line_with_the_parser_s_reason(
    exported: Exported, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"no model at all")
    mistake = command("--target", "SM89", bundle=write_manifest(folder, exported.bundle.model, {})).mistake
    assert "cannot read the ONNX model: " in mistake
    assert "parse" in mistake.lower()


def test_an_onnx_that_is_not_ours_is_one_line(
    exported: Exported, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    one = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3])
    two = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "graph", [one], [two])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    mistake = command("--target", "SM89", bundle=write_manifest(folder, exported.bundle.model, {})).mistake
    assert "not a model of edge-resnet: it takes {'x': (1, 3)} and gives ['y']" in mistake


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shelf.files, "write_bytes", full)
    mistake = command("--target", "SM89").mistake
    assert f"{NAME}-fp32-SM89.engine: cannot be kept (No space left on device)" in mistake
    assert not list(tmp_path.rglob("*.*"))


def test_ctrl_c_stops_the_build(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    stopped = threading.Event()

    def interrupt(phase: str, done: int, total: int) -> None:
        if not told:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            # On a busy machine the library could be done before the main thread gets a turn.
            assert stopped.wait(60)
        told.append(phase)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(builder, "Event", lambda: stopped)
        build(Api(NAME), bundle.model_bytes("fp32"), bundle.model, "fp32", Options(target="SM89"), progress=interrupt)
    steps: list[str] = []
    build(
        Api(NAME),
        bundle.model_bytes("fp32"),
        bundle.model,
        "fp32",
        Options(target="SM89"),
        progress=lambda phase, done, total: steps.append(phase),
    )
    assert len(told) < len(steps)


def test_its_engine_needs_neither_torch_nor_onnx(exported: Exported, tmp_path: Path) -> None:
    code = "import sys; from edge_resnet import command; from edge_resnet.cli.app import app\n"
    code += "code = command.run(app, sys.argv[1:])\n"
    code += "print(code, sorted({'torch', 'onnx', 'export'} & set(sys.modules)))"
    arguments = ["build", str(exported.bundle.folder), "--engine", NAME, "--target", "SM89", "--box", str(tmp_path)]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "[]"], ran
    shutil.rmtree(tmp_path / "tensorrt")


def test_other_engines_are_verified_and_take_no_options_of_tensorrt(
    exported: Exported, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("build", exported.bundle.folder, "--engine", "openvino", "--box", tmp_path)
    answer = edge_resnet(capsys, *arguments, "--json").answer
    assert (answer["engine"], answer["status"], answer["target"]) == ("openvino", "verified", "current")
    assert answer["layers"]["convolutions"] == {"fp32": CONVOLUTIONS}
    assert list((tmp_path / "openvino").iterdir())
    assert (tmp_path / "verified.json").exists()
    for option in (("--target", "SM89"), ("--max-batch", 2), ("--workspace", 9), ("--version-compatible",)):
        assert "openvino takes no --target" in edge_resnet(capsys, *arguments, *option).mistake
