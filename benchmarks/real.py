"""The main job on real pictures and clips, and how well it does: python -m benchmarks.real [--json] [--data DIR]

DIR holds fire/{train,val,test}/{fire,smoke,normal}, clips/ with truth.csv, and checkpoints/ with a ResNet-50 to start
from (by default EDGE_RESNET_REAL, or ../shared/data). Writes runs/real, and goes on where it was interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from benchmarks.command_line import Parser, exit_code
from edge_resnet import command, files, runs
from edge_resnet.cli.app import app
from edge_resnet.cli.tables import print_clips
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name
from export.package import PARITY_JSON
from runtime.backtest.clips import watch_clips
from runtime.backtest.judged import counts, total

OUT = Path("runs/real")
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def find_data(named: Path | None) -> Path:
    """The folder of real data. Raises UserError."""
    data = named or Path(os.environ.get("EDGE_RESNET_REAL") or BESIDE)
    if not (data / "fire").is_dir():
        raise UserError(f"{data}: no real data here; name its folder with --data or EDGE_RESNET_REAL")
    return data


def run(data: Path, input_size: str) -> int:
    """Train, export with its proof, and watch all clips; 0, or the exit code of the step that failed."""
    (checkpoint,) = (data / "checkpoints").glob("*.safetensors")
    begun = ["--resume"] if (OUT / runs.ARGS).exists() else [str(data / "fire"), "--weights", str(checkpoint)]
    size = [] if begun == ["--resume"] else ["--input", input_size]
    trained = command.run(app, ["finetune", *begun, *size, "--out", str(OUT)])
    # A guard wants one alarm for both.
    return trained or command.run(app, ["export", str(OUT), "--fp16", "--alarm", "fire=fire,smoke"])


def main() -> int:
    """Run and print; the exit code."""
    parser = Parser("real", __doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--input", default="224x224")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    data = find_data(args.data)
    if code := run(data, args.input):
        return code
    clips = watch_clips(data / "clips", OUT / runs.BUNDLE, OUT / "events.sqlite", command.say)
    summary = {
        "processor": cpu_name(),
        "stages": json.loads((OUT / "report.json").read_text())["stages"],
        "parity": json.loads((OUT / runs.BUNDLE / PARITY_JSON).read_text()),
        "events": counts(total(clips)),
        "clips": [clip.to_json() for clip in clips],
    }
    files.write_json(OUT / "summary.json", summary)
    if args.json:
        command.answer_json(summary)
    else:
        print_clips(summary["clips"], f"events: {summary['events']}")
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
