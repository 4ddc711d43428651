"""`edge-resnet arm`: a command puts a mode in force, whatever the time is, in a stream that runs."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from runtime.events.lock import only_writer
from runtime.events.mode import commanded
from runtime.events.store import EventStore
from tests.commands import edge_resnet
from tests.rig.mjpeg import MjpegCamera, grey
from tests.rig.stream import Stream
from tests.stand_ins import BRIGHT, DARK, write_clip

MODES = {"home": {}, "away": {"schedule": "nights"}}
NIGHTS = {"nights": {"periods": [{"days": ["mon"], "start": "00:00", "end": "00:01"}]}}
CONFIG = """
sites:
  yard: {cameras: {gate: {detect: "rtsp://watch:${NOT_SET_HERE}@192.0.2.1/stream"}}}
modes: {home: {}, away: {schedule: nights}}
sinks: {phone: {kind: webhook, url: "${HOOK_URL}"}}
schedules: {nights: {periods: [{days: [mon], start: "00:00", end: "00:01"}]}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cameras.yaml").write_text(CONFIG)
    EventStore(tmp_path / "events.sqlite").close()
    return tmp_path


def test_a_mode_is_commanded_shown_and_taken_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = edge_resnet(capsys, "arm", "away", "--json").answer
    assert answer == {"commanded": "away", "until": None, "sites": {"yard": "away"}, "stream_runs": False}
    told = edge_resnet(capsys, "arm").out
    assert "yard: away" in told
    assert "no stream writes to events.sqlite now" in told
    with only_writer(folder / "events.sqlite"):
        assert edge_resnet(capsys, "arm", "--json").answer["stream_runs"] is True
    assert edge_resnet(capsys, "arm", "auto", "--json").answer["commanded"] is None
    timed = edge_resnet(capsys, "arm", "away", "--for", "2h", "--json").answer
    assert timed["until"] is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["awy"], "awy: no such mode in cameras.yaml; there are home, away, and auto"),
        (["away", "--for", "2"], "--for 2: takes a length of time, such as 30min or 2h"),
        (["--for", "2h"], "how long which mode?"),
        (["away", "--events", "elsewhere.sqlite"], "elsewhere.sqlite: no such event store"),
        (["away", "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_mistakes_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in edge_resnet(capsys, "arm", *arguments).mistake


def test_a_configuration_without_modes_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cameras.yaml").write_text(CONFIG.split("modes:")[0])
    assert "no modes there" in edge_resnet(capsys, "arm", "away").mistake


@pytest.mark.parametrize(("mode", "events"), [("home", 0), ("away", 1)])
def test_a_stream_obeys_the_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, events: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.avi", [DARK] * 10 + [BRIGHT] * 60)
    more = {"modes": MODES, "schedules": NIGHTS, "alarms": {"fire": {"modes": ["away"]}}}
    stream = Stream(tmp_path, {"gate": {"detect": "clip.avi"}}, **more)
    EventStore(tmp_path / "events.sqlite").close()
    edge_resnet(capsys, "arm", mode)
    with stream:
        assert stream.process.wait(30) == 0
    with EventStore(tmp_path / "events.sqlite", read_only=True) as store:
        assert len(store.events()) == events
        command = commanded(store.database, datetime.now(timezone.utc))
    assert command is not None
    assert command.mode == mode
    assert any(entry.get("event") == "mode commanded" for entry in stream.log)


def test_disarmed_the_alarm_of_a_camera_that_is_gone_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    more = {"modes": MODES, "schedules": NIGHTS, "alarms": {"fire": {"modes": ["away"]}}}
    EventStore(tmp_path / "events.sqlite").close()
    with MjpegCamera(grey(lambda number: BRIGHT), fps=20.0) as camera:
        blindness = {"stale_after": "1 s", "offline_after": "2 s"}
        watched = Stream(tmp_path, {"gate": {"detect": camera.url(), "blindness": blindness}}, **more)
        assert edge_resnet(capsys, "arm", "away").code == 0
        with watched as stream:

            def told() -> list[str]:
                return [line["what"] for line in stream.lines if line["type"] == "event"]

            stream.until(lambda: told() == ["raised"])
            camera.stop()
            stream.until(lambda: stream.status()["gate"]["state"] == "offline")
            assert told() == ["raised"]
            edge_resnet(capsys, "arm", "home")
            stream.until(lambda: told() == ["raised", "cleared"])
            stream.until(lambda: stream.status()["gate"]["held"] == [])
            assert stream.end() == 0
    assert stream.lines[-1]["type"] != "event"
