"""What the processor is asked: its cores, and what other programs take of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edge_resnet.hardware import others_cpu_s

_BUSY = "import time\nwhile time.process_time() < 0.5: pass"
_ONE_CORE = "import os; os.sched_setaffinity(0, {0}); from edge_resnet.hardware import cores; print(cores())"


def test_the_time_of_other_programs_grows_with_theirs_and_not_with_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before_s = others_cpu_s()
    subprocess.run([sys.executable, "-c", _BUSY], check=True)
    assert others_cpu_s() - before_s >= 0.4
    own_s = os.times()
    monkeypatch.setattr(os, "times", lambda: (own_s.user + 50.0, own_s.system + 50.0))
    assert others_cpu_s() < before_s


def test_a_process_that_may_use_one_core_has_one() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not tell")
    assert subprocess.check_output([sys.executable, "-c", _ONE_CORE], text=True) == "1\n"
