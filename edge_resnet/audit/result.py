"""What all checks found on one survey, and how it is told to a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_resnet.audit.check import SEVERITIES, Check, Finding, Severity, short
from edge_resnet.data.listing import SPLITS, Listing


@dataclass(frozen=True)
class Result:
    """What one check found, the worst first; `not_run` says why it found nothing, where it could not be made."""

    check: Check
    findings: tuple[Finding, ...] = ()
    not_run: str = ""

    def severity_of(self, finding: Finding) -> Severity:
        """The finding's severity, by default its check's."""
        return finding.severity or self.check.severity

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the findings, None without any."""
        return min(map(self.severity_of, self.findings), key=SEVERITIES.index, default=None)

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings there are of each kind, where they have kinds."""
        return dict(Counter(finding.kind for finding in self.findings if finding.kind))

    @property
    def concerned(self) -> int:
        """How many different pictures and files the findings are about."""
        return len({item for finding in self.findings for item in (*finding.pictures, *finding.files)})


@dataclass(frozen=True)
class Audit:
    """The results of all checks on the pictures of `listing`; `unreadable` more could not be read.

    `moved`: files that --fix has taken away since, whose findings are no longer among the results.
    """

    listing: Listing
    results: tuple[Result, ...]
    unreadable: int = 0
    moved: tuple[Path, ...] = ()

    def count(self, severity: Severity) -> int:
        """Findings of a severity, over all checks."""
        return sum(result.severity_of(finding) == severity for result in self.results for finding in result.findings)

    @property
    def passed(self) -> bool:
        """Whether nothing was found that makes figures or training wrong."""
        return self.count("error") == 0

    @property
    def counts(self) -> str:
        """`3 errors, 12 warnings, 1 note`."""
        return ", ".join(_numbered(self.count(severity), severity) for severity in SEVERITIES)

    @property
    def summary(self) -> str:
        """One line for a terminal."""
        not_run = [result.check.name for result in self.results if result.not_run]
        return f"audit: {self.counts}" + (f"; not run: {', '.join(not_run)}" if not_run else "")

    def without(self, moved: Sequence[Path]) -> Audit:
        """The audit when `moved` are gone: a finding is settled when all that it would move is."""
        gone = set(moved)
        results = tuple(
            replace(result, findings=tuple(f for f in result.findings if not f.moves or not gone.issuperset(f.moves)))
            for result in self.results
        )
        return replace(self, results=results, moved=(*self.moved, *moved))

    def to_json(self) -> dict[str, Any]:
        """The content of audit.json: every finding with all its pictures."""
        splits = [name for name in SPLITS if self.listing.of(name)]
        return {
            "data": str(self.listing.root),
            "verdict": "pass" if self.passed else "fail",
            "pictures": len(self.listing.samples),
            "unreadable": self.unreadable,
            "classes": list(self.listing.labels),
            "splits": {name: self.listing.counts(name) for name in splits},
            **{f"{severity}s": self.count(severity) for severity in SEVERITIES},
            "moved": [short(path, self.listing.root) for path in self.moved],
            "checks": [self._check(result) for result in self.results],
        }

    def summary_json(self) -> dict[str, Any]:
        """The part of it that a training report tells."""
        return {
            "verdict": "pass" if self.passed else "fail",
            **{f"{severity}s": self.count(severity) for severity in SEVERITIES},
            "findings": {result.check.name: len(result.findings) for result in self.results if result.findings},
            "not_run": {result.check.name: result.not_run for result in self.results if result.not_run},
        }

    def _check(self, result: Result) -> dict[str, Any]:
        return {
            "check": result.check.name,
            "meaning": result.check.meaning,
            "not_run": result.not_run or None,
            "kinds": result.kinds,
            "findings": [self._finding(result, finding) for finding in result.findings],
        }

    def _finding(self, result: Result, finding: Finding) -> dict[str, Any]:
        samples, root = self.listing.samples, self.listing.root
        return {
            "severity": result.severity_of(finding),
            "kind": finding.kind or None,
            "told": finding.told,
            "score": finding.score,
            **({"facts": dict(finding.facts)} if finding.facts else {}),
            "pictures": [
                {
                    "file": short(samples[index].path, root),
                    "class": self.listing.labels[samples[index].label],
                    "split": samples[index].split,
                }
                for index in finding.pictures
            ],
            "files": [short(path, root) for path in finding.files],
            "fix_moves": [short(path, root) for path in finding.moves],
        }


def _numbered(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
