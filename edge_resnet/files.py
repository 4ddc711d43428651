"""Files written whole: a temporary file beside the target, fsync, then rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20
# It can only be read by setting it, and that is for all threads: what one makes meanwhile nobody else may touch.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


@contextmanager
def whole_file(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well it replaces `path`, else it is removed.

    `mode`: its permissions, by default those of any new file. A reader sees the old file or the new one, never a half.
    Raises OSError (for example when the disk is full).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o666 & ~_UMASK if mode is None else mode)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    write_bytes(path, text.encode("utf-8", errors="surrogateescape"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; when the block ends well it takes the place of `path`.

    An older folder at `path` is moved aside first and removed last, so a crash in between leaves one of the two whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    temporary.chmod(0o777 & ~_UMASK)
    aside = path.with_name(f".{path.name}-old-{os.getpid()}")
    try:
        yield temporary
        for item in temporary.rglob("*"):
            _sync(item)
        if path.exists():
            path.rename(aside)
        temporary.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if aside.exists() and path.exists():
            shutil.rmtree(aside, ignore_errors=True)


def printable(text: str) -> str:
    """A text that may hold a file's name: bytes of it that are no UTF-8 become the replacement character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
