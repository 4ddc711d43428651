"""What is measured of a stream from outside: its memory and threads, and quantiles of its histograms."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families


def memory_mb(pid: int) -> float:
    """Resident memory of the process alone (RssAnon), in MB: pages of files come and go as the kernel likes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return int(kilobytes) / 1024


def threads(pid: int) -> int:
    """Threads of the process, those of its libraries too."""
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


def descriptors(pid: int) -> int:
    """Open file descriptors."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def slope_per_hour(times_s: Sequence[float], values: Sequence[float]) -> float:
    """How fast values grow: Theil and Sen's estimate, the median of the slopes of all pairs, which no spike moves."""
    pairs = [
        (later - earlier) / (times_s[end] - times_s[start])
        for start, earlier in enumerate(values)
        for end, later in enumerate(values)
        if end > start
    ]
    return 3600 * statistics.median(pairs)


def counts(exposition: str, name: str) -> dict[float, float]:
    """The cumulated counts of a histogram, all its series together, by upper bound."""
    sums: dict[float, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples if family.name == name else ():
            if sample.name == f"{name}_bucket":
                bound = float(sample.labels["le"])
                sums[bound] = sums.get(bound, 0.0) + sample.value
    return sums


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The bound under which `share` of what was observed between two readings of a histogram lies; in its steps."""
    seen = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    return min(bound for bound, count in seen.items() if count >= share * seen[float("inf")])
