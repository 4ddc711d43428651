"""Live sources against real servers on this machine: what they give, how old it is, and why they do not open."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import av
import numpy as np
import pytest

from runtime.cameras.reader import Open
from runtime.sources import open_packets, open_source
from runtime.sources.address import Address
from runtime.sources.demuxer import Demuxer
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.rtsp import RtspServer, Stream, needs_rtsp_server
from tests.rig.sources import OPENERS, opened, outage_at_opening, picture, pictured

USER, PASSWORD = "admin", "s3c:r3t"
URL_PASSWORD = "s3c%3Ar3t"


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspServer]:
    with RtspServer() as server:
        yield server


@pytest.fixture(params=OPENERS)
def by(request: pytest.FixtureRequest) -> Open:
    """Each source of RTSP streams in turn."""
    return OPENERS[request.param]


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_an_rtsp_camera_gives_its_pictures_as_they_come(codec: str, by: Open) -> None:
    with (
        RtspServer(Stream(codec=codec, width=320, height=240, pattern="white")) as server,
        opened(server.url(), by=by) as source,
    ):
        image = picture(source)
        captured_s = [source.grab() for _ in range(10)]
        grabbed_s = time.monotonic()
    assert (source.live, source.fps) == (True, 25.0)
    assert (image.shape, image.dtype) == ((240, 320, 3), np.uint8)
    assert image.mean() > 200
    assert all(later >= earlier for earlier, later in pairwise(captured_s))
    assert captured_s[-1] <= grabbed_s


@needs_rtsp_server
def test_frames_of_4k_come_whole(by: Open) -> None:
    with RtspServer(Stream(width=3840, height=2160, fps=5, gop=5)) as server, opened(server.url(), by=by) as source:
        assert picture(source).shape == (2160, 3840, 3)


@needs_rtsp_server
def test_frames_that_waited_while_the_stream_was_opened_are_passed_over(camera: RtspServer, by: Open) -> None:
    with opened(camera.url(), by=by) as source:
        source.grab()
        came_s = time.monotonic()
        for _ in range(5):
            source.grab()
        took_s = time.monotonic() - came_s
    # Five frames of 25 a second; those that waited come at once.
    assert took_s > 2.5 / 25


@needs_rtsp_server
def test_frames_that_waited_for_us_are_as_old_as_they_are(camera: RtspServer, by: Open) -> None:
    with opened(camera.url(), by=by) as source:
        for _ in range(25):
            source.grab()
        # Nobody grabs while the camera sends, as on a box that is too busy. What is waited for is the time itself.
        time.sleep(1.0)
        waited_s = []
        for _ in range(50):
            captured_s = source.grab()
            waited_s.append(time.monotonic() - captured_s)
    assert waited_s[0] == pytest.approx(1.0, abs=0.3)
    assert waited_s[-1] < 0.3


@needs_rtsp_server
def test_a_long_gop_only_delays_the_first_frame(by: Open) -> None:
    with RtspServer(Stream(gop=150, key_on_join=False)) as server, opened(server.url(), by=by) as watching:
        for _ in range(25):
            watching.grab()
        # In the middle of a GOP; the read time-out is shorter than what is left of it.
        with opened(server.url(), read_timeout_s=1.0, by=by) as source:
            assert picture(source).shape == (360, 640, 3)


@needs_rtsp_server
def test_frames_that_are_passed_over_come_in_time_and_the_key_frames_are_pictures(camera: RtspServer) -> None:
    with opened(camera.url(), by=open_packets) as source:
        picture(source)
        source.skip_s = 10.0
        captured_s, keys_s, waited_s = [], [], []
        for _ in range(75):
            captured_s.append(source.grab())
            waited_s.append(time.monotonic() - captured_s[-1])
            if source.at_hand:
                keys_s.append(captured_s[-1])
                assert pictured(source).shape == (360, 640, 3)
    assert all(later >= earlier for earlier, later in pairwise(captured_s))
    # A busy machine gets to many of them late. But each has a time of its own, these go on as the camera does, and a
    # frame that is not late is of now.
    settled_s = captured_s[25:]
    assert len(set(settled_s)) > 0.75 * 50
    assert settled_s[-1] - settled_s[0] > 0.75 * 49 / 25
    assert min(waited_s[25:]) < 0.5
    # A key frame a second, of 25.
    assert len(keys_s) in {2, 3, 4}
    assert [later - earlier for earlier, later in pairwise(keys_s)] == pytest.approx([1.0] * (len(keys_s) - 1), abs=0.2)
    assert source.key_period_s == pytest.approx(1.0, abs=0.05)


@needs_rtsp_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_in_the_middle_of_a_long_group_every_frame_can_be_had_again_at_once(codec: str) -> None:
    with RtspServer(Stream(codec=codec, gop=250)) as server, opened(server.url(), by=open_packets) as source:
        picture(source)
        source.skip_s = 10.0
        at_hand = 0
        for _ in range(40):
            passed_s = source.grab()
            at_hand += source.at_hand
        assert at_hand <= 1
        source.skip_s = 0.0
        for _ in range(10):
            captured_s = source.grab()
            assert source.at_hand
            assert pictured(source) is not None
    # However late a busy machine gets to them, they are those that follow, and not those that were passed over.
    assert captured_s - passed_s > 0.5 * 10 / 25


@needs_rtsp_server
def test_of_a_group_that_is_too_long_frames_are_at_hand_again_before_the_next_key_frame() -> None:
    with RtspServer(Stream(gop=250)) as server, opened(server.url(), by=open_packets) as source:
        picture(source)
        source.skip_s = 1.0
        longest_s, last_s = 0.0, source.grab()
        for _ in range(100):
            captured_s = source.grab()
            if source.at_hand:
                longest_s, last_s = max(longest_s, captured_s - last_s), captured_s
    assert longest_s < 1.3


@needs_rtsp_server
@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
def test_a_password_is_used_and_a_wrong_one_is_named(digest: bool, by: Open, capfd: pytest.CaptureFixture[str]) -> None:
    stream = Stream(user=USER, password=PASSWORD, digest=digest)
    with RtspServer(stream) as server:
        with opened(server.url(URL_PASSWORD), by=by) as source:
            picture(source)
        wrong = outage_at_opening(server.url("wr0ng"), by=by)
        missing = outage_at_opening(server.url(URL_PASSWORD).replace("/cam", "/other"), by=by)
    assert wrong.reason == "unauthorised"
    # It is the stream that is missing, and the password was right.
    assert missing.reason == "not_found"
    shown = str(wrong) + str(missing) + "".join(capfd.readouterr())
    assert not [secret for secret in ("wr0ng", PASSWORD, URL_PASSWORD, USER) if secret in shown]


SCHEMES = pytest.mark.parametrize(("scheme", "by"), [*(("rtsp", by) for by in OPENERS.values()), ("http", open_source)])


@SCHEMES
def test_nobody_listens(scheme: str, by: Open, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outage = outage_at_opening(f"{scheme}://{USER}:{URL_PASSWORD}@127.0.0.1:{port}/x", by=by)
    assert outage.reason == "refused"
    assert URL_PASSWORD not in str(outage) + "".join(capfd.readouterr())


def test_a_host_that_has_no_such_name(by: Open) -> None:
    # Names under .invalid never exist (RFC 6761).
    assert outage_at_opening("rtsp://camera.invalid/x", by=by).reason == "unreachable"


@SCHEMES
def test_a_server_that_says_nothing_is_given_up_within_seconds(scheme: str, by: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        started_s = time.monotonic()
        outage = outage_at_opening(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x", open_timeout_s=0.5, by=by)
        took_s = time.monotonic() - started_s
    assert outage.reason == "timeout"
    # OpenCV's own limit is 30 s.
    assert took_s < 15.0


@needs_rtsp_server
def test_a_box_without_files_says_so(camera: RtspServer, by: Open) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [socket.socket() for _ in range(2)]
    lowest = max(each.fileno() for each in held)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, hard))
    # Every place below the limit is taken.
    try:
        while True:
            held.append(socket.socket())
    except OSError:
        pass
    try:
        outage = outage_at_opening(camera.url(), by=by)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            each.close()
    assert outage.reason == "resources"


def test_an_mjpeg_camera_gives_its_pictures_as_they_come() -> None:
    with MjpegCamera(grey(lambda number: 100), user=USER, password="s3cr3t") as server, opened(server.url()) as source:
        image = picture(source)
        captured_s = [source.grab() for _ in range(5)]
    assert image.shape == (48, 64, 3)
    assert image.mean() == pytest.approx(100, abs=2)
    assert source.live
    assert all(later > earlier for earlier, later in pairwise(captured_s))


def test_what_is_wrong_with_an_mjpeg_camera_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with MjpegCamera(grey(lambda number: 0), user=USER, password="s3cr3t") as server:
        wrong = outage_at_opening(server.url("wr0ng"))
        missing = outage_at_opening(server.url().replace("/video.mjpg", "/other"))
    assert (wrong.reason, missing.reason) == ("unauthorised", "not_found")
    shown = str(wrong) + str(missing) + "".join(capfd.readouterr())
    assert not [secret for secret in ("wr0ng", "s3cr3t", USER) if secret in shown]


def test_a_page_that_is_no_video_is_a_codec() -> None:
    with MjpegCamera(grey(lambda number: 0), last=0) as server:
        assert outage_at_opening(server.url(), open_timeout_s=2.0).reason in {"codec", "timeout"}


@needs_rtsp_server
def test_a_camera_with_a_microphone_sends_no_sound() -> None:
    with RtspServer(Stream(sound=True)) as server:
        found = Demuxer(av, Address.parse(server.url()), 8.0, 5.0)
        kinds = [stream.type for stream in found.stream.container.streams]
        assert found.next() is not None
        found.close()
    assert kinds == ["video"]
