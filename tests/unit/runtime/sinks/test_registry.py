"""Sinks that other packages bring: found by their entry points, checked by their own settings, blamed by their name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.config.load import read
from runtime.config.settings import WatchSettings
from runtime.config.sinks import PluginSettings
from runtime.sinks.registry import open_sink
from runtime.sinks.sink import Context
from tests.unit.runtime.notices import raised

GOOD = """
from pathlib import Path
from pydantic import BaseModel, Field, SecretStr
from runtime.sinks.sink import Sink

class Settings(BaseModel, extra="forbid"):
    number: int = Field(ge=100)
    code: SecretStr | None = None
    file: Path | None = None

told = []

class Pager(Sink):
    Settings = Settings
    def __init__(self, settings, context):
        self.settings, self.context = settings, context
    def deliver(self, notice, pictures):
        told.append((self.settings.number, self.context.name, notice.id))
    def close(self):
        pass
"""

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package acme-sinks on the path, with this code."""

    def put(code: str) -> None:
        facts = tmp_path / "site" / "acme_sinks-1.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-sinks\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text("[edge_resnet.sinks]\npager = acme_sinks:Pager\n")
        (tmp_path / "site" / "acme_sinks.py").write_text(code)
        monkeypatch.delitem(sys.modules, "acme_sinks", raising=False)
        monkeypatch.syspath_prepend(tmp_path / "site")

    return put


def configured(tmp_path: Path, sink: str) -> Path:
    file = tmp_path / "cameras.yaml"
    file.write_text(f"sites: {{yard: {{cameras: {{gate: {{detect: 0}}}}}}}}\nsinks:\n  duty: {sink}\n")
    return file


def problems(tmp_path: Path, sink: str) -> list[str]:
    return [line.split(": ", 1)[1] for line in read(configured(tmp_path, sink), environment={}).lines()]


def settings(tmp_path: Path, sink: str) -> WatchSettings:
    reading = read(configured(tmp_path, sink), environment={"CODE": "s3cr3t"})
    assert reading.settings is not None, reading.lines()
    return reading.settings


def test_it_is_configured_opened_and_told(install: Install, tmp_path: Path) -> None:
    install(GOOD)
    watch = settings(
        tmp_path, '{kind: pager, number: 112, code: "${CODE}", file: a.txt, alarms: [fire], fold_within: 2 min}'
    )
    made = watch.sinks["duty"]
    assert isinstance(made, PluginSettings)
    assert (made.alarms, made.fold_within) == (("fire",), 120.0)
    sink = open_sink(made, Context("duty"))
    sink.deliver(notice := raised(), ())
    assert sys.modules["acme_sinks"].told == [(112, "duty", notice.id)]
    assert made.own.code.get_secret_value() == "s3cr3t"  # type: ignore[attr-defined]  # of the package
    assert made.own.file == tmp_path / "a.txt"  # type: ignore[attr-defined]  # of the package
    assert "s3cr3t" not in repr(made)
    assert "s3cr3t" not in repr(watch)


def test_its_own_settings_are_checked_and_told_with_their_place(install: Install, tmp_path: Path) -> None:
    install(GOOD)
    assert problems(tmp_path, "{kind: pager, number: 3}") == [
        "sinks.duty.number: input should be greater than or equal to 100"
    ]
    assert problems(tmp_path, "{kind: pager, number: 112, colour: red}") == [
        "sinks.duty.colour: extra inputs are not permitted"
    ]
    assert problems(tmp_path, "{kind: pager, number: 112, min_severity: bad}") == [
        "sinks.duty.min_severity: unknown 'bad'; there are info, warning, critical"
    ]


def test_a_change_of_its_own_settings_is_one(install: Install, tmp_path: Path) -> None:
    install(GOOD)
    one, same, other = (
        settings(tmp_path, f"{{kind: pager, number: {number}}}").sinks["duty"] for number in (112, 112, 110)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('no licence')", "cannot be imported (RuntimeError: no licence)"),
        ("Other = 3", "cannot be imported (AttributeError: "),
        ("class Pager:\n    def deliver(self): ...\n    def close(self): ...", "has no Settings of pydantic"),
        (
            "from pydantic import BaseModel\nclass Pager:\n    class Settings(BaseModel): ...\n",
            "cannot deliver and flush and close",
        ),
    ],
)
def test_a_broken_package_is_named(code: str, why: str, install: Install, tmp_path: Path) -> None:
    install(code)
    (line,) = problems(tmp_path, "{kind: pager}")
    assert line.startswith(f"sinks.duty.kind: the kind pager of the package acme-sinks {why}")
    assert line.endswith("update acme-sinks, or remove it")


def test_a_broken_package_hinders_nobody_who_does_not_use_it(install: Install, tmp_path: Path) -> None:
    install("raise RuntimeError('no licence')")
    assert settings(tmp_path, "{kind: jsonl, path: lines.jsonl}").sinks["duty"].kind == "jsonl"


def test_a_kind_that_nobody_brings_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "{kind: pager}") == [
        "sinks.duty.kind: 'pager' is no kind of sink; there are jsonl, mqtt, webhook, email"
    ]
    with pytest.raises(ValidationError):
        PluginSettings(kind="pager")
