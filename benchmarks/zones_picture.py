"""The picture of docs/zones.md: two drawn clips with zones, and what each of them says while it burns in one.

python -m benchmarks.zones_picture BUNDLE CLIPS OUT.png (CLIPS: of edge_resnet/demo; BUNDLE: of its pictures, 224x224)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.command_line import Parser, exit_code
from benchmarks.zones import BACKEND, PRECISION, SCENES, polygon, watched
from edge_resnet import command, files
from edge_resnet.bundle import Bundle
from edge_resnet.overlay import draw_zone
from edge_resnet.preprocess import Frame
from runtime.backends import open_backend
from runtime.look import Look
from runtime.zones import Zone

# Each clip, and the second whose frame is shown.
SHOWN = {"fire_night.mp4": 16.0, "fire_day.mp4": 16.0}
NAMES = ("where it burns", "road", "left", "right")
# Of zones (Okabe and Ito 2008): told apart without red and green.
_COLOURS = ("#D55E00", "#56B4E9", "#009E73", "#F0E442")
_WHOLE = "#555555"


def frame_at(clip: Path, time_s: float) -> Frame:
    """The frame of a time."""
    capture = cv2.VideoCapture(str(clip))
    capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * time_s)
    frame = np.asarray(capture.read()[1], np.uint8)
    capture.release()
    return frame


def draw(photo: Axes, plot: Axes, frame: Frame, looks: list[Look], zones: Sequence[Zone], fire: list[int]) -> None:
    """The frame with outlines, and beside it the probabilities of `fire`, its classes, over time."""
    times_s = [look.time_s for look in looks]
    plot.plot(times_s, [look.alarms["fire"] for look in looks], color=_WHOLE, linestyle="--", label="whole picture")
    for zone, colour in zip(zones, _COLOURS, strict=True):
        found = [zone.probabilities(look.cam, look.frame_height, look.frame_width)[fire].sum() for look in looks]
        plot.plot(times_s, found, color=colour, linewidth=2, label=zone.name)
        red, green, blue = (round(255 * part) for part in to_rgb(colour))
        draw_zone(frame, zone.polygon, zone.name, (blue, green, red))
    photo.imshow(frame[..., ::-1])
    photo.set_axis_off()
    plot.set(ylabel="probability of fire", ylim=(-0.03, 1.05))
    plot.grid(alpha=0.25)


def main() -> int:
    """Draw it."""
    parser = Parser("zones_picture", __doc__)
    for name in ("bundle", "clips", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    bundle = Bundle.open(args.bundle)
    figure = Figure(figsize=(11.0, 6.6), layout="constrained", dpi=90)
    parts = figure.subplots(len(SHOWN), 2, width_ratios=(1.0, 1.05))
    with open_backend(BACKEND, bundle, PRECISION, "cpu") as backend:
        for (photo, plot), (name, shown_s) in zip(parts, SHOWN.items(), strict=True):
            scene = next(scene for scene in SCENES if scene.clip == name)
            boxes = (scene.inside, *scene.elsewhere)
            zones = [Zone(name, polygon(box), bundle.model) for name, box in zip(NAMES, boxes, strict=True)]
            looks, frame = watched(backend, bundle, args.clips / name), frame_at(args.clips / name, shown_s)
            draw(photo, plot, frame, looks, zones, list(bundle.model.class_indices("fire")))
            plot.axvline(shown_s, color=_WHOLE, linewidth=0.8, linestyle=":")
    parts[-1, 1].set_xlabel("seconds of the clip; dotted: the frame on the left")
    parts[0, 1].legend(loc="center left", fontsize=9)
    with files.whole_file(args.out) as temporary:
        figure.savefig(temporary)
        # 256 colours are enough here, and make a file of half the size; an octree keeps also those of thin lines.
        with Image.open(temporary) as picture:
            small = picture.convert("RGB").quantize(method=Image.Quantize.FASTOCTREE)
        small.save(temporary, optimize=True)
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
