"""Takes out of a text for people whatever may be a password: in the addresses, and the parts of such, that it holds."""

from __future__ import annotations

import re

from runtime.sources.address import SCHEMES, redact

# A URL may be mistyped (rtsp:/) where it begins; where the next one begins it must be a whole one: what looks like a
# scheme may be of a password.
_SCHEME, _NEXT = r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]+:/+", rf"\b(?:{'|'.join(sorted(SCHEMES))})://"
# Each looks behind itself, so that a long word is read once and not from each of its letters.
_SUSPECT = re.compile(
    # A URL. A password may hold spaces, so all up to the last @ before the next URL belongs to it ...
    rf"{_SCHEME}(?:(?:(?!(?i:{_NEXT})).)*@)?[^\s\"'<>]*"
    # ... or user:password@host, without a scheme ...
    r"|(?<!\S)[^\s/@:]+:\S*@\S*"
    # ... or key=value, as recorders write it into a path.
    r"|(?<!\S)\S+=\S*",
    re.DOTALL,
)


def redact_text(text: str) -> str:
    """`text` without what may be a password (see address.redact): rather too much goes than too little."""
    return _SUSPECT.sub(lambda found: redact(found.group()), text)
