"""The log: what a line holds and what it must never hold, and that nothing it does can hurt the watch."""

from __future__ import annotations

import errno
import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from runtime.service import logs
from runtime.service.logs import Log

NOON = 1_790_000_000.25


class Clock:
    """Seconds, as the test says."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_time_level_event_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    Log(clock=lambda: NOON).info("camera connected", camera="yard/gate", fps=25.0, codec="h264")
    line = capsys.readouterr().err
    assert line.endswith("\n")
    assert list(json.loads(line).items()) == [
        *(("ts", "2026-09-21T14:13:20.250Z"), ("level", "info"), ("event", "camera connected")),
        *(("camera", "yard/gate"), ("fps", 25.0), ("codec", "h264")),
    ]


def test_it_serves_as_say(capsys: pytest.CaptureFixture[str]) -> None:
    Log()("bundle: runs/fire (the newest)")
    assert [(each["level"], each["event"]) for each in told(capsys)] == [("info", "bundle: runs/fire (the newest)")]


def test_at_a_terminal_it_is_a_line_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Log(clock=lambda: NOON).warning("camera lost", camera="yard/gate", why="is it on?")
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    for part in ("2026-09-2", "warning", "camera lost", "camera=yard/gate", "why='is it on?'"):
        assert part in line
    assert "\x1b" not in line


def test_what_a_field_holds_is_fields_for_people_and_an_object_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    evidence = {"silence_s": 10.0587, "lost": {"count": 3}, "camera": "its own", "age_s": 15803.7}
    Log(for_people=True).warning("BLIND", camera="yard/gate", evidence=evidence)
    line = capsys.readouterr().err.strip()
    assert line.endswith("camera=yard/gate silence_s=10.06 count=3 evidence.camera='its own' age_s=15804")
    Log(for_people=False).warning("BLIND", camera="yard/gate", evidence=evidence)
    assert told(capsys)[0]["evidence"] == evidence


@pytest.mark.parametrize("for_people", [True, False])
def test_no_value_shows_a_password(capsys: pytest.CaptureFixture[str], for_people: bool) -> None:
    url = "rtsp://admin:hunter2@10.0.0.5/s1"
    log = Log(for_people)
    log(f"opening {url}")
    log.info("x", why=f"no answer from {url}", urls=[url, {"deep": (url,)}], error=OSError(url), one={url})
    log.warning(f"{url} lost", reason=url)
    err = capsys.readouterr().err
    assert "hunter2" not in err
    assert err.count("10.0.0.5") == 8


@pytest.mark.parametrize("for_people", [True, False])
def test_a_name_cannot_forge_a_line_or_command_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, for_people: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    Log(for_people).info("x\ny", camera="gate\n{}\r\x1b[2J\udc80")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert not {"\x1b", "\r", "\udc80"} & set(err)


def test_what_json_does_not_know_is_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    Log().info("x", age=float("nan"), path=Path("runs/a=b"), none=None, yes=True, count=3)
    entry = told(capsys)[0]
    assert [entry[key] for key in ("age", "path", "none", "yes", "count")] == ["nan", "runs/a=b", None, True, 3]


def test_a_fault_that_repeats_is_told_once_a_minute_with_its_count(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    log = Log(monotonic=clock)
    for second in range(125):
        clock.now_s = float(second)
        log.warning("camera lost", camera="yard/gate", reason="timeout", attempt=second)
    assert [(each["attempt"], each.get("repeated")) for each in told(capsys)] == [(0, None), (60, 59), (120, 59)]


def test_faults_of_others_and_other_faults_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(monotonic=lambda: 0.0)
    for _ in range(2):
        log.warning("camera lost", camera="yard/gate", reason="timeout")
        log.warning("camera lost", camera="yard/door", reason="timeout")
        log.warning("camera lost", camera="yard/gate", reason="refused")
        log.error("frame dropped", camera="yard/gate", reason="timeout")
    assert len(told(capsys)) == 4


def test_what_is_no_fault_is_never_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(monotonic=lambda: 0.0)
    for _ in range(5):
        log.warning("alarm raised", camera="yard/gate", alarm="fire")
        log("a line")
    assert len(told(capsys)) == 10


def test_a_thousand_kinds_of_fault_do_not_grow_without_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MOST_FAULTS", 3)
    log = Log(monotonic=lambda: 0.0)
    for reason in ("a", "b", "c", "a", "d", "a", "b"):
        log.warning("x", reason=reason)
    # When d came, b was the oldest.
    assert [each["reason"] for each in told(capsys)] == ["a", "b", "c", "d", "b"]


class Full(io.StringIO):
    """A file on a disk without space."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_stop_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    log, closed = Log(), io.StringIO()
    closed.close()
    for stream in (closed, Full(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        log.error("camera lost", camera="yard/gate")


def test_it_writes_to_the_standard_error_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    log, later = Log(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    log("now")
    assert "now" in later.getvalue()


def test_lines_of_many_threads_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    threads = [
        threading.Thread(target=lambda name=name: [log.info("x" * 500, name=name) for _ in range(50)])
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each["name"] for each in told(capsys)) == sorted("abcd" * 50)
