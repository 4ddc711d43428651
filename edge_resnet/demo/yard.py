"""The static background of a yard: a layout drawn from a seed, seen by a camera, ready to be lit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
import numpy.typing as npt

from edge_resnet.demo import plants, texture
from edge_resnet.demo.camera import Camera, Colour, Floats
from edge_resnet.demo.lighting import SODIUM, WHITE
from edge_resnet.demo.stencil import Stencil
from edge_resnet.demo.surfaces import Surfaces
from edge_resnet.demo.texture import floats
from edge_resnet.demo.vehicle import Vehicle

Point = tuple[float, float]
Painter = Callable[[Surfaces, np.random.Generator, Point, Floats, Floats], None]
_STEEL: Colour = (0.30, 0.31, 0.31)
_PAINTS: tuple[Colour, ...] = (
    (0.55, 0.56, 0.57),
    (0.12, 0.12, 0.13),
    (0.45, 0.20, 0.10),
    (0.13, 0.13, 0.42),
    (0.70, 0.72, 0.72),
    (0.25, 0.32, 0.18),
    (0.18, 0.36, 0.50),
    (0.42, 0.35, 0.16),
)


@dataclass(frozen=True, eq=False)
class Yard:
    """A yard's buffers (H x W (x 3), float32) and the few places that actors need to know."""

    layout_seed: int
    camera: Camera
    surfaces: Surfaces
    positions: Floats
    """World position in metres of what each pixel shows."""
    sun: tuple[float, float, float]
    """Direction in which sunlight travels (unit vector, y below 0)."""
    sun_map: Floats
    lamp_map: Floats
    infrared_map: Floats
    lamp_head: tuple[float, float, float]
    lamp_tint: Colour
    wall_m: float
    """Distance of the back wall in metres."""
    clouds: Floats
    """A texture for the sky, 0 to 1."""

    def point_light(self, source: tuple[float, float, float], reach_m: float) -> Floats:
        """H x W of the light that a lamp of strength 1 at `source` (metres) sends to every surface."""
        towards = np.array(source, np.float32) - self.positions
        # A product with ones sums three channels several times faster than numpy's own sum over a short axis.
        ones = np.ones(3, np.float32)
        squared = (towards * towards) @ ones
        facing = ((towards * self.surfaces.normal) @ ones) / np.sqrt(squared + np.float32(1e-3))
        light = np.clip(facing * 0.85 + 0.15, 0.05, 1) / (1 + squared / reach_m**2)
        return floats(light * (1 - self.surfaces.sky))

    def sees(self, points: Floats) -> npt.NDArray[np.bool_]:
        """Which of N x 3 world points (metres) lie in the frame with nothing of the yard before them."""
        camera, surfaces = self.camera, self.surfaces
        pixels = np.rint(camera.project(points)).astype(int)
        x, y = pixels[:, 0], pixels[:, 1]
        depth = camera.depth(points)
        inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height) & (depth > 1)
        x, y = np.clip(x, 0, camera.width - 1), np.clip(y, 0, camera.height - 1)
        free = surfaces.inverse_depth[y, x] <= 1 / np.maximum(depth, 1) + 0.002
        return np.asarray(inside & (free | (surfaces.ground[y, x] > 0.5)))

    def clear(self, x_m: float, z_m: float, tall_m: float) -> float:
        """The share (0 to 1) of an upright object at (x, z) that the camera sees."""
        points = np.array([(x_m, tall_m * share, z_m) for share in np.linspace(0, 1, 12)], np.float32)
        return float(np.mean(self.sees(points)))


def _camera(rng: np.random.Generator, height: int, width: int) -> Camera:
    scale = height / 360
    return Camera(
        height,
        width,
        focal_px=float(rng.uniform(440, 520)) * scale,
        mount_m=float(rng.uniform(1.65, 1.85)),
        horizon_px=float(rng.uniform(50, 76)) * scale,
        yaw_rad=float(rng.uniform(-0.34, 0.34)),
    )


def _behind(surfaces: Surfaces, rng: np.random.Generator, wall_m: float) -> None:
    """What stands beyond the wall: a far field, roofs, tree tops."""
    for _ in range(int(rng.integers(1, 4))):
        x, wide, tall = float(rng.uniform(-30, 30)), float(rng.uniform(8, 18)), float(rng.uniform(3.0, 6.5))
        tone = float(rng.uniform(0.25, 0.5))
        front = texture.panels(wide, tall, (tone, tone, tone * 0.97), rng)
        surfaces.box((x, wall_m + 22), (wide, tall, 6), float(rng.uniform(-0.3, 0.3)), (front, front, front))
    for _ in range(int(rng.integers(2, 6))):
        at = (float(rng.uniform(-22, 22)), wall_m + float(rng.uniform(4, 12)))
        plants.tree(surfaces, at, float(rng.uniform(3.2, 6.0)), rng)


def _wall(surfaces: Surfaces, rng: np.random.Generator, wall_m: float) -> None:
    """The back wall with a gate or roller door in it, and perhaps a side wall running towards the camera."""
    kind = str(rng.choice(list(texture.WALLS)))
    hall = kind in ("corrugated", "panels", "brick") and rng.random() < 0.35
    tall = float(rng.uniform(4.2, 6.0)) if hall else float(rng.uniform(1.9, 2.7))
    colours: dict[str, Colour] = {
        "brick": (0.22, 0.28, 0.46),
        "panels": (0.50, 0.52, 0.52),
        "planks": (0.20, 0.30, 0.40),
        "corrugated": (0.45, 0.45, 0.40),
        "palisade": (0.20, 0.24, 0.20),
    }
    tint = np.array(colours[kind]) * rng.uniform(0.8, 1.15) * rng.uniform(0.92, 1.08, 3)
    colour = (float(tint[0]), float(tint[1]), float(tint[2]))
    left, right = -22.0, 22.0
    corners = [(left, tall, wall_m), (right, tall, wall_m), (right, 0, wall_m), (left, 0, wall_m)]
    surfaces.face(np.array(corners, np.float32), texture.WALLS[kind](right - left, tall, colour, rng), (0, 0, -1))
    wide = float(rng.uniform(2.6, 4.2))
    x = float(rng.uniform(-4.5, 4.5))
    high = min(tall + 0.1, float(rng.uniform(2.1, 3.2)))
    gate = texture.palisade if not hall and rng.random() < 0.5 else texture.corrugated
    door = gate(wide, high, (0.30, 0.30, 0.29) if rng.random() < 0.5 else (0.36, 0.28, 0.18), rng)
    if door.shape[2] == 4:
        door[:, :, 3] = np.maximum(door[:, :, 3], 0.12)
    z = wall_m - 0.06
    opening = [(x, high, z), (x + wide, high, z), (x + wide, 0, z), (x, 0, z)]
    surfaces.face(np.array(opening, np.float32), door, (0, 0, -1))
    for edge in (x - 0.12, x + wide):
        post = texture.panels(0.24, high + 0.25, (0.4, 0.4, 0.4), rng)
        surfaces.box((edge + 0.06, z - 0.1), (0.24, high + 0.2, 0.24), 0.0, (post, post, post))
    if rng.random() < 0.5:
        side = 1.0 if rng.random() < 0.5 else -1.0
        x_side, near = side * float(rng.uniform(6.8, 8.5)), 5.0
        ends = [(x_side, tall, near), (x_side, tall, wall_m), (x_side, 0, wall_m), (x_side, 0, near)]
        if side > 0:
            ends = [ends[1], ends[0], ends[3], ends[2]]
        surfaces.face(
            np.array(ends, np.float32), texture.WALLS[kind](wall_m - near, tall, colour, rng), (-side, 0.0, 0.0)
        )


def _container(surfaces: Surfaces, rng: np.random.Generator, at: Point, sun: Floats, lamp: Floats) -> None:
    colour = _PAINTS[int(rng.integers(len(_PAINTS)))]
    size = (float(rng.uniform(3.0, 5.5)), float(rng.uniform(2.0, 2.5)), 2.2)
    turn = float(rng.uniform(-0.35, 0.35))
    sides = (
        texture.corrugated(size[0], size[1], colour, rng),
        texture.corrugated(size[2], size[1], colour, rng),
        texture.panels(size[0], size[2], colour, rng),
    )
    cos, sin = np.cos(turn), np.sin(turn)
    corners = [
        (at[0] + a * cos - b * sin, up, at[1] + a * sin + b * cos)
        for a in (-size[0] / 2, size[0] / 2)
        for b in (-size[2] / 2, size[2] / 2)
        for up in (0.0, size[1])
    ]
    surfaces.cast(np.array(corners, np.float32), _triple(sun), _triple(lamp))
    surfaces.darken_foot(at, (size[0] / 2 + 0.15, size[2] / 2 + 0.15), turn)
    surfaces.box(at, size, turn, sides)


def _parked(surfaces: Surfaces, rng: np.random.Generator, at: Point, sun: Floats, lamp: Floats) -> None:
    heading = float(rng.choice([0.0, np.pi, np.pi / 2, -np.pi / 2])) + float(rng.uniform(-0.3, 0.3))
    kind = "van" if rng.random() < 0.3 else "car"
    vehicle = Vehicle(kind, _PAINTS[int(rng.integers(len(_PAINTS)))], at[0], at[1], heading)
    surfaces.cast(vehicle.outline(), _triple(sun), _triple(lamp))
    surfaces.darken_foot(at, (2.2, 0.95), heading)
    surfaces.tops.append((at[0], at[1], 0.9, 1.5))
    surfaces.lay(vehicle.draw(surfaces.camera), vehicle.depth_m(surfaces.camera), (0.0, 0.6, -0.8))


def _clutter(surfaces: Surfaces, rng: np.random.Generator, at: Point, sun: Floats, lamp: Floats) -> None:
    """A pallet stack, a bin or a crate: the things that burn in the fire class stand unburnt in all classes."""
    kind = str(rng.choice(["pallets", "bin", "crate"]))
    turn = float(rng.uniform(-0.7, 0.7))
    if kind == "pallets":
        size, tint = (1.2, float(rng.uniform(0.4, 1.1)), 0.9), (0.26, 0.38, 0.48)
        front = texture.planks(size[1], size[0], tint, rng).transpose(1, 0, 2).copy()
    elif kind == "bin":
        size, tint = (0.75, 1.05, 0.7), ((0.18, 0.26, 0.12), (0.2, 0.2, 0.2), (0.36, 0.22, 0.1))[int(rng.integers(3))]
        front = texture.panels(size[0], size[1], tint, rng)
    else:
        size, tint = (0.9, 0.7, 0.8), (0.24, 0.32, 0.40)
        front = texture.planks(size[0], size[1], tint, rng)
    top = np.clip(front * 1.1, 0, 1).astype(np.float32)
    reach = size[0] / 2
    outline = [(at[0] + a * reach, up, at[1] + b * reach) for a in (-1, 1) for b in (-1, 1) for up in (0, size[1])]
    surfaces.cast(np.array(outline, np.float32), _triple(sun), _triple(lamp))
    surfaces.darken_foot(at, (reach + 0.1, size[2] / 2 + 0.1), turn)
    surfaces.tops.append((at[0], at[1], size[1], size[0]))
    surfaces.box(at, size, turn, (front, front, top))


def _lamp_post(
    surfaces: Surfaces,
    rng: np.random.Generator,
    foot: Point,
    sun: Floats,
    lamp: Floats,
    head: tuple[float, float, float],
) -> None:
    pole = np.array([(foot[0] + d, up, foot[1]) for d in (-0.06, 0.06) for up in (0.0, head[1])], np.float32)
    # A lamp above its own post throws no shadow of it: the far lamp given here lights from straight above.
    surfaces.cast(pole, _triple(sun), (foot[0], 50.0, foot[1]))
    camera = surfaces.camera
    points = np.array([(foot[0], 0, foot[1]), (foot[0], head[1] + 0.15, foot[1]), head], np.float32)
    pixels = camera.project(points)
    scale = camera.pixels_per_metre(*foot)
    low, high = pixels.min(axis=0) - 12, pixels.max(axis=0) + 12
    stencil = Stencil((low[0], low[1], high[0], high[1]))
    stencil.hull(pixels[:2], np.array([0.075, 0.05], np.float32) * scale, _STEEL)
    stencil.hull(pixels[1:], np.array([0.04, 0.04], np.float32) * scale, _STEEL)
    tip = np.stack([pixels[2] - [0.2 * scale, 0], pixels[2] + [0.2 * scale, 0]]).astype(np.float32)
    stencil.hull(tip, np.array([0.09, 0.09], np.float32) * scale, (0.42, 0.43, 0.43))
    surfaces.lay(stencil, float(camera.depth(points[:1])[0]), (0.0, 0.2, -0.98), rounding=0.3)


def _markings(surfaces: Surfaces, positions: Floats, rng: np.random.Generator, wall_m: float) -> None:
    """Worn paint on the floor: bays along the wall, or a lane."""
    x, z = positions[:, :, 0], positions[:, :, 2]
    start, count = float(rng.uniform(-6, 0)), int(rng.integers(2, 5))
    inside = (z > wall_m - 5.2) & (z < wall_m - 0.8) & (x > start) & (x < start + 2.6 * count + 0.12)
    bay = (np.mod(x - start, 2.6) < 0.11) & inside
    wear = texture.sample(texture.noise_tile(3), x / 3, z / 3)
    cover = floats(cv2.GaussianBlur((bay * surfaces.ground).astype(np.float32), (0, 0), 0.7)) * np.clip(
        1.4 - wear * 1.3, 0.15, 0.9
    )
    surfaces.albedo += (np.array([0.62, 0.66, 0.68], np.float32) - surfaces.albedo) * cover[:, :, None]


def _triple(vector: Floats) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _floor(surfaces: Surfaces, rng: np.random.Generator, wall_m: float) -> None:
    positions = surfaces.camera.positions(surfaces.inverse_depth)
    footprint = (positions[:, :, 2] / surfaces.camera.focal_px).astype(np.float32)
    # Seen at a slant, a pixel covers several times more of the ground along the view than across it.
    slant = np.clip(positions[:, :, 2] / surfaces.camera.mount_m, 1, 6) ** 0.5
    kind = str(rng.choice(["asphalt", "concrete", "gravel", "pavers"], p=[0.4, 0.3, 0.15, 0.15]))
    floor = texture.ground(kind, positions, footprint * slant, rng)
    grass = plants.grass(positions, footprint, rng)
    edge = texture.sample(texture.noise_tile(2), positions[:, :, 0] / 5, positions[:, :, 2] / 5) - 0.5
    beyond = np.clip((positions[:, :, 2] - wall_m + float(rng.uniform(0.3, 1.3)) + edge * 0.8) * 4, 0, 1)
    side = 1.0 if rng.random() < 0.5 else -1.0
    verge = np.clip((positions[:, :, 0] * side - float(rng.uniform(4.5, 9)) + edge * 1.2) * 4, 0, 1)
    mix = np.maximum(beyond, verge if rng.random() < 0.6 else 0)[:, :, None]
    surfaces.albedo[:] = (floor * (1 - mix) + grass * mix) * surfaces.ground[:, :, None]
    if kind in ("asphalt", "concrete") and rng.random() < 0.6:
        _markings(surfaces, positions, rng, wall_m)


def _bush(surfaces: Surfaces, rng: np.random.Generator, at: Point, sun: Floats, lamp: Floats) -> None:
    plants.bush(surfaces, at, float(rng.uniform(0.8, 1.4)), rng, _triple(sun), _triple(lamp))


def _tree(surfaces: Surfaces, rng: np.random.Generator, at: Point, sun: Floats, lamp: Floats) -> None:
    plants.tree(surfaces, at, float(rng.uniform(3.2, 4.6)), rng, _triple(sun), _triple(lamp))


def _things(surfaces: Surfaces, rng: np.random.Generator, wall_m: float, side: float) -> list[tuple[Point, Painter]]:
    """What stands in the yard and where (x, z metres), in any order; the lamp is on `side` (-1 left, 1 right)."""
    camera = surfaces.camera

    def spot(share: float, before_wall_m: float) -> Point:
        return camera.ground_under(camera.width * share, wall_m - before_wall_m)

    # Large things stand at the back and to the sides, so that most of the floor stays in view.
    large: list[Painter] = [_container, _parked, _parked if rng.random() < 0.4 else _clutter]
    places = rng.permutation(np.array([0.10, 0.5, 0.90])) + rng.uniform(-0.06, 0.06, 3)
    kept = large[: int(rng.integers(2, 4))]
    things = [(spot(float(x), float(rng.uniform(2.2, 3.0))), paint) for x, paint in zip(places, kept, strict=False)]
    for _ in range(int(rng.integers(1, 4))):
        things.append((spot(float(rng.uniform(0, 1)), float(rng.uniform(0.5, 1.1))), _bush))
    if rng.random() < 0.7:
        things.append((spot(0.5 - side * float(rng.uniform(0.34, 0.5)), 3.6), _tree))
    for _ in range(int(rng.integers(1, 3))):
        things.append((spot(float(rng.uniform(0.05, 0.95)), float(rng.uniform(3.8, 4.6))), _clutter))
    return things


def _ground(at: Point) -> Floats:
    return np.array([[at[0], 0, at[1]]], np.float32)


@lru_cache(maxsize=6)
def yard(layout_seed: int, height: int = 360, width: int = 640) -> Yard:
    """The yard of a layout seed for frames of height x width pixels; the same seed gives the same yard."""
    rng = np.random.default_rng([layout_seed, 1])
    camera = _camera(rng, height, width)
    surfaces = Surfaces.bare(camera)
    wall_m = float(rng.uniform(12.0, 14.5))
    bearing, steep = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.6, 1.1))
    sun = np.array([np.cos(bearing) * np.cos(steep), -np.sin(steep), abs(np.sin(bearing)) * np.cos(steep)], np.float32)
    side = 1.0 if rng.random() < 0.5 else -1.0
    middle = wall_m * 0.75
    foot = camera.ground_under(width * (0.5 + side * float(rng.uniform(0.16, 0.36))), middle + float(rng.uniform(0, 2)))
    head = (foot[0] - side * 0.9, float(rng.uniform(3.7, 4.6)), foot[1] - 0.2)
    lamp = np.array(head, np.float32)
    _floor(surfaces, rng, wall_m)
    _behind(surfaces, rng, wall_m)
    _wall(surfaces, rng, wall_m)
    things = _things(surfaces, rng, wall_m, side)
    things.append((foot, partial(_lamp_post, head=head)))
    # Painted from the far to the near, as each covers what stands behind it.
    for at, paint in sorted(things, key=lambda thing: -float(camera.depth(_ground(thing[0]))[0])):
        paint(surfaces, rng, at, sun, lamp)
    return _lit(layout_seed, surfaces, sun, head, WHITE if rng.random() < 0.5 else SODIUM, wall_m)


def _lit(
    layout_seed: int,
    surfaces: Surfaces,
    sun: Floats,
    head: tuple[float, float, float],
    tint: Colour,
    wall_m: float,
) -> Yard:
    """Work out once how sun, lamp and infrared lights fall on the finished surfaces."""
    camera = surfaces.camera
    positions = camera.positions(surfaces.inverse_depth)
    facing = np.clip(-(surfaces.normal @ sun), 0, 1)
    sun_map = (facing * surfaces.shade_sun * (1 - surfaces.sky)).astype(np.float32)
    blank = np.zeros_like(sun_map)
    rows = np.arange(camera.height, dtype=np.float32)[:, None]
    columns = np.arange(camera.width, dtype=np.float32)[None, :]
    clouds = texture.sample(
        texture.noise_tile(layout_seed % 5),
        (columns / camera.width * 0.9 + 0 * rows).astype(np.float32),
        (rows / camera.height * 3.0 + 0 * columns).astype(np.float32),
    )
    draft = Yard(
        layout_seed, camera, surfaces, positions, _triple(sun), sun_map, blank, blank, head, tint, wall_m, clouds
    )
    lamp_map = draft.point_light(head, 4.0) * surfaces.shade_lamp * 1.7
    beam = np.exp(-(((columns / camera.width - 0.5) / 0.45) ** 2) - ((rows / camera.height - 0.62) / 0.6) ** 2)
    depth = 1 / np.maximum(surfaces.inverse_depth, 1 / 60)
    infrared = 1.25 * beam * np.clip(7.0 / depth, 0.12, 1.0) * (1 - surfaces.sky)
    return Yard(
        layout_seed,
        camera,
        surfaces,
        positions,
        _triple(sun),
        sun_map,
        lamp_map.astype(np.float32),
        infrared.astype(np.float32),
        head,
        tint,
        wall_m,
        clouds,
    )
