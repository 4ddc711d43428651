"""Near-duplicate pictures: perceptual hashes, and the groups that they chain together."""

from __future__ import annotations

from collections.abc import Sequence

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from edge_resnet.preprocess import Frame

# Of 64 bits. Unrelated pictures are about 32 apart; re-encoded, resized or neighbouring video frames 0 to 4.
NEAR_BITS = 4
_BLOCK = 1024


def perceptual_hash(frame: Frame) -> int:
    """The 64-bit DCT hash (pHash, by imagehash) of an H x W x 3 uint8 BGR picture."""
    bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))).hash
    return int.from_bytes(np.packbits(bits.reshape(-1)).tobytes(), "big")


def groups(
    hashes: Sequence[int], near_bits: int | None = NEAR_BITS, names: Sequence[Sequence[str]] = ()
) -> npt.NDArray[np.int64]:
    """A number for each picture (N, int64): pictures that are linked, also through others, share one.

    Linked are pictures whose hashes are at most `near_bits` apart (None: hashes do not count), and those that share a
    name other than `` in one of the lists `names` (each of N). Compares all pairs of hashes, in blocks (10,000 pictures
    take about a second).
    """
    links = [] if near_bits is None else [_near(np.array(hashes, np.uint64), near_bits)]
    links += [_same(np.array(column)) for column in names]
    first, second = np.concatenate([np.empty((0, 2), np.int64), *links]).T
    graph = coo_matrix((np.ones(len(first), np.bool_), (first, second)), (len(hashes), len(hashes)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _near(hashes: npt.NDArray[np.uint64], near_bits: int) -> npt.NDArray[np.int64]:
    """Pairs of positions (M x 2)."""
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(hashes), _BLOCK):
        distance = np.bitwise_count(hashes[start : start + _BLOCK, None] ^ hashes[None, start:])
        found.append(np.argwhere(distance <= near_bits) + start)
    return np.concatenate(found)


def _same(names: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Each position with a name, paired with the first one of that name (M x 2)."""
    named = np.flatnonzero(names != "")
    _, first, inverse = np.unique(names[named], return_index=True, return_inverse=True)
    return np.stack([named[first[inverse]], named], axis=1) if len(named) else np.empty((0, 2), np.int64)
