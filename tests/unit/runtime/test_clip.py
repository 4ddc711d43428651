"""The annotated clip, by both encoders: right pictures at the right times, and never half a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.errors import UserError
from runtime.outputs import clip
from runtime.outputs.clip import Clip


@pytest.fixture(params=["H.264", "MPEG-4"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "MPEG-4":
        monkeypatch.setattr(clip, "_pyav", lambda: None)
    elif clip._pyav() is None:
        pytest.skip("PyAV with libx264 is not installed")
    return str(request.param)


def decode(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    capture = cv2.VideoCapture(str(path))
    while capture.grab():
        yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, capture.retrieve()[1]
    capture.release()


def flat(value: int, width: int = 65, height: int = 47) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_stand_at_their_times(tmp_path: Path, encoder: str) -> None:
    path, said = tmp_path / "new" / "out.mp4", []
    output = Clip(path, 10.0, said.append)
    # Starts late, and has a gap of a second.
    for number in [*range(100, 110), *range(120, 130)]:
        output.picture(flat(2 * (number - 100)), number / 10)
    assert not path.exists()
    output.close()
    output.close()
    brightness = {round(time_s, 2): image.mean() for time_s, image in decode(path)}
    assert all(image.shape == (46, 64, 3) for _, image in decode(path))
    assert brightness[0.5] == pytest.approx(10, abs=4)
    assert brightness[2.5] == pytest.approx(50, abs=4)
    assert max(brightness) == pytest.approx(2.9)
    assert [item.name for item in path.parent.iterdir()] == ["out.mp4"]
    assert any("mp4v" in line for line in said) == (encoder == "MPEG-4")


def test_a_change_of_resolution_in_the_stream_is_scaled(tmp_path: Path, encoder: str) -> None:
    output = Clip(tmp_path / "out.mp4", 10.0, lambda line: None)
    for number in range(10):
        output.picture(flat(100, *((64, 48) if number < 5 else (128, 96))), number / 10)
    output.close()
    assert [image.shape for _, image in decode(tmp_path / "out.mp4")] == [(48, 64, 3)] * 10


def test_a_stream_without_pictures_leaves_the_old_clip(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    Clip(path, 10.0, lambda line: None).close()
    assert path.read_bytes() == b"old"


def test_h264_is_what_browsers_play(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    output = Clip(tmp_path / "out.mp4", 10.0, lambda line: None)
    output.picture(flat(0), 0.0)
    output.close()
    with av.open(str(tmp_path / "out.mp4")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")


def test_a_long_gap_does_not_fill_the_disk_with_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "_pyav", lambda: None)
    output = Clip(tmp_path / "out.mp4", 10.0, lambda line: None)
    output.picture(flat(0), 0.0)
    output.picture(flat(0), 86_400.0)
    output.close()
    assert len(list(decode(tmp_path / "out.mp4"))) <= 102


@pytest.mark.parametrize("name", ["out.avi", "out", "folder.mp4"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match=r"ends in \.mp4"):
        Clip(tmp_path / name, 10.0, lambda line: None)
