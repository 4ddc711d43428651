"""The picture of a sweep is drawn, whatever there is to show."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from edge_resnet import environment
from edge_resnet.errors import UserError
from edge_resnet.plots import frontier
from runtime.backtest.budget import Budget
from runtime.backtest.sweep import Choice, Trial
from runtime.backtest.tally import Tally
from runtime.rule_settings import RuleSettings


def trial(found: int, false: int, window_s: float = 2.0, expected: int = 5, normal_s: float = 3600.0) -> Trial:
    settings = RuleSettings(window_s=window_s)
    return Trial(settings, (Tally(expected, found, found + false, false, normal_s),))


@pytest.mark.parametrize(
    "tried",
    [
        (trial(3, 2), trial(5, 0, 4.0), trial(4, 1, 1.0)),
        (trial(0, 0),),
        (trial(0, 3, expected=0),),
        (trial(3, 0, normal_s=0.0),),
    ],
)
def test_a_panel_is_drawn_for_each_alarm(tmp_path: Path, tried: tuple[Trial, ...]) -> None:
    choices = [Choice("fire", tried, tried[-1]), Choice("person", tried, refusal="too little video")]
    frontier.draw(tmp_path / "sweep.png", choices, Budget.parse("1/week"))
    frontier.draw(tmp_path / "one.png", choices[:1], None)
    two, one = (cv2.imread(str(tmp_path / name)) for name in ("sweep.png", "one.png"))
    assert two is not None
    assert one is not None
    assert two.shape[0] == 2 * one.shape[0]
    assert two.std() > 5


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "version", lambda package: None)
    with pytest.raises(UserError, match=r"matplotlib not installed here; pip install 'edge-resnet\[train\]'"):
        frontier.draw(tmp_path / "sweep.png", [Choice("fire", (trial(1, 0),))], None)
