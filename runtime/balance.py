"""Overload: all live cameras give up looks evenly, which is said, until the box keeps up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.channel import Channel
from runtime.dispatch import Load, fair_rates
from runtime.service.logs import Log

_EVERY_S = 1.0


@dataclass
class Balance:
    """Sets the rate of looks of each live channel, between what it wants and a look each heartbeat."""

    channels: Mapping[str, Channel]
    log: Log
    _load: Load = field(default_factory=Load, init=False)
    # When the counts were read, and what they were: looks that were given, due frames that were lost.
    _read: tuple[float, int, int] | None = field(default=None, init=False)

    @property
    def overloaded(self) -> bool:
        """Whether cameras get fewer looks than they want."""
        return self._load.capacity is not None

    def look(self, now_s: float) -> None:
        """To be called often: once a second the rates follow what was managed and what was lost."""
        if self._read is not None and now_s - self._read[0] < _EVERY_S:
            return
        live = self._live()
        given, lost = sum(channel.given for channel in live), sum(channel.lost for channel in live)
        before, self._read = self._read, (now_s, given, lost)
        if before is None:
            return
        wanted, was = sum(channel.settings.rate for channel in live), self.overloaded
        seconds = now_s - before[0]
        if self._load.second(wanted, (given - before[1]) / seconds, (lost - before[2]) / seconds):
            self.share_out()
            if was != self.overloaded:
                self._say(wanted)

    def skip(self) -> None:
        """What is being counted is no measure: no engine runs, or a camera came or went."""
        self._read = None

    def share_out(self) -> None:
        """Give each camera its share."""
        wanted = {channel.name: channel.settings.rate for channel in self._live()}
        capacity = self._load.capacity
        rates = wanted if capacity is None else fair_rates(wanted, capacity)
        for name, rate in rates.items():
            channel = self.channels[name]
            if channel.camera.looks is not None:
                channel.camera.looks.rate_per_s = max(rate, 1.0 / channel.settings.heartbeat)

    def _live(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.in_time]

    def _say(self, wanted: float) -> None:
        capacity = self._load.capacity
        if capacity is None:
            self.log.info("no longer overloaded", wanted_per_s=round(wanted, 1))
        else:
            given = round(capacity, 1)
            self.log.warning(
                "overloaded: every camera gets fewer looks", wanted_per_s=round(wanted, 1), given_per_s=given
            )
