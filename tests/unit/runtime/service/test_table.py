"""The table in the terminal, drawn into a text."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from runtime.service.logs import Log
from runtime.service.status import BoxStatus
from runtime.service.table import StatusTable, drawn
from tests.unit.runtime.service.statuses import box, camera


def lines(status: BoxStatus, width: int = 140, height: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(drawn(status, width, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def terminal(width: int = 100) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=width, height=30), stream


def test_a_row_tells_how_a_camera_stands() -> None:
    gate = camera(dropped={"late": 2, "too_old": 3}, reconnects=4, watched_s=99.0, blind_s={"frozen": 1.0})
    head, row, *_ = lines(box(gate))
    assert head.split() == ["camera", "state", "sees", "rate/s", "age", "watched", "dropped", "reconnects"]
    assert row.startswith("yard/gate live 1m normal 97%  ")
    assert row.split() == ["yard/gate", "live", "1m", "normal", "97%", "4.9/5", "0.13", "s", "99.0%", "5", "4"]


def test_the_rung_of_the_ladder_stands_there_where_a_camera_has_one() -> None:
    cameras = camera(attention="glance"), camera("yard/door")
    for width in (60, 80, 140):
        head, gate, door, *_ = lines(box(*cameras), width)
        assert head.split()[:4] == ["camera", "state", "rung", "sees"]
        assert gate.split()[:4] == ["yard/gate", "live", "1m", "glance"]
        assert door.split()[:4] == ["yard/door", "live", "1m", "-"]
    assert "rung" not in lines(box(camera()))[0]


@pytest.mark.parametrize(
    ("width", "figures"), [(80, ["rate/s", "age", "watched"]), (79, ["rate/s", "watched"]), (69, ["rate/s"]), (40, [])]
)
def test_where_it_is_narrow_figures_give_way_to_the_rung(width: int, figures: list[str]) -> None:
    gate = camera("headquarters/north-gate", "out_of_focus", since_s=86399.0, held=("fire",), attention="asleep")
    head, row, *_ = lines(box(gate, camera("yard/door")), width)
    assert head.split() == ["camera", "state", "rung", "sees", *figures]
    assert "out of focus 23h asleep  fire" in row
    assert len(row) <= width
    assert lines(box(camera()), width)[0].split()[-3:] == ["rate/s", "age", "watched"]


def test_looks_that_come_once_in_many_seconds_are_told_as_such() -> None:
    assert "0.10/0.1" in lines(box(camera(attention="asleep", rate_per_s=0.1, wanted_per_s=0.1)))[1].split()
    assert "0.03/0.03" in lines(box(camera(rate_per_s=1 / 30, wanted_per_s=1 / 30)))[1].split()
    assert "0.7/0.67" in lines(box(camera(rate_per_s=2 / 3, wanted_per_s=2 / 3)))[1].split()


def test_a_blind_camera_says_why_and_not_what_it_saw_last() -> None:
    row = lines(box(camera(state="out_of_focus", why="sharpness is a fifth of the usual", held=("fire", "smoke"))))[1]
    assert "out of focus 1m" in row
    assert "fire smoke" in row
    assert "sharpness is a fifth" in row
    assert "normal" not in row


def test_the_reason_stands_in_the_row_and_the_advice_whole_below_the_table() -> None:
    advice = "it sends no video that can be decoded; set it to H.264, H.265 or MJPEG"
    gate = camera("headquarters/north-gate", "offline", why=f"unauthorised; {advice}")
    _, row, first, second, *rest = lines(box(gate), width=80)
    assert "offline 1m unauthorised  " in row
    assert f"{first} {second.strip()}" == f"headquarters/north-gate: {advice}"
    assert len(rest) == 2


def test_advice_never_pushes_the_foot_or_a_camera_out() -> None:
    cameras = [camera(f"yard/{number}", "offline", why="refused; is it on?") for number in range(8)]
    for height in range(5, 30):
        shown = lines(box(*cameras), height=height)
        assert len(shown) <= height
        assert shown[-1].startswith("openvino")
        assert sum("is it on?" in line for line in shown) == max(0, min(8, height - 13))


def test_a_camera_that_has_not_come_yet_is_starting_and_not_in_red() -> None:
    console, stream = terminal()
    console.print(drawn(box(camera(state="offline", since_s=3.0, why="starting", label="", age_s=None)), 100, 30))
    text = stream.getvalue()
    assert "starting 3s" in text
    assert "offline" not in text
    assert "31m" not in text


def test_a_reason_that_only_repeats_the_state_is_left_out() -> None:
    row = lines(box(camera(state="out_of_focus", why="out of focus")))[1]
    assert row.count("out of focus") == 1


def test_before_the_first_look_there_is_nothing_to_tell() -> None:
    row = lines(box(camera(label="", probability=0.0, age_s=None)))[1]
    assert row.split()[3:] == ["nothing", "yet", "4.9/5", "-", "-", "0", "0"]


@pytest.mark.parametrize(
    ("watched_s", "blind_s", "told"), [(86400.0, 1.0, "99.9%"), (86400.0, 0.0, "100.0%"), (0.0, 5.0, "0.0%")]
)
def test_all_is_watched_only_if_no_second_was_blind(watched_s: float, blind_s: float, told: str) -> None:
    assert told in lines(box(camera(watched_s=watched_s, blind_s={"offline": blind_s})))[1].split()


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1.0, "0s"), (59.4, "59s"), (3599.0, "59m"), (7200.0, "2h"), (200_000.0, "2d")]
)
def test_durations_are_short(seconds: float, told: str) -> None:
    assert told in lines(box(camera(since_s=seconds)))[1].split()


def test_the_foot_tells_of_the_backend_and_of_overload() -> None:
    assert lines(box(camera(), batch=4, events=3))[-1] == "openvino fp16, 7.2 ms a frame, batch 4, 3 alarms, up 1h"
    assert "overloaded" in lines(box(camera(), overloaded=True))[-1]
    assert lines(box(camera(), backend=""))[-1].startswith("no backend runs")


@pytest.mark.parametrize("width", [60, 80, 110, 140])
@pytest.mark.parametrize("count", [1, 16])
def test_no_line_is_broken_and_figures_are_whole(width: int, count: int) -> None:
    cameras = [
        camera(
            f"headquarters/yard-gate-{number}",
            "overexposed",
            **{"since_s": 86399.0, "why": "bright " * 30, "held": ("fire",), "attention": "asleep"},
        )
        for number in range(count)
    ]
    shown = lines(box(*cameras), width)
    # Head, cameras, an empty line and the foot.
    assert len(shown) == count + 3
    for row in shown[1 : count + 1]:
        assert len(row) <= width
        assert "4.9/5" in row
        assert "overexposed 23h" in row


def test_where_not_all_fit_those_in_trouble_are_shown() -> None:
    cameras = [camera(f"yard/{number}") for number in range(50)]
    cameras[40] = camera("yard/40", "black")
    cameras[45] = camera("yard/45", held=("fire",))
    shown = lines(box(*cameras), height=12)
    assert len(shown) <= 12
    assert [row.split()[0] for row in shown[1:4]] == ["yard/45", "yard/40", "yard/0"]
    assert "and 43 more" in shown


def test_a_name_is_no_markup() -> None:
    assert "yard/[red]gate[/]" in lines(box(camera("yard/[red]gate[/]")))[1]


def test_it_is_drawn_at_most_twice_a_second() -> None:
    console, stream = terminal()
    now = [0.0]
    with StatusTable(console, clock=lambda: now[0]) as table:
        drawings = 0
        for tenth in range(21):
            now[0] = tenth / 10
            size = stream.tell()
            table.show(box(camera()))
            drawings += stream.tell() > size
    assert drawings == 5


def test_a_log_line_goes_above_the_table_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console, stream = terminal()
    with StatusTable(console) as table:
        table.show(box(camera()))
        before = stream.tell()
        Log(for_people=True).warning("camera lost", camera="yard/gate", reason="timeout")
        said = stream.getvalue()[before:]
    # The old table is wiped, the line is written, and the table is drawn again below it.
    assert said.count("camera lost") == 1
    assert "camera=yard/gate reason=timeout" in said
    assert said.index("\x1b[2K") < said.index("camera lost") < said.index("openvino")


def test_where_there_is_no_terminal_nothing_is_drawn_nor_redirected() -> None:
    stream = io.StringIO()
    error = sys.stderr
    with StatusTable(Console(file=stream)) as table:
        table.show(box(camera()))
        assert sys.stderr is error
        assert not table.due
    assert stream.getvalue() == ""
