"""The file of JSON lines: whole lines, whatever was left there."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

import pytest

from runtime.config.sinks import JsonlSettings
from runtime.events.notice import Notice
from runtime.sinks.jsonl import JsonlSink
from runtime.sinks.sink import Context, Unavailable
from tests.unit.runtime.notices import raised


def sink(path: Path) -> JsonlSink:
    return JsonlSink(JsonlSettings(path=path), Context("log"))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_each_notice_is_a_line_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines.jsonl"
    notices = [raised(), raised()]
    for notice in notices:
        sink(path).deliver(notice, ())
    assert [Notice.from_json(line) for line in lines(path)] == notices


def test_it_may_be_moved_away_at_any_time(tmp_path: Path) -> None:
    path, opened = tmp_path / "lines.jsonl", sink(tmp_path / "lines.jsonl")
    opened.deliver(raised(), ())
    path.rename(tmp_path / "lines.jsonl.1")
    opened.deliver(raised(), ())
    assert len(lines(path)) == 1


def test_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"id": "torn')
    sink(path).deliver(raised(), ())
    torn, whole = lines(path)
    assert torn == '{"id": "torn'
    assert json.loads(whole)["what"] == "raised"


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"file/lines\.jsonl"):
        sink(tmp_path / "file" / "lines.jsonl").deliver(raised(), ())


def test_a_line_that_has_no_room_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    sink(path).deliver(raised(), ())
    before = path.read_bytes()
    # The system refuses to let a file grow over a limit as it does on a full disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(Unavailable):
            sink(path).deliver(raised(), ())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
