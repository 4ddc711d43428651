"""Options that several commands share, each spelled once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from edge_resnet.errors import UserError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else there.")]
Backend = Annotated[str, typer.Option(help="auto, or onnxruntime, openvino, opencv, tensorrt, tensorrt_rtx, torch.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, fp16, bf16 or int8.")]
Events = Annotated[Path, typer.Option("--events", help="The SQLite file that stream writes.")]
EVENTS = Path("events.sqlite")
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def require_store(events: Path) -> None:
    """Raises UserError where there is no event store: a mistyped name must not begin one, nor a file become one."""
    from runtime.events.database import Database, Older

    if not events.is_file():
        raise UserError(f"{events}: no such event store; --events names the file that edge-resnet stream writes")
    with suppress(Older):
        Database(events, read_only=True).close()


def size(text: str, option: str = "--input") -> tuple[int, int]:
    """Height and width in pixels of `HxW`. Raises UserError."""
    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdigit() and width.isdigit() and 32 <= int(height) <= 4096 and 32 <= int(width) <= 4096):
        raise UserError(f"{option} {text}: takes height x width in pixels, 32 to 4096, such as 224x224 or 160x288")
    return int(height), int(width)


def names(text: str | None) -> tuple[str, ...] | None:
    """The names in a list separated by commas; None stays None."""
    if text is None:
        return None
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)
