"""The ring in memory: bounded by seconds and by bytes, and always beginning with what can be decoded."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from runtime.recording.reel import Picture, Reel


@dataclass(frozen=True)
class Coded:
    at_s: float
    data: bytes
    key: bool


def stream(count: int, gop: int, size: int = 10) -> list[Coded]:
    """A piece a second, of which each gop-th is a key piece."""
    return [Coded(float(second), bytes(size), second % gop == 0) for second in range(count)]


def reel_of(pieces: list[Coded], seconds: float, most_bytes: int = 10**9) -> Reel[Coded]:
    reel: Reel[Coded] = Reel(seconds, most_bytes)
    for piece in pieces:
        reel.add(piece)
    return reel


def test_it_keeps_what_the_seconds_need_from_the_key_piece_before_them_on() -> None:
    reel = reel_of(stream(100, gop=10), 15.0)
    # Newest is 99: all from 84 on is wanted, and 80 is the key piece before it.
    assert [piece.at_s for piece in reel.since(0.0)] == [float(second) for second in range(80, 100)]
    assert [piece.at_s for piece in reel.since(93.0)] == [float(second) for second in range(90, 100)]


def test_pictures_are_all_key() -> None:
    reel: Reel[Picture] = Reel(2.0, 10**9)
    for second in range(10):
        reel.add(Picture(float(second), b"jpeg"))
    assert [piece.at_s for piece in reel.since(0.0)] == [7.0, 8.0, 9.0]


def test_what_comes_before_the_first_key_piece_is_left_out() -> None:
    assert [piece.at_s for piece in reel_of(stream(15, gop=10)[3:], 100.0).since(0.0)] == [10.0, 11.0, 12.0, 13.0, 14.0]


def test_bytes_are_bounded_in_whole_groups() -> None:
    reel = reel_of(stream(30, gop=10, size=100), 1000.0, most_bytes=1500)
    assert [piece.at_s for piece in reel.since(0.0)] == [float(second) for second in range(20, 30)]
    assert reel.bytes == 1000


def test_a_group_that_is_too_large_is_not_kept_at_all() -> None:
    assert len(reel_of(stream(10, gop=100, size=100), 1000.0, most_bytes=500)) == 0


@given(
    sizes=st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=60),
    seconds=st.floats(0.1, 20.0),
    most=st.integers(1, 300),
)
def test_it_is_never_larger_than_it_may_be_and_begins_with_a_key_piece(
    sizes: list[tuple[int, bool]], seconds: float, most: int
) -> None:
    reel: Reel[Coded] = Reel(seconds, most)
    for second, (size, key) in enumerate(sizes):
        reel.add(Coded(float(second), bytes(size), key))
        kept = reel.since(float("-inf"))
        assert reel.bytes == sum(len(piece.data) for piece in kept) <= most
        assert not kept or kept[0].key
        # No more than one group of what is older than it has to be.
        assert sum(piece.key and piece.at_s <= second - seconds for piece in kept) <= 1
