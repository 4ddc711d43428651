"""A YAML file as plain data, with the place of all that stands in it; what could mean two things is refused.

Keys are taken as they are written: YAML 1.1 would read a camera that is called `on` or `no` as true or false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from edge_resnet.errors import UserError
from runtime.config.finding import Finding, KeyPath, dotted

MAX_BYTES = 1 << 20
# What aliases refer to counts each time, so that a few lines cannot become millions of values.
_MAX_NODES = 50_000
_MAX_DEPTH = 32
# Longer ones are no setting, and YAML takes its time to find out whether they are a number.
_MAX_SCALAR = 10_000
_MERGE = "tag:yaml.org,2002:merge"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, order=True)
class Place:
    """Line and column in a file, from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: yaml.Mark) -> Place:
        """The place of a mark of PyYAML, which counts from 0."""
        return cls(mark.line + 1, mark.column + 1)


@dataclass(frozen=True)
class Problem:
    """A finding with its place in the file; the file as a whole has none."""

    path: KeyPath = field(repr=False)
    text: str
    place: Place | None = None

    def line(self, file: Path) -> str:
        """The one line that tells it: file, line, column, path, what is wrong."""
        where = f"{file}:{self.place.line}:{self.place.column}" if self.place else f"{file}"
        parts = [where, dotted(self.path), self.text]
        return " ".join(": ".join(part for part in parts if part).split())


class Misread(UserError):
    """A file of which nothing can be used; `problem` says why."""

    def __init__(self, text: str, place: Place | None = None, path: KeyPath = ()) -> None:
        super().__init__(text)
        self.problem = Problem(path, text, place)


@dataclass
class Document:
    """`data`: the content, with keys as they are written. `problems`: found in reading.

    `keys`, `values`: where each stands. `texts`: of single values, as they are written. Values are kept out of repr.
    """

    data: dict[str, Any] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
    keys: dict[KeyPath, Place] = field(default_factory=dict, repr=False)
    values: dict[KeyPath, Place] = field(default_factory=dict, repr=False)
    texts: dict[KeyPath, str] = field(default_factory=dict, repr=False)

    def at_value(self, finding: Finding) -> Problem:
        """A problem at the value that the finding is about, or at the nearest around it that was written."""
        return Problem(finding.path, finding.text, self._nearest(self.values, finding.path))

    def at_key(self, finding: Finding) -> Problem:
        """A problem at the key that the finding is about."""
        return Problem(finding.path, finding.text, self._nearest(self.keys, finding.path))

    @staticmethod
    def _nearest(places: dict[KeyPath, Place], path: KeyPath) -> Place:
        for end in range(len(path), 0, -1):
            if found := places.get(path[:end]):
                return found
        return Place(1, 1)


def read_document(file: Path) -> Document:
    """Read a file. Raises Misread when it is no YAML at all, too large, or cannot be read."""
    return parse_document(_text(file))


def parse_document(text: str) -> Document:
    """Understand a text. Raises Misread when it is no YAML, or too much of it."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise Misread("empty; edge-resnet config example shows what may stand here")
        document = Document()
        if not isinstance(root, yaml.MappingNode):
            raise Misread("begins with no key; write sites: and so on, as edge-resnet config example does")
        document.data = _Builder(document).mapping(root, ())
    except yaml.reader.ReaderError as error:
        raise Misread(
            f"a character that YAML does not take (U+{error.character:04X})", _at(text, error.position)
        ) from None
    except yaml.MarkedYAMLError as error:
        raise Misread(_syntax(error), Place.of(error.problem_mark) if error.problem_mark else None) from None
    except RecursionError:
        raise Misread("nested too deeply, or an alias that holds itself") from None
    return document


def _text(file: Path) -> str:
    if file.is_dir():
        raise Misread("a folder; name a YAML file")
    if not file.exists():
        raise Misread("no such file; edge-resnet config example prints one to begin with")
    if not file.is_file():
        raise Misread("not a plain file, which could be read again; name one")
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misread(f"{error.strerror or error}; make it readable for the user that runs this") from None
    if len(data) > MAX_BYTES:
        raise Misread(f"over {MAX_BYTES >> 20} MiB, which is no configuration; is it the right file?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8", "replace")
        raise Misread("not UTF-8; save it as UTF-8", _at(good, len(good))) from None


def _at(text: str, position: int) -> Place:
    """The place of the character at `position`."""
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "no YAML"
    if "'\\t'" in problem:
        return "a tab; YAML is indented with spaces"
    if "mapping values are not allowed here" in problem:
        return f"{problem}; is the indentation right, and does a text with ': ' in it stand in quotes?"
    return f"{problem}{f' ({error.context})' if error.context else ''}; check the indentation, brackets and quotes here"


class _Builder:
    """Turns the nodes of a document into data, and notes where each stands."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._scalars = yaml.SafeLoader("")
        self._nodes = 0

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        """A mapping; `<<` brings what is not written here itself."""
        self._count(node)
        data: dict[str, Any] = {}
        for merged in _merged(node):
            # Of several the first counts, as YAML has it.
            data = {**self.mapping(merged, path), **data}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise Misread("a key that is a list or a mapping; keys are names", Place.of(key.start_mark), path)
            place, inner = Place.of(key.start_mark), (*path, key.value)
            if key.value in lines:
                text = f"stands in line {lines[key.value]} already; remove or rename one of the two"
                self._document.problems.append(Problem(inner, text, place))
                continue
            lines[key.value] = place.line
            self._document.keys[inner] = place
            data[key.value] = self._value(value, inner)
        return data

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count(node)
        place = self._document.values[path] = Place.of(node.start_mark)
        if len(path) > _MAX_DEPTH:
            raise Misread("nested deeper than any setting, or an alias that holds itself", place)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            raise Misread(f"unknown tag {node.tag}; remove it", place, path)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        self._document.texts[path] = node.value
        return self._scalar(node, path, place)

    def _count(self, node: yaml.Node) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            text = "more values than any configuration has; are aliases (*) of aliases used?"
            raise Misread(text, Place.of(node.start_mark))

    def _scalar(self, node: yaml.Node, path: KeyPath, place: Place) -> Any:
        if len(node.value) > _MAX_SCALAR:
            raise Misread(f"a value of {len(node.value)} characters", place, path)
        try:
            return self._scalars.construct_object(node)
        except yaml.constructor.ConstructorError as error:
            raise Misread(f"{error.problem}; remove the tag", place, path) from None
        except ValueError:  # such as a date that there is not
            raise Misread("YAML cannot read this value; write it in quotes", place, path) from None


def _merged(node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
    for key, value in node.value:
        if key.tag == _MERGE:
            for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(item, yaml.MappingNode):
                    raise Misread("<< takes a mapping, such as an alias of one", Place.of(item.start_mark))
                yield item
