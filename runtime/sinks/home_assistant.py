"""Home Assistant's MQTT discovery: each camera a device, with a sensor for each of its alarms and for its connection.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from runtime.sinks.topics import OFF, OFFLINE, ON, ONLINE, Topics

# https://www.home-assistant.io/integrations/binary_sensor/#device-class; what is not named here is a danger.
_CLASSES = {
    **dict.fromkeys(("fire", "flame", "smoke"), "smoke"),
    "gas": "gas",
    **dict.fromkeys(("people", "person", "pedestrian", "intruder"), "occupancy"),
    **dict.fromkeys(("flood", "leak", "water"), "moisture"),
}
_OTHERWISE = "safety"
_USUAL = re.compile(r"[A-Za-z0-9/-]+")


def discovery(below: str, topics: Topics, cameras: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """The topics, `below` that of discovery, and what is to be retained there."""
    for camera, alarms in cameras.items():
        device = _device(topics, camera)
        for alarm in alarms:
            yield _sensor(below, topics, device, alarm, topics.alarm(camera, alarm), _device_class(alarm), {})
        diagnostic = {"entity_category": "diagnostic"}
        state = topics.connectivity(camera)
        yield _sensor(below, topics, device, "connectivity", state, "connectivity", diagnostic)


def _sensor(
    below: str, topics: Topics, device: Mapping[str, Any], name: str, state: str, kind: str, more: Mapping[str, Any]
) -> tuple[str, str]:
    unique = _plain(state.removesuffix("/state"))
    payload = {
        "name": name,
        "unique_id": unique,
        "state_topic": state,
        "payload_on": ON,
        "payload_off": OFF,
        "device_class": kind,
        "availability_topic": topics.status,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "qos": 1,
        "device": device,
        "origin": {"name": "edge-resnet", "sw_version": version("edge-resnet")},
        **more,
    }
    return f"{below}/binary_sensor/{unique}/config", json.dumps(payload, sort_keys=True)


def _device(topics: Topics, camera: str) -> dict[str, Any]:
    return {
        "identifiers": [_plain(f"{topics.prefix}/{camera}")],
        "name": camera,
        "manufacturer": "edge-resnet",
        "model": "camera",
    }


def _device_class(alarm: str) -> str:
    words = re.split(r"[^a-z]+", alarm.lower())
    return next((kind for word, kind in _CLASSES.items() if word in words), _OTHERWISE)


def _plain(text: str) -> str:
    """An id of letters, digits, _ and -; each text another one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text)
    # yard/gate and yard_gate must not be one device.
    return plain if _USUAL.fullmatch(text) else f"{plain}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
