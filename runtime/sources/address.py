"""What the user named with --camera: a device's number, a file, a folder or a URL; written without its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edge_resnet.errors import CameraError

# Network streams that FFmpeg opens. Its other protocols (concat, file, pipe, subfile ...) reach what is no camera.
SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.+", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+")
# Recorders hide passwords in the path as well: rtsp://host/user=admin_password=secret_channel=1.sdp
_SECRET_IN_PATH = re.compile(
    r"((?:pass|pwd|pw|user|usr|login|token|key|auth|secret)[a-z]*=).*?(?=[/&;]|_[a-z]+=|$)", re.I
)
# Which of a camera's pictures is meant: the only parameters whose values may be read by others.
_HARMLESS = frozenset(
    {"camera", "channel", "stream", "subtype", "profile", "resolution", "fps", "width", "height", "codec", "unicast"}
)
_MASK = "***"
_MAX_DEVICE_DIGITS = 3


@dataclass(frozen=True)
class Address:
    """Where frames come from. `target` may hold a password and is kept out of repr; `name` never does."""

    kind: Literal["device", "file", "folder", "url"]
    name: str
    target: str = field(repr=False)

    @property
    def live(self) -> bool:
        """Whether its frames are of now; a file's and a folder's may be of any day."""
        return self.kind in ("device", "url")

    @classmethod
    def parse(cls, text: str) -> Address:
        """Understand what the user named. Raises CameraError for what can never be a camera, a stream or a video."""
        # An empty path would be the folder in which we stand.
        if not text:
            raise CameraError(
                "'': no such file; name a video file, a folder, a device number (0) or a URL (rtsp://...)"
            )
        # isascii, because isdigit also takes superscripts and digits of other scripts.
        if text.isascii() and text.isdigit():
            if len(text) > _MAX_DEVICE_DIGITS:
                raise CameraError(f"{text}: no device has this number; 0 is the first")
            return cls("device", text, text)
        if url := _URL.fullmatch(text):
            if url[1].lower() not in SCHEMES:
                raise CameraError(f"{redact(text)}: {url[1]}:// is no camera's; use {', '.join(sorted(SCHEMES))}")
            return cls("url", redact(text), text)
        return cls._of_file(Path(text))

    @classmethod
    def _of_file(cls, path: Path) -> Address:
        name = os.fsencode(path).decode(errors="backslashreplace")
        if path.is_dir():
            return cls("folder", name, str(path.resolve()))
        if not path.exists():
            raise CameraError(
                f"{redact(name)}: no such file; name a video file, a folder, a device number (0) or a URL (rtsp://...)"
            )
        if not path.is_file():
            raise CameraError(
                f"{name}: not a plain file; for a camera of this machine give its number (0 for /dev/video0)"
            )
        if name != str(path):
            raise CameraError(f"{name}: OpenCV opens only names in UTF-8; rename the file")
        # Absolute, so that FFmpeg never takes a name such as concat:a for a protocol.
        return cls("file", name, str(path.resolve()))


def redact(text: str) -> str:
    """An address without whatever may be a password: user and password, unknown query values, the fragment.

    Rather too much than too little: a password may hold an unescaped @ or /, so all before the *last* @ goes; and a
    URL may be mistyped (rtsp:/, no scheme at all), so it need not be one. Plain paths are given back as they are.
    """
    match = _SCHEME.match(text)
    scheme = match.group() if match else ""
    rest = text[len(scheme) :]
    if "@" in rest:
        rest = f"{_MASK}@{rest.rpartition('@')[2]}"
    path, *parameters = re.split("([?&;#])", rest)
    path = _SECRET_IN_PATH.sub(rf"\1{_MASK}", path)
    return scheme + path + "".join(_redact_parameter(parameter) for parameter in parameters)


def _redact_parameter(parameter: str) -> str:
    """A parameter or a sign between two of them; of an unknown one the key goes too, it may be the secret itself."""
    harmless = parameter in {"", "?", "&", ";", "#"} or parameter.partition("=")[0].lower() in _HARMLESS
    return parameter if harmless else _MASK
