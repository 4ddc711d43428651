"""What cross-validation says of its parts."""

from edge_resnet.train.report.held_out import Fold, HeldOut


def found(*right_of_blind: tuple[int, int], unit: str = "camera") -> HeldOut:
    folds = tuple(
        Fold(f"cam{number}", 80, 100, blind, None, right, 1.0) for number, (right, blind) in enumerate(right_of_blind)
    )
    return HeldOut("runs/x", unit, ("fire", "<b>"), "abc", folds)


def test_every_picture_counts_once_and_the_worst_is_named() -> None:
    both = found((90, 60), (70, 50))
    assert (both.pooled["fine-tuned"].part, both.pooled["fine-tuned"].n) == (160, 200)
    assert "linear probe" not in both.pooled
    assert both.worst.name == "cam1"
    assert both.verdict == "better than a blind guess"
    assert both.to_json()["mean"] == 0.8


def test_one_camera_that_is_not_better_is_not_hidden_by_the_others() -> None:
    mixed = found((99, 50), (99, 50), (76, 75))
    assert mixed.verdict == "not shown on 1 of 3 cameras"
    assert any("on: cam2" in line for line in mixed.conclusions)
    assert 'class="fail"' in mixed.to_html()
    assert found((99, 50), (76, 75), unit="part").verdict == "better than a blind guess"


def test_not_enough_data_is_said() -> None:
    few = found((52, 50), (51, 50))
    assert few.verdict == "not enough data"
    assert any(line.startswith("Not enough data") for line in few.conclusions)
