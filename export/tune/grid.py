"""The fastest way to run a bundle on this box within a budget: input size x precision x engine x threads, measured.

Accuracy does not depend on threads, so it is measured once for each network; time is measured in interleaved rounds.
What was measured is kept in box/tune, the choice in box/tune.json. See docs/decisions/0011-tune.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.data.listing import Listing
from edge_resnet.errors import BackendError, BundleError, UserError
from edge_resnet.geometry import CELL_PIXELS
from edge_resnet.hardware import cores, cpu_name
from edge_resnet.progress import Narrator
from edge_resnet.statistics import wilson
from edge_resnet.verdict import DEFAULT_MARGIN, GATES, AccuracyDrop, accuracy_drop
from export.tune.exam import Exam, LeftOut
from export.tune.measure import Bench, Effort, Network, Notebook, Point, Size, Times, time_in_rounds
from runtime import trust, tuned
from runtime.backends import precisions
from runtime.backends.base import Hint
from runtime.backends.registry import require, version

# In the box: what was measured, and the bundles of other sizes while they are measured.
FOLDER = "tune"
NOTEBOOK = "points.json"
# The stream looks at one frame at a time.
HINT: Hint = "latency"

# Each default size has so much of the own size's area, and so of its work.
_AREAS = (1.0, 3 / 4, 1 / 2, 1 / 3)


@dataclass(frozen=True)
class Grid:
    """What to measure. `sizes`: (height, width) in pixels. None: all that this box and the bundle have."""

    sizes: tuple[Size, ...]
    threads: tuple[int, ...]
    precisions: tuple[str, ...] | None = None
    backends: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Result:
    """A point as it was measured. `interval`: Wilson's 95% interval of its accuracy."""

    point: Point
    accuracy: AccuracyDrop
    interval: tuple[float, float]
    times: Times

    def to_json(self) -> dict[str, Any]:
        """Everything, as types of JSON."""
        figures = {"interval_95": list(self.interval), **asdict(self.times), "accuracy": asdict(self.accuracy)}
        return {**asdict(self.point.network), "threads": self.point.threads, **figures}


@dataclass(frozen=True)
class Budget:
    """What a choice may cost.

    `max_drop`: of accuracy (0..1), against fp32 at the bundle's own size. `max_latency_ms`: at p99, None for no limit.
    """

    max_drop: float = DEFAULT_MARGIN
    max_latency_ms: float | None = None

    def accurate(self, result: Result) -> bool:
        """Whether the drop seen is within the budget (whether it is proven is result.accuracy.non_inferiority)."""
        return result.accuracy.drop <= self.max_drop

    def holds(self, result: Result) -> bool:
        """Whether a point may be chosen."""
        return self.accurate(result) and (self.max_latency_ms is None or result.times.p99_ms <= self.max_latency_ms)


@dataclass(frozen=True)
class Tuning:
    """All points of the grid on the same `n` pictures, the fastest first; `reference` is what drops are against."""

    reference: Network
    n: int
    results: tuple[Result, ...]
    left_out: tuple[LeftOut, ...]
    budget: Budget

    @property
    def chosen(self) -> Result | None:
        """The fastest point (its median) within the budget."""
        return next((result for result in self.results if self.budget.holds(result)), None)

    @property
    def nearest(self) -> Result:
        """Where no point holds: the one with the lowest p99 of those accurate enough, or else the most accurate."""
        accurate = [result for result in self.results if self.budget.accurate(result)]
        if accurate:
            return min(accurate, key=lambda result: result.times.p99_ms)
        return min(self.results, key=lambda result: (result.accuracy.drop, result.times.p50_ms))

    @property
    def speed_up(self) -> float | None:
        """How many times faster the choice is than the fastest fp32 at the reference's size, if that was measured."""
        size = (self.reference.height, self.reference.width, "fp32")
        plain = [
            result.times.p50_ms
            for result in self.results
            if (result.point.network.height, result.point.network.width, result.point.network.precision) == size
        ]
        return min(plain) / self.chosen.times.p50_ms if plain and self.chosen is not None else None

    def to_json(self) -> dict[str, Any]:
        """Everything, as types of JSON."""
        return {
            "n": self.n,
            "reference": asdict(self.reference),
            "budget": asdict(self.budget),
            "chosen": None if self.chosen is None else self.chosen.to_json(),
            "nearest": None if self.chosen is not None else self.nearest.to_json(),
            "speed_up": self.speed_up,
            "points": [result.to_json() for result in self.results],
            "left_out": [asdict(item) for item in self.left_out],
        }


def default_sizes(height: int, width: int) -> tuple[Size, ...]:
    """The own size, and those of about 3/4, 1/2 and 1/3 of its area, on whole cells of the map (32 pixels)."""
    scaled = [(_on_cells(height * area**0.5), _on_cells(width * area**0.5)) for area in _AREAS[1:]]
    smaller = [size for size in scaled if size[0] * size[1] < height * width]
    return tuple(dict.fromkeys([(height, width), *smaller]))


def default_threads() -> tuple[int, ...]:
    """The engine's own choice, and half of the processor's cores, which leaves the others to video."""
    half = cores() // 2
    return (0, half) if half else (0,)


def some_of(listing: Listing, count: int | None) -> Listing:
    """At most `count` pictures of a listing, evenly spread, so that classes keep their shares."""
    total = len(listing.samples)
    if count is None or count >= total:
        return listing
    return listing.with_samples(
        listing.samples[index] for index in np.linspace(0, total - 1, count).round().astype(int)
    )


def tune(
    bundle: Bundle,
    listing: Listing,
    grid: Grid,
    budget: Budget,
    box: Path,
    narrator: Narrator,
    effort: Effort | None = None,
) -> Tuning:
    """Measure the grid on labelled pictures. Writes only below box/tune (and what engines cache in the box).

    Raises UserError; KeyboardInterrupt leaves what was measured, and the same call goes on from there.
    """
    networks, left_out = _networks(bundle, grid)
    notebook = Notebook(box / FOLDER / NOTEBOOK)
    try:
        reference = _reference(bundle, grid, box, narrator)
        bundles = _bundles(bundle, grid.sizes, reference.backend, box, narrator)
        # An engine keeps one file of each kind in a box, so each size has its own.
        boxes = {size: box if size == _size(bundle) else each.box for size, each in bundles.items()}
        bench = Bench(bundles, boxes, effort or Effort())
        exam = Exam(bench, notebook, listing, narrator)
        base = exam.right(reference)
        rights = exam.rights(networks, left_out)
        points = [Point(network, threads) for network in rights for threads in grid.threads]
        with narrator.stage(f"timing {len(points)} points in {bench.effort.rounds} rounds") as step:
            times = time_in_rounds(bench, points, notebook, step)
    except KeyboardInterrupt:
        narrator.say(f"what was measured is kept in {box / FOLDER}; the same command goes on from there")
        raise
    results: list[Result] = []
    for point, measured in times.items():
        if isinstance(measured, BackendError):
            left_out.append(LeftOut(point.describe(), str(measured)))
            continue
        right = rights[point.network]
        drop = accuracy_drop(base, right, budget.max_drop)
        results.append(Result(point, drop, wilson(int(right.sum()), len(right)), measured))
    if not results:
        raise BackendError(f"no engine here runs {bundle.folder}: {'; '.join(item.reason for item in left_out)}")
    results.sort(key=lambda result: (result.times.p50_ms, result.point))
    return Tuning(reference, len(base), tuple(results), tuple(left_out), budget)


def keep(bundle: Bundle, tuning: Tuning, box: Path, narrator: Narrator) -> tuned.Choice | None:
    """Write the choice to the box: box/tune.json, and box/tuned for another input size. None: there is no choice.

    The choice is opened as the stream will open it, so that its golden replay is on record. Raises UserError when it is
    refused, and then nothing changed.
    """
    if tuning.chosen is None:
        return None
    choice = _choice(bundle, tuning.chosen, tuning.n)
    own_size = (choice.height, choice.width) == _size(bundle)
    chosen = bundle if own_size else Bundle.open(_folder(box, choice.height, choice.width))
    trust.choose(
        chosen,
        choice.backend,
        choice.precision,
        threads=choice.threads,
        hint=choice.hint,
        box=box if own_size else chosen.box,
        log=narrator.say,
    ).close()
    if not own_size:
        with files.whole_folder(box / tuned.FOLDER) as folder:
            shutil.copytree(chosen.folder, folder, dirs_exist_ok=True)
    tuned.write(box, choice)
    if own_size:
        shutil.rmtree(box / tuned.FOLDER, ignore_errors=True)
    return choice


def tidy(box: Path) -> None:
    """Remove the bundles of other sizes that were made for measuring; what was measured stays."""
    for folder in (box / FOLDER).glob("*x*"):
        shutil.rmtree(folder, ignore_errors=True)


def _networks(bundle: Bundle, grid: Grid) -> tuple[list[Network], list[LeftOut]]:
    """The networks of the grid, size by size, and what this box or this bundle lacks."""
    if unknown := sorted(set(grid.precisions or ()) - set(GATES)):
        raise UserError(f"--precisions {','.join(unknown)}: takes {', '.join(GATES)}")
    for name in grid.backends or ():
        require(name)
    ways: list[tuple[str, str]] = []
    left_out = []
    for name in grid.backends or trust.automatic():
        there = precisions(name, bundle)
        ways += [(name, precision) for precision in there if precision in (grid.precisions or there)]
        for missing in (precision for precision in grid.precisions or () if precision not in there):
            left_out.append(LeftOut(f"{missing} on {name}", "the engine or the bundle has no such model"))
    if not ways:
        raise UserError(f"{bundle.folder}: nothing to measure, no engine named has a model in a precision named")
    return [Network(*size, precision, name) for size in grid.sizes for name, precision in ways], left_out


def _reference(bundle: Bundle, grid: Grid, box: Path, narrator: Narrator) -> Network:
    """fp32 at the bundle's own size, on the first engine of the grid that is trusted with it."""
    refused = []
    for name in grid.backends or trust.automatic():
        try:
            trust.choose(bundle, name, "fp32", box=box, log=narrator.say).close()
            return Network(*_size(bundle), "fp32", name)
        except BackendError as error:
            refused.append(str(error))
    raise BackendError(f"{bundle.folder}: no engine here runs its fp32 model ({'; '.join(refused)})")


def _bundles(bundle: Bundle, sizes: Sequence[Size], engine: str, box: Path, narrator: Narrator) -> dict[Size, Bundle]:
    """The bundle of each size: the one at hand for its own size, derived ones in box/tune for others."""
    bundles = {_size(bundle): bundle}
    for height, width in sizes:
        if (height, width) not in bundles:
            folder = _folder(box, height, width)
            made = _made_before(bundle, folder)
            if made is None:
                from export.tune.derive import derive  # needs onnx, which a box may not have

                with narrator.stage(f"rewriting the models for {height}x{width}"):
                    made = derive(bundle, folder, height, width, engine)
            bundles[height, width] = made
    return bundles


def _made_before(bundle: Bundle, folder: Path) -> Bundle | None:
    """What an interrupted run derived from this bundle, if it is whole."""
    if not folder.is_dir():
        return None
    try:
        made = Bundle.open(folder)
        made.check()
    except BundleError:
        return None
    return made if made.manifest.provenance.get(tuned.DERIVED_FROM) == tuned.manifest_sha256(bundle) else None


def _choice(bundle: Bundle, result: Result, n: int) -> tuned.Choice:
    network, accuracy = result.point.network, result.accuracy
    return tuned.Choice(
        height=network.height,
        width=network.width,
        backend=network.backend,
        precision=network.precision,
        threads=result.point.threads,
        hint=HINT,
        measured=tuned.Measured(
            n=n,
            accuracy=accuracy.candidate,
            interval=result.interval,
            drop=accuracy.drop,
            drop_lower=accuracy.lower,
            drop_upper=accuracy.upper,
            non_inferiority=accuracy.non_inferiority,
            p50_ms=result.times.p50_ms,
            p99_ms=result.times.p99_ms,
            frames_per_s=result.times.frames_per_s,
        ),
        manifest_sha256=tuned.manifest_sha256(bundle),
        processor=cpu_name(),
        engine_version=version(network.backend),
    )


def _size(bundle: Bundle) -> Size:
    return bundle.model.input.height, bundle.model.input.width


def _folder(box: Path, height: int, width: int) -> Path:
    return box / FOLDER / f"{height}x{width}"


def _on_cells(pixels: float) -> int:
    return max(CELL_PIXELS, CELL_PIXELS * round(pixels / CELL_PIXELS))
