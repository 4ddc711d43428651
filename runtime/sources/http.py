"""A camera by HTTP, mostly MJPEG, and whatever else FFmpeg opens from the network but RTSP."""

from __future__ import annotations

from runtime.sources.network import NetworkSource


class HttpSource(NetworkSource):
    """Frames as they come.

    Each counts as captured when it comes: MJPEG has no timestamps, FFmpeg makes them up. A video behind a URL is read
    as if it were live, as fast as it comes, and is "gone" at its end.
    """
