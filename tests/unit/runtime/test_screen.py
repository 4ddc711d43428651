"""What people see is made no larger than they see it: of a decoded frame each pixel costs time of the main loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.cameras.shot import Shot
from runtime.events.store import EventStore
from runtime.outputs.wall import Wall, grid
from runtime.screen import Screen
from runtime.sources.frame import Frame, Image
from tests.stand_ins import MODEL
from tests.unit.runtime.feed import Frames, Recorder, Room
from tests.unit.runtime.service.statuses import box, camera


class Counted:
    """A decoded frame of 1920x1080 that knows at which widths its picture was made."""

    shape, nbytes = (1080, 1920), 0

    def __init__(self) -> None:
        self.widths: list[int] = []

    def grey(self, row_step: int, column_step: int) -> Image:
        raise AssertionError("nobody measures here")

    def scaled(self, height: int, width: int) -> Image:
        self.widths.append(width)
        return np.zeros((height, width, 3), np.uint8)


def widths(folder: Path, wall: Wall | None) -> list[int]:
    """At which widths a picture is made of a frame that is shown."""
    with EventStore(folder / "events.sqlite") as store:
        room = Room(store, {"yard": Frames([], live=True)})
        room.watch.inference.close()
        decoded = Counted()
        Screen(MODEL, [Recorder()], wall).show(room.watch.channels["yard"], Shot(Frame(decoded, 1.0, 0)))
        return decoded.widths


@pytest.mark.parametrize("cameras", [1, 2, 7, 16, 400])
def test_on_a_wall_no_picture_is_made_that_is_larger_than_its_tile(tmp_path: Path, cameras: int) -> None:
    (width,) = widths(tmp_path, Wall(cameras))
    assert 0.4 <= width / (1280 / grid(cameras)[1]) <= 1.0


def test_what_a_reload_adds_to_a_single_camera_is_not_shown(tmp_path: Path) -> None:
    with EventStore(tmp_path / "events.sqlite") as store:
        room, recorder = Room(store, {name: Frames([], live=True) for name in ("yard", "gate")}), Recorder()
        room.watch.inference.close()
        screen, dark = Screen(MODEL, [recorder], None), np.zeros((48, 64, 3), np.uint8)
        for time_s, name in ((1.0, "yard"), (2.0, "gate"), (3.0, "yard")):
            screen.show(room.watch.channels[name], Shot(Frame(dark, time_s, 0)))
        assert [time_s for time_s, _ in recorder.pictures] == [1.0, 3.0]
        # It says itself that it is blind, and goes on doing so beside the other; when it was removed, nobody does.
        screen.refresh(box(camera("gate", "black"), camera("yard", "black")), 4.0)
        screen.refresh(box(camera("gate", "black")), 5.0)
        assert [time_s for time_s, _ in recorder.pictures] == [1.0, 3.0, 4.0]


def test_a_single_camera_is_shown_in_its_own_size(tmp_path: Path) -> None:
    assert widths(tmp_path, None) == [1920]
