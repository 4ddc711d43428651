"""What tune chose for this box: obeyed where it fits, and told in one line where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.errors import BackendError
from edge_resnet.hardware import cpu_name
from runtime import tuned
from runtime.backends import Backend, Description
from runtime.backends.registry import version
from runtime.service.lines import Lines
from runtime.session import StreamOptions, watch
from tests.stand_ins import Brightness, write_bundle, write_clip

MEASURED = tuned.Measured(
    n=100,
    accuracy=0.95,
    interval=(0.88, 0.98),
    drop=0.01,
    drop_lower=-0.01,
    drop_upper=0.03,
    non_inferiority="undecided",
    p50_ms=5.0,
    p99_ms=9.0,
    frames_per_s=210.0,
)


def choice_for(bundle: Bundle, **changes: Any) -> tuned.Choice:
    content = {
        "height": bundle.model.input.height,
        "width": bundle.model.input.width,
        "backend": "opencv",
        "precision": "fp32",
        "threads": 1,
        "hint": "latency",
        "measured": MEASURED,
        "manifest_sha256": tuned.manifest_sha256(bundle),
        "processor": cpu_name(),
        "engine_version": version("opencv"),
    }
    return tuned.Choice.model_validate({**content, **changes})


def write_derived(bundle: Bundle, height: int, width: int, derived_from: str) -> Bundle:
    """A bundle of another size in the box, as tune leaves it, with an empty model."""
    size = bundle.model.input.model_copy(update={"height": height, "width": width})
    folder = bundle.box / tuned.FOLDER
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"")
    spec = bundle.model.model_copy(update={"input": size})
    return write_manifest(folder, spec, {tuned.DERIVED_FROM: derived_from})


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "bundle")


def found(bundle: Bundle) -> tuple[tuned.Tuned | None, list[str]]:
    lines: list[str] = []
    return tuned.find(bundle, bundle.box, lines.append), lines


def test_a_choice_that_fits_is_found_and_without_one_nothing_is_said(bundle: Bundle) -> None:
    assert found(bundle) == (None, [])
    choice = choice_for(bundle)
    tuned.write(bundle.box, choice)
    assert found(bundle) == (tuned.Tuned(bundle, bundle.box, choice), [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"manifest_sha256": "0" * 64}, "another bundle"),
        ({"processor": "Another"}, "another processor"),
        ({"engine_version": "0.1"}, "opencv 0.1, and this is"),
        ({"backend": "abacus"}, "abacus: unknown"),
        ({"height": 96}, "no such folder"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(changes: dict[str, Any], reason: str, bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle, **changes))
    result, (line,) = found(bundle)
    assert result is None
    assert reason in line
    assert line.startswith(f"{bundle.box / tuned.FILE}: not obeyed")
    assert "\n" not in line


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "[" * 50_000,
        lambda text: text + " " * tuned._MAX_FILE_BYTES,
        lambda text: text.replace('"threads": 1', '"threads": -1'),
        lambda text: text.replace('"p50_ms": 5.0', '"p50_ms": NaN'),
        lambda text: text.replace('"threads": 1', '"threads": 1, "command": "rm"'),
        lambda text: text.replace('"schema_version": 1', '"schema_version": 2'),
    ],
    ids=["empty", "half", "list", "deep", "large", "negative", "NaN", "extra", "newer"],
)
def test_a_damaged_choice_is_told_in_one_line(change: Any, bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle))
    path = bundle.box / tuned.FILE
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    result, (line,) = found(bundle)
    assert result is None
    assert "\n" not in line


def test_another_size_is_the_bundle_in_the_box_if_it_was_made_from_this_one(bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle, height=64, width=96))
    derived = write_derived(bundle, 64, 96, tuned.manifest_sha256(bundle))
    result, lines = found(bundle)
    assert lines == []
    assert result is not None
    assert (result.bundle.folder, result.box) == (derived.folder, derived.box)
    write_manifest(derived.folder, derived.model, {tuned.DERIVED_FROM: "of another"})
    assert found(bundle)[0] is None


class OpenCvStandIn(Brightness):
    """Takes the place of an engine that is in the registry, where the stream looks for the model's hash."""

    def describe(self) -> Description:
        return Description("opencv", "1", "cpu", "fp32", "fp32")


class Chooser:
    """In the place of trust.choose: remembers what it was asked for, and may refuse a backend."""

    def __init__(self, refuse: str = "") -> None:
        self.asked: list[dict[str, Any]] = []
        self._refuse = refuse

    def __call__(self, bundle: Bundle, backend: str, precision: str, device: str, **options: Any) -> Backend:
        told = {"folder": bundle.folder, "backend": backend, "precision": precision}
        self.asked.append({**told, **{name: value for name, value in options.items() if name != "log"}})
        if backend == self._refuse:
            raise BackendError(f"{backend} is not itself today")
        return OpenCvStandIn(bundle.model)


def stream(bundle: Bundle, choose: Chooser, **options: Any) -> list[str]:
    """Watch a short clip; the lines that were said."""
    lines: list[str] = []
    camera = bundle.folder.parent / "clip.avi"
    write_clip(camera, [40] * 5)
    events = bundle.folder.parent / "events.sqlite"
    watch(StreamOptions((str(camera),), bundle=bundle.folder, events=events, **options), Lines(lines.append), choose)
    return lines


def test_the_stream_obeys(bundle: Bundle) -> None:
    choose = Chooser()
    lines = stream(bundle, choose)
    assert [asked["backend"] for asked in choose.asked] == ["auto"]
    assert not any("tune" in line for line in lines)
    tuned.write(bundle.box, choice_for(bundle))
    lines = stream(bundle, choose)
    chosen = {"folder": bundle.folder, "backend": "opencv", "precision": "fp32"}
    assert choose.asked[1:] == [{**chosen, "threads": 1, "hint": "latency", "box": bundle.box}]
    assert any("32x64 fp32 on opencv, threads 1 (5.0 ms" in line for line in lines)


def test_the_stream_watches_at_the_chosen_size(bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle, height=64, width=96))
    derived = write_derived(bundle, 64, 96, tuned.manifest_sha256(bundle))
    choose = Chooser()
    # The backend refuses frames of another size than its bundle's.
    stream(bundle, choose)
    assert [(asked["folder"], asked["box"]) for asked in choose.asked] == [(derived.folder, derived.box)]


def test_another_box_is_obeyed_and_reaches_the_engines(bundle: Bundle, tmp_path: Path) -> None:
    elsewhere = tmp_path / "box"
    tuned.write(elsewhere, choice_for(bundle))
    choose = Chooser(refuse="opencv")
    stream(bundle, choose, box=elsewhere)
    assert [(asked["backend"], asked["box"]) for asked in choose.asked] == [("opencv", elsewhere), ("auto", elsewhere)]


@pytest.mark.parametrize("named", [{"backend": "opencv"}, {"precision": "fp32"}, {"device": "cpu"}])
def test_what_is_named_wins_and_that_is_said(named: dict[str, str], bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle, threads=3))
    choose = Chooser()
    lines = stream(bundle, choose, **named)
    assert "threads" not in choose.asked[0]
    ((option, value),) = named.items()
    assert any(f"not obeyed, since --{option} {value} was given" in line for line in lines)


def test_a_choice_that_is_refused_gives_way_to_auto(bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle))
    choose = Chooser(refuse="opencv")
    lines = stream(bundle, choose)
    assert [asked["backend"] for asked in choose.asked] == ["opencv", "auto"]
    assert any("not itself today" in line and "not obeyed" in line for line in lines)


def test_a_foreign_choice_is_ignored_by_the_stream_and_said(bundle: Bundle) -> None:
    tuned.write(bundle.box, choice_for(bundle, processor="Another"))
    choose = Chooser()
    lines = stream(bundle, choose)
    assert [asked["backend"] for asked in choose.asked] == ["auto"]
    assert json.loads((bundle.box / tuned.FILE).read_text())["processor"] == "Another"
    assert any("another processor (Another)" in line for line in lines)
