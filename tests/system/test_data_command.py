"""`edge-resnet data cifar10` as a user runs it: with class folders, and with what cannot be used."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from edge_resnet.command import Exit
from edge_resnet.data.cifar10 import CLASSES
from edge_resnet.data.listing import scan
from tests.commands import edge_resnet
from tests.drawn import class_folders


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A part of CIFAR-10, as drawn class folders."""
    for place, (split, name) in enumerate(product(("train", "test"), CLASSES)):
        class_folders(tmp_path / "part" / split, {name: 3}, first_seed=1000 * place)
    return tmp_path / "part"


def test_class_folders_become_what_finetune_takes(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "cifar"
    first = edge_resnet(capsys, "data", "cifar10", out, "--from", part, "--json")
    assert first.code == Exit.FINE, first.err
    assert first.answer == {
        "folder": str(out),
        "source": str(part),
        "pictures": {"train": dict.fromkeys(CLASSES, 3), "test": dict.fromkeys(CLASSES, 3)},
        "written": 60,
    }
    assert "writing pictures: " in first.err
    listing = scan(out)
    assert listing.labels == CLASSES
    assert (len(listing.of("train")), len(listing.of("test"))) == (30, 30)

    again = edge_resnet(capsys, "data", "cifar10", out, "--from", part)
    assert again.code == Exit.FINE
    assert again.out == ""
    assert "complete already" in again.err
    assert f"next: edge-resnet finetune {out}" in again.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "nowhere"), "nowhere: no such folder; bring https://"),
        (("--from", "."), "holds neither cifar-10-binary.tar.gz"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    options: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in edge_resnet(capsys, "data", "cifar10", "cifar", *options).mistake
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "/dev/full" in edge_resnet(capsys, "data", "cifar10", "/dev/full/cifar", "--from", part).mistake
