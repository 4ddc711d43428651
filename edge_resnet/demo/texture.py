"""Seeded noise and flat material textures (ground, walls, containers), all float32 reflectances in BGR."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from edge_resnet.demo.camera import AnyFloats, Colour, Floats

TILE_PX = 256
TEXELS_PER_METRE = 30


def floats(mat: object) -> Floats:
    """What OpenCV returned, typed as float32 (no copy where it is already)."""
    return np.asarray(mat, dtype=np.float32)


@lru_cache(maxsize=16)
def noise_tile(seed: int, octaves: int = 5) -> Floats:
    """A TILE_PX x TILE_PX fractal noise that repeats without a seam, mean 0.5, about 0 to 1."""
    rng = np.random.default_rng([seed, 77])
    total = np.zeros((TILE_PX, TILE_PX), np.float32)
    for octave in range(octaves):
        cells = 4 << octave
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        wrapped = np.pad(grid, 2, mode="wrap")
        scale = TILE_PX // cells
        large = floats(cv2.resize(wrapped, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
        total += large[2 * scale : 2 * scale + TILE_PX, 2 * scale : 2 * scale + TILE_PX] * 0.55**octave
    return floats(np.clip(0.5 + 0.2 * total / total.std(), 0, 1))


def sample(tile: Floats, x: AnyFloats, y: AnyFloats) -> Floats:
    """The tile's value at coordinates in tiles (1.0 = once across), repeated without end; any 2-D shape."""
    return floats(
        cv2.remap(
            tile,
            ((x - np.floor(x)) * TILE_PX).astype(np.float32),
            ((y - np.floor(y)) * TILE_PX).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
    )


def _flat(
    width_m: float, height_m: float, rng: np.random.Generator, contrast: float
) -> tuple[Floats, AnyFloats, AnyFloats]:
    """A surface's noise shade around 1 (rows x columns), and its coordinates in metres across and up."""
    columns, rows = max(4, int(width_m * TEXELS_PER_METRE)), max(4, int(height_m * TEXELS_PER_METRE))
    across = np.tile(np.arange(columns, dtype=np.float32) / TEXELS_PER_METRE, (rows, 1))
    up = np.tile((rows - 1 - np.arange(rows, dtype=np.float32)[:, None]) / TEXELS_PER_METRE, (1, columns))
    tile = noise_tile(int(rng.integers(6)))
    shift = rng.random(2)
    coarse = sample(tile, across / 9 + shift[0], up / 9 + shift[1])
    fine = sample(tile, across / 1.3 + shift[1], up / 1.3)
    shade = 1 + contrast * (coarse - 0.5) + contrast * 0.5 * (fine - 0.5)
    # Rain splashes the foot of every wall and streaks its top: without this, walls look like paper.
    shade *= 1 - 0.28 * np.exp(-up / 0.35) - 0.12 * np.exp(-(height_m - up) / 0.25)
    return floats(shade), across, up


def _coloured(shade: Floats, colour: Colour) -> Floats:
    return floats(np.clip(shade[:, :, None] * np.array(colour, np.float32), 0.01, 1))


def brick(width_m: float, height_m: float, colour: Colour, rng: np.random.Generator) -> Floats:
    """A brick wall, rows x columns x 3."""
    shade, across, up = _flat(width_m, height_m, rng, 0.4)
    course = np.floor(up / 0.16)
    column = np.floor(across / 0.44 + 0.5 * (course % 2))
    tone = np.sin(course * 12.9898 + column * 78.233) * 43758.5453
    shade *= 0.86 + 0.28 * (tone - np.floor(tone)).astype(np.float32)
    mortar = ((up % 0.16) < 0.03) | (((across + 0.22 * (course % 2)) % 0.44) < 0.03)
    surface = _coloured(shade, colour)
    surface[mortar] = surface[mortar] * 0.5 + 0.22
    return surface


def panels(width_m: float, height_m: float, colour: Colour, rng: np.random.Generator) -> Floats:
    """A wall of concrete panels between posts, rows x columns x 3."""
    shade, across, up = _flat(width_m, height_m, rng, 0.35)
    shade *= np.where((across % 2.5) < 0.16, 0.82, 1.0)
    shade *= np.where((across % 2.5) < 0.03, 0.6, 1.0)
    shade *= np.where((up % 0.62) < 0.035, 0.68, 1.0)
    return _coloured(shade, colour)


def planks(width_m: float, height_m: float, colour: Colour, rng: np.random.Generator) -> Floats:
    """A fence of upright planks, rows x columns x 3."""
    shade, across, up = _flat(width_m, height_m, rng, 0.4)
    tone = np.sin(np.floor(across / 0.19) * 91.17) * 43758.5453
    shade *= 0.72 + 0.45 * (tone - np.floor(tone)).astype(np.float32)
    shade *= np.where((across % 0.19) < 0.028, 0.4, 1.0)
    shade *= np.where((np.abs(up - 0.4) < 0.03) | (np.abs(up - height_m + 0.4) < 0.03), 0.75, 1.0)
    return _coloured(shade, colour)


def corrugated(width_m: float, height_m: float, colour: Colour, rng: np.random.Generator) -> Floats:
    """Corrugated steel (container, shed, roller door), rows x columns x 3."""
    shade, across, up = _flat(width_m, height_m, rng, 0.45)
    shade *= 1 + 0.2 * np.sin(across * 2 * np.pi / 0.26)
    edge = (up < 0.1) | (up > height_m - 0.12) | (across < 0.1) | (across > width_m - 0.1)
    shade = np.where(edge, 0.8, shade).astype(np.float32)
    surface = _coloured(shade, colour)
    rust = sample(noise_tile(7), across / 3 + 0.3, up / 5)
    mix = (np.clip((rust - 0.7) * 6, 0, 0.75) * np.exp(-np.abs(up - 0.2)))[:, :, None]
    return floats(surface * (1 - mix) + mix * np.array([0.10, 0.17, 0.30], np.float32))


def palisade(width_m: float, height_m: float, colour: Colour, rng: np.random.Generator) -> Floats:
    """A steel fence one can see through, rows x columns x 4: BGR and coverage."""
    shade, across, up = _flat(width_m, height_m, rng, 0.3)
    bar = np.clip((0.034 - np.abs((across % 0.2) - 0.1)) * TEXELS_PER_METRE * 1.2, 0, 1)
    post = (across % 3.0) < 0.12
    rail = (np.abs(up - 0.35) < 0.05) | (np.abs(up - height_m + 0.35) < 0.05)
    cover = np.where(post | rail, 1.0, bar)
    # The bars' tips: rounded off at the top between the rails.
    cover = np.where((up > height_m - 0.1) & ~post, cover * 0.7, cover).astype(np.float32)
    return np.dstack([_coloured(shade, colour), cover]).astype(np.float32)


WALLS: dict[str, Callable[[float, float, Colour, np.random.Generator], Floats]] = {
    "brick": brick,
    "panels": panels,
    "planks": planks,
    "corrugated": corrugated,
    "palisade": palisade,
}


def _line(coordinate: AnyFloats, period_m: float, width_m: float, footprint_m: Floats) -> Floats:
    """How much of each pixel a repeated line covers, 0 to 1, smooth at the size of a pixel on the ground."""
    distance = np.abs(np.mod(coordinate + period_m / 2, period_m) - period_m / 2)
    wide = np.maximum(width_m, footprint_m)
    return floats(np.clip((wide - distance) / wide, 0, 1) * width_m / wide)


def ground(kind: str, positions: Floats, footprint_m: Floats, rng: np.random.Generator) -> Floats:
    """The yard's floor, H x W x 3, for H x W x 3 world positions and the size of each pixel on the ground in metres.

    Kinds: asphalt, concrete (slabs), gravel, pavers.
    """
    x, z = positions[:, :, 0], positions[:, :, 2]
    tile = noise_tile(int(rng.integers(6)))
    shift = rng.random(4)
    coarse = sample(tile, x / 14 + shift[0], z / 14 + shift[1])
    middle = sample(tile, x / 4.1 + shift[2], z / 4.1)
    fine = sample(noise_tile(8), x / 0.55, z / 0.55 + shift[3])
    near = np.clip(0.05 / np.maximum(footprint_m, 1e-3), 0, 1)
    grain = {"asphalt": 0.24, "concrete": 0.16, "gravel": 0.5, "pavers": 0.16}[kind]
    shade = 1 + 0.32 * (coarse - 0.5) + 0.12 * (middle - 0.5) + grain * near * (fine - 0.5)
    stain = sample(noise_tile(9, 4), x / 9 + shift[3], z / 9 + shift[0])
    shade *= 1 - 0.25 * np.clip((stain - 0.66) * 5, 0, 1)
    if kind == "asphalt":
        crack = np.abs(sample(noise_tile(10, 4), x / 11 + shift[1], z / 11) - 0.5)
        shade *= 1 - 0.4 * np.clip(1 - crack / (0.006 + footprint_m * 0.06), 0, 1) * near
    if kind == "concrete":
        shade *= 1 - 0.45 * np.maximum(_line(x, 2.6, 0.025, footprint_m), _line(z, 2.6, 0.025, footprint_m))
    if kind == "pavers":
        odd = np.floor(z / 0.25) % 2 * 0.25
        shade *= 1 - 0.4 * np.maximum(_line(x + odd, 0.5, 0.012, footprint_m), _line(z, 0.25, 0.012, footprint_m))
    base = {
        "asphalt": (0.27, 0.26, 0.26),
        "concrete": (0.44, 0.46, 0.47),
        "gravel": (0.36, 0.40, 0.43),
        "pavers": (0.34, 0.37, 0.42),
    }[kind]
    return _coloured(shade.astype(np.float32), (base[0], base[1], base[2]))
