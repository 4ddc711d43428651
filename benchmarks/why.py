"""What it costs to say why: recorded scores, near misses, snapshots and clips, as shares of the stream's CPU.

Clips are watched as the stream does, with all that is recorded by default. CPU time is counted where it is spent: in
the score book and the store's near misses (the main thread), and in the two threads that make pictures and write files.

    python -m benchmarks.why BUNDLE CLIP [CLIP ...] [--backend B] [--precision P] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.command_line import Parser, exit_code
from runtime.events.store import EventStore
from runtime.recording.archive import Archive
from runtime.recording.recorder import Recorder
from runtime.recording.studio import Studio
from runtime.scorebook import ScoreBook
from runtime.service.logs import Log
from runtime.session import StreamOptions, watch

SCORES, PICTURES, FILES = "scores", "clip_pictures", "snapshots_and_clips"
_COUNTED: tuple[tuple[str, type, str], ...] = (
    (SCORES, ScoreBook, "add"),
    (SCORES, ScoreBook, "flush"),
    (SCORES, EventStore, "add_miss"),
    (PICTURES, Recorder, "judged"),
    (PICTURES, Studio, "run"),
    (FILES, Recorder, "evidence"),
    (FILES, Archive, "run"),
)


def main() -> None:
    """Measure and print."""
    parser = Parser("why", __doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    spent: Counter[str] = Counter()
    for name, kind, method in _COUNTED:
        _count(spent, name, kind, method)
    rows = [_watch(options, clip, spent) for clip in options.clips]
    total = {key: sum(row[key] for row in rows) for key in ("cpu_s", "looks", "events", "near_misses")}
    shares = {name: round(100 * seconds / total["cpu_s"], 2) for name, seconds in spent.items()}
    answer = {**total, "cpu_s": round(total["cpu_s"], 2), "engine": rows[0]["engine"], "percent_of_cpu": shares}
    print(json.dumps(answer, indent=None if options.json else 2))


def _watch(options: argparse.Namespace, clip: Path, spent: Counter[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.sqlite"
        began_s = time.process_time()
        seen = watch(
            StreamOptions(
                (str(clip),),
                bundle=options.bundle,
                backend=options.backend,
                precision=options.precision,
                events=events,
            ),
            Log(),
        )
        cpu_s = time.process_time() - began_s
        with EventStore(events, read_only=True) as store:
            misses = len(store.misses())
    return {
        "cpu_s": cpu_s,
        "looks": seen.looks,
        "events": len(seen.events),
        "near_misses": misses,
        "engine": f"{seen.backend} {seen.precision}",
    }


def _count(spent: Counter[str], name: str, kind: type, method: str) -> None:
    """Have the CPU time of a method's thread counted under a name."""
    original: Callable[..., Any] = getattr(kind, method)

    def counted(*arguments: Any, **named: Any) -> Any:
        before_s = time.thread_time()
        try:
            return original(*arguments, **named)
        finally:
            spent[name] += time.thread_time() - before_s

    setattr(kind, method, counted)


if __name__ == "__main__":
    sys.exit(exit_code(main))
