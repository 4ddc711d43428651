"""`edge-resnet evaluate` and `edge-resnet predict`: a run or a bundle on pictures."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import answer_json, say
from edge_resnet.errors import PictureError, UserError

if TYPE_CHECKING:
    from edge_resnet.manifest import ModelSpec
    from runtime.backends import Backend

_BATCH = 16


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="RUN|BUNDLE", help="A run's folder or a bundle.")],
    data: Annotated[Path, typer.Argument(help="Class folders, or a folder with test/ in it.")],
    backend: options.Backend = "auto",
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Measure accuracy on labelled pictures, with its interval, in all and per class."""
    from edge_resnet.data.listing import scan_labelled
    from edge_resnet.progress import Narrator
    from edge_resnet.train.evaluate import judge, logits_of, read_frames, skipped_json

    narrator = Narrator()
    with ExitStack() as stack:
        classifier, spec = _open(model, backend, precision, device, stack)
        listing = scan_labelled(data, spec.labels)
        with narrator.stage("reading pictures") as step:
            pictures = read_frames(listing, spec.input.preprocess, step)
        with narrator.stage("classifying") as step:
            logits = logits_of(classifier, pictures.frames, _BATCH, step)
        ran = classifier.describe()
    result = judge(logits, pictures.truth, spec.labels).to_json()
    answer = {"model": str(model), "data": str(listing.root), "backend": ran.backend, "precision": ran.runs, **result}
    for item in pictures.skipped:
        say(f"skipped {item.path}: {item.reason}")
    if json:
        answer_json({**answer, "skipped": skipped_json(pictures.skipped)})
    else:
        _print_evaluation(answer)


def predict(
    bundle: Annotated[Path, typer.Argument(help="A bundle (or a run's folder).")],
    pictures: Annotated[list[Path], typer.Argument(help="Picture files.")],
    backend: options.Backend = "auto",
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Classify pictures: label, probability of each class, and which alarm that would be."""
    from edge_resnet.pictures import user_picture

    answers = []
    with ExitStack() as stack:
        classifier, spec = _open(bundle, backend, precision, device, stack)
        preprocess = spec.input.preprocess
        for path in pictures:
            try:
                frame = user_picture(path)
            except PictureError as error:
                raise UserError(f"{error}; name a picture as a camera gives it (8-bit JPEG or PNG)") from error
            logits = classifier.infer(preprocess.batch([frame])).logits[0]
            answers.append({"picture": str(path), **_answer(spec, logits)})
        ran = classifier.describe()
    if json:
        answer_json({"model": str(bundle), "backend": ran.backend, "precision": ran.runs, "predictions": answers})
        return
    for answer in answers:
        typer.echo(f"{answer['picture']}: {answer['label']} {answer['probability']:.1%}")


def _open(model: Path, backend: str, precision: str, device: str, stack: ExitStack) -> tuple[Backend, ModelSpec]:
    """Open a bundle on the backend asked for (a verified one by itself), or a run on torch."""
    from edge_resnet import runs
    from edge_resnet.bundle import MANIFEST, Bundle

    if (model / runs.MODEL).is_file() and not (model / MANIFEST).is_file():
        from edge_resnet.model import specification
        from runtime.backends.torch_ import Torch

        if backend not in {"auto", "torch"}:
            raise UserError(
                f"{model}: a run, which torch evaluates; for {backend} name its bundle, {model / runs.BUNDLE}"
            )
        spec = specification(model / runs.MODEL)
        reference = Torch(model / runs.MODEL, spec, "fp32" if precision == "auto" else precision, device)
        return stack.enter_context(reference), spec
    from runtime import trust

    opened = Bundle.open(model)
    classifier = trust.choose(opened, backend, precision, device, log=say)
    return stack.enter_context(classifier), opened.model


def _answer(spec: ModelSpec, logits: Any) -> dict[str, Any]:
    from edge_resnet.probability import softmax, sum_of_classes

    probabilities = softmax(logits, spec.temperature)
    best = int(probabilities.argmax())
    return {
        "label": spec.labels[best],
        "probability": float(probabilities[best]),
        "probabilities": dict(zip(spec.labels, probabilities.tolist(), strict=True)),
        "alarms": {name: float(sum_of_classes(probabilities, spec.class_indices(name))) for name in spec.alarms},
    }


def _print_evaluation(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    low, high = answer["interval_95"]
    title = f"accuracy {answer['accuracy']:.1%} (95%: {low:.1%} to {high:.1%}) on {answer['n']} pictures"
    table = Table(
        "class", "pictures", "recall", "precision", title=f"{title}, {answer['backend']} {answer['precision']}"
    )
    for row in answer["per_class"]:
        recall, precision = (f"{row[key]:.1%}" if row[key] is not None else "-" for key in ("recall", "precision"))
        table.add_row(row["label"], str(row["n"]), recall, precision)
    Console().print(table)
