"""A camera that restarts twenty times, after outages of 1 to 60 s: how soon it is watched again."""

from __future__ import annotations

import random
import statistics
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.rig.mjpeg import MjpegCamera, noise
from tests.rig.rtsp import RtspServer, needs_rtsp_server
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import Stream

OUTAGES = 20


@needs_rtsp_server
def test_it_is_watched_again_within_three_seconds_of_its_return(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, recoveries_s = random.Random(6), []
    with RtspServer(Sent(gop=50)) as server, MjpegCamera(noise, fps=20.0) as well:
        cameras = {"bad": {"detect": server.url()}, "well": {"detect": well.url()}}
        with Stream(tmp_path, cameras) as stream:
            stream.until_looks("bad")
            stream.until_looks("well")
            began_s = time.monotonic()
            for number in range(OUTAGES):
                # Evenly on a scale of ratios: most are short, as in life.
                outage_s = 60.0 ** chance.random() if number else 60.0
                server.kill()
                # The outage lasts; there is no condition to wait for.
                time.sleep(outage_s)
                server.restart()
                back_s = time.monotonic()
                stream.until_looks("bad", patience_s=70.0)
                recoveries_s.append(time.monotonic() - back_s)
                with capsys.disabled():
                    print(f"outage {outage_s:5.1f} s: watched again after {recoveries_s[-1]:.2f} s")  # noqa: T201
            lasted_s = time.monotonic() - began_s
            times_s = [look["time_s"] for look in stream.looks("well")]
            gap_s = max(later - earlier for earlier, later in pairwise(times_s))
            status = stream.status()
    with capsys.disabled():
        print(  # noqa: T201
            f"median {statistics.median(recoveries_s):.2f} s, longest {max(recoveries_s):.2f} s; "
            f"the other camera's longest gap {gap_s:.2f} s"
        )
    assert statistics.median(recoveries_s) < 3.0
    assert gap_s < 1.0
    assert status["well"]["blind_s"].keys() <= {"starting"}
    bad = status["bad"]
    total_s = bad["watched_s"] + sum(bad["blind_s"].values())
    assert total_s >= lasted_s - 15.0
