"""How accurate fine-tuning is on real pictures, before and after, with cross-validation, and by number of pictures.

    python -m benchmarks.accuracy [--data DIR] [--out DIR] [--only fire,person,violence,intrusion,cifar10] [--json]

DIR is as benchmarks.real wants it. All of it goes through the commands that users have. A run that is complete under
--out is not done again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.command_line import Parser, exit_code
from benchmarks.real import find_data
from edge_resnet import command
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name

OUT = Path("runs/accuracy")
CIFAR_SIDE, CIFAR_EPOCHS = 64, 15
# Pictures a class; None: all that are there.
CIFAR_PICTURES: tuple[int | None, ...] = (10, 50, 200, None)


@dataclass(frozen=True)
class Row:
    """One line of a table: which pictures, who answered, and how well, 0..1 with Wilson's 95% interval."""

    task: str
    who: str
    accuracy: float
    low: float
    high: float
    n: int


def edge_resnet(*arguments: object) -> dict[str, Any]:
    """Run `edge-resnet ARGUMENTS --json` and give its answer. Raises UserError when it fails."""
    words = [sys.executable, "-m", "edge_resnet", *map(str, arguments), "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise UserError(f"{' '.join(words)}: ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def tuned(task: str, out: Path, data: Path, *options: object) -> Iterator[Row]:
    """Fine-tune, or go on; each stage on test."""
    begun = ("--resume",) if (out / "args.yaml").exists() else (data, *options)
    answer = edge_resnet("finetune", *begun, "--out", out)
    for stage in answer["stages"]:
        yield Row(task, stage["stage"], stage["accuracy"], *stage["interval_95"], stage["n"])
    for line in answer["conclusions"]:
        command.say(f"{task}: {line['tone']}: {line['text']}")


def held_out(task: str, out: Path, data: Path, *options: object) -> Iterator[Row]:
    """Cross-validate, or go on; all parts together, and each camera."""
    resume = ("--resume",) if (out / "args.yaml").exists() else ()
    answer = edge_resnet("finetune", data, *options, *resume, "--out", out)
    for name, share in answer["pooled"].items():
        yield Row(task, name, share["share"], *share["interval_95"], share["n"])
    if answer["held_out"] == "camera":
        for fold in answer["folds"]:
            share = fold["accuracy"]
            yield Row(f"{task}, {fold['name']}", "fine-tuned", share["share"], *share["interval_95"], share["n"])
    for line in answer["conclusions"]:
        command.say(f"{task}: {line}")


def cifar10(out: Path, data: Path, weights: Path) -> Iterator[Row]:
    """The curve by pictures a class: from the checkpoint and from nothing."""
    whole = out / "cifar10"
    edge_resnet("data", "cifar10", whole, "--from", data / "cifar10")
    size = ("--input", f"{CIFAR_SIDE}x{CIFAR_SIDE}", "--no-audit")
    for number in CIFAR_PICTURES:
        name = "all" if number is None else str(number)
        part = _part(whole, out / f"cifar10-{name}", number)
        yield from tuned(f"cifar10, {name} a class", out / f"cifar10-{name}-tuned", part, "--weights", weights, *size)
        scratch = ("--weights", "none", *size, "--epochs", CIFAR_EPOCHS)
        yield from tuned(f"cifar10, {name} a class, from nothing", out / f"cifar10-{name}-scratch", part, *scratch)


def _part(whole: Path, part: Path, number: int | None) -> Path:
    """A folder with the first `number` training pictures of each class, and all test pictures."""
    if number is None:
        return whole
    if not part.exists():
        shutil.copytree(whole / "test", part / "test")
        for folder in (whole / "train").iterdir():
            (part / "train" / folder.name).mkdir(parents=True)
            for picture in sorted(folder.iterdir())[:number]:
                os.link(picture, part / "train" / folder.name / picture.name)
    return part


def measure(data: Path, out: Path, only: Sequence[str]) -> list[Row]:
    """All tables that are asked for."""
    (weights,) = (data / "checkpoints").glob("*.safetensors")
    start = ("--weights", weights)
    tables = {
        "fire": lambda: tuned("fire", out / "fire", data / "fire", *start),
        "person": lambda: tuned("person", out / "person", data / "person", *start, "--input", "128x64"),
        "violence": lambda: held_out(
            "violence, 5 parts", out / "violence", data / "violence", *start, "--input", "160x160", "--folds", 5
        ),
        "intrusion": lambda: held_out(
            "intrusion, unseen camera", out / "intrusion", data / "intrusion", *start, "--hold-out-group"
        ),
        "cifar10": lambda: cifar10(out, data, weights),
    }
    return [row for name, table in tables.items() if name in only for row in table()]


def main() -> int:
    """Measure and print; the exit code."""
    names = ("fire", "person", "violence", "intrusion", "cifar10")
    parser = Parser("accuracy", __doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", default=",".join(names))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = measure(find_data(args.data), args.out, args.only.split(","))
    if args.json:
        command.answer_json({"processor": cpu_name(), "rows": [asdict(row) for row in rows]})
    else:
        for row in rows:
            print(f"| {row.task} | {row.who} | {row.accuracy:.1%} | {row.low:.1%} to {row.high:.1%} | {row.n} |")
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
