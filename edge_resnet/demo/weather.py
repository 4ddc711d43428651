"""Weather and the camera's own faults: rain, cloud shadows, exposure, blur, sensor noise, the time stamp."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.demo.camera import Floats
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.texture import floats, noise_tile, sample

Frame = npt.NDArray[np.uint8]
_SPARE_PX = 64


@lru_cache(maxsize=4)
def _streaks(height: int, width: int, layer: int) -> Floats:
    """A sheet of rain streaks, 0 to 1, that repeats downwards; the nearer layer has longer, fewer streaks."""
    rng = np.random.default_rng([layer, 41])
    sheet = np.zeros((height, width), np.float32)
    count, length = ((420, 15), (150, 34))[layer]
    for x, y, share in zip(
        rng.uniform(-20, width, count), rng.uniform(0, height, count), rng.uniform(0.6, 1.2, count), strict=True
    ):
        reach = length * share * height / 360
        for wrap in (0, -height):
            start = (int(x), int(y + wrap))
            cv2.line(sheet, start, (int(x + reach * 0.16), int(y + wrap + reach)), float(0.5 + 0.5 * share), 1)
    return floats(cv2.GaussianBlur(sheet, (0, 0), 0.55 + 0.25 * layer))


@dataclass(frozen=True)
class Rain:
    """Rain of a strength between 0 and 1."""

    strength: float
    from_s: float = -1e9
    until_s: float = 1e9

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Wet ground is darker; the sun is dimmed."""
        if self.from_s <= t_s < self.until_s:
            canvas.sun *= 1 - 0.7 * self.strength

    def light(self, canvas: Canvas, t_s: float) -> None:
        """Lay two layers of falling streaks over the image, and a little haze."""
        if not self.from_s <= t_s < self.until_s:
            return
        height, width = canvas.camera.height, canvas.camera.width
        light = canvas.lighting
        level = sum(light.ambient) / 3 + 0.10 * sum(light.lamp) / 3 * canvas.lamp_on + 0.10 * light.infrared
        haze = 0.10 * self.strength
        canvas.image *= 1 - haze
        canvas.image += np.float32(haze * level)
        for layer, speed in ((0, 700.0), (1, 1300.0)):
            down = int(t_s * speed * height / 360) % height
            sheet = np.roll(_streaks(height, width, layer), (down, int(t_s * 97) % width), axis=(0, 1))
            sheet *= np.float32((0.30 + 0.10 * layer) * self.strength * level)
            canvas.image = floats(cv2.add(canvas.image, cv2.merge((sheet, sheet, sheet))))


@dataclass(frozen=True)
class Clouds:
    """Shadows of clouds, or of a tree outside the frame, that wander over the ground; only where the sun shines."""

    size_m: float
    speed_m_s: float
    depth: float
    seed: int
    from_s: float = -1e9
    until_s: float = 1e9

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Take sunlight away."""
        if not self.from_s <= t_s < self.until_s or max(canvas.lighting.sun) < 0.05:
            return
        places = canvas.yard.positions[::4, ::4]
        x, z = places[:, :, 0] / self.size_m, places[:, :, 2] / self.size_m
        wander = t_s * self.speed_m_s / self.size_m
        noise = sample(noise_tile(self.seed % 5 + 30, 4), x + wander, z + wander * 0.3)
        shade = 1 - self.depth * np.clip((noise - 0.45) * 6, 0, 1)
        size = (canvas.camera.width, canvas.camera.height)
        canvas.sun *= floats(cv2.resize(shade.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))

    def light(self, canvas: Canvas, t_s: float) -> None:
        """A shadow gives no light."""


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> Floats:
    """A bank of sensor noise, somewhat larger than a frame, standard deviation 1: mostly luminance, a little colour."""
    rng = np.random.default_rng(53)
    shape = (height + _SPARE_PX, width + _SPARE_PX)
    grey = rng.standard_normal(shape, dtype=np.float32)[:, :, None]
    colour = rng.standard_normal((*shape, 3), dtype=np.float32)
    return floats(cv2.GaussianBlur(1.45 * grey + 0.85 * colour, (0, 0), 0.5))


@lru_cache(maxsize=2)
def _vignette(height: int, width: int) -> Floats:
    down = (np.arange(height, dtype=np.float32)[:, None] / height - 0.5) ** 2
    across = (np.arange(width, dtype=np.float32)[None, :] / width - 0.5) ** 2
    return floats(np.repeat((1 - 0.55 * (down + across))[:, :, None], 3, axis=2))


@dataclass(frozen=True)
class Sensor:
    """A camera's own character: gain (1 = normal), white balance of blue and red, softness of its lens in pixels."""

    gain: float
    blue: float
    red: float
    soft_px: float
    noise: float
    """How noisy against an ordinary camera, 1 = ordinary."""

    def develop(self, canvas: Canvas, t_s: float, seed: int) -> Frame:
        """The exposed image as an 8-bit frame: shoulder for bright light, blur, noise; grey under infrared."""
        height, width = canvas.camera.height, canvas.camera.width
        # Cameras open up in the dark, though not all the way, and stop down for a fire or headlights.
        level = float(np.minimum(canvas.image[::12, ::12], 1.0).mean())
        gain = self.gain * float(np.clip((0.15 / max(level, 1e-3)) ** 0.55, 0.95, 2.4))
        image = cv2.multiply(canvas.image, _vignette(height, width), scale=-1.95 * gain)
        image = np.subtract(np.float32(1), cv2.exp(image), dtype=np.float32)
        if canvas.lighting.infrared > 0:
            image = floats(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))
        else:
            image = floats(cv2.transform(image, np.diag([self.blue, 1.0, self.red])))
        if self.soft_px > 0:
            image = floats(cv2.GaussianBlur(image, (3, 3), self.soft_px))
        down, across = np.random.default_rng([seed, round(t_s * 1000) & 0x7FFFFFFF]).integers(0, _SPARE_PX, 2)
        grain = _grain(height, width)[down : down + height, across : across + width]
        if canvas.lighting.infrared > 0:
            grain = np.repeat(grain[:, :, 1:2], 3, axis=2)
        sigma = canvas.lighting.noise * self.noise
        image = floats(cv2.scaleAdd(np.ascontiguousarray(grain), sigma, image))
        return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255), np.uint8)


def stamp(frame: Frame, camera_number: int, moment: datetime, t_s: float) -> None:
    """Write camera and time into the corner, in place, as recorders do: white on a dark rim."""
    text = f"CAM {camera_number}  {(moment + timedelta(seconds=t_s)):%Y-%m-%d %H:%M:%S}"
    size = 0.42 * frame.shape[0] / 360
    place = (round(8 * frame.shape[0] / 360), round(16 * frame.shape[0] / 360))
    for tint, thick in (((20, 20, 20), 3), ((235, 235, 235), 1)):
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, tint, thick, cv2.LINE_AA)
