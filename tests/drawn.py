"""Pictures that tests draw on the spot: classes that a network can tell apart, and files that nobody should accept."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"fire": (230, 90, 20), "normal": (90, 100, 110), "smoke": (170, 170, 180)}


def picture(seed: int, colour: tuple[int, int, int], size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A picture of noise (width x height of `size`) with a blot of `colour`; no two seeds look alike."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (6, 6, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)).copy()
    top, left = random.integers(0, size[1] // 2), random.integers(0, size[0] // 2)
    pixels[top : top + size[1] // 2, left : left + size[0] // 2] = colour
    return Image.fromarray(pixels)


def class_folders(root: Path, counts: dict[str, int], first_seed: int = 0) -> Path:
    """Write `counts` pictures of each class into root/CLASS; returns root."""
    for place, (name, count) in enumerate(sorted(counts.items())):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            seed = first_seed + 1000 * place + number
            picture(seed, COLOURS.get(name, ((20 + 40 * place) % 256,) * 3)).save(folder / f"{name}-{number:03d}.png")
    return root


def splits(root: Path, train: int = 8, val: int = 4, test: int = 4) -> Path:
    """A data folder of two classes with train/, val/ and test/."""
    for place, (name, count) in enumerate({"train": train, "val": val, "test": test}.items()):
        class_folders(root / name, {"fire": count, "normal": count}, first_seed=10_000 * (place + 1))
    return root


def bad_pictures(folder: Path) -> dict[str, str]:
    """One file of each kind that is no camera's picture, written into `folder`: name -> the reason to be given."""
    folder.mkdir(parents=True, exist_ok=True)
    good = picture(1, (200, 30, 30))
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_bytes(b"this is no picture" * 10)
    good.save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    good.convert("CMYK").save(folder / "cmyk.jpg")
    deep = Image.fromarray(np.linspace(0, 65535, 48 * 40).reshape(40, 48).astype(np.uint16))
    deep.save(folder / "deep.png")
    good.save(folder / "moving.png", save_all=True, append_images=[picture(2, (30, 200, 30))])
    (folder / "huge.png").write_bytes(_png_header(30_000, 30_000))
    return {
        "empty.jpg": "empty file",
        "text.jpg": "not a picture",
        "truncated.jpg": "corrupt or truncated",
        "cmyk.jpg": "CMYK colours",
        "deep.png": "16-bit pixels",
        "moving.png": "animated",
        "huge.png": "too many pixels",
    }


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be width x height; its pixels are missing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
