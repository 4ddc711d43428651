"""A small drawing sheet for one object: shapes drawn enlarged, shrunk to soft edges, laid over a frame's buffers."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_resnet.demo.camera import Colour, Floats
from edge_resnet.demo.texture import floats

_MARGIN_PX = 2.0
_LARGEST_PX = 900


@dataclass(frozen=True)
class Patch:
    """An object cut out: top left corner in pixels, h x w x 3 reflectance already times coverage, h x w coverage."""

    left: int
    top: int
    colour: Floats
    cover: Floats

    def over(self, target: Floats, visible: Floats | None = None) -> tuple[slice, slice] | None:
        """Lay the patch over `target` (H x W x 3, changed in place) where `visible` (H x W, 0 to 1) lets it through.

        Returns the rows and columns of the target that were touched, or None where the patch lies outside.
        """
        place = self.clip(target.shape[0], target.shape[1])
        if place is None:
            return None
        (rows, columns), (own_rows, own_columns) = place
        cover, colour = self.cover[own_rows, own_columns], self.colour[own_rows, own_columns]
        if visible is not None:
            cover = cover * visible[rows, columns]
            colour = colour * visible[rows, columns, None]
        target[rows, columns] = target[rows, columns] * (1 - cover[:, :, None]) + colour
        return rows, columns

    def clip(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where the patch falls in a frame of this size: the frame's rows and columns, and the patch's own."""
        top, left = max(0, self.top), max(0, self.left)
        bottom = min(height, self.top + self.cover.shape[0])
        right = min(width, self.left + self.cover.shape[1])
        if top >= bottom or left >= right:
            return None
        own = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        return (slice(top, bottom), slice(left, right)), own


class Stencil:
    """Draws filled shapes, given in frame pixels, on a sheet `zoom` times as fine as the frame."""

    def __init__(self, box: tuple[float, float, float, float], zoom: int = 3) -> None:
        """`box` is left, top, right, bottom in frame pixels; it may reach beyond the frame."""
        self.left, self.top = int(np.floor(box[0] - _MARGIN_PX)), int(np.floor(box[1] - _MARGIN_PX))
        width = int(np.clip(np.ceil(box[2] + _MARGIN_PX) - self.left, 4, _LARGEST_PX))
        height = int(np.clip(np.ceil(box[3] + _MARGIN_PX) - self.top, 4, _LARGEST_PX))
        self.zoom = zoom
        self._sheet = np.zeros((height * zoom, width * zoom, 4), np.uint8)

    def _scaled(self, points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        origin = np.array([self.left, self.top], np.float32)
        return np.asarray(np.clip(np.rint((points - origin) * self.zoom), -20000, 20000), np.int32)

    @staticmethod
    def _ink(colour: Colour) -> Sequence[float]:
        return [*(float(np.clip(channel, 0, 1)) * 255 for channel in colour), 255.0]

    def polygon(self, points: Floats, colour: Colour) -> None:
        """Fill the polygon through N x 2 points."""
        cv2.fillPoly(self._sheet, [self._scaled(points)], self._ink(colour))

    def disc(self, centre: Floats, radius_px: float, colour: Colour) -> None:
        """Fill a circle."""
        x, y = self._scaled(centre[None, :])[0]
        cv2.circle(self._sheet, (int(x), int(y)), max(1, round(radius_px * self.zoom)), self._ink(colour), -1)

    def discs(self, centres: Floats, radii_px: Floats, colours: Floats) -> None:
        """Fill N circles in the given order: N x 2 centres, N radii, N x 3 colours."""
        places = self._scaled(centres).tolist()
        radii = np.maximum(1, np.rint(radii_px * self.zoom)).astype(int).tolist()
        inks = np.column_stack([np.clip(colours, 0, 1) * 255, np.full(len(radii), 255)]).tolist()
        for place, radius, ink in zip(places, radii, inks, strict=True):
            cv2.circle(self._sheet, place, radius, ink, -1)

    def hull(self, centres: Floats, radii_px: Floats, colour: Colour) -> None:
        """Fill the convex hull of circles: a limb between two joints, or a torso between four."""
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False, dtype=np.float32)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        rim = (centres[:, None, :] + radii_px[:, None, None] * ring[None]).reshape(-1, 2)
        shape = np.asarray(cv2.convexHull(self._scaled(rim.astype(np.float32))), dtype=np.int32)
        cv2.fillConvexPoly(self._sheet, shape, self._ink(colour))

    def patch(self, rounding: float = 0.0, light_from: float = -1.0) -> Patch:
        """The sheet shrunk to frame pixels; `rounding` (0 to 1) shades it as a round body lit from one side."""
        height, width = self._sheet.shape[0] // self.zoom, self._sheet.shape[1] // self.zoom
        small = floats(cv2.resize(self._sheet, (width, height), interpolation=cv2.INTER_AREA)) / 255
        cover, colour = small[:, :, 3], small[:, :, :3]
        if rounding > 0:
            soft = floats(cv2.GaussianBlur(cover, (0, 0), max(1.0, width / 16)))
            slope = floats(cv2.Sobel(soft, cv2.CV_32F, 1, 0)) * -light_from
            slope /= max(1e-3, float(np.abs(slope).max()))
            colour = colour * (1 - rounding * slope)[:, :, None]
        return Patch(self.left, self.top, np.ascontiguousarray(colour), np.ascontiguousarray(cover))
