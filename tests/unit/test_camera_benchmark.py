"""The benchmark of cameras: what is sent is what was encoded, alarms come as planned, figures mean what they say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cameras import __main__ as program
from benchmarks.cameras import evidence, excerpts, options, quiet, results, rtp
from benchmarks.cameras.evidence import Spliced
from benchmarks.cameras.excerpts import Excerpt
from benchmarks.cameras.material import Material
from benchmarks.cameras.pieces import FPS, GOP, Piece
from benchmarks.cameras.program import Usage
from benchmarks.cameras.results import Baseline
from benchmarks.cameras.search import Search
from benchmarks.cameras.systems import LADDER, LOOP, LOOP_INT8, SAMPLING, System, ours, peer_name, peers
from benchmarks.cameras.timeline import REST, Scenery, phases, plays, showings
from benchmarks.cameras.trial import Trial, _judged, _Watched
from edge_resnet.bundle import Bundle, write_manifest
from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, InputSpec, ModelSpec
from runtime.backtest.truth import Interval

ALARMS = {"fire": AlarmSpec(classes=("fire", "smoke"))}
FRAMES = 120 * FPS
OURS = System(LADDER, lambda urls, folder: [], str)


def piece(name: str, groups: int, alarm: str | None = "fire") -> Piece:
    """A piece so many groups of pictures long, with an excerpt that begins at its frame 7."""
    return Piece(Path(name), groups * GOP, Excerpt(Path(name), 0.0, 1.0, alarm), lead=7, end=groups * GOP - 5)


SCENERY = Scenery(Piece(Path("quiet"), 6 * GOP), (piece("a", 5), piece("b", 4)), (piece("moving", 3, None),))


def trial(
    cameras: int,
    *,
    per_s: float = 5.0,
    behind: tuple[str, ...] = (),
    alarms: Mapping[str, float | None] | None = None,
    system: str = LADDER,
) -> Trial:
    """What came of a trial, as far as it matters here; `alarms`: all due, with delays, None for not raised."""
    told = (alarms or {}).items()
    return Trial(
        system=system,
        cameras=cameras,
        seconds=60.0,
        classified_per_s=per_s,
        age_p50_s=0.1,
        age_p99_s=0.2,
        longest_gap_s=1.0,
        cores=1.0,
        server_cores=0.1,
        stages={},
        pss_mb=100.0 + 5 * cameras,
        threads=9,
        alarms=tuple((spliced(0, excerpt, 0.0), delay_s) for excerpt, delay_s in told),
        others=0,
        overloaded=0.0,
        missed=0,
        behind=behind,
        silent=tuple(excerpt for excerpt, delay_s in told if delay_s is None),
    )


# What is sent.


def test_units_are_found_behind_start_codes_of_three_and_four_bytes_and_what_nobody_needs_is_left_out() -> None:
    key = [b"\x67\x42\x00\x1f", b"\x68\xce", b"\x65" + bytes([1, 2, 3])]
    stream = b"\x00\x00\x00\x01\x09\xf0" + b"\x00\x00\x01\x06\x05\x01"
    stream += b"".join(b"\x00\x00\x00\x01" + nal for nal in key)
    stream += b"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x41\x9a"
    assert list(rtp.access_units(stream)) == [key, [b"\x41\x9a"]]


@given(size=st.sampled_from([1, 1399, 1400, 1401, 2797, 5000]), sequence=st.integers(0, 0xFFFF))
def test_a_frame_comes_out_of_its_packets_as_it_went_in(size: int, sequence: int) -> None:
    nal = b"\x65" + bytes(number % 251 for number in range(size))
    timestamp = 0xFFFFFFFF + 3600
    sent = rtp.packets([b"\x67\x42\x00\x1f", nal]).stamped(sequence, timestamp)
    found: list[bytes] = []
    numbers, markers = [], []
    while sent:
        assert sent[:2] == b"$\x00"
        length = int.from_bytes(sent[2:4], "big")
        packet, sent = sent[4 : 4 + length], sent[4 + length :]
        numbers.append(int.from_bytes(packet[2:4], "big"))
        markers.append(packet[1] >> 7)
        assert int.from_bytes(packet[4:8], "big") == timestamp & 0xFFFFFFFF
        payload = packet[12:]
        if payload[0] & 0x1F != 28:
            found.append(payload)
        elif payload[1] & 0x80:
            found.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:])
        else:
            found[-1] += payload[2:]
    assert found == [b"\x67\x42\x00\x1f", nal]
    assert numbers == [(sequence + number) & 0xFFFF for number in range(len(numbers))]
    assert markers == [0] * (len(markers) - 1) + [1]


def test_only_frames_that_decoding_can_begin_with_are_key_frames() -> None:
    assert rtp.packets([b"\x67\x42\x00\x1f", b"\x65\x01"]).key
    assert not rtp.packets([b"\x41\x01"]).key


# What is shown.


def test_the_beginning_of_each_episode_is_shown_first_with_what_was_before_it() -> None:
    clips = [Path("one.mp4"), Path("two.mp4"), Path("quiet.mp4")]
    truth = {
        # What is left of it after the second part is too short to be shown.
        "one.mp4": [Interval(5.0, 10.0, "fire"), Interval(11.0, 24.5, "smoke")],
        "two.mp4": [Interval(1.0, 4.0, "fire"), Interval(50.0, 51.0, "fire"), Interval(60.0, 66.0, "person")],
    }
    found = excerpts.alarming(clips, truth, ALARMS, 9)
    assert [(each.name, each.end_s, each.onset_s) for each in found] == [
        ("one@3", 13.0, 2.0),
        ("two@0", 4.0, 1.0),
        ("one@13", 21.0, 0.0),
    ]
    assert excerpts.alarming(clips, truth, ALARMS, 2) == found[:2]


def material(folder: Path, *rows: str) -> Material:
    """Two clips, of which nothing is read, with these rows of truth."""
    for name in ("one.mp4", "two.mp4"):
        (folder / name).touch()
    (folder / "truth.csv").write_text("\n".join(["clip,start_s,end_s,class", *rows, ""]))
    return Material.read(folder, folder / "truth.csv")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no rows"),
        (["three.mp4,1,9,fire", "three.mp4,20,29,fire"], "clips that are not in {folder}: three.mp4 (line 2)"),
        (["one.mp4,1,9,fir"], "of no alarm, and counted as normal: fir (line 2); the bundle's are of fire, smoke"),
        (["one.mp4,1,9,fir", "no.mp4,1,9,fire"], "{folder}: no.mp4 (line 3); of no alarm, and counted as normal: fir "),
    ],
)
def test_a_truth_of_which_nothing_is_of_use_is_a_mistake_that_says_why(
    tmp_path: Path, rows: list[str], told: str
) -> None:
    said: list[str] = []
    with pytest.raises(UserError) as mistake:
        material(tmp_path, *rows).check(ALARMS, said.append)
    assert str(mistake.value).startswith(f"{tmp_path}/truth.csv: ")
    assert told.format(folder=tmp_path) in str(mistake.value)
    assert said == []


def test_rows_that_are_of_no_use_beside_others_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    found = material(tmp_path, "one.mp4,1,9,fire", "one.mp4,1,9,person", "gone.mp4,1,9,fire")
    found.check(ALARMS, said.append)
    assert [line.removeprefix(f"{tmp_path}/truth.csv: ") for line in said] == [
        f"the truth names clips that are not in {tmp_path}: gone.mp4 (line 4)",
        "of no alarm, and counted as normal: person (line 3); the bundle's are of fire, smoke",
    ]
    assert found.quiet == [tmp_path / "two.mp4"]
    material(tmp_path, "one.mp4,1,9,fire").check(ALARMS, said.append)
    assert len(said) == 2


def test_clips_in_which_nothing_of_the_bundle_is_seen_are_a_mistake() -> None:
    with pytest.raises(UserError, match="name others with --clips"):
        excerpts.alarming([Path("one.mp4")], {"one.mp4": [Interval(0.0, 9.0, "person")]}, ALARMS, 9)


@pytest.mark.parametrize(("cameras", "share"), [(1, 0.05), (8, 0.05), (40, 0.05), (12, 0.25), (5, 1.0)])
def test_at_any_moment_the_share_of_cameras_shows_something(cameras: int, share: float) -> None:
    shown = showings(SCENERY, cameras, share, FRAMES)
    active = np.zeros(FRAMES)
    for each in shown:
        active[each.first : min(each.end, FRAMES)] += 1
    places = max(1, round(share * cameras))
    # Between two excerpts there is up to a group of pictures, more or less, until the key frame.
    assert active[2 * GOP : -GOP].mean() == pytest.approx(places, rel=0.15)
    assert active.max() <= 2 * places


@pytest.mark.parametrize(("cameras", "share"), [(1, 1.0), (3, 1.0), (20, 0.05)])
def test_an_alarm_is_spliced_in_only_where_the_one_before_can_be_over(cameras: int, share: float) -> None:
    over = [0] * cameras
    for each in showings(SCENERY, cameras, share, 2 * FRAMES):
        if each.piece.excerpt is not None and each.piece.excerpt.alarm is not None:
            assert each.first >= over[each.camera]
            over[each.camera] = each.end + REST
    assert all(over)


def test_excerpts_go_round_the_cameras() -> None:
    shown = showings(SCENERY, 20, 0.05, 20 * FPS * 11)
    assert [each.camera for each in shown[:20]] == list(range(20))


@pytest.mark.parametrize(("cameras", "share"), [(1, 0.05), (7, 0.25), (3, 1.0)])
def test_each_camera_keeps_the_beat_of_its_key_frames_and_shows_what_was_planned(cameras: int, share: float) -> None:
    shown = showings(SCENERY, cameras, share, FRAMES)
    for camera in range(cameras):
        sent = plays(SCENERY, camera, cameras, shown, FRAMES)
        now, spliced = 0, []
        for each in sent:
            assert 0 <= each.first < each.first + each.frames <= each.piece.frames
            if each.first == 0:
                assert (now + phases(cameras)[camera]) % GOP == 0
            if each.piece.excerpt is not None:
                spliced.append(now)
            now += each.frames
        assert spliced == [each.first for each in shown if each.camera == camera]
        assert now >= FRAMES
        # It begins anew with a key frame, on the beat.
        assert sent[0].first == phases(cameras)[camera]


# What it means.


def test_the_search_doubles_then_halves_to_a_tenth() -> None:
    search, asked = Search(8, 256), []
    while (cameras := search.cameras) is not None:
        asked.append(cameras)
        search.tell(cameras, cameras <= 50)
    assert asked == [8, 16, 32, 64, 48, 56, 52]
    assert search.passed == 48


@given(most=st.integers(0, 300), first=st.integers(1, 40))
def test_the_search_ends_near_the_most(most: int, first: int) -> None:
    search = Search(first, 256)
    while (cameras := search.cameras) is not None:
        search.tell(cameras, cameras <= most)
    assert search.passed <= min(most, 256) <= max(search.passed + 1, 1.1 * search.passed)


def test_the_search_asks_for_no_more_than_the_most_and_gives_up_below_one() -> None:
    search = Search(8, 12)
    search.tell(8, True)
    assert search.cameras == 12
    search.tell(12, True)
    assert (search.cameras, search.passed, search.failed) == (None, 12, None)
    none = Search(2, 12)
    none.tell(2, False)
    assert none.cameras == 1
    none.tell(1, False)
    assert (none.cameras, none.passed) == (None, 0)


def test_ages_are_those_of_captures_or_reckoned_from_the_frame_that_waited_least() -> None:
    ours = [{"camera": "a", "at_s": 10.0, "captured_s": 9.7}, {"camera": "a", "at_s": 30.0, "captured_s": 1.0}]
    assert evidence.ages_s(ours, (0.0, 20.0)) == pytest.approx([0.3])
    peer = [
        {"camera": "0", "at_s": 5.0 + stamp_s + late_s, "stamp_s": stamp_s} for stamp_s, late_s in [(1, 0), (2, 0.5)]
    ]
    assert evidence.ages_s(peer, (0.0, 20.0)) == pytest.approx([0.0, 0.5])
    assert evidence.ages_s([{"camera": "0", "at_s": 5.0, "stamp_s": None}], (0.0, 20.0)) == []


def test_the_longest_gap_counts_from_the_begin_to_the_end_of_the_window_and_for_each_camera_alone() -> None:
    lines = [{"camera": "a", "at_s": each} for each in (0.0, 4.0, 6.0)] + [{"camera": "b", "at_s": 8.5}]
    assert evidence.longest_gap_s(lines, ["a"], (3.0, 10.0)) == 4.0
    assert evidence.longest_gap_s(lines, ["a", "b"], (3.0, 10.0)) == 5.5
    assert evidence.longest_gap_s(lines, ["a", "c"], (3.0, 10.0)) == 7.0


def spliced(camera: int, excerpt: str, first_s: float) -> Spliced:
    return Spliced(camera, "fire", excerpt, first_s, first_s + 2.0, first_s + 10.0)


def test_an_alarm_counts_for_what_was_spliced_in_at_its_camera_at_its_time() -> None:
    alarms = [spliced(0, "one", 10.0), spliced(1, "two", 10.0), spliced(0, "three", 40.0)]
    lines = [
        {"camera": "a", "at_s": 11.5, "alarm": "fire"},
        {"camera": "b", "at_s": 30.0, "alarm": "fire"},
        {"camera": "a", "at_s": 43.0, "alarm": "other"},
        {"camera": "a", "at_s": 43.0, "captured_s": 42.0},
    ]
    assert evidence.raised_after_s(alarms, lines, ["a", "b"]) == [-0.5, None, None]
    assert evidence.others(alarms, lines, ["a", "b"], (0.0, 50.0)) == 2
    assert evidence.within(alarms, (10.0, 49.0)) == alarms[:2]
    assert evidence.shown_by(alarms, 0.0) == 50.0


def test_a_peer_has_the_capacity_that_it_managed_and_ours_what_passed() -> None:
    peer = System("peer", lambda urls, folder: [], str, 25.0)
    failed = [trial(1, per_s=17.5, behind=("slow",)), trial(2, per_s=16.0, behind=("slow",))]
    assert results.capacity(peer, failed) == pytest.approx(0.7)
    assert results.capacity(peer, [trial(2), *failed]) == 2.0
    assert results.capacity(OURS, [trial(40), trial(44), trial(48, behind=("late",))]) == 44.0
    assert results.capacity(OURS, failed) == 0.0
    assert results.ratios({LADDER: 44.0, "peer": 0.8, "none": 0.0}) == {"peer": 55.0, "none": None}


def test_recall_is_held_against_full_decoding_of_the_same_excerpts() -> None:
    full = trial(2)
    full = replace(full, alarms=((spliced(0, "one", 0.0), 1.0), (spliced(1, "two", 0.0), None)))
    baseline = Baseline.of(full)
    assert baseline.raised == {"one"}
    ours = replace(
        trial(40),
        alarms=((spliced(3, "one", 0.0), 1.75), (spliced(4, "one", 0.0), None), (spliced(5, "two", 0.0), None)),
    )
    found = results.recall([ours], baseline)
    assert (found["recall"], found["recall_full"], found["recall_of_full"]) == (0.3333, 0.6667, 0.5)
    assert found["extra_delay_s"] == 0.75


def test_a_missed_alarm_fails_a_trial_though_the_box_kept_up() -> None:
    window = (0.0, 60.0)
    usage = Usage(cpu_s=0.0, pss_bytes=0, threads=1)
    watched = _Watched(window, usage, usage, usage, usage, {}, overloaded=0.0)
    alarms = [spliced(0, "one", 10.0), spliced(0, "two", 30.0)]
    looks = [{"camera": "a", "at_s": float(each), "captured_s": each - 0.1} for each in range(61)]

    def judged(system: System, due: set[str]) -> Trial:
        return _judged(system, ["a"], alarms, [*looks, raised], watched, 0, frozenset(due))

    raised = {"camera": "a", "at_s": 12.0, "alarm": "fire"}
    missing = judged(OURS, {"one", "two"})
    assert (missing.passed, missing.kept_up, missing.why) == (False, True, ("not raised: two",))
    # What full decoding does not raise either is not due; and a peer judges nothing.
    assert judged(OURS, {"one"}).passed
    assert judged(System("peer", OURS.command, str, 1.0), {"one", "two"}).silent == ()
    seldom = _judged(OURS, ["a"], alarms, [looks[0], raised], watched, 0, frozenset({"one"}))
    assert (seldom.passed, seldom.kept_up, seldom.why) == (False, False, ("a camera without a look for 60.0 s",))


MISSED, RAISED = {"one": None}, {"one": 1.5}


@pytest.mark.parametrize(
    ("trials", "judged", "at_capacity"),
    [
        # The one with 32 failed by its alarm alone; the box could not keep up with 64, whatever was raised there.
        ([trial(16, alarms=RAISED), trial(32, alarms=MISSED), trial(64, behind=("late",))], [16, 32], [16]),
        # One that passes above a failed one takes it in, by whatever it failed.
        ([trial(20, behind=("late",)), trial(16), trial(24)], [20, 16, 24], [24]),
        ([trial(8, behind=("late",)), trial(4, behind=("late",))], [4], []),
        ([trial(8, alarms=MISSED)], [8], []),
        ([], [], []),
    ],
)
def test_recall_counts_every_trial_that_the_box_could_keep_up_with(
    trials: list[Trial], judged: list[int], at_capacity: list[int]
) -> None:
    assert [each.cameras for each in results.judged_by(trials)] == judged
    assert [each.cameras for each in results.at_capacity(trials)] == at_capacity


def answer(*ladder: Trial) -> dict[str, Any]:
    """The answer for trials with the ladder, of which full decoding raises `one`, beside OpenCV's loops."""
    loops = {
        peer_name(LOOP, 1): 0.5,
        peer_name(LOOP_INT8, 1): 2.0,
        peer_name(LOOP, SAMPLING): 4.0,
        peer_name(LOOP_INT8, SAMPLING): 8.0,
    }
    systems = [OURS, *(System(name, OURS.command, str, 1.0) for name in loops)]
    tried = {name: [trial(9, per_s=managed, behind=("slow",), system=name)] for name, managed in loops.items()}
    return results.setting(systems, {LADDER: list(ladder), **tried}, Baseline({"one": 1.0}))


def test_recall_falls_below_that_of_full_decoding_where_an_alarm_is_missed() -> None:
    found = answer(trial(16, alarms=RAISED), trial(32, alarms=MISSED))
    assert (found["cameras"], found["spliced"], found["recall"], found["recall_full"]) == (16, 2, 0.5, 1.0)
    keys = ("spliced_at_capacity", "recall_at_capacity", "recall_full_at_capacity")
    assert [found[key] for key in keys] == [1, 1.0, 1.0]
    assert [(each["passed"], each["kept_up"]) for each in found["trials"][LADDER]] == [(True, True), (False, True)]
    shown = list(program.table({"stream": "main", "rate_control": "variable", "share": 0.05, "sites": 1, **found}))
    assert shown[0].endswith("5% of the cameras active, sites: 1")
    assert [line.split(":")[0] for line in shown if "%" in line][1:] == [
        "  with the ladder 50% of 2 spliced alarms were raised, by full decoding 100%, 0.5 s later in the median",
        "  at the capacity 100% of 1, by full decoding 100%",
    ]


def test_without_a_capacity_there_is_no_recall_at_it() -> None:
    found = answer(trial(16, alarms=MISSED))
    assert (found["recall"], found["spliced_at_capacity"], found["recall_at_capacity"]) == (0.0, 0, None)
    shown = program.table({"stream": "main", "rate_control": "variable", "share": 0.05, "sites": 1, **found})
    assert not any(line.startswith("  at the capacity") for line in shown)


def test_the_loop_with_the_int8_network_has_ratios_of_its_own_and_is_not_the_one_of_the_headlines() -> None:
    found = answer(trial(16))
    assert (found["ratio_every_frame"], found["ratio_sampling"]) == (32.0, 4.0)
    assert found["ratios"][peer_name(LOOP_INT8, 1)] == 8.0
    assert found["ratios"][peer_name(LOOP_INT8, SAMPLING)] == 2.0


def test_memory_of_one_more_camera_is_the_slope() -> None:
    assert results.mb_a_camera([trial(8), trial(16), trial(32)]) == 5.0
    assert results.mb_a_camera([trial(8)]) is None


# Who watches.


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle with an INT8 network for processors; its files are never read here."""
    for name in ("model.onnx", "model.int8.x86.onnx"):
        (tmp_path / name).write_bytes(b"onnx")
    labels, side = ("fire", "smoke", "normal"), InputSpec(height=32, width=32)
    return write_manifest(tmp_path, ModelSpec(labels=labels, background=("normal",), input=side, alarms=ALARMS), {})


@pytest.mark.parametrize(
    ("sites", "placed"),
    [
        (None, ["site000/camera000", "site001/camera001", "site002/camera002"]),
        (2, ["site000/camera000", "site001/camera001", "site000/camera002"]),
        (1, ["site000/camera000", "site000/camera001", "site000/camera002"]),
    ],
)
def test_cameras_are_of_as_many_sites_as_was_asked_for_and_go_by_their_names(
    sites: int | None, placed: list[str], tmp_path: Path
) -> None:
    system = ours(tmp_path, "ladder", {}, (), recording=False, sites=sites)
    urls = [f"rtsp://h/{number}" for number in range(3)]
    (written,) = (Path(each) for each in system.command(urls, tmp_path) if each.endswith(".yaml"))
    found = {
        f"{site}/{name}": camera["detect"]
        for site, each in yaml.safe_load(written.read_text())["sites"].items()
        for name, camera in each["cameras"].items()
    }
    assert found == dict(zip(placed, urls, strict=True))
    assert [system.names(number) for number in range(3)] == placed


def test_opencv_s_loop_is_tried_with_the_int8_network_too_where_there_is_one(bundle: Bundle, tmp_path: Path) -> None:
    both = {each.name: each.command([], tmp_path) for each in peers(bundle, tmp_path, True, None, None)}
    assert list(both) == [peer_name(name, every) for name in (LOOP, LOOP_INT8) for every in (1, SAMPLING)]
    for every in (1, SAMPLING):
        plain, quantised = both[peer_name(LOOP, every)], both[peer_name(LOOP_INT8, every)]
        assert str(tmp_path / "model.onnx") in plain
        assert [each.replace("model.onnx", "model.int8.x86.onnx") for each in plain] == quantised
    assert len(peers(bundle, tmp_path, False, None, None)) == 2
    (tmp_path / "model.int8.x86.onnx").unlink()
    without = write_manifest(tmp_path, bundle.model, {})
    assert [each.name for each in peers(without, tmp_path, True, None, None)] == [
        peer_name(LOOP, 1),
        peer_name(LOOP, SAMPLING),
    ]


@pytest.mark.parametrize(("stills", "told"), [(0, "no clip without a row"), (1, "takes every clip without a row")])
def test_clips_without_a_quiet_picture_are_a_mistake_that_names_their_folder(
    stills: int, told: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = np.zeros((32, 32, 3), np.uint8)
    monkeypatch.setattr(quiet, "_first", lambda clip: [(0.0, still)] * stills)
    # Sure of fire, whatever is shown.
    logits = np.array([[9.0, 0.0, 0.0]], np.float32)
    engine = nullcontext(SimpleNamespace(infer=lambda frames: SimpleNamespace(logits=logits)))
    monkeypatch.setattr(quiet, "open_backend", lambda *_: engine)
    with pytest.raises(UserError, match=told) as mistake:
        quiet.quiet_picture(tmp_path, [tmp_path / "one.mp4"], bundle)
    assert str(mistake.value).startswith(f"{tmp_path}: ")
    assert "--clips" in str(mistake.value)


def asked(monkeypatch: pytest.MonkeyPatch, *given: str) -> argparse.Namespace:
    monkeypatch.setattr(sys, "argv", ["benchmarks.cameras", *given])
    return options.parsed(program.__doc__)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--sites", "0"], "--sites: 0: must be a whole number, at least 1"),
        (["--most", "0"], "--most: 0: must be a whole number, at least 1"),
        (["--most", "1.5"], "--most: 1.5: must be a whole number"),
        (["--seconds", "0"], "--seconds: 0: must be seconds, over 0"),
        (["--seconds", "nan"], "--seconds: nan: must be seconds"),
        (["--settle", "-1"], "--settle: -1: must be seconds, at least 0"),
        (["--threshold", "1.1"], "--threshold: 1.1: must be from 0 to 1"),
        (["--share", "0.5", "0"], "--share: 0: must be over 0 and at most 1"),
        (["--ultralytics", "{folder}"], "--ultralytics: {folder}: no program that can be run"),
        (["--roboflow", "no-such-python"], "--roboflow: no-such-python: no program that can be run"),
        (["--picture", "{folder}/gone/x.png"], "--picture: {folder}/gone/x.png: there is no folder {folder}/gone"),
        (["--picture", "{folder}/x.txt"], "--picture: {folder}/x.txt: no kind of picture that can be written ("),
        (["--quick", "--most", "8"], "leave out --most, or --quick"),
        (["--quick", "--settle", "0", "--seconds", "9"], "leave out --seconds and --settle, or --quick"),
        (["--quick", "--roboflow", sys.executable], "--quick has no time for"),
    ],
)
def test_what_cannot_be_meant_is_one_line_before_any_work(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        asked(monkeypatch, "bundle", *(each.format(folder=tmp_path) for each in given))
    line = capsys.readouterr().err
    assert end.value.code == 2
    assert line.startswith("python -m benchmarks.cameras: ")
    assert told.format(folder=tmp_path) in line
    assert line.count("\n") == 1


def test_the_plan_is_as_asked_for_and_has_defaults_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = options.plan_of(asked(monkeypatch, "bundle"))
    assert (usual.seconds, usual.settle_s, usual.most) == (60.0, 12.0, 256)
    given = ["--seconds", "9", "--settle", "0", "--most", "3", "--picture", str(tmp_path / "x.png")]
    other = options.plan_of(asked(monkeypatch, "bundle", *given))
    assert (other.seconds, other.settle_s, other.most) == (9.0, 0.0, 3)
    assert options.plan_of(asked(monkeypatch, "bundle", "--quick")) is options.QUICK


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        (("openvin", "fp32"), "backend openvin: unknown; there are"),
        (("opencv", "int9"), "precision int9: unknown; there are"),
        (("opencv", "int8"), "opencv: no int8 here, it runs fp32, fp16"),
        (("opencv", "fp16"), "fp16"),
    ],
)
def test_an_engine_that_there_is_not_is_told_before_any_clip_is_looked_for(
    engine: tuple[str, str], told: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "find_clips", lambda args: pytest.fail("too late"))
    with pytest.raises(UserError, match=told):
        program.measured(asked(monkeypatch, str(bundle.folder), "--engine", *engine), tmp_path)


@pytest.mark.parametrize(
    ("given", "name", "loops", "told"),
    [
        ([], "site003/camera003", 4, "one a camera"),
        (["--sites", "1"], "site000/camera003", 4, 1),
        (["--quick", "--sites", "2"], "site001/camera003", 2, 2),
    ],
)
def test_what_is_asked_for_is_tried_and_told(
    given: list[str],
    name: str,
    loops: int,
    told: int | str,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[System] = []

    def course(systems: list[System], *_: object) -> SimpleNamespace:
        seen.extend(systems)
        return SimpleNamespace(baseline=lambda: None, setting=lambda share, baseline: {"share": share})

    monkeypatch.setattr(program, "Course", course)
    monkeypatch.setattr(program, "scenery", lambda *_: SCENERY)
    clips = ["--clips", str(material(tmp_path, "one.mp4,1,9,fire").place)]
    (setting,) = program.measured(asked(monkeypatch, str(bundle.folder), *clips, *given), tmp_path)
    assert (setting["sites"], setting["share"]) == (told, 0.05)
    assert [each.names(3) for each in seen if not each.is_peer] == [name, name]
    assert sum(each.is_peer for each in seen) == loops
