"""Our stream as a program of its own that writes a JSON line a look and an event, with the time at which it was known.

    python -m benchmarks.cameras.ours CAMERAS.yaml BUNDLE EVENTS.sqlite [BACKEND PRECISION]

{"camera", "at_s", "captured_s"} for a look, and the alarm too for an event that was raised; times are of
time.monotonic(). Its HTTP port stands in its log.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from runtime.cameras.shot import Shot
from runtime.events.event import Event
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.service.logs import Log
from runtime.session import Stopped, StreamOptions, watch
from runtime.trust import AUTO


class Lines(Output):
    """Writes to standard output."""

    def judged(self, shot: Shot, look: Look) -> None:
        self._write({"camera": look.camera, "at_s": time.monotonic(), "captured_s": shot.frame.captured_s})

    def event(self, event: Event) -> None:
        if event.ended_s is None:
            self._write({"camera": event.camera, "at_s": time.monotonic(), "alarm": event.alarm})

    def _write(self, line: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Watch until SIGTERM."""
    config, bundle, events = (Path(each) for each in sys.argv[1:4])
    backend, precision = (*sys.argv[4:6], AUTO, AUTO)[:2]
    options = StreamOptions(
        config=config, bundle=bundle, events=events, backend=backend, precision=precision, metrics="127.0.0.1:0"
    )
    try:
        watch(options, Log(), also=[Lines()])
    except Stopped:
        return


if __name__ == "__main__":
    main()
