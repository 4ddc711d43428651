"""How many cameras this box can watch: 1080p25 H.264 over RTSP, ours with and without the ladder, and what others use.

    python -m benchmarks.cameras BUNDLE [--clips DIR --truth truth.csv] [--share 0.05 0.25 1] [--rate-control variable
        constant] [--stream main sub] [--sites N] [--ultralytics PYTHON] [--roboflow PYTHON] [--json] [--quick]
        [--picture FILE.png]

Cameras show a quiet picture; a share of them, one at least, shows excerpts of clips, at known times. All programs of a
setting are tried in turns in this one run, each in a process of its own, beside the cameras' server on the same cores.

Ours passes with N cameras when in the window (--seconds, after all cameras were seen and --settle seconds more)
- the 99th percentile of the age of classified frames, from capture to answer, is under 1 s,
- no camera went without a look for its heartbeat and a second more (11 s),
- every spliced alarm was raised that full decoding raises, which is found out first, with few cameras,
- it did not say for over a tenth of the time that it is overloaded (then cameras get fewer looks than they want).
Its capacity is the largest N that passed: doubled until it fails, then halved to a tenth.

An alarm wakes all other cameras of its site. By default there are as many sites as cameras, so it wakes none; with
--sites N the cameras are of N sites in turn, and with --sites 1 each alarm wakes all the others.

Recall is told of trials with the ladder: the share that was raised of all that was spliced in.
- `recall`: in all trials, passed or failed, with no more cameras than the box kept up with: the most with which all of
  the above held but the alarms, of which nothing is asked here. Trials that failed by a missed alarm alone are among
  these, and `extra_delay_s` is of the same.
- `recall_full`: what full decoding raises of the very same excerpts, as was found out first.
- `recall_at_capacity`, `recall_full_at_capacity`: the same in the trial at the capacity alone. Had it missed an alarm
  that full decoding raises it would have failed, so it never is less than full decoding's and tells nothing of misses.

A peer passes with N cameras when it classified 95% of the frames that are wanted (25 or 5 a second and camera), with
the same bound on their age where it tells a stamp of the stream. Its capacity is the largest N that passed, or, if that
is more, what it managed where it failed, in cameras: frames classified a second over those wanted of one. So it may be
a part of a camera. Peers judge nothing, record nothing and keep no state of cameras; this is to their favour. They
run the bundle's FP32 network, and `ratio_every_frame` and `ratio_sampling` are against OpenCV's loop with that. Where
the bundle has an INT8 network for ONNX Runtime, the same loop with it is a peer of its own: as ours may run INT8, its
`ratios` tell what is left without the precision.

--quick takes under three minutes: few excerpts, the search with the ladder begins at 40 cameras and ends when the time
is over, and of others OpenCV's FP32 loop alone is tried, once each, with more cameras than it can watch, where it
manages most. `at_least`: no trial with the ladder failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.cameras import picture
from benchmarks.cameras.course import SIZES, Course, scenery
from benchmarks.cameras.material import Material
from benchmarks.cameras.options import parsed, plan_of
from benchmarks.cameras.pieces import Encoding
from benchmarks.cameras.systems import ours, peers
from benchmarks.command_line import exit_code
from benchmarks.real import find_data
from edge_resnet import command
from edge_resnet.bundle import Bundle
from edge_resnet.demo.generate import TRUTH_NAME, generate_clips
from edge_resnet.errors import UserError
from edge_resnet.hardware import cpu_name, memory_bytes
from runtime import trust

_CLIPS = "clips"
_GIGA = 1e9
# Of the first setting, at the top of the answer.
_HEADLINES = (
    "cameras",
    "at_least",
    "ratio_every_frame",
    "ratio_sampling",
    "recall",
    "recall_full",
    "recall_at_capacity",
    "extra_delay_s",
)


def find_clips(args: argparse.Namespace) -> tuple[Path, Path]:
    """The folder of clips, and the truth file. Raises UserError."""
    clips = args.clips
    if clips is None:
        try:
            clips = find_data(None) / _CLIPS
        except UserError:
            clips = args.cache / "drawn"
            # The truth is written last: when it is there, everything is.
            if not (clips / TRUTH_NAME).exists():
                generate_clips(clips, progress=None)
    return clips, args.truth or clips / TRUTH_NAME


def measured(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The answer of each setting. Raises UserError, ProgramError."""
    began_s = monotonic()
    bundle, plan = Bundle.open(args.bundle), plan_of(args)
    trust.check(bundle, *(args.engine or (trust.AUTO, trust.AUTO)), trust.AUTO)
    material = Material.read(*find_clips(args))
    material.check(bundle.model.alarms, command.say)
    rules = {} if args.threshold is None else {"threshold": args.threshold, "mean_threshold": args.threshold}
    alarms = dict.fromkeys(bundle.model.alarms, rules)
    programs = [ours(args.bundle, mode, alarms, args.engine, args.recording, args.sites) for mode in ("ladder", "full")]
    programs += peers(bundle, folder, not args.quick, args.ultralytics, args.roboflow)
    answers = []
    for stream, rate_control in product(args.stream, args.rate_control):
        command.say(f"{stream} stream, {rate_control} rate: encoding what is shown of {material.place}")
        shown = scenery(material, bundle, Encoding(*SIZES[stream], rate_control), args.cache, plan)
        course = Course(programs, shown, plan, folder, command.say, began_s)
        baseline = course.baseline()
        for share in args.share:
            named = {"stream": stream, "rate_control": rate_control, "sites": args.sites or "one a camera"}
            answers.append({**named, **course.setting(share, baseline)})
    return answers


def main() -> int:
    """Measure and print; the exit code."""
    args = parsed(__doc__)
    with tempfile.TemporaryDirectory(prefix="edge-resnet-cameras-") as folder:
        settings = measured(args, Path(folder))
    machine = {"processor": cpu_name(), "cores": os.cpu_count(), "memory_gb": round(memory_bytes() / _GIGA, 1)}
    answer = {
        **{key: settings[0][key] for key in _HEADLINES},
        "machine": machine,
        "definitions": __doc__,
        "settings": settings,
    }
    if args.picture is not None:
        picture.draw(settings, args.picture)
    if args.json:
        command.answer_json(answer)
    else:
        print(f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB")
        print("\n".join(line for setting in settings for line in table(setting)))
    return command.Exit.FINE


def table(setting: dict[str, Any]) -> Iterator[str]:
    """A setting for people: each program's capacity, and its largest trial that passed, or else its first."""
    yield (
        f"{setting['stream']} stream, {setting['rate_control']} rate, {setting['share']:.0%} of the cameras active, "
        f"sites: {setting['sites']}"
    )
    for name, capacity in setting["capacities"].items():
        yield _row(name, capacity, setting["ratios"].get(name), setting["trials"][name])
    if setting["spliced"]:
        yield (
            f"  with the ladder {setting['recall']:.0%} of {setting['spliced']} spliced alarms were raised, by full "
            f"decoding {setting['recall_full']:.0%}, {setting['extra_delay_s']} s later in the median: of all trials "
            "with no more cameras than the box kept up with"
        )
    if setting["spliced_at_capacity"]:
        yield (
            f"  at the capacity {setting['recall_at_capacity']:.0%} of {setting['spliced_at_capacity']}, by full "
            f"decoding {setting['recall_full_at_capacity']:.0%}: with less that trial would have failed"
        )
    if setting["mb_a_camera"] is not None:
        yield f"  one more camera takes {setting['mb_a_camera']} MB"


def _row(name: str, capacity: float, ratio: float | None, trials: Sequence[dict[str, Any]]) -> str:
    passed = [each for each in trials if each["passed"]]
    shown = max(passed, key=lambda each: int(each["cameras"])) if passed else trials[0]
    age = "" if shown["age_p99_s"] is None else f", p99 age {1000 * shown['age_p99_s']:.0f} ms"
    stages = ", ".join(f"{stage} {cores:.2f}" for stage, cores in shown["cores_by_stage"].items())
    against = "" if ratio is None else f"; the ladder {ratio} times"
    cores = f"{shown['cores']:.2f} cores{f' ({stages})' if stages else ''}, server {shown['server_cores']:.2f}"
    return (
        f"  {name:52} {capacity:6.2f} cameras{against}; with {shown['cameras']}: {shown['classified_per_s']:g} frames "
        f"a second{age}, {cores}, {shown['pss_mb']:.0f} MB"
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
