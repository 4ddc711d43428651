"""A chosen rule in the configuration: what was there stays."""

from pathlib import Path

from runtime.backtest.adopt import adopt, as_written
from runtime.config.load import load
from runtime.rule_settings import RuleSettings

SITES = "sites: {yard: {cameras: {gate: {detect: 'rtsp://127.0.0.1/gate'}}}}\n"
CHOSEN = RuleSettings(threshold=0.81, mean_threshold=0.81, low_threshold=0.648, window_s=4.0, share=0.8)


def test_what_a_sweep_varies_is_written_and_the_rest_stays(tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text(f"# ours\n{SITES}alarms:\n  fire: {{threshold: 0.5, quiet: 9 s}}  # as delivered\n")
    adopt(config, {"fire": CHOSEN})
    fire = load(config).alarms["fire"]
    assert (fire.threshold, fire.mean_threshold, fire.window, fire.share) == (0.81, 0.81, 4.0, 0.8)
    assert (fire.quiet, fire.low_threshold) == (9.0, None)
    assert "# as delivered" in config.read_text()


def test_an_alarm_that_was_not_there_is_added_and_a_low_threshold_follows(tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text(SITES)
    adopt(config, {"fire": CHOSEN})
    assert load(config).alarms["fire"].threshold == 0.81
    config.write_text(f"{SITES}alarms:\n  fire:\n    low_threshold: 0.9\n    threshold: 0.95\n")
    adopt(config, {"fire": CHOSEN})
    assert load(config).alarms["fire"].low_threshold == 0.648


def test_nothing_chosen_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text(SITES)
    adopt(config, {})
    assert config.read_text() == SITES


def test_quantities_are_written_as_people_do() -> None:
    assert as_written(CHOSEN) == {"threshold": 0.81, "mean_threshold": 0.81, "window": "4 s", "share": 0.8}
