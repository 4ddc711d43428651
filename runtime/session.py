"""One run of the stream: opens what the options name, watches, closes all of it in order, and sums up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from edge_resnet import command
from edge_resnet.bundle import Bundle
from edge_resnet.errors import UserError
from runtime import trust
from runtime.arming import Arming, Attending, Disarming
from runtime.assembly import Assembly
from runtime.backends import Description, variant
from runtime.batcher import Limits
from runtime.config.bundled import watch_addresses
from runtime.config.load import load
from runtime.config.settings import WatchSettings
from runtime.couriers import Couriers
from runtime.delivery.office import Office, watched
from runtime.descriptors import raise_limit
from runtime.events.abandoned import close_abandoned
from runtime.events.event import Event
from runtime.events.journal import Decider, Route, utc_now
from runtime.events.lock import only_writer
from runtime.events.patient import PatientStore
from runtime.events.recovery import open_patiently
from runtime.events.store import EventStore
from runtime.incidents import Incidents
from runtime.inference import Inference
from runtime.life import Signals, signals_call
from runtime.opening import ChooseBackend, Opener, Wish, open_bundle
from runtime.outputs.options import EVERY_PICTURE_PER_S, WALL_PER_S, Outputs, names
from runtime.outputs.output import Output
from runtime.outputs.wall import Wall
from runtime.recording.keeper import Keeper
from runtime.recording.recorder import Recorder
from runtime.reload import Reload
from runtime.rule_settings import RuleSettings
from runtime.screen import Screen
from runtime.service.logs import Log
from runtime.service.metrics import Metrics
from runtime.service.reporters import Reporters
from runtime.service.status import CameraStatus
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.watch import Watch

# OpenCV's word for its own choice.
_ALL_THREADS = -1
# At the end, for sinks that answer; what is left is delivered by the next run.
_DELIVERING_S = 5.0
# Engines that the box knows open in a second.
_ENGINE_FIRST_S = 3.0
# With fewer frames a second than this the rule's window never holds enough looks.
_SLOWEST_PER_S = (RuleSettings.min_looks - 1) / RuleSettings.window_s


@dataclass(frozen=True)
class StreamOptions:
    """What to watch, with what, and where it goes. See the command line's help for each.

    Cameras come from `cameras`, addresses, from `config`, a file, or from `settings`, which are taken as they are.
    """

    cameras: tuple[str, ...] = ()
    config: Path | None = None
    settings: WatchSettings | None = None
    bundle: Path | None = None
    backend: str = trust.AUTO
    precision: str = trust.AUTO
    device: str = trust.AUTO
    box: Path | None = None
    rate_per_s: float = 5.0
    events: Path = Path("events.sqlite")
    display: bool = False
    save: Path | None = None
    jsonl: str | None = None
    metrics: str | None = None
    max_seconds: float | None = None

    @property
    def outputs(self) -> Outputs:
        """Where it goes."""
        return Outputs(self.events, self.jsonl, self.save, self.display)


@dataclass(frozen=True)
class Summary:
    """What a run saw. `seconds`: of the stream of a file, else since the start."""

    bundle: str
    backend: str
    precision: str
    seconds: float
    cameras: tuple[CameraStatus, ...]
    events: tuple[Event, ...]

    @property
    def frames(self) -> int:
        """Frames that came, of all cameras."""
        return sum(camera.frames for camera in self.cameras)

    @property
    def looks(self) -> int:
        """Frames that were classified."""
        return sum(camera.looks for camera in self.cameras)

    @property
    def dropped(self) -> int:
        """Frames that were due and lost; those that the gate left out are not."""
        return sum(n for camera in self.cameras for reason, n in camera.dropped.items() if reason != "still")

    def as_json(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


class Stopped(KeyboardInterrupt):
    """A signal ended the run, and all is closed. For who does not care which, it is the KeyboardInterrupt it was.

    `summary` of what was seen until then; `signal`, SIGINT (Ctrl-C) or SIGTERM.
    """

    def __init__(self, summary: Summary, signal: signal.Signals) -> None:
        super().__init__()
        self.summary = summary
        self.signal = signal


def watch(
    options: StreamOptions, log: Log, choose: ChooseBackend = trust.choose, *, also: Sequence[Output] = ()
) -> Summary:
    """Watch cameras until they end, or it is told to. Raises UserError, or Stopped; what was found until then is kept.

    `choose` opens the backend. `also`: outputs of a program that watches for itself, and has the terminal.
    """
    _check(options)
    raise_limit()
    bundle = open_bundle(options.bundle, log)
    trust.check(bundle, options.backend, options.precision, options.device)
    wish = Wish(options.backend, options.precision, options.device, options.box)
    opener = Opener(bundle, wish, choose, log)
    # The opener's may be of another input size, where tune chose so.
    settings = _settings(options, opener.bundle)
    files = _check_files(settings, options, log)
    several = options.config is not None or len(settings.cameras()) > 1
    if several:
        opener.expect_batches(settings.max_batch)
    threads = set(threading.enumerate())
    # Closed from the last to the first: outputs, cameras, engine, store.
    with ExitStack() as stack:
        stack.callback(lambda: command.leave_behind(set(threading.enumerate()) - threads))
        table = not also and not options.outputs.takes_terminal
        reporters = stack.enter_context(Reporters(options.metrics, table, log))
        stack.enter_context(only_writer(options.events))
        keeper = Keeper(options.events, lambda: run.assembly.settings.retention, log)
        files_only = len(files) == len(settings.cameras())
        store = _open_store(options.events, keeper, files_only, log, stack)
        office = _open_office(options.events, settings, bundle.model.alarms, store, log, stack)
        bell = threading.Event()
        inference = Inference(opener, bell)
        stack.callback(inference.close)
        run = _Run(options, settings, files, opener, inference, store, office, bell, reporters.metrics, log, stack)
        keeper.start()
        stack.callback(keeper.close)
        run.record(keeper, files_only, stack)
        ending = run.obey(office, reporters, stack)
        run.watch.outputs += also
        if len(set(options.cameras)) < len(options.cameras):
            log.warning("a camera is named twice, and watched twice")
        log.info(f"watching {names(run.watch.channels)}")
        inference.start()
        if several:
            # Cameras that are opened meanwhile would disturb what the engine measures of itself.
            bell.wait(_ENGINE_FIRST_S)
            opener.undisturbed = False
        run.watch.run()
    summary = run.summary(bundle)
    if ending.caught is not None:
        raise Stopped(summary, ending.caught)
    return summary


class _Run:
    """The parts of a run that know each other."""

    def __init__(
        self,
        options: StreamOptions,
        settings: WatchSettings,
        files: Mapping[str, float],
        opener: Opener,
        inference: Inference,
        store: PatientStore,
        office: Office,
        bell: threading.Event,
        metrics: Metrics,
        log: Log,
        stack: ExitStack,
    ) -> None:
        self._opener, self._options, self._log = opener, options, log
        model = opener.bundle.model
        # To live cameras a reload may add others; a file is shown by itself, with its own times.
        walled = len(settings.cameras()) > 1 or (options.config is not None and not files)
        pictured = options.outputs.pictures
        self.assembly = Assembly(
            settings=settings,
            model=model,
            decider=Decider("", "", ""),
            store=store,
            bell=bell,
            route=office.route,
            pictures_per_s=(WALL_PER_S if walled else EVERY_PICTURE_PER_S) if pictured else None,
        )
        channels = self.assembly.channels()
        outputs = options.outputs.open(list(channels), next(iter(files.values()), None), self._stop, log, stack)
        self.watch = Watch(
            channels=channels,
            model=model,
            inference=inference,
            incidents=Incidents(store, outputs, log, utc_now, route=office.route),
            outputs=outputs,
            screen=Screen(model, outputs, Wall() if walled else None) if pictured else None,
            metrics=metrics,
            log=log,
            bell=bell,
            limits=Limits(settings.max_wait, settings.max_batch, options.max_seconds),
            on_backend=self._decides,
            sinks=office.status,
        )

    def record(self, keeper: Keeper, files_only: bool, stack: ExitStack) -> None:
        """Keep pictures and clips of events from now on, beside the event store."""
        model, assembly = self._opener.bundle.model, self.assembly
        recorder = Recorder(
            self._options.events,
            model,
            lambda: assembly.settings,
            keeper,
            self._log,
            feeds=assembly.feeds,
            files_only=files_only,
        )
        stack.callback(recorder.close)
        self.watch.outputs.append(recorder)

    def obey(self, office: Office, reporters: Reporters, stack: ExitStack) -> Signals:
        """Deliver, report, and obey signals and commands from now on; which signals came is in the answer."""
        watch, assembly, log = self.watch, self.assembly, self._log
        couriers = Couriers(office, watch.incidents, assembly)
        couriers.start()
        signals = stack.enter_context(signals_call(watch.stop, reloads=self._options.config is not None))
        reload = Reload(
            signals, assembly, watch, lambda: _settings(self._options, self._opener.bundle), reporters.systemd, log
        )
        reload.on_change = couriers.change
        arming = Arming(assembly, log)
        arming.look()
        disarming = Disarming(watch.channels, watch.crier)
        attending = Attending(assembly, watch.channels, log)
        watch.on_tick = (reload.look, disarming.look, couriers.look_after, assembly.store.look)
        watch.commands = (arming.look, attending.look)
        watch.tell = (reporters.tell,)
        # First, so that nobody is told later for what is drawn and written here.
        watch.outputs.insert(0, couriers)
        watch.on_end = reporters.stopping
        return signals

    def summary(self, bundle: Bundle) -> Summary:
        """What was seen."""
        decider, watch = self.assembly.decider, self.watch
        return Summary(
            bundle=str(bundle.folder),
            backend=decider.backend,
            precision=decider.precision,
            seconds=watch.seconds,
            cameras=watch.status().cameras,
            events=watch.crier.events(),
        )

    def _stop(self) -> None:
        self.watch.stop()

    def _decides(self, running: Description) -> None:
        """From now on this engine decides, and events say so."""
        # Its own threads are for its own engine; cameras have a thread each, and share the cores as it is.
        cv2.setNumThreads(_ALL_THREADS if running.backend == "opencv" else 1)
        batcher = self.watch.batcher
        batcher.limits = replace(batcher.limits, max_batch=self._opener.batch)
        bundle = self._opener.bundle
        model = bundle.model_sha256(variant(running.backend, running.precision, self._options.device))
        self.assembly.decider = Decider(model, running.backend, running.precision)
        for channel in self.watch.channels.values():
            channel.journal.decider = self.assembly.decider


def _open_store(events: Path, keeper: Keeper, files_only: bool, log: Log, stack: ExitStack) -> PatientStore:
    store = open_patiently(events, log.error, keeper.ask)
    stack.callback(store.close)
    if files_only:
        # A file can be watched again, when there is space: that there is none is told now.
        _ = store.store
    return store


def _open_office(
    events: Path, settings: WatchSettings, alarms: Collection[str], store: PatientStore, log: Log, stack: ExitStack
) -> Office:
    """Where alarms are delivered from; it hears of the end of what an earlier run left too."""
    office = Office(events, settings.sinks, watched(settings, alarms), log)
    stack.callback(lambda: office.close(_DELIVERING_S))
    store.do(lambda opened: _end_abandoned(opened, office.route, log))
    return office


def _end_abandoned(store: EventStore, route: Route, log: Log) -> None:
    if abandoned := close_abandoned(store, utc_now(), route):
        log.warning("events of a run that was cut off are ended", events=len(abandoned))


def _check(options: StreamOptions) -> None:
    """Find the mistakes that can be found before anything is opened."""
    given = (options.cameras or None, options.config, options.settings)
    if sum(each is not None for each in given) != 1:
        raise UserError("give --camera (several times for several), or --config cameras.yaml, and not both")
    if not 0.0 < options.rate_per_s <= 1000.0:
        raise UserError(f"--rate {options.rate_per_s:g}: looks a second, over 0 and at most 1000")
    if options.max_seconds is not None and not options.max_seconds > 0.0:
        raise UserError(f"--max-seconds {options.max_seconds:g}: must be over 0")
    options.outputs.check()


def _settings(options: StreamOptions, bundle: Bundle) -> WatchSettings:
    """What to watch. Raises UserError for what is no camera, does not fit the bundle, or is too slow for its alarms."""
    alarms = bundle.model.alarms
    if options.settings is not None:
        return options.settings
    if options.config is not None:
        return load(options.config, alarms, input=bundle.model.input)
    return watch_addresses(options.cameras, options.rate_per_s, alarms)


def _check_files(settings: WatchSettings, options: StreamOptions, log: Log) -> dict[str, float]:
    """The frames a second of each file. Raises UserError: what is no video need not wait for an engine."""
    rates: dict[str, float] = {}
    read = [] if options.config is None else [options.config]
    for name, camera in settings.cameras().items():
        address = Address.parse(camera.detect)
        if address.live:
            continue
        read.append(Path(address.target))
        source = open_source(address, camera.open_timeout, camera.read_timeout)
        source.close()
        rates[name] = source.fps
        if source.fps < _SLOWEST_PER_S:
            log.warning("too few frames a second for an alarm to be raised", camera=name, fps=round(source.fps, 3))
    options.outputs.check_apart(read)
    if options.outputs.pictures and rates and len(settings.cameras()) > 1:
        # Each is read as fast as it can be: a wall of them shows nothing that ever was at one time.
        raise UserError("--save and --display show one file, or many live cameras; give files one at a time")
    return rates
