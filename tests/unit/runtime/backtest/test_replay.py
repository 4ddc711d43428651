"""Rules on footage: looks that nothing depends on may be left out, and nothing changes."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.backtest.footage import Evidence
from runtime.backtest.replay import Alarm, alarms, replay
from runtime.config.settings import ZoneSettings
from runtime.rule import Change, Rule
from runtime.rule_settings import RuleSettings
from tests.unit.runtime.backtest.made import CORNERS, FIRE, evidence, footage, scene

SETTINGS = RuleSettings()


def every_look(made: Evidence, settings: RuleSettings) -> list[Alarm]:
    """The alarms of a rule that is given all looks, as the stream gives them."""
    rule, found = Rule(settings), []
    for time_s, value, armed in zip(
        made.times_s.tolist(), made.probabilities.tolist(), made.armed.tolist(), strict=True
    ):
        found.append(rule.look(time_s, value) if armed else rule.finish())
    found.append(rule.finish())
    episodes = [each.episode for each in found if each.change is Change.CLEARED and each.episode is not None]
    return [Alarm(episode.raised_s, episode.last_s) for episode in episodes]


runs = st.lists(st.tuples(st.sampled_from((0.2, 0.6, 1.0, 3.0, 7.0)), st.sampled_from((0.0, 0.3, 0.45, 0.6, 0.9))))
settings = st.builds(
    RuleSettings,
    threshold=st.just(0.5),
    mean_threshold=st.sampled_from((0.2, 0.5)),
    window_s=st.sampled_from((1.0, 2.0, 4.0)),
    share=st.sampled_from((0.3, 0.8)),
    min_duration_s=st.sampled_from((0.0, 3.0)),
    quiet_s=st.sampled_from((0.0, 2.0, 5.0)),
    cooldown_s=st.sampled_from((0.0, 10.0)),
)


@given(runs, settings, st.data())
def test_what_is_raised_is_the_same_as_with_every_look(
    parts: list[tuple[float, float]], rule: RuleSettings, data: st.DataObject
) -> None:
    values = scene(*parts)
    rests = data.draw(st.lists(st.integers(0, max(0, len(values) - 1)), max_size=3))
    armed = [not any(rest <= number < rest + 8 for rest in rests) for number in range(len(values))]
    made = evidence(values, armed)
    assert alarms(made, rule) == every_look(made, rule)


def test_an_event_has_what_the_journal_gives_it() -> None:
    made = footage(scene((5, 0.1), (6, 0.9), (20, 0.1)))
    (event,) = replay(made, {"fire": SETTINGS})
    (alarm,) = alarms(made.evidence[FIRE], SETTINGS)
    assert (event.raised_s, event.ended_s) == alarm
    assert (event.camera, event.alarm, event.label, event.started_s) == ("clip.mp4", "fire", "fire", 5.0)
    assert (event.backend, event.precision, event.raised_at) == ("opencv", "fp32", None)


def test_what_is_held_at_the_end_is_cleared() -> None:
    (event,) = replay(footage(scene((5, 0.1), (6, 0.9))), {"fire": SETTINGS})
    assert event.ended_s is not None


def test_a_zone_is_judged_by_the_threshold_of_its_own() -> None:
    def raised(**own: float) -> int:
        zone = ZoneSettings(polygon=CORNERS, alarms=("fire",), **own)
        return len(replay(footage(scene((5, 0.1), (5, 0.8)), zone=zone), {"fire": SETTINGS}))

    assert (raised(), raised(threshold=0.7), raised(threshold=0.95), raised(mean_threshold=0.9)) == (1, 1, 0, 0)
