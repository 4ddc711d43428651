"""The cameras of the benchmark: their real server, read by OpenCV and by PyAV, paced by its clock."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.cameras.pieces import FPS, GOP, Encoding, Piece, Pieces
from benchmarks.cameras.program import Program

av = pytest.importorskip("av")
SMALL = Encoding(320, 180, "variable")
DARK, BRIGHT = 60, 200


def quiet(folder: Path, level: int) -> Piece:
    """An even picture of this level of grey."""
    return Pieces(folder, SMALL, np.full((180, 320, 3), level, np.uint8)).quiet(12)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of two cameras, a and b, that show two groups of pictures dark and two bright, again and again."""
    dark, bright = quiet(tmp_path, DARK), quiet(tmp_path, BRIGHT)
    shown = [(str(dark.path), 0, 2 * GOP), (str(bright.path), 0, 2 * GOP)]
    settings = {"fps": FPS, "cameras": [{"name": "a", "plays": shown}, {"name": "b", "plays": shown[::-1]}]}
    (tmp_path / "server.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "benchmarks.cameras.server", str(tmp_path / "server.json")]
    with Program(command, tmp_path / "log") as program:
        program.until(lambda: bool(program.lines), 20.0)
        yield f"rtsp://127.0.0.1:{program.lines[0]['port']}"


def test_opencv_reads_what_was_encoded_at_the_pace_of_the_stream(server: str) -> None:
    capture = cv2.VideoCapture(f"{server}/a")
    levels, stamps_s, times_s = [], [], []
    # Past the end of the last play, where it begins anew.
    while len(levels) < 5 * GOP and capture.grab():
        levels.append(float(capture.retrieve()[1].mean()))
        stamps_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)
        times_s.append(time.monotonic())
    capture.release()
    # Of the first two frames OpenCV says 0.
    assert np.diff(stamps_s[1:]) == pytest.approx(1.0 / FPS, abs=0.002)
    # Some frames waited while it was opened; but a stream that is not paced would come all at once.
    assert times_s[-1] - times_s[0] > (stamps_s[-1] - stamps_s[0]) / 2
    is_dark = np.array(levels) < (DARK + BRIGHT) / 2
    assert np.flatnonzero(np.diff(is_dark)).size == 2
    assert np.diff(np.flatnonzero(np.diff(is_dark))) == [2 * GOP]


def test_pyav_finds_the_key_frames_and_several_may_watch_one_camera(server: str) -> None:
    options = {"rtsp_transport": "tcp"}
    with av.open(f"{server}/b", options=options) as one, av.open(f"{server}/b", options=options) as other:
        for container in (one, other):
            assert container.streams.video[0].codec_context.name == "h264"
            keys = []
            for number, packet in enumerate(container.demux(video=0)):
                keys.append(packet.is_keyframe)
                if number == GOP:
                    break
            assert [number for number, key in enumerate(keys) if key] == [0, GOP]


def test_a_camera_that_there_is_not_is_told(server: str) -> None:
    with pytest.raises(av.error.FFmpegError):
        av.open(f"{server}/c", options={"rtsp_transport": "tcp"})


def test_it_ends_when_it_is_asked_to_and_tells_what_was_missed(tmp_path: Path) -> None:
    dark = quiet(tmp_path, DARK)
    settings = {"fps": FPS, "cameras": [{"name": "a", "plays": [(str(dark.path), 0, GOP)]}]}
    (tmp_path / "server.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "benchmarks.cameras.server", str(tmp_path / "server.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["port"] > 0
    process.terminate()
    said, _ = process.communicate(timeout=20.0)
    assert json.loads(said) == {"missed": 0}
    assert process.returncode == 0
