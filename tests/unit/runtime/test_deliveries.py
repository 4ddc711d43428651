"""Deliveries in the store: in order, settled on the disk, folded, dead and sent again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from runtime.delivery.folding import summary
from runtime.events import deliveries as deliveries_module
from runtime.events.deliveries import Deliveries, Waiting
from runtime.events.notice import Notice
from runtime.events.store import EventStore
from tests.unit.runtime.notices import AT, add, cleared, event, incident, raised

NOW = datetime(2026, 11, 29, 13, 0, tzinfo=timezone.utc)
LATER = "2026-11-29T13:00:00.000+00:00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        yield store


@pytest.fixture
def deliveries(store: EventStore) -> Iterator[Deliveries]:
    with Deliveries(store.path, now=lambda: NOW) as deliveries:
        yield deliveries


def ids(deliveries: Deliveries, sink: str = "phone") -> list[str]:
    return [delivery.notice.id for delivery in deliveries.pending(sink, 100)]


def on_disk(path: Path) -> list[tuple[str, str, int, str | None]]:
    with Deliveries(path, read_only=True) as another:
        return [(each.sink, each.state, each.attempts, each.error) for each in another.find()]


def test_the_oldest_come_first_and_each_sink_has_its_own(store: EventStore, deliveries: Deliveries) -> None:
    first, second = add(store, 2, ["phone", "log"])
    (third,) = add(store, 1, ["log"])
    assert ids(deliveries) == [first.id, second.id]
    assert [each.notice for each in deliveries.pending("log", 2)] == [first, second]
    deliveries.delivered(deliveries.pending("log", 2))
    assert ids(deliveries, "log") == [third.id]
    assert ids(deliveries) == [first.id, second.id]


def test_what_was_settled_is_on_the_disk(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 3)
    one, two, three = deliveries.pending("phone", 3)
    deliveries.failed(one, "no connection")
    deliveries.failed(one, "no answer")
    deliveries.delivered([one])
    deliveries.dead(two, "refused")
    assert on_disk(store.path) == [
        ("phone", "delivered", 3, None),
        ("phone", "dead", 1, "refused"),
        ("phone", "pending", 0, None),
    ]
    assert deliveries.find("phone", "dead")[0].settled_at == LATER
    assert [delivery.id for delivery in deliveries.pending("phone", 3)] == [three.id]


def test_counts_are_by_sink_and_state(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 4, ["phone", "log"])
    one, two, *_ = deliveries.pending("phone", 4)
    deliveries.delivered([one])
    deliveries.dead(two, "refused")
    deliveries.delivered(deliveries.pending("log", 4))
    log, phone = deliveries.counts()
    assert (phone.pending, phone.delivered, phone.dead, phone.folded, phone.oldest_at) == (2, 1, 1, 0, AT)
    assert (log.sink, log.pending, log.delivered, log.oldest_at) == ("log", 0, 4, None)
    assert deliveries.waiting() == {"phone": Waiting(2, 1, AT)}


def test_dead_letters_are_sent_again_in_their_place(store: EventStore, deliveries: Deliveries) -> None:
    first, second = add(store, 2)
    for delivery in deliveries.pending("phone", 2):
        deliveries.dead(delivery, "refused")
    (third,) = add(store, 1)
    dead = deliveries.find(state="dead")
    assert deliveries.resend([dead[1].id, 999]) == 1
    assert ids(deliveries) == [second.id, third.id]
    assert deliveries.pending("phone", 1)[0].created_at == LATER
    assert deliveries.resend(sink="nobody") == 0
    assert deliveries.resend(sink="phone") == 1
    assert deliveries.resend() == 0
    assert ids(deliveries) == [first.id, second.id, third.id]


def test_what_was_delivered_is_not_sent_again(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 1)
    (delivery,) = deliveries.pending("phone", 1)
    deliveries.delivered([delivery])
    assert deliveries.resend([delivery.id]) == 0
    assert ids(deliveries) == []


def test_all_that_is_old_is_given_up(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 2, ["phone", "log"])
    store.add(young := event(), raised(young, LATER), ["phone"])
    assert deliveries.give_up("phone", "2020", LATER, "no answer") == 2
    assert [each.notice.at for each in deliveries.pending("phone", 9)] == [LATER]
    assert len(deliveries.pending("log", 9)) == 2


def test_rows_that_are_folded_stay_and_name_the_summary(store: EventStore, deliveries: Deliveries) -> None:
    notices = add(store, 3, ["phone", "log"])
    deliveries.fold("phone", lambda folded: summary(folded, NOW))
    (delivery,) = deliveries.pending("phone", 9)
    assert delivery.notice.what == "summary"
    assert [told["id"] for told in delivery.notice.body["notices"]] == [notice.id for notice in notices]
    folded = deliveries.find("phone", "folded")
    assert [each.notice for each in folded] == notices
    assert {each.folded_into for each in folded} == {delivery.notice.id}
    assert ids(deliveries, "log") == [notice.id for notice in notices]


def test_a_fold_that_fails_changes_nothing(store: EventStore, deliveries: Deliveries) -> None:
    notices = add(store, 2)

    def fail(folded: object) -> Notice:
        raise KeyError("no summary")

    with pytest.raises(KeyError):
        deliveries.fold("phone", fail)
    assert ids(deliveries) == [notice.id for notice in notices]


def test_what_stands_is_what_was_told_and_is_not_over(store: EventStore, deliveries: Deliveries) -> None:
    held, over, ending, untold = event(), event(), event(), event()
    for each in (held, over, ending):
        store.add(each, raised(each), ["phone", "log"])
    settle_all(deliveries)
    for each in (over, ending):
        store.update(replace(each, ended_s=9.0), cleared(each), ["phone"])
    first, _ = deliveries.pending("phone", 9)
    deliveries.delivered([first])
    store.add(untold, raised(untold), ["phone"])
    # That `ending` was cleared is still to be told; `untold` was not told to anybody.
    assert standing(deliveries, "phone") == {held.id, ending.id}
    # The log was told of all three, and is to be told that two are over.
    assert standing(deliveries, "log") == {held.id, over.id, ending.id}
    settle_all(deliveries)
    assert standing(deliveries, "log") == {held.id}


def test_a_camera_stands_as_down_until_it_was_told_to_be_up(store: EventStore, deliveries: Deliveries) -> None:
    gate, ramp = incident("yard/gate"), incident("yard/ramp")
    for each in (gate, ramp):
        store.open_incident(each)
        store.tell_of(each, Notice.of_incident(each, AT), ["phone"])
    settle_all(deliveries)
    assert standing(deliveries, "phone") == {gate.id, ramp.id}
    store.tell_of(gate, Notice.of_incident(replace(gate, ended_at=LATER), LATER), ["phone"])
    assert standing(deliveries, "phone") == {gate.id, ramp.id}
    assert [notice.camera for notice in deliveries.told_down()] == ["yard/ramp"]
    settle_all(deliveries)
    assert standing(deliveries, "phone") == {ramp.id}
    assert standing(deliveries, "log") == set()


def test_an_end_is_told_to_whoever_was_told_the_beginning(store: EventStore, deliveries: Deliveries) -> None:
    store.add(subject := event(), raised(subject), ["phone", "log"])
    store.open_incident(gate := incident())
    store.tell_of(gate, Notice.of_incident(gate, AT), ["phone"])
    # An older version told nobody of this one.
    store.add(older := event())
    for sink in ("phone", "log"):
        deliveries.delivered(deliveries.pending(sink, 9))
    # Meanwhile what the sinks ask for has changed, and there is another one.
    for each in (subject, older):
        store.update(replace(each, ended_s=9.0), cleared(each), ["new"])
    store.tell_of(gate, Notice.of_incident(replace(gate, ended_at=LATER), LATER), ["log", "new"])
    assert ids(deliveries) == [f"{subject.id}:cleared", f"{gate.id}:up"]
    assert ids(deliveries, "log") == [f"{subject.id}:cleared"]
    assert ids(deliveries, "new") == []


DAMAGES = {
    "torn": "substr(notice, 1, 40)",
    "no text": "CAST(x'ff7b' AS TEXT)",
    "no object": "'[1]'",
    "nothing of it": "'{}'",
    "unknown": "json_set(notice, '$.what', 'paused')",
    "no time": "json_set(notice, '$.at', 'yesterday')",
    "another": "json_set(notice, '$.id', 'x')",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_cannot_be_read_is_a_dead_letter_and_hides_no_other(store: EventStore, damage: str) -> None:
    told: list[dict[str, object]] = []
    _, second, third = add(store, 3)
    gate, ramp = incident("yard/gate"), incident("yard/ramp")
    for each in (gate, ramp):
        store.open_incident(each)
        store.tell_of(each, Notice.of_incident(each, AT), ["log"])
    with Deliveries(store.path, tell=lambda event, **facts: told.append(facts)) as deliveries:
        deliveries.delivered(deliveries.pending("log", 9))
        damaged = (f"{second.id}", f"{gate.id}:down")
        store.database.run(f"UPDATE deliveries SET notice = {damage} WHERE notice_id IN (?, ?)", damaged)
        assert [notice.camera for notice in deliveries.told_down()] == ["yard/ramp"]
        assert standing(deliveries, "log") == {ramp.id}
        assert len(deliveries.find()) == 3
        # Also where it would be the only one of those that are read at once.
        deliveries.delivered(deliveries.pending("phone", 1))
        assert [each.notice for each in deliveries.pending("phone", 1)] == [third]
        assert ids(deliveries) == [third.id]
        (count,) = (each for each in deliveries.counts() if each.sink == "phone")
        assert (count.pending, count.dead) == (1, 1)
        assert [(facts["sink"], facts["delivery"]) for facts in told] == [("phone", 2)]


def test_a_field_of_a_later_version_hinders_nothing(store: EventStore, deliveries: Deliveries) -> None:
    (notice,) = add(store, 1)
    store.database.run("UPDATE deliveries SET notice = json_set(notice, '$.priority', 1)")
    assert [each.notice for each in deliveries.pending("phone", 1)] == [notice]


def test_what_is_settled_is_the_very_delivery(tmp_path: Path) -> None:
    with EventStore(tmp_path / "damaged.sqlite") as old, Deliveries(old.path) as deliveries:
        add(old, 1)
        (told,) = deliveries.pending("phone", 1)
    with EventStore(tmp_path / "anew.sqlite") as new, Deliveries(new.path) as deliveries:
        (notice,) = add(new, 1)
        (other,) = deliveries.pending("phone", 1)
        assert (other.id, other.sink) == (told.id, told.sink)
        deliveries.delivered([told])
        deliveries.failed(told, "no answer")
        deliveries.dead(told, "refused")
        assert deliveries.pending("phone", 1) == [other]
        assert other.notice == notice


def test_a_fold_takes_only_what_its_summary_tells(
    store: EventStore, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_again, *notices = add(store, 3)
    deliveries.dead(deliveries.pending("phone", 1)[0], "refused")
    new: list[Notice] = []

    def slowly(folded: Sequence[Notice]) -> Notice:
        # Nobody waits while it is made.
        with Deliveries(store.path, busy_timeout_s=0.0) as another:
            another.resend()
        new.extend(add(store, 1))
        return summary(folded, NOW)

    assert not deliveries.fold("phone", slowly)
    assert len(ids(deliveries)) == 4
    assert deliveries.fold("phone", slowly)
    (told,) = (each.notice for each in deliveries.pending("phone", 9) if each.notice.what == "summary")
    listed = [each["id"] for each in told.body["notices"]]
    assert listed == [notice.id for notice in (sent_again, *notices, new[0])]
    assert {each.notice.id for each in deliveries.find("phone", "folded")} == set(listed)
    assert new[1].id in ids(deliveries)


def test_what_is_urgent_is_not_folded_and_one_alone_is_not(store: EventStore, deliveries: Deliveries) -> None:
    add(store, 1)
    (fire,) = add(store, 1, severity="critical")
    assert not deliveries.fold("phone", lambda folded: summary(folded, NOW))
    add(store, 1)
    assert deliveries.fold("phone", lambda folded: summary(folded, NOW))
    urgent = deliveries.urgent("phone")
    assert urgent is not None
    assert [each.notice.what for each in deliveries.pending("phone", 9)] == ["raised", "summary"]
    assert urgent.notice.id == fire.id
    deliveries.delivered([urgent])
    assert deliveries.urgent("phone") is None


@pytest.mark.parametrize("given_up", [False, True])
def test_a_summary_that_cannot_be_delivered_hides_nothing(
    store: EventStore, deliveries: Deliveries, given_up: bool
) -> None:
    notices = add(store, 2, ["phone", "log"])
    for sink in ("phone", "log"):
        deliveries.fold(sink, lambda folded: summary(folded, NOW))
    notices += add(store, 1)
    # One of a summary and a notice.
    deliveries.fold("phone", lambda folded: summary(folded, NOW))
    if given_up:
        deliveries.give_up("phone", "2020", "2027", "too large")
    else:
        deliveries.dead(deliveries.pending("phone", 1)[0], "too large")
    dead = deliveries.find("phone", "dead")
    assert [each.notice.id for each in dead] == [notice.id for notice in notices]
    assert {(each.error, each.settled_at) for each in dead} == {("too large", LATER)}
    assert len(deliveries.find("log", "folded")) == 2
    # Sent again, each is told once.
    deliveries.resend()
    assert ids(deliveries) == [notice.id for notice in notices]


def test_what_waits_is_counted_without_reading_it(store: EventStore) -> None:
    plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN QUERY PLAN {deliveries_module._WAITING}"))
    assert "COVERING INDEX" in plan


def test_pictures_are_those_that_are_there(store: EventStore, deliveries: Deliveries, tmp_path: Path) -> None:
    store.add(subject := event())
    (tmp_path / "there.jpg").touch()
    (tmp_path / "clip.mp4").touch()
    add_media = "INSERT INTO media (event_id, kind, path, bytes, created_at) VALUES (?, 'any', ?, 1, ?)"
    for name in ("there.jpg", "gone.jpg", "clip.mp4"):
        store.database.run(add_media, (subject.id, name, AT))
    assert deliveries.pictures(subject.id) == [tmp_path / "there.jpg"]


def settle_all(deliveries: Deliveries) -> None:
    deliveries.delivered(deliveries.find(state="pending"))


def standing(deliveries: Deliveries, sink: str) -> set[str]:
    return {notice.body["id"] for notice in deliveries.standing(sink)}
