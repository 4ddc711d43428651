"""Only one watch writes to an event store."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.events.lock import only_writer
from runtime.events.store import EventStore


def test_a_second_is_refused_in_one_line_while_the_first_writes(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    with only_writer(store), pytest.raises(UserError, match="another watch writes there"), only_writer(store):
        pass


def test_afterwards_and_for_another_store_it_is_free(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a.sqlite"), only_writer(tmp_path / "b.sqlite"):
        pass
    with only_writer(tmp_path / "a.sqlite"):
        pass


def test_readers_are_free(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    with only_writer(store), EventStore(store), EventStore(store, read_only=True) as reader:
        assert reader.events() == []


def test_it_is_kept_until_the_end_whatever_happens(tmp_path: Path) -> None:
    store = tmp_path / "events.sqlite"
    with pytest.raises(RuntimeError), only_writer(store):
        raise RuntimeError
    with only_writer(store):
        pass
