"""What is wrong in a configuration: where in it, and what to do; and words that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from runtime.sources.address import redact

# The keys and indices that lead to a value, from the top.
KeyPath = tuple[str | int, ...]

_LONGEST_SHOWN = 40
# Of so few letters, with one exchanged, it is another word and no slip: gpu, cpu.
_OTHER_WORD = 3


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
    """What to write in place of a word that is not known: the one that was probably meant, else all there are."""
    if (probably := meant(word, known)) is not None:
        return f"did you mean {probably}?"
    return f"there are {', '.join(known)}" if known else "there are none"


def meant(word: str, known: Collection[str]) -> str | None:
    """The one that was probably meant by a word that is not known, if any."""
    close = difflib.get_close_matches(word, known)
    return next((each for each in close if not len(each) == len(word) <= _OTHER_WORD), None)
