"""The attention ladder where PyAV is not installed: one line with what to do, before anything is watched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.stand_ins import write_bundle, write_clip

INSTALL = "needs PyAV: pip install 'edge-resnet[video]'"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of a clip on the ladder, and no PyAV."""
    monkeypatch.setitem(sys.modules, "av", None)
    write_clip(tmp_path / "clip.avi", [100] * 5)
    path = tmp_path / "cameras.yaml"
    path.write_text("sites: {yard: {cameras: {gate: {detect: clip.avi, attention: ladder}}}}\n")
    return path


def test_the_check_refuses_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = edge_resnet(capsys, "config", "check", file)
    assert checked.code == Exit.USER_MISTAKE
    (line,) = checked.out.splitlines()
    assert line.startswith(f"{file}:1:")
    assert INSTALL in line


def test_a_watch_refuses_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bundle")
    begun = edge_resnet(capsys, "stream", "--config", file, "--bundle", tmp_path / "bundle")
    assert INSTALL in begun.mistake
    assert not (tmp_path / "events.sqlite").exists()
