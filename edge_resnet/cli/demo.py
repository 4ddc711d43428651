"""`edge-resnet demo`: the whole main job on drawn pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="The demo's folder.")] = Path("runs/demo"),
    json: options.Json = False,
) -> None:
    """Draw a yard, train, export, prove, watch clips, and hold the alarms against the truth (some minutes)."""
    require("torch", "torchvision", "onnx", "onnxscript", extra="train")
    from edge_resnet.demo.run import Demo
    from edge_resnet.progress import Narrator

    summary = Demo(out, Narrator()).run()
    if json:
        answer_json(summary)
    else:
        from edge_resnet.cli.tables import print_clips

        low, high = summary["accuracy_interval_95"]
        figures = f"accuracy {summary['accuracy']:.1%} ({low:.1%} to {high:.1%}), parity {summary['parity']}"
        print_clips(summary["clips"], f"{figures}, {summary['seconds']:.0f} s")
        say(f"look at {summary['annotated_picture']} and {summary['annotated_clip']}")
        say("next, with a camera of your own: python runtime/stream.py --camera 0")
    if summary["events"]["missed"] or summary["events"]["false"]:
        raise typer.Exit(Exit.VERDICT_NO)
