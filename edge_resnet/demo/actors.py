"""What moves in a yard without being an alarm: a cat, a passing vehicle with its lights, wind in the leaves."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from edge_resnet.demo.camera import Colour, Floats
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.stencil import Stencil
from edge_resnet.demo.texture import floats
from edge_resnet.demo.vehicle import Vehicle

HEADLIGHT: Colour = (0.82, 0.96, 1.0)
_BEAM_STEP_PX = 4


class Actor(Protocol):
    """Something that changes with time: it paints before light falls on the yard, and gives light afterwards."""

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Change reflectance, shadows and the list of glows."""

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Change the exposed image."""


@dataclass(frozen=True)
class Cat:
    """A cat that passes ground point (x, z) at `at_s`, going `heading_rad`: low and level."""

    x_m: float
    z_m: float
    at_s: float
    heading_rad: float
    speed_m_s: float
    colour: Colour
    from_s: float = -1e9
    until_s: float = 1e9

    def _body(self, t_s: float) -> tuple[list[tuple[Floats, Floats]], Floats]:
        """Hulls of circles (points along / up in metres, radii), and the ears' tips."""
        phase = 2 * np.pi * self.speed_m_s * (t_s - self.at_s) / 0.55
        legs = []
        for along, shift in ((0.17, 0.0), (0.14, np.pi), (-0.17, np.pi * 0.9), (-0.2, -0.1)):
            swing = 0.075 * float(np.sin(phase + shift))
            lift = 0.03 * max(0.0, float(np.cos(phase + shift)))
            legs.append(([(along, 0.20), (along + swing, 0.02 + lift)], [0.035, 0.022]))
        curl = 0.05 * float(np.sin(t_s * 2.1))
        tail = [
            ([(-0.25, 0.25), (-0.42, 0.30 + curl)], [0.024, 0.02]),
            ([(-0.42, 0.30 + curl), (-0.5, 0.42)], [0.02, 0.016]),
        ]
        bob = 0.008 * float(np.sin(phase * 2))
        body = [
            ([(-0.2, 0.24), (0.18, 0.25 + bob)], [0.085, 0.075]),
            ([(0.2, 0.27), (0.32, 0.33 + bob)], [0.055, 0.065]),
        ]
        hulls = [(np.array(p, np.float32), np.array(r, np.float32)) for p, r in [*legs[:2], *legs[2:], *tail, *body]]
        ears = np.array(
            [(0.29, 0.37), (0.28, 0.44), (0.32, 0.39), (0.34, 0.39), (0.35, 0.44), (0.37, 0.36)], np.float32
        )
        return hulls, ears

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Draw the cat and its shadow."""
        if not self.from_s <= t_s < self.until_s:
            return
        camera = canvas.camera
        cos, sin = float(np.cos(self.heading_rad)), float(np.sin(self.heading_rad))
        way = self.speed_m_s * (t_s - self.at_s)
        x, z = self.x_m + way * cos, self.z_m + way * sin

        def world(points: Floats) -> Floats:
            return np.stack([x + points[:, 0] * cos, points[:, 1], z + points[:, 0] * sin], axis=1).astype(np.float32)

        depth = float(camera.depth(np.array([[x, 0, z]], np.float32))[0])
        frame = camera.project(world(np.array([(-0.6, 0), (-0.6, 0.55), (0.5, 0), (0.5, 0.55)], np.float32)))
        low, high = frame.min(axis=0), frame.max(axis=0)
        if depth < 2.0 or high[0] < 0 or low[0] > camera.width:
            return
        stencil = Stencil((float(low[0]), float(low[1]), float(high[0]), float(high[1])), zoom=4)
        scale = camera.focal_px / depth
        hulls, ears = self._body(t_s)
        for points, radii in hulls:
            stencil.hull(camera.project(world(points)), radii * scale, self.colour)
        for ear in (ears[:3], ears[3:]):
            stencil.polygon(camera.project(world(ear)), self.colour)
        canvas.shadow([(world(points), radii) for points, radii in hulls])
        canvas.place(stencil.patch(rounding=0.25), depth)

    def light(self, canvas: Canvas, t_s: float) -> None:
        """A cat gives no light."""


@dataclass(frozen=True)
class Traffic:
    """A vehicle that drives past at constant speed; by dusk and night its lights are on."""

    vehicle: Vehicle
    at_s: float
    speed_m_s: float
    turn_rad_s: float = 0.0
    from_s: float = -1e9
    until_s: float = 1e9

    def now(self, t_s: float) -> Vehicle:
        """The vehicle where it is at `t_s`."""
        way, start = self.speed_m_s * (t_s - self.at_s), self.vehicle
        heading = start.heading_rad + self.turn_rad_s * (t_s - self.at_s)
        x = start.x_m + way * float(np.cos(start.heading_rad))
        z = start.z_m + way * float(np.sin(start.heading_rad))
        return Vehicle(start.kind, start.colour, x, z, heading)

    def _lights(self, canvas: Canvas) -> float:
        """How bright the headlights count against the daylight, 0 to 1."""
        return float(np.clip(1.25 - 2.2 * canvas.lighting.ambient[1], 0.0, 1.0))

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Draw the vehicle, its shadow, and its beams' light on the yard."""
        if not self.from_s <= t_s < self.until_s:
            return
        vehicle, camera = self.now(t_s), canvas.camera
        if self._lights(canvas) > 0.05:
            tint = HEADLIGHT if canvas.lighting.infrared == 0 else (0.9, 0.9, 0.9)
            strength = 1.6 * self._lights(canvas)
            glow = _beam(canvas, vehicle)
            canvas.glows.append((glow, (tint[0] * strength, tint[1] * strength, tint[2] * strength)))
        pixels = camera.project(vehicle.outline())
        depth = vehicle.depth_m(camera)
        if depth < 3.5 or pixels[:, 0].max() < 0 or pixels[:, 0].min() > camera.width:
            return
        body = vehicle.world(np.array([(-1.6, 0.9, 0), (1.6, 0.9, 0), (-2, 0.3, 0), (2, 0.3, 0)], np.float32))
        canvas.shadow([(body, np.array([0.8, 0.8, 0.85, 0.85], np.float32))])
        canvas.place(vehicle.draw(camera).patch(rounding=0.0), depth)

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Add the glare of headlights and rear lights."""
        strength = self._lights(canvas)
        if strength <= 0.05 or not self.from_s <= t_s < self.until_s:
            return
        vehicle, camera = self.now(t_s), canvas.camera
        depth = vehicle.depth_m(camera)
        if depth < 3.5:
            return
        nose = np.array([np.cos(vehicle.heading_rad), np.sin(vehicle.heading_rad)])
        towards = -np.array([vehicle.x_m, vehicle.z_m]) / max(0.1, float(np.hypot(vehicle.x_m, vehicle.z_m)))
        facing = float(nose @ towards)
        grey = canvas.lighting.infrared > 0
        scale = camera.focal_px / depth
        for front, tint, power in ((True, HEADLIGHT, 2.6), (False, (0.05, 0.05, 0.9), 0.7)):
            share = float(np.clip((facing if front else -facing) + 0.35, 0, 1))
            if share == 0:
                continue
            for spot in camera.project(vehicle.light_points(front)):
                colour = (0.9, 0.9, 0.9) if grey else tint
                canvas.add_light(spot, scale * (0.10 + 0.2 * share), colour, power * strength * min(1.0, 0.1 + share))


def _beam(canvas: Canvas, vehicle: Vehicle) -> Floats:
    """H x W of the headlights' light on ground and walls, worked out coarsely: a beam has no sharp edges."""
    yard = canvas.yard
    places = yard.positions[::_BEAM_STEP_PX, ::_BEAM_STEP_PX]
    cos, sin = float(np.cos(vehicle.heading_rad)), float(np.sin(vehicle.heading_rad))
    x, z = places[:, :, 0] - vehicle.x_m, places[:, :, 2] - vehicle.z_m
    ahead, aside = x * cos + z * sin - 2.1, z * cos - x * sin
    spread = 0.55 + 0.32 * np.maximum(ahead, 0)
    level = np.exp(-((np.maximum(places[:, :, 1] - 0.6, 0) / (0.35 + 0.12 * np.maximum(ahead, 0))) ** 2))
    light = np.exp(-((aside / spread) ** 2)) * level * np.clip(ahead * 1.5, 0, 1) / (1 + (ahead / 5.5) ** 2)
    height, width = yard.camera.height, yard.camera.width
    fine = floats(cv2.resize(light.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
    return fine * (1 - yard.surfaces.sky)


@dataclass(frozen=True)
class Wind:
    """Wind that moves leaves by up to `reach_px`, in gusts."""

    reach_px: float
    from_s: float = -1e9
    until_s: float = 1e9

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Shift the leaves sideways, more at their tops."""
        sway = canvas.yard.surfaces.sway
        if not self.from_s <= t_s < self.until_s or not sway.any():
            return
        rows, columns = np.nonzero(sway.any(axis=1))[0], np.nonzero(sway.any(axis=0))[0]
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        down, across = np.mgrid[box].astype(np.float32)
        gust = 0.6 + 0.4 * np.sin(t_s * 0.9)
        wave = np.sin(t_s * 3.1 + across * 0.05) + 0.5 * np.sin(t_s * 5.7 + down * 0.11 + across * 0.13)
        shift = (self.reach_px * gust * wave * sway[box]).astype(np.float32)
        moved = cv2.remap(canvas.albedo, across + shift, down + shift * 0.25, cv2.INTER_LINEAR)
        canvas.albedo[box] = floats(moved)

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Wind gives no light."""
