"""Quantities with their units, as people write them in YAML: `10 s`, `500 ms`, `5/s`, `10 GB`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from runtime.config.finding import shown

# Given as the validation's context where a person wrote the value: then a number without a unit is refused.
WRITTEN = {"written": True}

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*([A-Za-z/]+)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PER_SECOND = {"/s": 1.0, "/min": 1 / 60}
# As disks are sold, and as df -H counts.
_BYTES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def _in(units: Mapping[str, float], example: str) -> Callable[[Any, ValidationInfo], Any]:
    """A validator that turns a text with one of `units` into a number of the unit whose factor is 1."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str):
            found = _QUANTITY.fullmatch(value.strip().removeprefix("-"))
            if found is None or found[2] not in units:
                raise ValueError(f"{shown(value)} is not a quantity in {', '.join(units)}; write it like {example}")
            if value.strip().startswith("-"):
                raise ValueError(f"{shown(value)} is negative; write it like {example}")
            return float(found[1]) * units[found[2]]
        if info.context is WRITTEN:
            if value is None or isinstance(value, list | dict):
                raise ValueError(f"here must stand a quantity; write it like {example}")
            raise ValueError(f"{shown(value)} has no unit; write it like {example}")
        return value

    return validate


def _schema(units: Mapping[str, float], example: str) -> WithJsonSchema:
    """How an editor checks such a text; YAML has no units, so it is a string."""
    return WithJsonSchema(
        {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*({'|'.join(units)})\s*$", "examples": [example]}
    )


def quantity(number: float, example: str) -> str:
    """A number of seconds, of times a second or of bytes, as the example is written."""
    if number == 0:
        return f"0{example.lstrip('0123456789')}"
    if example.endswith("/s"):
        return f"{number:g}/s"
    if example.endswith("B"):
        unit = next((unit for unit in ("TB", "GB") if number >= _BYTES[unit]), "MB")
        return f"{number / _BYTES[unit]:g} {unit}"
    day_s = _SECONDS["d"]
    if number >= day_s and number % day_s == 0:
        return f"{number / day_s:g} d"
    return f"{number:g} s" if number >= 1 else f"{1000 * number:g} ms"


LONGEST_S = 86400.0 * 366
# In code a plain number of seconds, of times a second, of bytes.
Seconds = Annotated[
    float, BeforeValidator(_in(_SECONDS, "10 s")), Field(gt=0.0, le=LONGEST_S), _schema(_SECONDS, "10 s")
]
PerSecond = Annotated[
    float, BeforeValidator(_in(_PER_SECOND, "5/s")), Field(gt=0.0, le=1000.0), _schema(_PER_SECOND, "5/s")
]
Bytes = Annotated[float, BeforeValidator(_in(_BYTES, "10 GB")), Field(gt=0.0, le=1e15), _schema(_BYTES, "10 GB")]
