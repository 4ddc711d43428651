"""What a camera sees of a yard before any light falls on it: reflectance, depth, normal and kind of every pixel."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from edge_resnet.demo.camera import AnyFloats, Camera, Floats
from edge_resnet.demo.stencil import Patch, Stencil
from edge_resnet.demo.texture import floats

UP = (0.0, 1.0, 0.0)


@dataclass
class Surfaces:
    """Buffers that a yard is painted into, far things first; all H x W (x 3), float32."""

    camera: Camera
    albedo: Floats
    inverse_depth: Floats
    normal: Floats
    ground: Floats
    """1 where the pixel is ground."""
    sky: Floats
    """1 where the pixel is sky."""
    sway: Floats
    """How far wind moves the pixel, 0 to 1."""
    shade_sun: Floats
    """1 in full sun, less in the cast shadow of a fixed thing."""
    shade_lamp: Floats
    """1 in full lamplight, less in the cast shadow of a fixed thing."""
    tops: list[tuple[float, float, float, float]] = field(default_factory=list)
    """What may catch fire: x and z of the middle, height of the top, width; metres."""

    @classmethod
    def bare(cls, camera: Camera) -> "Surfaces":
        """A ground plane and a sky with nothing on it; reflectance still to be painted."""
        shape = (camera.height, camera.width)
        inverse = camera.ground_inverse_depth()
        below = (inverse > 0).astype(np.float32)
        normal = np.zeros((*shape, 3), np.float32)
        normal[:, :, 1] = 1
        ones = np.ones(shape, np.float32)
        zero = np.zeros(shape, np.float32)
        albedo = np.zeros((*shape, 3), np.float32)
        return cls(camera, albedo, inverse, normal, below, 1 - below, zero, ones, ones.copy())

    def _mark(self, rows: slice, columns: slice, cover: AnyFloats, inverse: AnyFloats | float, normal: Floats) -> None:
        """Where `cover` is more than half, the pixel belongs to this new thing from now on."""
        solid = cover > 0.5
        self.inverse_depth[rows, columns] = np.where(solid, inverse, self.inverse_depth[rows, columns])
        self.normal[rows, columns] = np.where(solid[:, :, None], normal, self.normal[rows, columns])
        self.ground[rows, columns] *= 1 - cover
        self.sky[rows, columns] *= 1 - cover
        self.sway[rows, columns] *= 1 - cover

    def face(self, corners: Floats, texture: Floats, normal: tuple[float, float, float]) -> None:
        """Paint a flat rectangle: 4 x 3 world corners from top left clockwise, and a texture (3 or 4 channels)."""
        pixels = self.camera.project(corners)
        left, top = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int)
        right = min(self.camera.width, int(np.ceil(pixels[:, 0].max())) + 1)
        bottom = min(self.camera.height, int(np.ceil(pixels[:, 1].max())) + 1)
        if right - left < 1 or bottom - top < 1:
            return
        height, width = texture.shape[:2]
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        offset = np.array([left, top], np.float32)
        matrix = cv2.getPerspectiveTransform(source, (pixels - offset).astype(np.float32))
        size = (right - left, bottom - top)
        warped = floats(
            cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )
        stencil = np.zeros((size[1] * 2, size[0] * 2), np.uint8)
        cv2.fillConvexPoly(stencil, np.rint((pixels - offset) * 2).astype(np.int32), 255)
        cover = floats(cv2.resize(stencil, size, interpolation=cv2.INTER_AREA)) / 255
        if warped.shape[2] == 4:
            cover = cover * warped[:, :, 3]
        rows, columns = slice(int(top), bottom), slice(int(left), right)
        part = self.albedo[rows, columns]
        self.albedo[rows, columns] = part + (warped[:, :, :3] - part) * cover[:, :, None]
        # On a plane 1 / depth is linear in the pixel's coordinates: three corners fix it.
        system = np.column_stack([pixels[:3], np.ones(3)]).astype(np.float64)
        plane = np.linalg.solve(system, 1 / np.maximum(self.camera.depth(corners[:3]), 0.3))
        across, down = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        inverse = (plane[0] * across + plane[1] * down + plane[2]).astype(np.float32)
        self._mark(rows, columns, cover, inverse, np.array(normal, np.float32))

    def box(
        self,
        centre: tuple[float, float],
        size: tuple[float, float, float],
        turn_rad: float,
        textures: tuple[Floats, Floats, Floats],
        base_m: float = 0.0,
    ) -> None:
        """Paint a box: ground centre (x, z), width x height x depth in metres; textures of front, side and top."""
        cos, sin = float(np.cos(turn_rad)), float(np.sin(turn_rad))
        wide, tall, deep = size[0] / 2, base_m + size[1], size[2] / 2

        def corner(across: float, along: float, up: float) -> tuple[float, float, float]:
            return centre[0] + across * cos - along * sin, up, centre[1] + across * sin + along * cos

        for normal_local, texture in (
            ((0.0, 1.0), textures[0]),
            ((1.0, 0.0), textures[1]),
            ((-1.0, 0.0), textures[1]),
            ((0.0, -1.0), textures[0]),
        ):
            nx, nz = normal_local[0] * cos - normal_local[1] * sin, normal_local[0] * sin + normal_local[1] * cos
            reach = wide if normal_local[0] else deep
            if nx * (centre[0] + nx * reach) + nz * (centre[1] + nz * reach) >= 0:
                continue
            across, along = normal_local
            a0, l0 = (across + along) * wide, (along - across) * deep
            a1, l1 = (across - along) * wide, (along + across) * deep
            ends = [corner(a0, l0, tall), corner(a1, l1, tall), corner(a1, l1, base_m), corner(a0, l0, base_m)]
            self.face(np.array(ends, np.float32), texture, (nx, 0.0, nz))
        if tall < self.camera.mount_m:
            lid = [corner(-wide, deep, tall), corner(wide, deep, tall), corner(wide, -deep, tall)]
            self.face(np.array([*lid, corner(-wide, -deep, tall)], np.float32), textures[2], UP)

    def lay(self, stencil: Stencil, depth_m: float, normal: tuple[float, float, float], rounding: float = 0.0) -> Patch:
        """Lay a drawn object over what is there, at `depth_m` along the optical axis."""
        patch = stencil.patch(rounding)
        touched = patch.over(self.albedo)
        place = patch.clip(self.camera.height, self.camera.width)
        if touched is not None and place is not None:
            cover = patch.cover[place[1]]
            self._mark(touched[0], touched[1], cover, 1 / depth_m, np.array(normal, np.float32))
        return patch

    def darken_foot(self, centre: tuple[float, float], radii_m: tuple[float, float], turn_rad: float) -> None:
        """Darken the ground about an object's foot, where no light creeps in."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        across, along = np.cos(angles) * radii_m[0], np.sin(angles) * radii_m[1]
        cos, sin = np.cos(turn_rad), np.sin(turn_rad)
        ring = np.stack(
            [centre[0] + across * cos - along * sin, np.zeros(24), centre[1] + across * sin + along * cos], axis=1
        )
        mask = np.zeros(self.ground.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(self.camera.project(ring.astype(np.float32))).astype(np.int32)], 255)
        soft = floats(cv2.GaussianBlur(mask, (0, 0), 4)) / 255
        self.albedo *= (1 - 0.55 * soft * self.ground)[:, :, None]

    def cast(self, outline: Floats, sun: tuple[float, float, float], lamp: tuple[float, float, float]) -> None:
        """Add the shadows that N x 3 outline points throw on the ground: along the sun's rays and away from a lamp."""
        along_sun = outline - outline[:, 1:2] / sun[1] * np.array(sun, np.float32)
        source = np.array(lamp, np.float32)
        height = np.minimum(outline[:, 1:2], lamp[1] - 0.3)
        away = source + (outline - source) * (lamp[1] / (lamp[1] - height))
        for points, plane, depth in ((along_sun, self.shade_sun, 0.85), (away, self.shade_lamp, 0.7)):
            mask = np.zeros(plane.shape, np.uint8)
            flat = points.copy()
            flat[:, 1] = 0
            hull = cv2.convexHull(np.rint(np.clip(self.camera.project(flat), -4000, 4000)).astype(np.int32))
            cv2.fillConvexPoly(mask, np.asarray(hull, np.int32), 255)
            soft = floats(cv2.GaussianBlur(mask, (0, 0), 2.0)) / 255
            np.minimum(plane, 1 - depth * soft * self.ground, out=plane)
