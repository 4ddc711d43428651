"""Which engine is opened, and which takes over when it has failed in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError
from runtime import batches
from runtime.backends import Backend
from runtime.opening import Opener, Wish
from tests.stand_ins import Brightness, write_bundle

FAILED = frozenset({("openvino", "int8")})


class Chooser:
    """In the place of trust.choose: has one engine that was named, and others for who asks for any."""

    def __init__(self, others: bool = True) -> None:
        self.others = others
        self.asked: list[tuple[str, str, frozenset[tuple[str, str]]]] = []
        self.hints: list[str] = []

    def __call__(self, bundle: Bundle, backend: str, precision: str, device: str, **options: Any) -> Backend:
        without = options.get("without", frozenset())
        self.asked.append((backend, precision, without))
        self.hints.append(options["hint"])
        if ("openvino", "int8") in without and not (backend == "auto" and self.others):
            raise BackendError("no engine can be trusted: openvino int8 has failed in use")
        return Brightness(bundle.model)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "bundle")


def test_what_was_named_is_opened_and_left_out_when_it_has_failed(bundle: Bundle) -> None:
    choose, said = Chooser(), []
    opener = Opener(bundle, Wish(backend="openvino", precision="int8"), choose, said.append)
    opener(frozenset())
    opener(FAILED)
    assert choose.asked == [
        ("openvino", "int8", frozenset()),
        ("openvino", "int8", FAILED),
        ("auto", "auto", FAILED),
    ]
    assert any("--backend openvino and --precision int8" in line for line in said)


def test_when_no_other_can_be_trusted_either_that_is_raised(bundle: Bundle) -> None:
    opener = Opener(bundle, Wish(backend="openvino"), Chooser(others=False), lambda line: None)
    with pytest.raises(BackendError, match="failed in use"):
        opener(FAILED)


def test_who_named_nothing_is_not_asked_twice(bundle: Bundle) -> None:
    choose = Chooser(others=False)
    opener = Opener(bundle, Wish(), choose, lambda line: None)
    with pytest.raises(BackendError):
        opener(FAILED)
    assert choose.asked == [("auto", "auto", FAILED)]


def test_for_one_camera_frames_come_one_by_one_and_nothing_is_measured(bundle: Bundle) -> None:
    choose = Chooser()
    opener = Opener(bundle, Wish(), choose, lambda line: None)
    opener(frozenset())
    assert (opener.batch, choose.hints) == (1, ["latency"])
    assert not (bundle.box / batches.FILE).exists()


def test_for_several_cameras_an_engine_is_opened_for_throughput_and_its_batches_are_measured(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "measure", lambda opened, frames, requests, clock: {1: 3.0, 2: 2.0, 4: 1.0, 8: 1.0})
    choose = Chooser()
    opener = Opener(bundle, Wish(), choose, lambda line: None)
    opener.expect_batches(8)
    opener(frozenset())
    assert (opener.batch, choose.hints) == (4, ["throughput"])
    assert (bundle.box / batches.FILE).exists()


def test_what_an_engine_manages_beside_cameras_is_not_remembered(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "measure", lambda opened, frames, requests, clock: {1: 2.0, 2: 1.0})
    opener = Opener(bundle, Wish(), Chooser(), lambda line: None)
    opener.expect_batches(2)
    opener.undisturbed = False
    opener(frozenset())
    assert opener.batch == 2
    assert not (bundle.box / batches.FILE).exists()
