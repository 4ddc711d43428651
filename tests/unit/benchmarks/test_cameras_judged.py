"""benchmarks.cameras: the search, what is read from the lines of a trial, and what follows from trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cameras import __main__ as program
from benchmarks.cameras import evidence, results
from benchmarks.cameras.program import Usage
from benchmarks.cameras.results import Baseline
from benchmarks.cameras.search import Search
from benchmarks.cameras.systems import LADDER, LOOP, LOOP_INT8, SAMPLING, System, peer_name
from benchmarks.cameras.trial import Trial, _judged, _Watched
from tests.unit.benchmarks.cameras import OURS, spliced, trial


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
