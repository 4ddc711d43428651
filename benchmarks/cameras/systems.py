"""The programs that watch: ours with and without the ladder, and what others would use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.cameras.networks import for_ultralytics
from benchmarks.cameras.pieces import FPS
from edge_resnet.bundle import Bundle
from runtime.config.settings import CameraSettings

LADDER, FULL = "edge-resnet, ladder", "edge-resnet, every frame decoded"
LOOP, ULTRALYTICS, ROBOFLOW = "OpenCV and ONNX Runtime", "ultralytics", "Roboflow's InferencePipeline"
# Peers that take samples take as many as our cameras want looks.
SAMPLING = round(FPS / CameraSettings.model_fields["rate"].default)
_MODEL = "model.onnx"


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
    bundle: Path, attention: str, alarms: Mapping[str, Mapping[str, float]], engine: Sequence[str], recording: bool
) -> System:
    """Our stream. `alarms`: what is changed of their rules. `engine`: backend and precision; empty for its own choice.

    `recording`: pictures and clips of events are kept, as shipped; the peers keep nothing.
    """

    def command(urls: Sequence[str], folder: Path) -> list[str]:
        # Each camera is a site of its own: an alarm wakes all cameras of its site, which have something in common.
        sites = {
            _site(number): {"cameras": {"camera": {"detect": url, "attention": attention}}}
            for number, url in enumerate(urls)
        }
        kept = {} if recording else {"recording": {"snapshots": False, "near_misses": False, "clips": False}}
        config = folder / "cameras.yaml"
        config.write_text(yaml.safe_dump({"sites": sites, "alarms": alarms, **kept}))
        program = [sys.executable, "-m", "benchmarks.cameras.ours"]
        return [*program, str(config), str(bundle.resolve()), str(folder / "events.sqlite"), *engine]

    return System(LADDER if attention == "ladder" else FULL, command, lambda number: f"{_site(number)}/camera")


def _site(number: int) -> str:
    return f"site{number:03d}"


def peers(bundle: Bundle, folder: Path, ultralytics: str | None, roboflow: str | None) -> list[System]:
    """The peers that are here: each classifying every frame, and taking samples. `folder`: for networks made for them.

    `ultralytics`, `roboflow`: the Python of an environment that has that package; None leaves it out.
    """
    model = bundle.folder / _MODEL
    side = bundle.model.input.height
    found = [(LOOP, sys.executable, "onnxruntime_loop", model)]
    if ultralytics:
        made = folder / _MODEL
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
