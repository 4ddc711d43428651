"""Clock, disk and limits: what is bad is told, with what to do."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from runtime.checkup import box
from runtime.checkup.item import Item

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)


def verdicts(items: object) -> dict[str, str]:
    assert not isinstance(items, Item)
    return {item.name: item.verdict for item in items}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("now", "in_step", "verdict"),
    [
        (NOW, True, "ok"),
        (NOW, False, "warning"),
        (NOW.replace(year=1970), True, "problem"),
        (NOW.replace(year=2106), True, "problem"),
    ],
)
def test_a_clock_is_believed_when_it_can_be(now: datetime, in_step: bool, verdict: str) -> None:
    item = box.clock(now, in_step)
    assert item.verdict == verdict
    assert bool(item.advice) is (verdict != "ok")
    assert f"{now.year}-11-25 12:00:00 UTC" in item.found


def test_the_system_s_own_clock_can_be_asked() -> None:
    assert box.clock().found.startswith(f"{datetime.now(timezone.utc).year}-")


def test_a_disk_that_can_be_written_is_fine_and_left_as_it_was(tmp_path: Path) -> None:
    assert verdicts(box.disk(tmp_path / "new" / "events.sqlite"))["event store"] == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("free_mib", "verdict"), [(10, "problem"), (500, "warning"), (5000, "ok")])
def test_a_disk_that_is_nearly_full_is_told(
    free_mib: int, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = os.statvfs(tmp_path)
    monkeypatch.setattr(box.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free_mib << 20, "of": usage})())
    item = next(iter(box.disk(tmp_path / "events.sqlite")))
    assert (item.verdict, bool(item.advice)) == (verdict, verdict != "ok")


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, whom no permission stops; /proc takes no files from anybody.
    item = list(box.disk(Path("/proc/events.sqlite")))[-1]
    assert item.verdict == "problem"
    assert "--events" in item.advice


def test_a_disk_without_a_write_ahead_log_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "_journal_mode", lambda folder: "delete")
    item = list(box.disk(tmp_path / "events.sqlite"))[-1]
    assert (item.verdict, "stays in delete mode" in item.found) == ("warning", True)


def test_open_files_must_do_for_all_streams() -> None:
    assert box.open_files(16, 1024).verdict == "ok"
    item = box.open_files(100, 1024)
    assert item.verdict == "problem"
    assert item.advice.startswith("ulimit -n 4096; of a service, LimitNOFILE=4096")
    assert box.open_files(100, -1).verdict == "ok", "no limit"
    assert box.open_files(1).found.startswith(("no limit", *"123456789"))


def test_memory_must_do_for_all_streams() -> None:
    assert box.memory(16, 8 << 30).verdict == "ok"
    assert box.memory(16, 1 << 30).verdict == "warning"
    assert "16 streams" in box.memory(16).found
