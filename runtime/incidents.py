"""Incidents: cameras that are blind and engines that failed: kept in the store, told, ended; and the ledger."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from runtime.cameras.sight import LIVE, Turn
from runtime.channel import Channel
from runtime.delivery.debounce import Debounce
from runtime.events.incident import Incident
from runtime.events.journal import Route, nobody
from runtime.events.notice import Notice
from runtime.events.patient import PatientStore
from runtime.moment import iso
from runtime.outputs.output import Output
from runtime.service.logs import Log


@dataclass
class Incidents:
    """What keeps cameras (by name) or the box (None) from watching now: at most one incident of each.

    `wall`: the time now, aware. `route`: which sinks are told that a camera is down, or up again, when that lasts.
    """

    store: PatientStore
    outputs: Sequence[Output]
    log: Log
    wall: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    route: Route = nobody
    debounce: Debounce = field(default_factory=Debounce)
    open: dict[str | None, Incident] = field(default_factory=dict, init=False)
    _since_s: dict[str, float] = field(default_factory=dict, init=False)

    def turned(self, camera: str, turn: Turn, decoder: str = "") -> None:
        """A camera's state has changed: what it was in is over, what it is in begins. `decoder`: told where it sees."""
        now = self.wall()
        began = now - timedelta(seconds=turn.at_s - turn.since_s)
        # A stale camera that turns out to be offline has been so since the same frame: it was stale until now.
        same = turn.since_s <= self._since_s.get(camera, turn.since_s - 1.0)
        blind = self.ended(camera, now if same else began)
        if turn.state != LIVE:
            evidence = {
                key: round(value, 4) if isinstance(value, float) else value for key, value in turn.evidence.items()
            }
            self.log.warning("BLIND: camera " + turn.state.replace("_", " "), camera=camera, evidence=evidence)
            self.began(camera, turn.state, evidence, began, turn.since_s)
            # Not by the wall clock, which may have jumped meanwhile.
            self._since_s[camera] = turn.since_s
            return
        # Also where an earlier run told that it is down.
        self.debounce.up(camera, iso(now), turn.since_s)
        told = {"decoder": decoder} if decoder else {}
        if blind:
            blind_s = turn.since_s - self._since_s.pop(camera, turn.since_s)
            self.log.info("camera sees again", camera=camera, was=turn.before, blind_s=round(blind_s, 1), **told)
        else:
            self.log.info("camera is live", camera=camera, **told)

    def began(
        self,
        camera: str | None,
        kind: str,
        evidence: Mapping[str, float | str],
        at: datetime | None = None,
        since_s: float | None = None,
    ) -> None:
        """An incident begins, unless one of this camera, or the box, goes on already.

        `at`, `since_s`: by the wall clock, and by the one that never jumps; now, when left out.
        """
        if camera in self.open:
            return
        incident = Incident(str(uuid.uuid4()), camera, kind, iso(at or self.wall()), None, evidence)
        self.open[camera] = incident
        self.store.open_incident(incident)
        self.debounce.down(incident, self.clock() if since_s is None else since_s)
        for output in self.outputs:
            output.incident(incident)

    def ended(self, camera: str | None, at: datetime | None = None) -> Incident | None:
        """What befell this camera, or the box, is over; the incident, if there was one."""
        incident, ended_at = self.open.pop(camera, None), iso(at or self.wall())
        if camera is None:
            # Also where an earlier run told that it is down.
            self.debounce.up(None, ended_at, self.clock())
        if incident is None:
            return None
        ended = replace(incident, ended_at=ended_at)
        self.store.close_incident(ended.id, ended_at)
        for output in self.outputs:
            output.incident(ended)
        return ended

    def tell(self) -> bool:
        """Write that it is to be told what has lasted long enough; to be called often. Whether there was anything."""
        lasting = self.debounce.look(self.clock())
        for incident in lasting:
            notice = Notice.of_incident(incident, iso(self.wall()))
            self.store.tell_of(incident, notice, self.route(notice))
        return bool(lasting)

    def pause(self, camera: str) -> None:
        """A camera is not watched for now: what befell it ends here, and nobody is told of it."""
        self.ended(camera)
        self.debounce.pause(camera)

    def keep_only(self, cameras: Collection[str]) -> None:
        """Others are not watched any more: of those that were told to be down it is told that this is over."""
        for camera in self.debounce.told:
            if camera is not None and camera not in cameras:
                self.debounce.forget(camera, iso(self.wall()))

    def keep_ledger(self, channels: Iterable[Channel]) -> None:
        """Write what the ledgers have booked since the last time, in one transaction."""
        ledgers = [channel.ledger for channel in channels if channel.ledger is not None]
        entries = [entry for ledger in ledgers for entry in ledger.take()]
        self.store.add_ledger(entries, {ledger.camera: ledger.until for ledger in ledgers})
