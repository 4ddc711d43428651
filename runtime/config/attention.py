"""The attention ladder: its settings, each default with its why, and what is told of cameras that cannot be on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from edge_resnet.errors import CameraError
from runtime.config.base import Settings
from runtime.config.finding import Finding, KeyPath
from runtime.config.references import cameras
from runtime.config.units import Seconds, quantity
from runtime.sources.address import Address
from runtime.sources.packets import NEEDS_PYAV, pyav

if TYPE_CHECKING:
    from runtime.config.settings import CameraSettings, WatchSettings

AttentionMode = Literal["full", "ladder"]


class LadderSettings(Settings):
    """When a quiet camera's frames are passed over, and when it is watched again."""

    glance: Seconds = 1.0
    """While quiet, at most one key frame in so long is looked at: cameras that send only key frames would cost as much
    as when they are watched.
    """
    glance_within: Seconds = 4.0
    """Where key frames come more rarely than this, the frames between them are decoded: who comes and goes between two
    looks is not seen. Most cameras send one each 1 to 4 s.
    """
    wake: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """A look wakes the camera that comes over this share of an alarm's low threshold: one glance is not to decide."""
    hold: Seconds = 10.0
    """So long it is watched after the last sign: who goes behind a pillar comes back within seconds."""


def impossible(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras that are to be on the ladder where nothing finds their packets: PyAV is missing, or is not to.

    `data`: as read, with addresses that can be opened.
    """
    for path, camera, address in _asking(data):
        if address.has_packets and pyav() is None:
            yield Finding((*path, "attention"), f"ladder {NEEDS_PYAV}; or write full")
        elif address.has_packets and camera.get("decoder") == "opencv":
            text = "opencv decodes every frame, and the ladder does not; write cpu, or attention: full"
            yield Finding((*path, "decoder"), text)


def warnings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What of a configuration works otherwise than somebody may think who wrote it. `data`: as read."""
    yield from without_packets(data)
    yield from idle_ladders(data)
    yield from idle_decoders(data)
    yield from never_gated(data)


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
    """The cameras with a decoder of their own whose frames are not decoded by it."""
    for path, camera, address in _addressed(data):
        if camera.get("decoder", "cpu") in ("cpu", "opencv"):
            continue
        if not (address.is_rtsp or (address.has_packets and camera.get("attention") == "ladder")):
            text = "without effect: it decodes RTSP, and video files with attention: ladder, and nothing else"
            yield Finding((*path, "decoder"), text)
        elif pyav() is None:
            yield Finding((*path, "decoder"), f"without effect: it {NEEDS_PYAV}")


def never_gated(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The cameras on the ladder that have an alarm for which the gate is to leave nothing out: the ladder does."""
    for path, camera, address in _asking(data):
        gate, alarms = camera.get("gate"), camera.get("alarms")
        never = gate.get("never_for") if isinstance(gate, dict) else None
        if not address.has_packets or not isinstance(never, list):
            continue
        if watched := [str(each) for each in never if not isinstance(alarms, list) or each in alarms]:
            text = (
                f"holds for the gate alone: until something wakes it, the ladder looks at key frames only, for "
                f"{', '.join(watched)} too; where nothing may be left out, write attention: full"
            )
            yield Finding((*path, "gate", "never_for"), text)


def out_of_proportion(settings: WatchSettings) -> Iterator[Finding]:
    """The times of ladders that mean nothing beside others."""
    for site, each in settings.sites.items():
        for name, camera in each.cameras.items():
            if camera.on_ladder:
                for key, text in _disproportions(camera):
                    yield Finding(("sites", site, "cameras", name, "ladder", key), text)


def _disproportions(camera: CameraSettings) -> Iterator[tuple[str, str]]:
    """Keys of its ladder, each with what is wrong. A default that gives way to what is written is as it should be."""
    ladder, written = camera.ladder, camera.ladder.model_fields_set
    if ladder.glance > ladder.glance_within:
        if "glance" in written:
            yield "glance", f"longer than glance_within ({_told(ladder.glance_within)}), which has no effect then"
        elif "glance_within" in written:
            yield "glance_within", f"without effect: no look comes sooner than each glance ({_told(ladder.glance)})"
    for key, time_s in (("glance", ladder.glance), ("glance_within", ladder.glance_within)):
        if time_s > camera.heartbeat and key in written:
            yield key, f"without effect: a look comes at least each heartbeat ({_told(camera.heartbeat)})"
    look_s = min(1.0 / camera.rate, camera.heartbeat)
    if ladder.hold < look_s:
        yield (
            "hold",
            f"{_told(ladder.hold)} may be over before a look comes, one each {_told(look_s)}; write a longer time",
        )


def _told(time_s: float) -> str:
    return quantity(round(time_s, 3), "10 s")


def _beside(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any], bool]]:
    """The cameras that are not on the ladder; whether that is for `attention: full`, else for want of packets."""
    packetless = {path for path, _, address in _asking(data) if not address.has_packets}
    for path, camera in cameras(data):
        full = camera.get("attention", "full") == "full"
        if full or path in packetless:
            yield path, camera, full


def _asking(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any], Address]]:
    """The cameras with `attention: ladder`."""
    return (each for each in _addressed(data) if each[1].get("attention") == "ladder")


def _addressed(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any], Address]]:
    """The cameras with their addresses; one that is none is told of itself."""
    for path, camera in cameras(data):
        with suppress(CameraError):
            yield path, camera, Address.parse(str(camera.get("detect", "")))
