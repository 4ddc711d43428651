"""Clips through the stream's own code, their events against the truth; and the demo's way of doing it."""

import json
from pathlib import Path

import pytest

from edge_resnet import files
from edge_resnet.command import Exit
from edge_resnet.demo import run as demo_run
from edge_resnet.demo.run import Demo
from edge_resnet.errors import UserError
from edge_resnet.progress import Narrator
from runtime import session
from runtime.backtest import total, watch_clips
from runtime.truth import Tally
from tests.commands import edge_resnet
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle, write_clip


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four clips with one fire each way: found, missed, false, and rightly nothing."""
    monkeypatch.setattr(session.watch, "__defaults__", (choose_brightness,))
    folder = tmp_path / "clips"
    folder.mkdir()
    fire = [DARK] * 20 + [BRIGHT] * 40 + [DARK] * 20
    for name, frames in {"found": fire, "missed": [DARK] * 60, "false": fire, "nothing": [DARK] * 30}.items():
        write_clip(folder / f"{name}.avi", frames)
    truth = "clip,start_s,end_s,class\nfound.avi,2.0,6.0,fire\nmissed.avi,1.0,3.0,fire\nnothing.avi,0,3,fight\n"
    (folder / "truth.csv").write_text(truth)
    return folder


def test_every_clip_is_watched_and_counted(clips: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    watched = watch_clips(clips, tmp_path / "bundle", tmp_path / "events.sqlite", lambda line: None)
    counts = {clip.name: (clip.tally.found, clip.tally.missed, clip.tally.false) for clip in watched}
    assert counts == {"found.avi": (1, 0, 0), "missed.avi": (0, 1, 0), "false.avi": (0, 0, 1), "nothing.avi": (0, 0, 0)}
    assert total(watched) == Tally(expected=2, found=1, false=1)
    (event,) = next(clip for clip in watched if clip.name == "found.avi").events
    assert watched[1].to_json()["events"] == [["fire", event.raised_s, event.ended_s]]


def test_a_folder_without_clips_is_told(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    (tmp_path / "truth.csv").write_text("clip,start_s,end_s,class\n")
    with pytest.raises(UserError, match="no clips here"):
        watch_clips(tmp_path, tmp_path / "bundle", tmp_path / "events.sqlite", lambda line: None)


def ready_demo(out: Path, clips: Path) -> Path:
    """A demo's folder in which all but watching has been done."""
    out.mkdir()
    clips.rename(out / "clips")
    (out / "clips" / "found.avi").rename(out / "clips" / "fire_night.avi")
    (out / "clips" / "truth.csv").write_text("clip,start_s,end_s,class\nfire_night.avi,2.0,6.0,fire\n")
    write_bundle(out / "bundle")
    (out / "bundle" / "parity.json").write_text('{"verdict": "pass"}')
    stage = {"stage": "trained", "accuracy": 0.9, "interval_95": [0.8, 0.95], "n": 60}
    files.write_json(out / "report.json", {"stages": [stage]})
    return out


def test_a_second_demo_only_watches_and_a_false_alarm_is_its_verdict(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_run, "_ANNOTATED_SOURCE", "fire_night.avi")
    out = ready_demo(tmp_path / "demo", clips)
    summary = Demo(out, Narrator(quiet=True)).run()
    assert summary["events"] == {"expected": 1, "found": 1, "missed": 0, "false": 1}
    assert json.loads((out / "summary.json").read_text()) == summary
    assert Path(summary["annotated_picture"]).stat().st_size > 500
    assert Path(summary["annotated_clip"]).stat().st_size > 500
    again = edge_resnet(capsys, "demo", "--out", out)
    assert again.code == Exit.VERDICT_NO
    assert "1 false" in again.out


def test_a_demo_whose_proof_failed_says_where_to_look(clips: Path, tmp_path: Path) -> None:
    out = ready_demo(tmp_path / "demo", clips)
    (out / "bundle" / "parity.json").write_text('{"verdict": "fail"}')
    with pytest.raises(UserError, match="the proof failed"):
        Demo(out, Narrator(quiet=True)).run()
