"""What a bundle says of itself: the schema of manifest.json, and the model's specification inside it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge_resnet.geometry import ResizePolicy
from edge_resnet.preprocess import MEAN_RGB, STD_RGB, Preprocess

SCHEMA_VERSION = 1
# Where a model file keeps its ModelSpec, as JSON.
METADATA_KEY = "edge_resnet"
# Classes that mean "nothing to report", as people call them; compared in lower case with - and space as _.
BACKGROUND_NAMES = frozenset(
    {
        *("background", "empty", "idle", "negative", "neutral", "none", "normal", "nothing", "ok", "safe"),
        *("no_alarm", "no_event", "no_fight", "no_fire", "no_intruder", "no_people", "no_person", "no_smoke"),
        *("no_violence", "non_fight", "non_fire", "non_violence", "nonviolence"),
    }
)
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """Base of all that is read from JSON: nothing unknown, nothing infinite, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _safe_name(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a plain file name inside the bundle")
    return name


FileName = Annotated[str, AfterValidator(_safe_name)]


class InputSpec(Strict):
    """The network's input: `height` and `width` in pixels, and how a frame gets there."""

    height: int = Field(ge=32, le=4096)
    width: int = Field(ge=32, le=4096)
    resize: ResizePolicy = "stretch"
    interpolation: Literal["area_down_linear_up"] = "area_down_linear_up"
    colour: Literal["BGR"] = "BGR"
    # For the record: both are nodes of the graph.
    mean_rgb: tuple[float, float, float] = MEAN_RGB
    std_rgb: tuple[float, float, float] = STD_RGB

    @property
    def preprocess(self) -> Preprocess:
        """The preprocessing that fits this input."""
        return Preprocess(self.height, self.width, self.resize)


class AlarmSpec(Strict):
    """A named set of classes whose probabilities are summed, and the thresholds on that sum.

    A look counts when the sum is at least `threshold`; the mean over the window must reach `mean_threshold`.
    `reached`: the highest sum of any picture of the validation set; None where that is not known.
    """

    classes: tuple[str, ...] = Field(min_length=1)
    threshold: Probability = 0.5
    mean_threshold: Probability = 0.5
    reached: Probability | None = None


class ModelSpec(Strict):
    """What a trained model is: enough to feed it and to read its answer. It travels with the weights and the bundle."""

    labels: tuple[str, ...] = Field(min_length=2)
    background: tuple[str, ...] = ()
    input: InputSpec
    temperature: float = Field(default=1.0, gt=0.0, le=100.0)
    alarms: dict[str, AlarmSpec] = {}

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat")
        _all_known(self.background, self.labels, "background")
        for name, alarm in self.alarms.items():
            _all_known(alarm.classes, self.labels, f"alarm {name}")
            if both := sorted(set(alarm.classes) & set(self.background)):
                raise ValueError(f"alarm {name} has background classes: {', '.join(both)}")
        return self

    @property
    def alarming(self) -> frozenset[str]:
        """The labels that belong to an alarm."""
        return frozenset(label for alarm in self.alarms.values() for label in alarm.classes)

    def class_indices(self, alarm: str) -> tuple[int, ...]:
        """Where the classes of an alarm stand among the labels."""
        return tuple(self.labels.index(name) for name in self.alarms[alarm].classes)


def _all_known(names: tuple[str, ...], labels: tuple[str, ...], where: str) -> None:
    if unknown := sorted(set(names) - set(labels)):
        raise ValueError(f"{where}: unknown class {', '.join(unknown)}; the classes are {', '.join(labels)}")


class FileEntry(Strict):
    """A file of the bundle as it was written."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, description="bytes")


class Manifest(Strict):
    """manifest.json: the model's specification, where it came from, and every other file with its hash."""

    schema_version: Literal[1] = 1
    model: ModelSpec
    provenance: dict[str, Any] = {}
    files: dict[FileName, FileEntry] = {}


def default_background(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that are background by their names (`normal`, `empty`, `no_person` ...)."""
    return tuple(label for label in labels if re.sub(r"[-\s]+", "_", label.lower()) in BACKGROUND_NAMES)


def default_alarms(labels: tuple[str, ...], background: tuple[str, ...]) -> dict[str, AlarmSpec]:
    """One alarm for each class that is not background, named as the class is."""
    return {label: AlarmSpec(classes=(label,)) for label in labels if label not in background}
