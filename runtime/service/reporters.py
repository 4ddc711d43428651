"""Everything that is told of a watch while it runs: the table in the terminal, the HTTP server, systemd."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from runtime.cameras.sight import LIVE
from runtime.service.health import Health, HealthServer, Listen
from runtime.service.logs import Log
from runtime.service.metrics import Metrics
from runtime.service.notify import Systemd
from runtime.service.status import BoxStatus
from runtime.service.table import StatusTable


class Reporters:
    """As a context manager, from before the first camera is opened until after the last is closed."""

    def __init__(self, listen: str | None, table: bool, log: Log) -> None:
        """`listen`: HOST:PORT of the HTTP server (port 0 for a free one), None for none. `table`: whether the terminal
        is free for it. Raises UserError when it cannot listen.
        """
        self.metrics = Metrics()
        self.systemd = Systemd()
        self._health = Health(self.metrics)
        self._table = StatusTable() if table else None
        self._stack = ExitStack()
        self._ready, self._line = False, ""
        if listen is not None:
            server = HealthServer(Listen.parse(listen), self._health)
            self._stack.callback(server.close)
            log.info("listening", host=server.server_address[0], port=server.port)

    def __enter__(self) -> Reporters:
        if self._table is not None:
            self._stack.enter_context(self._table)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tell(self, status: BoxStatus) -> None:
        """How the watch stands; to call it is the main loop's beat."""
        self._health.beat()
        self._health.publish(status)
        if self._table is not None:
            self._table.show(status)
        self.systemd.beat()
        if status.backend and not self._ready:
            # Cameras may be off at night: that they are is an alarm, not a failed start.
            self._ready = True
            self.systemd.ready()
        if (line := _line(status)) != self._line:
            self._line = line
            self.systemd.status(line)

    def stopping(self) -> None:
        """The end has begun."""
        self.systemd.stopping()


def _line(status: BoxStatus) -> str:
    blind = [f"{camera.name} {camera.state}" for camera in status.cameras if camera.state != LIVE]
    engine = f"{status.backend} {status.precision}" if status.backend else "no engine"
    return f"{len(status.cameras)} cameras, {engine}" + (f"; blind: {', '.join(blind)}" if blind else "")
