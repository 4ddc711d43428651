"""A store that is damaged, at the start or in the middle: a new one is begun, and alarms are still written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.events.recovery import open_patiently
from runtime.events.store import EventStore
from tests.rig.stream import program
from tests.stand_ins import BRIGHT, DARK, write_bundle, write_clip
from tests.unit.runtime.notices import raised
from tests.unit.runtime.stored import event

ONE_FIRE = [DARK] * 30 + [BRIGHT] * 40 + [DARK] * 80


def fill(path: Path, count: int) -> None:
    with EventStore(path) as store, store.together():
        for _ in range(count):
            each = event(ended_s=None)
            store.add(each, raised(each), ["phone"])


def destroy(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


def watch(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", program(), "--bundle", "bundle", "--camera", "clip.avi"]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("harm", ["middle", "header", "cut off"])
def test_a_watch_begins_a_new_store_in_the_place_of_a_damaged_one_and_says_so(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "events.sqlite"
    write_bundle(tmp_path / "bundle")
    write_clip(tmp_path / "clip.avi", ONE_FIRE)
    fill(path, 1000)
    size = path.stat().st_size
    if harm == "cut off":
        path.write_bytes(path.read_bytes()[: size // 2])
    else:
        destroy(path, *((size // 2, 16_384) if harm == "middle" else (0, 100)))
    done = watch(tmp_path)
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    (told,) = (entry for entry in entries if "was damaged" in entry["event"])
    assert told["level"] == "error"
    assert Path(tmp_path / told["moved_to"]).exists()
    with EventStore(path, read_only=True) as store:
        assert [each.camera for each in store.events() if each.alarm == "fire" and each.camera == "clip.avi"] == [
            "clip.avi"
        ]
        assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
    again = watch(tmp_path)
    assert again.returncode == 0
    assert "was damaged" not in again.stderr


def test_damage_in_the_middle_of_a_run_loses_no_event_of_it(tmp_path: Path) -> None:
    path, told = tmp_path / "events.sqlite", list[str]()
    fill(path, 6000)
    store = open_patiently(path, lambda event, **fields: told.append(event))
    before = [event(ended_s=None) for _ in range(50)]
    for each in before:
        store.add(each, raised(each), ["phone"])
    # More than SQLite keeps in memory, and everywhere that the next events go.
    destroy(path, 400_000, path.stat().st_size - 400_000)
    after = [event(ended_s=None) for _ in range(50)]
    for each in after:
        store.add(each, raised(each), ["phone"])
    assert "the event store was damaged, and a new one is begun" in told
    assert store.unwritten == ""
    store.close()
    with EventStore(path, read_only=True) as read:
        found = {each.id for each in read.events()}
        assert found >= {each.id for each in [*before, *after]}
        notices = {name for (name,) in read.database.rows("SELECT notice_id FROM deliveries")}
        assert notices >= {f"{each.id}:raised" for each in [*before, *after]}
        assert read.database.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(list(tmp_path.glob("*.damaged-*[0-9]"))) == 1
