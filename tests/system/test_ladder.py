"""The ladder over files, from packets to events: the same looks whenever it is run, and no event is lost by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from runtime.config.settings import AttentionMode, CameraSettings, SiteSettings, WatchSettings
from runtime.events.event import Event
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.service.lines import Lines
from runtime.session import StreamOptions, watch
from runtime.sources.frame import Image
from tests.commands import edge_resnet
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle
from tests.unit.runtime.sources.videos import FPS, Video, write, x264

FIRE_S = (11.0, 19.0)
GROUP_S = 2.0


def yard(number: int, width: int, height: int) -> Image:
    """Dark, then bright for some seconds, then dark; with a sensor's noise."""
    level = BRIGHT if FIRE_S[0] <= number / FPS < FIRE_S[1] else DARK
    grain = np.random.default_rng(number).integers(-4, 5, (height, width, 1))
    return np.broadcast_to(level + grain, (height, width, 3)).astype(np.uint8)


class Seen(Output):
    """What was looked at and what came of it, by camera."""

    def __init__(self) -> None:
        self.looks: dict[str, list[float]] = {}
        self.events: dict[str, list[tuple[float, float | None]]] = {}
        self.occasions: dict[str, list[tuple[float, str, str]]] = {}

    def look(self, look: Look) -> None:
        self.looks.setdefault(look.camera, []).append(round(look.time_s, 3))
        why = look.occasion
        self.occasions.setdefault(look.camera, []).append((look.time_s, why.attention, why.attention_why))

    def event(self, event: Event) -> None:
        self.events.setdefault(event.camera, []).append((event.raised_s, event.ended_s))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    video = Video(width=64, height=48, frames=40 * FPS, gop=round(GROUP_S * FPS), b_frames=2, options=x264(), draw=yard)
    return write(tmp_path_factory.mktemp("clips") / "yard", video)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle").folder


def watched(folder: Path, bundle: Path, clips: Mapping[str, Path], attention: AttentionMode) -> Seen:
    folder.mkdir()
    cameras = {name: CameraSettings(detect=str(path), attention=attention) for name, path in clips.items()}
    settings = WatchSettings(sites={"": SiteSettings(cameras=cameras)})
    seen = Seen()
    options = StreamOptions(settings=settings, bundle=bundle, events=folder / "events.sqlite")
    watch(options, Lines(lambda line: None), choose_brightness, also=[seen])
    return seen


def test_the_same_clip_is_looked_at_in_the_same_way_whoever_is_watched_beside_it(
    tmp_path: Path, bundle: Path, clip: Path
) -> None:
    runs = [
        watched(tmp_path / str(number), bundle, {"yard": clip, **beside}, "ladder")
        for number, beside in enumerate(({}, {}, {"hall": clip, "gate": clip}))
    ]
    assert runs[0].looks == runs[1].looks
    assert runs[0].events == runs[1].events
    assert runs[2].looks["yard"] == runs[2].looks["hall"] == runs[0].looks["yard"]
    assert runs[2].events["gate"] == runs[0].events["yard"]


def test_quiet_it_glances_and_a_fire_is_watched_and_raised_no_later_than_a_group_after_full_decoding(
    tmp_path: Path, bundle: Path, clip: Path
) -> None:
    ladder = watched(tmp_path / "ladder", bundle, {"yard": clip}, "ladder")
    full = watched(tmp_path / "full", bundle, {"yard": clip}, "full")
    looks = ladder.looks["yard"]
    # Five seconds until the alarm is over, then ten in which it may come back.
    quiet = [time_s for time_s in looks if time_s < FIRE_S[0] or time_s > FIRE_S[1] + 16.0]
    assert quiet == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 36.0, 38.0]
    assert max(later - earlier for earlier, later in pairwise(looks)) <= GROUP_S + 1e-3
    fire = [time_s for time_s in looks if FIRE_S[0] + GROUP_S <= time_s < FIRE_S[1]]
    assert len(fire) == pytest.approx(5 * (FIRE_S[1] - FIRE_S[0] - GROUP_S), abs=2)
    assert len(looks) < 0.6 * len(full.looks["yard"])
    assert [ended_s is None for _, ended_s in ladder.events["yard"]] == [True, False]
    delay_s = ladder.events["yard"][0][0] - full.events["yard"][0][0]
    assert -1e-3 <= delay_s < GROUP_S
    assert ladder.events["yard"][1][1] == pytest.approx(full.events["yard"][1][1], abs=0.3)


def test_each_look_is_recorded_with_its_rung_and_why_tells_what_woke_it(
    tmp_path: Path, bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    seen = watched(tmp_path / "ladder", bundle, {"yard": clip, "hall": clip}, "ladder")
    occasions = {(rung, why) for time_s, rung, why in seen.occasions["yard"] if time_s < FIRE_S[0]}
    assert occasions == {("glance", "")}
    awake = [(rung, why) for time_s, rung, why in seen.occasions["yard"] if 13.0 < time_s < FIRE_S[1]]
    assert set(awake) == {("watch", "evidence")}
    store = tmp_path / "ladder" / "events.sqlite"
    answer = edge_resnet(capsys, "why", "last", "--events", store, "--json").answer
    looks = {round(each["time_s"], 3): (each["attention"], each["attention_why"]) for each in answer["trace"]["looks"]}
    told = {round(time_s, 3): why for time_s, *why in seen.occasions[answer["event"]["camera"]]}
    assert all(told[time_s] == list(why) for time_s, why in looks.items())
    said = edge_resnet(capsys, "why", "last", "--events", store).out
    assert re.search(r"attention: at glances, watched since 1[23]\.\d s \(evidence\)", said)
    assert "watch (evidence)" in said
    # The column of a gate that is not there says nothing.
    assert " off " not in said
