"""Storms: after some notices within some time the next ones wait until it is over, and are told as one."""

from __future__ import annotations

import math
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from runtime.events.notice import Notice
from runtime.severity import SEVERITIES

_SUMMARY: Final = "summary"
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
# In minutes up to two hours, say: of the larger unit there must be so many.
_LEAST_OF_UNIT = 2


@dataclass
class Folding:
    """When the next notice may go. `after`: so many may within `within_s` seconds; None: any number."""

    after: int | None
    within_s: float
    _sent_s: deque[float] = field(default_factory=deque, init=False)

    def sent(self, notice: Notice, now_s: float) -> None:
        """A notice went. A summary is as many as may go: the next one is a whole time later."""
        if self.after is not None:
            self._sent_s.extend([now_s] * (self.after if notice.what == _SUMMARY else 1))
            while len(self._sent_s) > self.after:
                self._sent_s.popleft()

    def wait_s(self, notice: Notice, now_s: float) -> float:
        """How long a notice must wait, in seconds; a summary has waited."""
        if self.after is None or notice.what == _SUMMARY or len(self._sent_s) < self.after:
            return 0.0
        return max(0.0, self._sent_s[0] + self.within_s - now_s)


def summary(notices: Sequence[Notice], now: datetime) -> Notice:
    """One notice that tells of all of them, the oldest first. Summaries among them give way to what they tell."""
    told = [each for notice in notices for each in _told(notice)]
    worst = max((notice.severity for notice in notices), key=SEVERITIES.index)
    body = {"text": f"{len(told)} more in {_span(told)}", "notices": told}
    return Notice(
        f"{uuid.uuid4()}:{_SUMMARY}", _SUMMARY, None, None, worst, now.isoformat(timespec="milliseconds"), body
    )


def _told(notice: Notice) -> Iterator[Mapping[str, Any]]:
    if notice.what == _SUMMARY:
        yield from notice.body["notices"]
        return
    names = ("id", "what", "camera", "alarm", "severity", "at")
    yield {name: getattr(notice, name) for name in names}


def _span(told: Sequence[Mapping[str, Any]]) -> str:
    """The time that they are spread over, in words."""
    moments = [datetime.fromisoformat(each["at"]) for each in told]
    seconds = max(1.0, (max(moments) - min(moments)).total_seconds())
    unit, name = next((unit for unit in _UNITS if seconds >= _LEAST_OF_UNIT * unit[0]), _UNITS[-1])
    count = math.ceil(seconds / unit)
    return f"{count} {name}{'s' * (count != 1)}"
