"""The picture of a trace: what it says, of events, near misses and quiet times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_resnet.plots.trace import draw
from runtime.judge import Target
from runtime.rule import Rule
from runtime.rule_settings import RuleSettings
from runtime.why.trace import Step, Trace

RULE = RuleSettings(threshold=0.7, mean_threshold=0.6, low_threshold=0.5, quiet_s=1.0)


def trace(values: list[float], every_s: float = 0.5, gate: str = "off", pause_s: float = 0.0) -> Trace:
    """What the rule makes of looks, the second half of them `pause_s` later."""
    rule, steps = Rule(RULE), []
    for number, value in enumerate(values):
        time_s = number * every_s + (pause_s if number >= len(values) // 2 else 0.0)
        turn = rule.look(time_s, value)
        steps.append(Step(time_s, None, value, turn.state.value, turn.lacks, gate, None, {"fire": value}, {}))
    return Trace(Target("fire", "ramp"), RULE, tuple(steps), "a" * 64, "opencv", "fp32")


def drawn(folder: Path, found: Trace, decisive: Step | None = None) -> str:
    """The picture as SVG, in which matplotlib repeats each text as a comment."""
    path = folder / "trace.svg"
    draw(path, found, "fire in ramp, yard/gate", decisive)
    return path.read_text()


def test_it_says_what_was_asked_for_what_lacked_and_when_it_was_raised_and_cleared(tmp_path: Path) -> None:
    found = trace([0.1] * 4 + [0.9] * 6 + [0.1] * 5)
    raised = next(step for step in found.steps if step.state == "held")
    text = drawn(tmp_path, found, raised)
    for words in (
        "threshold 0.70",
        "low threshold 0.50",
        "window 2 s",
        f"raised {raised.time_s:.1f} s",
        "cleared 6.0 s",
    ):
        assert f"<!-- {words} -->" in text, words
    assert {word for word in ("looks", "threshold", "span", "share", "mean") if f"<!-- {word} -->" in text} == {
        "share",
        "mean",
    }
    assert "fire in ramp" in text


def test_a_quiet_time_has_no_marks_and_no_strip(tmp_path: Path) -> None:
    text = drawn(tmp_path, trace([0.1] * 9))
    assert not any(f"<!-- {word}" in text for word in ("raised", "cleared", "lacked", "window"))


@pytest.mark.parametrize(("gate", "words"), [("heartbeat", "gate closed"), ("off", "no looks")])
def test_a_pause_is_hatched_and_named(tmp_path: Path, gate: str, words: str) -> None:
    assert f"<!-- {words} -->" in drawn(tmp_path, trace([0.1] * 12, gate=gate, pause_s=9.0))
    assert f"<!-- {words} -->" not in drawn(tmp_path, trace([0.1] * 12, gate=gate))


def test_a_snapshot_stands_beside_it(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((48, 64, 3), (0, 0, 255), np.uint8))
    found, widths = trace([0.9] * 6), []
    for name, photo in (("alone.png", None), ("beside.png", tmp_path / "photo.png")):
        draw(tmp_path / name, found, "$a title$ as it is", found.steps[-1], photo)
        image = cv2.imread(str(tmp_path / name))
        assert image is not None
        widths.append(image.shape[1])
    assert widths[1] > 1.5 * widths[0]
    assert ((image[..., 2] > 240) & (image[..., 1] < 15)).sum() > 10_000, "in its own colours"


def test_one_look_and_thousands_can_be_drawn(tmp_path: Path) -> None:
    one = trace([0.9])
    assert "<svg" in drawn(tmp_path, one, one.steps[0])
    many = replace(one, steps=tuple(replace(one.steps[0], time_s=0.2 * number) for number in range(5000)))
    assert "<svg" in drawn(tmp_path, many)
