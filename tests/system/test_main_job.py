"""The main job through the command line, on small drawn pictures: train, export, prove, evaluate, predict, watch."""

import json
import sqlite3
from pathlib import Path

import cv2
import pytest

from edge_resnet import command
from edge_resnet.cli.app import app
from edge_resnet.command import Exit
from tests.commands import edge_resnet
from tests.drawn import bad_pictures, splits
from tests.stand_ins import write_clip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return splits(tmp_path_factory.mktemp("data"), train=16, val=8, test=8)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "yard"
    # After one epoch its answers are a guess, which half precision rightly fails to repeat.
    options = ("--weights", "none", "--input", "32x48", "--batch", "8", "--epochs", "3", "--device", "cpu")
    assert command.run(app, ["finetune", str(data), *options, "--out", str(out)]) == Exit.FINE
    assert command.run(app, ["export", str(out), "--fp16", "--no-speed"]) == Exit.FINE
    return out


def test_the_bundle_is_ready_and_says_how_it_was_proven(run: Path) -> None:
    report = json.loads((run / "bundle" / "parity.json").read_text())
    assert report["verdict"] == "pass"
    assert report["reference"] == "torch"
    assert report["n"] == 32  # validation and test, which training did not see
    rows = {(row["backend"], row["precision"]): row["verdict"] for row in report["rows"]}
    for backend in ("onnxruntime", "openvino", "opencv"):
        assert rows[backend, "fp32"] == "pass"


def test_parity_is_proven_again_on_the_box(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "parity", run / "bundle", "--data", data, "--no-speed", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["verdict"] == "pass"
    assert outcome.answer["n"] == 16


def test_a_bundle_away_from_its_run_is_proven_by_its_golden_frames(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "copied"
    away.mkdir()
    for path in (run / "bundle").iterdir():
        if path.is_file():
            (away / path.name).write_bytes(path.read_bytes())
    outcome = edge_resnet(capsys, "parity", away, "--no-speed", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert outcome.answer["reference"] == "golden"
    assert outcome.answer["n"] == 32


def test_a_run_and_its_bundle_get_the_same_accuracy(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = edge_resnet(capsys, "evaluate", run, data, "--json")
    assert reference.code == Exit.FINE, reference.err
    assert reference.answer["backend"] == "torch"
    report = json.loads((run / "report.json").read_text())["stages"][-1]
    assert reference.answer["confusion"] == report["confusion"]
    for backend in ("auto", "opencv"):
        bundle = edge_resnet(capsys, "evaluate", run / "bundle", data, "--backend", backend, "--json")
        assert bundle.code == Exit.FINE, bundle.err
        assert bundle.answer["confusion"] == report["confusion"]
        assert bundle.answer["interval_95"] == report["interval_95"]


def test_the_table_of_an_evaluation_is_for_people(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "evaluate", run / "bundle", data, "--backend", "opencv")
    assert outcome.code == Exit.FINE, outcome.err
    assert "on 16 pictures, opencv fp32" in " ".join(outcome.out.split())


def test_pictures_are_predicted(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = sorted((data / "test" / "fire").iterdir())[:2]
    outcome = edge_resnet(capsys, "predict", run / "bundle", *pictures, "--json")
    assert outcome.code == Exit.FINE, outcome.err
    for path, answer in zip(pictures, outcome.answer["predictions"], strict=True):
        assert answer["picture"] == str(path)
        assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
        assert answer["probability"] == max(answer["probabilities"].values())
        assert answer["alarms"] == {"fire": answer["probabilities"]["fire"]}
    told = edge_resnet(capsys, "predict", run / "bundle", *pictures)
    assert [line.split(": ")[0] for line in told.out.splitlines()] == [str(path) for path in pictures]


def test_a_bad_picture_is_named(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, reason in bad_pictures(tmp_path).items():
        assert f"{name}: {reason}" in edge_resnet(capsys, "predict", run / "bundle", tmp_path / name).mistake
    assert "gone.jpg: no such picture" in edge_resnet(capsys, "predict", run / "bundle", tmp_path / "gone.jpg").mistake


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--alarm", "fire"), "takes NAME=CLASS,CLASS"),
        (("--alarm", "x=oven"), "unknown class oven"),
        (("--alarm", "x=normal"), "background classes: normal"),
        (("--golden", "mine"), "--golden"),
    ],
)
def test_a_mistake_in_an_export_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    assert told in edge_resnet(capsys, "export", run, *options, "-o", tmp_path / "bundle").mistake
    assert not (tmp_path / "bundle").exists()


def test_an_export_without_a_run_takes_the_newest_with_alarms_of_several_classes_and_golden_frames_of_nobody(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no trained run under runs/" in edge_resnet(capsys, "export").mistake
    (tmp_path / "runs").symlink_to(run.parent)
    out = tmp_path / "bundle"
    options = ("--alarm", "blaze=fire", "--golden", "samples", "--no-speed", "-o", out, "--json")
    outcome = edge_resnet(capsys, "export", *options)
    assert outcome.code == Exit.FINE, outcome.err
    assert "run: runs/yard (the newest)" in outcome.err
    assert outcome.answer["ready"] is True
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["model"]["alarms"]) == {"blaze"}
    assert manifest["provenance"]["golden"] == "samples"
    assert "model.fp16.onnx" not in manifest["files"]
    # No picture of the owner's is anywhere in it.
    assert outcome.answer["parity"]["gallery"] is None
    assert "data:image" not in (out / "parity.html").read_text()


def test_a_clip_is_watched_with_the_newest_bundle(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(run.parent)
    clip = write_clip(tmp_path / "clip.avi", [100] * 40)
    outcome = edge_resnet(capsys, "stream", "--camera", clip, "--backend", "opencv", "--save", "seen.mp4", "--json")
    assert outcome.code == Exit.FINE, outcome.err
    assert "bundle: runs/yard/bundle" in outcome.err
    assert [(camera["frames"], camera["looks"]) for camera in outcome.answer["cameras"]] == [(40, 20)]
    assert outcome.answer["backend"] == "opencv"
    with sqlite3.connect(tmp_path / "events.sqlite") as store:
        assert store.execute("SELECT count(*) FROM events").fetchone() == (len(outcome.answer["events"]),)
    assert cv2.VideoCapture(str(tmp_path / "seen.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 40


def test_doctor_names_the_engines(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = edge_resnet(capsys, "doctor", "--json")
    assert {"torch", "onnxruntime", "openvino", "opencv"} <= set(outcome.answer["backends"])
    assert outcome.answer["versions"]["python"]
