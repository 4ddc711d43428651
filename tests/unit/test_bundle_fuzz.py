"""Whatever lies in a bundle's folder, nothing but our own errors may come out of reading it."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_resnet.bundle import GOLDEN, MANIFEST, MODEL_FILES, Bundle, Golden, write_golden, write_manifest
from edge_resnet.errors import BundleError, UserError
from edge_resnet.manifest import AlarmSpec, InputSpec, Manifest, ModelSpec

SPEC = ModelSpec(
    labels=("fire", "normal"),
    background=("normal",),
    input=InputSpec(height=32, width=48),
    alarms={"fire": AlarmSpec(classes=("fire",))},
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / MODEL_FILES["fp32"]).write_bytes(b"onnx")
    write_golden(tmp_path / GOLDEN, Golden(np.zeros((2, 32, 48, 3), np.uint8), np.ones((2, 2), np.float32)))
    write_manifest(tmp_path, SPEC, {"weights_sha256": "0" * 64})
    return tmp_path


def read_everything(folder: Path) -> None:
    """What a box does with a bundle before it trusts it."""
    bundle = Bundle.open(folder)
    bundle.check()
    for variant in MODEL_FILES:
        bundle.model_bytes(variant)
    bundle.golden()


def only_our_errors(folder: Path) -> None:
    with suppress(UserError):
        read_everything(folder)


@FUZZ
@given(st.binary(max_size=400))
def test_bytes_in_the_place_of_the_manifest(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        Bundle.open(folder)


@FUZZ
@given(json_values)
def test_json_in_the_place_of_the_manifest(folder: Path, content: Any) -> None:
    (folder / MANIFEST).write_text(json.dumps(content))
    only_our_errors(folder)


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@FUZZ
@given(st.data(), json_values)
def test_one_value_of_a_good_manifest_is_another(folder: Path, data: st.DataObject, value: Any) -> None:
    good = json.loads((folder / MANIFEST).read_text())
    changed = copy.deepcopy(good)
    *path, last = data.draw(st.sampled_from([place for place in places(good) if place]))
    inner = changed
    for key in path:
        inner = inner[key]
    inner[last] = value
    with tempfile.TemporaryDirectory() as name:
        other = Path(name)
        for file in (MODEL_FILES["fp32"], GOLDEN):
            (other / file).write_bytes((folder / file).read_bytes())
        (other / MANIFEST).write_text(json.dumps(changed))
        only_our_errors(other)


@FUZZ
@given(st.lists(st.sampled_from(["fire", "normal", "", "\x00", "no fire", "🔥"]), max_size=4), json_values)
def test_a_specification_is_whole_or_refused(labels: list[str], alarms: Any) -> None:
    content = {"labels": labels, "input": {"height": 32, "width": 32}, "alarms": alarms}
    try:
        spec = ModelSpec.model_validate(content)
    except ValueError:
        return
    assert len(spec.labels) >= 2
    for name in spec.alarms:
        assert all(0 <= index < len(spec.labels) for index in spec.class_indices(name))
    assert Manifest.model_validate_json(Manifest(model=spec).model_dump_json()).model == spec


def replace_golden(folder: Path, content: bytes) -> None:
    """Put `content` in the place of the golden frames, with its right hash: only the parser stands in its way."""
    (folder / GOLDEN).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][GOLDEN] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / MANIFEST).write_text(json.dumps(manifest))


@FUZZ
@given(st.data())
def test_golden_frames_with_bytes_changed_or_cut(folder: Path, data: st.DataObject) -> None:
    good = io.BytesIO()
    np.savez_compressed(good, frames=np.zeros((2, 32, 48, 3), np.uint8), logits=np.ones((2, 2), np.float32))
    content = bytearray(good.getvalue())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[position] ^= data.draw(st.integers(1, 255))
    replace_golden(folder, bytes(content[: data.draw(st.integers(0, len(content)))]))
    only_our_errors(folder)


@FUZZ
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_golden_frames_that_are_a_zip_of_anything(folder: Path, frames: bytes, logits: bytes) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("frames.npy", b"\x93NUMPY" + frames)
        writer.writestr("logits.npy", logits)
    replace_golden(folder, archive.getvalue())
    only_our_errors(folder)


def npz_with(header: bytes) -> bytes:
    """An archive whose frames.npy has this header, and no data."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("frames.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        writer.writestr("logits.npy", b"")
    return archive.getvalue()


def good_npz() -> bytearray:
    content = io.BytesIO()
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), np.uint8)
    np.savez_compressed(content, frames=frames, logits=np.ones((2, 2), np.float32))
    return bytearray(content.getvalue())


def damaged_stream() -> bytes:
    content = good_npz()
    content[100] ^= 0xFF  # zlib.error
    return bytes(content)


def with_method(method: int, flag: int) -> bytes:
    """Another compression method (NotImplementedError), or said to be encrypted (RuntimeError)."""
    content = good_npz()
    entry = content.find(b"PK\x01\x02")
    content[8], content[entry + 10] = method, method
    content[6] |= flag
    content[entry + 8] |= flag
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        damaged_stream(),
        with_method(99, 0),
        with_method(8, 1),
        npz_with(b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }\n"),
        npz_with(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-5,), }\n"),
        npz_with(b"{'descr'\n"),
        npz_with(b"(" * 5000),
    ],
    ids=["stream", "method", "encrypted", "huge", "negative", "syntax", "deep"],
)
def test_golden_frames_damaged_in_each_way_that_was_found(folder: Path, content: bytes) -> None:
    replace_golden(folder, content)
    with pytest.raises(BundleError, match="not a file of golden frames"):
        Bundle.open(folder).golden()
