"""The whole stream, as a program, on cameras that fail: what must come back comes back, and no other camera notices."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.events.store import EventStore
from tests.rig.figures import counts, quantile
from tests.rig.mjpeg import MjpegCamera, noise
from tests.rig.proxy import Proxy
from tests.rig.rtsp import RtspServer, needs_rtsp_server
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import Stream

_FAKETIME = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
# Faults are to be seen within seconds.
QUICK = {
    "stale_after": "1 s",
    "offline_after": "2 s",
    "frozen_after": "2 s",
    "black_after": "1 s",
    "overexposed_after": "1 s",
    "out_of_focus_after": "1 s",
    "recover_after": "500 ms",
}
SNOW = Sent(pattern="snow", width=320, height=180)
CAMERA = {"open_timeout": "2 s", "read_timeout": "1 s", "blindness": QUICK}


@pytest.fixture
def well() -> Iterator[MjpegCamera]:
    """A camera without any fault."""
    with MjpegCamera(noise, fps=20.0) as camera:
        yield camera


def undisturbed(stream: Stream, camera: str = "well") -> bool:
    """Whether a camera's looks have come without a gap, and without a new connection."""
    times_s = [look["time_s"] for look in stream.looks(camera)]
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    # 5 a second are wanted; on a busy machine one may be late by a second.
    return max(gaps_s) < 1.5 and stream.status()[camera]["state"] == "live"


@needs_rtsp_server
def test_a_server_that_is_killed_and_restarted_is_watched_again_and_the_time_between_is_blind(
    tmp_path: Path, well: MjpegCamera
) -> None:
    with RtspServer(SNOW) as server:
        cameras = {"bad": {"detect": server.url(), **CAMERA}, "well": {"detect": well.url(), **CAMERA}}
        with Stream(tmp_path, cameras) as stream:
            stream.until_looks("well", 5)
            stream.until_looks("bad", 5)
            for _ in range(2):
                server.kill()
                stream.until(lambda: stream.status()["bad"]["state"] == "offline")
                server.restart()
                stream.until_looks("bad", 3)
                stream.until(lambda: stream.status()["bad"]["state"] == "live")
            assert undisturbed(stream)
            blind_s = stream.status()["bad"]["blind_s"]
            assert sum(seconds for reason, seconds in blind_s.items() if reason.startswith("offline")) > 2 * 2.0
            assert "refused" in str(blind_s) or "gone" in str(blind_s)
            assert stream.end() == 0
    silences = [(what, kind) for what, kind in stream.incidents("bad") if kind in ("stale", "offline")]
    assert silences[:4] == [("began", "stale"), ("ended", "stale"), ("began", "offline"), ("ended", "offline")]


@needs_rtsp_server
@pytest.mark.parametrize("before_the_first_frame", [True, False])
def test_a_half_open_connection_is_given_up_and_made_anew(
    tmp_path: Path, well: MjpegCamera, before_the_first_frame: bool
) -> None:
    with RtspServer(SNOW) as server, Proxy(server.port) as proxy:
        if before_the_first_frame:
            proxy.stall()
        cameras = {
            "bad": {"detect": proxy.through(server.url()), **CAMERA},
            "well": {"detect": well.url(), **CAMERA},
        }
        with Stream(tmp_path, cameras) as stream:
            stream.until_looks("well", 5)
            if not before_the_first_frame:
                stream.until_looks("bad", 3)
                proxy.stall()
            stream.until(lambda: any(entry.get("reason") == "timeout" for entry in stream.log))
            proxy.cut()
            proxy.heal()
            stream.until_looks("bad", 3)
            assert undisturbed(stream)


@needs_rtsp_server
def test_damaged_packets_end_nothing(tmp_path: Path, well: MjpegCamera) -> None:
    with RtspServer(SNOW) as server, Proxy(server.port) as proxy:
        cameras = {
            "bad": {"detect": proxy.through(server.url()), **CAMERA},
            "well": {"detect": well.url(), **CAMERA},
        }
        with Stream(tmp_path, cameras) as stream:
            stream.until_looks("bad", 3)
            proxy.corrupt(0.01)
            stream.until_looks("well", 10)
            proxy.corrupt(0.001, framing=True)
            stream.until_looks("well", 10)
            proxy.heal()
            proxy.cut()
            stream.until_looks("bad", 3)
            assert undisturbed(stream)


@needs_rtsp_server
def test_another_size_rate_and_codec_in_mid_stream(tmp_path: Path) -> None:
    with RtspServer(SNOW) as server, Stream(tmp_path, {"bad": {"detect": server.url(), **CAMERA}}) as stream:
        stream.until_looks("bad", 3)
        server.reshape(320, 240, 10)
        stream.until_looks("bad", 5)
        server.replace(Sent(codec="h265", pattern="snow", width=480, height=270))
        stream.until_looks("bad", 5)
        assert stream.end() == 0


@needs_rtsp_server
@pytest.mark.parametrize(("pattern", "kind"), [("black", "black"), ("white", "overexposed"), ("checkers-8", "frozen")])
def test_a_camera_that_shows_nothing_is_blind_until_it_sees_again(tmp_path: Path, pattern: str, kind: str) -> None:
    with RtspServer(SNOW) as server, Stream(tmp_path, {"bad": {"detect": server.url(), **CAMERA}}) as stream:
        stream.until_looks("bad", 3)
        server.show(pattern)
        stream.until(lambda: ("began", kind) in stream.incidents("bad"))
        server.show("snow")
        stream.until(lambda: ("ended", kind) in stream.incidents("bad"))
        assert stream.status()["bad"]["blind_s"][kind] > 0.5


def test_a_wrong_password_is_named_and_never_shown(tmp_path: Path, well: MjpegCamera) -> None:
    with MjpegCamera(noise, user="admin", password="s3cr3t") as locked:
        cameras = {"bad": {"detect": locked.url("wr0ng"), **CAMERA}, "well": {"detect": well.url(), **CAMERA}}
        with Stream(tmp_path, cameras) as stream:
            stream.until(lambda: any(entry.get("reason") == "unauthorised" for entry in stream.log))
            stream.until_looks("well", 3)
            told = str(stream.log) + str(stream.lines) + stream.ask("/readyz") + stream.ask("/metrics")
            stream.end()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("events.sqlite*"))
    for secret in ("wr0ng", "s3cr3t"):
        assert secret not in told
        assert secret.encode() not in written


def test_a_reload_adds_and_removes_cameras_and_the_others_lose_nothing(tmp_path: Path, well: MjpegCamera) -> None:
    with MjpegCamera(noise, fps=20.0) as second, MjpegCamera(noise, fps=20.0) as third:
        both = {"well": {"detect": well.url(), **CAMERA}, "second": {"detect": second.url(), **CAMERA}}
        with Stream(tmp_path, both) as stream:
            stream.until_looks("well", 3)
            stream.until_looks("second", 3)
            stream.configure({"well": both["well"], "third": {"detect": third.url(), **CAMERA}})
            stream.send(signal.SIGHUP)
            stream.until_looks("third", 3)
            assert set(stream.status()) == {"well", "third"}
            assert 'camera="here/second"' not in stream.ask("/metrics")
            (stream.folder / "cameras.yaml").write_text("sites: 5\n")
            stream.send(signal.SIGHUP)
            stream.until(lambda: any("not reloaded" in entry["event"] for entry in stream.log))
            stream.until_looks("well", 3)
            assert set(stream.status()) == {"well", "third"}
            assert undisturbed(stream)
            assert stream.status()["well"]["blind_s"].keys() <= {"starting"}
            assert stream.end() == 0


def test_out_of_file_descriptors_the_cameras_that_are_open_go_on(tmp_path: Path, well: MjpegCamera) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))"
    with MjpegCamera(noise, fps=5.0) as other:
        cameras = {"well": {"detect": well.url(), **CAMERA}}
        with Stream(tmp_path, cameras, before=limit) as stream:
            stream.until_looks("well", 3)
            stream.configure({**cameras, **{f"more{n}": {"detect": other.url(), **CAMERA} for n in range(60)}})
            stream.send(signal.SIGHUP)
            stream.until(lambda: any(entry.get("reason") == "resources" for entry in stream.log))
            # Not a single descriptor is left but the reserve, with which the way out is read.
            stream.configure(cameras)
            stream.send(signal.SIGHUP)
            stream.until(lambda: any(len(entry.get("removed", [])) == 60 for entry in stream.log))
            stream.until(lambda: set(stream.status()) == {"well"})
            stream.until_looks("well", 3)
            assert stream.end() == 0


@pytest.mark.skipif(not _FAKETIME, reason="no libfaketime here: apt-get install libfaketime")
def test_a_wall_clock_that_jumps_an_hour_both_ways_disturbs_nothing(tmp_path: Path, well: MjpegCamera) -> None:
    told = tmp_path / "clock"
    told.write_text("+0")
    environment = {
        "LD_PRELOAD": _FAKETIME[0],
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_NO_CACHE": "1",
        # The monotonic clock of a system does not jump either.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with Stream(tmp_path, {"well": {"detect": well.url(), **CAMERA}}, environment=environment) as stream:
        began_s = time.monotonic()
        stream.until_looks("well", 5)
        for jump in ("+3600", "-3600", "+0"):
            told.write_text(jump)
            stream.until_looks("well", 8)
        assert undisturbed(stream)
        lasted_s = time.monotonic() - began_s
        assert stream.end() == 0
    with EventStore(tmp_path / "events.sqlite") as store:
        entries = store.ledger()
    # Booked is what passed, on the hours that the clock showed.
    assert {entry.category for entry in entries} <= {"watched", "starting"}
    assert len({entry.hour for entry in entries}) >= 2
    assert lasted_s - 3.0 < sum(entry.seconds for entry in entries) < lasted_s + 3.0
    assert not stream.incidents("well")


def test_an_overloaded_box_gives_each_camera_fewer_looks_says_so_and_grows_no_older(tmp_path: Path) -> None:
    slow = """
import time
from tests.stand_ins import Brightness
run = Brightness._run
def wait(self, frames):
    time.sleep(0.05 * len(frames))
    return run(self, frames)
Brightness._run = wait
"""
    # 60 looks a second are wanted, about 20 can be had.
    with MjpegCamera(noise, fps=20.0) as camera:
        cameras = {f"camera{number}": {"detect": camera.url(), "rate": "10/s", **CAMERA} for number in range(6)}
        with Stream(tmp_path, cameras, before=slow) as stream:
            stream.until(lambda: any("overloaded" in entry["event"] for entry in stream.log))
            begun = len(stream.lines)
            stream.until_looks("camera0", 20)
            looks = [len(stream.looks(name, begun)) for name in cameras]
            ages = counts(stream.ask("/metrics"), "edge_resnet_frame_age_seconds")
            assert "edge_resnet_overloaded 1.0" in stream.ask("/metrics")
            assert stream.end() == 0
    assert min(looks) > 0.7 * max(looks)
    # Newest frame wins: nobody waits longer than some batches.
    assert quantile({}, ages, 0.99) <= 1.0
    assert ages[2.0] == ages[float("inf")]


def test_a_backend_that_hangs_is_replaced_and_that_is_told(tmp_path: Path, well: MjpegCamera) -> None:
    hang = """
import threading
import runtime.inference
from tests.stand_ins import Brightness
runtime.inference.Inference.__init__.__kwdefaults__["hangs_after_s"] = 1.0
run, calls = Brightness._run, []
def hang(self, frames):
    # At a camera's pictures, not when batches of black ones are measured.
    if frames.any():
        calls.append(1)
        if len(calls) == 5:
            threading.Event().wait(60)
    return run(self, frames)
Brightness._run = hang
"""
    with Stream(tmp_path, {"well": {"detect": well.url(), **CAMERA}}, before=hang) as stream:
        stream.until(lambda: any(line.get("kind") == "backend" and line["what"] == "ended" for line in stream.lines))
        stream.until_looks("well", 3)
        assert stream.status()["well"]["blind_s"].keys() <= {"starting", "not_looked", "no_engine"}
        assert stream.end() == 0
