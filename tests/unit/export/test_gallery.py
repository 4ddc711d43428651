"""The gallery: the surest pictures that changed sides, once each, with what both networks say."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.classifier import Scores
from edge_resnet.thumbnail import data_uri
from export.parity.gallery import MAX_PICTURES, Collector, assemble

LABELS = ("normal", "fire", "smoke")


def answers(tops: list[int], margins: list[float]) -> Scores:
    """Logits whose top-1 leads by a margin, and maps of which the left half alone speaks for it."""
    logits = np.zeros((len(tops), 3), np.float32)
    logits[np.arange(len(tops)), tops] = margins
    cam = np.zeros((len(tops), 3, 2, 2), np.float32)
    cam[np.arange(len(tops)), tops, :, 0] = 2 * np.asarray(margins, np.float32)[:, None]
    return Scores(logits, cam)


def frames(n: int) -> npt.NDArray[np.uint8]:
    return np.stack([np.full((8, 12, 3), place, np.uint8) for place in range(n)])


class Trained:
    """A reference that says `fire`, on the left, of everything."""

    def infer(self, given: npt.NDArray[np.uint8]) -> Scores:
        return answers([1] * len(given), [4.0] * len(given))


def test_it_has_both_classes_with_both_probabilities_and_maps() -> None:
    collector = Collector("INT8 on OpenVINO", temperature=2.0)
    wanted = answers([1, 0], [4.0, 4.0]).logits
    collector.look(np.array([10, 11]), frames(2), wanted, answers([2, 0], [2.0, 4.0]))
    gallery = assemble([collector], Trained(), 2.0, np.arange(12) % 3, [f"{place}.jpg" for place in range(12)])
    assert gallery.changed == 1
    (picture,) = gallery.pictures
    assert (picture.index, picture.name, picture.truth) == (10, "10.jpg", 1)
    assert (picture.reference.label, picture.candidate.label) == (1, 2)
    # At temperature 2: e^2 and e^1 against 1 and 1.
    assert picture.reference.own == pytest.approx(np.e**2 / (np.e**2 + 2))
    assert picture.reference.other == pytest.approx(1 / (np.e**2 + 2))
    assert picture.candidate.own == pytest.approx(np.e / (np.e + 2))
    for answer in (picture.reference, picture.candidate):
        assert answer.heat is not None
        assert answer.heat[0, 0] > answer.heat[0, 1] == pytest.approx(1 / 3)
    told = json.loads(json.dumps(gallery.to_json(LABELS)))
    assert told["pictures"][0]["truth"] == "fire"
    assert set(told["pictures"][0]["candidate"]["probabilities"]) == {"smoke", "fire"}


def test_the_surest_are_kept_and_all_are_counted() -> None:
    collector = Collector("a", 1.0)
    margins = np.random.default_rng(0).permutation(30).astype(float) / 5 + 0.1
    for start in range(0, 30, 7):
        here = np.arange(start, min(30, start + 7))
        wanted = answers([1] * len(here), margins[here].tolist()).logits
        collector.look(here, frames(len(here)), wanted, answers([0] * len(here), [1.0] * len(here)))
    gallery = assemble([collector], None, 1.0)
    assert gallery.changed == 30
    assert [picture.index for picture in gallery.pictures] == np.argsort(-margins)[:MAX_PICTURES].tolist()
    assert all(picture.reference.heat is None for picture in gallery.pictures)


def test_a_picture_that_changed_on_two_rows_is_shown_once() -> None:
    collectors = [Collector("a", 1.0), Collector("b", 1.0)]
    wanted = answers([1], [3.0]).logits
    for collector, label in zip(collectors, (0, 2), strict=True):
        collector.look(np.array([5]), frames(1), wanted, answers([label], [1.0]))
    gallery = assemble(collectors, None, 1.0)
    assert gallery.changed == 1
    (picture,) = gallery.pictures
    assert (picture.row, picture.candidate.label, picture.also) == ("a", 0, {"b": 2})


def test_a_file_name_that_is_no_utf8_can_be_written() -> None:
    collector = Collector("a", 1.0)
    collector.look(np.array([0]), frames(1), answers([1], [3.0]).logits, answers([0], [1.0]))
    told = assemble([collector], None, 1.0, names=["caf\udce9.jpg"]).to_json(LABELS)
    assert told["pictures"][0]["name"] == "caf?.jpg"
    json.dumps(told, ensure_ascii=False).encode("utf-8")


def test_a_frame_is_kept_as_it_was() -> None:
    """Batches may live in a buffer that the next batch overwrites."""
    collector = Collector("a", 1.0)
    buffer = frames(1)
    collector.look(np.array([0]), buffer, answers([1], [3.0]).logits, answers([0], [1.0]))
    buffer[:] = 99
    assert assemble([collector], None, 1.0).pictures[0].frame.max() == 0


def _decoded(uri: str) -> npt.NDArray[np.uint8]:
    head, _comma, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR), np.uint8)


def test_a_tiny_picture_is_enlarged_and_a_large_one_is_not() -> None:
    assert _decoded(data_uri(np.zeros((32, 64, 3), np.uint8))).shape == (112, 224, 3)
    assert _decoded(data_uri(np.zeros((300, 400, 3), np.uint8))).shape == (300, 400, 3)


def test_heat_reddens_the_place_where_it_is() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    heat = np.zeros((2, 2), np.float32)
    heat[:, 0] = 1.0
    picture = _decoded(data_uri(grey, heat)).astype(int)
    left, right = picture[:, :40].mean(axis=(0, 1)), picture[:, -40:].mean(axis=(0, 1))
    assert left[2] - left[0] > 60
    assert abs(right[2] - right[0]) < 5
