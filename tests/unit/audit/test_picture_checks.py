"""Checks of single pictures: those that are useless are found, those that only look unusual are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edge_resnet.audit.outlier import modified_z_scores
from tests.drawn import class_folders, picture
from tests.unit.audit.surveyed import files_of, found, survey


def noise(seed: int, mean: float, deviation: float) -> Image.Image:
    """A grey picture of coarse noise, 160 x 120, of that mean and about that standard deviation."""
    coarse = np.random.default_rng(seed).normal(mean, 1.3 * deviation, (30, 40))
    grey = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)
    return grey.convert("RGB")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A usual set: 12 pictures of each class, about 110 bright."""
    for place, label in enumerate(("fire", "normal")):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(12):
            seed = 100 * place + number
            noise(seed, 100 + 2 * number, 45).save(tmp_path / "data" / label / f"usual-{number}.png")
    return tmp_path / "data"


ODD = {
    "dark": noise(1, 6, 4),
    "overexposed": noise(2, 250, 4),
    "blank": Image.new("RGB", (160, 120), (0, 0, 255)),
    "blurred": noise(3, 110, 45).filter(ImageFilter.GaussianBlur(4)),
    "tiny": picture(4, (30, 30, 200), (14, 12)),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_a_useless_picture_is_found_by_its_check(data: Path, name: str) -> None:
    clean = survey(data)
    assert not found(name, clean)
    ODD[name].save(data / "fire" / "odd.png")
    surveyed = survey(data)
    (finding,) = found(name, surveyed)
    assert files_of(surveyed, finding) == ["fire/odd.png"]
    assert finding.moves == (data / "fire" / "odd.png",)
    assert finding.facts


@pytest.mark.parametrize("name", ["dark", "overexposed", "blurred"])
def test_where_nothing_is_usual_the_absolute_bounds_hold(tmp_path: Path, name: str) -> None:
    for number in range(24):
        label = tmp_path / "data" / ("fire", "normal")[number % 2]
        label.mkdir(parents=True, exist_ok=True)
        blur = ImageFilter.GaussianBlur(0.2 * number)
        noise(number, 40 + 8 * number, 40).filter(blur).save(label / f"any-{number}.png")
    ODD[name].save(tmp_path / "data" / "fire" / "odd.png")
    surveyed = survey(tmp_path / "data")
    assert "fire/odd.png" in [files_of(surveyed, finding)[0] for finding in found(name, surveyed)]


def test_a_blank_or_black_picture_is_not_told_as_blurred_too(data: Path) -> None:
    ODD["blank"].save(data / "fire" / "blank.png")
    ODD["dark"].save(data / "fire" / "black.png")
    assert not found("blurred", survey(data))


def test_a_fire_in_the_night_and_white_ground_are_usable(data: Path) -> None:
    night = np.asarray(noise(5, 8, 2)).copy()
    night[50:80, 60:90] = (250, 160, 60)
    Image.fromarray(night).save(data / "fire" / "night.png")
    white = np.full((120, 160, 3), 255, np.uint8)
    white[40:80, 40:90] = (200, 60, 60)
    Image.fromarray(white).save(data / "normal" / "white.png")
    surveyed = survey(data)
    assert not found("dark", surveyed)
    assert not found("overexposed", surveyed)


def test_what_is_usual_on_a_night_camera_is_no_finding_and_elsewhere_it_is(data: Path) -> None:
    noise(6, 30, 12).save(data / "fire" / "dim.png")
    assert [files_of(survey(data), finding) for finding in found("dark", survey(data))] == [["fire/dim.png"]]
    for label in ("fire", "normal"):
        (data / label / "yard-at-night").mkdir()
        for number in range(12):
            noise(200 + number, 30, 12).save(data / label / "yard-at-night" / f"n{number}.png")
    surveyed = survey(data)
    assert [files_of(surveyed, finding) for finding in found("dark", surveyed)] == [["fire/dim.png"]]


def test_tiny_pictures_are_one_finding_a_size(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 3, "normal": 3})
    (finding,) = found("tiny", survey(data, input=(96, 112)))
    assert len(finding.pictures) == 6
    assert finding.told == "6 of 48 x 40 pixels, for an input of 112 x 96"
    assert not found("tiny", survey(data, input=(64, 112)))


def test_scores_are_told_against_a_camera_where_it_has_enough_pictures() -> None:
    values = np.array([100.0] * 12 + [20.0] * 12 + [20.0])
    scores = modified_z_scores(values, [""] * 12 + ["night"] * 12 + ["hall"], least_spread=1.0)
    assert scores[12:24].tolist() == [0.0] * 12
    assert scores[0] == 0.0
    assert modified_z_scores(np.array([1.0, 2.0, 3.0, 9.0]), [""] * 4, 0.1)[3] == pytest.approx(0.6745 * 6.5)
    assert modified_z_scores(np.zeros(0), [], 1.0).shape == (0,)
