"""Our alarm rule against what others use, on the same scores: python -m benchmarks.alarms BUNDLE [--data DIR] [--json]

DIR holds clips/ with truth.csv (by default EDGE_RESNET_REAL, or ../shared/data). The others: a single look over 0.8
(Viseron), three in a row over 0.75 (PrintGuard), a median of the last ten over 0.7 (Frigate). Their episodes end as
ours do, after 5 s of quiet and 10 s of cooldown, so that only what raises an alarm differs.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.command_line import Parser, exit_code
from benchmarks.real import find_data
from edge_resnet import command
from edge_resnet.hardware import cpu_name
from edge_resnet.progress import Narrator
from runtime.backtest.budget import Budget, bound
from runtime.backtest.footage import Evidence, Footage
from runtime.backtest.job import Job, run
from runtime.backtest.replay import Alarm
from runtime.backtest.sweep import choose, told
from runtime.backtest.tally import Tally
from runtime.rule_settings import RuleSettings

# Whether the last looks' probabilities, the newest last, raise an alarm.
Condition = Callable[[Sequence[float]], bool]
_MEMORY = 10
OTHERS: dict[str, Condition] = {
    "single look over 0.8": lambda last: last[-1] >= 0.8,
    "three in a row over 0.75": lambda last: len(last) >= 3 and min(last[-3:]) >= 0.75,
    "median of ten over 0.7": lambda last: len(last) == _MEMORY and median(last) >= 0.7,
}


def alarms(evidence: Evidence, condition: Condition) -> list[Alarm]:
    """What a condition raises on a target's scores."""
    last: deque[float] = deque(maxlen=_MEMORY)
    found: list[Alarm] = []
    raised_s, held_s, cool_s = None, 0.0, float("-inf")
    for time_s, value in zip(evidence.times_s.tolist(), evidence.probabilities.tolist(), strict=True):
        last.append(value)
        holds = condition(list(last))
        if holds and raised_s is None and time_s >= cool_s:
            raised_s = time_s
        if holds:
            held_s = time_s
        elif raised_s is not None and time_s - held_s >= RuleSettings.quiet_s:
            found.append(Alarm(raised_s, held_s))
            raised_s, cool_s = None, time_s + RuleSettings.cooldown_s
    return found if raised_s is None else [*found, Alarm(raised_s, held_s)]


def tally(footage: Sequence[Footage], alarm: str, condition: Condition) -> Tally:
    """The counts of a condition over all clips."""
    parts = [
        each.tally(
            alarm,
            [
                raised
                for target, of in each.evidence.items()
                if target.alarm == alarm
                for raised in alarms(of, condition)
            ],
        )
        for each in footage
    ]
    return sum(parts, Tally())


def measure(bundle: Path, clips: Path, budget: Budget, narrator: Narrator) -> dict[str, Any]:
    """All rules on all clips, by alarm. Raises UserError."""
    result = run(Job(bundle, clips), narrator)
    footage = [each.footage for each in result.judged]
    answer: dict[str, Any] = {"processor": cpu_name(), "budget": budget.text, "alarms": {}}
    for alarm, tried in result.try_rules(narrator).items():
        choice = choose(alarm, tried, budget)
        narrator.say(told(choice))
        rows = {name: tally(footage, alarm, condition) for name, condition in OTHERS.items()}
        rows["ours, as the bundle has it"] = choice.today.total
        if choice.chosen is not None:
            settings = choice.chosen.settings
            name = f"ours, chosen: {settings.threshold:g}, {settings.window_s:g} s, share {settings.share:g}"
            rows[name] = choice.chosen.total
            rows[f"ours, chosen without the clip ({choice.undecided} without a rule)"] = choice.left_out
        answer["alarms"][alarm] = {
            name: {**each.to_json(), "at_most_per_day": bound(each) if each.normal_s else None}
            for name, each in rows.items()
        }
    return answer


def show(answer: dict[str, Any]) -> None:
    """Print a table for each alarm."""
    for alarm, rows in answer["alarms"].items():
        table = Table(
            "rule", "found", "recall (95%)", "delay s", "false", "a day (95%)", title=f"{alarm}, {answer['processor']}"
        )
        for name, row in rows.items():
            low, high = row["recall_95"]
            rate, interval = row["false_per_day"], row["false_per_day_95"]
            table.add_row(
                name,
                f"{row['found']} of {row['expected']}",
                f"{low:.0%}-{high:.0%}",
                "-" if row["delay_s"] is None else f"{row['delay_s']:.1f}, at most {row['longest_delay_s']:.1f}",
                str(row["false"]),
                "-" if rate is None else f"{rate:,.0f} ({interval[0]:,.0f}-{interval[1]:,.0f})",
            )
        console = Console()
        Console(width=max(console.width, 140)).print(table)


def main() -> int:
    """Measure and print; the exit code."""
    parser = Parser("alarms", __doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--budget", default="60/hour")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    answer = measure(args.bundle, find_data(args.data) / "clips", Budget.parse(args.budget), Narrator())
    if args.json:
        command.answer_json(answer)
    else:
        show(answer)
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
