"""What is recorded and for how long, as people write it."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from runtime.config.load import read
from runtime.config.recording import RecordingSettings, RetentionSettings
from runtime.config.schema import schema

CAMERA = "sites: {yard: {cameras: {gate: {detect: 0}}}}\n"


def written(tmp_path: Path, text: str) -> tuple[list[str], RecordingSettings, RetentionSettings]:
    """The problems of a file, and what it says of recording."""
    file = tmp_path / "cameras.yaml"
    file.write_text(CAMERA + text)
    reading = read(file)
    settings = reading.settings
    return (
        [line.partition(": ")[2] for line in reading.lines()],
        settings.recording if settings else RecordingSettings(),
        settings.retention if settings else RetentionSettings(),
    )


def test_sizes_have_units(tmp_path: Path) -> None:
    problems, _, retention = written(tmp_path, "retention: {max_size: 1.5 TB, min_free: 500 MB, keep_clips: 12 h}\n")
    assert problems == []
    assert (retention.max_size, retention.min_free, retention.keep_clips) == (1.5e12, 5e8, 43200.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retention: {max_size: 10}\n", "10 has no unit; write it like 10 GB"),
        ("retention: {max_size: 10 GiB}\n", "'10 GiB' is not a quantity in kB, MB, GB, TB"),
        ("retention: {max_size: 0 GB}\n", "0 GB must be over 0 GB"),
        ("retention: {keep_clip: 1 d}\n", "did you mean keep_clips?"),
        ("recording: {quality: 0}\n", "0 must be at least 1"),
        ("recording: {packets: on}\n", "auto"),
        ("recording: {pre_roll: 60 s}\n", "60 s leave no room after pre_roll (60 s)"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    (problem,), _, _ = written(tmp_path, text)
    assert told in problem


@pytest.mark.parametrize("off", ["off", "'off'", "false"])
def test_off_is_off_though_yaml_takes_it_for_false(tmp_path: Path, off: str) -> None:
    text = f"recording: {{packets: {off}}}\n"
    problems, recording, _ = written(tmp_path, text)
    assert (problems, recording.packets) == ([], "off")
    assert jsonschema.Draft202012Validator(schema()).is_valid(yaml.safe_load(CAMERA + text))


def test_the_schema_tells_defaults_as_they_are_written() -> None:
    retention = schema()["$defs"]["RetentionSettings"]["properties"]
    assert {name: part.get("default") for name, part in retention.items()} == {
        "keep_clips": "30 d",
        "keep_snapshots": "30 d",
        "keep_scores": "14 d",
        "keep_near_misses": "14 d",
        "keep_events": None,
        "max_size": "10 GB",
        "min_free": "1 GB",
    }
