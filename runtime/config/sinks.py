"""What alarms are delivered to: the settings of each kind of sink, those of other packages too."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    SecretStr,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from edge_resnet.errors import UserError
from runtime.config import plugins
from runtime.config.base import Settings
from runtime.config.finding import Finding, Inconsistent, instead, shown
from runtime.config.units import Seconds
from runtime.severity import Severity

Port = Annotated[int, Field(ge=1, le=65535)]
Secret = Annotated[SecretStr, Field(min_length=1)]
_TOPIC = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
# None in which a header of the mail could be hidden.
_MAIL = re.compile(r"[^@\s<>,;:\"\\]+@[A-Za-z0-9.:_\[\]-]+")


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise ValueError(f"{shown(text)} is no topic; take letters, digits, _ and -, with / between levels")
    return text


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise ValueError("no address of a mail; write only name@example.org")
    return text


def _web(url: SecretStr) -> SecretStr:
    """An address of the web; its path may be a secret, so that it is never repeated."""
    try:
        parts = urlsplit(url.get_secret_value())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("no address of the web; write it like https://example.org/alarms")
    return url


Topic = Annotated[str, AfterValidator(_topic)]
MailAddress = Annotated[str, AfterValidator(_mail)]
Url = Annotated[SecretStr, AfterValidator(_web)]


class SinkSettings(Settings):
    """What all sinks have in common."""

    kind: str
    """What it is: jsonl, mqtt, webhook, email, or a kind that another package brings."""
    alarms: tuple[str, ...] | None = None
    """Only these of the bundle's alarms; all, when left out."""
    cameras: tuple[str, ...] | None = None
    """Only of these cameras (site/camera) and of all cameras of these sites; of all, when left out."""
    min_severity: Severity = "info"
    """Only alarms that are at least so bad: info, warning or critical."""
    events: bool = True
    """Whether alarms are told, when they are raised and when they are over."""
    camera_down: bool = True
    """Whether it is told that a camera is down, and up again."""
    fold_after: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """After so many notices within fold_within all but critical alarms wait and become one; null: never."""
    fold_within: Seconds = 300.0
    """The time in which notices are counted, and after which those that waited are told as one."""
    give_up_after: Seconds = 3 * 86400.0
    """A notice that cannot be delivered for so long goes to the dead letters, and the next one's turn comes."""


class JsonlSettings(SinkSettings):
    """A file to which a line is added for each notice."""

    kind: Literal["jsonl"] = "jsonl"
    """A file of JSON lines."""
    path: Path
    """The file; sought beside this configuration."""


class MqttSettings(SinkSettings):
    """A broker of MQTT."""

    kind: Literal["mqtt"] = "mqtt"
    """A broker of MQTT, such as Home Assistant's."""
    host: Annotated[str, Field(min_length=1)]
    """The broker's name or number in the network."""
    port: Port | None = None
    """Its port; 1883, or 8883 with tls, when left out."""
    tls: bool = False
    """Whether the connection is encrypted and the broker's certificate is checked."""
    ca_file: Path | None = None
    """The certificate that the broker's is checked against, where no public authority signed it."""
    cert_file: Path | None = None
    """Our own certificate, where the broker asks for one."""
    key_file: Path | None = None
    """The key of our own certificate."""
    user: str | None = None
    """The name to log in with."""
    password: Secret | None = None
    """The password to log in with: ${NAME} is filled in from the environment."""
    prefix: Topic = "edge-resnet"
    """What all topics begin with; each box that shares a broker needs its own."""
    client_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """The name that the broker knows us by; made of prefix and the sink's name, when left out."""
    discovery: Topic | None = "homeassistant"
    """The topic under which Home Assistant finds devices; null: it is told of none."""
    timeout: Seconds = 10.0
    """How long the broker may take to connect, and to acknowledge a message."""

    @model_validator(mode="after")
    def _whole(self) -> MqttSettings:
        findings = [
            Finding((key,), "holds only with tls: true")
            for key in ("ca_file", "cert_file", "key_file")
            if getattr(self, key) is not None and not self.tls
        ]
        if (self.cert_file is None) != (self.key_file is None):
            findings.append(Finding(("cert_file",), "cert_file and key_file belong together; give both"))
        if self.password is not None and self.user is None:
            findings.append(Finding(("password",), "a password without a user; give both"))
        if findings:
            raise Inconsistent(findings)
        return self


class WebhookSettings(SinkSettings):
    """A program that is called by HTTP."""

    kind: Literal["webhook"] = "webhook"
    """A POST of JSON."""
    url: Url
    """Where it listens: https://... ${NAME} is filled in from the environment."""
    secret: Secret | None = None
    """What the signature of each request is made with; not signed, when left out. ${NAME} is filled in."""
    allow_private: bool = False
    """Whether the address may be of this machine or of the local network."""
    ca_file: Path | None = None
    """The certificate that the server's is checked against, where no public authority signed it."""
    connect_timeout: Seconds = 5.0
    """How long a connection may take."""
    read_timeout: Seconds = 10.0
    """How long nothing may come in answer."""


class EmailSettings(SinkSettings):
    """A mail to one or more people."""

    kind: Literal["email"] = "email"
    """A mail, sent through a server."""
    host: Annotated[str, Field(min_length=1)]
    """The server that takes the mail."""
    port: Port | None = None
    """Its port; 587 with starttls, 465 with tls, 25 with none, when left out."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; with none, nor is the password."""
    ca_file: Path | None = None
    """The certificate that the server's is checked against, where no public authority signed it."""
    user: str | None = None
    """The name to log in with."""
    password: Secret | None = None
    """The password to log in with: ${NAME} is filled in from the environment."""
    sender: MailAddress
    """The address that the mail comes from."""
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    """The addresses that it goes to."""
    timeout: Seconds = 20.0
    """How long the server may take for each of its answers."""
    fold_after: Annotated[int, Field(ge=1, le=10_000)] | None = 5
    """After so many notices within fold_within all but critical alarms wait and become one mail; null: never."""

    @model_validator(mode="after")
    def _whole(self) -> EmailSettings:
        if (self.user is None) != (self.password is None):
            raise Inconsistent([Finding(("user",), "user and password belong together; give both")])
        return self


BUILT_IN: dict[str, type[SinkSettings]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model
    for model in (JsonlSettings, MqttSettings, WebhookSettings, EmailSettings)
}
# pydantic tells under it what it found wrong in a sink of another package.
OTHER = "other"


def _known(kind: Any) -> Any:
    known = {**BUILT_IN, **plugins.installed()}
    if kind is None or isinstance(kind, list | dict):
        raise ValueError(f"takes one word: {', '.join(known)}")
    if isinstance(kind, str) and kind not in known:
        raise ValueError(f"{shown(kind)} is no kind of sink; {instead(kind, known)}")
    return kind


class PluginSettings(SinkSettings):
    """A sink of a kind that another package brings; what it does not have in common, that package checks."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, BeforeValidator(_known), WithJsonSchema({"type": "string", "not": {"enum": list(BUILT_IN)}})]
    """What it is: jsonl, mqtt, webhook, email, or a kind that another package brings."""
    _own: BaseModel = PrivateAttr()

    @property
    def own(self) -> BaseModel:
        """The package's own Settings."""
        return self._own

    @model_validator(mode="after")
    def _by_the_package(self, info: ValidationInfo) -> PluginSettings:
        try:
            settings = plugins.load(plugins.installed()[self.kind]).Settings
            self._own = settings.model_validate(self.model_extra, context=info.context)
        except UserError as error:
            raise Inconsistent([Finding(("kind",), str(error))]) from None
        except ValidationError as error:
            raise Inconsistent(
                Finding(detail["loc"], f"{detail['msg'][:1].lower()}{detail['msg'][1:]}") for detail in error.errors()
            ) from None
        return self

    def __repr_args__(self) -> Any:
        # What the package takes for a secret is not known here.
        return [(name, getattr(self, name)) for name in SinkSettings.model_fields]


def _tag(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in BUILT_IN else OTHER


AnySink = Annotated[
    Annotated[JsonlSettings, Tag("jsonl")]
    | Annotated[MqttSettings, Tag("mqtt")]
    | Annotated[WebhookSettings, Tag("webhook")]
    | Annotated[EmailSettings, Tag("email")]
    | Annotated[PluginSettings, Tag(OTHER)],
    Discriminator(_tag),
]


def model_of(kind: Any) -> type[SinkSettings]:
    """The settings of a kind, as far as they are known here."""
    return BUILT_IN.get(kind, PluginSettings) if isinstance(kind, str) else PluginSettings


def keys_of(kind: Any, held: type[SecretStr | Path]) -> Collection[str]:
    """The keys of a kind that hold secrets (SecretStr), or name files (Path); of a broken kind none are known."""
    models: list[type[BaseModel]] = [model_of(kind)]
    if models == [PluginSettings] and (point := plugins.installed().get(str(kind))) is not None:
        try:
            models.append(plugins.load(point).Settings)
        except UserError:
            return ()
    return [
        name
        for model in models
        for name, field in model.model_fields.items()
        if held in (field.annotation, *_members(field.annotation))
    ]


def _members(annotation: Any) -> list[Any]:
    """What a union is of, without what is said of each."""
    return [get_args(member)[0] if hasattr(member, "__metadata__") else member for member in get_args(annotation)]
