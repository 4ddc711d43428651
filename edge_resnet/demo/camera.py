"""The pinhole camera of a demo yard: metres on the ground to pixels in the frame, and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]
Colour = tuple[float, float, float]
"""Reflectance or light per channel in BGR order, 0 to 1 (light may exceed 1)."""


@dataclass(frozen=True)
class Camera:
    """A camera on a mast that looks level with a shifted lens, so that vertical edges stay vertical in the frame.

    World axes in metres: X to the right, Y up, Z away from the camera, the camera's foot at the origin.
    """

    height: int
    width: int
    focal_px: float
    mount_m: float
    horizon_px: float
    yaw_rad: float

    def depth(self, points: Floats) -> Floats:
        """Distance along the optical axis in metres, N, of N x 3 world points."""
        along = points[:, 0] * np.sin(self.yaw_rad) + points[:, 2] * np.cos(self.yaw_rad)
        return np.asarray(along, np.float32)

    def project(self, points: Floats) -> Floats:
        """N x 3 world points (metres) to N x 2 pixels (x, y); points behind the lens are held just before it."""
        depth = np.maximum(self.depth(points), 0.3)
        across = points[:, 0] * np.cos(self.yaw_rad) - points[:, 2] * np.sin(self.yaw_rad)
        x = self.width / 2 + self.focal_px * across / depth
        y = self.horizon_px + self.focal_px * (self.mount_m - points[:, 1]) / depth
        return np.stack([x, y], axis=1).astype(np.float32)

    def pixels_per_metre(self, x_m: float, z_m: float) -> float:
        """How many pixels one metre covers at the ground point (x, z)."""
        return self.focal_px / max(0.3, float(self.depth(np.array([[x_m, 0, z_m]], np.float32))[0]))

    def ground_under(self, x_px: float, depth_m: float) -> tuple[float, float]:
        """The ground point (x, z) in metres that lies in column `x_px` at `depth_m` along the optical axis."""
        across = (x_px - self.width / 2) * depth_m / self.focal_px
        sin, cos = float(np.sin(self.yaw_rad)), float(np.cos(self.yaw_rad))
        return across * cos + depth_m * sin, depth_m * cos - across * sin

    def ground_inverse_depth(self) -> Floats:
        """H x W of 1 / depth (1/m) for a bare ground plane; 0 from the horizon up."""
        rows = (np.arange(self.height, dtype=np.float32) - self.horizon_px) / (self.focal_px * self.mount_m)
        return np.repeat(np.maximum(rows, 0)[:, None], self.width, axis=1).astype(np.float32)

    def positions(self, inverse_depth: Floats) -> Floats:
        """H x W x 3 world positions in metres of what is seen, from H x W of 1 / depth; the sky is 200 m away."""
        depth = 1.0 / np.maximum(inverse_depth, 1 / 200)
        columns = np.arange(self.width, dtype=np.float32)[None, :] - self.width / 2
        rows = np.arange(self.height, dtype=np.float32)[:, None] - self.horizon_px
        across = columns * depth / self.focal_px
        sin, cos = float(np.sin(self.yaw_rad)), float(np.cos(self.yaw_rad))
        up = self.mount_m - rows * depth / self.focal_px
        return np.stack([across * cos + depth * sin, up, depth * cos - across * sin], axis=2).astype(np.float32)
