"""The inference thread: answers, engines that raise, give what is no number or hang, and who takes over."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from edge_resnet.errors import BackendError
from runtime.backends import Backend, Description
from runtime.inference import Answer, Failure, Inference
from runtime.trust import Engine
from tests.stand_ins import BRIGHT, DARK, MODEL, Brightness

BATCH = np.full((2, MODEL.input.height, MODEL.input.width, 3), BRIGHT, np.uint8)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Odd(Brightness):
    """A stand-in that goes by a name, and misbehaves as told: `wrong` is called with each batch."""

    def __init__(
        self, name: str, wrong: Callable[[], None] | None = None, nan: bool = False, requests: int = 1
    ) -> None:
        super().__init__(requests=requests)
        self.name, self.wrong, self.nan = name, wrong, nan
        self.gone = threading.Event()

    def close(self) -> None:
        self.gone.set()

    def describe(self) -> Description:
        return Description(self.name, "1", "cpu", "fp32", "fp32")

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if self.wrong is not None:
            self.wrong()
        logits, cam = super()._run(frames)
        return (logits * np.nan, cam) if self.nan else (logits, cam)


class Box:
    """What can be opened: the first engine that is not left out."""

    def __init__(self, *engines: Callable[[], Backend]) -> None:
        self.engines = engines
        self.asked: list[frozenset[Engine]] = []

    def __call__(self, without: frozenset[Engine]) -> Backend:
        self.asked.append(without)
        for make in self.engines:
            engine = make()
            if (engine.describe().backend, "fp32") not in without:
                return engine
        raise BackendError("nothing left")


class Bench:
    """An Inference with its bell and clock."""

    def __init__(self, box: Callable[[frozenset[Engine]], Backend]) -> None:
        self.bell, self.clock = threading.Event(), Clock()
        self.inference = Inference(box, self.bell, hangs_after_s=15.0, clock=self.clock)
        self.inference.start()

    def next(self) -> Answer | Failure | Description:
        while (told := self.inference.poll()) is None:
            assert self.bell.wait(10.0)
            self.bell.clear()
        return told

    def ready(self) -> str:
        told = self.next()
        assert isinstance(told, Description), told
        return told.backend

    def fail(self) -> Failure:
        self.inference.submit(BATCH)
        told = self.next()
        assert isinstance(told, Failure), told
        return told


@pytest.fixture
def bench() -> Iterator[Callable[[Box], Bench]]:
    made: list[Bench] = []

    def make(box: Box) -> Bench:
        made.append(Bench(box))
        return made[-1]

    yield make
    for each in made:
        each.inference.close()


def broken() -> None:
    raise RuntimeError("device lost")


def test_a_batch_is_answered_and_the_next_may_come(bench: Callable[[Box], Bench]) -> None:
    at = bench(Box(lambda: Odd("good")))
    assert not at.inference.free
    assert at.ready() == "good"
    for _ in range(2):
        assert at.inference.free
        at.inference.submit(BATCH)
        assert not at.inference.free
        told = at.next()
        assert isinstance(told, Answer)
        assert told.scores.logits.shape == (2, 2)


@pytest.mark.parametrize("bad", [Odd("bad", wrong=broken), Odd("bad", nan=True)])
def test_a_first_failure_opens_the_same_engine_again_and_a_second_the_next(
    bench: Callable[[Box], Bench], bad: Odd
) -> None:
    box = Box(lambda: bad, lambda: Odd("good"))
    at = bench(box)
    assert at.ready() == "bad"
    failure = at.fail()
    assert failure.engine == ("bad", "fp32")
    assert not failure.final
    assert ("device lost" if bad.wrong else "no numbers") in failure.why
    assert at.ready() == "bad"
    at.fail()
    assert at.ready() == "good"
    at.inference.submit(BATCH)
    assert isinstance(at.next(), Answer)
    assert box.asked == [frozenset(), frozenset(), {("bad", "fp32")}]


def test_failures_far_apart_are_chance(bench: Callable[[Box], Bench]) -> None:
    at = bench(Box(lambda: Odd("bad", wrong=broken), lambda: Odd("good")))
    for _ in range(3):
        assert at.ready() == "bad"
        at.fail()
        at.clock.now_s += 700.0
    assert at.ready() == "bad"


def test_an_engine_that_hangs_is_left_behind_and_its_late_answer_counts_for_nothing(
    bench: Callable[[Box], Bench],
) -> None:
    free = threading.Event()
    stuck = threading.Event()

    def hang() -> None:
        stuck.set()
        free.wait(30)

    hanging = Odd("stuck", wrong=hang)
    engines = iter([hanging, Odd("good")])
    at = bench(Box(lambda: next(engines)))
    at.ready()
    at.inference.submit(BATCH)
    assert stuck.wait(10)
    at.clock.now_s += 14.0
    assert at.inference.poll() is None
    at.clock.now_s += 2.0
    failure = at.inference.poll()
    assert isinstance(failure, Failure)
    assert "no answer for 16 s" in failure.why
    free.set()
    # Its thread has said all it will ever say, and ends.
    assert hanging.gone.wait(10)
    assert at.ready() == "good"
    assert at.inference.poll() is None


def test_when_all_have_failed_none_is_left_out_any_more(bench: Callable[[Box], Bench]) -> None:
    box = Box(lambda: Odd("bad", wrong=broken))
    at = bench(box)
    for _ in range(2):
        assert at.ready() == "bad"
        at.fail()
    failure = at.next()
    assert isinstance(failure, Failure)
    assert failure.final
    at.clock.now_s += 2.0
    assert at.inference.poll() is None
    assert at.ready() == "bad"
    assert box.asked[-2:] == [{("bad", "fp32")}, frozenset()]


def test_when_none_can_be_opened_all_are_tried_again_later(bench: Callable[[Box], Bench]) -> None:
    broken_box = [True]

    def make() -> Backend:
        if broken_box[0]:
            raise BackendError("no driver")
        return Odd("good")

    at = bench(Box(make))
    failure = at.next()
    assert isinstance(failure, Failure)
    assert failure.final
    assert failure.why == "no driver"
    broken_box[0] = False
    assert at.inference.poll() is None
    at.clock.now_s += 2.0
    assert at.ready() == "good"


class Two(Odd):
    """A stand-in with two requests: a batch is kept until its first value is let go."""

    def __init__(self, name: str, wrong: Callable[[], None] | None = None) -> None:
        super().__init__(name, wrong, requests=2)
        self.let_go = {value: threading.Event() for value in (DARK, BRIGHT)}
        self.entered: queue.SimpleQueue[int] = queue.SimpleQueue()

    def _run(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        value = int(frames.flat[0])
        self.entered.put(value)
        assert self.let_go[value].wait(10.0)
        return super()._run(frames)


def test_as_many_batches_are_under_way_as_the_engine_has_requests_and_each_answer_names_its_batch(
    bench: Callable[[Box], Bench],
) -> None:
    engine = Two("good")
    at = bench(Box(lambda: engine))
    at.ready()
    numbers = {value: at.inference.submit(np.full_like(BATCH, value)) for value in (BRIGHT, DARK)}
    assert not at.inference.free
    assert {engine.entered.get(timeout=10.0) for _ in numbers} == {BRIGHT, DARK}
    for value in (DARK, BRIGHT):
        engine.let_go[value].set()
        told = at.next()
        assert isinstance(told, Answer)
        assert told.number == numbers[value]
        assert (told.scores.logits[0, 1] > 0) == (value == BRIGHT)
        assert at.inference.free
    assert not at.inference.busy
    at.inference.close()
    assert engine.gone.wait(10.0)


def test_an_engine_whose_threads_cannot_be_started_has_failed_and_is_closed(
    bench: Callable[[Box], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, begin = Odd("first", requests=2), threading.Thread.start
    begun: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        begun.append(thread)
        if len(begun) > 1:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert bench(Box(lambda: engine)).next() == Failure(("", ""), "can't start new thread", final=True)
    assert engine.gone.is_set()


def test_when_an_engine_fails_what_its_other_request_tells_counts_for_nothing(bench: Callable[[Box], Bench]) -> None:
    bad = Two("bad", broken)
    engines = iter([bad, Odd("good")])
    at = bench(Box(lambda: next(engines)))
    at.ready()
    for value in (BRIGHT, DARK):
        at.inference.submit(np.full_like(BATCH, value))
        bad.entered.get(timeout=10.0)
    for each in bad.let_go.values():
        each.set()
    # Both have said that it failed before anybody listens.
    while len(at.inference._told) < 2:
        assert at.bell.wait(10.0)
        at.bell.clear()
    told = at.next()
    assert isinstance(told, Failure)
    assert not at.inference.busy
    assert at.ready() == "good"
    assert at.inference.poll() is None
