"""Everything that is told of a watch while it runs: the table in the terminal, the HTTP server, systemd."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from runtime.service.health import Health, HealthServer, Listen
from runtime.service.logs import Log
from runtime.service.metrics import Metrics
from runtime.service.notify import Systemd
from runtime.service.status import BoxStatus
from runtime.service.table import StatusTable


class Reporters:
    """As a context manager, from before the first camera is opened until after the last is closed."""

    def __init__(self, listen: str | None, log: Log) -> None:
        """`listen`: HOST:PORT of the HTTP server (port 0 for a free one), None for none. Raises UserError."""
        self.metrics = Metrics()
        self.systemd = Systemd()
        self._health = Health(self.metrics)
        self._table = StatusTable()
        self._stack = ExitStack()
        self._ready = False
        if listen is not None:
            server = HealthServer(Listen.parse(listen), self._health)
            self._stack.callback(server.close)
            log.info("listening", host=server.server_address[0], port=server.port)

    def __enter__(self) -> Reporters:
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
        self._table.show(status)
        self.systemd.beat()
        if status.backend and not self._ready:
            # Cameras may be off at night: that they are is an alarm, not a failed start.
            self._ready = True
            self.systemd.ready()
            self.systemd.status(_line(status))

    def stopping(self) -> None:
        """The end has begun."""
        self.systemd.stopping()


def _line(status: BoxStatus) -> str:
    return f"watching {len(status.cameras)} cameras with {status.backend} {status.precision}"
