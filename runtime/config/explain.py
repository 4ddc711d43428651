"""What pydantic found wrong in a configuration, in words for the person who wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runtime.config.document import Document, Problem
from runtime.config.finding import Finding, Inconsistent, KeyPath, instead, shown
from runtime.config.settings import WatchSettings
from runtime.config.sinks import BUILT_IN, OTHER, model_of
from runtime.config.units import quantity

_BOUNDS = {
    "greater_than": "must be over",
    "greater_than_equal": "must be at least",
    "less_than": "must be under",
    "less_than_equal": "must be at most",
}
_WANTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "path_type": "text",
    "tuple_type": "a list: [one, two], or a line with - for each",
    "dict_type": "keys with values, indented under it",
    "model_type": "keys with values, indented under it",
}
_COLLECTIONS: dict[type, str] = {list: "a list", dict: "keys with values"}


def explain(error: ValidationError, document: Document) -> Iterator[Problem]:
    """The problems of a document, each with its place."""
    details = [_as_written(detail) for detail in error.errors(include_url=False)]
    for detail in details:
        if detail["type"] == "too_short" and any(_is_inside(other["loc"], detail["loc"]) for other in details):
            # Items that are wrong are not counted; they are told of themselves.
            continue
        yield from _problems(detail, document)


def _as_written(detail: ErrorDetails) -> ErrorDetails:
    """With the path that stands in the document: pydantic's tells of a sink also what kind it was taken for."""
    path = detail["loc"]
    if path[:1] == ("sinks",) and path[2:3] and path[2] in (*BUILT_IN, OTHER):
        detail["loc"] = (*path[:2], *path[3:])
    return detail


def is_contradiction(detail: ErrorDetails) -> bool:
    """Whether each of the settings in question is right by itself."""
    return isinstance(detail.get("ctx", {}).get("error"), Inconsistent)


def _is_inside(inner: KeyPath, outer: KeyPath) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _problems(detail: ErrorDetails, document: Document) -> Iterator[Problem]:
    kind, path = detail["type"], detail["loc"]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, Inconsistent):
        for finding in cause.findings:
            yield document.at_value(Finding((*path, *finding.path), finding.text))
    elif path[-1:] == ("[key]",):
        yield document.at_key(Finding(path[:-1], str(cause or detail["msg"])))
    elif kind == "extra_forbidden":
        known = _model_at(path[:-1], document).model_fields
        yield document.at_key(Finding(path, f"unknown key; {instead(str(path[-1]), known)}"))
    elif kind == "missing":
        yield (document.at_value if isinstance(path[-1], int) else document.at_key)(_missing(path, document))
    elif cause is not None:
        yield document.at_value(Finding(path, str(cause)))
    else:
        yield document.at_value(Finding(path, _text(detail, document)))


def _missing(path: KeyPath, document: Document) -> Finding:
    *around, key = path
    if isinstance(key, int):  # the only lists of fixed length are points
        return Finding(tuple(around), "a point has two numbers, [x, y]")
    description = _model_at(tuple(around), document).model_fields[key].description or ""
    return Finding(tuple(around), f"{key} is missing. {description}".strip())


def _text(detail: ErrorDetails, document: Document) -> str:
    kind, ctx, path = detail["type"], detail.get("ctx", {}), detail["loc"]
    value = _shown(document, detail)
    if kind in _BOUNDS:
        bound = next(value for key, value in ctx.items() if key in ("gt", "ge", "lt", "le"))
        share = "; a share of the picture, from 0 to 1, not pixels or per cent" if "masks" in path else ""
        return f"{value} {_BOUNDS[kind]} {_bound(document, path, bound)}{share}"
    if kind in _WANTED:
        if detail["input"] is None:
            return f"nothing stands here; write {_WANTED[kind]}"
        return f"takes {_WANTED[kind]}, not {value}{_quotes(detail)}"
    if kind == "literal_error":
        expected = [word.strip("' ") for word in str(ctx["expected"]).replace(" or ", ",").split(",")]
        if detail["input"] is None:
            return f"nothing stands here; write {_choice(expected)}"
        if isinstance(detail["input"], list | dict):
            return f"takes one word, {_choice(expected)}, not {value}"
        return f"unknown {value}; {instead(str(detail['input']).lower(), expected)}"
    if kind in ("too_short", "too_long", "string_too_short"):
        if kind == "too_long":  # only points have a length that can be passed
            return "a point has two numbers, [x, y]"
        least = ctx["min_length"]
        return "nothing stands here" if least == 1 else f"needs at least {least} entries"
    return f"{value}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _shown(document: Document, detail: ErrorDetails) -> str:
    """The value as it is written, where it may be repeated: in quotes unless it is a number or a quantity."""
    written = document.texts.get(detail["loc"])
    if written is None:
        return _COLLECTIONS.get(type(detail["input"]), "this")
    if not written:
        return "this (empty)"
    given = detail["input"]
    number = detail["type"] in _BOUNDS or (isinstance(given, int | float) and not isinstance(given, bool))
    return shown(written).strip("'") if number else shown(written)


def _choice(words: Sequence[str]) -> str:
    """All of some words: full or ladder."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _bound(document: Document, path: KeyPath, bound: float) -> str:
    """A bound with its unit, where the value is a quantity (units.py turns all into s, /s or bytes)."""
    written = document.texts.get(path, "")
    if not written[-1:].isalpha():
        return f"{bound:g}"
    return quantity(bound, "10 GB" if written.endswith("B") else "5/s" if "/" in written else "10 s")


def _quotes(detail: ErrorDetails) -> str:
    """YAML reads some words and numbers as what they were not meant."""
    if detail["type"] != "string_type" or isinstance(detail["input"], list | dict):
        return ""
    if isinstance(detail["input"], bool):
        return f", which YAML reads as {json.dumps(detail['input'])}; write it in quotes"
    return "; write it in quotes"


def _model_at(path: KeyPath, document: Document) -> type[BaseModel]:
    """The class of the settings at a path."""
    kind: Any = WatchSettings
    value: Any = document.data
    for part in path:
        value = value[part]
        if get_origin(kind) is None:
            kind = kind.model_fields[part].annotation
        else:  # of a mapping the values, of a list the items
            kind = get_args(kind)[1 if get_origin(kind) is dict else 0]
        if get_origin(kind) is Annotated:  # only sinks: what is written there says which of several it is
            kind = model_of(value.get("kind"))
    model: type[BaseModel] = kind
    return model
