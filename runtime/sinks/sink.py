"""The contract of a sink: it is told one notice at a time, in order, and says whether that arrived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_resnet.errors import UserError
from runtime.events.notice import Notice


class Refused(UserError):
    """This notice will never be taken: it goes to the dead letters. The message says why, without a secret."""


class Unavailable(UserError):
    """Nothing can be delivered now; it is tried again, after `pause_s` seconds at the earliest. Without a secret."""

    def __init__(self, message: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


def _nothing() -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Context:
    """What a sink may know of where it serves. `name`: its own.

    `cameras`: by name, the alarms that each is watched for. `standing`: what it was told before and still holds, alarms
    that are not cleared and cameras that are down. `reachable`: to be called, from any thread, when what could not be
    reached is there again, so that nobody waits for the next attempt. `trial`: it is only tried, beside the same sink
    of a watch that runs.
    """

    name: str
    cameras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    standing: Sequence[Notice] = ()
    reachable: Callable[[], None] = _nothing
    trial: bool = False


class Sink(ABC):
    """Where notices go. It is made with its settings and a Context, used, and closed on one thread of its own.

    `pictures_within_s`: how long a raised alarm may wait for its pictures before it is told without them.
    """

    pictures_within_s: float = 0.0

    @abstractmethod
    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        """Return when it has arrived, or is on its way and `flush` will tell. It may come again, with the same id.

        `pictures`: of its event, that are there. Raises Refused, Unavailable; anything else counts as Unavailable.
        """

    def flush(self) -> None:  # noqa: B027  # of most nothing is on its way
        """Return when all that is on its way has arrived. Raises as deliver does: then all of it comes again."""

    def close(self) -> None:  # noqa: B027  # most have nothing to close
        """Nothing more comes."""
