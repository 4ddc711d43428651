"""kill -9 while clips and pictures are written: what is registered is whole, and what is not whole goes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import cv2

from runtime.events.journal import utc_now
from runtime.events.media import Media, folder_of
from runtime.sources.packets import pyav

ROOT = Path(__file__).resolve().parents[2]
KILLS = 5
FRAMES = 40
# Writes clip after clip, through the very thread that does it in a watch, and tells of each event that it begins with.
_SCRIPT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from dataclasses import replace
from pathlib import Path
import numpy as np
from runtime.config.recording import RecordingSettings
from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings
from runtime.events.store import EventStore
from runtime.recording.archive import Archive
from runtime.recording.desk import Desk, Film
from runtime.recording.reel import Picture
from runtime.recording.snapshot import encoded
from runtime.recording.take import Take
from runtime.service.logs import Log
from tests.stand_ins import MODEL
from tests.unit.runtime.stored import event

class Space:
    def allows(self, kind):
        return True

store = Path(sys.argv[1])
settings = WatchSettings(sites={{"": SiteSettings(cameras={{"yard": CameraSettings(detect="0")}})}})
# One clip waits at most: it takes 0.7 MB.
desk = Desk(most_bytes=1_000_000)
archive = Archive(store, desk, MODEL, lambda: settings, Space(), Log())
archive.start()
noise = np.random.default_rng(0).integers(0, 255, ({FRAMES}, 120, 160, 3)).astype(np.uint8)
pictures = [Picture(number / 5, encoded(image, 85)) for number, image in enumerate(noise)]
with EventStore(store) as opened:
    while True:
        seen = event(raised_s=2.0)
        opened.add(seen)
        take = Take.of(seen, 0.0, RecordingSettings())
        take.pictures = pictures
        desk.put(Film(take, 5.0), 60.0)
        print(seen.id, flush=True)
"""


def run_and_kill(store: Path, after: int) -> None:
    """Let it begin so many clips, and then a random moment pass."""
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(store)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(after):
        assert process.stdout.readline()
    try:
        # Not a wait for anything: the moment is to be any.
        process.wait(random.uniform(0.0, 0.3))
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def pictures_of(path: Path) -> int:
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def test_no_half_clip_is_ever_registered_and_none_is_left(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    for _ in range(KILLS):
        run_and_kill(store, after=5)
        with closing(Media(store)) as media:
            registered = media.all()
            assert all(
                pictures_of(each.path) >= FRAMES and each.bytes == each.path.stat().st_size for each in registered
            )
    assert len(registered) > KILLS
    hidden = list(folder_of(store).rglob(".*"))
    # With PyAV a clip takes long enough to be caught in the middle by one of the kills, as a rule.
    assert len(hidden) <= KILLS
    assert pyav() is None or all(path.suffix == ".mp4" for path in hidden)
    with closing(Media(store)) as media:
        media.heal(utc_now() + timedelta(hours=2))
        rows = {each.path for each in media.all()}
    there = {path for path in folder_of(store).rglob("*") if path.is_file()}
    assert rows == there
    assert all(pictures_of(path) >= FRAMES for path in there)
