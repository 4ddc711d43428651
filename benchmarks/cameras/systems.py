"""The programs that watch: ours with and without the ladder, and what others would use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cameras.networks import for_ultralytics
from benchmarks.cameras.pieces import FPS
from edge_resnet.bundle import MODEL_FILES, Bundle
from runtime.backends.registry import precisions, variant
from runtime.config.settings import CameraSettings

LADDER, FULL = "edge-resnet, ladder", "edge-resnet, every frame decoded"
LOOP, LOOP_INT8 = "OpenCV and ONNX Runtime", "OpenCV and ONNX Runtime INT8"
ULTRALYTICS, ROBOFLOW = "ultralytics", "Roboflow's InferencePipeline"
# Peers that take samples take as many as our cameras want looks.
SAMPLING = round(FPS / CameraSettings.model_fields["rate"].default)


@dataclass(frozen=True)
class System:
    """A program that watches. `command`: of these addresses, with a folder of its own to write to.

    `names`: what it calls its cameras, by number. `wanted_per_s`: how many frames of a camera it is to classify in a
    second; None for ours, which says itself what it wants.
    """

    name: str
    command: Callable[[Sequence[str], Path], list[str]]
    names: Callable[[int], str]
    wanted_per_s: float | None = None

    @property
    def is_peer(self) -> bool:
        return self.wanted_per_s is not None


def ours(
    bundle: Path,
    attention: str,
    alarms: Mapping[str, Mapping[str, float]],
    engine: Sequence[str],
    recording: bool,
    sites: int | None = None,
) -> System:
    """Our stream. `alarms`: what is changed of their rules. `engine`: backend and precision; empty for its own choice.

    `recording`: pictures and clips of events are kept, as shipped; the peers keep nothing. `sites`: how many there are,
    of which cameras are in turn: an alarm wakes the others of its site. None for a site a camera, where it wakes none.
    """

    def place(number: int) -> tuple[str, str]:
        return f"site{number if sites is None else number % sites:03d}", f"camera{number:03d}"

    def command(urls: Sequence[str], folder: Path) -> list[str]:
        placed: dict[str, dict[str, dict[str, Any]]] = {}
        for number, url in enumerate(urls):
            site, camera = place(number)
            placed.setdefault(site, {"cameras": {}})["cameras"][camera] = {"detect": url, "attention": attention}
        kept = {} if recording else {"recording": {"snapshots": False, "near_misses": False, "clips": False}}
        config = folder / "cameras.yaml"
        config.write_text(yaml.safe_dump({"sites": placed, "alarms": alarms, **kept}))
        program = [sys.executable, "-m", "benchmarks.cameras.ours"]
        return [*program, str(config), str(bundle.resolve()), str(folder / "events.sqlite"), *engine]

    return System(LADDER if attention == "ladder" else FULL, command, lambda number: "/".join(place(number)))


def peers(bundle: Bundle, folder: Path, int8: bool, ultralytics: str | None, roboflow: str | None) -> list[System]:
    """The peers that are here: each classifying every frame, and taking samples. `folder`: for networks made for them.

    `int8`: OpenCV's loop with the bundle's INT8 network too, where it has one. `ultralytics`, `roboflow`: the Python of
    an environment that has that package; None leaves it out.
    """
    model = bundle.folder / MODEL_FILES["fp32"]
    side = bundle.model.input.height
    found = [(LOOP, sys.executable, "onnxruntime_loop", model)]
    if int8 and "int8" in precisions("onnxruntime", bundle):
        quantised = bundle.folder / MODEL_FILES[variant("onnxruntime", "int8")]
        found.append((LOOP_INT8, sys.executable, "onnxruntime_loop", quantised))
    if ultralytics:
        made = folder / MODEL_FILES["fp32"]
        for_ultralytics(model, bundle.model, made)
        found.append((ULTRALYTICS, ultralytics, "ultralytics_predict", made))
    if roboflow:
        found.append((ROBOFLOW, roboflow, "roboflow_pipeline", model))
    return [_peer(*each, side, every) for each in found for every in (1, SAMPLING)]


def _peer(name: str, python: str, module: str, model: Path, side: int, every: int) -> System:
    program = [python, "-m", f"benchmarks.peers.{module}", str(model.resolve()), str(side), str(every)]
    return System(peer_name(name, every), lambda urls, _: [*program, *urls], str, FPS / every)


def peer_name(name: str, every: int) -> str:
    """What a peer is called that classifies every `every`-th frame."""
    return f"{name}, {'every frame' if every == 1 else f'{FPS // every} frames a second'}"
