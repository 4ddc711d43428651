"""`edge-resnet report --ledger` as a user runs it, also while the store is being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_resnet.cli.report import duration, sentence
from edge_resnet.cli.when import moment, moment_or_time
from edge_resnet.command import Exit
from edge_resnet.errors import UserError
from runtime.events.entry import Entry
from runtime.events.incident import Incident
from runtime.events.store import EventStore
from tests.commands import edge_resnet

HOURS = [f"2026-11-24T{hour:02}:00:00+00:00" for hour in range(24)]
ENTRIES = [
    Entry("site/gate", HOURS[12], "watched", 1800.0),
    Entry("site/gate", HOURS[13], "watched", 3600.0),
    Entry("site/gate", HOURS[14], "watched", 300.0),
    Entry("site/yard", HOURS[12], "starting", 2.5),
    Entry("site/yard", HOURS[12], "watched", 1797.5),
    Entry("site/yard", HOURS[13], "watched", 3000.0),
    Entry("site/yard", HOURS[13], "offline:refused", 500.0),
    Entry("site/yard", HOURS[13], "frozen", 100.0),
    Entry("site/yard", HOURS[14], "watched", 300.0),
]
INCIDENTS = [
    Incident("1", "site/yard", "frozen", HOURS[13], "2026-11-24T13:01:40+00:00", {"still_s": 30.2}),
    Incident("2", None, "backend", "2026-11-24T13:30:00+00:00", None, {"text": "openvino hangs [8/8]"}),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add_ledger(ENTRIES, {})
        for incident in INCIDENTS:
            store.open_incident(incident)
        yield store


def test_people_see_shares_reasons_sums_and_incidents(
    store: EventStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    # A writer that is in the middle of a transaction does not stand in the way.
    store.database.connection.execute("BEGIN IMMEDIATE")
    shown = edge_resnet(capsys, "report", "--ledger", "--events", store.path)
    store.database.connection.execute("ROLLBACK")
    assert shown.code == Exit.FINE, shown.err
    (yard,) = [line for line in shown.out.splitlines() if "site/yard" in line and "%" in line]
    assert "89.42%" in yard
    assert "1 h 24 min" in yard
    assert "offline: refused 8 min 20 s, frozen 1 min 40 s, starting 2.5 s" in yard
    assert "100.00%" in shown.out
    assert "all 6 camera-hours are whole (" in shown.out
    assert "openvino hangs [8/8]" in shown.out
    assert "(the box)" in shown.out
    assert "1 min 40 s" in shown.out


def test_programs_get_seconds_from_the_hour_they_ask_for(store: EventStore, capsys: pytest.CaptureFixture[str]) -> None:
    since = "2026-11-24T13:20+00:00"
    answer = edge_resnet(
        capsys, "report", "--ledger", "--events", store.path, "--since", since, "--by", "hour", "--json"
    ).answer
    assert answer["since"] == HOURS[13]
    assert [(each["camera"], each["hour"], each["seconds"]) for each in answer["accounts"]] == [
        ("site/gate", HOURS[13], 3600.0),
        ("site/gate", HOURS[14], 300.0),
        ("site/yard", HOURS[13], 3600.0),
        ("site/yard", HOURS[14], 300.0),
    ]
    assert answer["accounts"][2]["blind_s"] == {"offline:refused": 500.0, "frozen": 100.0}
    assert [each["id"] for each in answer["incidents"]] == ["1", "2"]
    assert answer["odd_hours"] == []


def test_hours_that_do_not_add_up_are_named(store: EventStore, capsys: pytest.CaptureFixture[str]) -> None:
    store.add_ledger([Entry("site/yard", HOURS[13], "watched", 3600.0)], {})
    shown = edge_resnet(capsys, "report", "--ledger", "--events", store.path)
    assert "1 of 6 camera-hours are not 3600 s" in shown.out
    assert "site/yard 2026-11-24T13:00 (7200 s)" in shown.out


def test_a_second_that_is_missing_never_rounds_to_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    with EventStore(tmp_path / "events.sqlite") as store:
        hours = [Entry("yard", f"2026-11-{day:02}T00:00:00+00:00", "watched", 3600.0) for day in range(1, 30)]
        store.add_ledger([*hours, Entry("yard", HOURS[23], "stale", 1.0)], {})
    assert "99.99%" in edge_resnet(capsys, "report", "--ledger", "--events", tmp_path / "events.sqlite").out


def test_a_store_without_a_ledger_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EventStore(tmp_path / "events.sqlite").close()
    shown = edge_resnet(capsys, "report", "--ledger", "--events", tmp_path / "events.sqlite")
    assert shown.code == Exit.FINE
    (line,) = shown.out.splitlines()
    # As after a file was watched; of no hours, none is said to be whole.
    assert line == "no watched time is booked: live cameras are booked, files and folders are not"


def test_the_title_says_that_the_hours_are_whole(store: EventStore, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ("report", "--ledger", "--events", store.path, "--since")
    rounded = edge_resnet(capsys, *ask, "2026-11-24T13:20+00:00").out
    assert "watched time since 2026-11-24 13:00 UTC, rounded down to the hour" in rounded
    exact = edge_resnet(capsys, *ask, "2026-11-24T13:00+00:00").out
    assert "watched time since 2026-11-24 13:00 UTC" in exact
    assert "rounded" not in exact


ADDRESS = "rtsp://***@127.0.0.1:46547/cam"
REFUSED = {"reason": "refused", "silence_s": 10.1}


@pytest.mark.parametrize("width", [80, 120])
def test_an_incident_is_a_sentence_of_few_lines_and_no_name_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = f"camera {ADDRESS}: refused; nobody listens at 127.0.0.1:46547"
    with EventStore(tmp_path / "events.sqlite") as store:
        store.add_ledger([Entry(ADDRESS, HOURS[13], "offline:unauthorised", 3600.0)], {})
        # A store of before may hold the moment of a clock.
        facts = {**REFUSED, "text": text, "lost_s": 15800.0}
        store.open_incident(Incident("1", ADDRESS, "offline", HOURS[13], HOURS[14], facts))
    out = edge_resnet(capsys, "report", "--ledger", "--events", tmp_path / "events.sqlite").out
    assert max(map(len, out.splitlines())) <= width
    _, _, incidents = out.partition("incidents")
    rows = incidents.splitlines()[2:]
    assert len(rows) <= (3 if width == 80 else 2)
    # Put together again what was folded, column by column.
    start, end = rows[0].index("rtsp"), rows[0].index("offline")
    assert "".join(row[start:end].strip() for row in rows) == ADDRESS
    assert " ".join(row[end:].strip() for row in rows).strip() == "offline: refused; nobody listens at 127.0.0.1:46547"
    assert "…" not in out


@pytest.mark.parametrize(
    ("kind", "evidence", "said"),
    [
        ("offline", REFUSED | {"text": "refused; is it on?"}, "offline: refused; is it on?"),
        ("offline", REFUSED | {"reason": "not_found", "text": "camera a: not found; x"}, "offline: not found; x"),
        ("offline", REFUSED | {"reason": "timeout"}, "offline: timeout; no frame for 10.1 s"),
        ("stale", {"silence_s": 3.1}, "stale: no frame for 3.1 s"),
        ("frozen", {"still_s": 30.2}, "frozen: the same picture for 30.2 s"),
        ("black", {"dark_level": 3.0}, "black: 98% of it at most 3 of 255"),
        ("overexposed", {"light_level": 250.0}, "overexposed: 98% of it at least 250 of 255"),
        ("out_of_focus", {"sharpness": 0.0071, "usual": 0.2113}, "out of focus: sharpness 0.007, usually 0.211"),
        ("backend", {"backend": "openvino int8", "why": "it hangs"}, "backend: openvino int8 failed: it hangs"),
        ("of_tomorrow", {"heat_c": 81.26}, "of tomorrow: heat_c 81.3"),
        ("stale", {}, "stale"),
    ],
)
def test_each_kind_of_incident_has_its_sentence(kind: str, evidence: dict[str, float | str], said: str) -> None:
    assert sentence(Incident("1", "a", kind, HOURS[13], None, evidence)) == said


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent.sqlite"
    assert str(absent) in edge_resnet(capsys, "report", "--ledger", "--events", absent).mistake
    assert not absent.exists()
    EventStore(absent).close()
    assert "--ledger" in edge_resnet(capsys, "report", "--events", absent).mistake
    assert "24 h" in edge_resnet(capsys, "report", "--ledger", "--events", absent, "--since", "noon").mistake
    by_day = edge_resnet(capsys, "report", "--ledger", "--events", absent, "--by", "day").mistake
    assert by_day == "--by day: takes camera or hour"
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).executescript("CREATE TABLE bookmarks (url TEXT);").connection.close()
    assert "another program" in edge_resnet(capsys, "report", "--ledger", "--events", other).mistake


def test_since_is_a_day_a_time_or_how_long_ago() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
    assert moment("--since", "24 h", now) == now - timedelta(days=1)
    assert moment("--since", "2026-11-24T13:00+00:00") == datetime(2026, 11, 24, 13, tzinfo=timezone.utc)
    assert moment("--since", "2026-11-24") == datetime(2026, 11, 24).astimezone()
    with pytest.raises(UserError, match="--since 2026-11-25: that is in the future"):
        moment("--since", "2026-11-25", now)
    for wrong in ("24", "-2 h", "yesterday", ""):
        with pytest.raises(UserError, match="--since"):
            moment("--since", wrong)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("11:30", datetime(2026, 11, 24, 11, 30)),
        (" 11:59:59 ", datetime(2026, 11, 24, 11, 59, 59)),
        ("12:00", datetime(2026, 11, 24, 12)),
        # Still to come today.
        ("12:00:01", datetime(2026, 11, 23, 12, 0, 1)),
        ("23:00", datetime(2026, 11, 23, 23)),
        ("2026-11-24 11:00", datetime(2026, 11, 24, 11)),
        ("1 h", datetime(2026, 11, 24, 11)),
    ],
)
def test_a_time_of_day_is_the_last_that_was(text: str, then: datetime) -> None:
    now = datetime(2026, 11, 24, 12).astimezone(timezone.utc)
    assert moment_or_time("--at", text, now) == then.astimezone()


@pytest.mark.parametrize("text", ["24:00", "12:00:61", "noon", "12"])
def test_what_is_no_time_of_day_is_told_with_what_would_be(text: str) -> None:
    with pytest.raises(UserError, match=rf"--at {text}: takes .*a time of day \(13:00, 13:00:30\)"):
        moment_or_time("--at", text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (200, "3 min 20 s"), (18600, "5 h 10 min"), (1047600, "12 d 3 h")],
)
def test_lengths_of_time_are_told_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
