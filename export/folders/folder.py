"""Folders that an export writes for other programs: whole, known as ours, never in the place of other files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.environment import versions
from edge_resnet.errors import UserError
from runtime import tuned

METADATA = "metadata.json"
Kind = Literal["openvino", "triton"]

_MAX_METADATA_BYTES = 1 << 20


@contextmanager
def export_folder(target: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary folder that takes the place of `target` when the block ends well.

    `target` may be absent, empty, or an older export of the same kind to which nobody added; the block ends with
    write_metadata. Raises UserError.
    """
    if target.exists() and not _replaceable(target, kind):
        raise UserError(f"{target}: holds more than an export for {kind}, so it is not replaced; name another folder")
    with files.whole_folder(target) as folder:
        yield folder


def write_metadata(folder: Path, bundle: Bundle, kind: Kind, models: Mapping[str, Mapping[str, Any]]) -> None:
    """Write METADATA, last of all: the kind and the entries of `folder`, by which it is known as ours; the model's
    specification; and what is told of each model."""
    content = {
        "format": f"edge-resnet {kind}",
        "entries": sorted([METADATA, *(path.name for path in folder.iterdir())]),
        "model": bundle.model.model_dump(mode="json"),
        "models": models,
        "bundle_manifest_sha256": tuned.manifest_sha256(bundle),
        "versions": versions(),
    }
    files.write_json(folder / METADATA, content)


def _replaceable(target: Path, kind: Kind) -> bool:
    """Whether nothing lies in `target`, or only what an export of this kind wrote."""
    if not target.is_dir():
        return False
    there = {path.name for path in target.iterdir()}
    path = target / METADATA
    try:
        content = json.loads(path.read_bytes()) if there and path.stat().st_size <= _MAX_METADATA_BYTES else {}
        ours = content["format"] == f"edge-resnet {kind}" and there <= set(content["entries"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        ours = False
    return ours or not there
