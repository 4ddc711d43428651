"""`edge-resnet build`: make on this box, once, what an engine needs to start at once; with proof where it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edge_resnet.cli import options
from edge_resnet.command import answer_json, say
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.bundle import Bundle
    from edge_resnet.progress import Narrator
    from runtime.backends.tensorrt.options import Options

Engine = Literal["tensorrt", "tensorrt_rtx", "onnxruntime", "openvino"]
Precision = Literal["fp32", "fp16", "int8"]
Status = Literal["verified", "built, not run"]


@dataclass(frozen=True)
class Result:
    """What was made. `file`, `sha256` and `bytes` are None for an engine that keeps no single file.

    `layers`: the convolutions by precision, fused additions and reformats, as the engine (or, where it did not run,
    its builder) tells; None where it tells nothing.
    """

    engine: Engine
    precision: Precision
    file: str | None
    sha256: str | None
    bytes: int | None
    seconds: float
    target: str
    status: Status
    layers: dict[str, Any] | None


def build(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    engine: Annotated[Engine, typer.Option(help="The engine to build for.")],
    precision: Annotated[Precision, typer.Option(help="One that the bundle has a model of.")] = "fp32",
    target: Annotated[
        str,
        typer.Option(
            help="TensorRT: the GPU here (current), a kind of GPU (SM86, SM89, SM120 ...; tensorrt_rtx needs none here "
            "for that), or all since Ampere (ampere+, tensorrt only)."
        ),
    ] = "current",
    max_batch: Annotated[
        int | None, typer.Option(min=1, max=1024, help="TensorRT: the most frames of one run; 8 by default.")
    ] = None,
    workspace: Annotated[
        int | None,
        typer.Option(min=1, max=1 << 20, metavar="MB", help="TensorRT: the most scratch memory a layer may use."),
    ] = None,
    version_compatible: Annotated[
        bool, typer.Option("--version-compatible", help="TensorRT: for later versions too, at some cost.")
    ] = False,
    box: Annotated[Path | None, typer.Option(help="Where it is kept; by default the bundle's box/.")] = None,
    json: options.Json = False,
) -> None:
    """Build an engine for this box (or, with --target, for a GPU elsewhere) and replay the golden frames on it."""
    from edge_resnet.bundle import Bundle
    from edge_resnet.progress import Narrator
    from runtime.backends.registry import BUILT_AHEAD
    from runtime.backends.tensorrt.options import Options

    opened = Bundle.open(bundle)
    box = opened.box if box is None else box
    if engine in BUILT_AHEAD:
        chosen = Options.asked(
            target, max_batch=max_batch, workspace_mb=workspace, version_compatible=version_compatible
        )
        result = _build_ahead(opened, engine, precision, chosen, box, Narrator())
    else:
        if target != "current" or max_batch or workspace or version_compatible:
            raise UserError(f"{engine} takes no --target, --max-batch, --workspace or --version-compatible")
        result = _verify(opened, engine, precision, box)
    if json:
        answer_json(asdict(result))
    else:
        _tell(result)


def _build_ahead(
    bundle: Bundle, engine: Engine, precision: Precision, chosen: Options, box: Path, narrator: Narrator
) -> Result:
    """TensorRT: build, and where the GPU is here run it too."""
    from dataclasses import replace

    from runtime.backends.registry import opening, version

    wanted = opening(engine, bundle, precision, box=box, log=say)
    version(engine)  # refuses an installation that is broken
    from runtime.backends.tensorrt.ahead import build_ahead

    with narrator.stages() as step:
        built, runs_here = build_ahead(engine, wanted, chosen, step)
    planned = built.entry.about.planned
    if planned is not None and planned.runs != precision:
        say(f"{engine}: for {chosen.target} it plans {planned.runs}, not {precision}; measure before you use it")
    result = Result(
        engine=engine,
        precision=precision,
        file=str(built.path),
        sha256=built.entry.sha256,
        bytes=built.entry.size,
        seconds=built.entry.about.seconds,
        target=chosen.target,
        status="built, not run",
        layers=None if planned is None else asdict(planned),
    )
    if not runs_here:
        return result
    verified = _verify(bundle, engine, precision, box)
    return replace(result, status=verified.status, layers=verified.layers)


def _verify(bundle: Bundle, engine: Engine, precision: Precision, box: Path) -> Result:
    """Open the engine with the box, which fills its cache, and replay the golden frames."""
    import time

    from runtime.trust import choose

    started = time.monotonic()
    with choose(bundle, engine, precision, box=box, log=say) as opened:
        description = opened.describe()
    return Result(
        engine=engine,
        precision=precision,
        file=None,
        sha256=None,
        bytes=None,
        seconds=round(time.monotonic() - started, 2),
        target="current",
        status="verified",
        layers=None if description.executed is None else asdict(description.executed),
    )


def _tell(result: Result) -> None:
    where = f"{result.file}, {result.bytes / 1e6:.0f} MB, " if result.bytes is not None else ""
    say(f"{result.engine} {result.precision} for {result.target}: {where}{result.seconds:.1f} s, {result.status}")
    if result.layers is not None:
        counts = ", ".join(f"{count} {name}" for name, count in result.layers["convolutions"].items())
        say(f"convolutions: {counts}; {result.layers['fused_adds']} additions fused into them")
