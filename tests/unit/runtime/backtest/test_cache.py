"""The cache of scores: what was kept comes back as it was, and nothing else is ever found."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.manifest import AlarmSpec
from runtime.backtest import cache as cache_module
from runtime.backtest.cache import Cache, Seen, default_folder, key_of
from runtime.config.settings import CameraSettings
from runtime.events.journal import Decider
from runtime.look import Look
from tests.stand_ins import MODEL

DECIDER = Decider("0" * 64, "opencv", "fp32")
CAMERA = CameraSettings(detect="-")


def look(number: int) -> Look:
    fire = 0.1 * number + 1e-17
    cam = np.full((2, 4, 8), number / 3, np.float32)
    return Look("a.mp4", 0.2 * number, 2 * number, {"normal": 1.0 - fire, "fire": fire}, {"fire": fire}, cam, 48, 64)


SEEN = Seen(tuple(look(number) for number in range(5)), 1.1)


def same(one: Look, other: Look) -> bool:
    return replace(one, cam=0) == replace(other, cam=0) and np.array_equal(one.cam, other.cam)  # type: ignore[arg-type]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> Cache:
    return Cache(tmp_path / "cache", said.append)


def test_looks_come_back_to_the_last_bit_under_the_clip_s_name_of_now(cache: Cache) -> None:
    assert cache.find("k", "b.mp4", MODEL) is None
    cache.put("k", SEEN, MODEL)
    found = cache.find("k", "b.mp4", MODEL)
    assert found is not None
    assert found.seconds == SEEN.seconds
    assert all(same(one, replace(other, camera="b.mp4")) for one, other in zip(found.looks, SEEN.looks, strict=True))


def test_alarms_are_those_of_the_bundle_of_now(cache: Cache) -> None:
    cache.put("k", SEEN, MODEL)
    other = MODEL.model_copy(update={"alarms": {"blaze": AlarmSpec(classes=("fire",))}})
    found = cache.find("k", "a.mp4", other)
    assert found is not None
    assert found.looks[3].alarms == {"blaze": SEEN.looks[3].alarms["fire"]}


def test_large_maps_are_kept_in_half_precision(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_WHOLE_MAP_BYTES", 100)
    cache.put("k", SEEN, MODEL)
    found = cache.find("k", "a.mp4", MODEL)
    assert found is not None
    np.testing.assert_allclose(found.looks[4].cam, SEEN.looks[4].cam, rtol=1e-3)
    assert not np.array_equal(found.looks[4].cam, SEEN.looks[4].cam)
    assert found.looks[4].probabilities == SEEN.looks[4].probabilities


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "other"])
def test_a_damaged_entry_is_told_and_not_found(cache: Cache, said: list[str], damage: str) -> None:
    cache.put("k", SEEN, MODEL)
    path = cache.folder / "k.npz"
    whole = path.read_bytes()
    damaged = {"cut": whole[:-200], "noise": os.urandom(300), "empty": b"", "other": whole}[damage]
    path.write_bytes(damaged)
    # "other": whole, but of a model with another number of classes.
    labels = ("normal", "fire", "smoke") if damage == "other" else MODEL.labels
    assert cache.find("k", "a.mp4", MODEL.model_copy(update={"labels": labels})) is None
    assert "not a cache of scores" in said[0]


def test_an_entry_that_would_need_unpickling_is_refused(cache: Cache, said: list[str]) -> None:
    cache.folder.mkdir()
    np.savez(cache.folder / "k.npz", times_s=np.array([{"a": 1}], object), allow_pickle=True)
    assert cache.find("k", "a.mp4", MODEL) is None
    assert said


def test_an_entry_that_unpacks_to_too_much_is_refused(
    cache: Cache, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.put("k", SEEN, MODEL)
    monkeypatch.setattr(cache_module, "_MOST_BYTES", 100)
    assert cache.find("k", "a.mp4", MODEL) is None
    assert "too large" in said[0]


def test_a_folder_that_cannot_be_written_is_told_and_no_more(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").touch()
    Cache(tmp_path / "file" / "cache", said.append).put("k", SEEN, MODEL)
    assert "--cache" in said[0]


def test_the_key_changes_with_all_that_scores_depend_on_and_with_nothing_else(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"frames")
    other_clip = tmp_path / "b.mp4"
    other_clip.write_bytes(b"other frames")
    corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    key = key_of(clip, MODEL, DECIDER, CAMERA)
    others = [
        key_of(other_clip, MODEL, DECIDER, CAMERA),
        key_of(clip, MODEL.model_copy(update={"temperature": 2.0}), DECIDER, CAMERA),
        key_of(clip, MODEL.model_copy(update={"labels": ("normal", "smoke")}), DECIDER, CAMERA),
        key_of(
            clip, MODEL.model_copy(update={"input": MODEL.input.model_copy(update={"resize": "crop"})}), DECIDER, CAMERA
        ),
        key_of(clip, MODEL, replace(DECIDER, model_sha256="1" * 64), CAMERA),
        key_of(clip, MODEL, replace(DECIDER, backend="openvino"), CAMERA),
        key_of(clip, MODEL, replace(DECIDER, precision="int8"), CAMERA),
        key_of(clip, MODEL, DECIDER, CAMERA.model_copy(update={"rate": 4.0})),
        key_of(clip, MODEL, DECIDER, CAMERA.model_copy(update={"masks": (corners,)})),
    ]
    assert len({key, *others}) == len(others) + 1
    alarms = MODEL.model_copy(update={"alarms": {}})
    assert key_of(clip.rename(tmp_path / "c.mp4"), alarms, DECIDER, CAMERA.model_copy(update={"detect": "x"})) == key


def test_the_usual_folder_is_the_desktop_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "edge-resnet" / "backtest"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "home" / ".cache" / "edge-resnet" / "backtest"
