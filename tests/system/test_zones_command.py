"""`edge-resnet zones` as a user runs it: shown, drawn, clicked on a real screen, and written into the file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.command import Exit
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.config.load import load
from tests.commands import edge_resnet
from tests.stand_ins import write_bundle, write_clip

CONFIG = """\
# the yard
sites:
  yard:
    cameras:
      gate:
        detect: clip.avi   # recorded in May
        masks: [[[0, 0], [0.25, 0], [0.25, 1], [0, 1]]]

      # not yet
      hall: {detect: clip.avi}
      desk: {detect: clip.avi, alarms: []}
"""
_TIMEOUT_S = 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place to work in: a configuration, a clip of 64x48 pixels, and the bundle that will watch."""
    monkeypatch.chdir(tmp_path)
    model = ModelSpec(
        labels=("normal", "fire", "smoke"),
        input=InputSpec(height=224, width=224),
        alarms={name: AlarmSpec(classes=(name,)) for name in ("fire", "smoke")},
    )
    write_bundle(tmp_path / "runs" / "yard" / "bundle", model)
    write_clip(tmp_path / "clip.avi", [120] * 10)
    (tmp_path / "cameras.yaml").write_text(CONFIG)
    return tmp_path


def polygon(folder: Path, name: str) -> list[tuple[float, float]]:
    return list(load(folder / "cameras.yaml").cameras()["yard/gate"].zones[name].polygon)


def test_a_zone_is_added_shown_and_removed_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = ["--points", "0.5,0.2 0.9,0.2 0.9,0.9"]
    added = edge_resnet(capsys, "zones", "yard/gate", "--add", "ramp", "--alarms", "fire,smoke", *points)
    assert added.code == Exit.FINE
    assert "yard/gate: ramp: fire, smoke, 7.0 of 49 cells" in added.out
    assert polygon(folder, "ramp") == [(0.5, 0.2), (0.9, 0.2), (0.9, 0.9)]
    text = (folder / "cameras.yaml").read_text()
    assert [line for line in CONFIG.splitlines() if line not in text.splitlines()] == []
    answer = edge_resnet(capsys, "zones", "yard/gate", "--json").answer
    assert answer["zones"]["ramp"] == {
        "polygon": [[0.5, 0.2], [0.9, 0.2], [0.9, 0.9]],
        "alarms": ["fire", "smoke"],
        "cells": 7.01,
    }
    assert (answer["map"], answer["input"]) == ([7, 7], "224x224")
    assert edge_resnet(capsys, "zones", "yard/gate", "--remove", "ramp").code == Exit.FINE
    assert (folder / "cameras.yaml").read_text() == CONFIG


def test_a_password_is_not_asked_for_as_long_as_nothing_is_opened(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder / "cameras.yaml"
    config.write_text(CONFIG.replace("clip.avi   #", "rtsp://watch:${NOT_SET_HERE}@127.0.0.1/s   #"))
    before = config.read_text()
    points = ["--points", "0.5,0.2 0.9,0.2 0.9,0.9"]
    added = edge_resnet(capsys, "zones", "yard/gate", "--add", "ramp", "--alarms", "fire", *points)
    assert added.code == Exit.FINE, added.err
    assert edge_resnet(capsys, "zones", "yard/gate", "--remove", "ramp").code == Exit.FINE
    assert config.read_text() == before
    assert "the environment has no NOT_SET_HERE" in edge_resnet(capsys, "zones", "yard/gate", "--out", "a.png").mistake


def test_what_falls_with_a_zone_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = "{polygon: [[0, 0], [1, 0], [1, 1]], alarms: [fire]}"
    yard = CONFIG.replace(
        "\n      # not yet", f"        zones:\n          # where cars burn\n          a: {zone}\n\n      # not yet"
    )
    (folder / "cameras.yaml").write_text(yard)
    removed = edge_resnet(capsys, "zones", "yard/gate", "--remove", "a")
    assert "this comment fell with what it stood in: # where cars burn" in removed.err
    assert (folder / "cameras.yaml").read_text() == CONFIG


def test_pixels_are_of_the_cameras_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edge_resnet(capsys, "zones", "yard/gate", "--add", "ramp", "--alarms", "fire", "--points", "16,12 48,12 48,36")
    assert polygon(folder, "ramp") == [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75)]


def test_a_zone_that_is_there_gets_other_corners_and_keeps_its_alarms(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for corners in ("0.1,0.1 0.9,0.1 0.9,0.9", "0.2,0.2 0.9,0.1 0.9,0.9"):
        alarms = ["--alarms", "fire"] if corners.startswith("0.1") else []
        done = edge_resnet(capsys, "zones", "yard/gate", "--add", "ramp", "--points", corners, *alarms)
        assert done.code == Exit.FINE
    assert polygon(folder, "ramp")[0] == (0.2, 0.2)
    assert load(folder / "cameras.yaml").cameras()["yard/gate"].zones["ramp"].alarms == ("fire",)


def test_the_drawing_shows_the_zone_and_never_what_is_masked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite("photo.png", np.full((480, 640, 3), 120, np.uint8))
    edge_resnet(
        capsys, "zones", "yard/gate", "--add", "ramp", "--alarms", "fire", "--points", "0.5,0.2 0.9,0.2 0.9,0.9"
    )
    done = edge_resnet(capsys, "zones", "yard/gate", "--picture", "photo.png", "--out", "drawn.png")
    assert done.code == Exit.FINE
    drawn = cv2.imread("drawn.png")
    assert drawn is not None
    yellow = (drawn[..., 0] < 140) & (drawn[..., 2] > 220)
    assert yellow[94:100, 340:560].any(axis=0).all(), "the upper edge"
    assert not yellow[:, :300].any()
    # Black, but for the faint edges of the cells.
    assert np.median(drawn[:, :150]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["yard/gte"], "no camera yard/gte; did you mean yard/gate?"),
        (["yard/xy"], "no camera yard/xy; there are yard/"),
        (["yard/gate", "--add", "a", "--remove", "b"], "--add and --remove: choose one of them"),
        (["yard/gate", "--points", "0,0 1,0 1,1"], "belong to --add NAME"),
        (["yard/gate", "--add", "a", "--points", "0,0 1,0 1,1"], "which alarms are judged in it"),
        (["yard/gate", "--add", "a", "--alarms", "fier", "--points", "0,0 1,0 1,1"], "did you mean fire?"),
        (["yard/gate", "--add", "a", "--alarms", "fire", "--points", "0,0 1"], "takes x,y for each corner"),
        (["yard/gate", "--add", "a", "--alarms", "fire", "--points", "0,0 99,0 9,9"], "which has 64x48 pixels"),
        (["yard/gate", "--add", "a", "--alarms", "fire", "--points", "0,0 1,1"], "a zone has at least three corners"),
        (["yard/gate", "--add", "a", "--alarms", "fire", "--points", "0,0 .1,0 .1,.1"], "covers 0.2"),
        (["yard/gate", "--add", "a b", "--alarms", "fire", "--points", "0,0 1,0 1,1"], "is no name"),
        (["yard/desk", "--add", "a", "--alarms", "fire", "--points", "0,0 1,0 1,1"], "does not watch for fire"),
        (["yard/gate", "--remove", "roof"], "yard/gate has no zones"),
        (["yard/gate", "--out", "drawn.gif"], "takes a picture, .png or .jpg"),
        (["yard/gate", "--picture", "nothing.png", "--out", "drawn.png"], "nothing.png"),
    ],
)  # fmt: skip
def test_mistakes_are_told_and_change_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert words in edge_resnet(capsys, "zones", *arguments).mistake
    assert (folder / "cameras.yaml").read_text() == CONFIG


def test_a_bundle_that_is_too_coarse_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bundle(folder / "small")
    points = ["--points", "0,0 1,0 1,1", "--bundle", "small"]
    done = edge_resnet(capsys, "zones", "yard/gate", "--add", "ramp", "--alarms", "fire", *points)
    assert "input 32x64 gives a map of 1x2 cells, and zones need 7x7" in done.mistake
    checked = edge_resnet(capsys, "config", "check", "cameras.yaml", "--bundle", "small")
    assert checked.code == Exit.FINE
    zones = "zones: {a: {alarms: [fire], polygon: [[0, 0], [1, 0], [1, 1]]}}"
    (folder / "cameras.yaml").write_text(CONFIG.replace("detect: clip.avi}", f"detect: clip.avi, {zones}}}"))
    checked = edge_resnet(capsys, "config", "check", "cameras.yaml", "--bundle", "small")
    assert checked.code == Exit.USER_MISTAKE
    assert "cameras.yaml:10:69: sites.yard.cameras.hall.zones.a.polygon: input 32x64 gives a map of 1x2" in checked.out


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """The environment of a program that has a screen, which nobody sees."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt install xvfb xdotool)")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb does not start here")
        yield {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    finally:
        server.terminate()
        server.wait()


def test_corners_are_clicked_on_a_real_screen(folder: Path, screen: dict[str, str]) -> None:
    command = [sys.executable, "-m", "edge_resnet", "zones", "yard/gate", "--add", "ramp", "--alarms", "fire", "--json"]
    process = subprocess.Popen(command, env=screen, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        find = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "zones of yard/gate"]
        found = subprocess.run(find, env=screen, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
        window = found.stdout.split()[0]
        # It is there before its picture is, and smaller; what is clicked beside it is lost.
        geometry = ["xdotool", "getwindowgeometry", "--shell", window]
        until_s = time.monotonic() + _TIMEOUT_S
        while "WIDTH=960\n" not in subprocess.run(geometry, env=screen, capture_output=True, text=True).stdout:
            assert process.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.05)
        # The picture of 64x48 is shown at 960x720. The fourth corner is taken back by the mouse, the fifth by a key.
        clicks = [(480, 144, 1), (864, 144, 1), (864, 648, 1), (200, 600, 1), (200, 600, 3), (300, 500, 1)]
        steps = [
            word
            for x, y, button in clicks
            for word in ("mousemove", "--window", window, str(x), str(y), "click", str(button), "sleep", "0.05")
        ]
        keys = ["key", "--window", window, "BackSpace", "sleep", "0.2", "key", "--window", window, "Return"]
        subprocess.run(["xdotool", *steps, *keys], env=screen, timeout=_TIMEOUT_S, check=True)
        out, err = process.communicate(timeout=_TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == Exit.FINE, err
    corners = json.loads(out)["zones"]["ramp"]["polygon"]
    assert np.asarray(corners) == pytest.approx(np.asarray([[0.5, 0.2], [0.9, 0.2], [0.9, 0.9]]), abs=0.002)
    assert polygon(folder, "ramp") == [tuple(corner) for corner in corners]
