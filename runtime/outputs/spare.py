"""An output that the watch can do without: when it fails, that is told once and the cameras are watched on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_resnet.errors import UserError
from runtime.cameras.shot import Shot
from runtime.events.event import Event
from runtime.events.incident import Incident
from runtime.events.near_miss import NearMiss
from runtime.look import Look
from runtime.outputs.output import Output
from runtime.service.logs import Log


class Spare(Output):
    """Passes all on to another output, until that cannot be written.

    A reader of standard output that has gone is no such failure: who gave the pipe wants the end.
    """

    def __init__(self, output: Output, name: str, log: Log) -> None:
        """`name`: what to call it when it fails."""
        self._output, self._name, self._log = output, name, log
        self._failed = False

    def look(self, look: Look) -> None:
        self._try(self._output.look, look)

    def event(self, event: Event) -> None:
        self._try(self._output.event, event)

    def incident(self, incident: Incident) -> None:
        self._try(self._output.incident, incident)

    def judged(self, shot: Shot, look: Look) -> None:
        self._try(self._output.judged, shot, look)

    def evidence(self, subject: Event | NearMiss, shot: Shot, look: Look) -> None:
        self._try(self._output.evidence, subject, shot, look)

    def picture(self, image: npt.NDArray[np.uint8], time_s: float) -> None:
        self._try(self._output.picture, image, time_s)

    def close(self) -> None:
        self._try(self._output.close)

    def _try(self, call: Callable[..., None], *what: Any) -> None:
        if self._failed:
            return
        try:
            call(*what)
        except BrokenPipeError:
            raise
        except (UserError, OSError) as error:
            self._failed = True
            self._log.error(
                "cannot be written any more, the watch goes on without it", output=self._name, why=str(error)
            )
