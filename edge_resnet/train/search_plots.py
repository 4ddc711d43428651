"""Pictures of a search: how it went, which setting mattered, each trial's curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna.visualization.matplotlib as plots
from matplotlib import pyplot
from matplotlib.axes import Axes
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study
from optuna.trial import TrialState

from edge_resnet import files

# Fewer trials do not tell which setting matters.
_FEWEST_FOR_IMPORTANCE = 6
_VALUE = "validation accuracy"


def draw(study: Study, out: Path) -> tuple[str, ...]:
    """Write history.png, curves.png, slices.png and, of enough trials, importances.png into `out`; their names."""
    wanted: dict[str, Callable[[], Any]] = {
        "history.png": lambda: plots.plot_optimization_history(study, target_name=_VALUE),
        "curves.png": lambda: plots.plot_intermediate_values(study),
        "slices.png": lambda: plots.plot_slice(study, target_name=_VALUE),
    }
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) >= _FEWEST_FOR_IMPORTANCE:
        wanted["importances.png"] = lambda: plots.plot_param_importances(study, target_name=_VALUE)
    for name, plot in wanted.items():
        _save(plot, out / name)
    return tuple(wanted)


def _save(plot: Callable[[], Any], path: Path) -> None:
    """Optuna draws with pyplot; whatever it drew is written and closed."""
    before = pyplot.get_backend()
    pyplot.switch_backend("Agg")
    try:
        with warnings.catch_warnings():
            # Of its own plots being experimental, and of axes without extent when all trials are alike.
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)
            drawn = plot()
        axes: Axes = drawn.flat[0] if hasattr(drawn, "flat") else drawn
        figure = axes.get_figure(root=True)
        assert figure is not None
        with files.whole_file(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110, bbox_inches="tight")
    finally:
        pyplot.close("all")
        pyplot.switch_backend(before)
