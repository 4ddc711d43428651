"""How a camera stands, told of its channel: for the table, the metrics and everybody else who looks."""

from __future__ import annotations

from runtime.cameras.camera import News
from runtime.cameras.sight import LIVE, OFFLINE, STALE, STARTING
from runtime.channel import Channel
from runtime.events.entry import WATCHED
from runtime.service.status import CameraStatus


def standing(channel: Channel, now_s: float) -> CameraStatus:
    """How it stands at `now_s` of the clock."""
    news, sight, latest = channel.camera.news(), channel.sight, channel.latest
    state = sight.state if sight is not None else LIVE
    looks = channel.camera.looks
    totals = dict(channel.ledger.totals) if channel.ledger is not None else {}
    return CameraStatus(
        name=channel.name,
        state=state,
        since_s=now_s - sight.since_s if sight is not None else 0.0,
        why=_why(state, news),
        label=latest.label if latest else "",
        probability=latest.probabilities[latest.label] if latest else 0.0,
        held=tuple(str(target) for target in channel.journal.held),
        # A camera that gives nothing gets no looks either.
        rate_per_s=looks.rate_per_s if looks and (channel.expected or not channel.in_time) else 0.0,
        wanted_per_s=channel.wanted_per_s,
        attention=channel.rung,
        attention_why=channel.reason,
        woken=dict(channel.woken),
        decoder=channel.camera.decoder,
        cpu_s=channel.cpu_s,
        age_s=channel.age_s,
        frames=news.came,
        looks=channel.looks,
        dropped=dict(channel.dropped + channel.camera.dropped),
        reconnects=news.reconnects,
        watched_s=totals.pop(WATCHED, 0.0),
        blind_s=totals,
    )


def _why(state: str, news: News) -> str:
    if state in (STALE, OFFLINE) and news.outage is not None:
        return news.outage.why
    if state == OFFLINE and news.came == 0:
        return STARTING
    return "" if state == LIVE else state.replace("_", " ")
