"""A log whose messages go to a function as plain lines: for who watches clips within another program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime.service.logs import Log


class Lines(Log):
    """Tells `say` each message with its fields, of whatever level."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(for_people=True)
        self._say = say

    def info(self, event: str, **fields: Any) -> None:
        facts = ", ".join(f"{name} {value}" for name, value in fields.items())
        self._say(f"{event} ({facts})" if facts else event)

    warning = error = info
