"""What the user named with --camera: a device's number, a file, a folder or a URL; written without its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from edge_resnet.errors import CameraError

# Network streams that FFmpeg opens. Its other protocols (concat, file, pipe, subfile ...) reach what is no camera.
SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})

# The others may listen, and then need no host: udp://:5000, srt://:9000?mode=listener.
_WITH_HOST = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "rtsps"})

# Without an at sign and a URL: the log takes both for parts of a password (service/redaction.py).
ESCAPE = "write of a password the at sign as %40, / as %2F, : as %3A, # as %23, ? as %3F, [ as %5B"

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+")
# Recorders hide passwords in the path as well: rtsp://host/user=admin_password=secret_channel=1.sdp
_SECRET_IN_PATH = re.compile(
    r"((?:pass|pwd|pw|user|usr|login|token|key|auth|secret)[a-z]*=)(.*?)(?=[/&;]|_[a-z]+=|$)", re.I
)
# Which of a camera's pictures is meant: the only parameters whose values may be read by others.
_HARMLESS = frozenset(
    {"camera", "channel", "stream", "subtype", "profile", "resolution", "fps", "width", "height", "codec", "unicast"}
)
_MASK = "***"
_SENTENCE = ":,."
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

    @property
    def has_packets(self) -> bool:
        """Whether it comes in packets in which key frames can be told from others without decoding."""
        return self.kind == "file" or self.is_rtsp

    @property
    def is_rtsp(self) -> bool:
        """Whether it is an RTSP stream, encrypted or not."""
        return self.target.lower().startswith(("rtsp:", "rtsps:"))

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
            _refuse_malformed(text, url[1], url[2])
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


def _refuse_malformed(text: str, scheme: str, rest: str) -> None:
    """Raises CameraError for a URL without a host or port, or of which a password may end in two places."""
    place, *further = re.split("[/?#]", rest, maxsplit=1)
    if place.count("@") > 1 or any("@" in more for more in further):
        raise CameraError(f"{redact(text)}: where its password ends cannot be told; {ESCAPE}")
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
        # As the resolver will, which takes no name such as a..b.
        host.encode("idna")
    except ValueError:
        host, port = "", 0
    if port == 0:
        # Where there is no @, what looks like a host and port may be user and password.
        told = redact(text) if "@" in place else f"{scheme}://{_MASK}"
        raise CameraError(f"{told}: its host or port (1 to 65535) cannot be read; {ESCAPE}")
    if not host and (scheme.lower() in _WITH_HOST or port is None):
        raise CameraError(f"{redact(text)}: no host; write its name or number after the //, such as 192.168.1.10")


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
    path = _SECRET_IN_PATH.sub(lambda found: found[1] + _masked(found[2]), path)
    return scheme + path + "".join(_redact_parameter(parameter) for parameter in parameters)


def _redact_parameter(parameter: str) -> str:
    """A parameter or a sign between two of them; of an unknown one the key goes too, it may be the secret itself."""
    key = parameter.partition("=")[0].rstrip(_SENTENCE).lower()
    harmless = parameter in {"", "?", "&", ";", "#"} or key in _HARMLESS
    return parameter if harmless else _masked(parameter)


def _masked(secret: str) -> str:
    """The mask; where it stands already, with what follows it of the sentence around the address."""
    return secret if secret.rstrip(_SENTENCE) == _MASK else _MASK
