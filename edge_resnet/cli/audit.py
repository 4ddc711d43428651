"""`edge-resnet audit`: what is wrong with the pictures, before anybody trains on them."""

from __future__ import annotations

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.environment import require
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.audit.result import Audit
    from edge_resnet.data.survey import Survey
    from edge_resnet.progress import Narrator

_OUT = Path("audit")
_BATCH = 32


def audit(
    data: Annotated[Path, typer.Argument(help="Class folders, or train/ with val/ and/or test/ of those.")],
    weights: Annotated[
        str | None, typer.Option(help="imagenet, or a file: its features find suspected wrong labels.")
    ] = None,
    input: Annotated[str, typer.Option(metavar="HxW", help="The network's input in pixels.")] = "224x224",
    device: options.Device = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="For audit.json and audit.html; by default audit/NAME.")
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK", help="Move what this check names to quarantine; may be given many times."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Move everything back from quarantine, and do no more.")] = False,
    quarantine: Annotated[
        Path | None, typer.Option(help="Where --fix moves files to; by default NAME-quarantine beside the data.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Look for broken files, duplicates, leaks, wrong labels and poor pictures; exit 1 when there are errors."""
    require("torch", "torchvision", "safetensors", "imagehash", "scikit-learn", "cleanlab", extra="train")
    from edge_resnet.audit.fix import carry_out, fixable
    from edge_resnet.audit.quarantine import default_folder
    from edge_resnet.audit.run import JSON, PAGE, write
    from edge_resnet.audit.run import audit as examine
    from edge_resnet.progress import Narrator

    store = quarantine or default_folder(data)
    if undo:
        _undo(data, store, fix, json)
        return
    checks = fixable(fix or [])
    folder = _folder(out, data)
    narrator = Narrator()
    with TemporaryDirectory(prefix="edge-resnet-audit-") as cache:
        survey = _survey(data, weights, options.size(input), device, Path(cache), narrator)
        found = examine(survey, narrator)
        write(folder, found, survey)
        if checks:
            found = carry_out(found, checks, store)
            where = ["--quarantine", str(store)] if quarantine else []
            told = f"; to undo: {shlex.join(['edge-resnet', 'audit', str(data), '--undo', *where])}"
            say(f"{len(found.moved)} files moved to {store}{told if found.moved else ''}")
            write(folder, found, survey)
    say(f"page: {folder / PAGE}; all of it: {folder / JSON}")
    if json:
        answer_json(found.to_json())
    else:
        _print(found)
    if not found.passed:
        raise typer.Exit(Exit.VERDICT_NO)


def _survey(
    data: Path, weights: str | None, size: tuple[int, int], device_name: str, cache: Path, narrator: Narrator
) -> Survey:
    """Read all pictures, and their features where there are weights."""
    from edge_resnet import features
    from edge_resnet.data import store
    from edge_resnet.data.listing import scan
    from edge_resnet.data.survey import Survey
    from edge_resnet.device import Device
    from edge_resnet.preprocess import Preprocess
    from edge_resnet.weights import NONE, initial_model

    listing = scan(data)
    device = Device.choose(device_name)
    network = None
    if weights is not None:
        if weights == NONE:
            raise UserError("--weights none: has no features to look at; leave it out, or name imagenet or a file")
        network = device.place(initial_model(weights, len(listing.labels)))
    with narrator.stage("reading pictures") as step:
        stored = store.read(listing, Preprocess(*size), cache, step, allow_skipped=True)
    if network is None or not stored.listing.samples:
        return Survey(stored.listing, stored)
    with narrator.stage("features") as step:
        pooled = features.pooled(network, device, stored.evaluation, _BATCH, step)
    return Survey(stored.listing, stored, pooled.numpy())


def _folder(out: Path | None, data: Path) -> Path:
    """Where the report goes: never into the data, which may be read-only and would take it for a class."""
    folder = out or _OUT / (data.resolve().name or "data")
    if folder.resolve().is_relative_to(data.resolve()):
        raise UserError(f"--out {folder}: inside the data; name a folder outside with --out")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder}: is a file; it takes a folder")
    return folder


def _undo(data: Path, quarantine: Path, fix: list[str] | None, json: bool) -> None:
    from edge_resnet.audit.quarantine import put_back

    if fix:
        raise UserError("--fix and --undo: choose one of them")
    if not data.is_dir():
        raise UserError(f"{data}: no such folder; name the data folder that --fix was run on")
    back = put_back(data, quarantine)
    if json:
        answer_json({"data": str(data), "moved_back": [str(path) for path in back]})
    else:
        typer.echo(f"{len(back)} files moved back to {data}")


def _print(found: Audit) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from edge_resnet.audit.words import kinds_of

    table = Table("check", "worst", "findings", "pictures", "what was found", title=found.summary, box=None)
    for result in found.results:
        if result.not_run:
            table.add_row(result.check.name, "not run", "", "", escape(result.not_run))
        elif result.findings:
            count = str(len(result.findings))
            told = kinds_of(result) or result.findings[0].told
            table.add_row(result.check.name, result.worst, count, str(result.concerned), escape(told))
        else:
            table.add_row(result.check.name, "fine", "", "", "")
    Console().print(table)
