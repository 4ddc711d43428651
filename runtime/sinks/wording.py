"""A notice in words, for people: a line, and what there is to say beyond it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.events.notice import Notice

# A person reads no more of them; all stand in the event store.
_MOST_LISTED = 50


def subject(notice: Notice) -> str:
    """One line."""
    where = notice.camera or "this box"
    match notice.what:
        case "raised":
            line = f"ALARM {notice.alarm} at {where}"
        case "cleared":
            unseen = bool(notice.body.get("interrupted"))
            line = f"{notice.alarm} at {where}: no longer watched" if unseen else f"{notice.alarm} over at {where}"
        case "down":
            line = f"{where} sees nothing ({str(notice.body.get('kind', 'down')).replace('_', ' ')})"
        case "up":
            line = f"{where}: {_over(notice)}" if _over(notice) else f"{where} sees again"
        case "summary":
            line = str(notice.body["text"])
        case "test":
            line = "test of edge-resnet: no alarm"
    # A name with a line break must not begin a header of its own.
    return " ".join(line.split())


def _over(notice: Notice) -> str:
    """Why that a camera is down is over, though it does not see again."""
    return str(notice.body.get("evidence", {}).get("over", ""))


def text(notice: Notice) -> str:
    """Some lines."""
    return "\n".join([subject(notice), "", *_facts(notice), "", f"id: {notice.id}"]) + "\n"


def _facts(notice: Notice) -> Iterator[str]:
    yield f"when: {notice.at}"
    body = notice.body
    if notice.alarm is not None:
        yield f"severity: {notice.severity}"
        mean, peak = body.get("mean", 0.0), body.get("peak", 0.0)
        yield f"seen: {body.get('label')}, mean probability {mean:.2f}, peak {peak:.2f}"
        if body.get("zone"):
            yield f"zone: {body['zone']}"
    if notice.what in ("down", "up"):
        yield f"since: {body.get('began_at')}"
        yield from (f"{key}: {value}" for key, value in body.get("evidence", {}).items())
    if notice.what == "summary":
        folded = body["notices"][:_MOST_LISTED]
        yield from (_line(each) for each in folded)
        if body["count"] > len(folded):
            yield f"... and {body['count'] - len(folded)} more (edge-resnet deliveries list --state folded)"


def _line(folded: Mapping[str, Any]) -> str:
    words = (folded["at"], folded["what"], folded["alarm"] or "", "at", folded["camera"] or "this box")
    return " ".join(word for word in words if word)
