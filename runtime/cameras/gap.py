"""How far apart two looks at a camera may be: more at once, less only when the next look has come."""

from __future__ import annotations


class Gap:
    """`longest_s`: of two looks no further apart, the time between is seen.

    Less is not asked of a look that is as old as was allowed when it was taken: what it saw, it saw.
    """

    def __init__(self, longest_s: float) -> None:
        self.longest_s = self._next_s = longest_s

    def allow(self, longest_s: float) -> None:
        """From now on they may be so far apart."""
        self._next_s = longest_s
        self.longest_s = max(self.longest_s, longest_s)

    def looked(self) -> None:
        """A look has come, and was held against `longest_s`."""
        self.longest_s = self._next_s
