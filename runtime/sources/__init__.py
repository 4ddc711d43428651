"""Where frames come from: devices, network streams, video files and folders of pictures."""

from __future__ import annotations

from collections.abc import Callable

from runtime.sources.address import Address
from runtime.sources.capture import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from runtime.sources.feed import Taker, nobody
from runtime.sources.file import FileSource
from runtime.sources.folder import FolderSource
from runtime.sources.frame import PictureSource, Source
from runtime.sources.hardware import Decoder
from runtime.sources.http import HttpSource
from runtime.sources.outage import Outage
from runtime.sources.packets import NEEDS_PYAV, pyav
from runtime.sources.rtsp import RtspSource
from runtime.sources.usb import UsbSource

# Opens a source by its packets, as open_packets does.
OpenPackets = Callable[[Address, float, float, Taker, Decoder], Source]


def open_source(
    address: Address, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
) -> PictureSource:
    """Open what the address names, within `open_timeout_s` seconds and some for finding out why it does not open.

    Raises Outage, in one line and without a password. `read_timeout_s`: how long a live source may be silent.
    """
    if address.kind == "file":
        return FileSource(address)
    if address.kind == "folder":
        return FolderSource(address)
    if address.kind == "device":
        return UsbSource(address, open_timeout_s, read_timeout_s)
    if address.is_rtsp:
        return RtspSource(address, open_timeout_s, read_timeout_s)
    return HttpSource(address, open_timeout_s, read_timeout_s)


def open_packets(
    address: Address,
    open_timeout_s: float,
    read_timeout_s: float,
    taker: Taker = nobody,
    decoder: Decoder = "cpu",
) -> Source:
    """Open what has packets by PyAV, so that frames can be passed over. Raises Outage, also where PyAV is missing.

    `taker`: who is given each packet, of a codec that clips can be made of. `decoder`: what decodes.
    """
    av = pyav()
    if av is None:
        raise Outage(address.name, "resources", f"attention: ladder {NEEDS_PYAV}")
    # It imports PyAV.
    from runtime.sources.packet_source import PacketSource

    return PacketSource(av, address, open_timeout_s, read_timeout_s, taker, decoder)
