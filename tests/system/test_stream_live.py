"""A whole run on a live camera, against a real HTTP server on this machine: no password shows, all is kept."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from runtime.service.lines import Lines
from runtime.session import StreamOptions, watch
from tests.rig.mjpeg import MjpegCamera, grey
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle

USER, PASSWORD = "admin", "s3cr3t"


def test_a_whole_run_on_a_live_camera_shows_its_password_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    write_bundle(tmp_path / "bundle")
    with MjpegCamera(grey(lambda number: BRIGHT), user=USER, password=PASSWORD) as server:
        options = StreamOptions(
            cameras=(server.url(),),
            bundle=tmp_path / "bundle",
            events=tmp_path / "events.sqlite",
            jsonl=str(tmp_path / "lines.jsonl"),
            save=tmp_path / "out.mp4",
            max_seconds=2.5,
        )
        summary = watch(options, Lines(said.append), choose_brightness)
    (event,) = summary.events
    assert event.raised_at == event.created_at
    assert summary.looks >= 5
    # Pictures were wanted of every frame, looks only five times a second.
    assert summary.frames > summary.looks * 2
    assert (tmp_path / "out.mp4").stat().st_size > 0
    told = "".join([json.dumps(summary.as_json()), *said, *capfd.readouterr()])
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "127.0.0.1" in told
    assert b"127.0.0.1" in written
    assert PASSWORD not in told
    assert PASSWORD.encode() not in written


def test_a_camera_that_ends_again_and_again_is_watched_on_with_clip_and_events_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    with MjpegCamera(grey(lambda number: BRIGHT if number > 20 else DARK), last=150) as server:
        options = StreamOptions(
            cameras=(server.url(),),
            bundle=tmp_path / "bundle",
            events=tmp_path / "e.sqlite",
            save=tmp_path / "out.mp4",
            max_seconds=5.0,
        )
        summary = watch(options, Lines(lambda line: None), choose_brightness)
    (camera,) = summary.cameras
    assert camera.reconnects >= 1
    assert camera.frames > 150
    assert summary.events
    assert all(event.ended_s is not None for event in summary.events)
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) > 20
    capture.release()
