"""Trees, bushes and grass of a yard."""

import numpy as np

from edge_resnet.demo import texture
from edge_resnet.demo.camera import Floats
from edge_resnet.demo.stencil import Stencil
from edge_resnet.demo.surfaces import Surfaces

Triple = tuple[float, float, float]


def grass(positions: Floats, footprint_m: Floats, rng: np.random.Generator) -> Floats:
    """Grass, H x W x 3, for H x W x 3 world positions in metres."""
    x, z = positions[:, :, 0], positions[:, :, 2]
    near = np.clip(0.05 / np.maximum(footprint_m, 1e-3), 0, 1)
    fine = texture.sample(texture.noise_tile(11), x / 0.7, z / 0.7)
    patch = texture.sample(texture.noise_tile(12), x / 6 + float(rng.random()), z / 6)
    patch = 0.5 + (patch - 0.5) * np.minimum(1, near * 3)
    shade = (0.75 + 0.5 * patch) * (1 + 1.1 * near * (fine - 0.5))
    dry = np.clip(patch * 2 - 0.9, 0, 0.6)[:, :, None]
    tint = np.array([0.10, 0.22, 0.17], np.float32) * (1 - dry) + np.array([0.18, 0.29, 0.31], np.float32) * dry
    return texture.floats(shade[:, :, None] * tint)


def _leaves(
    stencil: Stencil, centre: Floats, radii: tuple[float, float], leaf_px: float, count: int, rng: np.random.Generator
) -> None:
    """A crown of `count` small clumps within an ellipse, darker within and below, lighter above."""
    hue = rng.uniform(0.85, 1.15, 3) * np.array([0.11, 0.27, 0.17]) * rng.uniform(0.75, 1.15)
    angle, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
    spots = np.stack([np.cos(angle) * reach, np.sin(angle) * reach], axis=1)
    # Drawn from the shaded inside out, so that the lit clumps lie on top.
    spots = spots[np.argsort(np.hypot(spots[:, 0], spots[:, 1]) * -0.4 - spots[:, 1])]
    shade = 0.5 + 0.4 * (1 - spots[:, 1]) / 2 + rng.uniform(0, 0.5, count)
    places = (centre + spots * np.array(radii)).astype(np.float32)
    sizes = (leaf_px * rng.uniform(0.6, 1.3, count)).astype(np.float32)
    stencil.discs(places, sizes, (shade[:, None] * hue).astype(np.float32))


def _mark_sway(
    surfaces: Surfaces, box: tuple[float, float, float, float], foliage: Floats, left: int, top: int
) -> None:
    height, width = surfaces.sway.shape
    rows = slice(max(0, top), min(height, top + foliage.shape[0]))
    columns = slice(max(0, left), min(width, left + foliage.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    own = foliage[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    ramp = np.clip((box[3] - np.arange(rows.start, rows.stop)) / max(1.0, box[3] - box[1]), 0, 1)[:, None]
    surfaces.sway[rows, columns] = np.maximum(surfaces.sway[rows, columns], own * ramp).astype(np.float32)


def bush(
    surfaces: Surfaces, at: tuple[float, float], tall_m: float, rng: np.random.Generator, sun: Triple, lamp: Triple
) -> None:
    """A bush with its foot at ground point `at` (metres)."""
    camera = surfaces.camera
    scale = camera.pixels_per_metre(*at)
    foot = camera.project(np.array([[at[0], 0, at[1]]], np.float32))[0]
    wide, tall = tall_m * float(rng.uniform(0.7, 1.2)) * scale, tall_m * scale
    box = (float(foot[0] - wide * 1.1), float(foot[1] - tall * 1.1), float(foot[0] + wide * 1.1), float(foot[1] + 2))
    stencil = Stencil(box, zoom=2)
    centre = np.array([foot[0], foot[1] - tall * 0.48])
    _leaves(stencil, centre, (wide * 0.9, tall * 0.45), 0.065 * scale, 420, rng)
    outline = [(at[0] + d * tall_m * 0.7, up, at[1] + d * 0.2) for d in (-1, 0, 1) for up in (0.0, tall_m * 0.8)]
    surfaces.cast(np.array(outline, np.float32), sun, lamp)
    depth = float(camera.depth(np.array([[at[0], 0, at[1]]], np.float32))[0])
    patch = surfaces.lay(stencil, depth, (0.0, 0.75, -0.66))
    _mark_sway(surfaces, box, patch.cover, patch.left, patch.top)


def tree(
    surfaces: Surfaces,
    at: tuple[float, float],
    tall_m: float,
    rng: np.random.Generator,
    sun: Triple | None = None,
    lamp: Triple = (0.0, 50.0, 0.0),
) -> None:
    """A tree with its foot at ground point `at` (metres); it casts a shadow where the sun's direction is given."""
    camera = surfaces.camera
    scale = camera.pixels_per_metre(*at)
    depth = float(camera.depth(np.array([[at[0], 0, at[1]]], np.float32))[0])
    foot, top = camera.project(np.array([[at[0], 0, at[1]], [at[0], tall_m * 0.62, at[1]]], np.float32))
    crown = tall_m * float(rng.uniform(0.26, 0.36))
    if sun is not None:
        ring = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        outline = [(at[0] + crown * np.cos(a), tall_m * 0.68 + crown * np.sin(a), at[1]) for a in ring]
        surfaces.cast(np.array(outline, np.float32), sun, lamp)
        surfaces.darken_foot(at, (0.4, 0.4), 0.0)
    trunk = Stencil((float(foot[0]) - 8, float(top[1]), float(foot[0]) + 8, float(foot[1])))
    radii = np.array([0.13, 0.07], np.float32) * scale
    trunk.hull(np.stack([foot, top]).astype(np.float32), radii, (0.15, 0.20, 0.25))
    surfaces.lay(trunk, depth, (0.0, 0.2, -0.98), rounding=0.4)
    radius = crown * scale
    middle = camera.project(np.array([[at[0], tall_m * 0.68, at[1]]], np.float32))[0]
    box = (
        float(middle[0] - radius * 1.7),
        float(middle[1] - radius * 1.45),
        float(middle[0] + radius * 1.7),
        float(middle[1] + radius * 1.45),
    )
    stencil = Stencil(box, zoom=2)
    for _ in range(6):
        offset = rng.uniform(-0.6, 0.6, 2) * radius * np.array([1.0, 0.8])
        _leaves(stencil, middle + offset, (radius * 0.75, radius * 0.6), 0.075 * scale, 170, rng)
    patch = surfaces.lay(stencil, depth, (0.0, 0.75, -0.66))
    _mark_sway(surfaces, (box[0], box[1], box[2], box[3] + radius), patch.cover, patch.left, patch.top)
