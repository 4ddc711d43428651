"""What truly happens in video (truth.csv), and how much of the rest is normal."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge_resnet.errors import UserError

# People mark the beginning of smoke or of a fight to about half a second; an alarm needs a window to be sure.
TOLERANCE_S = 1.0
# From a second to a later one.
Span = tuple[float, float]

_COLUMNS = ("clip", "start_s", "end_s", "class")


@dataclass(frozen=True)
class Interval:
    """Something of a class is to be seen from `start_s` to `end_s` of a clip.

    `early_s`: so long before it an alarm is not yet false. `line`: where it stands in its file, from 1; 0 of none.
    """

    start_s: float
    end_s: float
    label: str
    early_s: float = TOLERANCE_S
    line: int = field(default=0, compare=False)

    @property
    def tolerant(self) -> Span:
        """With the tolerance on both ends."""
        return self.start_s - self.early_s, self.end_s + TOLERANCE_S

    def holds(self, time_s: float) -> bool:
        """Whether a time lies in it, with the tolerance on both ends."""
        first_s, last_s = self.tolerant
        return first_s <= time_s <= last_s


def read_truth(path: Path) -> dict[str, list[Interval]]:
    """The intervals of each clip, by the clip's file name. A clip without rows is normal. Raises UserError."""
    truth: defaultdict[str, list[Interval]] = defaultdict(list)
    for number, row in read_rows(path, _COLUMNS):
        try:
            start_s, end_s = float(row["start_s"]), float(row["end_s"])
        except ValueError:
            start_s = end_s = math.nan
        if not 0.0 <= start_s < end_s < math.inf:
            raise UserError(
                f"{path}: line {number}: start_s and end_s are seconds of the clip, the end after the start"
            )
        truth[row["clip"]].append(Interval(start_s, end_s, row["class"], line=number))
    return dict(truth)


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with these columns, none of them empty, each with the number of its line.

    Raises UserError.
    """
    wanted = f"its columns are {','.join(columns)}"
    try:
        # Spreadsheets put a mark at the front.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not set(columns) <= set(rows.fieldnames or ()):
                raise UserError(f"{path}: not a truth file; {wanted}")
            for row in rows:
                if not all(row[name] for name in columns):
                    raise UserError(f"{path}: line {rows.line_num}: a value is missing; {wanted}")
                yield rows.line_num, row
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name a truth file with --truth, {wanted}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a truth file; {wanted}") from error


def outside(watched: Iterable[Span], excluded: Iterable[Span]) -> float:
    """How many seconds of `watched` spans, which do not overlap, lie in none of the `excluded` ones."""
    cuts = sorted(excluded)
    total_s = 0.0
    for start_s, end_s in watched:
        at_s = start_s
        for first_s, last_s in cuts:
            if first_s >= end_s:
                break
            total_s += max(0.0, first_s - at_s)
            at_s = max(at_s, last_s)
        total_s += max(0.0, end_s - at_s)
    return total_s
