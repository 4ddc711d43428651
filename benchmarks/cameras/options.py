"""What the benchmark of cameras is asked for; whatever can be known to be wrong is told before any work."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import command_line
from benchmarks.cameras.course import SIZES, Plan
from edge_resnet.verdict import GATES
from runtime.backends.registry import NAMES
from runtime.trust import AUTO

# A trial with the ladder takes 45 s; one more may begin until then.
QUICK = Plan(26.0, 8.0, alarming=3, moving=1, ladder_first=40, peer_s=10.0, until_s=130.0, quiet_s=12)
_SECONDS, _SETTLE_S, _MOST = 60.0, 12.0, 256


def parsed(text: str | None) -> argparse.Namespace:
    """The command line. `text`: what --help says before its options."""
    parser = command_line.Parser("cameras", text)
    add = parser.add_argument
    add("bundle", type=Path, help="its folder, as edge-resnet export writes it")
    add("--clips", type=Path, metavar="DIR", help="spliced in; by default real ones where they are, else drawn")
    add("--truth", type=Path, metavar="FILE.csv", help="what is seen in them; by default truth.csv beside them")
    add(
        "--share",
        type=command_line.share,
        nargs="+",
        default=[0.05],
        help="of the cameras that show an excerpt; by default 0.05",
    )
    add(
        "--rate-control",
        nargs="+",
        choices=("variable", "constant"),
        default=["variable"],
        help="of what cameras send: as many bits as the picture needs, or always as many; each is measured by itself",
    )
    sizes = ", ".join(f"{name} {width}x{height}" for name, (width, height) in SIZES.items())
    add("--stream", nargs="+", choices=SIZES, default=["main"], help=f"{sizes}; each is measured by itself")
    add("--sites", type=command_line.count, metavar="N", help="that the cameras are of; by default a site each")
    add("--seconds", type=command_line.seconds, metavar="S", help=f"of each trial's window; by default {_SECONDS:g}")
    add(
        "--settle",
        type=command_line.seconds_or_none,
        metavar="S",
        help=f"seconds before it, after all cameras were seen; by default {_SETTLE_S:g}",
    )
    add("--most", type=command_line.count, metavar="N", help=f"no trial has more cameras; by default {_MOST}")
    add("--threshold", type=command_line.probability, help="of all alarms, 0 to 1; by default the bundle's")
    add(
        "--engine",
        nargs=2,
        default=(),
        metavar=("BACKEND", "PRECISION"),
        help=f"of ours: {', '.join((AUTO, *NAMES))}, and {', '.join((AUTO, *GATES))}; by default {AUTO} {AUTO}",
    )
    add("--recording", action="store_true", help="ours keeps pictures and clips of events, as shipped")
    add("--ultralytics", type=command_line.python, metavar="PYTHON", help="of an environment with that package")
    add("--roboflow", type=command_line.python, metavar="PYTHON", help="of an environment with the package inference")
    add(
        "--cache",
        type=Path,
        metavar="DIR",
        default=Path(tempfile.gettempdir()) / "edge-resnet-cameras",
        help="where clips that are drawn and what is encoded are kept for the next time; by default %(default)s",
    )
    add("--picture", type=command_line.picture, metavar="FILE.png", help="how CPU, memory and age grow with cameras")
    add("--json", action="store_true", help="one JSON object on standard output, with every trial")
    add("--quick", action="store_true", help="under three minutes, with a plan of its own")
    args = parser.parse_args()
    if args.quick and (args.ultralytics or args.roboflow):
        parser.error("--quick has no time for --ultralytics and --roboflow")
    parser.not_beside_quick(args, "most", "seconds", "settle")
    return args


def plan_of(args: argparse.Namespace) -> Plan:
    """How much is tried."""
    if args.quick:
        return QUICK
    return Plan(
        _SECONDS if args.seconds is None else args.seconds,
        _SETTLE_S if args.settle is None else args.settle,
        alarming=12,
        moving=4,
        most=_MOST if args.most is None else args.most,
    )
