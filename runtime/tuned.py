"""What `edge-resnet tune` chose on this box (box/tune.json), and whether it still fits: the stream obeys it.

A choice is for one bundle, one processor and one version of its engine. Where one of them differs it is not obeyed, and
that is said. It only names what to open: trust replays the golden frames all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from edge_resnet import files
from edge_resnet.bundle import MANIFEST, Bundle
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from edge_resnet.manifest import Strict
from runtime.backends.base import Hint, Log
from runtime.backends.registry import version

FILE = "tune.json"
# The bundle of the chosen input size, in the box; there is none when the bundle's own size was chosen.
FOLDER = "tuned"
# Where the provenance of such a bundle keeps the hash of the manifest that it was made from.
DERIVED_FROM = "derived_from"

_MAX_FILE_BYTES = 1 << 16


class Measured(Strict):
    """What tune measured of its choice, on `n` pictures.

    Accuracies are 0..1: `interval` is Wilson's at 95%, `drop` the paired drop against fp32 at the bundle's own size,
    with its one-sided 95% bounds. `p50_ms`, `p99_ms`: one frame, the engine alone.
    """

    n: int = Field(ge=1)
    accuracy: float = Field(ge=0.0, le=1.0)
    interval: tuple[float, float]
    drop: float = Field(ge=-1.0, le=1.0)
    drop_lower: float
    drop_upper: float
    non_inferiority: Literal["shown", "undecided", "refuted"]
    p50_ms: float = Field(gt=0.0)
    p99_ms: float = Field(gt=0.0)
    frames_per_s: float = Field(gt=0.0)


class Choice(Strict):
    """box/tune.json: what to open, its figures, and what it depends on (the last three)."""

    schema_version: Literal[1] = 1
    height: int = Field(ge=32, le=4096, description="pixels")
    width: int = Field(ge=32, le=4096, description="pixels")
    backend: str = Field(max_length=40)
    precision: str = Field(max_length=40)
    threads: int = Field(ge=0, le=4096)
    hint: Hint
    measured: Measured
    manifest_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    processor: str
    engine_version: str

    def describe(self) -> str:
        """For people: what it is, and how fast it was."""
        network = f"{self.height}x{self.width} {self.precision} on {self.backend}, threads {self.threads or 'auto'}"
        return f"{network} ({self.measured.p50_ms:.1f} ms a frame, accuracy {0.0 - 100 * self.measured.drop:+.2f} pp)"


@dataclass(frozen=True)
class Tuned:
    """A choice that fits, and what to open: the bundle asked for, or the one of the chosen input size, and its box."""

    bundle: Bundle
    box: Path
    choice: Choice


def manifest_sha256(bundle: Bundle) -> str:
    """The hash of a bundle's manifest, and so of everything in the bundle."""
    return files.sha256(bundle.folder / MANIFEST)


def write(box: Path, choice: Choice) -> None:
    """Write box/tune.json, whole or not at all."""
    files.write_json(box / FILE, choice.model_dump(mode="json"))


def find(bundle: Bundle, box: Path, log: Log) -> Tuned | None:
    """The choice of this box for `bundle`; None where there is none or it does not fit, and then `log` is told why."""
    path = box / FILE
    if not path.is_file():
        return None
    try:
        choice = _read(path)
        _check_fits(choice, bundle)
        chosen = _bundle_of_size(choice, bundle, box)
        return Tuned(chosen, box if chosen is bundle else chosen.box, choice)
    except _Unfit as reason:
        log(f"{path}: not obeyed, {reason}; run edge-resnet tune again")
    except UserError as error:
        log(f"{path}: not obeyed ({error}); run edge-resnet tune again")
    return None


class _Unfit(Exception):
    """Why a choice is not obeyed, in a phrase."""


def _read(path: Path) -> Choice:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise _Unfit("it is too large to be a choice of tune")
        return Choice.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _Unfit(f"it cannot be read ({error.strerror})") from error
    except (ValidationError, RecursionError) as error:
        raise _Unfit("it is not a choice of tune") from error


def _check_fits(choice: Choice, bundle: Bundle) -> None:
    if choice.manifest_sha256 != manifest_sha256(bundle):
        raise _Unfit("it was made for another bundle")
    if choice.processor != cpu_name():
        raise _Unfit(f"it was made on another processor ({choice.processor})")
    if choice.engine_version != (now := version(choice.backend)):
        raise _Unfit(f"it was made with {choice.backend} {choice.engine_version}, and this is {now}")


def _bundle_of_size(choice: Choice, bundle: Bundle, box: Path) -> Bundle:
    size = (choice.height, choice.width)
    if size == (bundle.model.input.height, bundle.model.input.width):
        return bundle
    derived = Bundle.open(box / FOLDER)
    same_size = size == (derived.model.input.height, derived.model.input.width)
    if not same_size or derived.manifest.provenance.get(DERIVED_FROM) != choice.manifest_sha256:
        raise _Unfit(f"{box / FOLDER} is not the bundle of its size")
    return derived
