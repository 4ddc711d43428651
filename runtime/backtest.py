"""Clips through the very code of the stream, and their events held against the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.service.lines import Lines
from runtime.session import StreamOptions, watch
from runtime.truth import Interval, Tally, read_truth, tally

CLIP_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov"})
TRUTH = "truth.csv"


@dataclass(frozen=True)
class WatchedClip:
    """A clip that was watched: its truth, what was raised, and the counts."""

    name: str
    truth: tuple[Interval, ...]
    events: tuple[Event, ...]
    tally: Tally

    def to_json(self) -> dict[str, Any]:
        """For reports; times in seconds of the clip."""
        return {
            "clip": self.name,
            "truth": [[interval.label, interval.start_s, interval.end_s] for interval in self.truth],
            "events": [[event.alarm, event.raised_s, event.ended_s] for event in self.events],
            **self.tally.to_json(),
        }


def watch_clips(
    folder: Path, bundle: Path, events: Path, say: Callable[[str], None], annotated: Mapping[str, Path] | None = None
) -> list[WatchedClip]:
    """Watch every clip of `folder` with the bundle, and hold what is raised against its truth.csv.

    `events`: the SQLite file that events go to. `annotated`: by a clip's name, where to save it annotated. Raises
    UserError.
    """
    truth = read_truth(folder / TRUTH)
    clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in CLIP_SUFFIXES)
    if not clips:
        raise UserError(f"{folder}: no clips here ({', '.join(sorted(CLIP_SUFFIXES))})")
    alarms = Bundle.open(bundle).model.alarms
    watched, log = [], Lines(say)
    for clip in clips:
        options = StreamOptions((str(clip),), bundle=bundle, events=events, save=(annotated or {}).get(clip.name))
        raised = watch(options, log).events
        intervals = tuple(truth.get(clip.name, ()))
        watched.append(WatchedClip(clip.name, intervals, raised, tally(raised, intervals, alarms)))
    return watched


def total(clips: list[WatchedClip]) -> Tally:
    """The counts of all clips together."""
    return sum((clip.tally for clip in clips), Tally(0, 0, 0))
