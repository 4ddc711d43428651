"""`edge-resnet doctor` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.rig.rtsp import RtspServer, Stream, needs_rtsp_server
from tests.stand_ins import write_clip


def test_it_tells_of_the_whole_box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = edge_resnet(capsys, "doctor", "--events", tmp_path / "events.sqlite")
    assert seen.code == Exit.FINE, seen.out
    for told in ("processor:", "onnxruntime", "OpenCV FFMPEG", "/dev/video", "clock", "disk space", "versions"):
        assert told in seen.out
    assert not any(" ok " in line and "not installed" in line for line in seen.out.splitlines())
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
    file.write_text("sites: {yard: {cameras: {gate: {detect: 0, rat: 1, heartbeet: 1}}}}\n")
    seen = edge_resnet(capsys, "doctor", "--config", file, "--events", tmp_path / "events.sqlite")
    assert f"problems: {file} (2)" in seen.out


def test_a_configuration_that_is_not_there_is_told_before_anything_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = edge_resnet(capsys, "doctor", "--config", tmp_path / "none.yaml", "--events", tmp_path / "events.sqlite")
    assert seen.code == Exit.USER_MISTAKE
    assert seen.out == ""
    assert f"{tmp_path}/none.yaml: no such file; " in seen.err.replace("\n", "")


@needs_rtsp_server
def test_key_frames_that_come_too_rarely_for_the_ladder_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    often, rarely = Stream(fps=20, gop=10), Stream(fps=20, gop=50)
    with RtspServer(often) as good, RtspServer(rarely) as bad:
        file = tmp_path / "cameras.yaml"
        ladder = "attention: ladder, ladder: {glance_within: 1 s}"
        file.write_text(
            f"sites: {{yard: {{cameras: {{often: {{detect: '{good.url()}', {ladder}}}, "
            f"rarely: {{detect: '{bad.url()}', {ladder}}}, watched: {{detect: '{good.url()}', rate: 4/s}}}}}}}}\n"
        )
        seen = edge_resnet(capsys, "doctor", "--config", file, "--events", tmp_path / "events.sqlite", "--json")
    items = {item["name"]: item for item in seen.answer["items"]}
    often_, rarely_, watched = (items[f"yard/{name}"] for name in ("often", "rarely", "watched"))
    assert often_["found"].startswith("640 x 360 pixels, 20 frames a second")
    assert often_["found"].endswith("key frames 0.5 s apart, attention: ladder")
    assert watched["found"].endswith("key frames 0.5 s apart, attention: full")
    assert (often_["verdict"], rarely_["verdict"], watched["verdict"]) == ("ok", "warning", "ok")
    assert "key frames 2.5 s apart" in rarely_["found"]
    assert "GOP" in rarely_["advice"]
