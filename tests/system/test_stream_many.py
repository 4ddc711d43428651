"""Many cameras in one stream, as a program: one configuration, a wall of pictures, the ledger, the end."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.events.store import EventStore
from tests.rig.mjpeg import MjpegCamera, grey, noise
from tests.rig.stream import Stream, program
from tests.stand_ins import BRIGHT, DARK, write_bundle, write_clip


def test_two_clips_are_watched_in_one_run_as_each_would_be_alone(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    write_clip(tmp_path / "fire.avi", [DARK] * 30 + [BRIGHT] * 40 + [DARK] * 80)
    write_clip(tmp_path / "calm.avi", [DARK] * 60)
    found = []
    for clips in (["fire.avi"], ["calm.avi"], ["fire.avi", "calm.avi"]):
        cameras = [part for clip in clips for part in ("--camera", clip)]
        done = subprocess.run(
            [sys.executable, "-c", program(), *cameras, "--bundle", "bundle", "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        answer = json.loads(done.stdout)
        found.append(
            (
                {camera["name"]: (camera["frames"], camera["looks"]) for camera in answer["cameras"]},
                [(event["camera"], event["raised_s"], event["ended_s"]) for event in answer["events"]],
            )
        )
    alone_fire, alone_calm, together = found
    assert together[0] == {**alone_fire[0], **alone_calm[0]}
    assert together[1] == alone_fire[1]
    assert len(together[1]) == 1


def test_several_cameras_are_saved_as_a_wall_in_which_a_dead_one_is_grey(tmp_path: Path) -> None:
    bright = grey(lambda number: BRIGHT, (160, 90))
    with MjpegCamera(bright) as yard:
        cameras = {"yard": {"detect": yard.url()}, "dead": {"detect": "http://127.0.0.1:9/x"}}
        with Stream(tmp_path, cameras, "--save", "out.mp4") as stream:
            stream.until_looks("yard", 10)
            assert stream.end() == 0
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    pictures = []
    while (read := capture.read())[0]:
        pictures.append(read[1])
    assert len(pictures) > 5
    wall = np.asarray(pictures[-1])
    assert wall.shape == (720, 1280, 3)
    left, right = wall[360:500, 100:500], wall[420:500, 760:1200]
    # The heat of the alarm is laid over the bright picture.
    assert left[..., 2].mean() > 150
    assert right.mean() < 120


def test_what_people_see_is_the_large_stream_where_a_camera_has_one(tmp_path: Path) -> None:
    with (
        MjpegCamera(grey(lambda number: DARK, (64, 48))) as small,
        MjpegCamera(grey(lambda number: BRIGHT, (320, 240))) as large,
    ):
        cameras = {"yard": {"detect": small.url(), "record": large.url()}}
        with Stream(tmp_path, cameras, "--save", "out.mp4") as stream:
            stream.until_looks("yard", 10)
            # What is classified is the small one: dark, so no fire.
            assert all(look["label"] == "normal" for look in stream.looks("yard"))
            assert stream.end() == 0
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    pictures = []
    while (read := capture.read())[0]:
        pictures.append(np.asarray(read[1]))
    assert pictures[-1][100:300, 400:800, 2].mean() > 150


def test_the_ledger_of_two_runs_has_no_hole(tmp_path: Path) -> None:
    with MjpegCamera(noise, fps=20.0) as yard:
        for _ in range(2):
            with Stream(tmp_path, {"yard": {"detect": yard.url()}}, "--events", "events.sqlite") as stream:
                stream.until_looks("yard", 10)
                assert stream.end() == 0
    with EventStore(tmp_path / "events.sqlite") as store:
        by_category: dict[str, float] = {}
        for entry in store.ledger():
            by_category[entry.category] = by_category.get(entry.category, 0.0) + entry.seconds
    # Between the runs nobody watched, and that is booked.
    assert set(by_category) == {"watched", "starting", "not_running"}
    assert by_category["watched"] > 2.0
    assert by_category["not_running"] > 0.3


def booked(path: Path) -> dict[str, datetime]:
    """Until when each camera is booked, as another program reads it."""
    with EventStore(path, read_only=True) as store:
        return store.booked_until()


def test_killed_without_a_word_the_next_run_says_how_long_nobody_watched(tmp_path: Path) -> None:
    with MjpegCamera(noise, fps=20.0) as yard:
        cameras = {"yard": {"detect": yard.url()}, "dead": {"detect": "http://127.0.0.1:9/x"}}
        with Stream(tmp_path, cameras) as stream:
            stream.until(lambda: ("began", "offline") in stream.incidents("dead"), patience_s=60.0)
            # Every ten seconds the ledger is written.
            stream.until(lambda: "here/yard" in booked(tmp_path / "events.sqlite"), patience_s=60.0)
            stream.process.kill()
        with Stream(tmp_path, cameras) as stream:
            stream.until_looks("yard", 3)
            assert stream.end() == 0
    with EventStore(tmp_path / "events.sqlite") as store:
        categories = {entry.category for entry in store.ledger() if entry.camera == "here/yard"}
        incidents = [incident for incident in store.incidents() if incident.camera == "here/dead"]
    assert "not_running" in categories
    # The incident of the run that was killed has an end, and no later than that run had.
    assert all(incident.ended_at is not None for incident in incidents)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_it_answers_while_it_watches(tmp_path: Path, path: str) -> None:
    with MjpegCamera(noise, fps=20.0) as yard, Stream(tmp_path, {"yard": {"detect": yard.url()}}) as stream:
        stream.until_looks("yard", 3)
        wanted = {
            "/metrics": 'edge_resnet_frames_classified_total{camera="here/yard"}',
            "/healthz": '"healthy": true',
            "/readyz": '"ready": true',
        }[path]
        stream.until(lambda: wanted in stream.ask(path))


def test_a_second_watch_on_the_same_store_is_refused(tmp_path: Path) -> None:
    with MjpegCamera(noise, fps=20.0) as yard, Stream(tmp_path, {"yard": {"detect": yard.url()}}) as stream:
        stream.until_looks("yard")
        second = [sys.executable, "-c", program(), "--camera", yard.url(), "--bundle", "bundle"]
        done = subprocess.run(second, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        assert "another watch writes there" in done.stderr.splitlines()[-1]
        stream.until_looks("yard", 3)
