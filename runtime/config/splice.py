"""Puts a value into the text of a YAML file, or cuts one out, and leaves every other character as it is.

Whoever calls checks what came of it: an alias, say, makes one value stand in several places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from runtime.config.finding import KeyPath

# When nothing in the file tells how far its author indents.
_USUAL_STEP = 2
_NULL = "tag:yaml.org,2002:null"
_COMMENT = re.compile(r"#[^\r\n]*")
_ALIAS = re.compile(r"\s*:?\s*(\*[^\s,\]}]+)")

_Entry = tuple[yaml.ScalarNode, yaml.Node]


class NoPlace(Exception):
    """There is no place in the text for what is asked."""


def plain(value: Any) -> Any:
    """A value as YAML gives it back: tuples are lists."""
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def put(text: str, path: KeyPath, value: Any) -> str:
    """The text with `value` (no mapping) at `path`; mappings on the way that are missing are made."""
    node, key, flow = _root(text), None, False
    for place, part in enumerate(path):
        if isinstance(node, yaml.MappingNode):
            entry = _entry(node, part)
            if entry is None:
                return _insert(text, node, _nested(path[place:], value))
            flow = node.flow_style
            key, node = entry
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            key, node = None, node.value[part]
        elif key is not None and not flow and _is_empty(node):
            return _below(text, key, node, _nested(path[place:], value))
        elif node.tag == _NULL:
            value = _nested(path[place:], value)
            break
        else:
            raise NoPlace
        if key is not None and _is_alias(key, node) and place < len(path) - 1:
            raise NoPlace
    start, end = _span(text, key, node)
    if key is not None and _is_block(node) and not _is_alias(key, node):
        # To the key's own line: a list may begin right under its key, where no other value may.
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} {_flow(value)}{text[colon : _line_end(text, colon)]}{text[end:]}"
    space = " " if start and text[start - 1] == ":" else ""
    return text[:start] + space + _flow(value) + text[end:]


def comments(text: str) -> list[str]:
    """All comments of a text, in order."""
    end, found = 0, []
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        found += _COMMENT.findall(text, end, token.start_mark.index)
        end = max(end, token.end_mark.index)
    return found


def cut(text: str, path: KeyPath) -> str:
    """The text without the entry at `path`, what stands beside it on its lines, and the comments right above it."""
    node = _root(text)
    for part in path[:-1]:
        entry = _entry(node, part) if isinstance(node, yaml.MappingNode) else None
        if entry is None or _is_alias(*entry):
            raise NoPlace
        node = entry[1]
    entry = _entry(node, path[-1]) if isinstance(node, yaml.MappingNode) else None
    if entry is None or not isinstance(node, yaml.MappingNode):
        raise NoPlace
    start, end = entry[0].start_mark.index, _span(text, *entry)[1]
    if not node.flow_style:
        return text[: _headline(text, start)] + text[_line_end(text, end) :].removeprefix("\n")
    place = node.value.index(entry)
    if place + 1 < len(node.value):
        end = node.value[place + 1][0].start_mark.index
    elif place:
        start = _span(text, *node.value[place - 1])[1]
    return text[:start] + text[end:]


def _headline(text: str, place: int) -> int:
    """Where the comments begin that stand right above the line of the character at `place`, as far in as it."""
    begin = text.rfind("\n", 0, place) + 1
    indent = text[begin:place]
    while begin:
        above = text.rfind("\n", 0, begin - 1) + 1
        if not text.startswith(f"{indent}#", above):
            break
        begin = above
    return begin


def _root(text: str) -> yaml.Node:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        raise NoPlace
    return root


def _entry(node: yaml.MappingNode, key: str | int) -> _Entry | None:
    """The entry that is written here; what << brings is written elsewhere."""
    return next(((name, value) for name, value in node.value if name.value == str(key)), None)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _is_alias(key: yaml.Node, node: yaml.Node) -> bool:
    """What an alias refers to was written before its key."""
    return node.start_mark.index < key.start_mark.index


def _span(text: str, key: yaml.Node | None, node: yaml.Node) -> tuple[int, int]:
    """Where a value begins and ends, without comments after it."""
    if key is not None and _is_alias(key, node):
        found = _ALIAS.match(text, key.end_mark.index)
        if found is None:
            raise NoPlace
        return found.span(1)
    return node.start_mark.index, _end(text, node)


def _end(text: str, node: yaml.Node) -> int:
    end = node.end_mark.index
    if _is_block(node) and node.value:
        # PyYAML lets a block end where the next begins: after the comments that belong to that one.
        if isinstance(node, yaml.MappingNode):
            return _span(text, *node.value[-1])[1]
        return _end(text, node.value[-1])
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") else end


def _insert(text: str, node: yaml.MappingNode, added: Mapping[str, Any]) -> str:
    """The text with entries added at the end of a mapping."""
    if node.flow_style:
        inner = _flow(added).removeprefix("{").removesuffix("}")
        if not node.value:
            return text[: node.start_mark.index + 1] + inner + text[node.end_mark.index - 1 :]
        end = _span(text, *node.value[-1])[1]
        return f"{text[:end]}, {inner}{text[end:]}"
    end = _span(text, *node.value[-1])[1]
    return _lines(text, end, node.value[0][0].start_mark.column, added)


def _below(text: str, key: yaml.Node, node: yaml.Node, added: Mapping[str, Any]) -> str:
    """The text with entries under a key that has nothing yet."""
    return _lines(text, node.end_mark.index, key.start_mark.column + _step(text), added)


def _lines(text: str, after: int, column: int, added: Mapping[str, Any]) -> str:
    """The text with entries as lines after the line of the character at `after`."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = _line_end(text, after)
    new = "".join(newline + line for line in _block(added, column, _step(text)))
    return text[:end] + new + text[end:]


def _block(added: Mapping[str, Any], column: int, step: int) -> list[str]:
    lines = []
    for key, value in added.items():
        name = f"{' ' * column}{_flow(key)}:"
        if isinstance(value, Mapping):
            lines += [name, *_block(value, column + step, step)]
        else:
            lines.append(f"{name} {_flow(value)}")
    return lines


def _step(text: str) -> int:
    """How far the file's author indents."""
    root = _root(text)
    inner = [value for _, value in root.value if isinstance(value, yaml.MappingNode) and not value.flow_style]
    columns = [node.value[0][0].start_mark.column for node in inner if node.value]
    return next((column for column in columns if column), _USUAL_STEP)


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" and end > place else end


def _nested(path: KeyPath, value: Any) -> dict[str, Any]:
    first, *rest = path
    return {str(first): _nested(tuple(rest), value) if rest else value}


def _flow(value: Any) -> str:
    """A value on one line, with quotes where it would be read as another, also between brackets."""
    line = yaml.safe_dump([value], default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return line.removeprefix("[").removesuffix("]\n")
