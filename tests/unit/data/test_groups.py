"""Which clip a file's name tells, and what a groups.csv says of cameras."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_resnet.data import groups
from edge_resnet.errors import UserError
from tests.drawn import class_folders


@pytest.mark.parametrize(
    ("stem", "clip"),
    [
        # Frames that ffmpeg, OpenCV scripts and annotation tools number.
        ("hall_nofi071_030", "hall_nofi071"),
        ("cam3-0007", "cam3"),
        ("cam3.0007", "cam3"),
        ("cam3_frame_0007", "cam3"),
        ("cam3 frame 7", "cam3"),
        ("clip12_f0340", "clip12"),
        ("0001_0340", "0001"),
        ("v_Fire_g01_c02_f003", "v_Fire_g01_c02"),
        ("Fighting012_x264_120", "Fighting012_x264"),
        ("dQw4w9WgXcQ_000123", "dQw4w9WgXcQ"),
        ("yard.mp4_000012", "yard.mp4"),
        ("yard_avi-26", "yard_avi"),
        ("cam3_0007_crop2", "cam3"),
        ("video1_00-01-23", "video1"),
        ("vlcsnap-2026-11-24-12h34m56s789", "vlcsnap-2026-11-24"),
        # Cameras and recorders that write the time: the day is the clip.
        ("cam3_20261124_101500", "cam3_20261124"),
        ("front_20261124101500", "front_20261124"),
        ("front_20261124", "front_20261124"),
        ("front_2026-11-24_0007", "front_2026-11-24"),
        ("2026-11-24_10-15-00", "2026-11-24"),
        ("2026-11-24 10.15.00", "2026-11-24"),
        ("2026-11-24T10:15:00Z", "2026-11-24"),
        ("01-20261124101500-05", "01-20261124"),
        ("192.168.1.64_01_20261124101500123", "192.168.1.64_01_20261124"),
        ("20261124_101500_cam3", "20261124_cam3"),
        ("20261124_101500_cam3_0007", "20261124_cam3"),
        ("image26-11-24_10-15-00-00", "image26-11-24"),
        ("cam2-1700000000.123", "cam2"),
        ("cam2-1700000000123", "cam2"),
        # Phones and what people send with them.
        ("IMG_20261124_101500", "IMG_20261124"),
        ("IMG_20261124_101500_BURST001", "IMG_20261124"),
        ("IMG_20261124_101500_BURST001_COVER", "IMG_20261124"),
        ("PXL_20261124_101500123.MP", "PXL_20261124"),
        ("20261124_101500(0)", "20261124"),
        ("IMG_20261124_101500~2", "IMG_20261124"),
        ("WhatsApp Image 2026-11-24 at 10.15.00 AM (1)", "WhatsApp Image 2026-11-24"),
        ("IMG-20261124-WA0012", "IMG-20261124-WA"),
        ("cam3-0007 (2)", "cam3"),
        ("cam3-0007 - copy", "cam3"),
        # Label Studio's and Roboflow's own marks; copies that Roboflow augmented are of one picture.
        ("1a2b3c4d-hall2_001", "hall2"),
        ("test2_mp4-26_jpg.rf.99246e8fbee536607684a9f2b74ee3ae", "test2_mp4"),
        ("fire_mov-26_jpg.rf.99246e8f", "fire_mov"),
        ("IMG_0001_jpg.rf.99246e8f", "IMG_0001"),
        ("IMG_0001_JPG.rf.Zk3xQ9", "IMG_0001"),
        # Names that number pictures, no clip.
        *((name, "") for name in ("IMG_0001", "fire-12", "frame_0001", "frame0001", "DSC01234", "GOPR0012", "0013")),
        *((name, "") for name in ("00000001", "10-15-00", "fire", "image (3)", "IMG_1234 (1)", "FB_IMG_1700000000123")),
        ("xia_fire_0399", ""),
        ("smoke_jpg", ""),
    ],
)
def test_the_clip_that_a_name_tells(stem: str, clip: str) -> None:
    assert groups.clip_of(stem) == clip


def test_augmented_copies_of_one_picture_stay_together() -> None:
    assert groups.clip_of("fire-12_jpg.rf.aa11") == groups.clip_of("fire-12_jpg.rf.bb22")
    assert groups.clip_of("fire-12_jpg.rf.aa11") != groups.clip_of("fire-13_jpg.rf.aa11")


def test_a_name_that_a_whole_class_shares_is_no_clip() -> None:
    names = [Path(f"{name}.jpg") for name in ("n01440764_12", "n01440764_13", "cam1_1", "cam2_1", "cam2_2")]
    assert groups.clips(names, [0, 0, 1, 1, 1]) == ["", "", "cam1", "cam2", "cam2"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return class_folders(tmp_path / "data", {"fire": 3, "normal": 2})


def told(root: Path, text: str | bytes) -> list[str]:
    table = root / groups.FILE
    table.write_bytes(text.encode() if isinstance(text, str) else text)
    return groups.from_table(table, root, sorted(root.rglob("*.png")))


def test_a_table_names_files_and_patterns(root: Path) -> None:
    text = "file,group\nfire/fire-000.png,north\nfire/*,south\nnormal/normal-00?.png,east\n"
    assert told(root, text) == ["north", "south", "south", "east", "east"]


def test_the_first_row_that_fits_counts(root: Path) -> None:
    assert told(root, "file,group\nfire/*,south\nfire/fire-000.png,north\n")[:3] == ["south"] * 3
    assert told(root, "file,group\nfire/fire-000.png,north\nfire/fire-000.png,south\n")[0] == "north"


def test_a_picture_that_no_row_fits_has_no_group(root: Path) -> None:
    assert told(root, "file,group\nfire/*,south\n") == ["south", "south", "south", "", ""]


def test_brackets_in_a_file_s_name_are_taken_as_they_are(root: Path) -> None:
    (root / "fire" / "fire-000.png").rename(root / "fire" / "a[1].png")
    assert told(root, "file,group\nfire/a[1].png,north\n")[0] == "north"


def test_what_spreadsheets_write_is_understood(root: Path) -> None:
    text = "\ufefffile,group,remark\r\nfire/*, south ,x\r\n,,\r\nnormal/*,\r\n"
    assert told(root, text) == ["south", "south", "south", "", ""]


def test_a_row_for_pictures_of_another_split_is_no_mistake(root: Path) -> None:
    table = root / groups.FILE
    table.write_text("file,group\nfire/*,south\nnormal/normal-001.png,east\n*,rest\n")
    assert groups.from_table(table, root, sorted(root.glob("fire/*.png"))) == ["south"] * 3


def test_a_picture_that_went_away_is_no_mistake(root: Path) -> None:
    table = root / groups.FILE
    table.write_text("file,group\nfire/fire-999.png,north\nfire/fire-001.png,south\n")
    assert set(groups.from_table(table, root, sorted(root.glob("fire/*.png")))) == {"", "south"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,camera\nfire/*,1\n", "no column group"),
        ("file;group\nfire/*;1\n", "no column file and group"),
        ("", "the first line must be file,group"),
        ("file,group\nfires/*,1\n", r"fires/\* fits no picture"),
        ("file,group\nfire/fire-00.png,1\n", "fire-00.png fits no picture"),
        (b"file,group\nfire/\xe9.png,1\n", "not a table"),
        (b"file,group\nfire/\0.png,1\n", "not a table|fits no picture"),
    ],
)
def test_a_table_that_is_none_is_told_in_one_line(root: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        told(root, text)
    assert "groups.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
