"""CIFAR-10 as train/CLASS and test/CLASS folders: from its download, its binary files, or class folders."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import ssl
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.error import URLError

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet import files
from edge_resnet.data.listing import Split
from edge_resnet.errors import UserError
from edge_resnet.pictures import find_pictures
from edge_resnet.progress import Narrator, Step

# A. Krizhevsky's page, https://www.cs.toronto.edu/~kriz/cifar.html, for all that follows. The binary version, since the
# python version is pickled, and to unpickle may run code.
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE = "cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPLITS: tuple[Split, ...] = ("train", "test")
_BATCHES: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_SIDE_PIXELS = 32
_RECORD_BYTES = 1 + 3 * _SIDE_PIXELS**2
# The batches have 10,000 records; a file of ten times that is none of them.
_MAX_BATCH_BYTES = 100_000 * _RECORD_BYTES
_ARCHIVE_BYTES, _PICTURES = 170_052_171, 60_000

# What tells in the folder that it is complete, and of what.
_MARK = "cifar10.json"
# Where the download lies until then, so that an interrupted run need not fetch it again.
_DOWNLOADED = ".download"
# A small file takes a block of the disk, 4 KiB on most.
_BLOCK_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0
_BRING = f"bring {URL} and name its folder with --from"


@dataclass(frozen=True)
class Layout:
    """A folder of train/CLASS and test/CLASS: where its pictures came from, how many, and how many were written now."""

    folder: Path
    source: str
    pictures: dict[Split, dict[str, int]]
    written: int


class Source(Protocol):
    """Where pictures come from."""

    @property
    def name(self) -> str:
        """What the source is called, to tell it from others: the archive, or a folder."""

    def names(self, split: Split, label: int) -> list[str]:
        """File names of a class in a split."""

    def picture(self, split: Split, label: int, name: str) -> bytes:
        """The content of a picture file."""


def lay_out(folder: Path, given: Path | None, narrator: Narrator) -> Layout:
    """Write CIFAR-10 below `folder`, a class at a time, whole or not at all; what is there already is kept.

    `given`: a folder that holds the archive, its .bin files, or train/ and test/ of class folders; None downloads.
    Raises UserError for what is none of these, a failed download, too little room, or other pictures in the way.
    """
    if given is not None and given.resolve() == folder.resolve():
        raise UserError(f"{folder}: is the folder of --from too; name another folder to write to")
    if (done := _complete(folder, given)) is not None:
        return done
    archive = folder / _DOWNLOADED / ARCHIVE
    if given is None and not archive.is_file():
        _room(folder, _ARCHIVE_BYTES + _PICTURES * _BLOCK_BYTES)
        with narrator.stage(f"downloading {ARCHIVE} (bytes)") as step:
            _download(archive, step)
    source = _open(given or archive)
    written = _write(folder, source, narrator)
    layout = Layout(folder, source.name, _counts(folder), written)
    files.write_json(folder / _MARK, {"source": layout.source, "pictures": layout.pictures})
    shutil.rmtree(archive.parent, ignore_errors=True)
    return layout


def _complete(folder: Path, given: Path | None) -> Layout | None:
    """What an earlier run left complete, if it did, and from the same source."""
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        source, pictures = str(mark["source"]), mark["pictures"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if pictures != _counts(folder):
        return None
    wanted = str(given.resolve()) if given is not None and _has_class_folders(given) else ARCHIVE
    if source != wanted:
        raise UserError(f"{folder}: holds CIFAR-10 from {source} already; choose another folder")
    return Layout(folder, source, pictures, 0)


def _counts(folder: Path) -> dict[Split, dict[str, int]]:
    return {split: {name: len(list(find_pictures(folder / split / name))) for name in CLASSES} for split in SPLITS}


def _write(folder: Path, source: Source, narrator: Narrator) -> int:
    """Write the class folders that are not there; returns how many pictures that took."""
    todo = [(split, label, source.names(split, label)) for split, label in _parts()]
    _refuse_others(folder, todo)
    todo = [(split, label, names) for split, label, names in todo if not (folder / split / CLASSES[label]).exists()]
    total, done = sum(len(names) for *_, names in todo), 0
    _room(folder, total * _BLOCK_BYTES)
    with narrator.stage("writing pictures") as step:
        for split, label, names in todo:
            with files.whole_folder(folder / split / CLASSES[label]) as home:
                for name in names:
                    (home / name).write_bytes(source.picture(split, label, name))
                    done += 1
                    step(done, total)
    return total


def _parts() -> Iterator[tuple[Split, int]]:
    return ((split, label) for split in SPLITS for label in range(len(CLASSES)))


def _refuse_others(folder: Path, parts: list[tuple[Split, int, list[str]]]) -> None:
    """Raise UserError for a class folder with other pictures in it than the source has: it is somebody's."""
    for split, label, names in parts:
        home = folder / split / CLASSES[label]
        if home.exists() and (not home.is_dir() or {path.name for path in home.iterdir()} != set(names)):
            raise UserError(f"{home}: is there with other content; move it away, or choose another folder")


def _room(folder: Path, wanted_bytes: int) -> None:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"{there}: is a file; name a folder to write to")
    free = shutil.disk_usage(there).free
    if free < wanted_bytes:
        raise UserError(
            f"{folder}: about {wanted_bytes / 1e6:.0f} MB are wanted and {free / 1e6:.0f} MB are free; "
            "make room, or choose another folder"
        )


def _download(path: Path, step: Step) -> None:
    digest, done = hashlib.md5(usedforsecurity=False), 0
    try:
        with (
            urllib.request.urlopen(URL, timeout=_TIMEOUT_S) as response,
            files.whole_file(path) as temporary,
            temporary.open("wb") as file,
        ):
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                step(done, _ARCHIVE_BYTES)
            if digest.hexdigest() != MD5:
                raise UserError(f"{URL}: the download is damaged (its MD5 differs); try again, or {_BRING}")
    except (URLError, TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        told = getattr(reason, "strerror", None) or reason or type(error).__name__
        raise UserError(f"cannot download {ARCHIVE} ({told}); {_BRING}") from error


def _open(given: Path) -> Source:
    """Find out what the user has. Raises UserError for what is none of it."""
    if given.is_file() or (given / ARCHIVE).is_file():
        return _Binary.of_archive(given if given.is_file() else given / ARCHIVE)
    if not given.is_dir():
        raise UserError(f"--from {given}: no such folder; {_BRING}")
    for folder in (given, given / "cifar-10-batches-bin"):
        if any((folder / name).exists() for names in _BATCHES.values() for name in names):
            return _Binary.of_files(folder)
    if _has_class_folders(given):
        return _ClassFolders(given)
    if any((given / name).exists() for name in ("cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1")):
        raise UserError(f"--from {given}: holds the python version, which is pickled and may run code; {_BRING}")
    raise UserError(f"--from {given}: holds neither {ARCHIVE}, nor its .bin files, nor train/ and test/ of ten classes")


def _has_class_folders(folder: Path) -> bool:
    return all((folder / split / name).is_dir() for split in SPLITS for name in CLASSES)


@dataclass(frozen=True)
class _ClassFolders:
    """Pictures in train/CLASS and test/CLASS, copied as they are."""

    folder: Path

    @property
    def name(self) -> str:
        return str(self.folder.resolve())

    def names(self, split: Split, label: int) -> list[str]:
        home = self.folder / split / CLASSES[label]
        names = [path.name for path in find_pictures(home) if path.parent == home]
        if not names:
            raise UserError(f"{home}: no pictures in it; add some")
        return names

    def picture(self, split: Split, label: int, name: str) -> bytes:
        return (self.folder / split / CLASSES[label] / name).read_bytes()


@dataclass(frozen=True)
class _Binary:
    """The binary version in memory: records (N x 3,073, uint8) of each split, a label and 32 x 32 x R, G, B each."""

    records: Mapping[Split, npt.NDArray[np.uint8]]
    name: str = ARCHIVE

    @classmethod
    def of_archive(cls, path: Path) -> _Binary:
        """Read the members that are needed; nothing is extracted to the disk."""
        if _md5(path) != MD5:
            raise UserError(f"{path}: not {ARCHIVE}, or damaged (its MD5 differs); {_BRING}")
        wanted = {name for names in _BATCHES.values() for name in names}
        found: dict[str, bytes] = {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    name = member.name.rpartition("/")[2]
                    if name in wanted and member.size <= _MAX_BATCH_BYTES and (file := archive.extractfile(member)):
                        found[name] = file.read()
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise UserError(f"{path}: damaged ({error}); {_BRING}") from error
        return cls.of_batches(path, found)

    @classmethod
    def of_files(cls, folder: Path) -> _Binary:
        """Read the extracted .bin files."""
        paths = [folder / name for names in _BATCHES.values() for name in names]
        return cls.of_batches(folder, {path.name: _bounded(path) for path in paths if path.is_file()})

    @classmethod
    def of_batches(cls, where: Path, found: Mapping[str, bytes]) -> _Binary:
        """Check and join the batches, by file name. Raises UserError."""
        for name in (name for names in _BATCHES.values() for name in names):
            if name not in found:
                raise UserError(f"{where}: {name} is missing; {_BRING}")
            if not found[name] or len(found[name]) % _RECORD_BYTES:
                raise UserError(f"{where}: {name} is truncated, or no file of CIFAR-10; {_BRING}")
        joined = {
            split: np.frombuffer(b"".join(found[name] for name in names), np.uint8).reshape(-1, _RECORD_BYTES)
            for split, names in _BATCHES.items()
        }
        for split, records in joined.items():
            if missing := sorted(set(range(len(CLASSES))) ^ set(np.unique(records[:, 0]).tolist())):
                raise UserError(f"{where}: not CIFAR-10, whose labels are 0 to 9 in {split} too (see {missing[0]})")
        return cls(joined)

    def names(self, split: Split, label: int) -> list[str]:
        return [f"{number:05d}.png" for number in np.flatnonzero(self.records[split][:, 0] == label)]

    def picture(self, split: Split, label: int, name: str) -> bytes:
        planes = self.records[split][int(Path(name).stem), 1:].reshape(3, _SIDE_PIXELS, _SIDE_PIXELS)
        done, data = cv2.imencode(".png", np.ascontiguousarray(planes[::-1].transpose(1, 2, 0)))
        if not done:
            raise RuntimeError("OpenCV could not encode PNG")
        return data.tobytes()


def _bounded(path: Path) -> bytes:
    if path.stat().st_size > _MAX_BATCH_BYTES:
        raise UserError(f"{path}: too large for a file of CIFAR-10; {_BRING}")
    return path.read_bytes()


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
