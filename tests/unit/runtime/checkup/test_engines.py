"""Engines and codecs: what is broken is a problem, what is missing is told with what brings it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from edge_resnet.errors import BackendError
from runtime.checkup import codecs, engines
from runtime.checkup.item import Item


def by_name(items: Iterable[Item]) -> dict[str, Item]:
    return {item.name: item for item in items}


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that these engines are installed, each of a version or broken (an exception)."""

    def pretend(**there: str | Exception) -> None:
        def version(name: str) -> str:
            if isinstance(answer := there.get(name, BackendError(f"backend {name} is not installed; pip it")), str):
                return answer
            raise answer

        monkeypatch.setattr(engines, "version", version)
        monkeypatch.setattr(engines, "installed", lambda: list(there))

    return pretend


def test_the_engines_that_are_here_load(tmp_path: Path) -> None:
    items = by_name(engines.engines(tmp_path))
    assert items["opencv"] == Item("engines", "opencv", "ok", cv2.__version__)
    assert "CPU" in items["onnxruntime"].found
    assert "CPU" in items["openvino"].found
    assert "speed" not in items


def test_an_engine_that_is_broken_is_a_problem_and_one_that_is_missing_is_not(
    versions: Callable[..., None], tmp_path: Path
) -> None:
    versions(opencv="5.0", torch=BackendError("backend torch is installed but does not load: no libcudart"))
    items = by_name(engines.engines(tmp_path))
    assert items["torch"].verdict == "problem"
    assert "no libcudart" in items["torch"].found
    assert (items["openvino"].verdict, items["openvino"].found) == ("absent", "not installed; pip it")
    assert (items["speed"].verdict, items["speed"].advice) == ("warning", "pip install 'edge-resnet[cpu]'")


@pytest.mark.parametrize(("engine", "verdict"), [("opencv", "warning"), ("tensorrt_rtx", "ok")])
def test_a_gpu_that_no_engine_uses_is_warned_of(
    engine: str, verdict: str, versions: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions(**{engine: "1.0"})
    monkeypatch.setattr(engines, "_runs_on", lambda name: ["CPU"])
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:01:00.0" / "information").write_text("Model: \t NVIDIA T4\nIRQ: 16\n")
    gpu = by_name(engines.engines(tmp_path))["GPU"]
    assert (gpu.verdict, gpu.found.startswith("NVIDIA T4")) == (verdict, True)


def test_the_codecs_that_are_here_do() -> None:
    assert {item.name: item.verdict for item in codecs.codecs()} == {
        "OpenCV FFMPEG": "ok",
        "OpenCV V4L2": "ok",
        "PyAV": "ok",
        "decoding hardware": "ok",
    }


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ((), "none works here; the processor decodes"),
        (("vaapi", "cuda"), "cuda, vaapi by a clip of our own"),
    ],
)
def test_the_hardware_that_decodes_here_is_told(
    there: tuple[str, ...], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs.hardware, "works", lambda av, device: device in there)
    assert by_name(codecs.codecs())["decoding hardware"].found == found


def test_an_opencv_without_ffmpeg_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2.videoio_registry, "getBackends", lambda: [cv2.CAP_V4L2])
    items = by_name(codecs.codecs())
    assert (items["OpenCV FFMPEG"].verdict, items["OpenCV V4L2"].verdict) == ("problem", "ok")


def test_pyav_may_be_missing_or_lack_a_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "_has", lambda av, name, mode: name != "libx264")
    item = by_name(codecs.codecs())["PyAV"]
    assert (item.verdict, "without libx264" in item.found) == ("warning", True)
    absent: dict[str, ModuleType | None] = {"av": None}
    monkeypatch.setitem(sys.modules, *next(iter(absent.items())))
    item = by_name(codecs.codecs())["PyAV"]
    assert (item.verdict, item.advice) == ("warning", "pip install 'edge-resnet[video]'")
