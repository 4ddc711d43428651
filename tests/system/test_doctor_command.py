"""`edge-resnet doctor` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.stand_ins import write_clip


def test_it_tells_of_the_whole_box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = edge_resnet(capsys, "doctor", "--events", tmp_path / "events.sqlite")
    assert seen.code == Exit.FINE, seen.out
    for told in ("processor:", "onnxruntime", "OpenCV FFMPEG", "/dev/video", "clock", "disk space", "versions"):
        assert told in seen.out
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_does_not_answer_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "good.avi", [100] * 5)
    (tmp_path / "bad.avi").write_bytes(b"no video")
    file = tmp_path / "cameras.yaml"
    file.write_text("sites: {yard: {cameras: {good: {detect: good.avi}, bad: {detect: bad.avi}}}}\n")
    seen = edge_resnet(capsys, "doctor", "--config", file, "--events", tmp_path / "events.sqlite", "--json")
    assert seen.code == Exit.VERDICT_NO
    verdicts = {item["name"]: item["verdict"] for item in seen.answer["items"]}
    assert (verdicts["yard/good"], verdicts["yard/bad"]) == ("ok", "problem")
    assert seen.answer["problems"] == 1


def test_a_configuration_with_a_mistake_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("sites: {yard: {cameras: {gate: {detect: 0, rat: 1}}}}\n")
    seen = edge_resnet(capsys, "doctor", "--config", file, "--events", tmp_path / "events.sqlite", "--json")
    assert seen.code == Exit.VERDICT_NO
    (problem,) = [item for item in seen.answer["items"] if item["verdict"] == "problem"]
    assert "did you mean rate?" in problem["found"]


def test_a_configuration_that_is_not_there_is_told_before_anything_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = edge_resnet(capsys, "doctor", "--config", tmp_path / "none.yaml", "--events", tmp_path / "events.sqlite")
    assert seen.code == Exit.USER_MISTAKE
    assert seen.out == ""
    assert f"{tmp_path}/none.yaml: no such file; " in seen.err.replace("\n", "")
