"""Engines by name, and what is said when one is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.errors import BackendError, UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import InputSpec, ModelSpec
from runtime.backends import NAMES, installed, open_backend, registry
from runtime.backends.base import first_line


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    spec = ModelSpec(labels=("a", "b"), input=InputSpec(height=32, width=32))
    (tmp_path / "bundle").mkdir()
    return write_manifest(tmp_path / "bundle", spec, {})


def test_opencv_is_always_there() -> None:
    assert "opencv" in installed()
    assert set(installed()) <= set(NAMES)


def test_an_unknown_name_is_the_users_mistake(bundle: Bundle) -> None:
    with pytest.raises(UserError, match="torch, onnxruntime, openvino, opencv"):
        open_backend("abacus", bundle)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_engine_names_what_to_install(name: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    with pytest.raises(BackendError, match=r"pip install 'edge-resnet"):
        open_backend(name, bundle)
    assert installed() == []


def test_a_missing_parent_package_is_a_missing_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_rtx(package: str) -> object:
        if "." in package:
            raise ModuleNotFoundError("No module named 'cuda'")  # as find_spec does for a dotted name
        return object() if package == "tensorrt_rtx" else None

    monkeypatch.setattr(registry, "find_spec", only_rtx)
    assert installed() == []
    with pytest.raises(BackendError, match=r"pip install 'edge-resnet\[rtx\]'"):
        registry.require("tensorrt_rtx")


def test_torch_without_its_run_is_told(bundle: Bundle) -> None:
    with pytest.raises(BackendError, match="--run"):
        open_backend("torch", bundle)


def test_a_broken_installation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise OSError("libgomp.so.1: cannot open shared object file\nmore lines")

    monkeypatch.setattr(registry, "import_module", broken)
    with pytest.raises(BackendError, match="openvino is installed but does not load: libgomp") as caught:
        registry.version("openvino")
    assert "\n" not in str(caught.value)


def test_nothing_heavy_is_imported_before_an_engine_is_opened() -> None:
    code = "import sys, runtime.backends, runtime.trust; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["torch", "torchvision", "onnx", "onnxruntime", "openvino", "matplotlib", "export"]
    heavy += ["tensorrt", "tensorrt_rtx", "cuda.bindings"]
    ran = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_errors_first_line() -> None:
    assert first_line(RuntimeError("\n one\ntwo")) == "one"
    assert first_line(RuntimeError()) == "RuntimeError"


def test_the_processor_has_a_name() -> None:
    assert cpu_name()
