"""`edge-resnet events` as a user runs it, on a store that a stream may be writing."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import pytest

from edge_resnet.command import Exit
from runtime.events import purge as purging
from runtime.events.event import Event
from runtime.events.media import Media, file_of
from runtime.events.near_miss import NearMiss
from runtime.events.notice import Notice
from runtime.events.scores import JudgedTarget, Piece, RecordedLook, write
from runtime.events.store import EventStore
from runtime.rule_settings import RuleSettings
from tests.commands import edge_resnet
from tests.unit.runtime.stored import put

NOON = "2026-11-24T12:00:00.000+00:00"
FIRE = Event(
    id="aaaa0000-0000-4000-8000-000000000001",
    camera="site/yard",
    alarm="fire",
    label="fire",
    raised_at=NOON,
    created_at=NOON,
    started_s=10.0,
    raised_s=11.2,
    ended_s=100.0,
    peak=0.93,
    mean=0.81,
    looks=440,
    model_sha256="ab" * 32,
    backend="openvino",
    precision="int8",
    severity="critical",
)
PERSON = replace(
    FIRE,
    id="aabb",
    camera="site/gate",
    alarm="person",
    zone="ramp",
    ended_s=None,
    created_at="2026-11-25T12:00:00.000+00:00",
)
MISS = NearMiss(
    "cccc", "site/yard", "fire", None, "fire", NOON, NOON, 1.0, 1.4, 0.64, 1.2, 0.7, 3,
    "2 of 3 looks, best 0.64 under 0.70",
    "run", "ab" * 32, "openvino", "int8",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COLUMNS", "140")
    path = tmp_path / "events.sqlite"
    with EventStore(path) as store:
        store.add(FIRE, Notice.of_event(replace(FIRE, ended_s=None), NOON), ["phone"])
        store.add(PERSON)
        store.add_miss(MISS)
        yield path


def test_the_newest_come_last_and_may_be_chosen(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = edge_resnet(capsys, "events", "list", "--events", store, "--json").answer["events"]
    assert [event["id"] for event in listed] == [FIRE.id, PERSON.id]
    for chosen, ids in (
        (["--camera", "site/gate"], ["aabb"]),
        (["--alarm", "fire"], [FIRE.id]),
        (["--since", "2026-11-25T00:00+00:00"], ["aabb"]),
        (["--until", "2026-11-25T00:00+00:00"], [FIRE.id]),
        (["--limit", "1"], ["aabb"]),
    ):
        answer = edge_resnet(capsys, "events", "list", "--events", store, "--json", *chosen).answer
        assert [event["id"] for event in answer["events"]] == ids
    shown = edge_resnet(capsys, "events", "list", "--events", store).out
    assert "person in ramp" in shown
    assert "1 min 30 s" in shown
    assert "held" in shown


LONG = replace(FIRE, id="dddd", camera="campus-of-the-north/hall-of-the-machines", alarm="intruder")


def test_a_pipe_gets_all_of_it_and_a_terminal_first_lacks_the_severity(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = ("events", "list", "--events", store)
    monkeypatch.setenv("COLUMNS", "80")
    with EventStore(store) as opened:
        opened.add(LONG)
    piped = edge_resnet(capsys, *listing).out
    assert [LONG.camera, "intruder", "critical"] in [line.split()[3:6] for line in piped.splitlines()]
    # A dumb terminal has 80 columns and no colours.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    shown = edge_resnet(capsys, *listing).out
    assert max(map(len, shown.splitlines())) <= 80
    assert not any(word in shown for word in ("sever", "crit"))
    assert "…" not in shown
    row = next(line for line in shown.splitlines() if line.startswith("dddd"))
    assert row.split()[1:3] == datetime.fromisoformat(NOON).astimezone().strftime("%Y-%m-%d %H:%M:%S").split()
    assert "1 min 30 s" in row


def test_a_near_miss_says_why_it_did_not_fire(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        "2 of 3 looks, best 0.64 under 0.70" in edge_resnet(capsys, "events", "list", "--misses", "--events", store).out
    )
    (miss,) = edge_resnet(capsys, "events", "list", "--misses", "--events", store, "--json").answer["misses"]
    assert (miss["best"], miss["threshold"]) == (0.64, 0.7)


def test_show_tells_what_belongs_to_an_event(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = edge_resnet(capsys, "events", "show", "aaaa", "--events", store, "--json").answer
    assert (answer["severity"], answer["media"]) == ("critical", [])
    (delivery,) = answer["deliveries"]
    assert (delivery["sink"], delivery["notice"], delivery["state"]) == ("phone", f"{FIRE.id}:raised", "pending")
    assert edge_resnet(capsys, "events", "show", "last", "--events", store, "--json").answer["id"] == "aabb"
    assert "severity       critical" in edge_resnet(capsys, "events", "show", "aaaa", "--events", store).out


def test_what_woke_the_camera_of_an_alarm_that_is_held_is_shown(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = ("events", "show", "aabb", "--events", store)
    assert edge_resnet(capsys, *show, "--json").answer["attention"] == []
    with EventStore(store) as opened:
        rungs = (
            (4.0, "glance", ""),
            (8.0, "watch", "motion"),
            (PERSON.raised_s, "watch", "motion"),
        )
        looks = tuple(
            RecordedLook(time_s, 0, 0.2, "off", (0.9,), (JudgedTarget(0.9, "held"),), attention, why)
            for time_s, attention, why in rungs
        )
        rules, model = (asdict(RuleSettings()),), (PERSON.model_sha256, "openvino", "int8")
        target = (PERSON.alarm, PERSON.zone)
        write(
            opened.database, [Piece("", PERSON.camera, PERSON.created_at, ("person",), (target,), rules, *model, looks)]
        )
    assert edge_resnet(capsys, *show, "--json").answer["attention"] == [
        {"time_s": 4.0, "attention": "glance", "attention_why": None},
        {"time_s": 8.0, "attention": "watch", "attention_why": "motion"},
    ]
    assert "attention      time_s 8.0  attention watch  attention_why motion" in edge_resnet(capsys, *show).out
    with EventStore(store) as opened:
        opened.database.run("UPDATE scores SET body = x'00'")
    damaged = edge_resnet(capsys, *show, "--json").answer
    assert (damaged["id"], damaged["attention"]) == ("aabb", [])


def test_a_verdict_is_kept_and_may_be_changed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert edge_resnet(capsys, "events", "verdict", "aaaa", "true", "--events", store).code == Exit.FINE
    edge_resnet(capsys, "events", "verdict", "aaaa", "false", "--note", "a welder", "--events", store)
    shown = edge_resnet(capsys, "events", "show", "aaaa", "--events", store, "--json").answer
    assert (shown["verdict"], shown["note"]) == ("false", "a welder")
    edge_resnet(capsys, "events", "verdict", "aaaa", "unclear", "--events", store)
    shown = edge_resnet(capsys, "events", "show", "aaaa", "--events", store, "--json").answer
    assert (shown["verdict"], shown["note"]) == ("unclear", "a welder")


def test_exports_are_whole(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edge_resnet(capsys, "events", "verdict", "aaaa", "true", "--events", store)
    out = store.with_name("events.csv")
    assert edge_resnet(capsys, "events", "export", out, "--events", store).out.endswith("2 events\n")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["verdict"]) for row in rows] == [(FIRE.id, "true"), ("aabb", "")]
    lines = store.with_name("events.jsonl")
    edge_resnet(capsys, "events", "export", lines, "--alarm", "person", "--events", store)
    assert [json.loads(line)["zone"] for line in lines.read_text().splitlines()] == ["ramp"]
    told = edge_resnet(capsys, "events", "export", lines, "--alarm", "person", "--events", store, "--json").answer
    assert told == {"file": str(lines), "events": 1, "bytes": lines.stat().st_size}


def test_a_backup_is_a_store_of_its_own(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = store.with_name("copy.sqlite")
    with EventStore(store) as writer, writer.together():
        assert edge_resnet(capsys, "events", "backup", copy, "--events", store).code == Exit.FINE
    listed = edge_resnet(capsys, "events", "list", "--events", copy, "--json").answer["events"]
    assert [event["id"] for event in listed] == [FIRE.id, PERSON.id]
    assert "is the event store itself" in edge_resnet(capsys, "events", "backup", store, "--events", store).mistake


def test_a_purge_tells_what_would_go_and_keeps_what_has_to_be_told(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = replace(FIRE, id="dddd", created_at="2026-11-01T12:00:00.000+00:00")
    new = replace(FIRE, id="eeee", created_at="2026-11-26T12:00:00.000+00:00")
    with EventStore(store) as writer:
        writer.add(old)
        writer.add(new)
    clips = {each.id: file_of(store, each, "clip") for each in (old, new)}
    os.truncate(put(clips["eeee"], 1), 20_000_000_000)
    with closing(Media(store)) as media:
        media.register(old, "clip", put(clips["dddd"], 1000))
        media.register(new, "clip", clips["eeee"])
    # Neither what a file takes nor a disk that is short is a reason: only what is before then goes.
    monkeypatch.setattr(purging, "space", lambda folder: (0.0, 1e12))
    purge = ("events", "purge", "--events", store, "--before", "2026-11-25T18:00+00:00")
    foretold = edge_resnet(capsys, *purge, "--dry-run", "--json").answer
    assert foretold["rows"] == {"near_misses": 1, "events": 1}
    assert foretold["files"] == {"age": 1}
    assert "gone: 1 near misses, 1 events, 1 files" in edge_resnet(capsys, *purge).out
    assert [each.exists() for each in clips.values()] == [False, True]
    left = edge_resnet(capsys, "events", "list", "--events", store, "--json").answer["events"]
    # The first has still to be told of, the second is held.
    assert [event["id"] for event in left] == [FIRE.id, PERSON.id, "eeee"]
    longer = ("events", "purge", "--events", store, "--before", "2021-01-01")
    assert "gone: nothing" in edge_resnet(capsys, *longer).out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "--camera", "site/yarb"], "--camera site/yarb: nothing of it in"),
        (["list", "--camera", "gate"], "did you mean site/gate?"),
        (["list", "--camera", "site/xyz"], "there are site/gate, site/yard"),
        (["export", "a.csv", "--alarm", "fier"], "did you mean fire?"),
        (["show", "aa"], "aa: 2 ids begin so"),
        (["show", "zz"], "no event zz; edge-resnet events list shows them"),
        (["verdict", "aaaa", "maybe"], "maybe: a verdict is one of true, false, unclear"),
        (["export", "events.txt"], "name a file that ends in .csv or .jsonl"),
        (["purge", "--config", "a", "--before", "1 d"], "Give one of them"),
        (["purge"], "name --config or --before"),
        (["purge", "--before", "soon"], "--before soon: takes a day or time"),
        (["list", "--since", "tomorrow"], "--since tomorrow: takes a day or time"),
        (["list", "--since", "2026-11-25", "--until", "2026-11-24"], "is not before"),
    ],
)
def test_mistakes_are_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in edge_resnet(capsys, "events", *arguments, "--events", store).mistake


def test_no_store_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.sqlite"
    for command in (["list"], ["show", "a"], ["verdict", "a", "true"], ["export", tmp_path / "a.csv"]):
        assert "no such event store" in edge_resnet(capsys, "events", *command, "--events", missing).mistake
    assert not missing.exists()
