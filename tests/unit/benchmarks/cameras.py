"""Stand-ins for the benchmark of cameras: pieces that are shown, and what came of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.cameras.evidence import Spliced
from benchmarks.cameras.excerpts import Excerpt
from benchmarks.cameras.material import Material
from benchmarks.cameras.pieces import FPS, GOP, Piece
from benchmarks.cameras.systems import LADDER, System
from benchmarks.cameras.timeline import Scenery
from benchmarks.cameras.trial import Trial
from edge_resnet.manifest import AlarmSpec

ALARMS = {"fire": AlarmSpec(classes=("fire", "smoke"))}
FRAMES = 120 * FPS
OURS = System(LADDER, lambda urls, folder: [], str)


def piece(name: str, groups: int, alarm: str | None = "fire") -> Piece:
    """A piece so many groups of pictures long, with an excerpt that begins at its frame 7."""
    return Piece(Path(name), groups * GOP, Excerpt(Path(name), 0.0, 1.0, alarm), lead=7, end=groups * GOP - 5)


def material(folder: Path, *rows: str) -> Material:
    """Two clips, of which nothing is read, with these rows of truth."""
    for name in ("one.mp4", "two.mp4"):
        (folder / name).touch()
    (folder / "truth.csv").write_text("\n".join(["clip,start_s,end_s,class", *rows, ""]))
    return Material.read(folder, folder / "truth.csv")


SCENERY = Scenery(Piece(Path("quiet"), 6 * GOP), (piece("a", 5), piece("b", 4)), (piece("moving", 3, None),))


def spliced(camera: int, excerpt: str, first_s: float) -> Spliced:
    """An alarm whose excerpt is spliced in from `first_s` on, and whose cause is seen 2 s later."""
    return Spliced(camera, "fire", excerpt, first_s, first_s + 2.0, first_s + 10.0)


def trial(
    cameras: int,
    *,
    per_s: float = 5.0,
    behind: tuple[str, ...] = (),
    alarms: Mapping[str, float | None] | None = None,
    system: str = LADDER,
) -> Trial:
    """What came of a trial, as far as it matters here; `alarms`: all due, with delays, None for not raised."""
    told = (alarms or {}).items()
    return Trial(
        system=system,
        cameras=cameras,
        seconds=60.0,
        classified_per_s=per_s,
        age_p50_s=0.1,
        age_p99_s=0.2,
        longest_gap_s=1.0,
        cores=1.0,
        server_cores=0.1,
        stages={},
        pss_mb=100.0 + 5 * cameras,
        threads=9,
        alarms=tuple((spliced(0, excerpt, 0.0), delay_s) for excerpt, delay_s in told),
        others=0,
        overloaded=0.0,
        missed=0,
        behind=behind,
        silent=tuple(excerpt for excerpt, delay_s in told if delay_s is None),
    )


# What is sent.
