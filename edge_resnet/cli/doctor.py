"""`edge-resnet doctor`: what is installed here, which engines could run, what stands in the way."""

from __future__ import annotations

import typer

from edge_resnet import environment, hardware
from edge_resnet.cli import options
from edge_resnet.command import answer_json


def doctor(json: options.Json = False) -> None:
    """Show versions, the processor and the inference engines that are installed."""
    from runtime.backends import installed

    answer = {
        "processor": hardware.cpu_name(),
        "bf16": hardware.cpu_has_bf16(),
        "backends": installed(),
        "versions": environment.versions(),
    }
    if json:
        answer_json(answer)
        return
    typer.echo(f"processor: {answer['processor']}{', computes bfloat16' if answer['bf16'] else ''}")
    typer.echo(f"backends: {', '.join(installed())}")
    for name, version in environment.versions().items():
        typer.echo(f"{name} {version}")
