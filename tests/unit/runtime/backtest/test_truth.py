"""The file of truth, and the seconds that are left for normal life."""

from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.backtest.truth import TOLERANCE_S, Interval, outside, read_truth


def test_a_file_of_truth_is_read_by_clip(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("\ufeffclip,start_s,end_s,class\na.mp4,1.0,2.5,fire\na.mp4,3,4,smoke\nb.mp4,0,1,fire\n")
    assert read_truth(path) == {
        "a.mp4": [Interval(1.0, 2.5, "fire"), Interval(3.0, 4.0, "smoke")],
        "b.mp4": [Interval(0.0, 1.0, "fire")],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clip,start_s\na,1\n", "its columns are clip,start_s,end_s,class"),
        ("", "its columns are clip,start_s,end_s,class"),
        ("\x00\xff", "not a truth file"),
        ("clip,start_s,end_s,class\na,1,2,fire\na,x,2,fire\n", "line 3: start_s and end_s are seconds"),
        ("clip,start_s,end_s,class\na,3,2,fire\n", "line 2: start_s"),
        ("clip,start_s,end_s,class\na,nan,2,fire\n", "line 2: start_s"),
        ("clip,start_s,end_s,class\na,1,inf,fire\n", "line 2: start_s"),
        ("clip,start_s,end_s,class\na,1,2\n", "line 2: a value is missing"),
    ],
)
def test_a_broken_file_of_truth_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "truth.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=told):
        read_truth(tmp_path / "truth.csv")


def test_no_file_of_truth_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone.csv: No such file.*--truth"):
        read_truth(tmp_path / "gone.csv")


def test_an_interval_holds_what_the_tolerance_adds() -> None:
    interval = Interval(5.0, 9.0, "fire")
    assert interval.holds(5.0 - TOLERANCE_S)
    assert interval.holds(9.0 + TOLERANCE_S)
    assert not interval.holds(4.99 - TOLERANCE_S)
    assert not interval.holds(9.01 + TOLERANCE_S)


@pytest.mark.parametrize(
    ("excluded", "left_s"),
    [
        ([], 15.0),
        ([(2.0, 4.0)], 13.0),
        ([(2.0, 6.0), (4.0, 8.0)], 9.0),  # they overlap
        ([(4.0, 8.0), (2.0, 6.0)], 9.0),  # in any order
        ([(-5.0, 1.0), (9.0, 22.0)], 11.0),  # over both ends and the gap
        ([(-1.0, 99.0)], 0.0),
        ([(11.0, 19.0)], 15.0),  # in the gap
    ],
)
def test_seconds_outside(excluded: list[tuple[float, float]], left_s: float) -> None:
    assert outside([(0.0, 10.0), (20.0, 25.0)], excluded) == pytest.approx(left_s)
