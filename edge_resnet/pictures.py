"""The one decoder of picture files: bounded before it decodes, EXIF orientation applied, alpha dropped."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_resnet.errors import PictureError, UserError
from edge_resnet.preprocess import Frame

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MAX_SIDE_PIXELS = 20_000
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 200 << 20

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
# Whatever else is not in _MODES has 16 or more bits a channel (I;16, I).
_REASON_OF_MODE = {"CMYK": "CMYK colours", "F": "floating-point pixels", "YCbCr": "YCbCr colours", "LAB": "Lab colours"}


def is_picture(path: Path) -> bool:
    """Whether the file's name says that it is a picture (hidden files are not)."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def find_pictures(folder: Path) -> Iterator[Path]:
    """All pictures below `folder`, by name; not in hidden folders (thumbnails, trash), and links are not followed."""
    return (
        path
        for path in sorted(folder.rglob("*"))
        if is_picture(path) and path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def read_picture(path: Path) -> Frame:
    """Decode a picture to H x W x 3, uint8, BGR, as a camera's frame would be.

    Raises PictureError for what a camera's picture never is: empty, truncated, CMYK, 16-bit, animated, huge.
    """
    return decode_picture(read_bounded(path), str(path))


def decode_picture(data: bytes, name: str) -> Frame:
    """Decode the bytes of a picture file; see read_picture. `name` is used in error messages."""
    if not data:
        raise PictureError(name, "empty file")
    try:
        with warnings.catch_warnings():
            # Our own bounds are checked below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_header(image, name)
                upright = ImageOps.exif_transpose(image)
                rgb = np.asarray(upright.convert("RGB"), np.uint8)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(name, "not a picture") from error
    except Image.DecompressionBombError as error:
        raise PictureError(name, "too many pixels") from error
    except Exception as error:
        raise PictureError(name, "corrupt or truncated") from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def user_picture(path: Path) -> Frame:
    """Decode a picture that the user named. Raises UserError with what to do."""
    if not path.is_file():
        raise UserError(f"{path}: no such picture; name a picture file")
    return read_picture(path)


def read_bounded(path: Path) -> bytes:
    """The bytes of a picture file, if it is not absurdly large. Raises PictureError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PictureError(str(path), "file too large")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(str(path), "cannot be read") from error


def _check_header(image: Image.Image, name: str) -> None:
    width, height = image.size
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        raise PictureError(name, "too many pixels")
    if image.mode not in _MODES:
        raise PictureError(name, _REASON_OF_MODE.get(image.mode, "16-bit pixels"))
    # MPO, a JPEG with a preview behind it, comes from many phones: its first picture is the photograph.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise PictureError(name, "animated")
