"""From a clip through the stream to `edge-resnet why`: what a person reads, the object for programs, the picture."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.cli import why as command
from edge_resnet.command import Exit
from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime import session
from runtime.events.store import EventStore
from tests.commands import edge_resnet
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle, write_clip

MODEL = ModelSpec(
    labels=("normal", "fire"),
    background=("normal",),
    input=InputSpec(height=224, width=224),
    alarms={"fire": AlarmSpec(classes=("fire",))},
)
CONFIG = """\
sites:
  yard:
    cameras:
      gate:
        detect: clip.avi
        zones:
          left: {polygon: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], alarms: [fire]}
          right: {polygon: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]], alarms: [fire]}
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a stream has watched a clip: one that is bright on its right for two looks, then for 3 s."""
    folder = tmp_path_factory.mktemp("watched")
    bundle = write_bundle(folder / "bundle", MODEL)
    bright = [0] * 20 + [1] * 4 + [0] * 40 + [1] * 30 + [0] * 80
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for on in bright:
        frame = np.full((48, 64, 3), DARK, np.uint8)
        frame[:, 32:] = BRIGHT if on else DARK
        writer.write(frame)
    writer.release()
    (folder / "cameras.yaml").write_text(CONFIG)
    options = session.StreamOptions(
        config=folder / "cameras.yaml", bundle=bundle.folder, events=folder / "events.sqlite"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "watch", partial(session.watch, choose=choose_brightness))
        session.watch(options, _Quiet())
    return folder


class _Quiet:
    """A log that nobody reads."""

    def __call__(self, line: str) -> None: ...

    def info(self, text: str, **facts: object) -> None: ...

    warning = error = info


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


def test_the_newest_event_is_explained_and_drawn(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = watched / "trace.png"
    done = edge_resnet(capsys, "why", "last", "--events", watched / "events.sqlite", "--picture", picture)
    assert done.code == Exit.FINE
    title, first, *others = done.out.splitlines()
    assert title.split(": ")[1].startswith("fire in right, yard/gate, at ")
    assert first.startswith("  fired at ")
    assert "looks over 0.50, mean " in first
    assert any(
        line.startswith("  judged by the evidence in zone right, 1.00; the whole picture was ") for line in others
    )
    assert any("at that look besides: fire in left 0.00" in line for line in others)
    assert any(" held " in line for line in others)
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape[1] > 800


def test_the_newest_near_miss_is_explained(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = edge_resnet(capsys, "why", "last-miss", "--events", watched / "events.sqlite")
    assert done.code == Exit.FINE
    assert "did not fire: 2 of 10 looks over 0.50, 50% are needed" in done.out


def test_programs_get_every_look(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = edge_resnet(capsys, "why", "last", "--events", watched / "events.sqlite", "--json").answer
    assert answer["kind"] == "event"
    assert answer["event"]["zone"] == answer["trace"]["zone"] == "right"
    (decisive,) = [each for each in answer["trace"]["looks"] if each["time_s"] == answer["decisive_s"]]
    assert (decisive["state"], decisive["lacks"], decisive["gate"]) == ("held", [], "off")
    assert answer["reach"]["over"] >= 3
    id = answer["event"]["id"]
    assert edge_resnet(capsys, "why", id[:8], "--events", watched / "events.sqlite", "--json").answer == answer


def test_why_nothing_fired_at_a_time(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = watched / "events.sqlite"
    answer = edge_resnet(
        *(capsys, "why", "--events", store, "--camera", "yard/gate", "--at", "1 s", "--around", "10 min", "--json")
    ).answer
    assert len(answer["near_misses"]) == 1
    assert any(line.startswith("it did fire: fire in right") for line in answer["why"])


def test_a_picture_where_matplotlib_is_missing_is_told(
    watched: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*packages: str, extra: str) -> None:
        raise UserError(f"{packages[0]} not installed here; pip install 'edge-resnet[{extra}]'")

    monkeypatch.setattr(command, "require", missing)
    done = edge_resnet(capsys, "why", "last", "--events", watched / "events.sqlite", "--picture", "out.png")
    assert done.mistake.startswith("matplotlib not installed here; pip install")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name an event (or last, last-miss), or a camera and a time"),
        (["last", "--camera", "yard/gate", "--at", "1 h"], "name an event"),
        (["--camera", "yard/gate"], "name an event"),
        (["ffffffff"], "no event ffffffff"),
        (["last", "--picture", "trace.txt"], "--picture trace.txt: takes a file that ends in"),
        (["--camera", "yard/gte", "--at", "1 h"], "knows no such camera; did you mean yard/gate?"),
        (["--camera", "yard/xy", "--at", "1 h"], "knows no such camera; there are yard/gate"),
        (["--camera", "yard/gate", "--at", "soon"], "--at soon: takes a day or time"),
        (["--camera", "yard/gate", "--at", "1 h", "--around", "5"], "--around 5: takes a time"),
        (["last", "--events", "nowhere.sqlite"], "nowhere.sqlite: no such event store"),
    ],
)
def test_mistakes_are_told(watched: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    given = [] if "--events" in arguments else ["--events", watched / "events.sqlite"]
    assert words in edge_resnet(capsys, "why", *arguments, *given).mistake


def test_in_an_empty_store_nothing_was_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EventStore(tmp_path / "events.sqlite").close()
    for subject, words in (("last", "events.sqlite: no event yet"), ("last-miss", "events.sqlite: no near miss yet")):
        assert edge_resnet(capsys, "why", subject, "--events", tmp_path / "events.sqlite").mistake.endswith(words)


def test_a_clip_that_was_cut_is_said_to_be(watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = edge_resnet(capsys, "why", "last", "--events", watched / "events.sqlite")
    assert "clip: " in whole.out
    assert "cut at" not in whole.out
    (tmp_path / "cameras.yaml").write_text(f"{CONFIG}recording: {{max_length: 6 s, pre_roll: 4 s}}\n")
    shutil.copy(watched / "clip.avi", tmp_path)
    options = session.StreamOptions(
        config=tmp_path / "cameras.yaml", bundle=watched / "bundle", events=tmp_path / "events.sqlite"
    )
    session.watch(options, _Quiet(), choose_brightness)
    done = edge_resnet(capsys, "why", "last", "--events", tmp_path / "events.sqlite")
    assert ".mp4 (cut at max_length (recording, in cameras.yaml): there was more to show)" in done.out
    answer = edge_resnet(capsys, "why", "last", "--events", tmp_path / "events.sqlite", "--json").answer
    assert [each["cut"] for each in answer["media"] if each["kind"] == "clip"] == ["max_length"]


def test_a_time_of_day_is_taken(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("why", "--camera", "yard/gate", "--around", "30 s", "--events", watched / "events.sqlite", "--json")
    for time in ("00:00:05", "23:59"):
        answer = edge_resnet(capsys, *asked, "--at", time).answer
        middle = datetime.fromisoformat(answer["since"]).astimezone() + timedelta(seconds=30)
        assert f"{middle:%H:%M:%S}".startswith(time)
        assert timedelta(0) <= datetime.now().astimezone() - middle <= timedelta(hours=25)


def test_a_store_whose_looks_were_purged_still_answers(
    watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from runtime.events.store import EventStore

    copy = tmp_path / "events.sqlite"
    shutil.copy(watched / "events.sqlite", copy)
    with EventStore(copy) as store:
        store.database.run("DELETE FROM scores")
    done = edge_resnet(capsys, "why", "last", "--events", copy)
    assert done.code == Exit.FINE
    assert "not kept any more" in done.out
    drawn = edge_resnet(capsys, "why", "last", "--events", copy, "--picture", tmp_path / "trace.png")
    assert "there is nothing to draw" in drawn.mistake


def test_a_stream_whose_map_is_too_coarse_for_its_zones_does_not_begin(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    write_clip(tmp_path / "clip.avi", [DARK] * 5)
    (tmp_path / "cameras.yaml").write_text(CONFIG)
    options = session.StreamOptions(
        config=tmp_path / "cameras.yaml", bundle=tmp_path / "bundle", events=tmp_path / "events.sqlite"
    )
    with pytest.raises(UserError, match=r"cameras\.yaml:7:27: .*zones\.left\.polygon: input 32x64 gives a map of 1x2"):
        session.watch(options, _Quiet(), choose_brightness)
