"""The picture of the calibration."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from export.int8.calibration import tabulate
from export.int8.histogram import Extent, Histogram
from export.int8.plot import draw


def test_a_panel_a_tensor(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    histograms = {}
    for name, values in (("relu", random.exponential(1, 5000)), ("add", random.normal(0, 1, 5000))):
        histograms[name] = Histogram.empty(Extent(float(values.min()), float(values.max())))
        histograms[name].add(values.astype(np.float32))
    table = tabulate("key", 8, "an engine", histograms)
    draw(histograms, table, "mse", tmp_path / "searched.png")
    draw(histograms, table, "minmax", tmp_path / "plain.png")
    searched, plain = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("searched", "plain"))
    assert searched is not None
    assert searched.shape == plain.shape
    # The loss is drawn where the method searched.
    assert (searched != plain).any()
