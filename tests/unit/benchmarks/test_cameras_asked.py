"""benchmarks.cameras: its arguments, its programs, and its answer."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from benchmarks.cameras import __main__ as program
from benchmarks.cameras import options, quiet
from benchmarks.cameras.systems import LOOP, LOOP_INT8, SAMPLING, System, ours, peer_name, peers
from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec, ModelSpec
from tests.unit.benchmarks.cameras import ALARMS, SCENERY, material


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle with an INT8 network for processors; its files are never read here."""
    for name in ("model.onnx", "model.int8.x86.onnx"):
        (tmp_path / name).write_bytes(b"onnx")
    labels, side = ("fire", "smoke", "normal"), InputSpec(height=32, width=32)
    return write_manifest(tmp_path, ModelSpec(labels=labels, background=("normal",), input=side, alarms=ALARMS), {})


@pytest.mark.parametrize(
    ("sites", "placed"),
    [
        (None, ["site000/camera000", "site001/camera001", "site002/camera002"]),
        (2, ["site000/camera000", "site001/camera001", "site000/camera002"]),
        (1, ["site000/camera000", "site000/camera001", "site000/camera002"]),
    ],
)
def test_cameras_are_of_as_many_sites_as_was_asked_for_and_go_by_their_names(
    sites: int | None, placed: list[str], tmp_path: Path
) -> None:
    system = ours(tmp_path, "ladder", {}, (), recording=False, sites=sites)
    urls = [f"rtsp://h/{number}" for number in range(3)]
    (written,) = (Path(each) for each in system.command(urls, tmp_path) if each.endswith(".yaml"))
    found = {
        f"{site}/{name}": camera["detect"]
        for site, each in yaml.safe_load(written.read_text())["sites"].items()
        for name, camera in each["cameras"].items()
    }
    assert found == dict(zip(placed, urls, strict=True))
    assert [system.names(number) for number in range(3)] == placed


def test_opencv_s_loop_is_tried_with_the_int8_network_too_where_there_is_one(bundle: Bundle, tmp_path: Path) -> None:
    both = {each.name: each.command([], tmp_path) for each in peers(bundle, tmp_path, True, None, None)}
    assert list(both) == [peer_name(name, every) for name in (LOOP, LOOP_INT8) for every in (1, SAMPLING)]
    for every in (1, SAMPLING):
        plain, quantised = both[peer_name(LOOP, every)], both[peer_name(LOOP_INT8, every)]
        assert str(tmp_path / "model.onnx") in plain
        assert [each.replace("model.onnx", "model.int8.x86.onnx") for each in plain] == quantised
    assert len(peers(bundle, tmp_path, False, None, None)) == 2
    (tmp_path / "model.int8.x86.onnx").unlink()
    without = write_manifest(tmp_path, bundle.model, {})
    assert [each.name for each in peers(without, tmp_path, True, None, None)] == [
        peer_name(LOOP, 1),
        peer_name(LOOP, SAMPLING),
    ]


@pytest.mark.parametrize(("stills", "told"), [(0, "no clip without a row"), (1, "takes every clip without a row")])
def test_clips_without_a_quiet_picture_are_a_mistake_that_names_their_folder(
    stills: int, told: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = np.zeros((32, 32, 3), np.uint8)
    monkeypatch.setattr(quiet, "_first", lambda clip: [(0.0, still)] * stills)
    # Sure of fire, whatever is shown.
    logits = np.array([[9.0, 0.0, 0.0]], np.float32)
    engine = nullcontext(SimpleNamespace(infer=lambda frames: SimpleNamespace(logits=logits)))
    monkeypatch.setattr(quiet, "open_backend", lambda *_: engine)
    with pytest.raises(UserError, match=told) as mistake:
        quiet.quiet_picture(tmp_path, [tmp_path / "one.mp4"], bundle)
    assert str(mistake.value).startswith(f"{tmp_path}: ")
    assert "--clips" in str(mistake.value)


def asked(monkeypatch: pytest.MonkeyPatch, *given: str) -> argparse.Namespace:
    monkeypatch.setattr(sys, "argv", ["benchmarks.cameras", *given])
    return options.parsed(program.__doc__)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--sites", "0"], "--sites: 0: must be a whole number, at least 1"),
        (["--most", "0"], "--most: 0: must be a whole number, at least 1"),
        (["--most", "1.5"], "--most: 1.5: must be a whole number"),
        (["--seconds", "0"], "--seconds: 0: must be seconds, over 0"),
        (["--seconds", "nan"], "--seconds: nan: must be seconds"),
        (["--settle", "-1"], "--settle: -1: must be seconds, at least 0"),
        (["--threshold", "1.1"], "--threshold: 1.1: must be from 0 to 1"),
        (["--share", "0.5", "0"], "--share: 0: must be over 0 and at most 1"),
        (["--ultralytics", "{folder}"], "--ultralytics: {folder}: no program that can be run"),
        (["--roboflow", "no-such-python"], "--roboflow: no-such-python: no program that can be run"),
        (["--picture", "{folder}/gone/x.png"], "--picture: {folder}/gone/x.png: there is no folder {folder}/gone"),
        (["--picture", "{folder}/x.txt"], "--picture: {folder}/x.txt: no kind of picture that can be written ("),
        (["--quick", "--most", "8"], "leave out --most, or --quick"),
        (["--quick", "--settle", "0", "--seconds", "9"], "leave out --seconds and --settle, or --quick"),
        (["--quick", "--roboflow", sys.executable], "--quick has no time for"),
    ],
)
def test_what_cannot_be_meant_is_one_line_before_any_work(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        asked(monkeypatch, "bundle", *(each.format(folder=tmp_path) for each in given))
    line = capsys.readouterr().err
    assert end.value.code == 2
    assert line.startswith("python -m benchmarks.cameras: ")
    assert told.format(folder=tmp_path) in line
    assert line.count("\n") == 1


def test_the_plan_is_as_asked_for_and_has_defaults_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = options.plan_of(asked(monkeypatch, "bundle"))
    assert (usual.seconds, usual.settle_s, usual.most) == (60.0, 12.0, 256)
    given = ["--seconds", "9", "--settle", "0", "--most", "3", "--picture", str(tmp_path / "x.png")]
    other = options.plan_of(asked(monkeypatch, "bundle", *given))
    assert (other.seconds, other.settle_s, other.most) == (9.0, 0.0, 3)
    assert options.plan_of(asked(monkeypatch, "bundle", "--quick")) is options.QUICK


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        (("openvin", "fp32"), "backend openvin: unknown; there are"),
        (("opencv", "int9"), "precision int9: unknown; there are"),
        (("opencv", "int8"), "opencv: no int8 here, it runs fp32, fp16"),
        (("opencv", "fp16"), "fp16"),
    ],
)
def test_an_engine_that_there_is_not_is_told_before_any_clip_is_looked_for(
    engine: tuple[str, str], told: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "find_clips", lambda args: pytest.fail("too late"))
    with pytest.raises(UserError, match=told):
        program.measured(asked(monkeypatch, str(bundle.folder), "--engine", *engine), tmp_path)


@pytest.mark.parametrize(
    ("given", "name", "loops", "told"),
    [
        ([], "site003/camera003", 4, "one a camera"),
        (["--sites", "1"], "site000/camera003", 4, 1),
        (["--quick", "--sites", "2"], "site001/camera003", 2, 2),
    ],
)
def test_what_is_asked_for_is_tried_and_told(
    given: list[str],
    name: str,
    loops: int,
    told: int | str,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[System] = []

    def course(systems: list[System], *_: object) -> SimpleNamespace:
        seen.extend(systems)
        return SimpleNamespace(baseline=lambda: None, setting=lambda share, baseline: {"share": share})

    monkeypatch.setattr(program, "Course", course)
    monkeypatch.setattr(program, "scenery", lambda *_: SCENERY)
    clips = ["--clips", str(material(tmp_path, "one.mp4,1,9,fire").place)]
    (setting,) = program.measured(asked(monkeypatch, str(bundle.folder), *clips, *given), tmp_path)
    assert (setting["sites"], setting["share"]) == (told, 0.05)
    assert [each.names(3) for each in seen if not each.is_peer] == [name, name]
    assert sum(each.is_peer for each in seen) == loops
