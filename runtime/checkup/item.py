"""What was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# ok: fine. absent: not there, which is of no harm. warning: works, but will disappoint. problem: does not work.
Verdict = Literal["ok", "absent", "warning", "problem"]


@dataclass(frozen=True)
class Item:
    """One thing of a `part` of the box. `found`: how it is; `advice`: what to do, empty where nothing is."""

    part: str
    name: str
    verdict: Verdict
    found: str
    advice: str = ""
