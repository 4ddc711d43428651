"""The ballast: real space, given away once, made again."""

from __future__ import annotations

from pathlib import Path

from runtime.events.ballast import Ballast


def test_it_takes_real_space_and_gives_it_away_once(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "events.sqlite", 1_000_000)
    assert ballast.load()
    stat = ballast.path.stat()
    assert stat.st_size == 1_000_000
    assert stat.st_blocks * 512 >= 1_000_000
    assert ballast.release()
    assert (ballast.released, ballast.path.exists()) == (True, False)
    assert not ballast.release()


def test_it_is_made_again_and_outlives_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    first = Ballast(store, 1_000_000)
    first.load()
    first.release()
    assert first.load()
    assert not first.released
    inode = first.path.stat().st_ino
    second = Ballast(store, 1_000_000)
    assert second.load()
    assert second.path.stat().st_ino == inode
    assert second.release()


def test_a_file_that_is_only_a_hole_is_no_ballast(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "events.sqlite", 1_000_000)
    with ballast.path.open("wb") as file:
        file.truncate(1_000_000)
    assert ballast.load()
    assert ballast.path.stat().st_blocks * 512 >= 1_000_000


def test_where_nothing_can_be_written_there_is_none(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "no such folder" / "events.sqlite", 1_000_000)
    assert not ballast.load()
    assert not ballast.release()
