"""How bad an alarm is."""

from __future__ import annotations

from typing import Literal, get_args

Severity = Literal["info", "warning", "critical"]
# The least first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
