"""Names of sites and cameras: plain enough for metrics, file names and topics, whoever reads them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from runtime.config.finding import shown
from runtime.config.units import WRITTEN

PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
_NAME = re.compile(PATTERN)


def _plain(name: Any, info: ValidationInfo) -> Any:
    if info.context is WRITTEN and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(
            f"{shown(name)} is no name; take 1 to 63 of a-z, A-Z, 0-9, _ and -, with a letter or a digit at the front"
        )
    return name


# In code any text: a camera of the command line goes by its address.
Name = Annotated[str, BeforeValidator(_plain)]
