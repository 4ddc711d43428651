"""Writes the demo's labelled pictures and clips; whatever is written is written whole."""

import csv
import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_resnet.demo.film import write_film
from edge_resnet.demo.scene import Scene
from edge_resnet.demo.script import ALWAYS_S, KINDS, Kind, Nuisance, Script
from edge_resnet.demo.yard import yard
from edge_resnet.errors import UserError
from edge_resnet.files import write_bytes

SPLITS = ("train", "val", "test")
PICTURES: dict[str, int] = {"train": 300, "val": 60, "test": 60}
"""Pictures a class in each split, by default."""
CLIP_FPS = 12
TRUTH_NAME = "truth.csv"
Progress = Callable[[int, int], None]
CAMERAS = 3
"""Fixed cameras, each over a yard of its own, which all pictures and clips of a seed come from."""
_SCENES_A_SPLIT = 1_000_000
_SCENES_A_CLIP = 1_000
_PICTURES_A_JOB = 60


@dataclass(frozen=True)
class Clip:
    """A written clip and its truth; `truth` rows are (start in seconds, end in seconds, class), none for normal."""

    path: Path
    scene: Scene
    duration_s: float
    truth: tuple[tuple[float, float, str], ...]


def yards(seed: int) -> list[int]:
    """The layout seeds of the yards of a seed; no two seeds have one in common. Raises UserError."""
    if seed < 0:
        raise UserError(f"seed {seed} must be 0 or more")
    return [seed * CAMERAS + number for number in range(CAMERAS)]


def first_scene(seed: int, part: str) -> int:
    """The first scene seed of a split ("clips" counts as one): no two parts have a scene in common."""
    return (seed * (len(SPLITS) + 1) + (*SPLITS, "clips").index(part)) * _SCENES_A_SPLIT


def picture_scenes(split: str, count: int, seed: int) -> dict[int, list[tuple[str, Scene]]]:
    """The scenes of a split, `count` a class, by layout seed: (file's place below the split's folder, scene).

    The cameras stay where they are, as a site's do, and what happens before them differs from picture to picture.
    Every yard serves all classes alike, so that no yard gives a class away.
    """
    if not 0 < count * len(KINDS) <= _SCENES_A_SPLIT:
        raise UserError(f"{count} pictures a class: must be 1 to {_SCENES_A_SPLIT // len(KINDS)}")
    layouts, first = yards(seed), first_scene(seed, split)
    scenes: dict[int, list[tuple[str, Scene]]] = {layout: [] for layout in layouts}
    for index in range(count):
        layout = layouts[index % CAMERAS]
        for order, kind in enumerate(KINDS):
            scene = Scene(kind, first + index * len(KINDS) + order, layout)
            scenes[layout].append((f"{kind}/{kind}_{layout}_{index:04d}.jpg", scene))
    return scenes


def _write_layout(folder: Path, scenes: list[tuple[str, Scene]]) -> list[Path]:
    written = []
    for name, scene in scenes:
        rng = np.random.default_rng([scene.seed, 71])
        frame = scene.frame(float(rng.uniform(0, 1)))
        quality = int(rng.integers(62, 92))
        done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise RuntimeError(f"OpenCV could not encode {folder / name} as JPEG; is its JPEG support installed?")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data.tobytes())
        written.append(path)
    return written


def generate_pictures(
    out: Path, per_class: Mapping[str, int] = PICTURES, seed: int = 0, progress: Progress | None = None
) -> list[Path]:
    """Write out/{train,val,test}/{normal,intruder,fire}/*.jpg, 640 x 360, and return the paths, sorted.

    `per_class` says how many pictures a class each split gets; `progress(done, total)` is called as they come.
    No scene of one split appears in another. Raises UserError for an unknown split or a bad count.
    """
    unknown = sorted(set(per_class) - set(SPLITS))
    if unknown:
        raise UserError(f"unknown split {unknown[0]!r}: use {', '.join(SPLITS)}")
    jobs = [
        (out / split, scenes[start : start + _PICTURES_A_JOB])
        for split, count in per_class.items()
        if count
        for scenes in picture_scenes(split, count, seed).values()
        for start in range(0, len(scenes), _PICTURES_A_JOB)
    ]
    total, written = sum(len(scenes) for _, scenes in jobs), []
    # OpenCV and numpy let go of the interpreter while they work, so that two threads keep two cores busy.
    with ThreadPoolExecutor(2) as pool:
        for future in as_completed([pool.submit(_write_layout, folder, scenes) for folder, scenes in jobs]):
            written.extend(future.result())
            if progress is not None:
                progress(len(written), total)
    return sorted(written)


def _script(
    daylight: float, nuisances: tuple[Nuisance, ...], enters_s: float | None = None, infrared: bool = False
) -> Script:
    return Script(((0.0, daylight),), 0.15, -ALWAYS_S if infrared else ALWAYS_S, nuisances, enters_s)


def _long_script() -> Script:
    """An afternoon that turns into night within 90 s, everything harmless passing in turn; at last infrared."""
    nuisances = (
        Nuisance("wind"),
        Nuisance("clouds", 0.0, 36.0),
        Nuisance("cat", 5.0, 15.0),
        Nuisance("car", 16.0, 26.0),
        Nuisance("rain", 28.0, 44.0),
        Nuisance("lamp", 46.0, 49.0),
        Nuisance("car", 52.0, 62.0),
        Nuisance("sweep", 64.0, 71.0),
        Nuisance("cat", 70.0, 78.0),
        Nuisance("rain", 84.0, ALWAYS_S),
    )
    return Script(((0.0, 0.95), (18.0, 0.8), (50.0, 0.16), (62.0, 0.0)), 0.1, 79.0, nuisances)


def _plans() -> dict[str, tuple[Kind, Script, float]]:
    """What each clip shows, by name: kind, script, duration in seconds."""
    wind, cloudy = Nuisance("wind"), Nuisance("clouds")
    night = (wind, Nuisance("sweep", 1.0, 5.0), Nuisance("cat", 16.0, 22.0))
    return {
        "intruder_day": ("intruder", _script(0.95, (wind, cloudy), 6.0), 20.0),
        "intruder_night": ("intruder", _script(0.0, (wind, Nuisance("cat", 0.0, 5.0)), 6.0, True), 20.0),
        "fire_day": ("fire", _script(0.85, (wind, cloudy), 6.0), 24.0),
        "fire_night": ("fire", _script(0.03, night, 8.0), 24.0),
        "normal_short": ("normal", _script(0.9, (wind, cloudy, Nuisance("cat", 3.0, 12.0))), 15.0),
        "normal_long": ("normal", _long_script(), 90.0),
    }


def clip_scenes(seed: int, only: tuple[str, ...] = ()) -> list[tuple[str, Scene, float]]:
    """The clips of a seed: name, scene, duration in seconds. Each plays before a known camera, in a scene of its own.

    `only` names the clips wanted (all by default). Raises UserError for an unknown name.
    """
    plans = _plans()
    unknown = sorted(set(only) - set(plans))
    if unknown:
        raise UserError(f"unknown clip {unknown[0]!r}: use {', '.join(plans)}")
    found = []
    for index, (name, (kind, script, duration_s)) in enumerate(plans.items()):
        if not only or name in only:
            first = first_scene(seed, "clips") + index * _SCENES_A_CLIP
            found.append((name, _fitting(kind, script, first, yards(seed)), duration_s))
    return found


def _fitting(kind: Kind, script: Script, first: int, layouts: list[int]) -> Scene:
    """The first scene before one of these yards in which the person has a free way, or the fire an open place."""
    for number in range(_SCENES_A_CLIP):
        scene = Scene(kind, first + number, layouts[number % CAMERAS], script)
        if kind == "normal" or scene.leads_in_view():
            return scene
    return scene


def truth_of(scene: Scene, duration_s: float) -> tuple[tuple[float, float, str], ...]:
    """When a person or a fire is visibly there: (start, end, class) in seconds, to the frame."""
    count = round(duration_s * CLIP_FPS)
    shown = [scene.shows(index / CLIP_FPS) for index in range(count)]
    edges = np.flatnonzero(np.diff([0, *map(int, shown), 0])).tolist()
    return tuple(
        (round(start / CLIP_FPS, 2), round(end / CLIP_FPS, 2), scene.kind)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )


def generate_clips(
    out: Path, seed: int = 0, progress: Progress | None = None, only: tuple[str, ...] = ()
) -> list[Clip]:
    """Write the clips (MP4, 640 x 360, 12 frames a second) and truth.csv into `out`.

    `only` names the clips wanted (all by default); `progress(done, total)` counts frames. The truth's header is
    clip,start_s,end_s,class; a clip without a row is normal from end to end. Raises UserError for an unknown name.
    """
    plans = clip_scenes(seed, only)
    out.mkdir(parents=True, exist_ok=True)
    total, done = sum(round(duration_s * CLIP_FPS) for _, _, duration_s in plans), 0
    clips = []
    for name, scene, duration_s in plans:
        before = done

        def count(frames: int, before: int = before) -> None:
            if progress is not None:
                progress(before + frames, total)

        path = out / f"{name}.mp4"
        done += write_film(path, scene, round(duration_s * CLIP_FPS), CLIP_FPS, count)
        clips.append(Clip(path, scene, duration_s, truth_of(scene, duration_s)))
    yard.cache_clear()
    _write_truth(out / TRUTH_NAME, clips)
    return clips


def _write_truth(path: Path, clips: list[Clip]) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["clip", "start_s", "end_s", "class"])
    for clip in clips:
        rows.writerows([clip.path.name, start, end, kind] for start, end, kind in clip.truth)
    write_bytes(path, text.getvalue().encode())
