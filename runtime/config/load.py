"""cameras.yaml to settings; every mistake in it is one line, with its place in the file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge_resnet.errors import CameraError, UserError
from edge_resnet.manifest import AlarmSpec, InputSpec
from runtime.config import attention
from runtime.config.bundled import against_bundle
from runtime.config.document import Document, Misread, Place, Problem, read_document
from runtime.config.explain import explain, is_contradiction
from runtime.config.fill import Unset, fill, holds_password
from runtime.config.finding import Finding, KeyPath, dotted
from runtime.config.references import (
    ambiguous_modes,
    cameras,
    unknown_alarms,
    unknown_modes,
    unknown_schedules,
    unknown_sink_cameras,
)
from runtime.config.secrets import fill_sinks, in_the_open, unencrypted
from runtime.config.settings import WatchSettings
from runtime.config.units import WRITTEN


@dataclass(frozen=True)
class Reading:
    """What a file holds. `settings`: None where there are `problems`; `warnings` do not hinder.

    `partial`: the problems kept others from being looked for, such as rates at which no alarm could be raised.
    """

    file: Path
    settings: WatchSettings | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    partial: bool = False

    @property
    def unreadable(self) -> bool:
        """Whether it is no configuration at all: not there, not readable, empty."""
        return any(problem.place is None for problem in self.problems)

    def lines(self) -> list[str]:
        """The problems, a line each."""
        return [problem.line(self.file) for problem in self.problems]


def load(
    file: Path,
    alarms: Mapping[str, AlarmSpec] | None = None,
    environment: Mapping[str, str] | None = None,
    input: InputSpec | None = None,
) -> WatchSettings:
    """The settings in a file. `alarms`, `input`: as of `read`. Raises UserError with the first problem."""
    reading = read(file, alarms, environment, input)
    if reading.settings is None:
        first, *others = reading.lines()
        more = f" (and {len(others)} more; edge-resnet config check {file} tells all)" if others else ""
        raise UserError(first + more)
    return reading.settings


def read(
    file: Path,
    alarms: Mapping[str, AlarmSpec] | None = None,
    environment: Mapping[str, str] | None = None,
    input: InputSpec | None = None,
) -> Reading:
    """The settings in a file, or all that is wrong with it.

    `alarms`, `input`: of the bundle that will watch; without them, the names that the file gives are not checked.
    `environment`: what ${NAME} is filled from, os.environ by default.
    """
    try:
        document = read_document(file)
    except Misread as misread:
        return Reading(file, None, (misread.problem,), partial=misread.problem.place is not None)
    if isinstance(environment, Unset):
        # Nothing is delivered either, and what a sink's ${NAME} stands for must be of the right kind.
        document.data.pop("sinks", None)
    problems = [*document.problems]
    warnings = list(_warnings(document, file))
    environment = os.environ if environment is None else environment
    problems += _fill(document, file.parent, environment)
    problems += fill_sinks(document, file.parent, environment)
    problems += map(document.at_value, attention.impossible(document.data))
    warnings += map(document.at_value, attention.warnings(document.data))
    settings = None
    try:
        settings = WatchSettings.model_validate(document.data, context=WRITTEN)
        warnings += map(document.at_value, attention.out_of_proportion(settings))
        partial = False
    except ValidationError as error:
        # A value that is wrong is not held against others, and rates only against a bundle when all else is right.
        partial = alarms is not None or any(not is_contradiction(detail) for detail in error.errors())
        problems += explain(error, document)
        for references in (unknown_schedules, unknown_modes, ambiguous_modes, unknown_sink_cameras):
            problems += [document.at_value(finding) for finding in references(document.data)]
    if alarms is not None:
        found = against_bundle(settings, alarms, input) if settings else unknown_alarms(document.data, alarms)
        problems += [document.at_value(finding) for finding in found]
    return Reading(file, None if problems else settings, _in_order(problems), _in_order(warnings), partial=partial)


def _in_order(problems: Collection[Problem]) -> tuple[Problem, ...]:
    # Once each: of schedules both the settings and their names tell.
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place or Place(0, 0)))


def _fill(document: Document, folder: Path, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Put what can be opened in the place of each address."""
    for path, camera in cameras(document.data):
        kinds: dict[str, str] = {}
        for key, text in _addresses(camera):
            try:
                filled = fill(text, folder, environment)
            except CameraError as error:
                yield document.at_value(Finding((*path, key), str(error)))
                continue
            camera[key], kinds[key] = filled.text, filled.kind
        if len(set(kinds.values())) > 1:
            text = f"a {kinds['record']}, though detect is a {kinds['detect']}; name two streams of one camera"
            yield document.at_value(Finding((*path, "record"), text))


def _warnings(document: Document, file: Path) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for path, camera in cameras(document.data):
        for key, text in _addresses(camera):
            if holds_password(text):
                yield document.at_value(Finding((*path, key), _in_the_open("password", file)))
            if text in first and first[text] != path:
                other = f"the same address as in {dotted(first[text])}; is that meant?"
                yield document.at_value(Finding((*path, key), other))
            first.setdefault(text, path)
    for path in in_the_open(document):
        yield document.at_value(Finding(path, _in_the_open("secret", file)))
    yield from map(document.at_value, unencrypted(document))


def _in_the_open(what: str, file: Path) -> str:
    advice = f"a {what} stands in this file; write ${{NAME}} in its place and set NAME in the environment"
    if file.stat().st_mode & 0o077:
        advice += f"; others on this machine may read it: chmod 600 {file}"
    return advice


def _addresses(camera: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("detect", "record"):
        address = camera.get(key)
        if isinstance(address, str | int) and not isinstance(address, bool):
            yield key, str(address)
