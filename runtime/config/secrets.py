"""Secrets and files of sinks, as they are written in YAML: filled in, sought beside the configuration, warned of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from edge_resnet.errors import CameraError
from runtime.config.document import Document, Problem
from runtime.config.fill import fill_in, holds_password, holds_variable
from runtime.config.finding import Finding, KeyPath
from runtime.config.references import sinks
from runtime.config.sinks import keys_of

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_READABLE = "goes over the network unencrypted, and who listens there can read it"


def fill_sinks(document: Document, folder: Path, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Put the secrets that are meant, and the files of `folder`, in the place of what is written in sinks."""
    for path, sink in sinks(document.data):
        for key, text in _written(document, path, sink, SecretStr):
            try:
                # Also of what YAML takes for a number: a password may be one.
                sink[key] = fill_in(text, environment)
            except CameraError as error:
                yield document.at_value(Finding((*path, key), str(error)))
        for key, text in _written(document, path, sink, Path):
            sink[key] = str(folder.absolute() / text)


def in_the_open(document: Document) -> Iterator[KeyPath]:
    """Where the secret of a sink stands in the file itself."""
    for path, sink in sinks(document.data):
        for key, text in _written(document, path, sink, SecretStr):
            # Of an address it is not known whether its path is a secret.
            if holds_password(text) if "://" in text else not holds_variable(text):
                yield (*path, key)


def unencrypted(document: Document) -> Iterator[Finding]:
    """Where the password of a sink goes over the network for all to read."""
    for path, sink in sinks(document.data):
        if sink.get("password") is None or sink.get("host") in _THIS_MACHINE:
            continue
        if sink.get("kind") == "mqtt" and sink.get("tls") is not True:
            yield Finding((*path, "password"), f"{_READABLE}; write tls: true where the broker can do it")
        if sink.get("kind") == "email" and sink.get("security") == "none":
            yield Finding((*path, "password"), f"{_READABLE}; write security: starttls, or tls")


def _written(
    document: Document, path: KeyPath, sink: Mapping[str, Any], held: type[SecretStr | Path]
) -> list[tuple[str, str]]:
    """The keys of a sink that hold such values, and the text that is written there."""
    return [
        (key, text)
        for key in keys_of(sink.get("kind"), held)
        if isinstance(sink.get(key), str | int | float) and (text := document.texts.get((*path, key)))
    ]
