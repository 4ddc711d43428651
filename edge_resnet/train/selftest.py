"""Shows that a killed run resumes exactly: the same training, once straight through, once killed again and again."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edge_resnet import files
from edge_resnet.errors import UserError
from edge_resnet.train.finetune import LAST

_CLASSES, _PICTURES, _SIDE_PX = ("fire", "normal"), 10, 40
_EPOCHS, _BATCH = 2, 4
# Steps after which the process is killed: in the middle of the first epoch, and of the second.
_KILL_AFTER_STEPS = (2, 7)
_POLL_S = 0.02


@dataclass(frozen=True)
class SelfTest:
    """What was seen: where the run was killed, as (epoch, step), and the SHA-256 of both last weights."""

    killed_at: tuple[tuple[int, int], ...]
    straight: str
    resumed: str

    @property
    def passed(self) -> bool:
        return self.straight == self.resumed

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        killed = [{"epoch": epoch, "step": step} for epoch, step in self.killed_at]
        return {"passed": self.passed, "killed_at": killed, "straight": self.straight, "resumed": self.resumed}


def self_test(tell: Callable[[str], None]) -> SelfTest:
    """Train on a few drawn pictures in processes of their own, kill one with SIGKILL, resume it, compare the bytes.

    Raises UserError when a training fails for another reason.
    """
    with tempfile.TemporaryDirectory(prefix="edge-resnet-") as folder:
        data, straight, broken = (Path(folder) / name for name in ("data", "straight", "broken"))
        _draw(data)
        tell("training straight through")
        _finish(_start(data, straight, save_every_s=3600))
        killed = []
        for number, steps in enumerate(_KILL_AFTER_STEPS):
            tell(f"training until step {steps}, then SIGKILL")
            killed.append(_kill_after(steps, _start(data, broken, resume=number > 0), broken))
        tell("going on to the end")
        _finish(_start(data, broken, resume=True))
        return SelfTest(tuple(killed), files.sha256(straight / LAST), files.sha256(broken / LAST))


def _draw(root: Path) -> None:
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for label, name in enumerate(_CLASSES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(_PICTURES):
                pixels = random.integers(0, 200, (_SIDE_PX, _SIDE_PX, 3), np.uint8)
                pixels[..., label] += 50
                Image.fromarray(pixels).save(folder / f"{number}.png")


def _start(data: Path, out: Path, save_every_s: int = 0, resume: bool = False) -> subprocess.Popen[str]:
    options: tuple[object, ...] = ("--resume",)
    if not resume:
        options = (
            *(data, "--weights", "none", "--input", f"{_SIDE_PX}x{_SIDE_PX}", "--epochs", _EPOCHS, "--batch", _BATCH),
            *("--patience", _EPOCHS, "--save-every", save_every_s, "--no-audit"),
            # Everything that has a state or is random.
            *("--optimizer", "sgd", "--dropout", 0.3, "--augment", "full", "--mixup", 0.2, "--ema", 0.9),
        )
    program = (sys.executable, "-m", "edge_resnet", "finetune")
    command = [*program, *map(str, options), "--out", str(out), "--device", "cpu"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _finish(process: subprocess.Popen[str]) -> None:
    with process:
        told = process.stderr.read() if process.stderr else ""
    if process.returncode:
        raise UserError(f"the training of the self-test failed: {(told.splitlines() or ['no word'])[-1]}")


def _kill_after(steps: int, process: subprocess.Popen[str], out: Path) -> tuple[int, int]:
    """Kill the process once it has saved its state after so many steps; where that was."""
    while process.poll() is None:
        if (place := _place(out)) and place[0] * _steps() + place[1] >= steps:
            process.kill()
            process.communicate()
            return place[0] + 1, place[1]
        time.sleep(_POLL_S)
    _finish(process)
    raise UserError(f"the training of the self-test ended before step {steps}")


def _place(out: Path) -> tuple[int, int] | None:
    """Epochs finished and steps done in the next, as the saved state tells."""
    try:
        state = json.loads((out / "state" / "state.json").read_text())
        return state["epochs"][-1]["epoch"], state["position"]["step"]
    except (OSError, ValueError):
        return None


def _steps() -> int:
    return len(_CLASSES) * _PICTURES // _BATCH
