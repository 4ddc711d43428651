"""How well a zone's evidence tells where a thing is, with networks that were trained on labels of whole pictures.

python -m benchmarks.zones [--fire BUNDLE] [--person BUNDLE] [--drawn BUNDLE --drawn-clips DIR] [--data DIR] [--json]

Each bundle has an input of 224x224 or more: --fire with the classes fire and smoke, --person with person, --drawn (of
the demo's pictures) with fire and intruder. DIR holds clips/ (by default EDGE_RESNET_REAL, or ../shared/data). The
places of things in the clips are measured by hand. Two looks a second; those of one clip are no independent samples, so
the intervals tell of these clips and not of others. `inside_is_highest`: the zone of the thing says more than all
others; `inside_rose_most`: its log odds are further over what that zone usually says while nothing is there.
"""

from __future__ import annotations

import math
import os
import sys
import timeit
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.command_line import Parser, exit_code
from benchmarks.real import BESIDE
from edge_resnet import command
from edge_resnet.bundle import Bundle
from edge_resnet.hardware import cpu_name
from edge_resnet.probability import softmax
from edge_resnet.statistics import wilson
from runtime.backends import Backend, open_backend
from runtime.look import Look, looks
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.frame import Frame
from runtime.zones import Zone, map_size

RATE = 2.0
BACKEND, PRECISION = "onnxruntime", "fp32"
_ROUNDS, _CALLS = 50, 100
_LEAST = 1e-6
_FRAME = (480, 640)
# What is pasted into a picture without fire: this share of its height and width, at places between these shares.
_PATCH_SHARE = 0.2
_PLACES = np.linspace(0.2, 0.8, 5)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """In a `clip`, what `alarm` is about lies in `inside` from `start_s` to `end_s`, and not in any of `elsewhere`.

    Boxes: left, top, right, bottom, 0..1. `absent`: when it is nowhere in the picture, from and to in seconds.
    """

    bundle: str
    clip: str
    alarm: str
    inside: Box
    elsewhere: tuple[Box, ...]
    start_s: float
    end_s: float
    absent: tuple[tuple[float, float], ...] = ()


_TABLE_LEFT, _TABLE_RIGHT = (0.0, 0.0, 0.4, 1.0), (0.78, 0.0, 1.0, 1.0)
_YARD = ((0.0, 0.62, 1.0, 1.0), (0.0, 0.1, 0.25, 0.55), (0.78, 0.1, 1.0, 0.55))
_HOUSE = ((0.13, 0.3, 0.27, 1.0), (0.6, 0.35, 0.87, 0.95))
_ROAD = ((0.1, 0.62, 0.9, 1.0), (0.0, 0.25, 0.4, 0.6))
SCENES = (
    Scene("fire", "fire_onset_house6.mp4", "fire", (0.3, 0.15, 0.57, 0.55), _HOUSE, 0.0, 30.0),
    Scene(
        *("fire", "cctv_carfire_timelapse.mp4", "fire", (0.57, 0.25, 0.77, 0.95)),
        ((0.0, 0.2, 0.5, 1.0), (0.8, 0.1, 1.0, 1.0)),
        *(4.0, 31.5),
        ((0.0, 3.0),),
    ),
    Scene("fire", "highway_fire_timelapse.mp4", "fire", (0.53, 0.33, 0.72, 0.58), _ROAD, 3.0, 27.0, ((0.0, 1.5),)),
    Scene("fire", "highway_fire_timelapse.mp4", "smoke", (0.5, 0.0, 0.72, 0.45), _ROAD, 5.0, 27.0, ((0.0, 1.5),)),
    *(
        Scene(
            *("person", "person_enter_leave_onebyone_700f.mp4", "person", (0.46, 0.0, 0.72, 1.0)),
            (_TABLE_LEFT, _TABLE_RIGHT),
            *(start_s, end_s),
            ((0.0, 5.5), (21.0, 22.4), (46.0, 50.0)),
        )
        for start_s, end_s in ((9.0, 18.0), (26.0, 43.0), (54.0, 67.0))
    ),
    Scene(
        *("person", "hall_empty_then_person_joined.mp4", "person", (0.3, 0.25, 0.72, 1.0)),
        ((0.0, 0.0, 0.27, 1.0), (0.75, 0.0, 1.0, 1.0)),
        *(6.0, 9.6),
        ((0.0, 5.4),),
    ),
    Scene("drawn", "fire_day.mp4", "fire", (0.6, 0.05, 0.76, 0.5), _YARD, 8.0, 24.0, ((0.0, 5.9),)),
    Scene("drawn", "fire_night.mp4", "fire", (0.35, 0.18, 0.57, 0.55), _YARD, 10.0, 24.0, ((0.0, 7.9),)),
    *(
        Scene(
            *("drawn", f"intruder_{part}.mp4", "intruder", inside, (other,), start_s, end_s),
            ((0.0, 5.9), (10.5, 15.0)),
        )
        for part in ("day", "night")
        for inside, other, start_s, end_s in (
            ((0.5, 0.1, 1.0, 1.0), (0.0, 0.1, 0.45, 1.0), 6.3, 7.6),
            ((0.0, 0.1, 0.45, 1.0), (0.5, 0.1, 1.0, 1.0), 8.6, 9.8),
        )
    ),
)


def polygon(box: Box) -> tuple[tuple[float, float], ...]:
    """The corners of a box."""
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def watched(backend: Backend, bundle: Bundle, clip: Path) -> list[Look]:
    """The looks at a clip."""
    source = open_source(Address.parse(str(clip)))
    found: list[Look] = []
    while (time_s := source.grab()) is not None:
        image = source.retrieve() if time_s >= len(found) / RATE else None
        if image is not None:
            frame = Frame(image, time_s, len(found))
            found += looks(bundle.model, [frame], backend.infer(bundle.model.input.preprocess.batch([image])))
    source.close()
    return found


def auc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """How often a value of the first is over one of the second, ties half: the area under the ROC curve."""
    if not higher or not lower:
        return None
    difference = np.subtract.outer(np.asarray(higher), np.asarray(lower))
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def log_odds(probability: float) -> float:
    """Of a probability, which is kept off 0 and 1."""
    kept = min(1.0 - _LEAST, max(_LEAST, probability))
    return math.log(kept / (1.0 - kept))


def share(held: list[bool]) -> dict[str, float] | None:
    """How often something held, with its interval; None of nothing."""
    if not held:
        return None
    low, high = wilson(sum(held), len(held))
    return {"share": sum(held) / len(held), "from": low, "to": high}


def row(scene: Scene, found: list[Look], bundle: Bundle) -> dict[str, Any]:
    """The figures of a scene: of its looks while the thing is there, and while it is nowhere."""
    model = bundle.model
    classes = list(model.class_indices(scene.alarm))

    def evidence(box: Box, look: Look) -> float:
        zone = zones[box]
        return float(zone.probabilities(look.cam, look.frame_height, look.frame_width)[classes].sum())

    zones = {box: Zone("box", polygon(box), model) for box in (scene.inside, *scene.elsewhere)}
    there = [look for look in found if scene.start_s <= look.time_s <= scene.end_s]
    absent = [look for look in found if any(start <= look.time_s <= end for start, end in scene.absent)]
    inside = [evidence(scene.inside, look) for look in there]
    elsewhere = [max(evidence(box, look) for box in scene.elsewhere) for look in there]
    whole = [look.alarms[scene.alarm] for look in there]
    usual = {box: float(np.mean([log_odds(evidence(box, look)) for look in absent])) for box in zones} if absent else {}
    rises = [{box: log_odds(evidence(box, look)) - usual[box] for box in zones} for look in there] if absent else []
    return {
        "clip": scene.clip,
        "alarm": scene.alarm,
        "from_s": scene.start_s,
        "looks": len(there),
        "whole": float(np.mean(whole)),
        "inside": float(np.mean(inside)),
        "elsewhere": float(np.mean(elsewhere)),
        "inside_is_highest": share([here > other for here, other in zip(inside, elsewhere, strict=True)]),
        "inside_rose_most": share([max(rise, key=rise.__getitem__) == scene.inside for rise in rises]),
        "absent_looks": len(absent),
        "auc_there_against_absent_zone": auc(inside, [evidence(scene.inside, look) for look in absent]),
        "auc_there_against_absent_whole": auc(whole, [look.alarms[scene.alarm] for look in absent]),
    }


def offset(
    backend: Backend, bundle: Bundle, picture: npt.NDArray[np.uint8], patch: npt.NDArray[np.uint8]
) -> dict[str, Any]:
    """How far, in cells, the change in the map lies from where a patch was pasted, to the right and down."""
    preprocess, model = bundle.model.input.preprocess, bundle.model
    base = preprocess(picture)
    side = round(_PATCH_SHARE * preprocess.height)
    small = cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA)
    classes = list(model.class_indices("fire"))
    before = backend.infer(base[np.newaxis]).cam[0]
    apart = []
    for y in _PLACES:
        for x in _PLACES:
            pasted = base.copy()
            top, left = round(y * preprocess.height - side / 2), round(x * preprocess.width - side / 2)
            pasted[top : top + side, left : left + side] = small
            after = backend.infer(pasted[np.newaxis]).cam[0]
            change = (softmax(after.T, 1.0) - softmax(before.T, 1.0))[..., classes].sum(axis=-1).T.clip(0.0)
            rows, columns = change.shape
            centre_x = (change.sum(axis=0) * (np.arange(columns) + 0.5)).sum() / change.sum()
            centre_y = (change.sum(axis=1) * (np.arange(rows) + 0.5)).sum() / change.sum()
            apart.append((centre_x - x * columns, centre_y - y * rows))
    mean, error = np.mean(apart, axis=0), 1.96 * np.std(apart, axis=0, ddof=1) / np.sqrt(len(apart))
    return {
        "places": len(apart),
        "right_cells": float(mean[0]),
        "down_cells": float(mean[1]),
        "half_interval_95": [float(error[0]), float(error[1])],
    }


def cost_us(bundle: Bundle) -> float:
    """Microseconds that a zone takes of a look: the least of some rounds, for other programs run here too."""
    given = bundle.model.input
    zone = Zone("box", polygon((0.2, 0.2, 0.7, 0.9)), bundle.model)
    cam = np.zeros((len(bundle.model.labels), *map_size(given.height, given.width)), np.float32)
    zone.probabilities(cam, *_FRAME)
    rounds_s = timeit.repeat(lambda: zone.probabilities(cam, *_FRAME), repeat=_ROUNDS, number=_CALLS)
    return 1e6 * min(rounds_s) / _CALLS


def measure(bundles: dict[str, Path], clips: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """A row for each scene whose bundle was named and whose clip is there."""
    for name, folder in bundles.items():
        bundle = Bundle.open(folder)
        with open_backend(BACKEND, bundle, PRECISION, "cpu") as backend:
            seen: dict[str, list[Look]] = {}
            for scene in (scene for scene in SCENES if scene.bundle == name):
                clip = clips[name] / scene.clip
                if not clip.is_file():
                    command.say(f"skipped: {clip} is absent")
                    continue
                if scene.clip not in seen:
                    seen[scene.clip] = watched(backend, bundle, clip)
                yield {"bundle": name, **row(scene, seen[scene.clip], bundle)}


def pasted(bundle_folder: Path, data: Path) -> dict[str, Any] | None:
    """Where the map puts a patch of fire."""
    normal = data / "clips" / "traffic_normal_car_200f.mp4"
    fire = data / "clips" / "highway_fire_timelapse.mp4"
    if not (normal.is_file() and fire.is_file()):
        return None
    bundle = Bundle.open(bundle_folder)
    pictures = []
    for clip, time_s in ((normal, 1.0), (fire, 31.0)):
        capture = cv2.VideoCapture(str(clip))
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * time_s)
        pictures.append(np.asarray(capture.read()[1], np.uint8))
        capture.release()
    with open_backend(BACKEND, bundle, PRECISION, "cpu") as backend:
        return offset(backend, bundle, pictures[0], pictures[1])


def main() -> int:
    """Measure and print."""
    parser = Parser("zones", __doc__)
    for name in ("fire", "person", "drawn"):
        parser.add_argument(f"--{name}", type=Path, metavar="BUNDLE")
    parser.add_argument("--drawn-clips", type=Path, metavar="DIR")
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    data = args.data or Path(os.environ.get("EDGE_RESNET_REAL") or BESIDE)
    named = {"fire": args.fire, "person": args.person, "drawn": args.drawn if args.drawn_clips else None}
    bundles = {name: folder for name, folder in named.items() if folder is not None}
    clips = {"fire": data / "clips", "person": data / "clips", "drawn": args.drawn_clips}
    rows = list(measure(bundles, clips))
    place = None if args.fire is None else pasted(args.fire, data)
    cost = {name: cost_us(Bundle.open(folder)) for name, folder in bundles.items()}
    if args.json:
        command.answer_json({"processor": cpu_name(), "rows": rows, "pasted": place, "us_a_call": cost})
        return command.Exit.FINE
    for each in rows:
        command.say(
            " | ".join(f"{key} {f'{value:.3f}' if isinstance(value, float) else value}" for key, value in each.items())
        )
    command.say(f"a pasted patch of fire: {place}; microseconds a call: {cost}")
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
