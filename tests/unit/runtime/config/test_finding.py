"""What is said of a word that is not known: what was probably meant, or what there is."""

from __future__ import annotations

import pytest

from runtime.config.finding import instead

FEW = ["yard/gate", "yard/hall", "north/door"]
SITES = [*FEW, "south/gate"]
NUMBERED = [f"campus/camera{number:02}" for number in range(40)]


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("yard/gaet", FEW, "did you mean yard/gate?"),
        ("yrad/gate", FEW, "did you mean yard/gate?"),
        ("yard_gate", FEW, "did you mean yard/gate?"),
        ("gate", FEW, "did you mean yard/gate?"),
        ("yard/gate", ["gate"], "did you mean gate?"),
        ("gate", SITES, "did you mean yard/gate or south/gate?"),
        # What is the same is the site alone.
        ("yard/xy", FEW, "there are yard/gate, yard/hall, north/door"),
        ("yard/c1", ["yard/c2"], "there are yard/c2"),
        ("yard", FEW, "there are yard/gate, yard/hall, north/door"),
        # Another camera of that name, at a site that is like none.
        ("office/gate", FEW, "there are yard/gate, yard/hall, north/door"),
        ("rat", ["rate", "zones"], "did you mean rate?"),
        ("gpu", ["cpu", "auto"], "there are cpu, auto"),
        ("x", [], "there are none"),
    ],
)
def test_what_was_meant_is_like_it_in_every_part(word: str, known: list[str], told: str) -> None:
    assert instead(word, known) == told


def test_many_that_are_as_near_are_no_guess_and_not_all_are_told() -> None:
    told = instead("campus/camera99", NUMBERED)
    assert told.startswith("there are campus/camera00, campus/camera01, ")
    assert told.endswith("campus/camera11 and 28 more")
