"""Cameras and networks that fail while they are watched: it is named in time, and they can be opened again."""

from __future__ import annotations

import time
from contextlib import suppress

import cv2
import numpy as np
import pytest

from runtime.cameras.reader import Open
from runtime.sources import open_packets, open_source
from runtime.sources.outage import Outage
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.proxy import Proxy
from tests.rig.rtsp import RtspServer, Stream, needs_rtsp_server
from tests.rig.sources import OPENERS, opened, outage_at_opening, outage_within, picture, pictured


@pytest.fixture(params=OPENERS)
def by(request: pytest.FixtureRequest) -> Open:
    """Each source of RTSP streams in turn."""
    return OPENERS[request.param]


@needs_rtsp_server
def test_an_rtsp_server_that_is_killed_is_gone_and_comes_back(by: Open) -> None:
    with RtspServer() as server:
        for _ in range(3):
            with opened(server.url(), by=by) as source:
                picture(source)
                server.kill()
                assert outage_within(source, 100).reason == "gone"
            assert outage_at_opening(server.url(), by=by).reason == "refused"
            server.restart()
        with opened(server.url(), by=by) as source:
            picture(source)


@needs_rtsp_server
def test_half_open_after_the_first_frame_is_a_timeout(by: Open) -> None:
    with RtspServer() as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url, read_timeout_s=1.0, by=by) as source:
            picture(source)
            network.stall()
            assert outage_within(source, 100).reason == "timeout"
        assert outage_at_opening(url, open_timeout_s=0.5, by=by).reason == "timeout"
        network.heal()
        with opened(url, by=by) as source:
            picture(source)


@needs_rtsp_server
def test_a_connection_that_is_cut_is_gone(by: Open) -> None:
    with RtspServer() as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url, by=by) as source:
            picture(source)
            network.cut()
            assert outage_within(source, 100).reason == "gone"
        with opened(url, by=by) as source:
            picture(source)


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_corrupted_packets_are_lived_with(codec: str, by: Open) -> None:
    with (
        RtspServer(Stream(codec=codec, pattern="snow")) as server,
        Proxy(server.port) as network,
        opened(network.through(server.url()), by=by) as source,
    ):
        picture(source)
        network.corrupt(share=0.001, seed=6)
        before = network.passed_bytes
        for _ in range(50):
            source.grab()
            image = pictured(source)
            assert image is None or image.shape == (360, 640, 3)
        assert network.passed_bytes > before + 10_000
        network.heal()
        assert picture(source, after=25).shape == (360, 640, 3)


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_damage_while_frames_are_passed_over_spoils_no_more_than_its_group(codec: str) -> None:
    with (
        RtspServer(Stream(codec=codec, pattern="snow")) as server,
        Proxy(server.port) as network,
        opened(network.through(server.url()), by=open_packets) as source,
    ):
        picture(source)
        source.skip_s = 10.0
        network.corrupt(share=0.001, seed=6)
        for _ in range(75):
            source.grab()
            image = pictured(source)
            assert image is None or image.shape == (360, 640, 3)
        network.heal()
        source.skip_s = 0.0
        assert picture(source, after=30).shape == (360, 640, 3)


@needs_rtsp_server
def test_a_camera_that_is_changed_while_frames_are_passed_over_is_seen_as_it_is_now() -> None:
    with RtspServer() as server, opened(server.url(), by=open_packets) as source:
        picture(source)
        source.skip_s = 10.0
        server.show("black")
        server.reshape(1280, 720, 30)
        seen = [image for _ in range(90) if source.grab() is not None and (image := pictured(source)) is not None]
    assert seen[-1].shape == (720, 1280, 3)
    assert seen[-1].mean() < 20


@needs_rtsp_server
def test_half_open_while_frames_are_passed_over_is_a_timeout_within_its_time() -> None:
    with (
        RtspServer() as server,
        Proxy(server.port) as network,
        opened(network.through(server.url()), read_timeout_s=1.0, by=open_packets) as source,
    ):
        picture(source)
        source.skip_s = 10.0
        source.grab()
        network.stall()
        started_s = time.monotonic()
        assert outage_within(source, 100).reason == "timeout"
        # The limit, and what was on its way.
        assert time.monotonic() - started_s < 4.0


@needs_rtsp_server
@pytest.mark.parametrize("damage", ["framing", "truncated"])
def test_a_stream_that_loses_its_step_ends_in_an_outage_or_goes_on(damage: str, by: Open) -> None:
    with RtspServer(Stream(pattern="snow")) as server, Proxy(server.port) as network:
        url = network.through(server.url())
        with opened(url, read_timeout_s=1.0, by=by) as source:
            picture(source)
            if damage == "framing":
                network.corrupt(share=0.05, seed=6, framing=True)
            else:
                network.truncate(share=0.5, seed=6)
            assert outage_within(source, 500).reason in {"gone", "timeout", "codec"}
        network.heal()
        with opened(url, by=by) as source:
            assert picture(source).shape == (360, 640, 3)


@needs_rtsp_server
def test_another_size_and_rate_within_the_stream_keep_the_picture_whole(by: Open) -> None:
    with RtspServer() as server, opened(server.url(), by=by) as source:
        before = picture(source)
        server.reshape(1280, 720, 30)
        after = picture(source, after=60)
    # OpenCV scales to the size that it opened with: the same picture, not a part of it or another stride. PyAV gives
    # the new one as it is.
    assert after.shape == (before.shape if by is open_source else (720, 1280, 3))
    bars = (slice(0, 200), slice(None))
    small = cv2.resize(after, before.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small[bars].astype(int) - before[bars]).mean() < 8.0


@needs_rtsp_server
def test_another_codec_at_the_same_address_is_gone_and_opens_anew(by: Open) -> None:
    with RtspServer(Stream(codec="h264")) as server:
        with opened(server.url(), by=by) as source:
            picture(source)
            server.replace(Stream(codec="h265", width=320, height=240, fps=10))
            assert outage_within(source, 100).reason == "gone"
        with opened(server.url(), by=by) as source:
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
