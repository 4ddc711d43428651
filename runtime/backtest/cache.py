"""The cache of a backtest: what the network saw in a clip, so that only a first run needs the network.

An entry's name is a hash of all that its scores depend on; what no longer fits is simply not found.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_resnet import files
from edge_resnet.manifest import ModelSpec
from edge_resnet.probability import sum_of_classes
from runtime.config.settings import CameraSettings
from runtime.events.journal import Decider
from runtime.look import Look

VERSION = 1
# An hour of a large map, unpacked; more is no cache of ours.
_MOST_BYTES = 4 << 30
# Maps over this size are kept in half precision: a zone's probability then differs by up to 0.001.
_WHOLE_MAP_BYTES = 256 << 20


@dataclass(frozen=True)
class Seen:
    """What the network saw in a clip of `seconds` (to its last frame): a look at each frame that was due."""

    looks: tuple[Look, ...]
    seconds: float


class Cache:
    """A folder with a file for each clip, model, engine, precision, rate and masks."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """`say` is told of entries that cannot be read or written."""
        self.folder, self._say = folder, say

    def find(self, key: str, camera: str, model: ModelSpec) -> Seen | None:
        """An entry; None where there is none that can be read. `camera`: under whose name its looks are given."""
        path = self._path(key)
        try:
            return _unpack(path.read_bytes(), camera, model)
        except FileNotFoundError:
            return None
        except Exception as error:  # zipfile, zlib, numpy and its parser of headers have a dozen ways to say so
            self._say(f"{path}: not a cache of scores ({error or type(error).__name__}); it is made anew")
            return None

    def put(self, key: str, seen: Seen, model: ModelSpec) -> None:
        """Keep an entry, whole or not at all. That it cannot be written is said, and no more."""
        try:
            files.write_bytes(self._path(key), _pack(seen, model))
        except OSError as error:
            self._say(f"{self.folder}: scores are not kept ({error.strerror}); name another folder with --cache")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def default_folder() -> Path:
    """Where the desktop's standard (XDG Base Directory) puts what can be made again."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    # By that standard a path that is not absolute does not count.
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    return base / "edge-resnet" / "backtest"


def key_of(clip: Path, model: ModelSpec, decider: Decider, camera: CameraSettings) -> str:
    """The name of a clip's entry, in hexadecimal: a hash of all that its scores depend on. Raises OSError."""
    depends: dict[str, Any] = {
        "version": VERSION,
        "clip": files.sha256(clip),
        "decider": asdict(decider),
        # Alarms are not among it: they are sums that are made anew.
        "model": model.model_dump(mode="json", include={"labels", "input", "temperature"}),
        "rate": camera.rate,
        "masks": camera.masks,
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _pack(seen: Seen, model: ModelSpec) -> bytes:
    looks = seen.looks
    cam = np.array([look.cam for look in looks], np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        seconds=np.float64(seen.seconds),
        times_s=np.array([look.time_s for look in looks], np.float64),
        indices=np.array([look.index for look in looks], np.int64),
        probabilities=np.array([[look.probabilities[label] for label in model.labels] for look in looks], np.float64),
        cam=cam if cam.nbytes <= _WHOLE_MAP_BYTES else cam.astype(np.float16),
        sizes=np.array([(look.frame_height, look.frame_width) for look in looks], np.int64),
    )
    return buffer.getvalue()


def _unpack(data: bytes, camera: str, model: ModelSpec) -> Seen:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MOST_BYTES:
            raise ValueError("too large")
    with np.load(io.BytesIO(data), allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    n = len(arrays["times_s"])
    shapes = {"times_s": (n,), "indices": (n,), "probabilities": (n, len(model.labels)), "sizes": (n, 2), "seconds": ()}
    if any(arrays[name].shape != shape for name, shape in shapes.items()) or len(arrays["cam"]) != n:
        raise ValueError("its shapes do not fit")
    return Seen(tuple(_looks(arrays, camera, model)), float(arrays["seconds"]))


def _looks(arrays: dict[str, Any], camera: str, model: ModelSpec) -> Sequence[Look]:
    probabilities = np.asarray(arrays["probabilities"], np.float64)
    alarms = {name: sum_of_classes(probabilities, model.class_indices(name)) for name in model.alarms}
    cam = np.asarray(arrays["cam"], np.float32)
    return [
        Look(
            camera=camera,
            time_s=time_s,
            index=index,
            probabilities=dict(zip(model.labels, probabilities[number].tolist(), strict=True)),
            alarms={name: float(values[number]) for name, values in alarms.items()},
            cam=cam[number],
            frame_height=height,
            frame_width=width,
        )
        for number, (time_s, index, (height, width)) in enumerate(
            zip(arrays["times_s"].tolist(), arrays["indices"].tolist(), arrays["sizes"].tolist(), strict=True)
        )
    ]
