"""What --fix does with an audit: the files of the checks that the user names go to quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edge_resnet.audit import quarantine
from edge_resnet.audit.registry import CHECKS
from edge_resnet.audit.result import Audit
from edge_resnet.errors import UserError


def fixable(names: Sequence[str]) -> tuple[str, ...]:
    """The names, if each is that of a check that has something to move. Raises UserError."""
    known = [check.name for check in CHECKS if check.fixable]
    for name in names:
        if name not in known:
            raise UserError(f"--fix {name}: takes one of {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def carry_out(audit: Audit, names: Sequence[str], folder: Path) -> Audit:
    """Move what the named checks would move into the quarantine `folder`; the audit without what that settles.

    Raises UserError when a class would be left without pictures, before anything is moved.
    """
    wanted: dict[Path, str] = {}
    for result in audit.results:
        if result.check.name in names:
            wanted |= {path: result.check.name for finding in result.findings for path in finding.moves}
    _keeps_every_class(audit, wanted)
    return audit.without(quarantine.put_away(wanted, audit.listing.root, folder) if wanted else [])


def _keeps_every_class(audit: Audit, wanted: dict[Path, str]) -> None:
    """A class without pictures is a folder that nobody can train on."""
    left = Counter((sample.split, sample.label) for sample in audit.listing.samples if sample.path not in wanted)
    for sample in audit.listing.samples:
        if not left[sample.split, sample.label]:
            where = f" of {sample.split}" if sample.split else ""
            name = audit.listing.labels[sample.label]
            asked = ", ".join(sorted({wanted[s.path] for s in audit.listing.samples if s.path in wanted}))
            raise UserError(f"--fix {asked}: would leave class {name}{where} without pictures; nothing was moved")
