"""Near-duplicate pictures: perceptual hashes, and the groups that they chain together."""

from __future__ import annotations

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from edge_resnet.preprocess import Frame

# Of 64 bits. Unrelated pictures are about 32 apart; re-encoded, resized or neighbouring video frames 0 to 4.
NEAR_BITS = 4
_BLOCK = 1024


def perceptual_hash(frame: Frame) -> int:
    """The 64-bit DCT hash (pHash, by imagehash) of an H x W x 3 uint8 BGR picture."""
    bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))).hash
    return int.from_bytes(np.packbits(bits.reshape(-1)).tobytes(), "big")


def groups(hashes: list[int], near_bits: int = NEAR_BITS) -> npt.NDArray[np.int64]:
    """A group number for each picture: pictures at most `near_bits` apart, also through others, share one.

    Compares all pairs, in blocks (10,000 pictures take about a second).
    """
    values = np.array(hashes, np.uint64)
    parent = np.arange(len(values), dtype=np.int64)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        distance = np.bitwise_count(block[:, None] ^ values[None, :])
        for row, column in np.argwhere(distance <= near_bits):
            if column > start + row:
                _join(parent, start + int(row), int(column))
    return np.array([_root(parent, index) for index in range(len(parent))], np.int64)


def _root(parent: npt.NDArray[np.int64], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index


def _join(parent: npt.NDArray[np.int64], first: int, second: int) -> None:
    low, high = sorted((_root(parent, first), _root(parent, second)))
    parent[high] = low
