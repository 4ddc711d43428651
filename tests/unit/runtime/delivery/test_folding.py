"""Storms: how many notices go, when the others do, and as what."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.delivery.folding import MOST_LISTED, Folding, summary
from runtime.events.notice import Notice
from tests.unit.runtime.notices import AT, cleared, event, incident, raised

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


def notice(after_s: float = 0.0, **more: str) -> Notice:
    return raised(event(**more), (NOW + timedelta(seconds=after_s)).isoformat(timespec="milliseconds"))


def test_so_many_go_and_the_next_one_waits_until_the_time_is_over() -> None:
    folding = Folding(3, 300.0)
    for now_s in (0.0, 10.0, 20.0):
        assert folding.wait_s(notice(), now_s) == 0.0
        folding.sent(notice(), now_s)
    assert folding.wait_s(notice(), 21.0) == 279.0
    assert folding.wait_s(notice(), 300.0) == 0.0


def test_a_few_now_and_then_never_wait() -> None:
    folding = Folding(3, 300.0)
    for now_s in range(0, 5000, 101):
        assert folding.wait_s(notice(), now_s) == 0.0
        folding.sent(notice(), now_s)


def test_a_summary_does_not_wait_and_what_follows_it_does() -> None:
    folding = Folding(3, 300.0)
    told = summary([notice(), notice()], NOW)
    for _ in range(3):
        folding.sent(notice(), 0.0)
    assert folding.wait_s(told, 1.0) == 0.0
    folding.sent(told, 300.0)
    assert folding.wait_s(notice(), 310.0) == 290.0


def test_without_a_number_nothing_waits() -> None:
    folding = Folding(None, 300.0)
    for _ in range(1000):
        folding.sent(notice(), 0.0)
        assert folding.wait_s(notice(), 0.0) == 0.0


@given(st.lists(st.floats(0.0, 100.0), max_size=60), st.integers(1, 5))
def test_no_more_than_so_many_go_within_the_time(pauses_s: list[float], after: int) -> None:
    folding, now_s, went_s = Folding(after, 60.0), 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s
        if folding.wait_s(notice(), now_s) == 0.0:
            folding.sent(notice(), now_s)
            went_s.append(now_s)
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in zip(went_s, went_s[after:], strict=False))


def test_a_summary_tells_of_all_and_is_as_bad_as_the_worst() -> None:
    notices = [notice(), notice(250.0, severity="critical", alarm="smoke"), notice(290.0, camera="yard/ramp")]
    told = summary(notices, NOW)
    assert (told.what, told.camera, told.alarm, told.severity) == ("summary", None, None, "critical")
    assert told.body["text"] == "3 more in 5 minutes; worst: critical, smoke raised at yard/gate"
    assert told.body["count"] == 3
    assert [each["id"] for each in told.body["notices"]] == [each.id for each in notices]
    assert [(each["camera"], each["alarm"]) for each in told.body["notices"]][1:] == [
        ("yard/gate", "smoke"),
        ("yard/ramp", "fire"),
    ]
    assert Notice.from_json(told.to_json()) == told
    assert told.id != summary(notices, NOW).id


def test_of_very_many_those_are_listed_that_still_hold() -> None:
    passed = [event() for _ in range(MOST_LISTED)]
    held, ended, later = event(), event(), [event() for _ in range(3)]
    notices = [raised(held), cleared(ended)]
    notices += [made(each) for each in passed for made in (raised, cleared)]
    notices += [raised(each) for each in later]
    told = summary(notices, NOW)
    listed = [each["id"] for each in told.body["notices"]]
    assert (told.body["count"], len(listed)) == (len(notices), MOST_LISTED)
    assert listed[:2] == [f"{held.id}:raised", f"{ended.id}:cleared"]
    assert listed[-3:] == [f"{each.id}:raised" for each in later]
    # The latest of the others.
    assert listed[2:-3] == [notice.id for notice in notices[-3 - (MOST_LISTED - 5) : -3]]
    assert told.body["text"].startswith(f"{len(notices)} more in ")
    # Told once more with others, it still counts all.
    again = summary([told, raised()], NOW)
    assert (again.body["count"], len(again.body["notices"])) == (len(notices) + 1, MOST_LISTED)


def test_the_worst_is_what_was_raised() -> None:
    over, held = event(severity="critical"), event("yard/ramp", severity="critical")
    down = Notice.of_incident(incident(None, "backend"), AT)
    assert summary([cleared(over), raised(held), down], NOW).body["text"].endswith("critical, fire raised at yard/ramp")
    assert summary([raised(event(severity="info")), down], NOW).body["text"].endswith("warning, down at this box")


def test_a_summary_of_a_summary_tells_of_what_that_tells() -> None:
    one, two, three = notice(), notice(), notice()
    told = summary([summary([one, two], NOW), three], NOW)
    assert [each["id"] for each in told.body["notices"]] == [one.id, two.id, three.id]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "1 second"), (90.0, "90 seconds"), (301.0, "6 minutes"), (7200.0, "2 hours")]
)
def test_the_time_is_told_in_words(seconds: float, words: str) -> None:
    assert summary([notice(), notice(seconds)], NOW).body["text"].startswith(f"2 more in {words}; ")
