"""An engine for a bundle's model: the one kept in the box when it fits, else a new one, which is kept there."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge_resnet.errors import BackendError
from runtime.backends.base import Opening
from runtime.backends.tensorrt.api import AMPERE_PLUS, CURRENT, Api
from runtime.backends.tensorrt.builder import Built, Progress, build
from runtime.backends.tensorrt.gpu import Gpu
from runtime.backends.tensorrt.options import Options
from runtime.backends.tensorrt.shelf import About, Entry, Shelf, machine


@dataclass(frozen=True)
class Engine:
    """An engine's bytes and what is told of it. `path`: where it is kept, None when it is not; `problem`: why not."""

    data: bytes
    entry: Entry
    path: Path | None
    problem: str = ""


class Workshop:
    """Finds, builds and keeps the engines of one model in one precision for one library."""

    def __init__(self, api: Api, opening: Opening) -> None:
        self._api = api
        self._opening = opening
        self.shelf = Shelf(opening.box, opening.log)

    def open(self, gpu: Gpu) -> Engine:
        """The engine to run on `gpu`: a kept one, or built as the one was that does not fit any more.

        Raises BackendError when this library cannot serve the GPU or build the engine, BundleError.
        """
        options = self._kept_options((CURRENT, gpu.capability, AMPERE_PLUS)) or Options()
        self._check_target(options.target, gpu)
        kept = self._kept(options, gpu)
        if kept is not None:
            return kept
        precision = self._opening.precision
        self._opening.log(f"{self._api.name}: builds the {precision} engine for {gpu.name}, which can take minutes")
        return self._build(options, gpu, lambda phase, done, total: None)

    def make(self, options: Options, gpu: Gpu | None, progress: Progress) -> Engine:
        """An engine with these options: the kept one if it is such, else built. `gpu` None: there is none here.

        Raises BackendError when it cannot be built, also when not for this target here; BundleError.
        """
        self._check_target(options.target, gpu)
        return self._kept(options, gpu) or self._build(options, gpu, progress)

    def lies_built(self) -> bool:
        """Whether a sound engine of this model lies in the box, made here by this library, for whatever GPU."""
        return any(self._is_sound(name) for name in self.shelf.names(self.name("*")))

    def name(self, target: str, suffix: str = "engine") -> str:
        """The file's name in the box."""
        return f"{self._api.name}-{self._opening.precision}-{target}.{suffix}"

    def parts(self, options: Options, gpu: Gpu | None) -> dict[str, str]:
        """All that an engine depends on, by name: what differs is told to people in these words."""
        built_on = gpu if options.target == CURRENT or not self._api.capabilities else None
        return {
            **self._environment(built_on),
            "model": self._opening.bundle.model_sha256(self._opening.variant),
            "precision": self._opening.precision,
            "target": options.target,
            "batches": "-".join(str(frames) for frames in options.profile),
            "workspace": f"{options.workspace_mb} MiB",
            "version-compatible": str(options.version_compatible),
        }

    def _environment(self, gpu: Gpu | None) -> dict[str, str]:
        library = f"{self._api.name} {self._api.version}"
        return {"machine": machine(), "library": library, **({} if gpu is None else gpu.parts)}

    def _is_sound(self, name: str) -> bool:
        entry = self.shelf.entry(name)
        # The GPU that it is for need not be here: what was told of it stands.
        return entry is not None and bool(self.shelf.read(name, {**entry.parts, **self.parts(entry.options, None)}))

    def _kept(self, options: Options, gpu: Gpu | None) -> Engine | None:
        name = self.name(options.target)
        data, entry = self.shelf.read(name, self.parts(options, gpu)), self.shelf.entry(name)
        return None if data is None or entry is None else Engine(data, entry, self.shelf.path(name))

    def _kept_options(self, targets: tuple[str, ...]) -> Options | None:
        """Of the kept engines that could serve, how the one was built that was built last."""
        entries = [entry for target in targets if (entry := self.shelf.entry(self.name(target))) is not None]
        newest = max(entries, key=lambda entry: entry.about.date, default=None)
        return None if newest is None else newest.options

    def _build(self, options: Options, gpu: Gpu | None, progress: Progress) -> Engine:
        api, opening = self._api, self._opening
        timing, timing_parts = f"{api.name}.timing", self._environment(gpu)
        cache = self.shelf.read(timing, timing_parts) or b""
        built = build(api, opening.model, opening.bundle.model, opening.precision, options, cache, progress)
        if cache and not built.timing_cache_used:
            opening.log(f"{self.shelf.path(timing)}: {api.name} does not take it; made again")
        name, parts, about = self.name(options.target), self.parts(options, gpu), _about(built, gpu)
        try:
            entry = self.shelf.write(name, built.engine, parts, options, about)
            if built.timing_cache:
                self.shelf.write(timing, built.timing_cache, timing_parts, options, About())
        except BackendError as error:
            return Engine(built.engine, Entry.of(built.engine, parts, options, about), None, str(error))
        return Engine(built.engine, entry, self.shelf.path(name))

    def _check_target(self, target: str, gpu: Gpu | None) -> None:
        api, there = self._api, ", ".join(self._api.capabilities)
        if gpu is None and not there:
            raise BackendError(f"{api.name}: builds on the GPU that it builds for, and there is none here")
        if gpu is None and target == CURRENT:
            raise BackendError(f"{api.name}: no GPU here to build for; name its kind with --target, one of {there}")
        if gpu is not None and there and target == CURRENT and gpu.capability not in api.capabilities:
            raise BackendError(f"{api.name}: {gpu.name} is {gpu.capability}, it serves {there}; try tensorrt")
        if gpu is not None and not there and target.startswith("SM") and target != gpu.capability:
            raise BackendError(f"{api.name}: builds on the GPU that it builds for; this is {gpu.capability}")


def _about(built: Built, gpu: Gpu | None) -> About:
    return About(
        date=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        seconds=round(built.seconds, 2),
        system=platform.platform(),
        gpu=None if gpu is None else asdict(gpu),
        planned=built.planned,
    )
