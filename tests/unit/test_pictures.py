"""The one decoder: what it accepts, and what it refuses with which reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_resnet.errors import PictureError
from edge_resnet.pictures import find_pictures, read_picture
from tests.drawn import bad_pictures, picture


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("bad")
    return folder, bad_pictures(folder)


@pytest.mark.parametrize(
    "name", ["empty.jpg", "text.jpg", "truncated.jpg", "cmyk.jpg", "deep.png", "moving.png", "huge.png"]
)
def test_what_no_camera_gives_is_refused_with_its_reason(bad: tuple[Path, dict[str, str]], name: str) -> None:
    folder, reasons = bad
    with pytest.raises(PictureError) as caught:
        read_picture(folder / name)
    assert caught.value.reason == reasons[name]
    assert str(folder / name) in str(caught.value)


def test_colours_come_in_opencvs_order(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (255, 0, 7)).save(tmp_path / "red.png")
    frame = read_picture(tmp_path / "red.png")
    assert frame.shape == (3, 4, 3)
    assert frame.dtype == np.uint8
    assert frame[0, 0].tolist() == [7, 0, 255]


def test_the_camera_s_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "black")
    image.paste("white", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    frame = read_picture(tmp_path / "turned.png")
    assert frame.shape == (40, 20, 3)
    assert frame[0, 0, 0] == 255
    assert frame[39, 0, 0] == 0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_grey_palette_and_transparent_pictures_become_bgr(tmp_path: Path, mode: str) -> None:
    picture(5, (10, 200, 30)).convert(mode).save(tmp_path / "x.png")
    assert read_picture(tmp_path / "x.png").shape == (40, 48, 3)


def test_an_mpo_of_a_phone_gives_its_first_picture(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    picture(1, (200, 0, 0)).save(path, format="MPO", save_all=True, append_images=[picture(2, (0, 200, 0))])
    assert read_picture(path).shape == (40, 48, 3)


def test_a_missing_file_has_a_reason_too(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(tmp_path / "gone.jpg")


def test_hidden_files_and_other_suffixes_are_no_pictures(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", ".hidden.jpg", "Thumbs.db", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in find_pictures(tmp_path)] == ["a.png", "b.JPG"]
