"""A car or van as flat faces in the world, for the parked one and the one that drives past."""

from dataclasses import dataclass

import numpy as np

from edge_resnet.demo.camera import Camera, Colour, Floats
from edge_resnet.demo.stencil import Stencil

# Side views in metres: along (front positive) and up.
_BODY = {
    "car": [(-2.1, 0.28), (-2.13, 0.72), (-2.0, 0.93), (0.95, 0.97), (1.85, 0.84), (2.1, 0.66), (2.12, 0.28)],
    "van": [(-2.4, 0.3), (-2.42, 1.15), (-2.4, 1.2), (1.3, 1.2), (2.1, 1.05), (2.4, 0.85), (2.42, 0.3)],
}
_CABIN = {
    "car": [(-1.9, 0.93), (-1.35, 1.42), (0.25, 1.44), (1.0, 0.95)],
    "van": [(-2.4, 1.2), (-2.32, 2.05), (0.75, 2.08), (1.5, 1.2)],
}
_WINDOWS = {
    "car": [
        [(-1.6, 0.97), (-1.27, 1.34), (-0.5, 1.36), (-0.5, 0.97)],
        [(-0.42, 0.97), (-0.42, 1.36), (0.2, 1.36), (0.8, 0.99)],
    ],
    "van": [[(0.1, 1.25), (0.1, 1.9), (0.68, 1.9), (1.3, 1.25)]],
}
_GLASS: Colour = (0.10, 0.09, 0.08)
_TYRE: Colour = (0.05, 0.05, 0.05)
_HALF_WIDTH_M = 0.88


@dataclass(frozen=True)
class Vehicle:
    """A vehicle standing at ground point (x, z) metres, its nose towards `heading_rad` (0 = +X, pi/2 = away)."""

    kind: str
    colour: Colour
    x_m: float
    z_m: float
    heading_rad: float

    def world(self, points: Floats) -> Floats:
        """N x 3 points of the vehicle (along, up, to its left) to world points."""
        cos, sin = float(np.cos(self.heading_rad)), float(np.sin(self.heading_rad))
        x = self.x_m + points[:, 0] * cos - points[:, 2] * sin
        z = self.z_m + points[:, 0] * sin + points[:, 2] * cos
        return np.stack([x, points[:, 1], z], axis=1).astype(np.float32)

    def outline(self) -> Floats:
        """16 x 3 world points about the vehicle, for its shadow and its box in the frame."""
        body = [*_BODY[self.kind], *_CABIN[self.kind]]
        return self.world(np.array([(a, u, s) for a, u in body for s in (-_HALF_WIDTH_M, _HALF_WIDTH_M)], np.float32))

    def depth_m(self, camera: Camera) -> float:
        """Depth of the middle along the optical axis in metres."""
        return float(camera.depth(np.array([[self.x_m, 0.5, self.z_m]], np.float32))[0])

    def light_points(self, front: bool) -> Floats:
        """2 x 3 world points of the headlights or of the rear lights."""
        along, up = (2.14, 0.62) if front else (-2.15, 0.72)
        return self.world(np.array([(along, up, -0.62), (along, up, 0.62)], np.float32))

    def draw(self, camera: Camera) -> Stencil:
        """The vehicle on a stencil, its faces shaded by their slope."""
        pixels = camera.project(self.outline())
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        stencil = Stencil((low[0], low[1], high[0], high[1] + 8), zoom=3)
        self._wheels(camera, stencil, inside=True)
        self._shell(camera, stencil, _BODY[self.kind], _HALF_WIDTH_M, _HALF_WIDTH_M, glass=False)
        self._wheels(camera, stencil, inside=False)
        self._shell(camera, stencil, _CABIN[self.kind], _HALF_WIDTH_M, _HALF_WIDTH_M * 0.86, glass=True)
        for front, tint in ((True, (0.75, 0.8, 0.82)), (False, (0.10, 0.08, 0.5))):
            if self._faces(camera, np.array([1.0 if front else -1.0, 0, 0], np.float32), 2.1):
                for point in self.light_points(front):
                    place = camera.project(point[None])[0]
                    stencil.disc(place, 0.12 * camera.pixels_per_metre(self.x_m, self.z_m), tint)
        return stencil

    def _faces(self, camera: Camera, normal: Floats, reach: float) -> bool:
        """Whether a face with this normal (vehicle's axes), `reach` metres from the middle, looks at the camera."""
        cos, sin = float(np.cos(self.heading_rad)), float(np.sin(self.heading_rad))
        nx, nz = float(normal[0] * cos - normal[2] * sin), float(normal[0] * sin + normal[2] * cos)
        towards = -(self.x_m + nx * reach) * nx - (self.z_m + nz * reach) * nz + (camera.mount_m - 1.0) * normal[1]
        return bool(towards > 0)

    def _shell(
        self,
        camera: Camera,
        stencil: Stencil,
        profile: list[tuple[float, float]],
        foot: float,
        head: float,
        glass: bool,
    ) -> None:
        """A profile drawn out sideways: narrower at its top where `head` (half width) is less than `foot`."""
        lowest = min(up for _, up in profile)
        highest = max(up for _, up in profile)
        halves = [foot + (head - foot) * (up - lowest) / (highest - lowest) for _, up in profile]
        for (a0, u0), (a1, u1), h0, h1 in zip(profile, profile[1:], halves, halves[1:], strict=False):
            normal = np.array([-(u1 - u0), a1 - a0, 0], np.float32) * -1
            normal = -normal / max(1e-6, float(np.hypot(normal[0], normal[1])))
            if not self._faces(camera, normal, abs(float(normal[0])) * max(abs(a0), abs(a1))):
                continue
            ends = np.array([(a0, u0, -h0), (a1, u1, -h1), (a1, u1, h1), (a0, u0, h0)], np.float32)
            pane = glass and abs(float(normal[0])) > 0.3 and not (self.kind == "van" and normal[0] < 0)
            light = 0.62 + 0.38 * float(normal[1])
            tint = _GLASS if pane else self._paint(light)
            stencil.polygon(camera.project(self.world(ends)), tint)
        for side in (-1.0, 1.0):
            if not self._faces(camera, np.array([0, 0, side], np.float32), _HALF_WIDTH_M):
                continue
            flank = np.array([(a, u, side * h) for (a, u), h in zip(profile, halves, strict=True)], np.float32)
            stencil.polygon(camera.project(self.world(flank)), self._paint(0.68))
            for window in _WINDOWS[self.kind] if glass else []:
                pane_points = np.array([(a, u, side * (foot + head) / 2) for a, u in window], np.float32)
                stencil.polygon(camera.project(self.world(pane_points)), _GLASS)

    def _wheels(self, camera: Camera, stencil: Stencil, inside: bool) -> None:
        angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        for side in (-1.0, 1.0):
            near = self._faces(camera, np.array([0, 0, side], np.float32), _HALF_WIDTH_M)
            if near == inside:
                continue
            for axle in (-1.3, 1.32):
                for radius, tint in ((0.34, _TYRE), (0.19, (0.35, 0.35, 0.36))):
                    ring = [(axle + np.cos(a) * radius, 0.32 + np.sin(a) * radius, side * 0.87) for a in angles]
                    stencil.polygon(camera.project(self.world(np.array(ring, np.float32))), tint)

    def _paint(self, factor: float) -> Colour:
        return self.colour[0] * factor, self.colour[1] * factor, self.colour[2] * factor
