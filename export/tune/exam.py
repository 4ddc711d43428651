"""The accuracy of networks on labelled pictures: which pictures each has right, measured once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from edge_resnet import files
from edge_resnet.data.listing import Listing
from edge_resnet.errors import BackendError
from edge_resnet.progress import Narrator
from edge_resnet.train.evaluate import Frames, logits_of, read_frames
from export.tune.measure import Bench, Network, Notebook, Rights, Size
from runtime import trust
from runtime.backends import Backend

_BATCH = 16


@dataclass(frozen=True)
class LeftOut:
    """What was not measured, and why."""

    what: str
    reason: str


class _NotItself(BackendError):
    """An engine that does not compute in the precision asked for: what it takes says nothing about that precision."""


class Exam:
    """Which pictures a network has right: read from the notebook, else measured with a verified engine."""

    def __init__(self, bench: Bench, notebook: Notebook, listing: Listing, narrator: Narrator) -> None:
        self._bench = bench
        self._notebook = notebook
        self._listing = listing
        self._narrator = narrator
        self._pictures_key = _key_of(listing)
        self._size: Size | None = None
        self._pictures: Frames

    def rights(self, networks: Sequence[Network], left_out: list[LeftOut]) -> dict[Network, Rights]:
        """Which pictures each network has right, N booleans; what does not run here is added to `left_out`."""
        rights: dict[Network, Rights] = {}
        unfit: set[tuple[str, str]] = set()
        for network in networks:
            way = (network.backend, network.precision)
            try:
                if way not in unfit:
                    rights[network] = self.right(network)
            except _NotItself as error:
                # The device is no other at another size.
                unfit.add(way)
                left_out.append(LeftOut(f"{network.precision} on {network.backend}", str(error)))
            except BackendError as error:
                left_out.append(LeftOut(network.describe(), str(error)))
        return rights

    def right(self, network: Network) -> Rights:
        """Which pictures a network has right, N booleans. Raises BackendError when it does not run here."""
        key = self._bench.key(network, self._pictures_key)
        known = self._notebook.right(key)
        if known is not None:
            return known
        with self._open(network) as engine:
            pictures = self._pictures_of(network)
            with self._narrator.stage(f"accuracy of {network.describe()}") as step:
                logits = logits_of(engine, pictures.frames, _BATCH, step)
        right: Rights = logits.argmax(axis=1) == pictures.truth
        self._notebook.keep_right(key, right)
        return right

    def _open(self, network: Network) -> Backend:
        engine = trust.choose(
            self._bench.bundle_of(network),
            network.backend,
            network.precision,
            box=self._bench.box_of(network),
            log=lambda line: self._narrator.say(f"{network.height}x{network.width} {line}"),
        )
        told = engine.describe()
        if told.emulated or told.downgraded:
            engine.close()
            raise _NotItself(f"emulated, {told.note}" if told.emulated else f"it silently runs {told.runs}")
        return engine

    def _pictures_of(self, network: Network) -> Frames:
        """The pictures decoded for the network's size; one size is in memory at a time."""
        size = (network.height, network.width)
        if self._size != size:
            preprocess = self._bench.bundle_of(network).model.input.preprocess
            with self._narrator.stage(f"reading {len(self._listing.samples)} pictures at {size[0]}x{size[1]}") as step:
                self._pictures = read_frames(self._listing, preprocess, step)
            self._size = size
        return self._pictures


def _key_of(listing: Listing) -> str:
    """A hash over the pictures' contents and classes, in their order."""
    parts = [f"{sample.label} {files.sha256(sample.path)}" for sample in listing.samples]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
