"""The end of a process in which threads hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys, threading
sys.path.insert(0, {root!r})
from edge_resnet import command
hanging = threading.Thread(target=threading.Event().wait, daemon=True)
hanging.start()
if {left_behind}:
    command.leave_behind([hanging])
import atexit
atexit.register(print, "shut down")
print("said")
command.leave(3)
"""


@pytest.mark.parametrize(("left_behind", "out"), [(True, "said\n"), (False, "said\nshut down\n")])
def test_threads_that_were_left_behind_do_not_see_the_end(left_behind: bool, out: str) -> None:
    code = _PROGRAM.format(root=str(ROOT), left_behind=left_behind)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, out)
