"""The search for the most cameras: doubled until it fails, then halved between the two to a tenth."""

from __future__ import annotations

from dataclasses import dataclass

PRECISION = 0.1


@dataclass
class Search:
    """Asks for trials with so many cameras, and is told whether they passed. `first`: where it begins; `most`: it asks
    for no more. `passed`: the largest number so far that did, 0 for none; `failed`: the smallest that did not.
    """

    first: int
    most: int
    passed: int = 0
    failed: int | None = None

    @property
    def cameras(self) -> int | None:
        """How many to try next; None when it is known well enough."""
        if self.failed is None:
            following = 2 * self.passed if self.passed else self.first
            return None if self.passed >= self.most else min(following, self.most)
        if self.failed - self.passed <= max(1.0, PRECISION * self.passed):
            return None
        return (self.passed + self.failed) // 2

    def tell(self, cameras: int, passed: bool) -> None:
        """A trial with so many is over."""
        if passed:
            self.passed = max(self.passed, cameras)
        else:
            self.failed = cameras if self.failed is None else min(self.failed, cameras)
