"""A signal after engines came and went: the program must hear it, not die of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.backends import installed
from tests.parity.conftest import Exported

_ROOT = Path(__file__).resolve().parents[2]
# Run on its own: what fails here is a segmentation fault.
_PROGRAM = """
import signal, sys
from pathlib import Path
from edge_resnet.bundle import Bundle
from runtime.backends import open_backend

bundle = Bundle.open(Path(sys.argv[1]))
first, second = (open_backend(name, bundle, precision) for name, precision in (("NAME", "fp32"), ("NAME", "int8")))
ORDER
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
signal.raise_signal(signal.SIGUSR1)
"""


@pytest.mark.parametrize("order", ["del first; del second", "del second; del first"])
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_signal_is_heard_after_engines_were_closed(name: str, order: str, exported: Exported) -> None:
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    code = _PROGRAM.replace("NAME", name).replace("ORDER", order)
    program = [sys.executable, "-c", code, str(exported.bundle.folder)]
    ended = subprocess.run(program, cwd=_ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "heard\n"), ended.stderr
