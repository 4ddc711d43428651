"""Changes cameras.yaml where it stands: values are put into its text, and all else stays as it was written.

What was changed is read again and held against what was meant; only then is the file written.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

from edge_resnet import files
from edge_resnet.errors import UserError
from runtime.config import splice
from runtime.config.document import Misread, parse_document, read_document
from runtime.config.fill import Unset
from runtime.config.finding import KeyPath, dotted
from runtime.config.load import read


def set_values(file: Path, changes: Mapping[KeyPath, Any]) -> list[str]:
    """Set each value at its path; mappings that are missing are made, quantities are texts ("2 s").

    Gives the comments that fell: those between the lines of a list that was replaced. Raises UserError when the result
    would be no configuration, or more would change than was asked for; then the file is as it was.
    """
    values = dict(_single(changes))

    def change(text: str) -> str:
        data = parse_document(text).data
        for path, value in values.items():
            # What is so already stays as it is written.
            if not _has(data, path) or _at(data, path) != value:
                text = splice.put(text, path, value)
        return text

    def meant(data: dict[str, Any]) -> None:
        for path, value in values.items():
            _put(data, path, value)

    return _rewrite(file, change, meant, tuple(values))


def remove_value(file: Path, path: KeyPath) -> list[str]:
    """Remove what stands at a path, with the comments right above it, and the mappings that are empty without it.

    Gives the comments that fell, and raises, as set_values does.
    """
    data = _read(file).data
    if not _has(data, path):
        raise UserError(f"{file}: no {dotted(path)} there; nothing was removed")
    while len(path) > 1 and len(_at(data, path[:-1])) == 1:
        path = path[:-1]

    def meant(data: dict[str, Any]) -> None:
        del _at(data, path[:-1])[path[-1]]

    return _rewrite(file, lambda text: splice.cut(text, path), meant, (path,))


def _rewrite(
    file: Path, change: Callable[[str], str], meant: Callable[[dict[str, Any]], None], paths: tuple[KeyPath, ...]
) -> list[str]:
    target = file.resolve()
    with _alone(target.parent):
        expected = deepcopy(_read(target).data)
        text = target.read_bytes().decode()
        try:
            meant(expected)
            changed = change(text)
            found = parse_document(changed).data
        except (KeyError, TypeError, IndexError, AttributeError, Misread, splice.NoPlace) as error:
            raise _by_hand(file, paths) from error
        if found != expected:
            raise _by_hand(file, paths)
        _replace(file, target, text, changed)
    return list((Counter(splice.comments(text)) - Counter(splice.comments(changed))).elements())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for others that change a file in this folder, and keep them out. Locked is the folder: files change."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems of networks have no such lock.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(file: Path, target: Path, before: str, changed: str) -> None:
    """Write what `target` shall hold in place of `before`, if it is a configuration. `file`: as the user named it."""
    stated = target.stat()
    with files.whole_file(target, stated.st_mode & 0o777) as temporary:
        temporary.write_bytes(changed.encode())
        # What ${NAME} stands for may be in an environment that is not this one.
        for problem in read(temporary, environment=Unset()).problems:
            raise UserError(f"{problem.line(file)}; the file was not changed")
        # Whoever runs the stream must go on being able to read it, though root may have edited.
        with suppress(PermissionError):
            os.chown(temporary, stated.st_uid, stated.st_gid)
        if target.read_bytes() != before.encode():
            raise UserError(f"{file}: somebody else has just changed it; try again")


def _read(file: Path) -> Any:
    try:
        return read_document(file)
    except Misread as misread:
        raise UserError(misread.problem.line(file)) from None


def _by_hand(file: Path, paths: tuple[KeyPath, ...]) -> UserError:
    named = ", ".join(dotted(path) for path in paths)
    return UserError(
        f"{file}: {named} cannot be changed here without changing more (is it shared by an alias, & and *?); "
        "the file was not changed, edit it by hand"
    )


def _single(changes: Mapping[KeyPath, Any], around: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Each value that is no mapping, with its whole path."""
    for path, value in changes.items():
        if isinstance(value, Mapping):
            yield from _single({(key,): each for key, each in value.items()}, (*around, *path))
        else:
            yield (*around, *path), splice.plain(value)


def _at(data: Any, path: KeyPath) -> Any:
    for key in path:
        data = data[key]
    return data


def _has(data: Any, path: KeyPath) -> bool:
    try:
        _at(data, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _put(data: Any, path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        if isinstance(data, dict) and data.get(str(key)) is None:
            data[str(key)] = {}
        data = data[key]
    data[path[-1]] = value
