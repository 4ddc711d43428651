"""Where frames come from: devices, network streams, video files and folders of pictures."""

from __future__ import annotations

from runtime.sources.address import Address
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.file import FileSource
from runtime.sources.folder import FolderSource
from runtime.sources.frame import Source
from runtime.sources.http import HttpSource
from runtime.sources.rtsp import RtspSource
from runtime.sources.usb import UsbSource


def open_source(
    address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
) -> Source:
    """Open what the address names, within `open_timeout_s` seconds and some for finding out why it does not open.

    Raises Outage, in one line and without a password. `read_timeout_s`: how long a live source may be silent.
    """
    if address.kind == "file":
        return FileSource(address)
    if address.kind == "folder":
        return FolderSource(address)
    if address.kind == "device":
        return UsbSource(address, open_timeout_s, read_timeout_s)
    if address.target.lower().startswith(("rtsp:", "rtsps:")):
        return RtspSource(address, open_timeout_s, read_timeout_s)
    return HttpSource(address, open_timeout_s, read_timeout_s)
