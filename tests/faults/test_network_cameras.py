"""Cameras and networks that fail while they are watched: it is named in time, and they can be opened again."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from runtime.sources.outage import Outage
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.proxy import Proxy
from tests.rig.rtsp import RtspServer, Stream, needs_rtsp_server
from tests.rig.sources import opened, outage_at_opening, outage_within, picture


@needs_rtsp_server
def test_an_rtsp_server_that_is_killed_is_gone_and_comes_back() -> None:
    with RtspServer() as server:
        for _ in range(3):
            with opened(server.url()) as source:
                picture(source)
                server.kill()
                assert outage_within(source, 100).reason == "gone"
            assert outage_at_opening(server.url()).reason == "refused"
            server.restart()
        with opened(server.url()) as source:
            picture(source)


@needs_rtsp_server
def test_half_open_after_the_first_frame_is_a_timeout() -> None:
    with RtspServer() as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url, read_timeout_s=1.0) as source:
            picture(source)
            network.stall()
            assert outage_within(source, 100).reason == "timeout"
        assert outage_at_opening(url, open_timeout_s=0.5).reason == "timeout"
        network.heal()
        with opened(url) as source:
            picture(source)


@needs_rtsp_server
def test_a_connection_that_is_cut_is_gone() -> None:
    with RtspServer() as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url) as source:
            picture(source)
            network.cut()
            assert outage_within(source, 100).reason == "gone"
        with opened(url) as source:
            picture(source)


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_corrupted_packets_are_lived_with(codec: str) -> None:
    with (
        RtspServer(Stream(codec=codec, pattern="snow")) as server,
        Proxy(server.port) as network,
        opened(network.through(server.url())) as source,
    ):
        picture(source)
        network.corrupt(share=0.001, seed=6)
        before = network.passed_bytes
        for _ in range(50):
            source.grab()
            image = source.retrieve()
            assert image is None or image.shape == (360, 640, 3)
        assert network.passed_bytes > before + 10_000
        network.heal()
        assert picture(source, after=25).shape == (360, 640, 3)


@needs_rtsp_server
@pytest.mark.parametrize("damage", ["framing", "truncated"])
def test_a_stream_that_loses_its_step_ends_in_an_outage_or_goes_on(damage: str) -> None:
    with RtspServer(Stream(pattern="snow")) as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url, read_timeout_s=1.0) as source:
            picture(source)
            if damage == "framing":
                network.corrupt(share=0.05, seed=6, framing=True)
            else:
                network.truncate(share=0.5, seed=6)
            assert outage_within(source, 500).reason in {"gone", "timeout", "codec"}
        network.heal()
        with opened(url) as source:
            assert picture(source).shape == (360, 640, 3)


@needs_rtsp_server
def test_another_size_and_rate_within_the_stream_keep_the_picture_whole() -> None:
    with RtspServer() as server, opened(server.url()) as source:
        before = picture(source)
        server.reshape(1280, 720, 30)
        after = picture(source, after=60)
    # OpenCV scales to the size that it opened with: the same picture, not a part of it or another stride.
    assert after.shape == before.shape
    bars = (slice(0, 200), slice(None))
    assert np.abs(after[bars].astype(int) - before[bars]).mean() < 8.0


@needs_rtsp_server
def test_another_codec_at_the_same_address_is_gone_and_opens_anew() -> None:
    with RtspServer(Stream(codec="h264")) as server:
        with opened(server.url()) as source:
            picture(source)
            server.replace(Stream(codec="h265", width=320, height=240, fps=10))
            assert outage_within(source, 100).reason == "gone"
        with opened(server.url()) as source:
            assert picture(source).shape == (240, 320, 3)
            assert source.fps == 10.0


def test_an_mjpeg_camera_that_stops_is_gone_and_comes_back() -> None:
    with MjpegCamera(grey(lambda number: 100)) as server:
        with opened(server.url()) as source:
            picture(source)
            server.stop()
            assert outage_within(source, 1000).reason == "gone"
        assert outage_at_opening(server.url()).reason == "refused"
        server.restart()
        with opened(server.url()) as source:
            picture(source)


def test_an_mjpeg_camera_that_falls_silent_is_a_timeout() -> None:
    with MjpegCamera(grey(lambda number: 100)) as server:
        with opened(server.url(), read_timeout_s=1.0) as source:
            picture(source)
            server.silence()
            assert outage_within(source, 1000).reason == "timeout"
        assert outage_at_opening(server.url(), open_timeout_s=0.5).reason == "timeout"


def test_corrupted_mjpeg_never_hangs() -> None:
    with MjpegCamera(grey(lambda number: number % 256, (320, 240))) as server, Proxy(server.port) as network:
        with opened(network.through(server.url()), read_timeout_s=1.0) as source:
            picture(source)
            network.corrupt(share=0.01, seed=6, framing=True)
            with suppress(Outage):
                for _ in range(200):
                    source.grab()
                    image = source.retrieve()
                    assert image is None or image.shape == (240, 320, 3)
        network.heal()
        with opened(network.through(server.url())) as source:
            picture(source)
