"""How soon each kind of blindness is found in real clips, how often wrongly, and what the gate passes on them.

python -m benchmarks.blindness [--json] [--data DIR]: DIR holds clips/ with truth.csv (by default EDGE_RESNET_REAL, or
../shared/data). Each clip is played round and round at 5 looks a second; after 60 s it goes blind for 60 s.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.command_line import Parser, exit_code
from benchmarks.real import find_data
from edge_resnet import command
from edge_resnet.hardware import cpu_name
from runtime.backtest.truth import Interval, read_truth
from runtime.cameras.gate import Gate
from runtime.cameras.measure import Seen, measure
from runtime.cameras.sight import LIVE, Sight, Turn
from runtime.config.settings import BlindnessSettings, GateSettings
from runtime.sources.frame import Image

RATE = 5
WELL_S, BLIND_S = 60, 60
MOST_LOOKS = 50
HEARTBEAT_S = 10.0
_USUAL_FPS = 25.0
Fault = Callable[[int, Image, Image], Image]


@lru_cache(maxsize=4)
def _grain(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _noisy_at(number: int, image: Image, noise: float) -> Image:
    grain = np.roll(_grain(image.shape), 9973 * number)
    noisy: Image = np.clip(image + noise * grain, 0, 255).astype(np.uint8)
    return noisy


def _frozen(number: int, image: Image, still: Image) -> Image:
    return still


def _clock(number: int, image: Image, still: Image) -> Image:
    """A picture that stands still but for the clock that is drawn into it."""
    picture = still.copy()
    cv2.putText(picture, f"13:00:{number // RATE % 60:02}", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    return picture


def _blurred(share: float, noise: float = 0.0) -> Fault:
    def fault(number: int, image: Image, still: Image) -> Image:
        picture = np.asarray(cv2.GaussianBlur(image, (0, 0), share * image.shape[1]) if share else image, np.uint8)
        return _noisy_at(number, picture, noise) if noise else picture

    return fault


def _even(level: int, noise: float) -> Fault:
    def fault(number: int, image: Image, still: Image) -> Image:
        return _noisy_at(number, np.full_like(image, level), noise)

    return fault


# What it should be found as (live: not at all), and how it is made.
FAULTS: Mapping[str, tuple[str, Fault]] = {
    "none": (LIVE, _blurred(0.0)),
    "noise of 4 levels": (LIVE, _blurred(0.0, 4.0)),
    "noise of 10 levels": (LIVE, _blurred(0.0, 10.0)),
    "frozen": ("frozen", _frozen),
    "frozen, its clock ticks": ("frozen", _clock),
    "black": ("black", _even(6, 3.0)),
    "white": ("overexposed", _even(250, 3.0)),
    "covered, grey": ("out_of_focus", _even(90, 2.0)),
    "blur, sigma 0.3% of the width": ("out_of_focus", _blurred(0.003)),
    "blur 0.5%": ("out_of_focus", _blurred(0.005)),
    "blur 0.8%": ("out_of_focus", _blurred(0.008)),
    "blur 1.2%": ("out_of_focus", _blurred(0.012)),
    "blur 1.2%, noise of 4 levels": ("out_of_focus", _blurred(0.012, 4.0)),
}


def looks(path: Path) -> list[tuple[float, Image]]:
    """The frames of a clip that are due at RATE, with their times in seconds."""
    capture = cv2.VideoCapture(str(path))
    stated = capture.get(cv2.CAP_PROP_FPS)
    fps = stated if 0 < stated <= 1000 else _USUAL_FPS
    frames: list[tuple[float, Image]] = []
    number = 0
    while capture.grab():
        if number / fps >= len(frames) / RATE:
            good, image = capture.retrieve()
            if good:
                frames.append((number / fps, np.asarray(image, np.uint8)))
        number += 1
    return frames


def measured(frames: list[tuple[float, Image]], fault: Fault) -> list[Seen]:
    """The numbers of the first looks of a clip with a fault."""
    still = frames[0][1]
    return [measure(fault(number, image, still)) for number, (_, image) in enumerate(frames[:MOST_LOOKS])]


def turns(parts: list[tuple[list[Seen], float, bool]]) -> list[Turn]:
    """What the sight says of parts that follow each other: their pictures, again and again, for so many seconds.

    A part that is `alive` never shows the same pixels twice: a change of one level is added where it begins anew.
    """
    sight = Sight(BlindnessSettings(), 0.0)
    found: list[Turn] = []
    random = np.random.default_rng(0)
    number = 0
    for pictures, length_s, alive in parts:
        for place in range(round(length_s * RATE)):
            seen = pictures[place % len(pictures)]
            if alive and place >= len(pictures):
                seen = replace(seen, points=seen.points ^ random.integers(0, 2, seen.points.shape, np.uint8))
            sight.came(number / RATE)
            sight.saw(number / RATE, seen)
            found += sight.tick(number / RATE)
            number += 1
    return found


def blindness(clips: Mapping[str, list[tuple[float, Image]]]) -> list[dict[str, Any]]:
    """A row for each fault: on how many clips it was found and left, when, and what else was said."""
    rows = []
    well = {clip: [measure(image) for _, image in frames] for clip, frames in clips.items()}
    for name, (state, fault) in FAULTS.items():
        found_s, left_s, others, started = [], [], Counter[str](), 0
        for clip, frames in clips.items():
            blind = well[clip] if name == "none" else measured(frames, fault)
            alive = state != "frozen"
            said = turns([(well[clip], WELL_S, True), (blind, BLIND_S, alive), (well[clip], WELL_S, True)])
            found_s += [turn.at_s - WELL_S for turn in said if turn.state == state != LIVE][:1]
            left_s += [turn.at_s - WELL_S - BLIND_S for turn in said if turn.before == state != LIVE][:1]
            others.update(f"{turn.state} on {clip}" for turn in said if turn.state not in (state, LIVE))
            started += any(turn.state == state for turn in turns([(blind, BLIND_S, alive)]))
        times = [round(median(each), 1) if each else None for each in (found_s, left_s)]
        rows.append(
            {
                "fault": name,
                "expected": state,
                "found": len(found_s),
                "found_after_s": times[0],
                "left": len(left_s),
                "left_after_s": times[1],
                "found_from_start": started,
                "others": dict(others),
            }
        )
    return rows


def gated(frames: list[tuple[float, Image]], truth: list[Interval]) -> dict[str, Any]:
    """The share of looks that the gate passes on a clip, and how late the first one comes in each true interval."""
    gate = Gate(GateSettings(enabled=True), HEARTBEAT_S)
    opened = [time_s for time_s, image in frames if gate.opens(time_s, measure(image).points).open]
    late = [min((at_s - each.start_s for at_s in opened if at_s >= each.start_s), default=None) for each in truth]
    return {"looks": len(frames), "passed": len(opened) / len(frames), "late_s": late}


def main() -> int:
    """Measure and print."""
    parser = Parser("blindness", __doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = find_data(options.data) / "clips"
    truth = read_truth(folder / "truth.csv")
    clips = {path.name: looks(path) for path in sorted(folder.iterdir()) if path.suffix in (".mp4", ".avi")}
    rows = blindness(clips)
    gates = {name: gated(frames, truth.get(name, [])) for name, frames in clips.items()}
    if options.json:
        command.answer_json({"processor": cpu_name(), "blindness": rows, "gate": gates})
        return command.Exit.FINE
    for row in rows:
        command.say(" | ".join(f"{key} {value}" for key, value in row.items()))
    for name, gate in gates.items():
        command.say(f"{name}: {gate}")
    return command.Exit.FINE


if __name__ == "__main__":
    sys.exit(exit_code(main))
