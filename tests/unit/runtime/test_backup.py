"""A copy of the store while somebody writes: of one moment, whole, or not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.backup import backup
from runtime.events.database import Database
from runtime.events.store import EventStore
from tests.unit.runtime.stored import event


@contextmanager
def writing(store: Path) -> Iterator[list[int]]:
    """A watch that writes events as fast as it can; how many are committed."""
    written, ending, begun = [0], threading.Event(), threading.Event()

    def write() -> None:
        with EventStore(store) as opened:
            while not ending.is_set():
                opened.add(event(camera="yard" * 500))
                written[0] += 1
                if written[0] > 300:
                    begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(60)
    try:
        yield written
    finally:
        ending.set()
        thread.join()


def test_a_copy_under_writes_is_of_one_moment(tmp_path: Path) -> None:
    store, copy = tmp_path / "events.sqlite", tmp_path / "new" / "copy.sqlite"
    steps: list[tuple[int, int]] = []
    with writing(store) as written:
        before = written[0]
        backup(store, copy, lambda done, total: steps.append((done, total)))
        after = written[0]
    assert [path.name for path in copy.parent.iterdir()] == ["copy.sqlite"]
    with EventStore(copy) as opened:
        # One may be committed and not counted yet.
        assert before <= len(opened.events()) <= after + 1
    assert len(steps) >= 2
    # Commits in between did not begin it anew.
    assert steps == sorted(steps)
    assert len({total for _, total in steps}) == 1
    assert steps[-1][0] == steps[-1][1]


def test_a_copy_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    store, copy = tmp_path / "events.sqlite", tmp_path / "copy.sqlite"
    EventStore(store).close()
    copy.write_bytes(b"old")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(store, copy, interrupt)
    assert copy.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.sqlite"]


def test_a_damaged_store_gives_no_copy(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    with EventStore(store) as opened, opened.together():
        for _ in range(1000):
            opened.add(event())
    content = bytearray(store.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xa5" * 8192
    store.write_bytes(content)
    with pytest.raises(UserError, match="cannot be copied"):
        backup(store, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


def test_what_would_destroy_a_store_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    EventStore(store).close()
    (tmp_path / "link.sqlite").symlink_to(store)
    with pytest.raises(UserError, match="is the event store itself"):
        backup(store, tmp_path / "link.sqlite")
    other = Database(tmp_path / "other.sqlite")
    other.run("DELETE FROM events")
    with pytest.raises(UserError, match="in use"):
        backup(store, tmp_path / "other.sqlite")
    other.close()


@pytest.mark.parametrize("target", ["folder", "file/copy.sqlite"])
def test_a_path_that_cannot_be_written(tmp_path: Path, target: str) -> None:
    store = tmp_path / "events.sqlite"
    EventStore(store).close()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        backup(store, tmp_path / target)
