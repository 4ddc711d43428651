"""The processor's time by stage: from the system's list of threads, which here is made of files."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from runtime.inference import Inference
from runtime.service.cpu import CpuTime, Threads
from tests.stand_ins import Brightness

TICKS = os.sysconf("SC_CLK_TCK")
PYTHON = {1: "MainThread", 2: "inference", 3: "camera gate"}


class System:
    """A system's list of threads, and Python's."""

    def __init__(self, folder: Path) -> None:
        self.tasks, self.python = folder / "task", dict(PYTHON)
        self.tasks.mkdir()
        self.threads = Threads(self.tasks, lambda: dict(self.python))

    def run(self, number: int, seconds: float, name: str = "python", began: int = 100) -> None:
        """A thread has taken so many seconds by now, a quarter of them in the kernel."""
        folder = self.tasks / str(number)
        folder.mkdir(exist_ok=True)
        user, kernel = round(0.75 * seconds * TICKS), round(0.25 * seconds * TICKS)
        rest = f"S 1 1 1 0 -1 0 0 0 0 0 {user} {kernel} 0 0 20 0 5 0 {began} 0 0"
        (folder / "stat").write_text(f"{number} ({name}) {rest}\n")

    def end(self, number: int) -> None:
        shutil.rmtree(self.tasks / str(number))

    def spent(self) -> tuple[float, float]:
        """Of decoding and inference."""
        spent_s = self.threads.spent_s()
        return spent_s["decode"], spent_s["inference"]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_the_engines_thread_and_those_of_libraries_infer_and_pythons_others_do_not(system: System) -> None:
    for number, seconds in ((1, 8.0), (2, 4.0), (3, 16.0), (50, 2.0), (51, 1.0)):
        system.run(number, seconds)
    assert system.spent() == (0.0, 7.0)


def test_ffmpegs_threads_decode(system: System) -> None:
    system.run(60, 3.0, "av:h264:df0")
    assert system.spent() == (3.0, 0.0)


def test_a_name_may_hold_what_looks_like_the_end_of_it(system: System) -> None:
    system.run(50, 2.0, "a) R 9 (b")
    assert system.spent() == (0.0, 2.0)


def test_what_has_ended_stays_counted_and_a_number_that_is_given_again_is_another_thread(system: System) -> None:
    system.run(50, 2.0)
    assert system.spent() == (0.0, 2.0)
    system.end(50)
    assert system.spent() == (0.0, 2.0)
    system.run(50, 1.0, began=200)
    assert system.spent() == (0.0, 3.0)


def test_a_thread_of_pythons_that_is_about_to_end_is_not_taken_for_a_librarys(system: System) -> None:
    system.run(3, 16.0)
    assert system.spent() == (0.0, 0.0)
    del system.python[3]
    assert system.spent() == (0.0, 0.0)
    system.end(3)
    assert system.spent() == (0.0, 0.0)


def test_an_engine_that_was_replaced_stays_counted(system: System) -> None:
    system.run(2, 4.0)
    system.spent()
    del system.python[2]
    system.end(2)
    system.python[9] = "inference"
    system.run(9, 1.0)
    assert system.spent() == (0.0, 5.0)


def cpu_time(system: System, process_s: list[float]) -> CpuTime:
    """Read anew each time it is asked; the process has taken the next of `process_s` each time."""
    seconds = iter(range(0, 1000, 10))
    return CpuTime(system.threads, lambda: process_s.pop(0), lambda: next(seconds))


def test_the_rest_is_what_nobody_booked(system: System) -> None:
    cpu = cpu_time(system, [10.0])
    system.run(2, 4.0)
    system.run(60, 1.0, "av:h264:df0")
    cpu.book("gate", {"demux": 0.5, "decode": 1.5, "scale": 0.25})
    cpu.book("door", {"demux": 0.5, "decode": 0.0, "scale": 0.25})
    assert cpu.spent_s() == {"demux": 1.0, "decode": 2.5, "scale": 0.5, "inference": 4.0, "rest": 2.0}


def test_no_stage_ever_goes_back_and_the_rest_is_never_below_zero(system: System) -> None:
    cpu = cpu_time(system, [10.0, 10.5, 10.5])
    assert cpu.spent_s()["rest"] == 10.0
    # Booked late: until now it was in the rest.
    cpu.book("gate", {"scale": 4.0})
    assert cpu.spent_s()["rest"] == 10.0
    system.run(2, 20.0)
    cpu.book("gate", {"scale": 1.0})
    assert cpu.spent_s() == {"demux": 0.0, "decode": 0.0, "scale": 5.0, "inference": 20.0, "rest": 10.0}
    early = cpu_time(system, [1.0])
    assert early.spent_s()["rest"] == 0.0


@pytest.mark.parametrize("stat", [None, "", "50 (python) S 1 2", "50 (python) S" + " x" * 40])
def test_where_threads_cannot_be_read_inference_is_left_out(tmp_path: Path, stat: str | None) -> None:
    system = System(tmp_path)
    if stat is None:
        system.tasks.rmdir()
    else:
        system.run(50, 1.0)
        (system.tasks / "50" / "stat").write_text(stat)
    assert cpu_time(system, [3.0]).spent_s() == {"demux": 0.0, "decode": 0.0, "scale": 0.0, "rest": 3.0}


def test_it_is_read_once_a_second_at_most_however_often_it_is_asked_for(system: System) -> None:
    now_s, process_s = [0.0], iter([1.0, 2.0])
    cpu = CpuTime(system.threads, lambda: next(process_s), lambda: now_s[0])
    for at_s, rest_s in ((0.0, 1.0), (0.5, 1.0), (0.9, 1.0), (1.0, 2.0), (1.5, 2.0)):
        now_s[0] = at_s
        assert cpu.spent_s()["rest"] == rest_s


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system does not list threads as Linux does")
def test_the_real_list_of_threads_is_read_as_it_is_meant() -> None:
    worked, free = threading.Event(), threading.Event()

    def work() -> None:
        while time.thread_time() < 0.2:
            pass
        worked.set()
        free.wait()

    threads = Threads()
    before_s = threads.spent_s()["inference"]
    thread = threading.Thread(target=work, name="inference")
    thread.start()
    try:
        assert worked.wait(30)
        assert threads.spent_s()["inference"] - before_s >= 0.15
    finally:
        free.set()
        thread.join()


def test_the_real_engines_thread_goes_by_the_name_by_which_it_is_counted() -> None:
    bell = threading.Event()
    inference = Inference(lambda without: Brightness(), bell)
    inference.start()
    try:
        assert "inference" in {thread.name for thread in threading.enumerate()}
    finally:
        inference.close()
