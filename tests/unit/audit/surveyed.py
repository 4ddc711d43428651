"""Surveys of drawn pictures, and what one check finds on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_resnet.audit.check import Finding
from edge_resnet.audit.registry import CHECKS
from edge_resnet.data import store
from edge_resnet.data.listing import scan
from edge_resnet.data.survey import Survey
from edge_resnet.preprocess import Preprocess


def survey(data: Path, input: tuple[int, int] = (32, 40), features: npt.NDArray[np.float32] | None = None) -> Survey:
    """What training would know of `data`; its arrays lie beside it."""
    stored = store.read(scan(data), Preprocess(*input), data.with_name("cache"), lambda *_: None, allow_skipped=True)
    return Survey(stored.listing, stored, features)


def found(name: str, surveyed: Survey) -> Sequence[Finding]:
    """The findings of the registered check of that name."""
    (check,) = (check for check in CHECKS if check.name == name)
    return check.find(surveyed)


def files_of(surveyed: Survey, finding: Finding) -> list[str]:
    """The pictures that a finding is about, below the data folder."""
    root = surveyed.listing.root
    return [surveyed.listing.samples[index].path.relative_to(root).as_posix() for index in finding.pictures]


def moves_of(surveyed: Survey, finding: Finding) -> set[str]:
    """The files that --fix would move, below the data folder."""
    return {path.relative_to(surveyed.listing.root).as_posix() for path in finding.moves}
