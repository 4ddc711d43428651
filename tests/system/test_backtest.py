"""Clips through the stream's own code, their events against the truth; and the demo's way of doing it."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.command import Exit
from edge_resnet.demo import run as demo_run
from edge_resnet.demo.run import Demo
from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, InputSpec
from edge_resnet.progress import Narrator
from runtime import session, trust
from runtime.backtest.cache import Cache
from runtime.backtest.clips import Watcher, watch_clips
from runtime.backtest.conditions import Conditions
from runtime.backtest.engine import Engine
from runtime.backtest.judged import counts, total
from runtime.backtest.replay import replay
from runtime.config.fill import Unset
from runtime.config.load import load
from runtime.config.settings import CameraSettings, SiteSettings, WatchSettings, ZoneSettings
from runtime.events.event import Event
from runtime.events.store import EventStore
from runtime.events.verdict import Verdict, give
from runtime.opening import Wish
from runtime.service.lines import Lines
from runtime.session import StreamOptions
from tests.commands import edge_resnet
from tests.stand_ins import BRIGHT, DARK, MODEL, Brightness, choose_brightness, write_bundle, write_clip

Capture = pytest.CaptureFixture[str]
FIRE = [DARK] * 20 + [BRIGHT] * 40 + [DARK] * 20
CONFIG = """# ours
sites:
  yard:
    cameras:
      gate: {detect: "rtsp://watch:${NOT_SET_HERE}@127.0.0.1/gate"}
alarms:
  fire: {threshold: 0.5}  # as delivered
"""


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four clips with one fire each way: found, missed, false, and rightly nothing."""
    monkeypatch.setattr(session.watch, "__defaults__", (choose_brightness,))
    monkeypatch.setattr(trust, "choose", choose_brightness)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, frames in {"found": FIRE, "missed": [DARK] * 60, "false": FIRE[1:], "nothing": [DARK] * 30}.items():
        write_clip(folder / f"{name}.avi", frames)
    truth = "clip,start_s,end_s,class\nfound.avi,2.0,6.0,fire\nmissed.avi,1.0,3.0,fire\nnothing.avi,0,3,fight\n"
    (folder / "truth.csv").write_text(truth)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle").folder


def plain(event: Event) -> Event:
    """Without what is of the day and of the run."""
    return replace(event, id="", created_at="", run="")


def test_a_replay_gives_exactly_the_events_of_the_stream(clips: Path, tmp_path: Path) -> None:
    model = MODEL.model_copy(update={"input": InputSpec(height=224, width=224)})
    folder = write_bundle(tmp_path / "fine", model).folder
    draw = random.Random(7)
    bursts = [[draw.choice((90, 140, 160, BRIGHT)) for _ in range(draw.randrange(10, 60))] for _ in range(8)]
    write_clip(clips / "flicker.avi", [value for burst in bursts for value in (*burst, *[DARK] * 160)])
    door = ZoneSettings(polygon=((0, 0), (1, 0), (1, 1), (0, 1)), alarms=("fire",), threshold=0.6)
    for zones in ({}, {"door": door}):
        camera = CameraSettings(detect="-", zones=zones, masks=(((0, 0), (0.3, 0), (0, 0.3)),))
        config = WatchSettings(sites={"yard": SiteSettings(cameras={"gate": camera})})
        conditions = Conditions(config, "yard/gate")
        settings = conditions.watch(clips / "flicker.avi")
        options = StreamOptions(settings=settings, bundle=folder, events=tmp_path / "events.sqlite")
        streamed = session.watch(options, Lines(lambda line: None)).events
        # Zones change nothing of what the network saw.
        for watched in (0,) if zones else (1, 0):
            with Engine(Bundle.open(folder), Wish(), lambda line: None) as engine:
                cache = Cache(tmp_path / "scores", pytest.fail)
                watcher = Watcher(engine, conditions, cache, pytest.fail)
                (made,) = watcher.footage([clips / "flicker.avi"], {}, Narrator(quiet=True))
            assert watcher.watched == watched
            replayed = replay(made, conditions.rules_of(model.alarms))
            assert [plain(event) for event in replayed] == [plain(event) for event in streamed]
        assert len(streamed) > 1
        assert {event.zone for event in streamed} == ({"door"} if zones else {None})


def test_every_clip_is_judged_and_a_second_run_needs_no_network(
    clips: Path, bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Brightness] = []
    monkeypatch.setattr(Brightness, "close", lambda self: closed.append(self))
    first = edge_resnet(capsys, "backtest", bundle, clips, "--json")
    assert first.code == Exit.FINE
    # One engine for all clips, closed once.
    assert len(closed) == 1
    counted = {clip["clip"]: (clip["found"], clip["missed"], clip["false"]) for clip in first.answer["clips"]}
    assert counted == {
        "found.avi": (1, 0, 0),
        "missed.avi": (0, 1, 0),
        "false.avi": (0, 0, 1),
        "nothing.avi": (0, 0, 0),
    }
    fire = first.answer["alarms"]["fire"]
    assert (fire["expected"], fire["raised"], fire["missed"], fire["false"]) == (2, 2, 1, 1)
    assert fire["recall"] == fire["precision"] == 0.5
    # To the last frame 7.9, 5.9, 7.8 and 2.9 s, without the two intervals and a second on both ends of each.
    assert fire["normal_s"] == pytest.approx(24.5 - 6.0 - 4.0, abs=0.01)
    assert fire["false_per_day_95"][0] < fire["false_per_day"] < fire["false_per_day_95"][1]
    assert (first.answer["watched"], first.answer["ignored"]) == (4, {"fight": 1})
    monkeypatch.setattr(Brightness, "_run", lambda self, frames: pytest.fail("the network was asked"))
    second = edge_resnet(capsys, "backtest", bundle, clips, "--json")
    assert second.answer == {**first.answer, "watched": 0}


def test_people_get_a_table_and_what_is_ignored(clips: Path, bundle: Path, capsys: Capture) -> None:
    (clips / "truth.csv").write_text("clip,start_s,end_s,class\nfound.avi,2,6,fire\ngone.avi,1,2,fire\na.avi,1,2,x\n")
    told = edge_resnet(capsys, "backtest", bundle, clips)
    assert "found.avi" in told.out
    assert "recall 100% (1/1" in told.out
    assert "precision 50% (1/2" in told.out
    assert "the truth names clips that are not here: a.avi, gone.avi" in told.err


def test_a_damaged_cache_is_made_anew(clips: Path, bundle: Path, capsys: Capture, tmp_path: Path) -> None:
    first = edge_resnet(capsys, "backtest", bundle, clips, "--json", "--cache", tmp_path / "here").answer
    entries = sorted((tmp_path / "here").iterdir())
    assert len(entries) == 4
    entries[0].write_bytes(entries[0].read_bytes()[:100])
    again = edge_resnet(capsys, "backtest", bundle, clips, "--json", "--cache", tmp_path / "here")
    assert again.answer == {**first, "watched": 1}
    assert "not a cache of scores" in again.err
    assert edge_resnet(capsys, "backtest", bundle, clips, "--json", "--cache", tmp_path / "here").answer["watched"] == 0


def test_an_interrupted_run_keeps_the_clips_that_were_finished(
    clips: Path, bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: Callable[..., Any] = Brightness._run
    # found.avi is the second; "Ctrl-C" comes in the third.
    asked = iter(range(1_000))

    def run(self: Brightness, frames: Any) -> Any:
        if next(asked) == 90:
            signal.raise_signal(signal.SIGINT)
        return honest(self, frames)

    with monkeypatch.context() as patched:
        patched.setattr(Brightness, "_run", run)
        assert edge_resnet(capsys, "backtest", bundle, clips).code == Exit.INTERRUPTED
    assert edge_resnet(capsys, "backtest", bundle, clips, "--json").answer["watched"] == 2


def test_a_budget_that_minutes_cannot_show_is_refused_and_nothing_is_written(
    clips: Path, bundle: Path, capsys: Capture, tmp_path: Path
) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text(CONFIG)
    told = edge_resnet(capsys, "backtest", bundle, clips, "--budget", "1/week", "--config", config)
    assert told.code == Exit.VERDICT_NO
    assert "fire: no rule is chosen: 1/week cannot be told from 15 seconds of normal video" in told.out
    assert config.read_text() == CONFIG


def test_a_budget_chooses_a_rule_writes_it_and_draws_what_was_tried(
    clips: Path, bundle: Path, capsys: Capture, tmp_path: Path
) -> None:
    config, picture = tmp_path / "cameras.yaml", tmp_path / "sweep.png"
    config.write_text(CONFIG)
    write_clip(clips / "false.avi", [DARK] * 20 + [140] * 40 + [DARK] * 200)
    arguments = ("--budget", "350/hour", "--config", config, "--sweep", picture, "--json")
    told = edge_resnet(capsys, "backtest", bundle, clips, *arguments)
    assert told.code == Exit.FINE, told.err
    (choice,) = told.answer["choices"]
    assert (choice["gives"]["found"], choice["gives"]["false"], choice["refused"]) == (1, 0, None)
    fire = load(config, environment=Unset()).alarms["fire"]
    assert fire.threshold == choice["rule"]["threshold"] > 0.6
    assert "# as delivered" in config.read_text()
    assert picture.stat().st_size > 5000
    assert told.answer["frontiers"]["fire"][0]["false"] == 0
    after = edge_resnet(capsys, "backtest", bundle, clips, "--config", config, "--json").answer["alarms"]["fire"]
    assert (after["found"], after["false"]) == (1, 0)


def test_a_zone_keeps_a_threshold_of_its_own_and_it_is_said(
    clips: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = MODEL.model_copy(update={"input": InputSpec(height=224, width=224)})
    bundle, config = write_bundle(tmp_path / "fine", fine).folder, tmp_path / "cameras.yaml"
    zone = "zones: {door: {polygon: [[0, 0], [1, 0], [1, 1], [0, 1]], alarms: [fire], threshold: 0.999}}"
    config.write_text(CONFIG.replace('gate"}', f'gate", {zone}}}'))
    arguments = ("--config", config, "--camera", "yard/gate", "--budget", "1/week", "--json")
    told = edge_resnet(capsys, "backtest", bundle, clips, *arguments)
    assert told.answer["zone_rules"]["found.avi"]["fire in door"]["threshold"] == 0.999
    assert told.answer["alarms"]["fire"]["raised"] == 0
    assert "zones keep thresholds of their own: fire in door" in told.err


def test_two_bundles_are_compared(clips: Path, bundle: Path, capsys: Capture, tmp_path: Path) -> None:
    deaf = MODEL.model_copy(update={"alarms": {"fire": AlarmSpec(classes=("fire",), threshold=0.999)}})
    other = write_bundle(tmp_path / "deaf", deaf).folder
    told = edge_resnet(capsys, "backtest", bundle, clips, "--against", other, "--json")
    (comparison,) = told.answer["against"]
    assert [each["clip"] for each in comparison["only_first"]] == ["found.avi"]
    assert (comparison["false_first"], comparison["only_second"], comparison["p_found"]) == (1, [], 1.0)
    lines = edge_resnet(capsys, "backtest", bundle, clips, "--against", other).out
    assert "only the first: found.avi, fire 2 to 6 s" in lines


def test_recorded_scores_are_judged_by_what_people_said(
    clips: Path, bundle: Path, capsys: Capture, tmp_path: Path
) -> None:
    store = tmp_path / "events.sqlite"
    watch_clips(clips, bundle, store, lambda line: None)
    unjudged = edge_resnet(capsys, "backtest", bundle, "--recorded", store)
    assert "nobody has judged its events" in unjudged.mistake
    with EventStore(store) as opened:
        first, second = opened.events()
        for event, verdict in ((first, "false"), (second, "true")):
            give(opened.database, Verdict(event.id, verdict, "", "2026-11-24"))
    told = edge_resnet(capsys, "backtest", bundle, "--recorded", store, "--since", "1 h", "--json")
    assert told.code == Exit.FINE
    fire = told.answer["alarms"]["fire"]
    assert (fire["expected"], fire["found"], fire["raised"], fire["false"]) == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give CLIPS, or --recorded"),
        (("CLIPS", "--recorded", "x.sqlite"), "and not both"),
        (("nowhere",), "no such folder"),
        (("EMPTY",), "no clips here"),
        (("CLIPS", "--truth", "gone.csv"), "gone.csv: No such file"),
        (("CLIPS/found.avi", "--truth", "clips.py"), "clips.py"),
        (("CLIPS", "--budget", "often"), "--budget often: write how many"),
        (("CLIPS", "--camera", "yard/gate"), "--config"),
        (("CLIPS", "--since", "1 h"), "goes with --recorded"),
        (("--recorded", "x.sqlite", "--against", "b"), "of one bundle"),
        (("CLIPS", "--sweep", "out.jpg"), "ends in .png"),
        (("--recorded", "gone.sqlite"), "gone.sqlite"),
        (("CLIPS", "--rate", "0.5"), "too slow for alarm fire"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    clips: Path, bundle: Path, capsys: Capture, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    given = [each.replace("CLIPS", str(clips)).replace("EMPTY", str(tmp_path / "empty")) for each in arguments]
    assert told in edge_resnet(capsys, "backtest", bundle, *given).mistake


def test_no_truth_beside_the_clips_and_a_bundle_without_alarms_are_told(
    clips: Path, bundle: Path, capsys: Capture, tmp_path: Path
) -> None:
    silent = write_bundle(tmp_path / "silent", MODEL.model_copy(update={"alarms": {}})).folder
    assert "no alarms in this bundle" in edge_resnet(capsys, "backtest", silent, clips).mistake
    (clips / "truth.csv").unlink()
    assert "no truth beside the clips" in edge_resnet(capsys, "backtest", bundle, clips).mistake


def test_the_demo_s_way_counts_the_stream_s_own_events(clips: Path, bundle: Path, tmp_path: Path) -> None:
    watched = watch_clips(clips, bundle, tmp_path / "events.sqlite", lambda line: None)
    assert counts(total(watched)) == {"expected": 2, "found": 1, "missed": 1, "false": 1}
    (event,) = next(clip for clip in watched if clip.name == "found.avi").events
    assert watched[1].to_json()["events"] == [["fire", event.raised_s, event.ended_s]]
    with EventStore(tmp_path / "events.sqlite") as store:
        assert len(store.events()) == 2


def ready_demo(out: Path, clips: Path) -> Path:
    """A demo's folder in which all but watching has been done."""
    out.mkdir()
    clips.rename(out / "clips")
    (out / "clips" / "found.avi").rename(out / "clips" / "fire_night.avi")
    (out / "clips" / "truth.csv").write_text("clip,start_s,end_s,class\nfire_night.avi,2.0,6.0,fire\n")
    write_bundle(out / "bundle")
    (out / "bundle" / "parity.json").write_text('{"verdict": "pass"}')
    stage = {"stage": "trained", "accuracy": 0.9, "interval_95": [0.8, 0.95], "n": 60}
    files.write_json(out / "report.json", {"stages": [stage]})
    return out


def test_a_second_demo_only_watches_and_a_false_alarm_is_its_verdict(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_run, "_ANNOTATED_SOURCE", "fire_night.avi")
    out = ready_demo(tmp_path / "demo", clips)
    summary = Demo(out, Narrator(quiet=True)).run()
    assert summary["events"] == {"expected": 1, "found": 1, "missed": 0, "false": 1}
    assert json.loads((out / "summary.json").read_text()) == summary
    assert Path(summary["annotated_picture"]).stat().st_size > 500
    assert Path(summary["annotated_clip"]).stat().st_size > 500
    again = edge_resnet(capsys, "demo", "--out", out)
    assert again.code == Exit.VERDICT_NO
    assert "1 false" in again.out


def test_a_demo_whose_proof_failed_says_where_to_look(clips: Path, tmp_path: Path) -> None:
    out = ready_demo(tmp_path / "demo", clips)
    (out / "bundle" / "parity.json").write_text('{"verdict": "fail"}')
    with pytest.raises(UserError, match="the proof failed"):
        Demo(out, Narrator(quiet=True)).run()
