"""Which training pictures calibrate INT8."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_resnet import files
from edge_resnet.data.listing import SPLIT_FILE, Listing, Sample, Split
from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec, ModelSpec
from export.int8.pictures import calibration_pictures, refuse_leak

SPEC = ModelSpec(labels=("a", "b", "c"), input=InputSpec(height=32, width=32))


def run_with(folder: Path, counts: dict[Split, tuple[int, int, int]]) -> Path:
    samples = []
    for split, numbers in counts.items():
        for label, count in enumerate(numbers):
            for number in range(count):
                path = folder / f"{split}-{label}-{number}.png"
                path.write_text(path.name)
                samples.append(Sample(path, label, split, files.sha256(path)))
    (folder / SPLIT_FILE).write_text(Listing(folder, SPEC.labels, tuple(samples)).table())
    return folder


def test_classes_are_balanced_and_only_training_pictures_are_taken(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"train": (40, 12, 4), "val": (9, 9, 9), "test": (9, 9, 9)})
    chosen = calibration_pictures(run, SPEC, 24)
    assert chosen.counts("train") == {"a": 10, "b": 10, "c": 4}
    assert {sample.split for sample in chosen.samples} == {"train"}
    assert len(calibration_pictures(run, SPEC, 1000).samples) == 56


def test_the_choice_does_not_depend_on_the_order_of_the_table(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"train": (30, 30, 30)})
    first = calibration_pictures(run, SPEC, 20)
    header, *rows = (run / SPLIT_FILE).read_text().splitlines()
    (run / SPLIT_FILE).write_text("\n".join([header, *reversed(rows)]))
    assert {sample.content for sample in calibration_pictures(run, SPEC, 20).samples} == {
        sample.content for sample in first.samples
    }


def test_copies_of_one_picture_count_once(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"train": (20, 20, 20)})
    for number in range(20):
        (tmp_path / f"train-0-{number}.png").write_text("the same")
    same = files.sha256(tmp_path / "train-0-0.png")
    lines = [
        ",".join([*line.split(",")[:2], same, *line.split(",")[3:]]) if line.startswith("train,a,") else line
        for line in (run / SPLIT_FILE).read_text().splitlines()
    ]
    (run / SPLIT_FILE).write_text("\n".join(lines))
    assert calibration_pictures(run, SPEC, 60).counts("train") == {"a": 1, "b": 20, "c": 20}


def test_too_few_or_all_of_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="15 training pictures are too few"):
        calibration_pictures(run_with(tmp_path, {"train": (5, 5, 5), "val": (90, 90, 90)}), SPEC, 256)
    with pytest.raises(UserError, match="all calibration pictures are of class b"):
        calibration_pictures(run_with(tmp_path, {"train": (0, 40, 0)}), SPEC, 256)


def test_a_proof_on_a_calibration_picture_is_refused_also_under_another_name(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"train": (20, 20, 20), "test": (3, 3, 3)})
    chosen = calibration_pictures(run, SPEC, 60)
    test = [Sample(path, 0, "test") for path in sorted(tmp_path.glob("test-*"))]
    refuse_leak(chosen, test)
    leaked = tmp_path / "renamed.png"
    leaked.write_bytes(chosen.samples[7].path.read_bytes())
    with pytest.raises(UserError, match=r"renamed\.png: is a training picture"):
        refuse_leak(chosen, [*test, Sample(leaked, 0, "test")])
