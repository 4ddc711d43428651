"""A scene: one yard, one script and its actors, rendered to frames at any moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from edge_resnet.demo.actors import Actor
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.cast import cast
from edge_resnet.demo.figure import Figure
from edge_resnet.demo.fire import Blaze
from edge_resnet.demo.lighting import lighting
from edge_resnet.demo.script import Kind, Script, still
from edge_resnet.demo.weather import Frame, Sensor, stamp
from edge_resnet.demo.yard import Yard, yard

SEEN_ENOUGH = 0.4
"""The share of a figure that must be in view for the truth to call it there."""


@dataclass(frozen=True)
class Scene:
    """A scene of a kind, drawn from a seed; the same kind, seed, layout, script and time give the same frame.

    Without a `layout_seed` the yard comes from `seed`; without a `script` the scene is a still's, and its person or
    fire is well in view for t from 0 to 1 s.
    """

    kind: Kind
    seed: int
    layout_seed: int | None = None
    script: Script | None = None
    height: int = 360
    width: int = 640

    @cached_property
    def yard(self) -> Yard:
        """The scene's yard."""
        return yard(self.seed if self.layout_seed is None else self.layout_seed, self.height, self.width)

    @cached_property
    def course(self) -> Script:
        """The script that is played."""
        return self.script if self.script is not None else still(self.seed)

    @cached_property
    def actors(self) -> list[Actor]:
        """Everything that moves, in painting order."""
        return cast(self.kind, self.seed, self.yard, self.course)

    @cached_property
    def _sensor(self) -> Sensor:
        rng = np.random.default_rng([self.seed, 51])
        gain, blue, red = float(rng.uniform(0.88, 1.2)), float(rng.uniform(0.94, 1.05)), float(rng.uniform(0.95, 1.05))
        return Sensor(gain, blue, red, float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.6, 1.6)))

    @cached_property
    def _moment(self) -> datetime:
        """The clock at t = 0, fit for the daylight there: it tells the hour, never the class."""
        rng = np.random.default_rng([self.seed, 52])
        # A clip that turns from day into night begins in the evening.
        level = float(np.mean([level for _, level in self.course.daylight]))
        hour = (
            rng.uniform(8, 17) if level > 0.55 else rng.uniform(18, 20.5) if level > 0.12 else rng.uniform(21.5, 28.5)
        )
        return datetime(2026, 3, 1) + timedelta(days=int(rng.integers(0, 200)), seconds=int(hour * 3600))

    def frame(self, t_s: float) -> Frame:
        """The frame at `t_s` seconds: uint8, height x width x 3, BGR."""
        course = self.course
        infrared = t_s >= course.infrared_from_s
        light = lighting(course.daylight_at(t_s), course.overcast, infrared, self.yard.lamp_tint)
        lamp_on = course.lamp_at(t_s, self.seed)
        canvas = Canvas.fresh(self.yard, light, lamp_on)
        for actor in self.actors:
            actor.paint(canvas, t_s)
        canvas.expose()
        if max(light.lamp) > 0.02 and lamp_on > 0:
            head = self.yard.camera.project(np.array([self.yard.lamp_head], np.float32))[0]
            canvas.add_light(head, self.height / 360 * 5.5, light.lamp, 2.4 * lamp_on)
        for actor in self.actors:
            actor.light(canvas, t_s)
        frame = self._sensor.develop(canvas, t_s, self.seed)
        stamp(frame, 1 + self.yard.layout_seed % 8, self._moment, t_s)
        return frame

    def shows(self, t_s: float) -> bool:
        """Whether a person or a fire is visibly there at `t_s`: what a truth file says."""
        for actor in self.actors:
            if isinstance(actor, Figure) and actor.seen(self.yard, t_s) >= SEEN_ENOUGH:
                return True
            if isinstance(actor, Blaze) and actor.size(t_s) > 0:
                return True
        return False

    def leads_in_view(self) -> bool:
        """Whether the person has a free way across the frame, or the fire an open place within it."""
        for actor in self.actors:
            if isinstance(actor, Figure):
                times = np.arange(actor.at_s + 1.2, actor.at_s + 7.0, 0.4)
                return min(actor.seen(self.yard, float(t)) for t in times) > 0.75
            if isinstance(actor, Blaze):
                aside = actor.wide_m / 2
                places = [actor.x_m - aside, actor.x_m, actor.x_m + aside]
                return min(self.yard.clear(x, actor.z_m - 1.2, actor.base_m + actor.tall_m) for x in places) > 0.9
        return True
