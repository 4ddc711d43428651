"""What is kept in box/tensorrt/: engines, timing caches, compiled kernels; each pure, with a JSON file beside it.

    tensorrt_rtx-fp16-SM89.engine        the bytes that the builder gave, no header of ours: trtexec, Triton and
                                         DeepStream read it as it is
    tensorrt_rtx-fp16-SM89.engine.json   what it was made from and for, its size and SHA-256
    tensorrt.timing, .timing.json        kernels' times, so that the next build is quicker
    tensorrt_rtx-fp16-SM89.kernels, ...  what tensorrt_rtx compiled when the engine first ran

An engine is code: nothing is loaded but what was made on this machine, from this model, by this version of the library,
for this GPU and driver, and whose bytes are as they were written. What does not fit is told and made again. That guards
against copies, updates and damage; whoever may write to box/ and knows the machine can still put an engine there.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_resnet import files
from edge_resnet.errors import BackendError
from runtime.backends.base import Executed, Log
from runtime.backends.tensorrt.options import Options

FOLDER = "tensorrt"
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_MAX_ENTRY_BYTES = 1 << 20
_MAX_FILE_BYTES = 2 << 30


class About(BaseModel):
    """What is told of how a file was made. `seconds` it took; `gpu`: the card it was built on, None without one.

    `planned`: what the builder said that an engine will compute in, None where it tells nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: str = ""
    seconds: float = 0.0
    system: str = ""
    gpu: dict[str, Any] | None = None
    planned: Executed | None = None


class Entry(BaseModel):
    """The JSON beside a kept file. `parts`: all that it depends on, by name; `options`: how to make it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, description="bytes")
    parts: dict[str, str]
    options: Options
    about: About = About()

    @classmethod
    def of(cls, data: bytes, parts: Mapping[str, str], options: Options, about: About) -> Entry:
        """What is to be told of `data`."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(key=key(parts), sha256=digest, size=len(data), parts=dict(parts), options=options, about=about)


class Shelf:
    """The kept files of a box; `box` None keeps nothing. `log` is told, in lines, what is not used and why."""

    def __init__(self, box: Path | None, log: Log) -> None:
        self._folder = None if box is None else box / FOLDER
        self._log = log

    def path(self, name: str) -> Path | None:
        """Where a file is kept."""
        return None if self._folder is None else self._folder / name

    def names(self, pattern: str) -> list[str]:
        """The names of kept files that match a pattern of the shell's kind."""
        return [] if self._folder is None else sorted(path.name for path in self._folder.glob(pattern))

    def entry(self, name: str) -> Entry | None:
        """What is told of a kept file; None when there is none, or (which is told) when its JSON is damaged."""
        if self._folder is None or not (path := _entry_path(self._folder / name)).exists():
            return None
        try:
            if path.stat().st_size > _MAX_ENTRY_BYTES:
                raise ValueError("too large")
            return Entry.model_validate(json.loads(path.read_bytes()))
        except (OSError, ValueError, ValidationError, RecursionError):
            self._log(f"{path}: damaged; what it describes is made again")
            return None

    def read(self, name: str, parts: Mapping[str, str]) -> bytes | None:
        """The bytes of a kept file, if it is there, made for exactly `parts`, and undamaged; else None, and why."""
        entry = self.entry(name)
        if self._folder is None or entry is None:
            return None
        path = self._folder / name
        if entry.key != key(parts):
            self._log(f"{path}: {_difference(entry.parts, parts)}; made again")
            return None
        data = _bytes(path, entry.size)
        if data is None or hashlib.sha256(data).hexdigest() != entry.sha256:
            self._log(f"{path}: damaged or missing; made again")
            return None
        return data

    def write(self, name: str, data: bytes, parts: Mapping[str, str], options: Options, about: About) -> Entry:
        """Keep a file, and its JSON after it. Raises BackendError when the disk is full or may not be written."""
        entry = Entry.of(data, parts, options, about)
        if self._folder is not None:
            path = self._folder / name
            try:
                files.write_bytes(path, data)
                files.write_json(_entry_path(path), entry.model_dump(mode="json"))
            except OSError as error:
                why = error.strerror or str(error)
                raise BackendError(
                    f"{path}: cannot be kept ({why}); make room, or name another folder with --box"
                ) from error
        return entry


def key(parts: Mapping[str, str]) -> str:
    """A hash over everything that a kept file depends on."""
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


def machine() -> str:
    """A name for this machine that another one does not have: the hash of systemd's machine-id, else of its MAC."""
    for path in _MACHINE_IDS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text:
            return hashlib.sha256(text.encode()).hexdigest()[:16]
    return hashlib.sha256(str(uuid.getnode()).encode()).hexdigest()[:16]


def _entry_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _bytes(path: Path, size: int) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size == size <= _MAX_FILE_BYTES else None
    except OSError:
        return None


def _difference(kept: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """The first part that differs, in words."""
    for name, value in wanted.items():
        if kept.get(name) != value:
            return f"made for {name} {kept.get(name, 'unknown')}, here it is {value}"
    return "its key does not fit what it tells"
