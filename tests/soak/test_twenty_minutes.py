"""Twenty minutes of cameras that come and go: memory, threads and descriptors stay as they were."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.rig.figures import descriptors, memory_mb, slope_per_hour, threads
from tests.rig.mjpeg import MjpegCamera, noise
from tests.rig.proxy import Proxy
from tests.rig.rtsp import RtspServer, needs_rtsp_server
from tests.rig.stream import Stream

SOAK_S = float(os.environ.get("SOAK_SECONDS", "1200"))
# Allocators and caches find their size.
WARM_UP_S = SOAK_S / 4
EVERY_S = 5.0
MOST_MB_AN_HOUR = 1.0


@needs_rtsp_server
def test_memory_threads_and_descriptors_are_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        RtspServer() as steady,
        RtspServer() as restarting,
        MjpegCamera(noise, fps=10.0) as well,
        Proxy(steady.port) as proxy,
    ):
        cameras = {
            "steady": {"detect": steady.url()},
            "restarting": {"detect": restarting.url()},
            "through": {"detect": proxy.through(steady.url())},
            "well": {"detect": well.url()},
            "absent": {"detect": "rtsp://127.0.0.1:9/cam"},
        }
        with Stream(tmp_path, cameras) as stream:
            for name in cameras.keys() - {"absent"}:
                stream.until_looks(name)
            pid, began_s = stream.process.pid, time.monotonic()
            seen: list[tuple[float, float, int, int]] = []
            faults = 0
            while (now_s := time.monotonic() - began_s) < SOAK_S:
                seen.append((now_s, memory_mb(pid), threads(pid), descriptors(pid)))
                # Memory is looked at in steady steps.
                time.sleep(EVERY_S)
                # A fault each half minute.
                if now_s // 30 > faults:
                    faults += 1
                    _fault(faults % 4, restarting, proxy, stream)
            proxy.cut()
            proxy.heal()
            for name in cameras.keys() - {"absent"}:
                stream.until_looks(name)
            assert stream.end() == 0
    warm = [each for each in seen if each[0] >= WARM_UP_S]
    times_s = [each[0] for each in warm]
    slope = slope_per_hour(times_s, [each[1] for each in warm])
    with capsys.disabled():
        print(  # noqa: T201
            f"{SOAK_S:.0f} s with {faults} faults: memory {warm[0][1]:.1f} to {warm[-1][1]:.1f} MB, "
            f"slope {slope:+.2f} MB an hour; threads {warm[0][2]} to {warm[-1][2]}, "
            f"descriptors {warm[0][3]} to {warm[-1][3]}"
        )
    assert slope < MOST_MB_AN_HOUR
    assert abs(slope_per_hour(times_s, [float(each[2]) for each in warm])) < 1.0
    assert abs(slope_per_hour(times_s, [float(each[3]) for each in warm])) < 1.0


def _fault(kind: int, restarting: RtspServer, proxy: Proxy, stream: Stream) -> None:
    if kind == 0:
        restarting.kill()
        restarting.restart()
    elif kind == 1:
        proxy.stall()
    elif kind == 2:
        proxy.cut()
        proxy.heal()
    else:
        stream.send(signal.SIGHUP)
