"""A file to which a line of JSON is added for each notice; on the disk before it counts as delivered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runtime.config.sinks import JsonlSettings
from runtime.events.notice import Notice
from runtime.sinks.sink import Context, Sink, Unavailable


class JsonlSink(Sink):
    """The file is opened for each line, so that it may be moved away at any time, as logrotate does."""

    def __init__(self, settings: JsonlSettings, context: Context) -> None:
        self._path = settings.path

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                _append(handle, notice.to_json().encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror or error}") from error


def _append(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    # What a power cut or a full disk left of a line ends here, so that it spoils no other.
    torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
    data = b"\n" * torn + line + b"\n"
    try:
        if os.write(handle, data) < len(data):
            raise OSError("no space left on the device")
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise
