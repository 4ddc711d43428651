"""Tables that several commands print for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_clips(clips: list[dict[str, Any]], title: str) -> None:
    """Print what was raised on each clip against its truth (WatchedClip.to_json)."""
    table = Table("clip", "truth", "events", "verdict", title=title)
    for clip in clips:
        wrong = [f"{clip[key]} {key}" for key in ("missed", "false") if clip[key]]
        truth = [f"{label} {start:g} to {end:g} s" for label, start, end in clip["truth"]]
        events = [f"{alarm} at {raised:.1f} s" for alarm, raised, _ in clip["events"]]
        table.add_row(clip["clip"], ", ".join(truth) or "normal", ", ".join(events) or "-", ", ".join(wrong) or "right")
    Console().print(table)
