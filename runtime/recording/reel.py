"""A reel: the newest pictures or packets of a camera in memory, bounded by seconds and by bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Piece(Protocol):
    """A picture or a packet. `at_s`: when it was captured; `key`: whether decoding can begin here."""

    @property
    def at_s(self) -> float: ...

    @property
    def key(self) -> bool: ...

    @property
    def data(self) -> bytes: ...


@dataclass(frozen=True)
class Picture:
    """A JPEG."""

    at_s: float
    data: bytes
    key: bool = True


PieceT = TypeVar("PieceT", bound=Piece)


class Reel(Generic[PieceT]):
    """Keeps what `seconds` need, from the key piece before them on, but no more than `most_bytes`.

    It always begins with a key piece: what comes before the first one cannot be decoded.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds, self._most_bytes = seconds, most_bytes
        self._pieces: deque[PieceT] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, piece: PieceT) -> None:
        """One more, captured after the others."""
        if not piece.key and not self._pieces:
            return
        self._pieces.append(piece)
        self.bytes += len(piece.data)
        self._trim(piece.at_s - self._seconds)

    def since(self, at_s: float) -> list[PieceT]:
        """What shows all from `at_s` on: from the last key piece before it, where there is one."""
        first = _key_before(self._pieces, at_s)
        return [piece for number, piece in enumerate(self._pieces) if number >= first]

    def clear(self) -> None:
        """Forget all of it."""
        self._pieces.clear()
        self.bytes = 0

    def _trim(self, wanted_from_s: float) -> None:
        for _ in range(_key_before(self._pieces, wanted_from_s)):
            self._drop()
        while self.bytes > self._most_bytes:
            self._drop()
            while self._pieces and not self._pieces[0].key:
                self._drop()

    def _drop(self) -> None:
        self.bytes -= len(self._pieces.popleft().data)


def _key_before(pieces: Iterable[Piece], at_s: float) -> int:
    """The index of the last key piece that is not after a time; 0 when there is none."""
    found = 0
    for number, piece in enumerate(pieces):
        if piece.at_s > at_s:
            break
        if piece.key:
            found = number
    return found
