"""Writes a scene as an MP4 file: H.264 through PyAV where it is installed, else MPEG-4 through OpenCV."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2

from edge_resnet.demo.scene import Scene
from edge_resnet.demo.weather import Frame
from edge_resnet.files import whole_file

try:
    import av
except ImportError:
    av = None  # type: ignore[assignment]  # PyAV is optional: OpenCV writes MPEG-4 part 2 without it

_AHEAD = 4
_CRF = "24"
"""H.264 quality: about what a camera's main stream shows."""


def _frames(scene: Scene, count: int, fps: int) -> Iterator[Frame]:
    """The frames in order, rendered a few ahead on two threads."""
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(scene.frame, index / fps) for index in range(min(_AHEAD, count))]
        for index in range(count):
            if index + _AHEAD < count:
                waiting.append(pool.submit(scene.frame, (index + _AHEAD) / fps))
            yield waiting.pop(0).result()


def write_film(path: Path, scene: Scene, count: int, fps: int, progress: Callable[[int], None]) -> int:
    """Write `count` frames at `fps` to `path`, whole or not at all; returns `count`.

    Raises RuntimeError where neither PyAV nor OpenCV can write an MP4 here.
    """
    # Actors are worked out before the threads share them.
    assert scene.actors is not None
    with whole_file(path) as unfinished:
        (_write_h264 if av is not None else _write_mpeg4)(unfinished, scene, count, fps, progress)
    return count


def _write_h264(path: Path, scene: Scene, count: int, fps: int, progress: Callable[[int], None]) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": _CRF, "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        # Cameras send a key frame every second or two, which the stream's glances rely on.
        stream.codec_context.gop_size = 2 * fps
        for index, frame in enumerate(_frames(scene, count, fps)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
            progress(index + 1)
        container.mux(stream.encode())


def _write_mpeg4(path: Path, scene: Scene, count: int, fps: int, progress: Callable[[int], None]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (scene.width, scene.height))
    if not writer.isOpened():
        raise RuntimeError(f"cannot write {path.name}: install PyAV (pip install av) or an OpenCV with MPEG-4 support")
    try:
        for index, frame in enumerate(_frames(scene, count, fps)):
            writer.write(frame)
            progress(index + 1)
    finally:
        writer.release()
