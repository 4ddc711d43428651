"""Settings for addresses of the command line, which has neither sites nor names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings
from runtime.sources.address import Address


def of_addresses(addresses: Sequence[str], **settings: Any) -> WatchSettings:
    """A watch of `addresses`, each camera with the same `settings` (fields of CameraSettings, in seconds).

    A camera goes by its address without the password; where two come to the same, the later gets a number.
    Raises CameraError for what is no address.
    """
    cameras: dict[str, CameraSettings] = {}
    for address in addresses:
        name = _another(Address.parse(address).name, cameras)
        cameras[name] = CameraSettings(detect=address, **settings)
    return WatchSettings(sites={"": SiteSettings(cameras=cameras)})


def _another(name: str, taken: dict[str, CameraSettings]) -> str:
    number, another = 1, name
    while another in taken:
        number += 1
        another = f"{name} ({number})"
    return another
