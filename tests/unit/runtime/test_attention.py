"""The ladder of one camera: what moves it up, what keeps it there, and that it is never looked at too rarely."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.attention import Attention, Reason, Rung
from runtime.config.attention import LadderSettings

SETTINGS = LadderSettings()
HOLD_S = SETTINGS.hold


def ladder(settings: LadderSettings = SETTINGS, rate_per_s: float = 5.0, heartbeat_s: float = 10.0) -> Attention:
    return Attention(settings, rate_per_s, heartbeat_s)


def turn(attention: Attention, at_s: float) -> bool:
    """Whether anything has changed; what is wanted is granted."""
    changed = attention.turn(at_s)
    attention.granted = attention.wants
    return changed


def turned(attention: Attention, at_s: float) -> tuple[Rung, Reason | None]:
    turn(attention, at_s)
    return attention.wants, attention.reason


def seen(attention: Attention, at_s: float) -> None:
    attention.looked(at_s, 1.0, held=False)


GIVEN: dict[Reason, Callable[[Attention, float], None]] = {
    Reason.MOTION: Attention.moved,
    Reason.SITE: Attention.alarm_nearby,
    Reason.OPERATOR: lambda attention, at_s: attention.asked(at_s + HOLD_S),
    Reason.EVIDENCE: seen,
}


def test_without_a_reason_it_glances() -> None:
    attention = ladder()
    assert not turn(attention, 0.0)
    assert turned(attention, 1000.0) == (Rung.GLANCE, None)


def test_without_a_ladder_it_always_wants_to_be_watched_and_whatever_counts_more_is_its_reason() -> None:
    attention = Attention(SETTINGS, 5.0, 10.0, always=True)
    assert (attention.granted, attention.wants, attention.reason) == (Rung.WATCH, Rung.WATCH, Reason.ALWAYS)
    attention.armed = False
    assert not attention.turn(0.0)
    attention.armed = True
    attention.moved(1.0)
    assert not attention.turn(1.0)
    seen(attention, 2.0)
    assert turned(attention, 2.0) == (Rung.WATCH, Reason.EVIDENCE)
    assert turned(attention, 2.1 + HOLD_S) == (Rung.WATCH, Reason.ALWAYS)
    # Where there is not power for all.
    attention.granted = Rung.GLANCE
    assert not attention.turn(1000.0)
    assert (attention.skip_s, attention.looks_per_s, attention.wanted_per_s) == (4.0, 1.0, 5.0)


@pytest.mark.parametrize("reason", GIVEN)
def test_each_reason_moves_it_up_at_once_and_holds_its_time(reason: Reason) -> None:
    attention = ladder()
    GIVEN[reason](attention, 5.0)
    assert turn(attention, 5.0)
    assert (attention.wants, attention.reason) == (Rung.WATCH, reason)
    assert not turn(attention, 5.0 + HOLD_S)
    assert turn(attention, 5.001 + HOLD_S)
    assert (attention.wants, attention.reason) == (Rung.GLANCE, None)


def test_motion_that_goes_on_without_evidence_is_no_news_until_it_was_seen_to_be_still() -> None:
    attention = ladder()
    for second in range(60):
        attention.moved(float(second))
        assert turned(attention, float(second))[0] is (Rung.WATCH if second <= HOLD_S else Rung.GLANCE)
    # Evidence counts as ever, and so does motion after as long a stillness.
    attention.looked(60.0, 1.0, held=False)
    assert turned(attention, 60.0) == (Rung.WATCH, Reason.EVIDENCE)
    for second in range(60, 71):
        attention.still(float(second))
    attention.moved(71.0)
    assert turned(attention, 71.0) == (Rung.WATCH, Reason.MOTION)


@pytest.mark.parametrize("still_s", [[60.0], [60.0, 69.9], [60.0, 65.0, 66.0, 72.0]])
def test_less_stillness_than_hold_and_what_moves_in_between_is_no_end_of_motion(still_s: list[float]) -> None:
    attention = ladder()
    for second in range(60):
        attention.moved(float(second))
        turn(attention, float(second))
    for at_s in still_s:
        if at_s == 66.0:
            attention.moved(65.5)
        attention.still(at_s)
    attention.moved(74.0)
    assert turned(attention, 74.0) == (Rung.GLANCE, None)


@pytest.mark.parametrize(("hold_s", "apart_s"), [(3.0, 4.0), (10.0, 10.04), (1.0, 2.0), (10.0, 1.0)])
def test_what_always_moves_is_news_once_however_far_apart_glances_are(hold_s: float, apart_s: float) -> None:
    attention, looked_s, watched = ladder(LadderSettings(hold=hold_s)), float("-inf"), 0
    for tenth in range(3000):
        now_s = tenth / 10
        if turned(attention, now_s)[0] is Rung.WATCH or now_s >= looked_s + apart_s:
            attention.moved(now_s)
            looked_s = now_s
        watched += attention.wants is Rung.WATCH
    assert watched / 10 == pytest.approx(hold_s, abs=0.2)


@pytest.mark.parametrize("reason", [reason for reason in GIVEN if reason is not Reason.OPERATOR])
def test_a_reason_does_not_run_out_while_its_camera_waits_to_be_watched(reason: Reason) -> None:
    attention = ladder()
    GIVEN[reason](attention, 5.0)
    for second in range(5, 1000):
        attention.turn(float(second))
        assert attention.reason is reason
    # Then it is watched for as long as it would have been at once, also where it is denied again in between.
    attention.granted, watched_s = Rung.WATCH, 0.0
    for tenth in range(9991, 20000):
        attention.turn(tenth / 10)
        watched_s += 0.1 * (attention.wants is Rung.WATCH and attention.granted is Rung.WATCH)
        if tenth in (10040, 10090):
            attention.granted = Rung.GLANCE if tenth == 10040 else Rung.WATCH
    assert watched_s == pytest.approx(HOLD_S, abs=0.2)
    assert attention.reason is None


def test_who_waits_gives_up_when_the_motion_was_seen_to_end_or_the_operators_time_is_over() -> None:
    attention = ladder()
    attention.moved(0.0)
    attention.asked(8.0)
    for second in range(30):
        attention.still(second + 0.5)
        attention.turn(float(second))
        expected = Reason.OPERATOR if second <= 8 else Reason.MOTION if second < HOLD_S else None
        assert attention.reason is expected


def test_a_sign_while_it_is_watched_holds_it_anew() -> None:
    attention = ladder()
    attention.alarm_nearby(0.0)
    attention.alarm_nearby(8.0)
    # Of before, told later: it takes nothing away.
    attention.alarm_nearby(2.0)
    assert turned(attention, 8.0 + HOLD_S) == (Rung.WATCH, Reason.SITE)
    assert turned(attention, 8.1 + HOLD_S) == (Rung.GLANCE, None)


def test_the_best_reason_is_told_and_the_next_when_it_is_over() -> None:
    attention = ladder()
    seen(attention, 0.0)
    attention.asked(12.0)
    attention.alarm_nearby(4.0)
    attention.moved(6.0)
    reasons = []
    for tenths in range(200):
        if turn(attention, tenths / 10):
            reasons.append((attention.reason, tenths / 10))
    assert reasons == [
        (Reason.EVIDENCE, 0.0),
        (Reason.OPERATOR, 10.1),
        (Reason.SITE, 12.1),
        (Reason.MOTION, 14.1),
        (None, 16.1),
    ]


@pytest.mark.parametrize(
    ("evidence", "held", "wakes"),
    [(0.49, False, False), (0.5, False, True), (0.0, True, True), (0.0, False, False)],
)
def test_a_look_wakes_it_from_half_of_a_low_threshold_on_or_while_an_alarm_is_held(
    evidence: float, held: bool, wakes: bool
) -> None:
    attention = ladder()
    attention.looked(1.0, evidence, held=held)
    assert turn(attention, 1.0) == wakes


@pytest.mark.parametrize("reason", GIVEN)
def test_disarmed_it_sleeps_and_only_the_operator_wakes_it(reason: Reason) -> None:
    attention = ladder()
    attention.armed = False
    assert turn(attention, 0.0)
    assert attention.wants is Rung.ASLEEP
    GIVEN[reason](attention, 1.0)
    assert turned(attention, 1.0)[0] is (Rung.WATCH if reason is Reason.OPERATOR else Rung.ASLEEP)
    attention.armed = True
    assert turned(attention, 2.0) == (Rung.WATCH, reason)


def test_the_operator_may_leave_before_his_time() -> None:
    attention = ladder()
    attention.asked(1000.0)
    turn(attention, 0.0)
    attention.asked(50.0)
    assert turned(attention, 49.0) == (Rung.WATCH, Reason.OPERATOR)
    attention.asked(None)
    assert turned(attention, 49.1) == (Rung.GLANCE, None)


def test_a_turn_that_is_told_late_brings_no_reason_back() -> None:
    attention = ladder()
    attention.moved(0.0)
    turn(attention, HOLD_S + 0.2)
    # The answer to a look that was taken before.
    assert not turn(attention, HOLD_S - 0.1)
    assert attention.wants is Rung.GLANCE


@pytest.mark.parametrize(
    ("rung", "skip_s", "looks_per_s", "longest_s"),
    [(Rung.ASLEEP, 10.0, 0.1, 10.0), (Rung.GLANCE, 4.0, 1.0, 4.0), (Rung.WATCH, 0.0, 5.0, 0.2)],
)
def test_what_a_rung_means(rung: Rung, skip_s: float, looks_per_s: float, longest_s: float) -> None:
    attention = ladder()
    attention.granted = rung
    assert (attention.skip_s, attention.looks_per_s) == (skip_s, looks_per_s)
    assert attention.longest_s == pytest.approx(longest_s)


def test_what_is_granted_counts_and_not_what_is_wanted() -> None:
    attention = ladder()
    attention.moved(0.0)
    attention.turn(0.0)
    assert attention.wants is Rung.WATCH
    assert (attention.looks_per_s, attention.wanted_per_s) == (1.0, 5.0)


_lengths_s = st.floats(0.1, 3600.0)


@given(
    glance=_lengths_s, within=_lengths_s, rate=st.floats(0.01, 60.0), heartbeat=_lengths_s, rung=st.sampled_from(Rung)
)
def test_whatever_is_set_it_is_looked_at_once_each_heartbeat(
    glance: float, within: float, rate: float, heartbeat: float, rung: Rung
) -> None:
    attention = ladder(LadderSettings(glance=glance, glance_within=within), rate, heartbeat)
    attention.granted = rung
    assert attention.looks_per_s >= 1.0 / heartbeat
    assert attention.skip_s <= heartbeat
    assert attention.longest_s <= heartbeat * (1 + 1e-9)
    assert attention.looks_per_s <= max(rate, 1.0 / heartbeat)
    # No frames are passed over for longer than two looks may be apart.
    assert attention.skip_s <= attention.longest_s


_ACTS = st.lists(
    st.tuples(
        st.sampled_from([*GIVEN, "still", "quiet", "arm", "disarm", "leave"]),
        st.floats(0.0, 20.0),
        st.floats(-2.0, 0.0),
    ),
    max_size=40,
)


@given(_ACTS)
def test_it_is_never_lower_than_its_reasons_demand_nor_higher(acts: list[tuple[Reason | str, float, float]]) -> None:
    attention, now_s = ladder(), 0.0
    until_s: dict[Reason, float] = {}
    moving_since_s: float | None = None
    still_s: list[float] = []
    for act, passed_s, late_s in acts:
        now_s += passed_s
        # Answers come late, and tell of when the frame was captured.
        at_s = now_s if act is Reason.OPERATOR else now_s + late_s
        if isinstance(act, Reason):
            GIVEN[act](attention, at_s)
            # The operator's time is his own, what others say only adds.
            before_s = float("-inf") if act is Reason.OPERATOR else until_s.get(act, float("-inf"))
            until_s[act] = max(before_s, at_s + HOLD_S)
            if act is Reason.MOTION:
                # Motion that goes on is no news.
                moving_since_s, still_s = at_s if moving_since_s is None else moving_since_s, []
                until_s[act] = max(before_s, moving_since_s + HOLD_S)
        elif act == "still":
            attention.still(at_s)
            still_s.append(at_s)
            if at_s - still_s[0] >= HOLD_S:
                moving_since_s = None
                until_s.pop(Reason.MOTION, None)
        elif act == "leave":
            attention.asked(None)
            until_s.pop(Reason.OPERATOR, None)
        elif act in ("arm", "disarm"):
            attention.armed = act == "arm"
        before = attention.wants, attention.reason
        assert turn(attention, now_s) == (before != (attention.wants, attention.reason))
        holding = {reason for reason, each_s in until_s.items() if now_s <= each_s}
        if not attention.armed:
            holding &= {Reason.OPERATOR}
        assert attention.reason == max(holding, default=None)
        quiet = Rung.GLANCE if attention.armed else Rung.ASLEEP
        assert attention.wants is (Rung.WATCH if holding else quiet)
