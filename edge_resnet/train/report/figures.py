"""Every figure of the report, computed once from the material of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, precision_recall_curve

from edge_resnet.probability import softmax
from edge_resnet.reliability import Bin, expected_error, reliability_bins
from edge_resnet.train.report.clusters import Clustered, clustered
from edge_resnet.train.report.material import Judged, Material
from edge_resnet.train.share import Share
from edge_resnet.train.thresholds import AlarmFigures, measure

# The name of pictures without a camera, beside others that have one.
NO_GROUP = "(no camera)"
# A curve of ten thousand points looks the same and makes the page heavy.
_CURVE_POINTS = 200

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PrecisionRecall:
    """The curve of a class: precision at each recall, as the threshold on its probability falls."""

    label: str
    average_precision: float
    recall: Floats
    precision: Floats


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy on the judged pictures, and the calibration error (ECE, 0..1)."""

    bins: tuple[Bin, ...]

    @property
    def error(self) -> float:
        return expected_error(self.bins)


@dataclass(frozen=True)
class Group:
    """The accuracy on the pictures of one camera."""

    name: str
    share: Share


@dataclass(frozen=True)
class Leaks:
    """`n` judged pictures are related to a training picture; the accuracy with them and without."""

    n: int
    counted: Share
    without: Share


@dataclass(frozen=True)
class Figures:
    """What the final model does on the judged pictures."""

    material: Material

    @property
    def judged(self) -> Judged:
        return self.material.judged

    @cached_property
    def probabilities(self) -> Floats:
        """N x C, at the final temperature."""
        return softmax(self.judged.logits, self.material.spec.temperature)

    @cached_property
    def average_precisions(self) -> tuple[float | None, ...]:
        """The average precision of each class against the rest (scikit-learn's); None without a picture of it."""
        truth = self.judged.truth
        return tuple(
            float(average_precision_score(truth == index, self.probabilities[:, index]))
            if (truth == index).any()
            else None
            for index in range(len(self.material.spec.labels))
        )

    @property
    def mean_average_precision(self) -> float | None:
        """The mean over classes that have a picture."""
        known = [value for value in self.average_precisions if value is not None]
        return sum(known) / len(known) if known else None

    def curves(self, limit: int) -> tuple[PrecisionRecall, ...]:
        """Precision-recall curves, of the `limit` classes with the lowest average precision."""
        known = [(value, index) for index, value in enumerate(self.average_precisions) if value is not None]
        return tuple(self._curve(index, value) for value, index in sorted(known)[:limit])

    def _curve(self, index: int, average_precision: float) -> PrecisionRecall:
        precision, recall, _ = precision_recall_curve(
            self.judged.truth == index, self.probabilities[:, index], drop_intermediate=True
        )
        places = np.unique(np.linspace(0, len(recall) - 1, _CURVE_POINTS).round().astype(int))
        return PrecisionRecall(self.material.spec.labels[index], average_precision, recall[places], precision[places])

    @cached_property
    def before(self) -> Calibration:
        """Without the temperature."""
        return Calibration(reliability_bins(softmax(self.judged.logits), self.judged.truth))

    @cached_property
    def after(self) -> Calibration:
        """With the temperature."""
        return Calibration(reliability_bins(self.probabilities, self.judged.truth))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """By camera, the worst first; empty where no picture has one."""
        names = np.array([sample.group or NO_GROUP for sample in self.judged.samples])
        if (names == NO_GROUP).all():
            return ()
        right = self.material.final.evaluation.right
        shares = [(str(name), right[names == name]) for name in np.unique(names)]
        groups = [Group(name, Share(int(those.sum()), len(those))) for name, those in shares]
        return tuple(sorted(groups, key=lambda group: (group.share.value or 0.0, group.name)))

    @property
    def mean_over_groups(self) -> float | None:
        """Each camera counts the same, however many pictures it has."""
        values = [group.share.value or 0.0 for group in self.groups]
        return sum(values) / len(values) if values else None

    @cached_property
    def leaks(self) -> Leaks:
        """What pictures that are related to training ones do to the accuracy."""
        right, clean = self.material.final.evaluation.right, ~self.judged.leaking
        without = Share(int(right[clean].sum()), int(clean.sum()))
        return Leaks(int(self.judged.leaking.sum()), self.material.final.evaluation.share, without)

    @property
    def fair(self) -> npt.NDArray[np.bool_]:
        """The judged pictures (N) that conclusions are drawn from: those that do not leak, or all where all do."""
        clean = ~self.judged.leaking
        return clean if clean.any() else np.ones_like(clean)

    @property
    def fair_name(self) -> str:
        """What these pictures are called."""
        some = self.judged.leaking.any() and not self.judged.leaking.all()
        return f"{self.judged.split} pictures{' that training has not seen' if some else ''}"

    @cached_property
    def clustered(self) -> Clustered:
        """How many independent pictures the fair ones are worth."""
        clusters = self.judged.clusters
        if clusters is None:
            clips = [f"{s.group}/{s.clip}" if s.clip else str(place) for place, s in enumerate(self.judged.samples)]
            clusters = np.unique(clips, return_inverse=True)[1]
        return clustered(self.material.final.evaluation.right[self.fair], clusters[self.fair])

    @property
    def accuracy(self) -> Share:
        """The final accuracy on fair pictures, of as many as they are worth where clips matter."""
        right = self.material.final.evaluation.right[self.fair]
        return self.clustered.effective if self.clustered.matters else Share(int(right.sum()), len(right))

    @property
    def headline(self) -> str:
        """The one figure that people ask for."""
        right = self.material.final.evaluation.right[self.fair]
        return f"{right.mean():.1%} of {len(right):,} {self.fair_name} right (95%: {self.accuracy.range})"

    @cached_property
    def alarms(self) -> dict[str, AlarmFigures]:
        """Each alarm at its threshold, on the judged pictures."""
        return dict(measure(self.material.spec, self.judged.logits, self.judged.truth))
