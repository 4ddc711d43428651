"""Which bundle and which engine a watch runs: what was named, else what tune chose on this box, else the fastest.

Engines that failed while watching are left out by who asks again. Then what was named or tuned counts no more than an
alarm that works: any engine of this bundle whose golden replay holds may take over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge_resnet import runs
from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError, BundleError
from runtime import batches, trust, tuned
from runtime.backends import Backend
from runtime.backends.base import Hint, Log
from runtime.trust import Engine


class ChooseBackend(Protocol):
    """How a backend is chosen and opened; trust.choose is the one."""

    def __call__(
        self,
        bundle: Bundle,
        backend: str,
        precision: str,
        device: str,
        *,
        threads: int = ...,
        hint: Hint = ...,
        box: Path | None = ...,
        without: frozenset[Engine] = ...,
        log: Log,
    ) -> Backend: ...


@dataclass(frozen=True)
class Wish:
    """What the user named of the engine: see the command line's help for each."""

    backend: str = trust.AUTO
    precision: str = trust.AUTO
    device: str = trust.AUTO
    box: Path | None = None

    @property
    def named(self) -> str:
        """The options that were given, as they were given; empty when all is left to the program."""
        asked = {"--backend": self.backend, "--precision": self.precision, "--device": self.device}
        return " and ".join(f"{option} {value}" for option, value in asked.items() if value != trust.AUTO)


def open_bundle(folder: Path | None, log: Log) -> Bundle:
    """The bundle in a folder, by default the newest under runs/. Raises UserError when it can never raise an alarm."""
    if folder is None:
        folder = runs.newest_bundle()
        log(f"bundle: {folder} (the newest; --bundle names another)")
    bundle = Bundle.open(folder)
    if not bundle.model.alarms:
        raise BundleError(f"{folder}: no alarms in this bundle, nothing could ever be raised; export one with alarms")
    return bundle


class Opener:
    """Opens the engine to use, for the inference thread: called again whenever the one before has failed."""

    def __init__(self, bundle: Bundle, wish: Wish, choose: ChooseBackend, log: Log) -> None:
        """Nothing is opened yet, but what tune chose is read: it may name a bundle of another input size."""
        box = bundle.box if wish.box is None else wish.box
        self._wish, self._choose, self._log = wish, choose, log
        self._tuned = self._find_tuned(bundle, box)
        self._tune_file = box / tuned.FILE
        self.bundle = bundle if self._tuned is None else self._tuned.bundle
        # Of a derived bundle the box is its own, unless another was named.
        self._box = wish.box if self._tuned is None else self._tuned.box
        self._most: int = 1
        self._hint: Hint = "latency"
        self.batch = 1
        """How many frames, at most, the engine that was opened last is best given at once."""
        self.undisturbed = True
        """Whether nothing else runs yet: what is measured beside cameras is not remembered."""

    def expect_batches(self, most: int) -> None:
        """Frames of several cameras will come at once, `most` at most: open for throughput, measure how many pay."""
        self._most, self._hint = most, "throughput"

    def __call__(self, without: frozenset[Engine]) -> Backend:
        """Open it, leaving out engines (backend, precision). Raises BackendError, BundleError."""
        if self._tuned is not None and (self._tuned.choice.backend, self._tuned.choice.precision) not in without:
            return self._open_tuned(self._tuned, without)
        wish = self._wish
        try:
            return self._open(wish.backend, wish.precision, without)
        except BackendError:
            if not without or not wish.named:
                raise
            self._log(f"{wish.named}: no such engine works any more, any other that can be trusted is taken")
            return self._open(trust.AUTO, trust.AUTO, without)

    def _open_tuned(self, found: tuned.Tuned, without: frozenset[Engine]) -> Backend:
        choice = found.choice
        try:
            opened = self._choose(
                found.bundle,
                choice.backend,
                choice.precision,
                self._wish.device,
                threads=choice.threads,
                hint=choice.hint,
                box=found.box,
                log=self._log,
            )
        except (BackendError, BundleError) as error:
            self._log(f"{self._tune_file}: not obeyed ({error}); run edge-resnet tune again")
            return self._open(trust.AUTO, trust.AUTO, without)
        self._log(f"as tune chose on this box: {choice.describe()}")
        return self._measured(opened, choice.threads, choice.hint)

    def _open(self, backend: str, precision: str, without: frozenset[Engine]) -> Backend:
        opened = self._choose(
            self.bundle,
            backend,
            precision,
            self._wish.device,
            hint=self._hint,
            box=self._box,
            without=without,
            log=self._log,
        )
        return self._measured(opened, 0, self._hint)

    def _measured(self, opened: Backend, threads: int, hint: Hint) -> Backend:
        """Find out how many frames it is best given at once."""
        box = self.bundle.box if self._box is None else self._box
        options = batches.Options(self._wish.device, threads, hint, box)
        self.batch = batches.useful(opened, self.bundle, self._most, options, self._log, lambda: self.undisturbed)
        return opened

    def _find_tuned(self, bundle: Bundle, box: Path) -> tuned.Tuned | None:
        """What tune chose, if it fits and nothing was named."""
        if not self._wish.named:
            return tuned.find(bundle, box, self._log)
        if (box / tuned.FILE).is_file():
            self._log(f"{box / tuned.FILE}: not obeyed, since {self._wish.named} was given")
        return None
