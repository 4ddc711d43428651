"""All of the check-up, in the order in which a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runtime.checkup.box import clock, disk, memory, open_files
from runtime.checkup.codecs import codecs
from runtime.checkup.configured import configured
from runtime.checkup.devices import devices
from runtime.checkup.engines import engines
from runtime.checkup.item import Item
from runtime.config.load import Reading
from runtime.config.settings import WatchSettings


def check_up(reading: Reading | None, events: Path) -> Iterator[Item]:
    """Look at everything; with a configuration, also at its cameras. `events`: where a stream would write them."""
    yield from engines()
    yield from codecs()
    yield from devices()
    settings = None
    if reading is not None:
        yield from _of_reading(reading)
        settings = reading.settings
    if settings is not None:
        yield from configured(settings)
    streams = 1 if settings is None else _streams(settings)
    yield clock()
    yield from disk(events)
    yield open_files(streams)
    yield memory(streams)


def _of_reading(reading: Reading) -> Iterator[Item]:
    for line in reading.lines():
        yield Item("configuration", str(reading.file), "problem", line)
    for warning in reading.warnings:
        yield Item("configuration", str(reading.file), "warning", warning.line(reading.file))


def _streams(settings: WatchSettings) -> int:
    return sum(1 if camera.record is None else 2 for camera in settings.cameras().values())
