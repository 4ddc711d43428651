"""What the figures say, in words, by rule: what is shown, what is not, and how many pictures would tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_resnet.statistics import PairedDrop
from edge_resnet.train.evaluate import ClassShares
from edge_resnet.train.report import power
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.report.material import NEAREST_MEAN, PROBE
from edge_resnet.train.share import Share

Tone = Literal["good", "open", "bad"]

_SIGNIFICANT = 0.05
# An accuracy known no better than to plus or minus ten points decides little.
_WIDE = 0.10
# With 100 pictures a rate under 3% cannot be shown (rule of three), and one picture moves every share by a point.
_SMALL_VALIDATION = 100
# Wilson's interval of a recall on nine pictures is over 50 points wide in the middle.
_FEW_IN_CLASS = 10
# The temperature is fitted on validation; so much more calibration error on other pictures is no chance of rounding.
_WORSE_CALIBRATION = 0.02
_NAMED = 3


@dataclass(frozen=True)
class Conclusion:
    """One sentence on one topic. `good`: shown, `open`: not enough data to tell, `bad`: do something."""

    topic: str
    tone: Tone
    text: str

    def to_json(self) -> dict[str, Any]:
        """For report.json."""
        return asdict(self)


def conclude(figures: Figures) -> tuple[Conclusion, ...]:
    """All that a reader should know before the figures, what matters most first."""
    return (
        *_against_blind_guess(figures),
        *_against_baseline(figures, PROBE),
        *_against_baseline(figures, NEAREST_MEAN),
        *_judged_on(figures),
        *_audit(figures),
        *_leaks(figures),
        *_width(figures),
        *_cameras(figures),
        *_classes(figures),
        *_validation(figures),
        *_calibration(figures),
        *_alarms(figures),
    )


def verdict(conclusions: Sequence[Conclusion]) -> tuple[str, Literal["pass", "fail"]]:
    """The whole in some words, and whether the model is shown to be worth something."""
    tones = {conclusion.topic: conclusion.tone for conclusion in conclusions}
    if tones["blind guess"] != "good":
        return ("not enough data to tell" if tones["blind guess"] == "open" else "worse than a blind guess"), "fail"
    for baseline in (PROBE, NEAREST_MEAN):
        if tones.get(baseline) == "bad":
            return f"worse than the {baseline}", "fail"
    return ("better than the linear probe" if tones.get(PROBE) == "good" else "better than a blind guess"), "pass"


def _against_blind_guess(figures: Figures) -> Iterator[Conclusion]:
    fair = figures.fair
    blind, final = (
        float(stage.evaluation.right[fair].mean()) for stage in (figures.material.stages[0], figures.material.final)
    )
    low, high = figures.accuracy.interval
    told = f"{final:.1%} (95%: {figures.accuracy.range}) against {blind:.1%}"
    if low > blind:
        yield Conclusion("blind guess", "good", f"Better than a blind guess: {told}.")
    elif high < blind:
        yield Conclusion("blind guess", "bad", f"Worse than a blind guess: {told}.")
    else:
        n = figures.clustered.n
        needed = power.to_tell_from(final, blind)
        scaled = None if needed is None else round(needed * n / figures.accuracy.n)
        more = _would_tell(scaled, n, figures.judged.split)
        yield Conclusion(
            "blind guess", "open", f"Not enough data to tell the model from a blind guess: {told}; {more}."
        )


def _against_baseline(figures: Figures, name: str) -> Iterator[Conclusion]:
    """The paired comparison with what costs no training of the network."""
    baseline, final = figures.material.stage(name), figures.material.final
    if baseline is None:
        return
    before, after = baseline.evaluation.right[figures.fair], final.evaluation.right[figures.fair]
    paired = PairedDrop(len(after), int((before & ~after).sum()), int((after & ~before).sum()))
    told = (
        f"{after.mean():.1%} against {before.mean():.1%}; it alone has {paired.better} right, the other "
        f"alone {paired.worse} (McNemar's exact test: p = {paired.p_value:.2g})"
    )
    if paired.p_value < _SIGNIFICANT and paired.better > paired.worse:
        yield Conclusion(name, "good", f"The trained network is better than the {name}: {told}.")
    elif paired.p_value < _SIGNIFICANT:
        advice = "train less of it (--tune head, fewer epochs, a lower --lr)"
        yield Conclusion(name, "bad", f"Training made the network worse than the {name}: {told}; {advice}.")
    else:
        needed = power.to_tell_apart(paired.n, paired.worse, paired.better)
        more = _would_tell(needed, paired.n, figures.judged.split)
        yield Conclusion(name, "open", f"Not enough data to tell the network from the {name}: {told}; {more}.")


def _would_tell(needed: int | None, n: int, split: str) -> str:
    if needed is None:
        return "no difference is seen, so no number of pictures can be named that would tell"
    # The formula is an approximation: the test itself has just said that n is not enough.
    needed = max(needed, n + 1)
    more = f"{needed - n:,} more than there are"
    return f"about {needed:,} {split} pictures would tell if the difference stays as seen, {more}"


def _judged_on(figures: Figures) -> Iterator[Conclusion]:
    if figures.judged.split == "val":
        yield Conclusion(
            "test pictures",
            "bad",
            "There are no test pictures: the figures come from validation, which chose the best epoch, the temperature "
            "and the thresholds, so they are too good. Add a test folder of other clips or cameras.",
        )


def _audit(figures: Figures) -> Iterator[Conclusion]:
    audit = figures.material.audit or {}
    if errors := audit.get("errors"):
        found = "one finding that makes" if errors == 1 else f"{errors} findings that make"
        text = f"The audit of the pictures has {found} training or figures wrong; see audit.html."
        yield Conclusion("audit", "bad", text)


def _leaks(figures: Figures) -> Iterator[Conclusion]:
    leaks, n = figures.leaks, figures.material.final.evaluation.n
    if not leaks.n:
        return
    told = (
        f"{leaks.n} of {n} {figures.judged.split} pictures are related to training pictures: accuracy {leaks.counted}"
    )
    without = f"{leaks.without} ({leaks.without.range}) on the {leaks.without.n} that are not"
    end = (
        f" with them, {without}; only these are compared above"
        if leaks.without.n
        else "; none is left to judge honestly"
    )
    yield Conclusion("leaks", "bad", told + end + ".")


def _width(figures: Figures) -> Iterator[Conclusion]:
    clustered, name = figures.clustered, figures.fair_name
    if clustered.matters:
        yield Conclusion(
            "clips",
            "open",
            f"The {clustered.n} {name} come from {clustered.clusters} clips or bursts. Pictures of one clip "
            f"are not independent: all together they say as much as about {clustered.effective.n}, and the accuracy "
            f"lies in {clustered.effective.range}. Every other interval here counts them as independent and is too "
            "narrow.",
        )
    low, high = figures.accuracy.interval
    if (high - low) / 2 > _WIDE:
        weight = clustered.n / figures.accuracy.n
        needed = round(power.to_narrow(figures.accuracy.value or 0.0, _WIDE) * weight)
        end = f"; about {needed:,} would make it ±10" if needed > clustered.n else ""
        yield Conclusion(
            "interval",
            "open",
            f"The accuracy is known only to ±{50 * (high - low):.1f} points with {clustered.n} {name}{end}.",
        )


def _cameras(figures: Figures) -> Iterator[Conclusion]:
    groups = figures.groups
    if len(groups) < 2:
        return
    overall = figures.material.final.evaluation.share
    for group in groups[:_NAMED]:
        rest = Share(overall.part - group.share.part, overall.n - group.share.n)
        # Intervals that do not even touch: a stricter test than 5%, since the worst of many cameras is looked at.
        if group.share.interval[1] < rest.interval[0]:
            yield Conclusion(
                "cameras",
                "bad",
                f"Much worse on {group.name}: {group.share} of {group.share.n} pictures ({group.share.range}) against "
                f"{rest} on the others. More pictures of this camera are worth most.",
            )
    few = [group for group in groups if group.share.n < _FEW_IN_CLASS]
    if few:
        yield Conclusion(
            "cameras",
            "open",
            f"Fewer than {_FEW_IN_CLASS} {figures.judged.split} pictures of {_names([group.name for group in few])}: "
            "little is known there.",
        )


def _classes(figures: Figures) -> Iterator[Conclusion]:
    classes, split = figures.material.final.evaluation.per_class, figures.judged.split

    def told(chosen: list[ClassShares]) -> str:
        return _names([each.label for each in chosen])

    if absent := [each for each in classes if not each.recall.n]:
        yield Conclusion("classes", "bad", f"No {split} picture of {told(absent)}: nothing is known there.")
    if few := [each for each in classes if 0 < each.recall.n < _FEW_IN_CLASS]:
        text = f"Fewer than {_FEW_IN_CLASS} {split} pictures of {told(few)}: figures of these say little."
        yield Conclusion("classes", "open", text)
    if never := [each for each in classes if each.recall.n and not each.precision.n]:
        yield Conclusion("classes", "bad", f"Never the answer: {told(never)}.")


def _validation(figures: Figures) -> Iterator[Conclusion]:
    n = len(figures.material.val.samples)
    if n < _SMALL_VALIDATION:
        least = f"a rate under {min(1.0, 3 / n):.0%} cannot be shown" if n else "nothing can be shown"
        yield Conclusion(
            "validation",
            "open",
            f"Validation has only {n} pictures, under {_SMALL_VALIDATION}: the best epoch, the temperature and the "
            f"thresholds are little more than guesses ({least}).",
        )


def _calibration(figures: Figures) -> Iterator[Conclusion]:
    before, after = figures.before.error, figures.after.error
    if after - before > _WORSE_CALIBRATION:
        yield Conclusion(
            "calibration",
            "open",
            f"The temperature that fits validation does not help on {figures.judged.split}: calibration error "
            f"{before:.1%} without, {after:.1%} with it. The two splits differ, or one is too small.",
        )


def _alarms(figures: Figures) -> Iterator[Conclusion]:
    refused = [choice for choice in figures.material.alarms if choice.refused is not None]
    asked = [choice for choice in refused if not choice.wish.is_default]
    for choice in asked[:_NAMED]:
        told = f"{choice.wish} is refused: {choice.refused}. Its threshold stays {choice.threshold:.3g}."
        yield Conclusion("thresholds", "bad", f"Alarm {choice.alarm}: {told}")
    if rest := asked[_NAMED:]:
        text = f"The wish is refused for {_names([choice.alarm for choice in rest])} too; the table of alarms says why."
        yield Conclusion("thresholds", "bad", text)
    recalls = {choice.alarm: choice.validation.recall for choice in figures.material.alarms}
    if silent := [alarm for alarm, recall in recalls.items() if recall.n and not recall.part]:
        told = f"no validation picture of {_names(silent)} reaches its threshold"
        yield Conclusion("thresholds", "bad", f"Would never alarm: {told}.")
    if default := [choice for choice in refused if choice.wish.is_default]:
        first = default[0]
        yield Conclusion(
            "thresholds",
            "open",
            f"The threshold of {_names([choice.alarm for choice in default])} is not fitted: {first.refused}.",
        )


def _names(names: Sequence[str]) -> str:
    """Some names; the others are counted."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
