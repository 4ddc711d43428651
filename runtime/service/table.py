"""The table at the terminal while a watch runs: how each camera stands, and the backend below them."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from runtime.service.status import BoxStatus, CameraStatus

Clock = Callable[[], float]

# Figures that change faster cannot be read.
_REFRESH_EVERY_S = 0.5
# From this width on there is room for all columns; before it, what a camera sees is worth more than its past troubles.
_WIDE = 110
# Where cameras have a rung of the ladder, it takes, in less room, the place of figures that the metrics tell too.
_FITS_AGE, _FITS_WATCHED, _FITS_RATE = 80, 70, 50
# The most letters of a camera's name, from so many columns on.
_LONGEST_NAME = {_WIDE: 32, 60: 16, 0: 8}
# Columns of words; the others but for what a camera sees are of figures.
_WORDS = ("state", "rung")
# The table's head, the line of what was left out, and the two lines of the backend.
_LINES_BESIDE_CAMERAS = 5
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
# Lines of advice for one camera: all that is said of it is in the log.
_ADVICE_LINES = 2
# A camera that is asked for 5 looks a second and gets 4.9 is well.
_ENOUGH = 0.9
_SELDOM_PER_S = 0.5


class StatusTable:
    """Keeps the table up to date at the foot of the terminal; what is printed meanwhile goes above it.

    Where standard error is no terminal it does nothing. `console`: standard error by default. `clock`: seconds.
    """

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._next_s = float("-inf")
        # No thread of its own: a table that goes on changing while the main loop hangs would lie. Standard output may
        # be a pipe, and is left alone.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)

    def __enter__(self) -> StatusTable:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @property
    def due(self) -> bool:
        """Whether it is time for another picture, at most twice a second."""
        return self._console.is_terminal and self._clock() >= self._next_s

    def show(self, status: BoxStatus) -> None:
        """Show how the watch stands, where there is a terminal and it is time."""
        if self.due:
            self._next_s = self._clock() + _REFRESH_EVERY_S
            self._live.update(drawn(status, self._console.width, self._console.height), refresh=True)


def drawn(status: BoxStatus, width: int, height: int) -> RenderableType:
    """The table, `width` columns wide, at most `height` lines high; where not all fit, those in trouble come first.

    Below it, where lines are left, what to do about the cameras that are blind.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", expand=True)
    columns = _columns(width, any(camera.attention for camera in status.cameras))
    for name in columns:
        if name == "camera":
            longest = next(letters for least, letters in _LONGEST_NAME.items() if width >= least)
            table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=longest)
        elif name == "sees":
            # It takes what the others leave.
            table.add_column(name, ratio=1)
        else:
            table.add_column(name, justify="left" if name in _WORDS else "right", no_wrap=True)
    shown = _that_fit(status.cameras, max(1, height - _LINES_BESIDE_CAMERAS))
    for camera in shown:
        cells = _cells(camera)
        table.add_row(*(cells[name] for name in columns))
    parts: list[RenderableType] = [table]
    if left_out := len(status.cameras) - len(shown):
        parts.append(Text(f"and {left_out} more", style="dim"))
    parts += _advice(shown, width, height - _LINES_BESIDE_CAMERAS - len(shown))
    return Group(*parts, _foot(status))


def _columns(width: int, rungs: bool) -> list[str]:
    """The columns for which there is room, from the left."""
    return [
        *("camera", "state"),
        *(("rung",) if rungs else ()),
        "sees",
        *(("rate/s",) if width >= _FITS_RATE or not rungs else ()),
        *(("age",) if width >= _FITS_AGE or not rungs else ()),
        *(("watched",) if width >= _FITS_WATCHED or not rungs else ()),
        *(("dropped", "reconnects") if width >= _WIDE else ()),
    ]


def _that_fit(cameras: Sequence[CameraStatus], rows: int) -> Sequence[CameraStatus]:
    if len(cameras) <= rows:
        return cameras
    return sorted(cameras, key=lambda camera: (not camera.held, camera.state == "live"))[:rows]


def _cells(camera: CameraStatus) -> dict[str, Text]:
    """What stands in its row, by column."""
    # Text, not str: a camera's name may hold what rich takes for markup.
    well = camera.state == "live"
    words = "starting" if camera.starting else camera.state.replace("_", " ")
    style = "green" if well else "yellow" if camera.starting else "bold red"
    state = Text(f"{words} {_short(camera.since_s)}", style=style)
    enough = camera.rate_per_s >= _ENOUGH * camera.wanted_per_s
    total_s = camera.watched_s + sum(camera.blind_s.values())
    watched = camera.watched_s / total_s if total_s else 0.0
    return {
        "camera": Text(camera.name, style="bold"),
        "state": state,
        "rung": Text(camera.attention or "-"),
        "sees": _sees(camera),
        "rate/s": Text(_rates(camera), style="" if enough else "yellow"),
        "age": Text("-" if camera.age_s is None else f"{camera.age_s:.2f} s"),
        # Rounded down: 100% is said of a camera that was never blind, and of no other.
        "watched": Text(f"{int(1000 * watched) / 10:.1f}%" if total_s else "-"),
        "dropped": Text(str(sum(camera.dropped.values()))),
        "reconnects": Text(str(camera.reconnects)),
    }


def _rates(camera: CameraStatus) -> str:
    """Looks a second that it gets of those that it is to get; a camera that is asleep gets one in many seconds."""
    digits = 2 if camera.wanted_per_s < _SELDOM_PER_S else 1
    return f"{camera.rate_per_s:.{digits}f}/{round(camera.wanted_per_s, 2):g}"


def _sees(camera: CameraStatus) -> Text:
    """The alarms that are held; of a camera that sees, the latest label; of one that does not, the reason."""
    sees = Text(no_wrap=True, overflow="ellipsis")
    if camera.held:
        sees.append(f" {' '.join(camera.held)} ", style="bold white on red").append(" ")
    if camera.state != "live" and not camera.starting:
        return sees.append(camera.reason, style="red")
    return sees.append(f"{camera.label} {camera.probability:.0%}" if camera.label else "nothing yet")


def _advice(cameras: Sequence[CameraStatus], width: int, lines: int) -> list[Text]:
    """What to do about the blind ones, in `lines` at most: their cells are too narrow for it."""
    told: list[Text] = []
    for camera in cameras:
        if not camera.advice:
            continue
        words = f"{camera.name}: {camera.advice}"
        wrapped = textwrap.wrap(words, width, subsequent_indent="  ", max_lines=_ADVICE_LINES, placeholder=" ...")
        if len(told) + len(wrapped) > lines:
            break
        # A letter may be two columns wide: a line that is counted once must not become two.
        told += [Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in wrapped]
    return told


def _foot(status: BoxStatus) -> Text:
    foot = Text("\n", style="dim", no_wrap=True, overflow="ellipsis")
    if status.backend:
        foot.append(f"{status.backend} {status.precision}, {status.ms_a_frame:.1f} ms a frame, batch {status.batch}")
    else:
        foot.append("no backend runs", style="bold red")
    foot.append(f", {status.events} alarm{'s' * (status.events != 1)}, up {_short(status.uptime_s)}")
    behind = [f"{name} {each.pending} waiting, {each.dead} dead" for name, each in status.sinks.items() if each.dead]
    if behind:
        foot.append(f"  dead letters: {'; '.join(behind)}", style="bold yellow")
    if status.overloaded:
        foot.append("  overloaded: fewer looks than wanted", style="bold yellow")
    return foot


def _short(seconds: float) -> str:
    """A duration in a few letters: 45s, 12m, 3h, 8d."""
    for unit_s, letter in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "m")):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f}{letter}"
    return f"{max(0.0, seconds):.0f}s"
