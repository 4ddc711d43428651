"""What a check is: one question about a set of pictures, and what it finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from edge_resnet import files
from edge_resnet.data.listing import Listing
from edge_resnet.data.survey import Survey

# error: figures or training are wrong; warning: look at it; note: good to know.
Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class NotRun(Exception):
    """A check that cannot be made on this survey; the message says why."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    `told`: a sentence with its numbers. `pictures`: indices of the survey's samples that it is about, `files`: what is
    no sample (an unreadable picture, say). `score`: findings of a check are ranked by it, the worst is the highest.
    `kind`: what findings of one check are counted by, where they differ. `severity`: None for the check's own.
    `moves`: the files that --fix would take away. `facts`: the measures behind the sentence, by name.
    """

    told: str
    pictures: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    score: float = 0.0
    kind: str = ""
    severity: Severity | None = None
    moves: tuple[Path, ...] = ()
    facts: Mapping[str, str | float] = field(default_factory=dict)


class Check(ABC):
    """One question about the pictures.

    `name` is how --fix and audit.json call it, `meaning` is a sentence for people, `severity` that of its findings
    unless they say otherwise. `fixable`: whether there are files to move (Finding.moves).
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    severity: ClassVar[Severity]
    fixable: ClassVar[bool] = True

    @abstractmethod
    def find(self, survey: Survey) -> Sequence[Finding]:
        """What is wrong with these pictures. Raises NotRun where that cannot be told."""


def short(path: Path, root: Path) -> str:
    """How a file below `root` is named to people: without the root, and with no bytes that are no text."""
    name = path.relative_to(root) if path.is_relative_to(root) else path
    return files.printable(str(name))


def name_of(listing: Listing, index: int) -> str:
    """How a picture of a listing is named to people."""
    return short(listing.samples[index].path, listing.root)
