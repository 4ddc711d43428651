"""The bundle: the folder that crosses from training to the edge, and its checks before anything in it is used."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from edge_resnet import files
from edge_resnet.errors import BundleError
from edge_resnet.manifest import SCHEMA_VERSION, FileEntry, Manifest, ModelSpec

MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
BOX = "box"
# The file of each variant of the model. Precision is written in the ONNX itself; INT8 twice, as its engines want it.
MODEL_FILES = {
    "fp32": "model.onnx",
    "fp16": "model.fp16.onnx",
    "int8.x86": "model.int8.x86.onnx",
    "int8.trt": "model.int8.trt.onnx",
}

_MAX_MANIFEST_BYTES = 1 << 20
_MAX_FILE_BYTES = 2 << 30
_MAX_GOLDEN_BYTES = 512 << 20


@dataclass(frozen=True)
class Golden:
    """Frames with the reference's answer, for the box to replay.

    `frames`: N x H x W x 3, uint8, BGR, of the network's input size. `logits`: N x C, float32, of the reference.
    """

    frames: npt.NDArray[np.uint8]
    logits: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened: its folder and its manifest. It is data; predicting lives in runtime."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Read and check the manifest, and that every file it names is there with its size.

        Contents are checked against their hashes when they are read. Raises BundleError.
        """
        bundle = cls(folder, _read_manifest(folder))
        for name, entry in bundle.manifest.files.items():
            bundle._check_presence(name, entry)
        return bundle

    @property
    def model(self) -> ModelSpec:
        """Labels, input, temperature and alarms."""
        return self.manifest.model

    @property
    def box(self) -> Path:
        """The folder of what this box made itself (measured, verified, built); not covered by the manifest."""
        return self.folder / BOX

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants of the model (see MODEL_FILES) that this bundle has a file for."""
        return tuple(variant for variant, name in MODEL_FILES.items() if name in self.manifest.files)

    def read(self, name: str) -> bytes:
        """The content of a file of the bundle, checked against its hash. Raises BundleError."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BundleError(f"{self.folder}: the bundle has no {name}; export it again")
        self._check_presence(name, entry)
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise BundleError(f"{self.folder / name}: changed since export (its SHA-256 differs); copy it again")
        return data

    def check(self) -> None:
        """Check every file against its hash. Raises BundleError."""
        for name in self.manifest.files:
            self.read(name)

    def model_bytes(self, variant: str) -> bytes:
        """The ONNX model of a variant, checked. Raises BundleError."""
        self._check_variant(variant)
        return self.read(MODEL_FILES[variant])

    def model_sha256(self, variant: str) -> str:
        """The hash of the ONNX model of a variant, as the manifest states it. Raises BundleError."""
        self._check_variant(variant)
        return self.manifest.files[MODEL_FILES[variant]].sha256

    def _check_variant(self, variant: str) -> None:
        if variant not in self.variants:
            there = ", ".join(self.variants)
            raise BundleError(f"{self.folder}: no {variant} model in this bundle, it has {there}; export it")

    def golden(self) -> Golden:
        """The frames to replay and the reference's logits. Raises BundleError."""
        return _parse_golden(self.read(GOLDEN), self.folder / GOLDEN, self.model)

    def _check_presence(self, name: str, entry: FileEntry) -> None:
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{path}: missing from the bundle (or not a plain file); copy the whole folder again")
        size = path.stat().st_size
        if size != entry.size:
            raise BundleError(f"{path}: {size} bytes where the manifest says {entry.size}; copy the folder again")
        if size > _MAX_FILE_BYTES:
            raise BundleError(f"{path}: {size} bytes is more than a bundle's file may have ({_MAX_FILE_BYTES})")


def write_manifest(folder: Path, model: ModelSpec, provenance: dict[str, Any]) -> Bundle:
    """Write manifest.json for what lies in `folder` now (folders and hidden files are left out)."""
    entries = {
        path.name: FileEntry(sha256=files.sha256(path), size=path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != MANIFEST and not path.name.startswith(".")
    }
    manifest = Manifest(model=model, provenance=provenance, files=entries)
    files.write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    return Bundle(folder, manifest)


def write_golden(path: Path, golden: Golden) -> None:
    """Write frames and logits as an npz file without objects, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=golden.frames, logits=golden.logits)
    files.write_bytes(path, buffer.getvalue())


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        why = f"no bundle here ({MANIFEST} is missing)" if folder.is_dir() else "no such folder"
        if folder.is_file():
            why = "a file, and a bundle is a folder"
        raise BundleError(f"{folder}: {why}; make one with edge-resnet export")
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise BundleError(f"{path}: larger than {_MAX_MANIFEST_BYTES} bytes, so it is no manifest of a bundle")
    try:
        content = json.loads(path.read_bytes())
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON; copy the bundle again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BundleError(
            f"{path}: schema {version} is newer than {SCHEMA_VERSION}, the newest known; update edge-resnet"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise BundleError(f"{path}: {where}: {first['msg']}") from error


def _parse_golden(data: bytes, path: Path, model: ModelSpec) -> Golden:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_GOLDEN_BYTES:
                raise BundleError(f"{path}: unpacks to more than {_MAX_GOLDEN_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as content:
            frames, logits = content["frames"], content["logits"]
    except BundleError:
        raise
    except Exception as error:  # zipfile, zlib, numpy and its parser of headers have a dozen ways to say so
        raise BundleError(f"{path}: not a file of golden frames; export the bundle again") from error
    count = len(frames)
    expected = (count, model.input.height, model.input.width, 3)
    if frames.dtype != np.uint8 or frames.shape != expected or logits.shape != (count, len(model.labels)) or not count:
        raise BundleError(f"{path}: shapes do not fit the model; export the bundle again")
    return Golden(frames, np.asarray(logits, np.float32))
