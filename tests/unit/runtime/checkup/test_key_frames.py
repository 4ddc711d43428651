"""How far apart key frames are: the longest gap, whatever a camera sends to who has just come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.checkup.key_frames import KeyFrames, found, longest_s

FPS = 10
WITHIN_S = 4.0


class Packets:
    """A stream with key frames at these frames; `asked`: how many packets were taken of it."""

    def __init__(self, keys: set[int], frames: int, first_s: float = 700.0) -> None:
        self.keys, self.frames, self.first_s, self.asked = keys, frames, first_s, 0

    def __iter__(self) -> Iterator[tuple[float, bool]]:
        for number in range(self.frames):
            self.asked += 1
            yield self.first_s + number / FPS, number in self.keys


@pytest.mark.parametrize(
    ("keys", "frames", "apart_s", "known"),
    [
        ({0, 20, 40, 60}, 100, 2.0, True),
        # Joined in the middle of a group.
        ({13, 33, 53}, 100, 2.0, True),
        # One more for who has come.
        ({0, 7, 27, 47}, 100, 2.0, True),
        # Longer than it may be: one gap is enough.
        ({0, 90, 180}, 300, 9.0, True),
        ({0, 30, 120}, 300, 9.0, True),
        # The end of what was looked at comes first.
        ({0}, 131, 13.0, False),
        ({60}, 131, 7.0, False),
        (set(), 131, 13.0, False),
        ({0, 20}, 100, 7.9, False),
        ({0, 70}, 80, 7.0, True),
    ],
)
def test_the_longest_gap_is_told(keys: set[int], frames: int, apart_s: float, known: bool) -> None:
    told = found(Packets(keys, frames), WITHIN_S)
    assert told == KeyFrames(pytest.approx(apart_s), known)


@pytest.mark.parametrize(("keys", "asked"), [({0, 20, 40, 60}, 41), ({0, 90, 180}, 91)])
def test_no_more_is_read_than_it_takes(keys: set[int], asked: int) -> None:
    packets = Packets(keys, 1000)
    found(packets, WITHIN_S)
    assert packets.asked == asked


@pytest.mark.parametrize("frames", [0, 1])
def test_of_too_little_nothing_is_told(frames: int) -> None:
    assert found(Packets({0}, frames), WITHIN_S) is None


@pytest.mark.parametrize("joined", range(0, 41, 5))
@pytest.mark.parametrize("forced", [True, False])
def test_within_the_time_that_is_given_a_gap_that_is_too_long_is_always_seen(joined: int, forced: bool) -> None:
    """Wherever in a group of 4.1 s somebody comes, and whether one more key frame is sent."""
    keys = {number for number in range(1000) if (number + joined) % 41 == 0} | ({0} if forced else set())
    told = found(Packets(keys, round(longest_s(WITHIN_S) * FPS)), WITHIN_S)
    assert told is not None
    assert told.apart_s > WITHIN_S


def test_what_is_known_and_what_is_not_is_told_in_words() -> None:
    assert str(KeyFrames(2.0, known=True)) == "key frames 2 s apart"
    assert str(KeyFrames(12.96, known=False)) == "key frames over 13 s apart"
