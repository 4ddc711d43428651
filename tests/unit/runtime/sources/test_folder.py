"""A folder of pictures as a source: in the order that people expect, broken ones counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sources import open_source
from runtime.sources.address import Address
from runtime.sources.folder import FolderSource, natural
from runtime.sources.outage import Outage
from tests.drawn import bad_pictures, picture


def test_pictures_come_in_natural_order_five_a_second(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        picture(number, (number, 0, 0)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    source = open_source(Address.parse(str(tmp_path)))
    frames = [(source.grab(), source.retrieve()) for _ in range(3)]
    assert source.grab() is None
    assert (source.live, source.fps) == (False, 5.0)
    assert [time_s for time_s, _ in frames] == pytest.approx([0.0, 0.2, 0.4])
    # BGR: the blot's red comes last.
    assert [
        number
        for _, image in frames
        if image is not None
        for number in (1, 9, 10)
        if (image == (0, 0, number)).all(2).any()
    ] == [1, 9, 10]


def test_broken_pictures_are_counted_and_keep_their_place(tmp_path: Path) -> None:
    bad = bad_pictures(tmp_path)
    picture(1, (1, 2, 3)).save(tmp_path / "zzz.png")
    source = FolderSource(Address.parse(str(tmp_path)))
    images, time_s = [], 0.0
    while (at_s := source.grab()) is not None:
        time_s = at_s
        images.append(source.retrieve())
    source.close()
    assert source.broken == len(bad)
    assert [image is None for image in images] == [True] * len(bad) + [False]
    assert time_s == pytest.approx(len(bad) / 5)


def test_a_folder_without_pictures_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(Outage, match="no picture") as caught:
        open_source(Address.parse(str(tmp_path)))
    assert caught.value.reason == "not_found"
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=8))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert sorted(names, key=natural) == sorted(sorted(names, reverse=True), key=natural) or len(
        {natural(name) for name in names}
    ) < len(set(names))


def test_numbers_count_as_numbers_wherever_they_stand() -> None:
    names = ["a10/2.jpg", "a9/10.jpg", "a9/9.jpg", "b1.jpg", "A11.jpg"]
    assert sorted(names, key=natural) == ["a9/9.jpg", "a9/10.jpg", "a10/2.jpg", "A11.jpg", "b1.jpg"]
