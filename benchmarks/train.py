"""How fast training is against what others train with: each side a whole program, as its users run it.

All sides train the same ResNet-50 on the same pictures at the same size and batch, in turns, and the median of the
ratios counts. The sides: edge-resnet finetune; a tutorial's loop; torchvision's recipe; and, with --ultralytics PYTHON
(of an environment that has that package), its classification training. A second race is for the head alone:
edge-resnet finetune --tune head --epochs 0 against the tutorial's loop with a frozen body.

    python -m benchmarks.train --weights FILE [--data DIR] [--pictures N] [--side PIXELS] [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.command_line import Parser, exit_code
from benchmarks.watch import Program, Run, edge_resnet, peer, watch
from edge_resnet import weights
from edge_resnet.demo.generate import generate_pictures
from edge_resnet.demo.script import KINDS
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_has_bf16, cpu_name
from edge_resnet.pictures import find_pictures

OURS, TUTORIAL, RECIPE, ULTRALYTICS = "edge-resnet", "tutorial", "torchvision recipe", "ultralytics"
# The bars that the project set itself, for a processor that multiplies bfloat16.
WANTED = {TUTORIAL: 3.0, ULTRALYTICS: 4.5}
WANTED_HEAD = 20.0
FROZEN_EPOCHS = 10
# Head against head must be at equal accuracy; this much less is taken for equal.
_EQUAL_WITHIN = 0.01
# The audit is left out of the race, since no peer looks for faults of the pictures.
_OURS_ALWAYS = ("--device", "cpu", "--no-audit")
# Drawn validation pictures for each four of training.
_VAL_SHARE = 4

Make = Callable[[Path], Program]


@dataclass(frozen=True)
class Task:
    """What all sides train on; `body` holds the weights as a plain state dict, for the peers."""

    data: Path
    pictures: int
    weights: str
    body: Path
    side: int
    batch: int
    ultralytics: str | None

    def ours(self, epochs: int, *more: str) -> Make:
        """Our program."""
        size = ("--input", f"{self.side}x{self.side}", "--batch", str(self.batch), "--epochs", str(epochs))
        return lambda folder: edge_resnet(self.data, self.weights, folder, [*size, *_OURS_ALWAYS, *more])

    def peer(self, name: str, module: str, epochs: int, *more: str, python: str = sys.executable) -> Make:
        """One of benchmarks.peers."""
        given = {"data": self.data, "weights": self.body, "side": self.side, "batch": self.batch, "epochs": epochs}
        options = [text for key, value in given.items() for text in (f"--{key}", str(value))]
        return lambda folder: peer(name, python, module, folder, [*options, *more])

    def whole(self, epochs: int) -> dict[str, Make]:
        """The sides of the race for tuning everything."""
        sides = {
            OURS: self.ours(epochs),
            TUTORIAL: self.peer(TUTORIAL, "tutorial", epochs),
            RECIPE: self.peer(RECIPE, "torchvision_recipe", epochs),
        }
        if self.ultralytics:
            sides[ULTRALYTICS] = self.peer(ULTRALYTICS, "ultralytics_classify", epochs, python=self.ultralytics)
        return sides

    def head(self) -> dict[str, Make]:
        """The sides of the race for the head alone."""
        return {
            # No epochs: the head is fitted to the end on features that are computed once (docs/decisions/0006).
            OURS: self.ours(0, "--tune", "head"),
            TUTORIAL: self.peer(TUTORIAL, "tutorial", FROZEN_EPOCHS, "--frozen"),
        }


def race(sides: dict[str, Make], rounds: int, folder: Path) -> dict[str, list[Run]]:
    """Run all sides in turns; each round begins with another one. Raises ProgramError when one fails."""
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            home = folder / "side"
            home.mkdir(parents=True)
            runs[name].append(watch(sides[name](home)))
            shutil.rmtree(home)
    return runs


def ms_a_picture(run: Run, pictures: int) -> float:
    """Median over the epochs of the training part alone, in milliseconds a picture."""
    return 1000 * statistics.median(epoch.seconds for epoch in run.epochs if epoch.number) / pictures


def described(runs: Sequence[Run], pictures: int, accuracy: float | None) -> dict[str, float | None]:
    """The medians of a side; `accuracy` is what the time to it is given for, None where no time is to be given."""
    speed = statistics.median(ms_a_picture(run, pictures) for run in runs)
    return {
        "ms_a_picture": round(speed, 1),
        "pictures_a_second": round(1000 / speed, 2),
        "best_val_accuracy": round(statistics.median(run.accuracy for run in runs), 4),
        "seconds_to_accuracy": None if accuracy is None else _seconds_to(runs, accuracy),
        "peak_mb": round(max(run.peak_bytes for run in runs) / 1e6),
    }


def _seconds_to(runs: Sequence[Run], accuracy: float) -> float | None:
    """None where one of the runs never reached it."""
    if any(run.accuracy < accuracy for run in runs):
        return None
    return round(statistics.median(run.seconds_to(accuracy) for run in runs), 1)


def whole_race(runs: dict[str, list[Run]], pictures: int, accuracy: float | None) -> dict[str, object]:
    """The answer of the race for tuning everything; by default the accuracy is one that every run reached."""
    asked = accuracy if accuracy is not None else min(run.accuracy for side in runs.values() for run in side)
    ratios = {
        name: statistics.median(
            ms_a_picture(theirs, pictures) / ms_a_picture(ours, pictures)
            for theirs, ours in zip(side, runs[OURS], strict=True)
        )
        for name, side in runs.items()
        if name != OURS
    }
    return {
        "accuracy": round(asked, 4),
        "sides": {name: described(side, pictures, asked) for name, side in runs.items()},
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "wanted": {name: WANTED[name] for name in ratios if name in WANTED},
    }


def head_race(runs: dict[str, list[Run]]) -> dict[str, object]:
    """The answer of the race for the head: seconds of work until the last accuracy was known, and both accuracies."""
    ours, theirs = runs[OURS], runs[TUTORIAL]
    best = {name: statistics.median(run.accuracy for run in side) for name, side in runs.items()}
    return {
        "sides": {
            name: {
                "work_s": round(statistics.median(run.work_s for run in side), 1),
                "whole_program_s": round(statistics.median(run.known_s[-1] for run in side), 1),
                "best_val_accuracy": round(best[name], 4),
                "peak_mb": round(max(run.peak_bytes for run in side) / 1e6),
            }
            for name, side in runs.items()
        },
        "ratio": round(statistics.median(b.work_s / a.work_s for a, b in zip(ours, theirs, strict=True)), 2),
        "wanted": WANTED_HEAD,
        "at_equal_accuracy": best[OURS] >= best[TUTORIAL] - _EQUAL_WITHIN,
    }


def passes(answer: dict[str, dict]) -> bool:
    """Whether every ratio is at its bar."""
    whole, head = answer.get("whole"), answer.get("head")
    return (whole is None or all(whole["ratios"][name] >= bar for name, bar in whole["wanted"].items())) and (
        head is None or (head["at_equal_accuracy"] and head["ratio"] >= head["wanted"])
    )


def lay_out(data: Path | None, pictures: int, folder: Path) -> Path:
    """Pictures for all sides, in train/ and val/: drawn, or chosen from `data`, as many of each class."""
    if data is None:
        train = max(1, pictures // len(KINDS))
        generate_pictures(folder, {"train": train, "val": max(4, train // _VAL_SHARE)})
        return folder
    held_out = next((data / name for name in ("val", "test") if (data / name).is_dir()), None)
    if held_out is None or not (data / "train").is_dir():
        raise UserError(f"--data {data}: has no train/ with val/ or test/; the race judges on pictures held out")
    classes = sorted(path.name for path in (data / "train").iterdir() if path.is_dir())
    random = np.random.default_rng(0)
    for split, home, count in (("train", data / "train", pictures // len(classes)), ("val", held_out, None)):
        for name in classes:
            found = list(find_pictures(home / name))
            (folder / split / name).mkdir(parents=True)
            for place in random.permutation(len(found))[:count]:
                # Copies, since a peer keeps lists beside the pictures, and mends some.
                shutil.copyfile(found[place], folder / split / name / f"{place:05d}{found[place].suffix}")
    return folder


def prepared(args: argparse.Namespace, folder: Path) -> Task:
    """Pictures and weights, laid out for all sides."""
    data = lay_out(args.data, args.pictures, folder / "data")
    classes = sum(path.is_dir() for path in (data / "train").iterdir())
    body = folder / "body.pth"
    torch.save(weights.initial_model(args.weights, classes).state_dict(), body)
    count = len(list(find_pictures(data / "train")))
    given = str(Path(args.weights).resolve()) if Path(args.weights).is_file() else args.weights
    return Task(data, count, given, body, args.side, args.batch, args.ultralytics)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = Parser("train", __doc__)
    parser.add_argument(
        "--weights", default="imagenet", help="of all sides: imagenet, or a file of torchvision's names"
    )
    parser.add_argument("--data", type=Path, help="train/ with val/ or test/ of class folders; by default drawn")
    parser.add_argument("--pictures", type=int, default=96, help="for training, in all")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3, help="of the race for tuning everything")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accuracy", type=float, help="give the time to this; by default what all sides reach")
    parser.add_argument("--race", choices=("whole", "head", "both"), default="both")
    parser.add_argument("--ultralytics", metavar="PYTHON", help="the Python of an environment with that package")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def races(args: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The answers of the races that were asked for."""
    task = prepared(args, folder)
    answer: dict[str, object] = {"pictures": task.pictures}
    if args.race != "head":
        runs = race(task.whole(args.epochs), args.rounds, folder)
        answer["whole"] = whole_race(runs, task.pictures, args.accuracy)
    if args.race != "whole":
        answer["head"] = head_race(race(task.head(), args.rounds, folder))
    return answer


def main() -> int:
    """Race and print; 1 when a ratio is under its bar on a processor with bfloat16."""
    args = parsed()
    answer: dict[str, object] = {
        "processor": cpu_name(),
        "bf16": cpu_has_bf16(),
        "threads": torch.get_num_threads(),
        **{key: getattr(args, key) for key in ("side", "batch", "epochs", "rounds")},
    }
    with tempfile.TemporaryDirectory() as name:
        answer |= races(args, Path(name))
    print(json.dumps(answer) if args.json else _table(answer))
    return 0 if passes(answer) or not cpu_has_bf16() else 1


def _table(answer: dict) -> str:
    lines = [
        f"{answer['processor']}, {answer['threads']} threads; {answer['pictures']} pictures, side {answer['side']}"
    ]
    if whole := answer.get("whole"):
        lines.append(f"tuning everything, {answer['epochs']} epochs, time to {whole['accuracy']:.1%} on validation:")
        for name, side in whole["sides"].items():
            against = f"; {whole['ratios'][name]} times ours" if name != OURS else ""
            bar = f" (wanted {whole['wanted'][name]})" if name in whole["wanted"] else ""
            lines.append(
                f"  {name}: {side['ms_a_picture']} ms a picture{against}{bar}, {side['seconds_to_accuracy']} s to "
                f"that, best {side['best_val_accuracy']:.1%}, peak {side['peak_mb']} MB"
            )
    if head := answer.get("head"):
        lines.append(f"the head alone: {head['ratio']} times faster (wanted {head['wanted']}):")
        lines += [
            f"  {name}: {side['work_s']} s of work ({side['whole_program_s']} s with the start), "
            f"best {side['best_val_accuracy']:.1%}, peak {side['peak_mb']} MB"
            for name, side in head["sides"].items()
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(exit_code(main))
