"""The demo scenes: repeatable, correctly labelled, without yards shared between splits, with a truth that holds."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.demo import generate
from edge_resnet.demo.figure import Figure
from edge_resnet.demo.fire import Blaze
from edge_resnet.demo.scene import Scene
from edge_resnet.demo.script import KINDS, Kind, Nuisance, Script
from edge_resnet.demo.yard import yard
from edge_resnet.errors import UserError

LAYOUT = 3


def _lead(scene: Scene) -> Figure | Blaze:
    return next(actor for actor in scene.actors if isinstance(actor, Figure | Blaze))


def _frame_anew(kind: Kind, seed: int, t_s: float) -> np.ndarray:
    yard.cache_clear()
    return Scene(kind, seed, LAYOUT).frame(t_s)


@pytest.mark.parametrize("kind", KINDS)
def test_same_kind_seed_and_time_give_the_same_frame(kind: Kind) -> None:
    first = _frame_anew(kind, 5, 0.25)
    assert first.dtype == np.uint8
    assert first.shape == (360, 640, 3)
    assert np.array_equal(first, _frame_anew(kind, 5, 0.25))
    assert not np.array_equal(first, _frame_anew(kind, 6, 0.25))
    assert not np.array_equal(first, _frame_anew(kind, 5, 0.5))


def test_frame_does_not_depend_on_frames_before_it() -> None:
    rainy = Script(((0.0, 0.5),), 0.5, 1e9, (Nuisance("rain"), Nuisance("wind"), Nuisance("car")), enters_s=0.0)
    used, fresh = Scene("fire", 5, LAYOUT, rainy), Scene("fire", 5, LAYOUT, rainy)
    used.frame(0.2)
    used.frame(3.0)
    assert np.array_equal(used.frame(1.0), fresh.frame(1.0))


def test_frame_has_the_size_asked_for() -> None:
    assert Scene("normal", 1, LAYOUT, height=180, width=320).frame(0.0).shape == (180, 320, 3)


def test_figure_of_a_still_is_in_view_and_tall_enough() -> None:
    for seed in range(60):
        scene = Scene("intruder", seed, LAYOUT)
        figure = _lead(scene)
        assert isinstance(figure, Figure)
        for t_s in (0.0, 1.0):
            assert figure.seen(scene.yard, t_s) > 0.8
            rows = scene.yard.camera.project(np.stack(list(figure.joints(t_s).values())))[:, 1]
            # The joints end at the middle of the head: a tenth is missing above and below.
            assert 1.1 * np.ptp(rows) > 0.22 * scene.height, f"seed {seed}"


def test_fire_of_a_still_is_tall_enough() -> None:
    for seed in range(60):
        scene = Scene("fire", seed, LAYOUT)
        blaze = _lead(scene)
        assert isinstance(blaze, Blaze)
        scale = scene.yard.camera.pixels_per_metre(blaze.x_m, blaze.z_m)
        assert blaze.tall_m * blaze.size(0.0) * scale > 0.12 * scene.height, f"seed {seed}"


def test_figure_wears_its_jacket() -> None:
    scene = Scene("intruder", 2, LAYOUT, Script(((0.0, 1.0),), 0.0, 1e9, ()))
    index, figure = next((i, actor) for i, actor in enumerate(scene.actors) if isinstance(actor, Figure))
    scene.actors[index] = replace(figure, jacket=(0.05, 0.9, 0.05), backpack=False, gait="walk")
    joints = figure.joints(0.5)
    x, y = scene.yard.camera.project((joints["hip"] + joints["neck"])[None] * np.float32(0.5))[0].round().astype(int)
    blue, green, red = scene.frame(0.5)[y, x].astype(int)
    assert green > 2 * blue
    assert green > 2 * red


def test_fire_starts_when_told_and_grows() -> None:
    script = Script(((0.0, 0.0),), 0.1, 1e9, (), enters_s=2.0, grow_s=10.0)
    burning, calm = Scene("fire", 8, LAYOUT, script), Scene("normal", 8, LAYOUT, script)
    assert not burning.shows(1.9)
    assert burning.shows(2.0)
    bright = [int((burning.frame(t).max(axis=2) > 245).sum()) for t in (1.0, 3.0, 13.0)]
    assert np.array_equal(burning.frame(1.0), calm.frame(1.0))
    assert bright[0] < bright[1] < bright[2]


def test_figure_changes_pixels_when_and_where_the_truth_says() -> None:
    name, scene, duration_s = generate.clip_scenes(0, ("intruder_day",))[0]
    empty = Scene("normal", scene.seed, scene.layout_seed, scene.script)
    [(start, end, kind)] = generate.truth_of(scene, duration_s)
    assert kind == "intruder"
    assert 0 < start < end < duration_s
    figure = _lead(scene)
    assert isinstance(figure, Figure)
    for t_s, there in ((start - 1.0, False), (start + 0.5, True), ((start + end) / 2, True), (end + 1.0, False)):
        change = np.abs(scene.frame(t_s).astype(int) - empty.frame(t_s)).max(axis=2) > 30
        assert (change.sum() > 300) == there, f"{name} at {t_s:.1f} s: {change.sum()} pixels differ"
        if there:
            joints = scene.yard.camera.project(np.stack(list(figure.joints(t_s).values())))
            across = np.nonzero(change)[1]
            assert abs(np.median(across) - np.clip(joints[:, 0], 0, 639).mean()) < 40


def test_no_scene_of_one_part_is_in_another() -> None:
    used = [
        {scene.seed for own in generate.picture_scenes(split, 40, seed).values() for _, scene in own}
        for seed in (0, 1)
        for split in generate.SPLITS
    ]
    used += [{scene.seed for _, scene, _ in generate.clip_scenes(seed, ("fire_day", "normal_long"))} for seed in (0, 1)]
    assert sum(map(len, used)) == len(set.union(*used))


def test_cameras_stay_where_they_are_and_differ_between_seeds() -> None:
    clips = {scene.layout_seed for _, scene, _ in generate.clip_scenes(0, ("normal_short", "normal_long"))}
    assert clips <= set(generate.yards(0)) == set(generate.picture_scenes("test", 9, 0))
    assert not set(generate.yards(0)) & set(generate.yards(1))


def test_every_yard_serves_every_class_and_no_scene_twice() -> None:
    scenes = generate.picture_scenes("train", 40, 0)
    for layout, own in scenes.items():
        kinds = [scene.kind for _, scene in own]
        assert {kinds.count(kind) for kind in KINDS} == {len(own) // 3}
        assert {scene.layout_seed for _, scene in own} == {layout}
    seeds = [scene.seed for own in scenes.values() for _, scene in own]
    assert len(seeds) == len(set(seeds)) == 120


def test_pictures_are_written_by_split_and_class(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    paths = generate.generate_pictures(
        tmp_path, {"train": 2, "val": 1}, 4, lambda done, total: calls.append((done, total))
    )
    assert sorted(tmp_path.rglob("*.*")) == paths
    assert len(paths) == 9
    for split, count in (("train", 2), ("val", 1)):
        for kind in KINDS:
            assert len(list((tmp_path / split / kind).glob("*.jpg"))) == count
    picture = cv2.imread(str(paths[0]))
    assert picture is not None
    assert picture.shape == (360, 640, 3)
    assert calls[-1] == (9, 9)


def test_unknown_split_and_clip_are_told() -> None:
    with pytest.raises(UserError, match="trian"):
        generate.generate_pictures(Path("never"), {"trian": 1})
    with pytest.raises(UserError, match="fire_noon"):
        generate.generate_clips(Path("never"), only=("fire_noon",))


def test_truth_file_matches_the_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(((0.0, 0.9),), 0.1, 1e9, (), enters_s=0.5)
    plans = [
        ("fire_day", Scene("fire", 9, LAYOUT, script), 1.5),
        ("normal_short", Scene("normal", 9, LAYOUT, script), 1.0),
    ]
    monkeypatch.setattr(generate, "clip_scenes", lambda seed, only: plans)
    clips = generate.generate_clips(tmp_path, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fire_day.mp4", "normal_short.mp4", "truth.csv"]
    with (tmp_path / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"clip": "fire_day.mp4", "start_s": "0.5", "end_s": "1.5", "class": "fire"}]
    films = []
    for clip in clips:
        film = cv2.VideoCapture(str(clip.path))
        frames = []
        while (read := film.read())[0]:
            frames.append(read[1])
        assert len(frames) == round(clip.duration_s * 12)
        assert frames[0].shape == (360, 640, 3)
        assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
        films.append(frames)
        # What was compressed is what was drawn.
        assert np.abs(frames[-1].astype(int) - clip.scene.frame(clip.duration_s - 1 / 12)).mean() < 6
    # The fire starts at 0.5 s, frame 6, and in no other frame.
    burning = [int((frame.min(axis=2) > 235).sum() + (frame[:, :, 2] > 250).sum()) for frame in films[0]]
    steps = np.diff(burning)
    assert int(steps.argmax()) == 5, burning
