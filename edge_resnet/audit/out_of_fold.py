"""What a linear probe says of pictures that it was not fitted on, nor on any related to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from edge_resnet import probe
from edge_resnet.audit.check import NotRun
from edge_resnet.data.folds import stratified_folds
from edge_resnet.data.related import Kinship, related
from edge_resnet.data.survey import Survey
from edge_resnet.probability import softmax

FOLDS = 5
# What is kept in one fold, from the most honest on; a fixed camera has too few clips and looks for five folds.
_KINSHIPS: tuple[Kinship, ...] = ("clip", "look", "file")
_SEED = 0


@dataclass(frozen=True)
class OutOfFold:
    """The probe's probabilities.

    `pictures`: indices (M) of the samples that could be judged. `classes`: the K class indices among them. `given`: the
    place of each picture's class in `classes` (M, int64). `probabilities`: M x K, float64.
    """

    pictures: npt.NDArray[np.int64]
    classes: tuple[int, ...]
    given: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]


def out_of_fold(survey: Survey) -> OutOfFold:
    """Fit the probe five times, each on three folds with one to choose the regularisation, and ask it of the fifth.

    Classes with fewer than five groups of related pictures are left out. Raises NotRun without features, or where less
    than two classes are left.
    """
    if survey.features is None:
        raise NotRun("it needs features of a pretrained network: name --weights")
    labels = np.array([sample.label for sample in survey.listing.samples], np.int64)
    relation, classes = _relation(survey, labels)
    if len(classes) < 2:
        raise NotRun(f"fewer than two classes have the {FOLDS} different pictures that it takes")
    pictures = np.flatnonzero(np.isin(labels, classes))
    given = np.searchsorted(classes, labels[pictures])
    features = torch.from_numpy(np.asarray(survey.features[pictures], np.float32))
    truth = torch.from_numpy(given)
    folds = stratified_folds(given, relation[pictures], FOLDS, _SEED)
    probabilities = np.zeros((len(pictures), len(classes)))
    for number, fold in enumerate(folds):
        val = folds[(number + 1) % FOLDS]
        train = np.setdiff1d(np.arange(len(pictures)), np.concatenate([fold, val]))
        head = probe.fit(features[train], truth[train], features[val], truth[val], torch.ones(len(classes)))
        logits = features[fold] @ head.weight.T + head.bias
        probabilities[fold] = softmax(logits.numpy())
    return OutOfFold(pictures, tuple(classes), given, probabilities)


def _relation(survey: Survey, labels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], list[int]]:
    """The most honest relation in which all classes can be judged (else equal files), and the classes that can."""
    present = np.unique(labels)
    for kinship in _KINSHIPS:
        relation = related(survey.listing, survey.store.hashes, kinship)
        enough = [label for label in present.tolist() if len(np.unique(relation[labels == label])) >= FOLDS]
        if len(enough) == len(present):
            break
    return relation, enough
