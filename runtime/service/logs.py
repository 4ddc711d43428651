"""The log of a watch on standard error: lines for people at a terminal, elsewhere one JSON object a line.

No line holds a password, none can be forged by a camera's name, a fault that repeats does not fill the disk, and a log
that cannot be written never stops the watch.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

import structlog
from structlog.typing import Processor

from runtime.service.redaction import redact_text

_Entry = MutableMapping[str, Any]
Clock = Callable[[], float]

# A fault is told at once, and while it repeats this often.
REPEAT_EVERY_S = 60.0
# Faults that are remembered; with more kinds than this at once, the oldest is told again.
_MOST_FAULTS = 1000


class Log:
    """Structured messages: a short fixed event, and what differs in fields (camera=..., reason=..., seconds=...).

    A message with a `reason` tells of a fault: of those with the same event, camera and reason the first is written,
    and then one a minute, with `repeated`, how many were left out. Called as a function it takes a plain line.
    """

    def __init__(
        self, for_people: bool | None = None, clock: Clock = time.time, monotonic: Clock = time.monotonic
    ) -> None:
        """`for_people`: lines instead of JSON; by default where standard error is a terminal.

        `clock`: seconds since 1970; `monotonic`: seconds from any start.
        """
        if for_people is None:
            for_people = sys.stderr is not None and sys.stderr.isatty()
        last: list[Processor] = (
            [_LocalTime(clock), _flat, _console()]
            if for_people
            else [_UtcTime(clock), structlog.processors.JSONRenderer()]
        )
        self._logger = structlog.wrap_logger(
            _StandardError(),
            processors=[structlog.processors.add_log_level, _Repeats(monotonic), _clean, *last],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        )

    def info(self, event: str, **fields: Any) -> None:
        """Something happened as it should."""
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something is wrong, and the watch copes."""
        self._logger.warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Something is lost until somebody mends it."""
        self._logger.error(event, **fields)

    def __call__(self, text: str) -> None:
        """A plain line, as code that only knows `say` tells it."""
        self.info(text)


class _StandardError:
    """What structlog writes to: the standard error of the moment, which a live table or a test may have replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        # No space on the disk, or nobody reads any more.
        with self._lock, suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    info = warning = error = write


class _Repeats:
    """Leaves out what was told of a fault a moment ago, and counts it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # By fault: when it was told last, and how many were left out since.
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    def __call__(self, logger: Any, method: str, entry: _Entry) -> _Entry:
        if "reason" not in entry:
            return entry
        fault = (str(entry["event"]), str(entry.get("camera", "")), str(entry["reason"]))
        now_s = self._clock()
        with self._lock:
            told_s, left_out = self._told.pop(fault, (-math.inf, 0))
            silent = now_s - told_s < REPEAT_EVERY_S
            self._told[fault] = (told_s, left_out + 1) if silent else (now_s, 0)
            while len(self._told) > _MOST_FAULTS:
                del self._told[next(iter(self._told))]
        if silent:
            raise structlog.DropEvent
        if left_out:
            entry["repeated"] = left_out
        return entry


class _UtcTime:
    """`ts`, ISO 8601 in UTC, in the front."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, logger: Any, method: str, entry: _Entry) -> _Entry:
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        ts = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"ts": ts, "level": entry.pop("level"), "event": entry.pop("event"), **entry}


class _LocalTime:
    """`ts` as the clock on the wall shows it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, logger: Any, method: str, entry: _Entry) -> _Entry:
        entry["ts"] = datetime.fromtimestamp(self._clock()).strftime("%Y-%m-%d %H:%M:%S")
        return entry


def _console() -> structlog.dev.ConsoleRenderer:
    colours = "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="ts", pad_event_to=0, sort_keys=False)


def _flat(logger: Any, method: str, entry: _Entry) -> _Entry:
    """For people: what a field holds becomes fields beside it, their figures with as many places as can be read."""
    flat: _Entry = {}
    for key, value in entry.items():
        if not isinstance(value, Mapping):
            flat[key] = value
            continue
        for name, each in _flat(logger, method, dict(value)).items():
            # A name that is taken keeps its field's name before it.
            flat[f"{key}.{name}" if name in entry or name in flat else name] = _rounded(each)
    return flat


def _rounded(value: Any) -> Any:
    """Four places of a float, and all that stand before its point."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def _clean(logger: Any, method: str, entry: _Entry) -> _Entry:
    return {key: _cleaned(value) for key, value in entry.items()}


def _cleaned(value: Any) -> Any:
    """A value without passwords, without what a terminal or a reader of lines obeys, and that JSON can hold."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(each) for each in value]
    if isinstance(value, PurePath):
        return _visible(str(value))
    return _visible(redact_text(str(value)))


def _visible(text: str) -> str:
    """Line breaks, escape sequences and lone surrogates written as \\n, \\x1b, \\udc80."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )
