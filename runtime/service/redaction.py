"""Takes out of a text for people whatever may be a password: in the addresses, and the parts of such, that it holds."""

from __future__ import annotations

import re

from runtime.sources.address import redact

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:/+"
_SUSPECT = re.compile(
    # A URL. A password may hold spaces, so all up to the last @ before the next URL belongs to it ...
    rf"{_SCHEME}(?:(?:(?!{_SCHEME}).)*@)?[^\s\"'<>]*"
    # ... or user:password@host, without a scheme ...
    r"|[^\s/@:]+:\S*@\S*"
    # ... or key=value, as recorders write it into a path.
    r"|\S+=\S*",
    re.DOTALL,
)


def redact_text(text: str) -> str:
    """`text` without what may be a password (see address.redact): rather too much goes than too little."""
    return _SUSPECT.sub(lambda found: redact(found.group()), text)
