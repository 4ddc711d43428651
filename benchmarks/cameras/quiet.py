"""The quiet picture of all cameras: of a clip in which nothing is to be seen, the one that the network is surest of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from edge_resnet.probability import softmax, sum_of_classes
from runtime.backends import open_backend

Image = npt.NDArray[np.uint8]

_USUAL_FPS = 25.0


def decoded(clip: Path) -> Iterator[tuple[float, Image]]:
    """Each frame, H x W x 3, uint8, BGR, with its time in seconds from the first."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or _USUAL_FPS)
        begun_s: float | None = None
        for number, frame in enumerate(container.decode(stream)):
            time_s = number / rate if frame.time is None else float(frame.time)
            begun_s = time_s if begun_s is None else begun_s
            yield time_s - begun_s, frame.to_ndarray(format="bgr24")


def quiet_picture(place: Path, clips: Sequence[Path], bundle: Bundle) -> Image:
    """The first frame of one of the clips, which are of `place` and have no row in the truth file.

    An alarm that is false all the time would leave none to be raised.

    Raises UserError for no clip, or none that the network takes for normal.
    """
    stills = [image for clip in clips for _, image in _first(clip)]
    if not stills:
        raise UserError(
            f"{place}: no clip without a row in the truth file; add one, of which the cameras' quiet picture is taken, "
            "or name other clips with --clips"
        )
    model = bundle.model
    with open_backend("onnxruntime", bundle, "fp32", "cpu") as backend:
        logits = np.concatenate([backend.infer(model.input.preprocess(still)[None]).logits for still in stills])
    probabilities = softmax(logits, model.temperature)
    # How near each comes to an alarm, as a share of its threshold.
    nearness = np.max(
        [
            sum_of_classes(probabilities, model.class_indices(name)) / max(alarm.threshold, 1e-9)
            for name, alarm in model.alarms.items()
        ],
        axis=0,
    )
    if nearness.min() >= 1.0:
        raise UserError(
            f"{place}: the bundle takes every clip without a row in the truth file for an alarm; add a quieter one, or "
            "name other clips with --clips"
        )
    return stills[int(nearness.argmin())]


def _first(clip: Path) -> list[tuple[float, Image]]:
    found = next(decoded(clip), None)
    return [] if found is None else [found]
