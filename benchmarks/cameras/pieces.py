"""Encoded pieces of cameras' pictures, H.264 as IP cameras send it, that follow each other without being encoded again.

All pieces of one encoding have the same parameter sets, begin with a key frame and are whole groups of pictures long:
a camera's key frames keep their beat. Noise as of a sensor is laid over all of them: without it, they would compress as
no camera's pictures do. Pieces are files of Annex B with access unit delimiters, kept from run to run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice, repeat
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.cameras.excerpts import Excerpt
from benchmarks.cameras.quiet import decoded
from edge_resnet import files
from edge_resnet.errors import UserError

FPS = 25
GOP = 50
Image = npt.NDArray[np.uint8]

# Levels of grey, and pixels that they reach over, as of a small sensor in a lit room behind the camera's own filter; so
# quiet 1080p comes to 1 to 2 Mbit/s at the quality below.
_NOISE, _GRAIN = 1.2, 0.8
_NOISES = 16
# What is spliced in begins in the middle of a group, everywhere else in it: cameras do not send a key frame for a fire.
_FIRST_LEAD, _NEXT_LEAD = 7, 13
# What cameras send by default of the main and of the sub-stream, in kbit/s, where the rate is constant.
_KBIT_A_MAIN, _KBIT_A_SUB = 4000, 768
_MAIN_FROM = 1280
# To be raised when what is encoded changes in another way than by the settings that are part of a piece's name.
_RECIPE = 1


@dataclass(frozen=True)
class Encoding:
    """The size in pixels, and how the rate is controlled: `variable`, by quality, or `constant`."""

    width: int
    height: int
    rate_control: str

    @property
    def options(self) -> dict[str, str]:
        """Of x264. Cameras have no B-frames, and no key frame out of turn."""
        kbit = _KBIT_A_MAIN if self.width >= _MAIN_FROM else _KBIT_A_SUB
        rate = (
            {"crf": "22", "maxrate": f"{2 * kbit}k", "bufsize": f"{2 * kbit}k"}
            if self.rate_control == "variable"
            else {"b": f"{kbit}k", "minrate": f"{kbit}k", "maxrate": f"{kbit}k", "bufsize": f"{kbit}k"}
        )
        parameters = f"aud=1:scenecut=0:keyint={GOP}:min-keyint={GOP}:bframes=0"
        return {"preset": "veryfast", "x264-params": parameters, **rate}


@dataclass(frozen=True)
class Piece:
    """An encoded piece: `frames` long. `excerpt`: what is spliced in, from frame `lead` to frame `end`; None: quiet."""

    path: Path
    frames: int
    excerpt: Excerpt | None = None
    lead: int = 0
    end: int = 0

    @property
    def onset(self) -> int:
        """The frame at which what an alarm is raised for begins to be seen."""
        assert self.excerpt is not None
        return self.lead + round(self.excerpt.onset_s * FPS)


class Pieces:
    """Encodes pieces, or finds them in `cache`. `still`: the quiet picture."""

    def __init__(self, cache: Path, encoding: Encoding, still: Image) -> None:
        self._cache, self._encoding = cache, encoding
        self._still = _scaled(still, encoding)
        self._noise = [_noise(seed, encoding) for seed in range(_NOISES)]

    def quiet(self, seconds: int) -> Piece:
        """Nothing happens, for an even number of seconds; then the same noise comes again."""
        frames = seconds * FPS
        return Piece(self._encoded(repeat(self._still, frames), {"quiet": frames}), frames)

    def spliced(self, excerpt: Excerpt, number: int) -> Piece:
        """An excerpt between two quiet parts of less than a group; `number` says how long the first is."""
        lead = (_FIRST_LEAD + _NEXT_LEAD * number) % GOP
        end = lead + round((excerpt.end_s - excerpt.start_s) * FPS)
        frames = GOP * -(-end // GOP)
        shown = (_scaled(image, self._encoding) for image in _at_25(excerpt, end - lead))
        images = chain(repeat(self._still, lead), shown, repeat(self._still, frames - end))
        key = {"clip": files.sha256(excerpt.clip), "part": (excerpt.start_s, excerpt.end_s), "lead": lead}
        return Piece(self._encoded(images, key), frames, excerpt, lead, end)

    def _encoded(self, images: Iterator[Image], key: dict[str, object]) -> Path:
        """The file that holds these images, made if it is not there."""
        still = hashlib.sha256(self._still.tobytes()).hexdigest()
        settings = (_RECIPE, asdict(self._encoding), self._encoding.options, _NOISE, _GRAIN)
        name = hashlib.sha256(json.dumps([key, still, settings]).encode()).hexdigest()[:32]
        path = self._cache / f"{name}.h264"
        if not path.is_file():
            with files.whole_file(path) as unfinished:
                self._encode(unfinished, images)
        return path

    def _encode(self, path: Path, images: Iterator[Image]) -> None:
        random = np.random.default_rng(0)
        with av.open(str(path), "w", format="h264") as container:
            stream = container.add_stream("libx264", rate=Fraction(FPS), options=self._encoding.options)
            stream.width, stream.height, stream.pix_fmt = self._encoding.width, self._encoding.height, "yuv420p"
            stream.codec_context.gop_size = GOP
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(self._noisy(image, random), format="yuv420p")))
            container.mux(stream.encode())

    def _noisy(self, image: Image, random: np.random.Generator) -> Image:
        """In the planes that the encoder takes, with noise on the brightness."""
        planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
        luma = planes[: self._encoding.height]
        noise = np.roll(self._noise[random.integers(_NOISES)], int(random.integers(self._encoding.width)), 1)
        cv2.add(luma, noise, dst=luma, dtype=cv2.CV_8U)
        return np.asarray(planes, np.uint8)


def _noise(seed: int, encoding: Encoding) -> npt.NDArray[np.int16]:
    """A frame of noise, of a standard deviation of _NOISE."""
    even = np.random.default_rng(seed).standard_normal((encoding.height, encoding.width), np.float32)
    grain = np.asarray(cv2.GaussianBlur(even, (0, 0), _GRAIN), np.float32)
    noise: npt.NDArray[np.int16] = (grain * (_NOISE / grain.std())).round().astype(np.int16)
    return noise


def _at_25(excerpt: Excerpt, count: int) -> Iterator[Image]:
    """So many frames of an excerpt, 25 a second: the newest at each moment, and the last for what is missing.

    Raises UserError where nothing can be decoded.
    """
    image: Image | None = None
    given = 0
    for time_s, later in decoded(excerpt.clip):
        # The frame before is shown until the next is there.
        while image is not None and given < count and excerpt.start_s + given / FPS < time_s:
            yield image
            given += 1
        if given >= count:
            return
        image = later
    if image is None:
        raise UserError(f"{excerpt.clip}: cannot be decoded; leave it out of --clips")
    yield from islice(repeat(image), count - given)


def _scaled(image: Image, encoding: Encoding) -> Image:
    """The whole frame at the camera's size: the network is then given what it is given of the clip itself."""
    size = (encoding.width, encoding.height)
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)
