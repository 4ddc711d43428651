"""`edge-resnet config` as a user runs it: begin a file, check it, and hear of every mistake in it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from edge_resnet.bundle import write_manifest
from edge_resnet.cli.app import app
from edge_resnet.command import Exit
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from tests.commands import edge_resnet

SAMPLES = Path(__file__).resolve().parents[2] / "samples"

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with the alarm `fire`, and no model."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    alarms = {"fire": AlarmSpec(classes=("fire",))}
    model = ModelSpec(
        labels=("fire", "normal"), background=("normal",), input=InputSpec(height=64, width=64), alarms=alarms
    )
    write_manifest(folder, model, {})
    return folder


def test_the_example_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = edge_resnet(capsys, "config", "example")
    assert example.code == Exit.FINE
    file = tmp_path / "cameras.yaml"
    file.write_text(example.out)
    checked = edge_resnet(capsys, "config", "check", file)
    assert checked.code == Exit.FINE
    assert checked.out == f"{file}: fine, 4 cameras (3 in yard, 1 in depot)\n"


def test_every_key_is_in_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    example = edge_resnet(capsys, "config", "example").out
    schema = json.loads(edge_resnet(capsys, "config", "schema").out)
    keys = {key for model in [*schema["$defs"].values(), schema] for key in model["properties"]}
    # Each kind of sink has keys of its own, which stand on its page.
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    assert {key for key in keys if f"{key}:" not in example and f"`{key}`" not in page} == set()


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("cameras*.yaml")), ids=lambda file: file.name)
def test_the_samples_are_fine(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("YARD_PASSWORD", "MQTT_PASSWORD", "MAIL_PASSWORD"):
        monkeypatch.setenv(name, "x")
    checked = edge_resnet(capsys, "config", "check", file)
    assert checked.code == Exit.FINE, checked.out
    assert len(checked.out.splitlines()) == 1, "no warnings"


def test_mistakes_are_lines_with_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text(
        "sites:\n  yard:\n    cameras:\n      gate:\n        detect: 0\n        rate: 5 s\n        rat: 1\n"
    )
    checked = edge_resnet(capsys, "config", "check", file)
    assert checked.code == Exit.USER_MISTAKE
    assert checked.err == ""
    assert checked.out.splitlines() == [
        f"{file}:6:15: sites.yard.cameras.gate.rate: '5 s' is not a quantity in /s, /min; write it like 5/s",
        f"{file}:7:9: sites.yard.cameras.gate.rat: unknown key; did you mean rate?",
        f"{file}: more may follow when these are mended",
    ]
    asked = edge_resnet(capsys, "config", "check", file, "--json")
    assert asked.code == Exit.USER_MISTAKE
    assert (asked.answer["fine"], asked.answer["partial"]) == (False, True)
    assert asked.answer["problems"][1] == {
        "line": 7,
        "column": 9,
        "path": "sites.yard.cameras.gate.rat",
        "text": "unknown key; did you mean rate?",
    }


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = edge_resnet(capsys, "config", "check", tmp_path / "none.yaml")
    assert checked.code == Exit.USER_MISTAKE
    assert checked.out.startswith(f"{tmp_path}/none.yaml: no such file; ")


def test_names_are_checked_against_a_bundle(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("sites: {yard: {cameras: {gate: {detect: 0, alarms: [fier]}}}}\n")
    assert edge_resnet(capsys, "config", "check", file).code == Exit.FINE
    checked = edge_resnet(capsys, "config", "check", file, "--bundle", bundle)
    assert checked.code == Exit.USER_MISTAKE
    assert "'fier' is no alarm of the bundle; did you mean fire?" in checked.out
    file.write_text("sites: {yard: {cameras: {gate: {detect: 0, alarms: [fire]}}}}\n")
    fine = edge_resnet(capsys, "config", "check", file, "--bundle", bundle, "--json")
    assert fine.code == Exit.FINE
    assert fine.answer["cameras"] == ["yard/gate"]


def test_passwords_are_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("sites: {yard: {cameras: {gate: {detect: 'rtsp://a:s3cr3t@h/', record: 'rtsp://a:s3cr3t@h/'}}}}\n")
    for more in ([], ["--json"]):
        checked = edge_resnet(capsys, "config", "check", file, *more)
        assert checked.code == Exit.FINE
        assert "a password stands in this file" in checked.out
        assert "s3cr3t" not in checked.out + checked.err


def test_the_service_starts_a_command_that_there_is() -> None:
    unit = (SAMPLES / "edge-resnet.service").read_text()
    (started,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, command, *arguments = shlex.split(started.removeprefix("ExecStart="))
    assert (Path(program).name, command) == ("edge-resnet", "stream")
    options = {option for parameter in get_command(app).commands[command].params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= options
