"""Where frames come from: files, devices and network streams."""

from __future__ import annotations

from runtime.sources.address import Address
from runtime.sources.file import FileSource
from runtime.sources.frame import Source
from runtime.sources.live import LiveSource


def open_source(address: Address) -> Source:
    """Open what the address names. Raises CameraError, in one line and without a password."""
    return FileSource(address) if address.kind == "file" else LiveSource(address)
