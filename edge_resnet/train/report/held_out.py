"""What cross-validation found: its figures, their meaning in words, and the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np

from edge_resnet import page
from edge_resnet.train.report.html import table_html
from edge_resnet.train.report.material import PROBE
from edge_resnet.train.report.tables import Table
from edge_resnet.train.share import Share

# An accuracy whose 95% interval is wider than this says little.
_WIDE = 0.2
_SHOWN = "better than a blind guess"


@dataclass(frozen=True)
class Fold:
    """One part that was held out: its name, pictures trained on and judged, and how many each stage had right."""

    name: str
    trained: int
    judged: int
    blind_guess: int
    linear_probe: int | None
    fine_tuned: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """The fine-tuned model's accuracy on the part, 0..1."""
        return self.fine_tuned / self.judged

    @property
    def share(self) -> Share:
        """The fine-tuned model's right answers on the part."""
        return Share(self.fine_tuned, self.judged)


@dataclass(frozen=True)
class HeldOut:
    """All parts together; `unit`: what one part is, `camera` or `part`."""

    run: str
    unit: str
    labels: tuple[str, ...]
    data_fingerprint: str
    folds: tuple[Fold, ...]

    @property
    def pooled(self) -> dict[str, Share]:
        """Each stage's right answers, every picture judged once by a model that did not see its part."""
        judged = sum(fold.judged for fold in self.folds)
        found = {"blind guess": Share(sum(fold.blind_guess for fold in self.folds), judged)}
        if all(fold.linear_probe is not None for fold in self.folds):
            found[PROBE] = Share(sum(fold.linear_probe or 0 for fold in self.folds), judged)
        return {**found, "fine-tuned": Share(sum(fold.fine_tuned for fold in self.folds), judged)}

    @property
    def mean_and_deviation(self) -> tuple[float, float]:
        """Mean and standard deviation of the parts' accuracies, 0..1."""
        accuracies = [fold.accuracy for fold in self.folds]
        return float(np.mean(accuracies)), float(np.std(accuracies, ddof=1))

    @property
    def worst(self) -> Fold:
        """The part with the lowest accuracy."""
        return min(self.folds, key=lambda fold: fold.accuracy)

    @property
    def unshown(self) -> tuple[Fold, ...]:
        """Parts on which the lower end of the interval is not over the blind guess."""
        return tuple(fold for fold in self.folds if fold.share.interval[0] <= fold.blind_guess / fold.judged)

    @property
    def verdict(self) -> str:
        """In a few words; a model for cameras must be better on every camera."""
        pooled = self.pooled
        if pooled["fine-tuned"].interval[0] <= (pooled["blind guess"].value or 0.0):
            return "not enough data"
        if self.unit == "camera" and self.unshown:
            return f"not shown on {len(self.unshown)} of {len(self.folds)} cameras"
        return _SHOWN

    @property
    def conclusions(self) -> list[str]:
        """In words."""
        pooled, (mean, deviation) = self.pooled, self.mean_and_deviation
        final, blind = pooled["fine-tuned"], pooled["blind guess"]
        told = [f"On a {self.unit} that it has not seen: {final} of {final.n} pictures ({final.range})."]
        if self.unit == "camera":
            told.append(
                f"From camera to camera it varies: {mean:.1%} on average, standard deviation {deviation:.1%}, worst "
                f"{self.worst.name} with {self.worst.share}. A new camera may do as badly."
            )
        if final.interval[0] <= (blind.value or 0.0):
            told.append("Not enough data: this is not shown to be better than always answering the frequent class.")
        elif self.unshown:
            names = ", ".join(fold.name for fold in self.unshown)
            told.append(f"Not shown to be better than always answering the frequent class on: {names}.")
        if final.interval[1] - final.interval[0] > _WIDE:
            told.append("Not enough data: the interval is wider than 20 points.")
        return told

    def to_json(self) -> dict[str, Any]:
        """crossval.json."""
        mean, deviation = self.mean_and_deviation
        return {
            "run": self.run,
            "held_out": self.unit,
            "classes": list(self.labels),
            "data_fingerprint": self.data_fingerprint,
            "verdict": self.verdict,
            "conclusions": self.conclusions,
            "folds": [{**asdict(fold), "accuracy": fold.share.to_json()} for fold in self.folds],
            "pooled": {name: share.to_json() for name, share in self.pooled.items()},
            "mean": mean,
            "standard_deviation": deviation,
            "worst": self.worst.name,
        }

    def to_html(self) -> str:
        """The page."""
        final = self.pooled["fine-tuned"]
        sections = (
            f"<h2>What this says</h2><ul>{''.join(f'<li>{escape(line)}' for line in self.conclusions)}</ul>",
            "<h2>All pictures, each judged once</h2>",
            table_html(Table(("Stage", "Accuracy"), tuple(self.pooled.items()))),
            f"<h2>{self.unit.capitalize()} by {self.unit}</h2>",
            table_html(self._table()),
        )
        return page.render(
            title="Cross-validation",
            verdict=self.verdict,
            headline=f"{final} right on a {self.unit} that training has not seen",
            lead=f"Trained {len(self.folds)} times, without one {self.unit} each, and judged on it. Run {self.run}.",
            sections=sections,
            tone="pass" if self.verdict == _SHOWN else "fail",
        )

    def _table(self) -> Table:
        ordered = sorted(self.folds, key=lambda fold: fold.accuracy)
        rows = tuple(
            (
                *(fold.name, f"{fold.trained:,}", Share(fold.blind_guess, fold.judged)),
                "–" if fold.linear_probe is None else Share(fold.linear_probe, fold.judged),
                *(fold.share, f"{fold.seconds:,.0f} s"),
            )
            for fold in ordered
        )
        heads = ("Held out", "Trained on", "Blind guess", "Linear probe", "Fine-tuned", "Took")
        return Table(heads, rows)
