"""Writing a run's report: report.html, MODEL_CARD.md, confusion.png, and report.json, which says that all is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_resnet import files
from edge_resnet.train.evaluate import skipped_json
from edge_resnet.train.report import card, page, plots
from edge_resnet.train.report.conclusions import Conclusion, conclude, verdict
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.report.material import Material
from edge_resnet.train.report.mistakes import Mistake, worst

REPORT, PAGE, CARD, CONFUSION = "report.json", "report.html", "MODEL_CARD.md", "confusion.png"


def write(out: Path, material: Material) -> dict[str, Any]:
    """Write the report of a run into `out`, report.json last, and give its content. Raises OSError.

    The network is asked for the maps of some pictures (Material.explain), for nothing else.
    """
    figures = Figures(material)
    conclusions, mistakes = conclude(figures), worst(figures)
    content = contents(figures, conclusions, mistakes)
    evaluation = material.final.evaluation
    title = f"{evaluation.share} of {evaluation.n} {material.judged.split} pictures"
    plots.draw_confusion(out / CONFUSION, evaluation, title)
    files.write_text(out / PAGE, _printable(page.render(figures, conclusions, mistakes)))
    files.write_text(out / CARD, _printable(card.render(figures, conclusions)))
    files.write_json(out / REPORT, content)
    return content


def contents(
    figures: Figures, conclusions: tuple[Conclusion, ...], mistakes: tuple[Mistake, ...] = ()
) -> dict[str, Any]:
    """What report.json says."""
    material, evaluation = figures.material, figures.material.final.evaluation
    told, tone = verdict(conclusions)
    return {
        "run": material.run,
        "verdict": told,
        "passed": tone == "pass",
        "conclusions": [conclusion.to_json() for conclusion in conclusions],
        "classes": list(material.spec.labels),
        "background": list(material.spec.background),
        "judged_on": material.judged.split,
        "temperature": material.spec.temperature,
        "pictures": {name: dict(counts) for name, counts in material.counts.items()},
        "skipped": skipped_json(material.skipped),
        "data_fingerprint": material.data_fingerprint,
        "device": material.device,
        "processor": material.processor,
        "versions": dict(material.versions),
        "stages": [stage.to_json() for stage in material.stages],
        "per_class": [
            {**each.to_json(), "average_precision": average}
            for each, average in zip(evaluation.per_class, figures.average_precisions, strict=True)
        ],
        "mean_average_precision": figures.mean_average_precision,
        "ece": {"before": figures.before.error, "after": figures.after.error},
        "groups": _groups(figures),
        "leaks": _leaks(figures),
        "clusters": _clusters(figures),
        "alarms": _alarms(figures),
        "mistakes": [mistake.to_json() for mistake in mistakes],
        "audit": None if material.audit is None else dict(material.audit),
        "best_epoch": material.history.best.epoch,
        "epochs": material.history.epochs[-1].epoch,
        "pictures_per_second": dict(material.pictures_per_second),
        "seconds": round(material.seconds, 1),
    }


def _groups(figures: Figures) -> dict[str, Any] | None:
    if not figures.groups:
        return None
    return {
        "mean": figures.mean_over_groups,
        "worst": figures.groups[0].name,
        "each": [{"group": group.name, **group.share.to_json()} for group in figures.groups],
    }


def _leaks(figures: Figures) -> dict[str, Any]:
    leaks = figures.leaks
    return {
        "n": leaks.n,
        "accuracy_with": leaks.counted.value,
        "interval_95_with": list(leaks.counted.interval),
        "accuracy_without": leaks.without.value,
        "interval_95_without": list(leaks.without.interval),
        "n_without": leaks.without.n,
    }


def _clusters(figures: Figures) -> dict[str, Any]:
    clustered = figures.clustered
    return {
        "n": clustered.n,
        "clusters": clustered.clusters,
        "effective_n": clustered.effective.n,
        "interval_95": list(clustered.effective.interval),
        "matters": clustered.matters,
    }


def _alarms(figures: Figures) -> list[dict[str, Any]]:
    split = figures.judged.split
    return [
        {**choice.to_json(), "judged_on": split, "judged": figures.alarms[choice.alarm].to_json()}
        for choice in figures.material.alarms
    ]


def _printable(text: str) -> str:
    """Without the lone surrogates of a file name that is no UTF-8: neither a page nor Markdown may hold them."""
    return text.encode("utf-8", "replace").decode()
