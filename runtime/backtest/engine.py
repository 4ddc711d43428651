"""The engine of a backtest: chosen and opened once, as the stream does, and shared by all clips."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from edge_resnet.bundle import Bundle
from edge_resnet.manifest import ModelSpec
from runtime import trust
from runtime.backends import Backend, variant
from runtime.backends.base import Description, Floats, Frames
from runtime.events.journal import Decider
from runtime.opening import ChooseBackend, Opener, Wish


class Engine:
    """As a context manager. `bundle`: as it was named; `wish`: what was named of the engine."""

    def __init__(
        self, bundle: Bundle, wish: Wish, log: Callable[[str], None], choose: ChooseBackend | None = None
    ) -> None:
        """Open it. Raises UserError. `choose`: trust.choose by default."""
        self.bundle = bundle
        self.wish = wish
        opener = Opener(self.bundle, wish, choose or trust.choose, log)
        # That of the input size that tune chose, where it did.
        self.opened = opener.bundle
        self._backend = opener(frozenset())
        running = self._backend.describe()
        sha256 = self.opened.model_sha256(variant(running.backend, running.precision, wish.device))
        self.decider = Decider(sha256, running.backend, running.precision)

    @property
    def model(self) -> ModelSpec:
        """Labels, input, temperature and alarms."""
        return self.opened.model

    def choose(self, bundle: Bundle, *_wish: Any, **_options: Any) -> Backend:
        """In the place of trust.choose, for the stream: this engine, which the stream's end leaves open."""
        return _Shared(self._backend, bundle.model)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._backend.close()


class _Shared(Backend):
    """Another's backend, which stays open."""

    def __init__(self, backend: Backend, spec: ModelSpec) -> None:
        super().__init__(spec)
        self._backend = backend

    def describe(self) -> Description:
        return self._backend.describe()

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        scores = self._backend.infer(frames)
        return scores.logits, scores.cam
