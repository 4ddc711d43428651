"""The working buffers of one frame: actors paint into them before light falls, and add their own light."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from edge_resnet.demo.camera import Camera, Colour, Floats
from edge_resnet.demo.lighting import Lighting
from edge_resnet.demo.stencil import Patch
from edge_resnet.demo.yard import Yard


@dataclass
class Canvas:
    """Buffers of one frame, H x W (x 3), float32; `image` holds light as the sensor gets it, once `expose` has run."""

    yard: Yard
    lighting: Lighting
    lamp_on: float
    """How bright the lamp is now, 0 to 1."""
    albedo: Floats
    sun: Floats
    lamp: Floats
    infrared: Floats
    image: Floats
    glows: list[tuple[Floats, Colour]] = field(default_factory=list)

    @classmethod
    def fresh(cls, yard: Yard, lighting: Lighting, lamp_on: float) -> "Canvas":
        """The buffers of an empty yard."""
        albedo = yard.surfaces.albedo.copy()
        return cls(
            yard, lighting, lamp_on, albedo, yard.sun_map.copy(), yard.lamp_map.copy(), yard.infrared_map.copy(), albedo
        )

    @property
    def camera(self) -> Camera:
        """The yard's camera."""
        return self.yard.camera

    def visible(self, depth_m: float) -> Floats:
        """H x W, 1 where nothing of the yard stands before `depth_m` (the ground never hides what stands on it)."""
        surfaces = self.yard.surfaces
        hidden = (surfaces.inverse_depth > 1 / depth_m + 0.002) & (surfaces.ground < 0.5)
        return (~hidden).astype(np.float32)

    def place(self, patch: Patch, depth_m: float) -> None:
        """Lay an object's patch into the yard at its depth along the optical axis (metres)."""
        bounds = patch.clip(self.camera.height, self.camera.width)
        if bounds is None:
            return
        (rows, columns), (own_rows, own_columns) = bounds
        surfaces = self.yard.surfaces
        near = surfaces.inverse_depth[rows, columns] > 1 / depth_m + 0.002
        seen = 1 - (near & (surfaces.ground[rows, columns] < 0.5)).astype(np.float32)
        cover = patch.cover[own_rows, own_columns] * seen
        colour = patch.colour[own_rows, own_columns] * seen[:, :, None]
        self.albedo[rows, columns] = self.albedo[rows, columns] * (1 - cover[:, :, None]) + colour
        # An upright body takes the light of its own place, not that of the wall behind it.
        foot = np.clip(rows.stop - 2, 0, self.camera.height - 1)
        for plane, source in ((self.sun, 0.62), (self.lamp, None), (self.infrared, None)):
            level = source if source is not None else float(plane[foot, columns].mean())
            plane[rows, columns] += (level - plane[rows, columns]) * cover
        for glow, _ in self.glows:
            glow[rows, columns] *= 1 - 0.7 * cover

    def shadow(self, outlines: list[tuple[Floats, Floats]]) -> None:
        """Darken the ground under hulls of circles: each N x 3 world points with N radii (metres)."""
        sun = np.array(self.yard.sun, np.float32)
        head = np.array(self.yard.lamp_head, np.float32)
        strength = [(max(self.lighting.sun) > 0.02, self.sun, 0.8), (max(self.lighting.lamp) > 0.05, self.lamp, 0.75)]
        for index, (wanted, plane, depth) in enumerate(strength):
            if not wanted:
                continue
            mask = np.zeros(plane.shape, np.uint8)
            for points, radii in outlines:
                height = np.maximum(points[:, 1:2], 0)
                if index == 0:
                    flat = points - height / sun[1] * sun
                else:
                    flat = head + (points - head) * (head[1] / np.maximum(head[1] - height, 0.4))
                flat[:, 1] = 0
                self._hull(mask, flat.astype(np.float32), radii)
            rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
            if not len(rows):
                continue
            box = (slice(max(0, rows[0] - 4), rows[-1] + 5), slice(max(0, columns[0] - 4), columns[-1] + 5))
            soft = np.asarray(cv2.GaussianBlur(mask[box], (0, 0), 1.3), np.float32) / 255
            plane[box] *= 1 - depth * soft * self.yard.surfaces.ground[box]

    def _hull(self, mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], flat: Floats, radii_m: Floats) -> None:
        centres = self.camera.project(flat)
        scale = self.camera.focal_px / np.maximum(self.camera.depth(flat), 1.0)
        angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        # A circle on the ground, seen at a slant, is about half as tall as it is wide.
        ring = np.stack([np.cos(angles), 0.5 * np.sin(angles)], axis=1)
        rim = (centres[:, None] + (radii_m * scale)[:, None, None] * ring[None]).reshape(-1, 2)
        shape = cv2.convexHull(np.rint(np.clip(rim, -5000, 5000)).astype(np.int32))
        cv2.fillConvexPoly(mask, np.asarray(shape, np.int32), 255)

    def expose(self) -> None:
        """Let the light fall: ambient, sun, lamp, infrared and the actors' glows times reflectance, and the sky."""
        light = self.lighting
        planes = []
        for channel in range(3):
            plane = cv2.addWeighted(
                self.sun, light.sun[channel], self.lamp, light.lamp[channel] * self.lamp_on, light.ambient[channel]
            )
            if light.infrared > 0:
                plane = cv2.scaleAdd(self.infrared, light.infrared, plane)
            for glow, colour in self.glows:
                plane = cv2.scaleAdd(glow, colour[channel], plane)
            planes.append(plane)
        self.image = np.asarray(cv2.multiply(self.albedo, cv2.merge(planes)), np.float32)
        self._sky()

    def _sky(self) -> None:
        surfaces = self.yard.surfaces
        last = int(np.ceil(self.camera.horizon_px)) + 1
        rows = slice(0, min(max(1, last), self.camera.height))
        down = (np.arange(rows.stop, dtype=np.float32) / max(1, last))[:, None]
        clouds = np.clip((self.yard.clouds[rows] - 0.45) * 1.8, 0, 0.6)
        for channel in range(3):
            top, low = self.lighting.zenith[channel], self.lighting.horizon[channel]
            shade = top + (low - top) * down
            shade = shade + (low * 1.04 - shade) * clouds
            self.image[rows, :, channel] += shade * surfaces.sky[rows]

    def add_light(self, centre: Floats, radius_px: float, colour: Colour, strength: float) -> None:
        """Add a soft round glare to the exposed image, `radius_px` at half its strength."""
        reach = max(2, int(radius_px * 3.2))
        x, y = round(float(centre[0])), round(float(centre[1]))
        rows = slice(max(0, y - reach), min(self.camera.height, y + reach + 1))
        columns = slice(max(0, x - reach), min(self.camera.width, x + reach + 1))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        down = (np.arange(rows.start, rows.stop, dtype=np.float32) - y)[:, None]
        across = (np.arange(columns.start, columns.stop, dtype=np.float32) - x)[None, :]
        squared = (down**2 + across**2) / max(radius_px, 0.5) ** 2
        fade = np.clip(1 - squared / 10, 0, 1)
        glare = (strength * fade / (1 + squared * 1.5)).astype(np.float32)
        self.image[rows, columns] += glare[:, :, None] * np.array(colour, np.float32)
