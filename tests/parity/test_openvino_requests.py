"""Several requests of one compiled network in turns: answers stay right, and no memory is written that is gone."""

from __future__ import annotations

import subprocess
import sys

from tests.parity.conftest import Exported

# A process of its own: what this guards against is a damaged heap, which ends the process, or makes it end later.
_PROGRAM = """
import random, sys
from pathlib import Path
import numpy as np
from edge_resnet.bundle import Bundle
from runtime.backends import open_backend

bundle, rounds = Bundle.open(Path(sys.argv[1])), int(sys.argv[2])
size = bundle.model.input
frames = np.random.default_rng(0).integers(0, 255, (8, size.height, size.width, 3)).astype(np.uint8)
chance = random.Random(0)
with open_backend("openvino", bundle, "int8", "cpu", hint="throughput") as backend:
    expected = backend.infer(frames).logits
    for _ in range(rounds):
        count = chance.choice((1, 1, 2, 5, 8))
        first = chance.randint(0, 8 - count)
        # Arrays that are gone right after the answer.
        logits = backend.infer(frames[first : first + count].copy()).logits
        off = float(np.abs(logits - expected[first : first + count]).max())
        assert off < 1e-3 * float(np.abs(expected).max()), (count, off, float(np.abs(expected).max()))
print("right")
"""


def test_single_frames_and_batches_side_by_side_in_turns_are_right_and_damage_nothing(exported: Exported) -> None:
    # With inputs shared it fails within a hundred rounds.
    command = [sys.executable, "-c", _PROGRAM, str(exported.bundle.folder), "400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "right\n"), done.stderr[-2000:]
