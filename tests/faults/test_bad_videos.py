"""Videos that are none: one line each, whatever is in the file."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.errors import CameraError
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.outage import Outage
from tests.stand_ins import write_clip


def no_frames(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    writer.release()


BAD = {
    "empty.mp4": lambda path: path.write_bytes(b""),
    "text.mp4": lambda path: path.write_text("not a video\n" * 1000),
    "noise.mp4": lambda path: path.write_bytes(np.random.default_rng(1).bytes(200_000)),
    "zeros.avi": lambda path: path.write_bytes(bytes(100_000)),
    "no_frames.avi": no_frames,
    "head_only.avi": lambda path: path.write_bytes(write_clip(path, [0] * 50).read_bytes()[:300]),
    # A playlist could make FFmpeg fetch what it names.
    "playlist.m3u8": lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n"),
    "concat.txt": lambda path: path.write_text("ffconcat version 1.0\nfile '/etc/passwd'\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_line_that_names_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    path = tmp_path / name
    BAD[name](path)
    with pytest.raises(Outage) as caught:
        open_source(Address.parse(str(path)))
    assert caught.value.reason == "codec"
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    # OpenCV and FFmpeg stay silent: what they write could hold a password.
    assert capfd.readouterr() == ("", "")


def times_s(path: Path) -> list[float]:
    source = open_source(Address.parse(str(path)))
    times_s = []
    while (time_s := source.grab()) is not None:
        source.retrieve()
        times_s.append(time_s)
    source.close()
    return times_s


def test_a_clip_that_breaks_off_ends_cleanly(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "clip.avi", [0] * 100)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert 30 < len(times_s(path)) < 70
    assert capfd.readouterr() == ("", "")


def test_damage_in_the_middle_does_not_stop_the_clock(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "clip.avi", [0] * 100)
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 600] = np.random.default_rng(2).bytes(600)
    path.write_bytes(data)
    found_s = times_s(path)
    assert len(found_s) > 90
    assert found_s[-1] == pytest.approx(9.9, abs=0.5)
    assert all(later > earlier for earlier, later in pairwise(found_s))
    assert capfd.readouterr() == ("", "")


def test_a_device_number_beyond_any() -> None:
    with pytest.raises(CameraError, match="no device"):
        Address.parse("9" * 30)


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.avi"))
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    with pytest.raises(CameraError, match="rename the file") as caught:
        open_source(Address.parse(str(path)))
    # It can be printed.
    str(caught.value).encode("utf-8")
