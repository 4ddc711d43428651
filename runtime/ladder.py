"""The ladder as the watch climbs it: brought up to what was seen of a camera, before the camera reads on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runtime.balance import Balance
from runtime.cameras.shot import Shot
from runtime.channel import Channel, Found
from runtime.events.event import Event


@dataclass(frozen=True)
class Ladder:
    """Tells `balance` what the shots of `channels` gave reason for, and each camera that it may go on."""

    channels: Mapping[str, Channel]
    balance: Balance
    clock: Callable[[], float]

    def passed(self, channel: Channel, shot: Shot) -> None:
        """A shot was not looked at: it was too old, or nothing moves in it, or it is only for people's eyes."""
        if shot.due:
            # Where the gate has closed nothing is judged for long, and a reason comes to its end all the same.
            self.balance.turned(channel, channel.at_s(shot))
        channel.camera.answered()

    def judged(self, channel: Channel, shot: Shot, found: Sequence[Found]) -> None:
        """A shot was looked at; `found` in it. An alarm wakes the other live cameras of the site."""
        if any(isinstance(each.subject, Event) and each.subject.ended_s is None for each in found):
            now_s = self.clock()
            for other in self.channels.values():
                if other is not channel and other.in_time and other.site and other.site == channel.site:
                    other.alarm_nearby(now_s)
                    self.balance.turned(other, now_s)
        self.balance.turned(channel, channel.at_s(shot))
        channel.camera.answered()
