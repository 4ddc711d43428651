"""`edge-resnet backtest`: what a bundle's alarms find in clips or in recorded scores, and how often they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.progress import Narrator
    from runtime.backtest.budget import Budget
    from runtime.backtest.job import Job, Result
    from runtime.backtest.sweep import Choice


def backtest(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    clips: Annotated[Path | None, typer.Argument(help="A folder of clips, or one clip.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="clip,start_s,end_s,class (recorded: camera,start,end,class); CLIPS/truth.csv."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="CAMERAS.yaml", help="Judge by its rules, masks and zones.")
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(metavar="SITE/NAME", help="Whose video it is; by default the clips' names begin with it."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=1000.0, help="Looks a second, without --config.")] = 5.0,
    sweep: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Try many rules, and draw what they find and cost.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="N/TIME", help="False alarms of an alarm at a camera (1/week): choose the rule."),
    ] = None,
    against: Annotated[Path | None, typer.Option(metavar="BUNDLE2", help="Compare with it on the same clips.")] = None,
    recorded: Annotated[
        Path | None, typer.Option(metavar="EVENTS.sqlite", help="Scores that stream recorded, instead of CLIPS.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help='Of --recorded: a day or time, or "7 d" ago.')
    ] = None,
    backend: options.Backend = "auto",
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    box: Annotated[Path | None, typer.Option(help="What this box made; by default the bundle's box/.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Where scores are kept; by default ~/.cache/edge-resnet/backtest.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Hold alarms against the truth: found, missed, false, delays; --budget chooses the rule (exit code 1 if none)."""
    from edge_resnet.plots import frontier
    from edge_resnet.progress import Narrator
    from runtime.backtest.budget import Budget
    from runtime.backtest.job import Job, run
    from runtime.opening import Wish

    if (clips is None) == (recorded is None):
        raise UserError("give CLIPS, or --recorded events.sqlite, and not both")
    if recorded is None and since is not None:
        raise UserError("--since: goes with --recorded")
    if recorded is not None and against is not None:
        raise UserError("--against: recorded scores are of one bundle; give CLIPS to compare two")
    wanted = None if budget is None else Budget.parse(budget)
    if sweep is not None:
        frontier.check()
        if sweep.suffix.lower() != ".png":
            raise UserError(f"--sweep {sweep}: the picture is a PNG; name a file that ends in .png")
    wish = Wish(backend, precision, device, box)
    job = Job(bundle, clips, recorded, _since(since), truth, config, camera, rate, wish, cache)
    narrator = Narrator()
    result = run(job, narrator)
    answer = result.to_json()
    if not json:
        _print(result)
    if against is not None:
        answer["against"] = _compare(job, against, result, narrator, not json)
    refused = False
    if wanted is not None or sweep is not None:
        choices = _choices(result, wanted, narrator)
        refused = wanted is not None and not all(choice.chosen for choice in choices)
        answer["choices"] = _adopt(job, choices, not json) if wanted is not None else []
        answer["frontiers"] = _frontiers(choices)
        if sweep is not None:
            frontier.draw(sweep, choices, wanted)
            say(f"picture: {sweep}")
    if json:
        answer_json(answer)
    if refused:
        raise typer.Exit(Exit.VERDICT_NO)


def _since(text: str | None) -> str:
    from edge_resnet.cli.when import moment
    from runtime.backtest.recorded import EVER

    return EVER if text is None else moment("--since", text).isoformat(timespec="milliseconds")


def _choices(result: Result, budget: Budget | None, narrator: Narrator) -> list[Choice]:
    """Of each alarm the rules that were tried, and what a budget chooses."""
    from runtime.backtest.sweep import Choice, choose

    tried = result.try_rules(narrator)
    if budget is None:
        return [Choice(alarm, tuple(trials)) for alarm, trials in tried.items()]
    return [choose(alarm, trials, budget) for alarm, trials in tried.items()]


def _adopt(job: Job, choices: list[Choice], tell: bool) -> list[dict[str, Any]]:
    """Tell what was chosen, and write it into the configuration, where there is one."""
    from runtime.backtest.adopt import adopt, as_written
    from runtime.backtest.sweep import told

    chosen = {choice.alarm: choice.chosen.settings for choice in choices if choice.chosen is not None}
    if job.config is not None:
        adopt(job.config, chosen)
    for choice in choices:
        (typer.echo if tell else say)(told(choice))
    if chosen and job.config is not None:
        say(f"written to {job.config}: alarms.{', alarms.'.join(chosen)}; a running stream takes it at SIGHUP")
    elif chosen:
        say("nothing was written; --config cameras.yaml keeps it")
    return [
        {
            "alarm": choice.alarm,
            "refused": choice.refusal or None,
            "rule": None if choice.chosen is None else as_written(choice.chosen.settings),
            "gives": None if choice.chosen is None else choice.chosen.total.to_json(),
            "left_one_out": None if choice.chosen is None else choice.left_out.to_json(),
            "undecided": choice.undecided,
        }
        for choice in choices
    ]


def _frontiers(choices: list[Choice]) -> dict[str, list[dict[str, Any]]]:
    from runtime.backtest.adopt import as_written
    from runtime.backtest.sweep import frontier

    return {
        choice.alarm: [{**as_written(trial.settings), **trial.total.to_json()} for trial in frontier(choice.tried)]
        for choice in choices
    }


def _compare(job: Job, against: Path, result: Result, narrator: Narrator, tell: bool) -> list[dict[str, Any]]:
    """Compare with a second bundle, by the alarms that both have."""
    from dataclasses import replace

    from runtime.backtest.compare import compare, told
    from runtime.backtest.job import run

    other = run(replace(job, bundle=against), narrator)
    common = [alarm for alarm in result.alarms if alarm in other.alarms]
    if not common:
        raise UserError(f"--against {against}: has none of the alarms {', '.join(result.alarms)}")
    comparisons = [compare(alarm, result.judged, other.judged) for alarm in common]
    if tell:
        for comparison in comparisons:
            for line in told(comparison):
                typer.echo(line)
    return [comparison.to_json() for comparison in comparisons]


def _print(result: Result) -> None:
    """A table for each alarm, a row a clip, and under it what is ignored."""
    from edge_resnet.cli.tables import print_tallies
    from runtime.backtest.judged import total

    for alarm in result.alarms:
        rows = {each.name: each.tally(alarm) for each in result.judged if alarm in each.footage.alarms}
        print_tallies(rows, total(result.judged, alarm), alarm)
    for label, count in result.ignored.items():
        say(f"{label}: of no alarm, {count} interval{'s' * (count != 1)} of the truth count as normal")
