"""What can be decoded and written: OpenCV's video libraries, and PyAV's codecs."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from runtime.checkup.item import Item, Verdict
from runtime.sources import hardware
from runtime.sources.packets import pyav

_PART = "codecs"
# What each library is needed for; FFmpeg decodes H.264 and H.265 in every build of it that has them at all.
_OPENCV = {
    "FFMPEG": "files and network cameras",
    "V4L2": "USB cameras",
}
_PYAV = (("h264", "r"), ("hevc", "r"), ("libx264", "w"))


def codecs() -> Iterator[Item]:
    """OpenCV's, and PyAV's where it is installed."""
    import cv2

    registry = cv2.videoio_registry
    there = {registry.getBackendName(number) for number in registry.getBackends()}
    for name, use in _OPENCV.items():
        if name in there:
            yield Item(_PART, f"OpenCV {name}", "ok", f"for {use}")
        else:
            verdict: Verdict = "problem" if name == "FFMPEG" else "warning"
            advice = "pip install --force-reinstall opencv-python"
            yield Item(_PART, f"OpenCV {name}", verdict, f"missing, so no {use}", advice)
    av = pyav()
    if av is None:
        found = (
            "not installed: clips are written as MPEG-4, which browsers do not play, and there is no attention: ladder"
        )
        yield Item(_PART, "PyAV", "warning", found, "pip install 'edge-resnet[video]'")
    else:
        yield _pyav(av)
        yield _hardware(av)


def _pyav(av: ModuleType) -> Item:
    missing = [name for name, mode in _PYAV if not _has(av, name, mode)]
    if missing:
        found = f"{av.__version__}, without {', '.join(missing)}"
        return Item(_PART, "PyAV", "warning", found, "pip install --force-reinstall --only-binary :all: av")
    return Item(_PART, "PyAV", "ok", f"{av.__version__}, decodes H.264 and H.265, writes H.264")


def _hardware(av: ModuleType) -> Item:
    """What a camera's `decoder` may be here; that there is none is as usual, and of no harm."""
    there = [device for device in hardware.DEVICES if hardware.works(av, device)]
    found = f"{', '.join(there)} by a clip of our own" if there else "none works here; the processor decodes"
    return Item(_PART, "decoding hardware", "ok", found)


def _has(av: ModuleType, name: str, mode: str) -> bool:
    try:
        av.codec.Codec(name, mode)
    except av.codec.codec.UnknownCodecError:
        return False
    return True
