"""Whose frame is classified next, and how many looks each camera gets when the box cannot give all that are wanted.

Max-min fairness (Bertsekas and Gallager, Data Networks, 6.5.2): no camera gets more while another that wants more has
less. With a slot of one frame a camera, serving the one that has waited longest since its last turn is max-min fair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Of what was just managed, this much is asked for next: the rest lets what has piled up drain.
_EASE = 0.9
# How much more is tried after a second without loss, and after the next, and so on: slow at first, so that the rate
# does not swing around what the box manages; soon fast, for a box that was only starting, or busy for a moment.
_GROWTH = 1.05
_FASTEST_GROWTH = 1.5
# Each time that more was tried and lost, the next try waits twice as long, up to so many seconds.
_LONGEST_WAIT = 30
# Under this share of frames lost of those that were due, the box keeps up.
_BEARABLE = 0.05
# Judged over so many seconds: where a second has few looks, one that a burst of key frames costs is a large share.
_JUDGED_S = 5


def keeps_up(given: float, lost: float) -> bool:
    """Whether a box that looked at so many due frames, and lost so many, keeps up."""
    return lost <= _BEARABLE * (given + lost)


def fair_rates(wanted: Mapping[str, float], capacity: float) -> dict[str, float]:
    """Share `capacity` looks a second among cameras that want so many each: max-min fair, never more than wanted."""
    rates: dict[str, float] = {}
    left = max(0.0, capacity)
    for number, (name, rate) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        rates[name] = min(rate, left / (len(wanted) - number))
        left -= rates[name]
    return rates


@dataclass
class Turns:
    """Who is next: the camera whose last turn is longest ago."""

    _last: dict[str, int] = field(default_factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def order(self, waiting: Iterable[str]) -> list[str]:
        """The waiting cameras, the next first."""
        return sorted(waiting, key=lambda name: self._last.get(name, -1))

    def served(self, name: str) -> None:
        """A camera had its turn."""
        self._count += 1
        self._last[name] = self._count

    def forget(self, name: str) -> None:
        """A camera was removed."""
        self._last.pop(name, None)


@dataclass
class Losses:
    """What was given and lost lately, as means of some seconds. Those that were not counted had no loss.

    So a box that manages half is found out in a second, and one that loses a little more than is bearable in five.
    """

    _seconds: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_JUDGED_S), init=False)

    def second(self, given: float, lost: float) -> tuple[float, float]:
        """One more second has passed, with so many looks given and due frames lost; both means, a second."""
        self._seconds.append((given, lost))
        all_given, all_lost = (sum(each) for each in zip(*self._seconds, strict=True))
        return all_given / len(self._seconds), all_lost / _JUDGED_S

    def forget(self) -> None:
        """What is asked for has changed: what was lost before says nothing of it."""
        self._seconds.clear()


@dataclass
class Load:
    """How many looks a second this box manages, found by trying. `capacity` is None while all that is wanted is given.

    Whatever the bottleneck is (decoding, inference, another program), it shows in the same way: frames that were due
    are lost, because newer ones came or they grew too old. Then a little less is asked for than was managed.
    """

    capacity: float | None = None
    # Seconds without loss, in a row; how many there must be before more is tried; whether more was tried since.
    _good: int = field(default=0, init=False)
    _wait: int = field(default=1, init=False)
    _tried: bool = field(default=False, init=False)

    def second(self, wanted: float, given: float, lost: float) -> bool:
        """A second has passed: looks `wanted` a second by all live cameras, `given`, and due frames `lost`.

        Whether what may be asked for has changed.
        """
        before = self.capacity
        if not keeps_up(given, lost):
            asked = wanted if self.capacity is None else self.capacity
            # Where nothing at all was managed, much less is asked for, but something.
            self.capacity = _EASE * min(max(given, _BEARABLE * asked), asked)
            self._wait = min(2 * self._wait, _LONGEST_WAIT) if self._tried else self._wait
            self._good, self._tried = 0, False
        elif self.capacity is not None:
            self._good += 1
            if self._good >= self._wait:
                self.capacity *= min(_GROWTH ** (self._good - self._wait + 1), _FASTEST_GROWTH)
                self._tried = True
            if self.capacity >= wanted:
                self.capacity, self._wait, self._good, self._tried = None, 1, 0, False
        return self.capacity != before
