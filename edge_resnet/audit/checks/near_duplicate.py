"""Pictures that look nearly the same: re-encoded, resized, or neighbours in a video."""

from __future__ import annotations

from collections.abc import Sequence

from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.kin import SCENE_PICTURES, all_but_one, classes_of, families
from edge_resnet.data.related import related
from edge_resnet.data.survey import Survey


class NearDuplicate(Check):
    """Chains of pictures whose perceptual hashes are 4 bits apart or less (duplicates.NEAR_BITS); one finding a chain.

    A long chain is the view of a fixed camera, in which an alarm and a quiet day look alike to the hash: a note, and
    nothing that --fix would touch.
    """

    name = "near_duplicate"
    meaning = "Pictures that look alike: re-encoded copies, bursts, neighbouring video frames."
    severity = "warning"

    def find(self, survey: Survey) -> Sequence[Finding]:
        relation = related(survey.listing, survey.store.hashes, "look")
        found = (self._judge(survey, members) for members in families(relation))
        return [finding for finding in found if finding is not None]

    def _judge(self, survey: Survey, members: tuple[int, ...]) -> Finding | None:
        count, classes = len(members), classes_of(survey, members)
        if len({survey.listing.samples[index].content for index in members}) == 1:
            return None
        if count > SCENE_PICTURES:
            return Finding(
                f"{count} pictures of {' and '.join(classes)} look alike: a fixed camera's view, or one clip; they "
                "tell training little more than a few would, and are only honest together in one split",
                pictures=members,
                kind="scene",
                severity="note",
            )
        if len(classes) > 1:
            return Finding(
                f"{count} pictures look alike and are of {' and '.join(classes)}: see which is right",
                pictures=members,
                score=SCENE_PICTURES + count,
                kind="of several classes",
            )
        return Finding(
            f"{count} pictures of {classes[0]} look alike",
            pictures=members,
            score=count,
            kind="copies",
            moves=all_but_one(survey, members),
        )
