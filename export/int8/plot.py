"""A picture of the calibration: each tensor's histogram with the range that each method keeps of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edge_resnet.files import whole_file
from export.int8.calibration import Calibration
from export.int8.histogram import Histogram
from export.int8.thresholds import METHODS, Method, Scheme, curve

_COLUMNS = 4
_COLOURS: dict[Method, str] = dict(zip(METHODS, ("tab:red", "tab:green", "tab:orange", "tab:gray"), strict=True))
_SCHEME: Scheme = "u8"
_SHOWN_BINS = 256


def draw(histograms: Mapping[str, Histogram], table: Calibration, method: Method, path: Path) -> None:
    """Write a PNG to `path`: a panel a tensor, counts on a logarithmic axis, the chosen method's range solid.

    Where the chosen method searched, its loss over the tried ranges (high ends) is drawn on an axis of its own.
    """
    rows = math.ceil(len(histograms) / _COLUMNS)
    with matplotlib.rc_context({"font.size": 7}):
        figure = Figure(figsize=(4 * _COLUMNS, 1.8 * rows), layout="constrained")
        panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for panel, (name, histogram) in zip(panels, histograms.items(), strict=False):
            _draw_tensor(panel, name, histogram, table, method)
        for panel in panels[len(histograms) :]:
            panel.set_axis_off()
        handles = [panels[0].plot([], [], color=_COLOURS[each], label=each)[0] for each in METHODS]
        title = f"{table.pictures} pictures, ranges for {_SCHEME}; used: {method} (solid), its loss dotted"
        figure.legend(handles=handles, loc="outside upper center", ncols=len(METHODS), title=title)
        with whole_file(path) as temporary:
            figure.savefig(temporary, dpi=90)


def _draw_tensor(panel: Axes, name: str, histogram: Histogram, table: Calibration, method: Method) -> None:
    panel.set_title(name)
    # Eight of the 2,048 bins together: the picture has no more room.
    counts = histogram.counts.reshape(_SHOWN_BINS, -1).sum(axis=1)
    edges = histogram.edges[:: len(histogram.counts) // _SHOWN_BINS]
    panel.stairs(counts, edges, fill=True, color="tab:blue", alpha=0.4)
    panel.set_yscale("log")
    for each in METHODS:
        kept = table.tensors[name].ranges[each][_SCHEME]
        for end in {kept.low, kept.high} - {0.0}:
            panel.axvline(end, color=_COLOURS[each], linestyle="-" if each == method else "--", linewidth=1)
    losses = np.array(list(curve(histogram, method, _SCHEME)))
    if len(losses):
        beside = panel.twinx()
        beside.plot(losses[:, 0], losses[:, 1], color=_COLOURS[method], linestyle=":", linewidth=1)
        beside.set_yscale("log")
        beside.set_yticks([])
