"""The event store on bad days: one line, and what was written stays written."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.events.store import EventStore

EVENT = Event("id", "yard", "fire", "fire", None, "now", 1.0, 2.0, None, 0.9, 0.8, 6, "0" * 64, "opencv", "fp32")
ROOT = Path(__file__).resolve().parents[2]


def test_a_full_disk_is_one_line_and_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "events.sqlite"
    written: list[Event] = []
    with EventStore(path) as store, pytest.raises(UserError, match="no space left") as caught:
        add_for_ever(store, written)
    assert "\n" not in str(caught.value)
    assert len(written) > 10
    with EventStore(path) as store:
        assert store.events() == written


def add_for_ever(store: EventStore, written: list[Event]) -> None:
    while True:
        event = replace(EVENT, id=str(uuid.uuid4()), camera="yard" * 100)
        store.add(event)
        written.append(event)


def test_a_full_disk_from_the_start(small_disk: Path) -> None:
    blocks = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(blocks.f_bavail * blocks.f_bsize))
    with pytest.raises(UserError, match=r"no space left|cannot be used"):
        EventStore(small_disk / "events.sqlite")


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\0" + bytes(4000)]
)
def test_what_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"not an event store|cannot be used"):
        EventStore(path)
    assert path.read_bytes() == content


def test_a_truncated_store(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with EventStore(path) as store:
        store.add(EVENT)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="not an event store"), EventStore(path) as store:
        store.events()


def test_a_store_that_another_program_holds(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    EventStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="another program holds"):
        EventStore(path, busy_timeout_s=0.05)
    other.close()
    EventStore(path).close()


@pytest.mark.parametrize("where", ["folder", "file/events.sqlite", "/proc/events.sqlite"])
def test_a_path_that_cannot_be_written(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--events"):
        EventStore(tmp_path / where)


def test_a_disk_that_may_only_be_read(small_disk: Path) -> None:
    path = small_disk / "events.sqlite"
    EventStore(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(UserError, match="--events"):
        EventStore(path)
    with pytest.raises(UserError, match="--events"):
        EventStore(small_disk / "new" / "events.sqlite")


def test_an_event_survives_the_process_being_killed(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from runtime.events.event import Event\n"
        "from runtime.events.store import EventStore\n"
        f"EventStore(Path({str(path)!r})).add({EVENT!r})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False)
    with EventStore(path) as store:
        assert store.events() == [EVENT]
