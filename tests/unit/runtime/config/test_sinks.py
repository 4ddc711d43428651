"""Sinks in cameras.yaml: secrets, references, mistakes with their places; and what the pages tell of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from runtime.config.example import EXAMPLE
from runtime.config.load import read
from runtime.config.schema import schema
from runtime.config.settings import WatchSettings
from runtime.config.sinks import BUILT_IN, AnySink, EmailSettings, MqttSettings, SinkSettings, WebhookSettings
from runtime.config.units import WRITTEN, Seconds

ROOT = Path(__file__).resolve().parents[4]
SITES = {"yard": {"cameras": {"gate": {"detect": "0"}}}}
HOOK = '{kind: webhook, url: "https://example.org/x", secret: "${HOOK_SECRET}"}'
ENVIRONMENT = {"HOOK_SECRET": "s3cr3t", "MQTT_PASSWORD": "mqtt", "MAIL_PASSWORD": "mail"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cameras.yaml"


def write(file: Path, *sinks: str) -> Path:
    lines = [f"  {sink}" for sink in sinks]
    file.write_text("\n".join(["sites: {yard: {cameras: {gate: {detect: 0}}}}", "sinks:", *lines]) + "\n")
    file.chmod(0o600)
    return file


def problems(file: Path, *sinks: str, environment: dict[str, str] = ENVIRONMENT) -> list[str]:
    lines = read(write(file, *sinks), environment=environment).lines()
    return [line.split(": ", 1)[1] for line in lines]


def one(file: Path, sink: str) -> SinkSettings:
    reading = read(write(file, f"phone: {sink}"), environment=ENVIRONMENT)
    assert reading.settings is not None, reading.lines()
    return reading.settings.sinks["phone"]


def test_secrets_come_from_the_environment_and_are_never_shown(file: Path) -> None:
    hook = one(file, HOOK)
    assert isinstance(hook, WebhookSettings)
    assert hook.secret is not None
    assert hook.secret.get_secret_value() == "s3cr3t"
    assert "s3cr3t" not in repr(hook)
    assert "example.org" not in repr(hook)


def test_a_secret_that_looks_like_a_number_is_a_text(file: Path) -> None:
    mqtt = one(file, "{kind: mqtt, host: b, user: u, password: 007}")
    assert isinstance(mqtt, MqttSettings)
    assert mqtt.password is not None
    assert mqtt.password.get_secret_value() == "007"


def test_a_variable_that_is_not_there_is_told_where_it_is_named(file: Path) -> None:
    (line,) = problems(file, f"phone: {HOOK}", environment={})
    assert line.startswith("sinks.phone.secret: the environment has no HOOK_SECRET")


@pytest.mark.parametrize(
    ("sink", "warned"),
    [
        (HOOK, []),
        (
            "{kind: webhook, url: https://example.org/x, secret: open}",
            ["sinks.phone.secret: a secret stands in this file"],
        ),
        ("{kind: webhook, url: 'https://a:b@example.org/x'}", ["sinks.phone.url: a secret stands in this file"]),
        ("{kind: webhook, url: 'https://example.org/${HOOK_SECRET}'}", []),
        (
            "{kind: mqtt, host: b, tls: true, user: u, password: x}",
            ["sinks.phone.password: a secret stands in this file"],
        ),
    ],
)
def test_a_secret_in_the_file_is_warned_of(file: Path, sink: str, warned: list[str]) -> None:
    warnings = read(write(file, f"phone: {sink}"), environment=ENVIRONMENT).warnings
    assert [warning.line(file).split(": ", 1)[1].partition(";")[0] for warning in warnings] == warned


@pytest.mark.parametrize(
    ("sink", "warned"),
    [
        ("{kind: mqtt, host: b, user: u, password: '${MQTT_PASSWORD}'}", True),
        ("{kind: mqtt, host: b, tls: true, user: u, password: '${MQTT_PASSWORD}'}", False),
        ("{kind: mqtt, host: localhost, user: u, password: '${MQTT_PASSWORD}'}", False),
        ("{kind: mqtt, host: b}", False),
        (
            "{kind: email, host: b, security: none, sender: a@b, to: [c@d], user: u, password: '${MAIL_PASSWORD}'}",
            True,
        ),
        ("{kind: email, host: b, sender: a@b, to: [c@d], user: u, password: '${MAIL_PASSWORD}'}", False),
    ],
)
def test_a_password_that_goes_unencrypted_is_warned_of(file: Path, sink: str, warned: bool) -> None:
    reading = read(write(file, f"phone: {sink}"), environment=ENVIRONMENT)
    assert reading.settings is not None
    told = [warning.line(file) for warning in reading.warnings]
    assert [("sinks.phone.password: goes over the network unencrypted" in line) for line in told] == [True] * warned


def test_files_are_sought_beside_the_configuration(file: Path) -> None:
    mqtt = one(file, "{kind: mqtt, host: b, tls: true, ca_file: ca.pem, cert_file: /etc/a.pem, key_file: k.pem}")
    assert isinstance(mqtt, MqttSettings)
    assert (mqtt.ca_file, mqtt.cert_file) == (file.parent / "ca.pem", Path("/etc/a.pem"))


@pytest.mark.parametrize(
    ("sink", "told"),
    [
        ("{kind: webhok, url: x}", "kind: 'webhok' is no kind of sink; did you mean webhook?"),
        ("{kind: [webhook], url: x}", "kind: takes one word: jsonl, mqtt, webhook, email"),
        ("{kind: {a: b}}", "kind: takes one word: jsonl, mqtt, webhook, email"),
        ("{kind: 3}", "kind: takes text, not 3; write it in quotes"),
        ("{kind: jsonl, path: [a]}", "path: takes text, not a list"),
        (
            "{url: x}",
            "kind is missing. What it is: jsonl, mqtt, webhook, email, or a kind that another package brings.",
        ),
        ("{kind: webhook}", "url is missing. Where it listens: https://... ${NAME} is filled in from the environment."),
        ("{kind: webhook, url: https://a, secrt: x}", "secrt: unknown key; did you mean secret?"),
        (
            "{kind: webhook, url: 'ftp://s3cr3t'}",
            "url: no address of the web; write it like https://example.org/alarms",
        ),
        ("{kind: webhook, url: https://a, read_timeout: 3}", "read_timeout: 3 has no unit; write it like 10 s"),
        (
            "{kind: webhook, url: https://a, alarms: fire}",
            "alarms: takes a list: [one, two], or a line with - for each, ",
        ),
        ("{kind: jsonl, path: x, min_severity: bad}", "min_severity: unknown 'bad'; there are info, warning, critical"),
        ("{kind: jsonl, path: x, fold_after: 0}", "fold_after: 0 must be at least 1"),
        ("{kind: mqtt, host: b, prefix: a/#}", "prefix: 'a/#' is no topic; take letters, digits, _ and -"),
        ("{kind: mqtt, host: b, port: 70000}", "port: 70000 must be at most 65535"),
        ("{kind: mqtt, host: b, ca_file: x}", "ca_file: holds only with tls: true"),
        ("{kind: mqtt, host: b, tls: true, cert_file: x}", "cert_file: cert_file and key_file belong together"),
        ("{kind: mqtt, host: b, password: x}", "password: a password without a user; give both"),
        ("{kind: email, host: h, sender: a@b, to: [c@d], user: u}", "user: user and password belong together"),
        ("{kind: email, host: h, sender: a, to: [c@d]}", "sender: no address of a mail; write only name@example.org"),
        ('{kind: email, host: h, sender: a@b, to: ["c@d\\nBcc: e@f"]}', "to[0]: no address of a mail"),
        ("{kind: email, host: h, sender: a@b, to: []}", "to: nothing stands here"),
        (
            "{kind: jsonl, path: x, cameras: [yard/gat]}",
            "cameras[0]: 'yard/gat' is no camera and no site; did you mean ",
        ),
        ("3", "takes keys with values, indented under it, not 3"),
    ],
)
def test_a_mistake_is_told_with_its_place(file: Path, sink: str, told: str) -> None:
    (line,) = problems(file, f"phone: {sink}")
    assert re.sub(r"^sinks\.phone(\.|: )", "", line).startswith(told)
    assert "s3cr3t" not in line


def test_names_are_checked_though_something_else_is_wrong(file: Path) -> None:
    lines = problems(
        file, "phone: {kind: jsonl, path: x, cameras: [nowhere], colour: red}", '"a b": {kind: jsonl, path: x}'
    )
    assert [line.partition(": ")[0] for line in lines] == ["sinks.phone.cameras[0]", "sinks.phone.colour", "sinks.a b"]


def test_alarms_that_the_bundle_does_not_have_are_told(file: Path) -> None:
    reading = read(write(file, "phone: {kind: jsonl, path: x, alarms: [fir]}"), alarms={}, environment={})
    assert "sinks.phone.alarms[0]: 'fir' is no alarm of the bundle" in reading.lines()[0]


def test_a_site_stands_for_its_cameras() -> None:
    for names in (["yard"], ["yard/gate"]):
        WatchSettings.model_validate({"sites": SITES, "sinks": {"a": {"kind": "jsonl", "path": "x", "cameras": names}}})
    with pytest.raises(ValidationError, match="no camera and no site"):
        WatchSettings.model_validate({"sites": SITES, "sinks": {"a": {"kind": "jsonl", "path": "x", "cameras": ["x"]}}})


def test_the_example_s_sinks_are_right(file: Path) -> None:
    lines = EXAMPLE.splitlines()
    start = lines.index("# sinks:")
    part = [line.removeprefix("# ") for line in lines[start : lines.index("", start)]]
    file.write_text("\n".join(["sites: {yard: {cameras: {gate: {detect: 0}}}}", *part]) + "\n")
    reading = read(file, environment=ENVIRONMENT)
    assert reading.lines() == []
    assert reading.settings is not None
    assert {sink.kind for sink in reading.settings.sinks.values()} == set(BUILT_IN)


def test_editors_are_told_of_every_kind() -> None:
    sinks = schema()["properties"]["sinks"]["additionalProperties"]
    kinds = {part["$ref"].rpartition("/")[2] for part in sinks["oneOf"]}
    assert kinds == {f"{kind}Settings" for kind in ("Jsonl", "Mqtt", "Webhook", "Email", "Plugin")}


def written(value: Any) -> str:
    return "false" if value is False else "true" if value is True else str(value)


def test_the_pages_tell_the_defaults() -> None:
    page = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("cameras.md", "notifications.md"))
    seconds = TypeAdapter(Seconds)
    for model in BUILT_IN.values():
        for key, setting in model.model_fields.items():
            cells = re.findall(rf"^\| `{key}` \| ([^|]*) \|", page, re.MULTILINE)
            assert cells or key == "kind", f"{model.__name__}.{key}"
            told = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
            default = setting.default
            if key == "kind" or default is None or setting.is_required():
                continue
            values = {seconds.validate_python(text, context=WRITTEN) if " " in text else text for text in told}
            assert (default if isinstance(default, float) else written(default)) in values, f"{model.__name__}.{key}"


def test_mails_are_folded_and_others_are_not() -> None:
    defaults = {kind: model.model_fields["fold_after"].default for kind, model in BUILT_IN.items()}
    assert defaults == {"jsonl": None, "mqtt": None, "webhook": None, "email": 5}
    mail = EmailSettings(host="h", sender="a@b", to=("c@d",))
    assert TypeAdapter(AnySink).validate_python({**mail.model_dump(), "fold_after": None}).fold_after is None
