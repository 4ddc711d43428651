"""The JSON schema of cameras.yaml, with which editors complete and check it while it is written."""

from __future__ import annotations

from typing import Any

from runtime.config.settings import WatchSettings
from runtime.config.units import quantity

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema of what a person writes: quantities are texts with units, and so are their defaults."""
    answer: dict[str, Any] = _written(WatchSettings.model_json_schema())
    return {"$schema": DIALECT, **answer, "title": "cameras.yaml of edge-resnet"}


def _written(part: Any) -> Any:
    """A part of pydantic's schema, its defaults as they would be written."""
    if isinstance(part, list):
        return [_written(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _written(value) for key, value in part.items()}
    default = part.get("default")
    if "$ref" in part or isinstance(default, dict):
        # Groups of settings tell the defaults of what is in them.
        part.pop("default", None)
    elif "examples" in part and isinstance(default, int | float):
        part["default"] = quantity(default, part["examples"][0])
    elif "examples" in part and isinstance(default, str):
        part["default"] = default.removesuffix(":00")  # of a time's seconds
    if "examples" in part and "description" in part:
        part["description"] += f" Written like {part['examples'][0]}."
    return part
