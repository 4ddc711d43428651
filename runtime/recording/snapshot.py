"""Snapshots: the picture of a look as a JPEG, and the same with what speaks for the alarm drawn on it."""

from __future__ import annotations

import cv2

from edge_resnet import overlay
from edge_resnet.manifest import ModelSpec
from runtime.config.settings import Polygon
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.judge import Target
from runtime.look import Look
from runtime.sources.frame import Image


def encoded(image: Image, quality: int) -> bytes:
    """A picture (H x W x 3, uint8, BGR) as a JPEG. Raises cv2.error, ValueError."""
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise ValueError("not a picture that can be a JPEG")
    return data.tobytes()


def explained(image: Image, subject: Event | NearMiss, look: Look, model: ModelSpec, zone: Polygon | None) -> Image:
    """A copy of the picture of a look with heat, probabilities, the zone whose evidence was judged, camera and time."""
    target = Target(subject.alarm, subject.zone)
    seen = subject.peak if isinstance(subject, Event) else subject.best
    caption = overlay.Caption(
        probabilities=look.probabilities,
        alarming=model.alarming,
        held={str(target): seen} if isinstance(subject, Event) else {},
        note=f"{subject.camera.rpartition('/')[2]}  {_when(subject, look)}",
    )
    probability = look.alarms.get(subject.alarm, seen) if zone is None else seen
    heat = overlay.heat_map(look.cam, model.class_indices(subject.alarm), probability, model.temperature)
    picture = overlay.draw(image, caption, heat, model.input.preprocess)
    if zone is not None:
        overlay.draw_zone(picture, zone, subject.zone or "")
    return picture


def _when(subject: Event | NearMiss, look: Look) -> str:
    """The wall clock's time of a live camera, else the stream's."""
    at = subject.raised_at if isinstance(subject, Event) else subject.seen_at
    return f"{look.time_s:.1f} s" if at is None else f"{at[:10]} {at[11:19]} UTC"
