"""One run of the stream: opens what the options name, watches, closes all of it in order, and sums up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from signal import Signals
from typing import Any, Protocol

from edge_resnet import runs
from edge_resnet.bundle import Bundle
from edge_resnet.errors import BundleError, UserError
from runtime import trust, tuned
from runtime.backends import Backend, variant
from runtime.backends.base import Hint
from runtime.events.event import Event
from runtime.events.journal import Decider, Journal
from runtime.events.store import EventStore
from runtime.life import signals_call
from runtime.look import Examiner
from runtime.pace import Pace
from runtime.pipeline import Pipeline
from runtime.rule import Rule, RuleSettings
from runtime.sinks import clip, window
from runtime.sinks.jsonl import JsonLines
from runtime.sinks.sink import Sink
from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.frame import Source

Say = Callable[[str], None]

# With fewer looks a second than this the rule's window never holds enough of them; with just as many, hardly ever.
_SLOWEST_PER_S = (RuleSettings.min_looks - 1) / RuleSettings.window_s


@dataclass(frozen=True)
class StreamOptions:
    """What to watch, with what, and where it goes. See the command line's help for each."""

    camera: str
    bundle: Path | None = None
    backend: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    box: Path | None = None
    rate_per_s: float = 5.0
    events: Path = Path("events.sqlite")
    display: bool = False
    save: Path | None = None
    jsonl: str | None = None
    max_seconds: float | None = None


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
        log: Say,
    ) -> AbstractContextManager[Backend]: ...


@dataclass(frozen=True)
class Summary:
    """What a run saw. `seconds`: of the stream. `frames` came, `looks` were taken, `dropped` were wanted and lost."""

    camera: str
    bundle: str
    backend: str
    precision: str
    seconds: float
    frames: int
    looks: int
    dropped: int
    events: tuple[Event, ...]

    def as_json(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


class Stopped(KeyboardInterrupt):
    """A signal ended the run, and all is closed. For who does not care which, it is the KeyboardInterrupt it was.

    `summary` of what was seen until then; `signal`, SIGINT (Ctrl-C) or SIGTERM.
    """

    def __init__(self, summary: Summary, signal: Signals) -> None:
        super().__init__()
        self.summary = summary
        self.signal = signal


class _Narrator(Sink):
    """Tells a person of each event."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def event(self, event: Event) -> None:
        if event.ended_s is None:
            self._say(f"ALARM {event.alarm} at {event.raised_s:.1f} s ({event.label}, mean {event.mean:.2f})")
        else:
            self._say(f"{event.alarm} over at {event.ended_s:.1f} s (peak {event.peak:.2f}, {event.looks} looks)")


def watch(options: StreamOptions, say: Say, choose: ChooseBackend = trust.choose) -> Summary:
    """Watch a camera until it ends, or is told to. Raises UserError, or Stopped; what was found until then is kept.

    `say` gets lines for the person; `choose` opens the backend.
    """
    address = _check(options)
    bundle = _open_bundle(options.bundle, say)
    # Closed from the last to the first: sinks, store, backend, source.
    with ExitStack() as stack:
        source = open_source(address)
        stack.callback(source.close)
        opened, used = _open_backend(options, bundle, choose, say)
        backend = stack.enter_context(opened)
        running = backend.describe()
        store = stack.enter_context(EventStore(options.events))
        model = used.model_sha256(variant(running.backend, running.precision, options.device))
        decider = Decider(model, running.backend, running.precision)
        ending = stack.enter_context(signals_call(source.interrupt))
        pipeline = Pipeline(
            source=source,
            examiner=Examiner(backend, used.model),
            rules={name: Rule(RuleSettings.of(alarm)) for name, alarm in used.model.alarms.items()},
            journal=Journal(store, source.name, decider, source.live),
            sinks=_open_sinks(options, source, say, stack),
            pace=Pace(options.rate_per_s),
            max_seconds=options.max_seconds,
        )
        if source.fps < _SLOWEST_PER_S:
            say(f"warning: {source.name} has {source.fps:g} frames a second, too few for an alarm to be raised")
        say(f"watching {source.name} with {running.backend} {running.precision}, {options.rate_per_s:g} looks a second")
        pipeline.run()
    summary = Summary(
        camera=source.name,
        bundle=str(bundle.folder),
        backend=running.backend,
        precision=running.precision,
        seconds=source.seen_s,
        frames=source.seen,
        looks=pipeline.looks,
        dropped=source.dropped,
        events=pipeline.journal.in_order(),
    )
    if ending.caught is not None:
        raise Stopped(summary, ending.caught)
    return summary


def _check(options: StreamOptions) -> Address:
    """Find the mistakes that can be found before anything is opened."""
    if not 0.0 < options.rate_per_s <= 1000.0:
        raise UserError(f"--rate {options.rate_per_s:g}: looks a second, over 0 and at most 1000")
    if options.rate_per_s <= _SLOWEST_PER_S:
        raise UserError(
            f"--rate {options.rate_per_s:g}: too slow for the alarm rule, give more than {_SLOWEST_PER_S:g}"
        )
    if options.max_seconds is not None and not options.max_seconds > 0.0:
        raise UserError(f"--max-seconds {options.max_seconds:g}: must be over 0")
    if options.save is not None:
        clip.check_name(options.save)
    if options.display:
        window.check_display()
    return Address.parse(options.camera)


def _open_bundle(folder: Path | None, say: Say) -> Bundle:
    if folder is None:
        folder = runs.newest_bundle()
        say(f"bundle: {folder} (the newest; --bundle names another)")
    bundle = Bundle.open(folder)
    if not bundle.model.alarms:
        raise BundleError(f"{folder}: no alarms in this bundle, nothing could ever be raised; export one with alarms")
    return bundle


def _open_backend(
    options: StreamOptions, bundle: Bundle, choose: ChooseBackend, say: Say
) -> tuple[AbstractContextManager[Backend], Bundle]:
    """The backend that the options name, else the one that tune chose on this box; and the bundle that it runs."""
    box = bundle.box if options.box is None else options.box
    found = _tuned(options, bundle, box, say)
    if found is not None:
        choice = found.choice
        try:
            opened = choose(
                found.bundle,
                choice.backend,
                choice.precision,
                options.device,
                threads=choice.threads,
                hint=choice.hint,
                box=found.box,
                log=say,
            )
        except UserError as error:
            say(f"{box / tuned.FILE}: not obeyed ({error}); run edge-resnet tune again")
        else:
            say(f"as tune chose on this box: {choice.describe()}")
            return opened, found.bundle
    if options.box is not None:
        choose = partial(choose, box=options.box)
    return choose(bundle, options.backend, options.precision, options.device, log=say), bundle


def _tuned(options: StreamOptions, bundle: Bundle, box: Path, say: Say) -> tuned.Tuned | None:
    """What tune chose, if it fits and nothing was named."""
    asked = {"--backend": options.backend, "--precision": options.precision, "--device": options.device}
    named = [f"{option} {value}" for option, value in asked.items() if value != trust.AUTO]
    if not named:
        return tuned.find(bundle, box, say)
    if (box / tuned.FILE).is_file():
        say(f"{box / tuned.FILE}: not obeyed, since {' and '.join(named)} was given")
    return None


def _open_sinks(options: StreamOptions, source: Source, say: Say, stack: ExitStack) -> list[Sink]:
    sinks: list[Sink] = [_Narrator(say)]
    if options.jsonl is not None:
        sinks.append(JsonLines(options.jsonl))
    if options.save is not None:
        sinks.append(clip.Clip(options.save, source.fps, say))
    if options.display:
        sinks.append(window.Window(f"edge-resnet {source.name}", source.interrupt))
    for sink in sinks:
        stack.callback(sink.close)
    return sinks
