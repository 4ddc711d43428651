"""The attention ladder in a configuration: which cameras are on it, and what is told of those that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edge_resnet.errors import CameraError
from runtime.config.finding import Finding, KeyPath
from runtime.config.references import cameras
from runtime.config.settings import CameraSettings
from runtime.sources.address import Address
from runtime.sources.packets import NEEDS_PYAV, pyav


def on_ladder(camera: CameraSettings) -> bool:
    """Whether frames of a camera may be passed over undecoded."""
    return camera.attention == "ladder" and Address.parse(camera.detect).has_packets


def without_pyav(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras that are to be on the ladder where PyAV, which finds their packets, is not installed.

    `data`: as read, with addresses that can be opened.
    """
    for path, _, address in _asking(data):
        if address.has_packets and pyav() is None:
            yield Finding((*path, "attention"), f"ladder {NEEDS_PYAV}; or write full")


def warnings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What of a configuration works otherwise than somebody may think who wrote it. `data`: as read."""
    yield from without_packets(data)
    yield from idle_ladders(data)
    yield from idle_decoders(data)


def without_packets(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras that are to be on the ladder, cannot be, and have a gate in its place that nobody has put there."""
    for path, camera, address in _asking(data):
        gate = camera.get("gate")
        if not address.has_packets and not (isinstance(gate, dict) and gate.get("enabled") is True):
            text = (
                "frames of this source cannot be passed over undecoded; in the place of the ladder its gate leaves out "
                "those where nothing moves, as with gate: {enabled: true}"
            )
            yield Finding((*path, "attention"), text)


def idle_ladders(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras with settings of a ladder that they are not on."""
    for path, camera, full in _beside(data):
        if isinstance(camera.get("ladder"), dict):
            why = "it holds with attention: ladder" if full else "frames of this source cannot be passed over undecoded"
            yield Finding((*path, "ladder"), f"without effect: {why}")


def idle_decoders(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras with a decoder of their own whose frames are not decoded by it: they are not on the ladder."""
    for path, camera, _ in _beside(data):
        if camera.get("decoder", "cpu") != "cpu":
            text = "without effect: it decodes RTSP and video files with attention: ladder, and nothing else"
            yield Finding((*path, "decoder"), text)


def _beside(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any], bool]]:
    """The cameras that are not on the ladder; whether that is for `attention: full`, else for want of packets."""
    packetless = {path for path, _, address in _asking(data) if not address.has_packets}
    for path, camera in cameras(data):
        full = camera.get("attention", "full") == "full"
        if full or path in packetless:
            yield path, camera, full


def _asking(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any], Address]]:
    """The cameras with `attention: ladder`; an address that is none is told of itself."""
    for path, camera in cameras(data):
        if camera.get("attention") == "ladder":
            try:
                address = Address.parse(str(camera.get("detect", "")))
            except CameraError:
                continue
            yield path, camera, address
