"""`edge-resnet attend`: a quiet camera on the ladder is watched for as long as somebody asks, in a stream that runs."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.events.attendance import Attendance, attend, attendances
from runtime.events.lock import only_writer
from runtime.events.schema import MIGRATIONS
from runtime.events.store import EventStore
from tests.commands import edge_resnet
from tests.rig.rtsp import RtspServer, needs_rtsp_server
from tests.rig.rtsp import Stream as Sent
from tests.rig.stream import Stream
from tests.stand_ins import DARK

CONFIG = """
sites:
  yard:
    cameras:
      gate: {detect: "rtsp://watch:${NOT_SET_HERE}@192.0.2.1/stream", attention: ladder}
      door: {detect: "rtsp://192.0.2.2/stream"}
      clip: {detect: clip.mp4}
      roof: {detect: "rtsp://192.0.2.3/stream", gate: {enabled: true}}
"""
NIGHTS = {"nights": {"periods": [{"days": ["mon"], "start": "00:00", "end": "00:01"}]}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cameras.yaml").write_text(CONFIG)
    (tmp_path / "clip.mp4").touch()
    EventStore(tmp_path / "events.sqlite").close()
    return tmp_path


def test_a_camera_is_attended_shown_and_released(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(timezone.utc)
    answer = edge_resnet(capsys, "attend", "yard/gate", "--json").answer
    assert answer["stream_runs"] is False
    (told,) = answer["attended"]
    assert told["camera"] == "yard/gate"
    until = datetime.fromisoformat(told["until"])
    assert before + timedelta(minutes=9.9) < until < datetime.now(timezone.utc) + timedelta(minutes=10.1)
    shown = edge_resnet(capsys, "attend").out
    assert re.search(r"^yard/gate: until \d{4}-", shown)
    assert "no stream writes to events.sqlite now" in shown
    with only_writer(folder / "events.sqlite"):
        assert edge_resnet(capsys, "attend", "--json").answer == {"attended": [told], "stream_runs": True}
    longest = edge_resnet(capsys, "attend", "yard/gate", "--for", "366 d", "--json").answer["attended"]
    assert datetime.fromisoformat(longest[0]["until"]) > until + timedelta(days=365)
    longer = edge_resnet(capsys, "attend", "yard/gate", "--for", "2h", "--json").answer["attended"]
    assert datetime.fromisoformat(longer[0]["until"]) > until + timedelta(hours=1)
    stopped = edge_resnet(capsys, "attend", "yard/gate", "--stop", "--json")
    assert stopped.answer["attended"] == []
    assert "yard/gate: no longer attended" in stopped.err
    assert "yard/gate: was not attended" in edge_resnet(capsys, "attend", "yard/gate", "--stop").err
    assert "no camera is attended" in edge_resnet(capsys, "attend").out


def test_only_the_camera_in_question_is_answered_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edge_resnet(capsys, "attend", "yard/gate")
    asked = edge_resnet(capsys, "attend", "yard/roof")
    assert ("yard/roof" in asked.out, "yard/gate" in asked.out) == (True, False)
    answer = edge_resnet(capsys, "attend", "yard/roof", "--json").answer
    assert [each["camera"] for each in answer["attended"]] == ["yard/roof"]
    stopped = edge_resnet(capsys, "attend", "yard/roof", "--stop")
    assert "no longer attended" in stopped.err
    assert "yard/gate" not in stopped.out
    assert "no camera is attended" not in stopped.out
    shown = edge_resnet(capsys, "attend", "--json").answer
    assert [each["camera"] for each in shown["attended"]] == ["yard/gate"]


def test_a_store_of_an_earlier_version_is_upgraded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(folder / "old.sqlite")) as connection:
        connection.executescript("".join(MIGRATIONS[:-1]) + f"PRAGMA user_version = {len(MIGRATIONS) - 1};")
    answer = edge_resnet(capsys, "attend", "yard/gate", "--events", folder / "old.sqlite", "--json").answer
    assert [each["camera"] for each in answer["attended"]] == ["yard/gate"]


def test_what_is_over_is_not_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(timezone.utc)
    with EventStore(folder / "events.sqlite") as store:
        attend(store.database, Attendance("yard/gate", now - timedelta(hours=1), now - timedelta(minutes=50)))
    assert edge_resnet(capsys, "attend", "--json").answer["attended"] == []


def test_a_camera_that_is_on_full_by_now_can_be_released(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(timezone.utc)
    with EventStore(folder / "events.sqlite") as store:
        attend(store.database, Attendance("yard/door", now, now + timedelta(minutes=10)))
    assert "yard/door: no longer attended" in edge_resnet(capsys, "attend", "yard/door", "--stop").err


@pytest.mark.parametrize("asked", [[], ["yard/gate"], ["yard/gate", "--stop"]])
@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("", "other.sqlite: nothing is in it, so it is no event store"),
        ("PRAGMA application_id = 7", "other.sqlite: nothing is in it, so it is no event store"),
        ("CREATE TABLE notes (id TEXT)", "other.sqlite: a database of another program"),
        ("CREATE TABLE events (id TEXT, title TEXT); PRAGMA user_version = 3", "a database of another program"),
        (None, "not an event store (file is not a database)"),
    ],
)
def test_a_file_that_is_no_store_is_refused_and_stays_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], asked: list[str], held: str | None, told: str
) -> None:
    other = folder / "other.sqlite"
    if held is None:
        other.write_text("a diary\n" * 1000)
    else:
        with closing(sqlite3.connect(other)) as connection:
            connection.executescript(held)
    before = other.read_bytes()
    assert told in edge_resnet(capsys, "attend", *asked, "--events", other).mistake
    assert other.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["yard/gaet"], "cameras.yaml: no camera yard/gaet; did you mean yard/gate?"),
        (["gate"], "no camera gate; did you mean yard/gate?"),
        (["yard/xy"], "no camera yard/xy; those that can be attended: yard/gate, yard/roof"),
        (["nothing"], "no camera nothing; those that can be attended: yard/gate, yard/roof"),
        (["yard/clip"], "yard/clip: a file or folder, which has no time of day; those that can be attended: yard/gate"),
        (["yard/door"], "yard/door: watched all the time as it is (attention: full, no gate in cameras.yaml); those"),
        (["yard/gate", "--for", "2"], '--for 2: takes a length of time, such as "10 min" or 2h'),
        (["yard/gate", "--for", "366.1 d"], "--for 366.1 d: a length of time is over 0 and at most 366 d"),
        (["yard/gate", "--for", "0s"], "--for 0s: a length of time is over 0 and at most 366 d"),
        (["yard/gate", "--for=-5min"], "--for -5min: a length of time is over 0 and at most 366 d"),
        (["yard/gate", "--for", "2h", "--stop"], "--for and --stop: choose one of them"),
        (["--for", "2h"], "--for: of which camera?"),
        (["--stop"], "--stop: of which camera?"),
        (["yard/gate", "--events", "elsewhere.sqlite"], "elsewhere.sqlite: no such event store"),
        (["--events", "elsewhere.sqlite"], "elsewhere.sqlite: no such event store"),
        (["yard/gate", "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_mistakes_are_one_line_and_attend_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in edge_resnet(capsys, "attend", *arguments).mistake
    with EventStore(folder / "events.sqlite", read_only=True) as store:
        assert attendances(store.database) == []


def quiet(folder: Path) -> str:
    """Pictures of a dark scene in which nothing happens but a sensor's noise; their folder."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(20):
        noise = generator.normal(DARK, 2.0, (360, 640, 3))
        # A frame without any contrast would be taken for a blind camera's.
        noise[100:200, 200:400] += 60.0
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), noise.clip(0, 255).astype(np.uint8))
    return str(folder)


@needs_rtsp_server
@pytest.mark.parametrize(("armed", "rung"), [(True, "glance"), (False, "asleep")])
def test_a_quiet_camera_is_watched_while_somebody_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], armed: bool, rung: str
) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    monkeypatch.chdir(tmp_path)
    camera = {"attention": "ladder", "rate": "10/s", **({} if armed else {"schedule": "nights"})}
    with RtspServer(Sent(gop=25, pictures=quiet(tmp_path / "scene"))) as server:
        gate = {"gate": {"detect": server.url(), **camera}}
        with Stream(tmp_path, gate, schedules=NIGHTS) as stream:

            def is_on(rung: str, why: str) -> bool:
                gate = stream.status()["gate"]
                return (gate["attention"], gate["attention_why"]) == (rung, why)

            stream.until(lambda: bool(stream.looks("gate")))
            stream.until(lambda: is_on(rung, ""))
            answer = edge_resnet(capsys, "attend", "here/gate", "--for", "20 min", "--json").answer
            assert answer["stream_runs"] is True
            stream.until(lambda: is_on("watch", "operator"))
            assert 'edge_resnet_camera_attention{camera="here/gate",rung="watch"} 1.0' in stream.ask("/metrics")
            # More than there are key frames, however long it takes.
            frames = [look["frame"] for look in stream.looks("gate")]
            stream.until_looks("gate", 10)
            seen = [look["frame"] for look in stream.looks("gate")][len(frames) :]
            assert min(after - before for before, after in pairwise(seen)) < 25 // 2
            edge_resnet(capsys, "attend", "here/gate", "--stop")
            stream.until(lambda: is_on(rung, ""))
            metrics = stream.ask("/metrics")
            assert stream.end() == 0
    spent = dict(re.findall(r'^edge_resnet_cpu_seconds_total\{stage="(\w+)"\} (\S+)', metrics, re.M))
    assert set(spent) == {"demux", "decode", "scale", "inference", "rest"}
    # The stand-in for the network takes next to nothing.
    assert all(float(seconds) > 0 for stage, seconds in spent.items() if stage != "inference")
    said = [entry["event"] for entry in stream.log]
    assert said.index("camera attended") < said.index("camera no longer attended")
