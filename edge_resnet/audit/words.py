"""What the terminal and the page say alike."""

from __future__ import annotations

from edge_resnet.audit.result import Result

_MAX_KINDS = 4


def kinds_of(result: Result) -> str:
    """`3 same file, 2 look-alike`: the kinds of findings, the most frequent first."""
    ordered = sorted(result.kinds.items(), key=lambda item: -item[1])
    told = [f"{count} {kind}" for kind, count in ordered[:_MAX_KINDS]]
    if others := sum(count for _kind, count in ordered[_MAX_KINDS:]):
        told.append(f"{others} of other kinds")
    return ", ".join(told)
