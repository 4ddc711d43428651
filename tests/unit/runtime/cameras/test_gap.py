"""How far apart looks may be, as it changes between them."""

from __future__ import annotations

from runtime.cameras.gap import Gap


def test_more_is_allowed_at_once_and_less_from_the_next_look_on() -> None:
    gap = Gap(3.0)
    gap.allow(25.0)
    assert gap.longest_s == 25.0
    gap.looked()
    gap.allow(10.0)
    gap.allow(3.0)
    assert gap.longest_s == 25.0
    gap.looked()
    assert gap.longest_s == 3.0


def test_what_is_allowed_again_before_the_next_look_was_never_taken_away() -> None:
    gap = Gap(25.0)
    gap.allow(3.0)
    gap.allow(10.0)
    assert gap.longest_s == 25.0
    gap.looked()
    assert gap.longest_s == 10.0
