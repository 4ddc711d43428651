"""Sixteen cameras on this box, one that never answers and one of 4K, a look a second each by the real network."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_resnet.bundle import Bundle
from tests.rig.figures import counts, memory_mb, quantile
from tests.rig.rtsp import RtspServer, jpegs_of, needs_rtsp_server
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import Stream

WATCHED_S = 120.0
# A bundle that was exported for real; make demo leaves one here.
BUNDLE = Path(os.environ.get("EDGE_RESNET_BUNDLE", "runs/demo/bundle")).resolve()
# Pictures as cameras give them, or nearly: drawn, with noise.
CLIP = Path("runs/demo/clips/normal_long.mp4")


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word: its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]


@needs_rtsp_server
@pytest.mark.skipif(
    not (BUNDLE.is_dir() and CLIP.is_file()), reason="no bundle and clips in runs/demo: make demo first"
)
@pytest.mark.parametrize(("width", "height"), [(640, 360), (1920, 1080)])
def test_no_classified_frame_is_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], width: int, height: int
) -> None:
    pictures = jpegs_of(CLIP, tmp_path / "pictures")
    # One encoder serves them all, so that the box is busy with watching and not with making the pictures.
    with (
        RtspServer(Sent(width=width, height=height, gop=50, pictures=pictures)) as server,
        RtspServer(Sent(width=3840, height=2160, fps=5, gop=10, pictures=pictures)) as large,
        silent_server() as silent,
    ):
        cameras = {f"camera{number}": {"detect": server.url(), "rate": "1/s"} for number in range(14)}
        cameras["large"] = {"detect": large.url(), "rate": "1/s"}
        cameras["silent"] = {"detect": f"rtsp://127.0.0.1:{silent}/cam", "rate": "1/s"}
        # At one look a second the rule's three looks need more than its two seconds.
        alarms = {name: {"window": "5 s"} for name in Bundle.open(BUNDLE).model.alarms}
        with Stream(tmp_path, cameras, bundle=BUNDLE, alarms=alarms) as stream:
            for name in cameras.keys() - {"silent"}:
                stream.until(lambda name=name: bool(stream.looks(name)), patience_s=120.0)
            before, begun = counts(stream.ask("/metrics"), "edge_resnet_frame_age_seconds"), len(stream.lines)
            programs = {"stream": stream.process.pid, "servers": server.pid, "4K server": large.pid}
            before_s = {name: _cpu_s(pid) for name, pid in programs.items()}
            # What is measured is a stretch of time.
            time.sleep(WATCHED_S)
            after = counts(stream.ask("/metrics"), "edge_resnet_frame_age_seconds")
            cores = {name: (_cpu_s(pid) - before_s[name]) / WATCHED_S for name, pid in programs.items()}
            rates = [len(stream.looks(name, begun)) / WATCHED_S for name in cameras.keys() - {"silent"}]
            status, memory = stream.status(), memory_mb(stream.process.pid)
    with capsys.disabled():
        print(  # noqa: T201
            f"{width}x{height}: age p50 <= {quantile(before, after, 0.5):g} s, "
            f"p99 <= {quantile(before, after, 0.99):g} s, looks a second {min(rates):.2f} to {max(rates):.2f}, "
            f"cores {', '.join(f'{name} {each:.2f}' for name, each in cores.items())}, {memory:.0f} MB"
        )
    assert quantile(before, after, 0.99) <= 1.0
    # max_age is 2 s: nothing older was classified.
    assert after[2.0] - before[2.0] == after[float("inf")] - before[float("inf")]
    assert min(rates) > 0.9
    assert {name for name, each in status.items() if each["state"] == "offline"} == {"silent"}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
