"""Storms: after some notices within some time the next ones wait until it is over, and are told as one."""

from __future__ import annotations

import math
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from runtime.events.notice import Notice
from runtime.moment import iso
from runtime.severity import SEVERITIES

_SUMMARY: Final = "summary"
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
# In minutes up to two hours, say: of the larger unit there must be so many.
_LEAST_OF_UNIT = 2
# Of a storm of many thousands a web server would refuse the list. All rows stay in the store.
MOST_LISTED = 500
_BEGINNINGS: Final = ("raised", "down")

_Told = Mapping[str, Any]


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
    """One notice that tells of all of them, the oldest first. Summaries among them give way to what they tell.

    Of very many some are left out of its list, first of all those that began and ended meanwhile.
    """
    told = [each for notice in notices for each in _told(notice)]
    count = sum(notice.body["count"] if notice.what == _SUMMARY else 1 for notice in notices)
    worst = max(told, key=lambda each: (SEVERITIES.index(each["severity"]), each["what"] in _BEGINNINGS))
    text = f"{count} more in {_span(told)}; worst: {_in_words(worst)}"
    body = {"text": text, "count": count, "notices": _listed(told)}
    at = iso(now)
    return Notice(f"{uuid.uuid4()}:{_SUMMARY}", _SUMMARY, None, None, worst["severity"], at, body)


def _listed(told: Sequence[_Told]) -> list[_Told]:
    """Those that are listed: what a sink holds afterwards must be known from them, then the latest are worth most."""
    if len(told) <= MOST_LISTED:
        return list(told)
    subjects = Counter(each["id"].partition(":")[0] for each in told)
    passed = [subjects[each["id"].partition(":")[0]] > 1 for each in told]
    kept = sorted(range(len(told)), key=lambda number: (passed[number], -number))[:MOST_LISTED]
    return [told[number] for number in sorted(kept)]


def _in_words(told: _Told) -> str:
    words = (f"{told['severity']},", told["alarm"] or "", told["what"], "at", told["camera"] or "this box")
    return " ".join(word for word in words if word)


def _told(notice: Notice) -> Iterator[_Told]:
    if notice.what == _SUMMARY:
        yield from notice.body["notices"]
        return
    names = ("id", "what", "camera", "alarm", "severity", "at")
    yield {name: getattr(notice, name) for name in names}


def _span(told: Sequence[_Told]) -> str:
    """The time that they are spread over, in words."""
    moments = [datetime.fromisoformat(each["at"]) for each in told]
    seconds = max(1.0, (max(moments) - min(moments)).total_seconds())
    unit, name = next((unit for unit in _UNITS if seconds >= _LEAST_OF_UNIT * unit[0]), _UNITS[-1])
    count = math.ceil(seconds / unit)
    return f"{count} {name}{'s' * (count != 1)}"
