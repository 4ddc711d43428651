"""A burning object: flames, embers and the light they throw, growing from onset to full size."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_resnet.demo.camera import Colour, Floats
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.stencil import Stencil
from edge_resnet.demo.texture import floats, noise_tile, sample
from edge_resnet.demo.yard import Yard

ONSET = 0.2
"""The share of its full height with which a fire starts."""
_GRID = (72, 56)
# From no heat to full heat: smoke-dark red, orange, yellow, pale core (BGR, light as the sensor gets it).
_HEAT = np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
_GLOW = np.array(
    [[0.00, 0.02, 0.25], [0.03, 0.18, 1.1], [0.10, 0.62, 1.9], [0.45, 1.5, 2.4], [1.5, 2.4, 2.8]], np.float32
)


@dataclass(frozen=True, eq=False)
class Blaze:
    """A fire at ground point (x, z), its foot `base_m` above ground; tall and wide in metres when grown."""

    x_m: float
    z_m: float
    base_m: float
    tall_m: float
    wide_m: float
    start_s: float
    grow_s: float
    seed: int
    glow: Floats
    """H x W of a light of strength 1 at the fire."""

    @classmethod
    def at(
        cls,
        yard: Yard,
        place: tuple[float, float, float],
        size: tuple[float, float],
        start_s: float,
        grow_s: float,
        seed: int,
    ) -> "Blaze":
        """A fire in this yard at `place` (x, z, base; metres) of `size` (tall, wide; metres)."""
        source = (place[0], place[2] + size[0] * 0.55, place[1] - 0.4)
        glow = yard.point_light(source, 0.8 + 0.9 * size[0])
        return cls(place[0], place[1], place[2], size[0], size[1], start_s, grow_s, seed, glow)

    def size(self, t_s: float) -> float:
        """The fire's share of its full height at `t_s`: 0 before it starts, `ONSET` at once, 1 when grown."""
        if t_s < self.start_s:
            return 0.0
        share = float(np.clip((t_s - self.start_s) / max(self.grow_s, 1e-6), 0, 1))
        return ONSET + (1 - ONSET) * share * share * (3 - 2 * share)

    def flicker(self, t_s: float) -> float:
        """The brightness of the fire's light, around 1."""
        a = self.seed % 17
        waves = np.sin(t_s * 9.7 + a) * 0.5 + np.sin(t_s * 16.3 + 2 * a) * 0.3 + np.sin(t_s * 4.1) * 0.4
        return float(1 + 0.16 * waves)

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Scorch the ground, draw the burning heap, and throw the fire's light on the yard."""
        size = self.size(t_s)
        if size <= 0:
            return
        self._heap(canvas, size)
        power = 2.2 * size**0.8 * self.flicker(t_s)
        colour: Colour = (0.16, 0.55, 1.0) if canvas.lighting.infrared == 0 else (0.8, 0.8, 0.8)
        canvas.glows.append((self.glow.copy(), (colour[0] * power, colour[1] * power, colour[2] * power)))

    def _heap(self, canvas: Canvas, size: float) -> None:
        camera = canvas.camera
        scale = camera.pixels_per_metre(self.x_m, self.z_m)
        foot = camera.project(np.array([[self.x_m, self.base_m, self.z_m]], np.float32))[0]
        wide = self.wide_m * (0.5 + 0.5 * size) * scale * 0.5
        rng = np.random.default_rng([self.seed, 5])
        box = (
            float(foot[0] - wide * 1.6),
            float(foot[1] - wide),
            float(foot[0] + wide * 1.6),
            float(foot[1] + wide * 0.5),
        )
        stencil = Stencil(box)
        for _ in range(26):
            spot = foot + np.clip(rng.normal(0, 0.5, 2), -0.9, 0.9) * np.array([wide, wide * 0.16])
            tone = float(rng.uniform(0.02, 0.07))
            radius = np.full(1, wide * float(rng.uniform(0.06, 0.17)), np.float32)
            stencil.hull(spot[None].astype(np.float32), radius, (tone, tone, tone * 1.3))
        depth = float(camera.depth(np.array([[self.x_m, 0, self.z_m]], np.float32))[0])
        canvas.place(stencil.patch(rounding=0.0), depth - 0.3)

    def _heat(self, t_s: float) -> Floats:
        """The flames as a small grid of heat, 0 to 1: rows from the tips down to the foot."""
        rows, columns = _GRID
        up = np.repeat(np.linspace(1.15, -0.06, rows, dtype=np.float32)[:, None], columns, axis=1)
        across = np.repeat(np.linspace(-1.25, 1.25, columns, dtype=np.float32)[None, :], rows, axis=0)
        shift = (self.seed % 101) / 101
        coarse = sample(noise_tile(20, 4), across * 0.13 + shift, up * 0.17 + t_s * 0.36) - 0.5
        fine = sample(noise_tile(21, 5), across * 0.30 + shift, up * 0.24 + t_s * 0.62) - 0.5
        sway = across + (coarse * 2.1 + 0.15 * np.sin(t_s * 2.3 + shift * 9)) * np.clip(up * 1.3, 0, 1)
        heat = np.zeros((rows, columns), np.float32)
        rng = np.random.default_rng([self.seed, 7])
        count = int(rng.integers(3, 7))
        # Tongues beside each other, each with its own height that comes and goes; the tallest in the middle.
        for index in range(count):
            centre = (index + 0.5) / count * 1.7 - 0.85 + float(rng.uniform(-0.12, 0.12))
            tall = float(rng.uniform(0.5, 1.0)) * (1 - 0.45 * abs(centre)) if index != count // 2 else 1.0
            pace, turn = float(rng.uniform(4, 8)), float(rng.uniform(0, 6.3))
            level = np.clip(up / (tall * (0.86 + 0.17 * np.sin(t_s * pace + turn))), 0, 1)
            half = float(rng.uniform(0.30, 0.52)) * (1 - level) ** 0.75 * (0.75 + 0.9 * np.clip(level, 0, 0.3))
            inside = 1 - np.abs(sway - centre * (1 - 0.6 * level)) / np.maximum(half, 0.02)
            tongue = np.where(level < 1, inside, -9.0)
            warm = np.clip(tongue * 1.1 + fine * 1.9 * (0.4 + level), 0, 1.1) * (1 - 0.5 * level)
            heat = np.maximum(heat, warm) + 0.12 * np.minimum(heat, warm)
        foot = np.clip((up + 0.06) / 0.10, 0, 1)
        return floats(np.clip(heat * foot, 0, 1))

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Draw the flames with their glare, and embers."""
        size = self.size(t_s)
        if size <= 0:
            return
        camera = canvas.camera
        scale = camera.pixels_per_metre(self.x_m, self.z_m)
        foot = camera.project(np.array([[self.x_m, self.base_m, self.z_m]], np.float32))[0]
        tall, wide = self.tall_m * size * scale, self.wide_m * (0.4 + 0.6 * size) * scale
        height, width = max(6, round(tall * 1.21)), max(6, round(wide * 1.25))
        heat = floats(cv2.resize(self._heat(t_s), (width, height), interpolation=cv2.INTER_LINEAR))
        left, top = round(float(foot[0]) - width / 2), round(float(foot[1]) - tall * 1.15)
        self._burn(canvas, heat, left, top)
        middle = np.array([foot[0], foot[1] - tall * 0.4], np.float32)
        tint: Colour = (0.10, 0.42, 1.0) if canvas.lighting.infrared == 0 else (0.8, 0.8, 0.8)
        dark = float(np.clip(1.1 - 1.6 * canvas.lighting.ambient[1], 0.15, 1))
        canvas.add_light(middle, tall * 0.55, tint, 0.42 * dark * self.flicker(t_s))
        self._embers(canvas, t_s, foot, tall, wide)

    def _burn(self, canvas: Canvas, heat: Floats, left: int, top: int) -> None:
        camera = canvas.camera
        rows = slice(max(0, top), min(camera.height, top + heat.shape[0]))
        columns = slice(max(0, left), min(camera.width, left + heat.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = heat[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        surfaces = canvas.yard.surfaces
        limit = 1 / float(camera.depth(np.array([[self.x_m, 0, self.z_m - 1.2]], np.float32))[0])
        hidden = (surfaces.inverse_depth[rows, columns] > limit) & (surfaces.ground[rows, columns] < 0.5)
        part = part * ~hidden
        cover = np.clip(part * 4.5, 0, 0.93)[:, :, None]
        colour = np.stack([np.interp(part, _HEAT, _GLOW[:, channel]) for channel in range(3)], axis=2)
        if canvas.lighting.infrared > 0:
            colour = np.repeat(colour.max(axis=2, keepdims=True) * 1.2, 3, axis=2)
        image = canvas.image[rows, columns]
        canvas.image[rows, columns] = (image * (1 - cover) + colour * cover).astype(np.float32)

    def _embers(self, canvas: Canvas, t_s: float, foot: Floats, tall: float, wide: float) -> None:
        rng = np.random.default_rng([self.seed, 9])
        for _ in range(16):
            life, phase, lane, spin = rng.uniform(0.9, 2.0), rng.random(), rng.normal(0, 0.3), rng.uniform(2, 6)
            age = float((t_s / life + phase) % 1.0)
            if t_s - age * life < self.start_s:
                continue
            x = foot[0] + wide * (lane * (0.5 + age) + 0.12 * np.sin(spin * t_s + phase * 9))
            y = foot[1] - tall * (0.3 + 1.5 * age)
            tint: Colour = (0.1, 0.5, 1.0) if canvas.lighting.infrared == 0 else (0.9, 0.9, 0.9)
            canvas.add_light(np.array([x, y], np.float32), 0.9, tint, 1.3 * (1 - age))
