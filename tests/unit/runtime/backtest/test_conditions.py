"""Which camera's settings a clip is judged with."""

from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.backtest.conditions import Conditions
from runtime.judge import Target
from tests.stand_ins import MODEL

CONFIG = """
sites:
  yard:
    cameras:
      gate:
        detect: rtsp://watch:${NOT_SET_HERE}@127.0.0.1/gate
        rate: 4/s
        masks: [[[0, 0], [0.5, 0], [0.5, 0.5]]]
        schedule: night
        gate: {enabled: true}
      gate-2: {detect: rtsp://127.0.0.1/gate2, alarms: []}
alarms:
  fire: {threshold: 0.7, window: 4 s, schedule: night, modes: [away]}
schedules:
  night: {periods: [{start: "22:00", end: "06:00"}]}
modes:
  away: {}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "cameras.yaml").write_text(CONFIG)
    return tmp_path / "cameras.yaml"


@pytest.mark.parametrize(
    ("clip", "camera"),
    [
        ("yard_gate", "yard/gate"),
        ("yard_gate_2026-11-24", "yard/gate"),
        ("yard_gate-2 evening", "yard/gate-2"),  # the longer name
        ("yard/gate", "yard/gate"),  # as live scores name it
        ("yard_gateway", None),
        ("gate", None),
    ],
)
def test_a_clip_is_of_the_camera_whose_name_it_begins_with(config: Path, clip: str, camera: str | None) -> None:
    assert Conditions.read(config, MODEL, None, 5.0).camera_of(clip) == camera
    assert Conditions.read(config, MODEL, "yard/gate-2", 5.0).camera_of(clip) == "yard/gate-2"


def test_masks_rate_and_rules_count_but_neither_gate_nor_schedules(config: Path) -> None:
    conditions = Conditions.read(config, MODEL, None, 5.0)
    watched = conditions.watch(Path("/clips/yard_gate_1.mp4"))
    ((name, camera),) = watched.cameras().items()
    assert (name, camera.detect, camera.rate, len(camera.masks)) == (
        "yard_gate_1.mp4",
        "/clips/yard_gate_1.mp4",
        4.0,
        1,
    )
    assert not camera.gate.enabled
    assert (camera.schedule, watched.alarms["fire"].schedule, watched.alarms["fire"].modes) == (None, None, None)
    (rule,) = conditions.rules("yard_gate_1", MODEL.alarms).values()
    assert (rule.threshold, rule.window_s) == (0.7, 4.0)
    assert conditions.rules_of(MODEL.alarms) == {"fire": rule}


def test_a_camera_s_own_alarms_are_the_only_ones(config: Path) -> None:
    conditions = Conditions.read(config, MODEL, None, 5.0)
    assert conditions.rules("yard_gate-2", MODEL.alarms) == {}
    assert list(conditions.rules("elsewhere", MODEL.alarms)) == [Target("fire")]


def test_without_a_configuration_the_bundle_s_rules_hold_at_the_rate_given() -> None:
    conditions = Conditions.read(None, MODEL, None, 3.0)
    assert conditions.settings_of("any").rate == 3.0
    assert conditions.rules_of(MODEL.alarms)["fire"].threshold == 0.5


@pytest.mark.parametrize(
    ("named", "told"), [("yard/gat", "did you mean yard/gate?"), ("hall", "no such camera; there are yard/gate")]
)
def test_an_unknown_camera_is_told(config: Path, named: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        Conditions.read(config, MODEL, named, 5.0)


def test_a_camera_without_a_configuration_and_a_rate_that_is_too_slow_are_told() -> None:
    with pytest.raises(UserError, match="--config"):
        Conditions.read(None, MODEL, "yard/gate", 5.0)
    with pytest.raises(UserError, match="--rate 1: too slow for alarm fire"):
        Conditions.read(None, MODEL, None, 1.0)
