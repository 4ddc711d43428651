"""A plume of smoke: puffs that rise, drift with the wind, widen and fade."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_resnet.demo.camera import Floats
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.fire import Blaze
from edge_resnet.demo.texture import floats, noise_tile, sample

_STEP_PX = 4
_PUFFS = 42
_LIFE_S = 5.5


@dataclass(frozen=True, eq=False)
class Plume:
    """The smoke above a fire; `drift_m_s` is the wind across the frame, `tone` the smoke's grey (0 to 1)."""

    blaze: Blaze
    drift_m_s: float
    tone: float
    thick: float
    seed: int

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Smoke is laid over the exposed image only."""

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Lay the smoke over the image, lit by day, lamp and the fire below."""
        if t_s < self.blaze.start_s:
            return
        camera, light = canvas.camera, canvas.lighting
        density, warmth = self._density(canvas, t_s)
        cover = 1 - np.exp(-self.thick * density)
        size = (camera.width, camera.height)
        cover = floats(cv2.resize(cover, size, interpolation=cv2.INTER_LINEAR))
        warm = floats(cv2.resize(warmth, size, interpolation=cv2.INTER_LINEAR))
        rows = np.nonzero(cover.max(axis=1) > 0.004)[0]
        if not len(rows):
            return
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        # By day the sun outshines the fire on its smoke.
        strength = 0.5 * self.blaze.flicker(t_s) * float(np.clip(1.0 - 1.9 * light.ambient[1], 0.06, 1))
        for channel in range(3):
            grey = self.tone * (light.ambient[channel] + 0.5 * light.sun[channel] + 0.22 * light.lamp[channel] + 0.012)
            grey += self.tone * 0.30 * light.infrared
            glow = (0.07, 0.30, 0.85)[channel] if light.infrared == 0 else 0.5
            smoke = grey + glow * strength * warm[part]
            canvas.image[part, :, channel] += (smoke - canvas.image[part, :, channel]) * cover[part]

    def _density(self, canvas: Canvas, t_s: float) -> tuple[Floats, Floats]:
        """Smoke per pixel, and how much of the fire's light reaches it (0 to 1); both at a quarter of the size."""
        camera, blaze = canvas.camera, self.blaze
        rows, columns = camera.height // _STEP_PX, camera.width // _STEP_PX
        scale = camera.pixels_per_metre(blaze.x_m, blaze.z_m) / _STEP_PX
        foot = camera.project(np.array([[blaze.x_m, blaze.base_m, blaze.z_m]], np.float32))[0] / _STEP_PX
        density = np.zeros((rows, columns), np.float32)
        rng = np.random.default_rng([self.seed, 3])
        for _ in range(_PUFFS):
            phase, lane, swirl, bulk = rng.random(), rng.normal(0, 0.25), rng.uniform(0, 6.3), rng.uniform(0.7, 1.3)
            age = float((t_s / _LIFE_S + phase) % 1.0)
            born = t_s - age * _LIFE_S
            size = blaze.size(born)
            if size <= 0:
                continue
            rise = blaze.tall_m * 0.55 * blaze.size(t_s) + (4.2 * age - 0.9 * age * age) * (0.55 + 0.45 * size)
            x = foot[0] + scale * (
                lane * (blaze.wide_m + 1.6 * age) + self.drift_m_s * _LIFE_S * age**1.3 + 0.12 * np.sin(swirl + 2 * t_s)
            )
            radius = scale * (0.20 + 1.15 * age) * bulk * (0.5 + 0.5 * size) * (0.6 + 0.35 * blaze.wide_m)
            fade = min(1.0, age * 7) * (1 - age) ** 1.1
            _puff(density, x, foot[1] - scale * rise, max(1.0, radius), fade * (0.35 + 0.65 * size))
        across = np.repeat(np.arange(columns, dtype=np.float32)[None, :] / scale, rows, axis=0)
        up = np.repeat(np.arange(rows, dtype=np.float32)[:, None] / scale, columns, axis=1)
        wisps = sample(noise_tile(22, 5), across / 3.5 - self.drift_m_s * t_s / 3.5, up / 3.5 + t_s * 0.3)
        density *= np.clip(2.7 * (wisps - 0.22), 0.06, 2)
        lift = (foot[1] - np.arange(rows, dtype=np.float32))[:, None] / max(1.0, scale * blaze.tall_m * 1.3)
        away = (np.arange(columns, dtype=np.float32)[None, :] - foot[0]) / max(1.0, scale * blaze.tall_m)
        warmth = np.exp(-(np.maximum(lift, 0) ** 2) - away**2) * blaze.size(t_s)
        return density, warmth.astype(np.float32)


def _puff(density: Floats, x: float, y: float, radius: float, amount: float) -> None:
    """Add a soft ball of smoke to the density, in place."""
    reach = int(radius * 2) + 1
    rows = slice(max(0, int(y) - reach), min(density.shape[0], int(y) + reach + 1))
    columns = slice(max(0, int(x) - reach), min(density.shape[1], int(x) + reach + 1))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    down = (np.arange(rows.start, rows.stop, dtype=np.float32) - y)[:, None] / radius
    across = (np.arange(columns.start, columns.stop, dtype=np.float32) - x)[None, :] / radius
    density[rows, columns] += amount * np.clip(1 - (down**2 + across**2) / 4, 0, 1) ** 2
