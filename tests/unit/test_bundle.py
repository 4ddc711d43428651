"""A bundle is checked before anything in it is used."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.bundle import GOLDEN, MANIFEST, Bundle, Golden, write_golden, write_manifest
from edge_resnet.errors import BundleError
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec, default_alarms, default_background

SPEC = ModelSpec(
    labels=("fire", "normal"),
    background=("normal",),
    input=InputSpec(height=32, width=48),
    alarms={"fire": AlarmSpec(classes=("fire",))},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(b"onnx" * 100)
    golden = Golden(np.zeros((2, 32, 48, 3), np.uint8), np.ones((2, 2), np.float32))
    write_golden(tmp_path / GOLDEN, golden)
    write_manifest(tmp_path, SPEC, {"weights_sha256": "0" * 64})
    return tmp_path


def edit(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read_back(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert bundle.model == SPEC
    assert bundle.variants == ("fp32",)
    assert bundle.model_bytes("fp32") == b"onnx" * 100
    assert bundle.golden().logits.shape == (2, 2)
    bundle.check()


def test_a_changed_byte_is_refused_before_use(folder: Path) -> None:
    data = bytearray((folder / "model.onnx").read_bytes())
    data[7] ^= 1
    (folder / "model.onnx").write_bytes(data)
    bundle = Bundle.open(folder)
    with pytest.raises(BundleError, match="changed since export"):
        bundle.model_bytes("fp32")
    with pytest.raises(BundleError, match="changed since export"):
        bundle.check()


def test_a_missing_or_cut_file_is_refused_at_once(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"onnx")
    with pytest.raises(BundleError, match="4 bytes where the manifest says 400"):
        Bundle.open(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleError, match="missing from the bundle"):
        Bundle.open(folder)


def test_a_link_is_no_file_of_a_bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "model.onnx"
    elsewhere.write_bytes((folder / "model.onnx").read_bytes())
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(elsewhere)
    with pytest.raises(BundleError, match="not a plain file"):
        Bundle.open(folder)


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/b", "..", ".hidden", "", "a\x00b", "a\\b"])
def test_a_name_never_leaves_the_folder(folder: Path, name: str) -> None:
    edit(folder, files={name: {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(BundleError, match="not a plain file name"):
        Bundle.open(folder)


def test_a_newer_schema_says_so(folder: Path) -> None:
    edit(folder, schema_version=2, some_new_field=1)
    with pytest.raises(BundleError, match="schema 2 is newer than 1"):
        Bundle.open(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense", '{"schema_version": 1}', "[" * 100_000])
def test_a_broken_manifest_is_one_line(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(BundleError) as caught:
        Bundle.open(folder)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_is_refused(folder: Path) -> None:
    edit(folder, extra=1)
    with pytest.raises(BundleError, match="extra"):
        Bundle.open(folder)


def test_an_oversized_manifest_is_not_read(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(BundleError, match="larger than"):
        Bundle.open(folder)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, why in (
        (tmp_path, "no bundle here"),
        (tmp_path / "none", "none: no such folder; make one"),
        (tmp_path / "file", "file: a file, and a bundle is a folder"),
    ):
        with pytest.raises(BundleError, match=why):
            Bundle.open(folder)


def test_golden_frames_are_never_unpickled(folder: Path) -> None:
    np.savez(folder / GOLDEN, frames=np.array([{"a": 1}], dtype=object), logits=np.ones((1, 2)))
    write_manifest(folder, SPEC, {})
    with pytest.raises(BundleError, match="not a file of golden frames"):
        Bundle.open(folder).golden()


def test_golden_frames_of_another_shape_are_refused(folder: Path) -> None:
    write_golden(folder / GOLDEN, Golden(np.zeros((2, 32, 32, 3), np.uint8), np.ones((2, 2), np.float32)))
    write_manifest(folder, SPEC, {})
    with pytest.raises(BundleError, match="shapes do not fit"):
        Bundle.open(folder).golden()


def test_a_precision_that_is_not_there_names_those_that_are(folder: Path) -> None:
    with pytest.raises(BundleError, match="no fp16 model in this bundle, it has fp32"):
        Bundle.open(folder).model_bytes("fp16")


def test_alarms_know_their_classes_and_never_have_background() -> None:
    with pytest.raises(ValueError, match="unknown class oven"):
        ModelSpec(**{**SPEC.model_dump(), "alarms": {"fire": {"classes": ("oven",)}}})
    with pytest.raises(ValueError, match="background classes: normal"):
        ModelSpec(**{**SPEC.model_dump(), "alarms": {"fire": {"classes": ("fire", "normal")}}})


def test_background_is_known_by_its_name() -> None:
    labels = ("Empty", "fire", "no person", "no_smoke", "smoke")
    assert default_background(labels) == ("Empty", "no person", "no_smoke")
    assert set(default_alarms(labels, default_background(labels))) == {"fire", "smoke"}
