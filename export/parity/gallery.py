"""The pictures on which an engine changes sides: what both say of them, and where in the picture they see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.classifier import Classifier, Scores
from edge_resnet.overlay import heat_map
from edge_resnet.probability import softmax
from export.parity.row import class_name

Frames = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]
Heat = npt.NDArray[np.float32]

# Enough to see what kind of picture it is; more make the page long and heavy.
MAX_PICTURES = 12


@dataclass(frozen=True)
class Answer:
    """What a network says of a picture.

    `label`: its top-1, a class index. `own`, `other`: the calibrated probabilities that it gives to this class and to
    the other network's top-1. `heat`: h x w, 0..1, the probability of `label` that each place would give if the whole
    picture looked like it (see edge_resnet.overlay.heat_map); None where the map is not known.
    """

    label: int
    own: float
    other: float
    heat: Heat | None


@dataclass(frozen=True)
class ChangedPicture:
    """A picture on which the engine of row `row` (its name) has another top-1 than the reference.

    `index`: its place among the pictures compared. `frame`: H x W x 3, uint8, BGR, the network's input. `also`: what
    other rows make of it, by the row's name. `truth`: class index, None when not known. `name`: of its file.
    """

    index: int
    frame: Frames
    row: str
    reference: Answer
    candidate: Answer
    also: Mapping[str, int]
    truth: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Gallery:
    """How many pictures changed sides on any row that passed or failed, and the surest of them.

    The surest first, by the reference's probability: what it was sure of and lost is worse than a coin's toss.
    """

    changed: int
    pictures: tuple[ChangedPicture, ...]

    def to_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Everything but pictures and maps, as types of JSON."""
        return {"changed": self.changed, "pictures": [_picture_json(picture, labels) for picture in self.pictures]}


class Collector:
    """Keeps what a gallery needs while a row's batches go by: the surest MAX_PICTURES that changed sides.

    `row`: the row's name.
    """

    def __init__(self, row: str, temperature: float) -> None:
        self.changed: set[int] = set()
        self.kept: list[ChangedPicture] = []
        self._row = row
        self._temperature = temperature

    def look(self, places: npt.NDArray[np.int64], frames: Frames, wanted: Logits, scores: Scores) -> None:
        """See a batch, the reference's logits on it and the engine's answer. `places`: its pictures' among all."""
        changed = np.flatnonzero(wanted.argmax(1) != scores.logits.argmax(1))
        self.changed.update(places[changed].tolist())
        before = softmax(wanted, self._temperature)
        after = softmax(scores.logits, self._temperature)
        for position in changed:
            reference, candidate = int(wanted[position].argmax()), int(scores.logits[position].argmax())
            old, new = before[position], after[position]
            heat = _heat(scores.cam[position], candidate, self._temperature)
            picture = ChangedPicture(
                int(places[position]),
                frames[position].copy(),
                self._row,
                Answer(reference, float(old[reference]), float(old[candidate]), None),
                Answer(candidate, float(new[candidate]), float(new[reference]), heat),
                {},
            )
            self.kept = _surest([*self.kept, picture])


def assemble(
    collectors: Sequence[Collector],
    reference: Classifier | None,
    temperature: float,
    truth: npt.NDArray[np.int64] | None = None,
    names: Sequence[str] = (),
) -> Gallery:
    """One gallery of what several rows kept, a picture once. Raises BackendError when the reference fails.

    `reference` is asked again, for its maps; None leaves them out. `truth`, `names`: of all pictures, where known.
    """
    first: dict[int, ChangedPicture] = {}
    for picture in (picture for collector in collectors for picture in collector.kept):
        known = first.setdefault(picture.index, picture)
        if known is not picture:
            also = {**known.also, picture.row: picture.candidate.label}
            first[picture.index] = replace(known, also=also)
    chosen = [
        replace(
            picture,
            truth=None if truth is None else int(truth[picture.index]),
            name=_printable(names[picture.index]) if picture.index < len(names) else "",
        )
        for picture in _surest(first.values())
    ]
    changed = set[int]().union(*(collector.changed for collector in collectors))
    return Gallery(len(changed), tuple(_with_maps(chosen, reference, temperature)))


def _with_maps(
    pictures: list[ChangedPicture], reference: Classifier | None, temperature: float
) -> list[ChangedPicture]:
    if reference is None or not pictures:
        return pictures
    cams = reference.infer(np.stack([picture.frame for picture in pictures])).cam
    return [
        replace(picture, reference=replace(picture.reference, heat=_heat(cam, picture.reference.label, temperature)))
        for picture, cam in zip(pictures, cams, strict=True)
    ]


def _heat(cam: npt.NDArray[np.float32], label: int, temperature: float) -> Heat:
    # Not scaled by the picture's probability, as an alarm's is: near a tie both maps would hardly be seen.
    return heat_map(cam, [label], 1.0, temperature)


def _printable(name: str) -> str:
    """Without the lone surrogates of a file name that is no UTF-8: neither JSON nor a page may hold them."""
    return name.encode("utf-8", "replace").decode()


def _surest(pictures: Iterable[ChangedPicture]) -> list[ChangedPicture]:
    ordered = sorted(pictures, key=lambda picture: (-picture.reference.own, picture.index))
    return ordered[:MAX_PICTURES]


def _picture_json(picture: ChangedPicture, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "index": picture.index,
        "name": picture.name,
        "row": picture.row,
        "truth": None if picture.truth is None else class_name(picture.truth, labels),
        "reference": _answer_json(picture.reference, picture.candidate, labels),
        "candidate": _answer_json(picture.candidate, picture.reference, labels),
        "also": {row: class_name(label, labels) for row, label in picture.also.items()},
    }


def _answer_json(answer: Answer, other: Answer, labels: Sequence[str]) -> dict[str, Any]:
    own, their = class_name(answer.label, labels), class_name(other.label, labels)
    return {"label": own, "probabilities": {own: answer.own, their: answer.other}}
