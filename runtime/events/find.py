"""Finds an event or a near miss by the beginning of its id."""

from __future__ import annotations

from typing import TypeVar

from edge_resnet.errors import UserError
from runtime.events.event import Event
from runtime.events.near_miss import NearMiss
from runtime.events.query import Query
from runtime.events.store import EventStore

# Short enough to type, long enough to be one among a million.
SHORT_ID = 8

_Found = TypeVar("_Found", bound=Event | NearMiss)


def find_event(store: EventStore, id: str) -> Event:
    """The one event whose id begins with `id`; `last` for the newest.

    Raises UserError when there is none, or several.
    """
    if id == "last":
        return _newest(store.select(Query(), 1), "event", store)
    return _only(store.find(id), id, store)


def find_subject(store: EventStore, id: str) -> Event | NearMiss:
    """The one event or near miss whose id begins with `id`; `last` and `last-miss` for the newest.

    Raises UserError when there is none, or several.
    """
    if id == "last":
        return find_event(store, id)
    if id == "last-miss":
        return _newest(store.select_misses(Query(), 1), "near miss", store)
    both: list[Event | NearMiss] = [*store.find(id), *store.find_miss(id)]
    return _only(both, id, store)


def _newest(found: list[_Found], what: str, store: EventStore) -> _Found:
    if not found:
        raise UserError(f"{store.path}: no {what} yet")
    return found[0]


def _only(found: list[_Found], id: str, store: EventStore) -> _Found:
    if not found or not id:
        raise UserError(f"{store.path}: no event {id}; edge-resnet events list shows them")
    if len(found) > 1:
        these = ", ".join(each.id[: max(SHORT_ID, len(id) + 4)] for each in found[:3])
        raise UserError(f"{id}: {len(found)} ids begin so ({these} ...); give more of it")
    return found[0]
