"""What is wrong in a configuration: where in it, and what to do; and words that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from runtime.sources.address import redact

# The keys and indices that lead to a value, from the top.
KeyPath = tuple[str | int, ...]

_LONGEST_SHOWN = 40
# Of so few letters, with one exchanged, it is another word and no slip: gpu, cpu.
_OTHER_WORD = 3
# As difflib has it, of its own experience.
_LEAST_ALIKE = 0.6
# More that are as near are no guess: camera1 to camera8, for camera9.
_MOST_MEANT = 2
_MOST_TOLD = 12


@dataclass(frozen=True)
class Finding:
    """`text` says what is wrong with the value at `path`, and what to do."""

    path: KeyPath
    text: str


class Inconsistent(ValueError):
    """Settings of which each may be right, but not together. The paths begin at the settings that raise it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{dotted(finding.path)}: {finding.text}" for finding in self.findings))


def shown(value: object) -> str:
    """A value as it may be repeated: in quotes where it is text, not too long, without a password."""
    text = redact(str(value))
    text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return repr(text) if isinstance(value, str) else text


def dotted(path: KeyPath) -> str:
    """A path as people write it: `sites.yard.cameras.gate.masks[0]`; never with a password that stands in a key."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{redact(part)}" for part in path)
    return text.removeprefix(".")


def instead(word: str, known: Collection[str]) -> str:
    """What to write in place of a word that is not known: what was probably meant, else some of what there is."""
    if (probably := meant(word, known)) is not None:
        return f"did you mean {probably}?"
    return f"there are {some(known)}"


def some(names: Collection[str]) -> str:
    """Names in one line that is not too long: "a, b, c and 37 more"; "none" without any."""
    more = len(names) - _MOST_TOLD
    return f"{', '.join(islice(names, _MOST_TOLD)) or 'none'}{f' and {more} more' if more > 0 else ''}"


def meant(word: str, known: Collection[str]) -> str | None:
    """What was probably meant by a word that is not known: one, or "a or b" of a few that are as near; None of many."""
    near = {each: share for each in known if (share := _alike(word, each)) > 0.0}
    best = max(near.values(), default=0.0)
    nearest = [each for each, share in near.items() if share == best]
    return " or ".join(nearest) if 0 < len(nearest) <= _MOST_MEANT else None


def _alike(word: str, name: str) -> float:
    """0..1; 0 where any part of them between slashes is another: cameras of one site share the greater part of a name.

    The last parts are compared, so a camera is found without its site.
    """
    parts = list(zip(reversed(word.split("/")), reversed(name.split("/")), strict=False))
    shares = [
        0.0 if a != b and len(a) == len(b) <= _OTHER_WORD else difflib.SequenceMatcher(None, b, a).ratio()
        for a, b in parts
    ]
    return sum(shares) / len(shares) if min(shares) >= _LEAST_ALIKE else 0.0
