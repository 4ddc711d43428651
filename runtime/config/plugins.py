"""Kinds of sinks that other packages bring, by their entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from edge_resnet.errors import UserError

# The name of an entry point is the kind; its object a class that fulfils runtime/sinks/sink.py and has its `Settings`.
GROUP = "edge_resnet.sinks"
_CONTRACT = ("deliver", "flush", "close")


def installed() -> dict[str, EntryPoint]:
    """The kinds there are; nothing is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(point: EntryPoint) -> type[Any]:
    """The class of a kind. Raises UserError, with the name of the package, for one that is broken."""
    try:
        kind = point.load()
    except Exception as error:
        # What another package does while it is imported is its own affair, and must not look like ours.
        raise UserError(f"{_of(point)} cannot be imported ({type(error).__name__}: {error}); {_mend(point)}") from error
    settings = getattr(kind, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        raise UserError(f"{_of(point)} has no Settings of pydantic; {_mend(point)}")
    if missing := [name for name in _CONTRACT if not callable(getattr(kind, name, None))]:
        raise UserError(f"{_of(point)} cannot {' and '.join(missing)}; {_mend(point)}")
    return kind  # type: ignore[no-any-return]  # getattr has shown what it is


def _of(point: EntryPoint) -> str:
    return f"the kind {point.name} of the package {_package(point)}"


def _mend(point: EntryPoint) -> str:
    return f"update {_package(point)}, or remove it"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
