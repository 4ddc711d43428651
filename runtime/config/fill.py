"""Addresses and secrets as they are written in YAML: ${NAME} from the environment, files beside the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_resnet.errors import CameraError
from runtime.sources.address import ESCAPE, Address

# $${ is a ${ that stays.
_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER_AND_PASSWORD = re.compile(r"://[^:@/]*:(.*)@", re.DOTALL)
_PASSWORD_IN_PATH = re.compile(r"(?:pass|pwd|pw|token|key|auth|secret)[a-z]*=(?=[^&;/#\s])", re.IGNORECASE)


class Unset(Mapping[str, str]):
    """The environment, and a value for every other name: for who reads a configuration and opens nothing of it."""

    def __getitem__(self, name: str) -> str:
        # A whole address or a folder may come from it, which any value is not.
        return os.environ.get(name, "0")

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class Filled:
    """An address that can be opened. `text` may hold a password."""

    text: str = field(repr=False)
    kind: str


def fill(text: str, folder: Path, environment: Mapping[str, str]) -> Filled:
    """The address that `text` means in a configuration in `folder`.

    Raises CameraError, which never tells what a variable holds.
    """
    filled = fill_in(text, environment)
    if not filled:
        raise CameraError("nothing stands here; name a device (0), a URL (rtsp://...), a file or a folder")
    if _is_path(filled):
        filled = str(folder.absolute() / filled)
    try:
        return Filled(filled, Address.parse(filled).kind)
    except CameraError:
        if _VARIABLE.search(text) is None:
            raise
    raise CameraError(f"with the environment's values this is no device, URL, file or folder; {ESCAPE}")


def fill_in(text: str, environment: Mapping[str, str]) -> str:
    """`text` with what its variables hold. Raises CameraError, which never tells what that is."""
    return _VARIABLE.sub(lambda found: _value(found, environment), text)


def holds_variable(text: str) -> bool:
    """Whether any of it comes from the environment."""
    return any(found[1] is not None for found in _VARIABLE.finditer(text))


def holds_password(text: str) -> bool:
    """Whether a password stands in an address itself, not only the name of a variable."""
    plain = _VARIABLE.sub("", text)
    found = _USER_AND_PASSWORD.search(plain)
    return bool(found and found[1]) or _PASSWORD_IN_PATH.search(plain) is not None


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found[0] == "$${":
        return "${"
    # What is no name may be a part of a password, and is not repeated.
    if not found[2] or not _VARIABLE_NAME.fullmatch(found[1]):
        raise CameraError("a ${ without the name of a variable and }; write $${ for these two signs themselves")
    if found[1] not in environment:
        raise CameraError(
            f"the environment has no {found[1]}; set it (export {found[1]}=..., or EnvironmentFile= of the service)"
        )
    return environment[found[1]]


def _is_path(text: str) -> bool:
    return "://" not in text and not (text.isascii() and text.isdigit())
