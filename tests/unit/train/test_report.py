"""The report of a run: what it concludes by itself, its three files, and odd runs that must not break it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edge_resnet.data.listing import Sample, Skipped, Split
from edge_resnet.manifest import InputSpec, ModelSpec, default_alarms, default_background
from edge_resnet.train import report
from edge_resnet.train.checkpoint import Epoch, History
from edge_resnet.train.evaluate import blind_guess, judge
from edge_resnet.train.nearest_mean import nearest_mean
from edge_resnet.train.report import Judged, Material, Stage, card, power
from edge_resnet.train.report.card import command
from edge_resnet.train.report.clusters import clustered
from edge_resnet.train.report.conclusions import conclude
from edge_resnet.train.report.figures import Figures
from edge_resnet.train.report.write import contents
from edge_resnet.train.thresholds import Wish, choose

LABELS = ("fire", "normal", "smoke")


def answers(truth: npt.NDArray[np.int64], classes: int, right: float, seed: int = 0) -> npt.NDArray[np.float32]:
    """Logits of a network that has about this share right, and is surer where it is."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 0.5, (len(truth), classes))
    said = np.where(random.random(len(truth)) < right, truth, random.integers(0, classes, len(truth)))
    logits[np.arange(len(truth)), said] += 3.0
    return logits.astype(np.float32)


def judged(
    split: Split, truth: npt.NDArray[np.int64], logits: npt.NDArray[np.float32], **origin: Sequence[str]
) -> Judged:
    """Small grey frames; `group` and `clip` name cameras and clips."""
    n = len(truth)
    groups, clips = origin.get("group", [""] * n), origin.get("clip", [""] * n)
    samples = tuple(
        Sample(Path(f"{split}-{place}.jpg"), int(label), split, group=groups[place], clip=clips[place])
        for place, label in enumerate(truth)
    )
    frames = np.random.default_rng(1).integers(0, 255, (n, 32, 40, 3)).astype(np.uint8)
    return Judged(split, frames, samples, logits, np.zeros(n, np.bool_))


def material(
    labels: tuple[str, ...] = LABELS, n: int = 300, right: float = 0.9, probe: float = 0.6, wish: Wish | None = None
) -> Material:
    """A run whose network has about `right` right and whose probe `probe`, on `n` pictures."""
    classes = len(labels)
    truth = np.arange(n, dtype=np.int64) % classes
    val, test = (
        judged(split, truth, answers(truth, classes, right, seed)) for split, seed in (("val", 1), ("test", 2))
    )
    background = default_background(labels)
    alarms = default_alarms(labels, background)
    spec = ModelSpec(labels=labels, background=background, input=InputSpec(height=32, width=40), alarms=alarms)
    spec, choices = choose(spec, val.logits, truth, wish or Wish())
    return Material(
        run="runs/x",
        spec=spec,
        stages=(
            Stage("blind guess", blind_guess(truth, truth, labels)),
            Stage("linear probe", judge(answers(truth, classes, probe, 3), truth, labels)),
            Stage("fine-tuned", judge(test.logits, truth, labels)),
        ),
        val=val,
        judged=test,
        history=History((Epoch(0, 0.0, None, 1.0, 0.5, 1.0), Epoch(1, 0.1, 0.9, 0.8, 0.6, 1.0))),
        counts={"train": dict.fromkeys(labels, 9), "val": {}, "test": {}},
        skipped=(Skipped(Path("bad.jpg"), "empty file"),),
        data_fingerprint="f00d",
        device="cpu",
        processor="a processor",
        versions={"torch": "2"},
        asked={"data": "my pictures", "height": 32, "width": 40, "background": None},
        chosen={"lr": 0.1},
        audit={"errors": 3, "findings": {"two_labels": 3}},
        alarms=choices,
        seconds=12.34,
        pictures_per_second={"training": 3.0},
        explain=lambda frames: np.zeros((len(frames), classes, 2, 3), np.float32),
    )


def with_judged(
    run: Material, truth: npt.NDArray[np.int64], logits: npt.NDArray[np.float32], **origin: Any
) -> Material:
    """The same run, judged on other pictures by one network."""
    stages = (
        Stage("blind guess", blind_guess(truth, truth, run.spec.labels)),
        Stage("fine-tuned", judge(logits, truth, run.spec.labels)),
    )
    return replace(run, judged=judged("test", truth, logits, **origin), stages=stages)


def content_of(run: Material) -> dict[str, Any]:
    """What report.json says of a run, without drawing its page."""
    figures = Figures(run)
    return contents(figures, conclude(figures))


def card_of(run: Material) -> str:
    figures = Figures(run)
    return card.render(figures, conclude(figures))


def told(content: dict[str, Any], topic: str) -> str:
    """What the report concludes on a topic; empty if nothing."""
    return " ".join(f"{row['tone']}: {row['text']}" for row in content["conclusions"] if row["topic"] == topic)


class Tags(HTMLParser):
    """The tags of a page, with attributes, and whether those that must be closed are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag in {"table", "div", "details", "figure", "ul", "svg", "header"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"table", "div", "details", "figure", "ul", "svg", "header"}:
            assert self.open.pop() == tag


def page_of(folder: Path) -> tuple[str, Tags]:
    text = (folder / report.PAGE).read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    return text, tags


def test_a_run_leaves_page_json_card_and_matrix(tmp_path: Path) -> None:
    content = report.write(tmp_path, material())
    assert json.loads((tmp_path / report.REPORT).read_text()) == content
    before = {"run", "classes", "background", "judged_on", "temperature", "pictures", "skipped", "data_fingerprint"}
    assert before | {"device", "processor", "versions", "stages", "best_epoch", "epochs", "seconds"} <= content.keys()
    assert [stage["stage"] for stage in content["stages"]] == ["blind guess", "linear probe", "fine-tuned"]
    assert (content["best_epoch"], content["epochs"], content["seconds"]) == (1, 1, 12.3)
    assert content["verdict"] == "better than the linear probe"
    assert content["passed"]
    text, tags = page_of(tmp_path)
    assert "script" not in tags.names
    links = [value for name, value in tags.attributes if name in {"src", "href", "xlink:href"} and value]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "currentColor" in text
    assert Image.open(tmp_path / report.CONFUSION).size[0] > 200
    text_of_card = (tmp_path / report.CARD).read_text()
    assert "3 findings" in told(content, "audit")
    assert "findings: two_labels 3" in text
    accuracy = f"{content['stages'][2]['accuracy']:.1%}"
    assert accuracy in text_of_card
    assert accuracy in text
    for heading in ("Intended use", "Training data", "Per class", "Alarms and thresholds", "How to reproduce"):
        assert heading in text_of_card
    assert not re.search(r"(?<!\\)<", text_of_card)


def test_average_precision_and_calibration_are_told() -> None:
    run = material()
    content = content_of(run)
    perfect = np.array([0, 1, 2] * 50)
    logits = (np.eye(3)[perfect] * 8).astype(np.float32)
    flawless = content_of(with_judged(run, perfect, logits))
    assert [row["average_precision"] for row in flawless["per_class"]] == [1.0, 1.0, 1.0]
    assert 0.3 < content["mean_average_precision"] < 1.0
    assert flawless["ece"]["before"] < 0.01 < content["ece"]["before"]


def test_ranking_that_is_half_right_has_the_average_precision_of_its_definition() -> None:
    # Fire's scores in order: right, wrong, right: (1/1 + 2/3) / 2.
    truth = np.array([0, 1, 0])
    logits = np.array([[3, 0, -9], [2, 0, -9], [1, 0, -9]], np.float32)
    content = content_of(with_judged(material(), truth, logits))
    assert content["per_class"][0]["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert content["per_class"][2]["average_precision"] is None


def test_few_pictures_tell_nothing_and_how_many_would() -> None:
    content = content_of(material(("fire", "normal"), n=12, right=0.2, probe=0.2))
    assert content["verdict"] == "not enough data to tell"
    assert not content["passed"]
    assert told(content, "blind guess").startswith("open: Not enough data to tell the model from a blind guess")
    assert told(content, "linear probe").startswith("open: Not enough data to tell")
    assert "known only to ±" in told(content, "interval")
    assert "Validation has only 12 pictures" in told(content, "validation")
    assert "rule of three" in told(content, "thresholds")


def test_training_that_made_it_worse_is_said() -> None:
    content = content_of(material(right=0.5, probe=0.95))
    assert content["verdict"] == "worse than the linear probe"
    assert told(content, "linear probe").startswith("bad: Training made the network worse")
    assert not content["passed"]


def test_leaks_are_counted_out() -> None:
    truth = np.array([0, 1, 2] * 40)
    logits = (np.eye(3)[truth] * 4).astype(np.float32)
    logits[60:] = 0  # half is answered with the first class
    run = with_judged(material(), truth, logits)
    leaking = np.arange(120) < 60
    content = content_of(replace(run, judged=replace(run.judged, leaking=leaking)))
    assert content["leaks"]["n"] == 60
    assert content["leaks"]["accuracy_with"] == pytest.approx(80 / 120)
    assert content["leaks"]["accuracy_without"] == pytest.approx(20 / 60)
    assert "60 of 120 test pictures are related to training pictures: accuracy 66.7% with them, 33.3%" in told(
        content, "leaks"
    )
    # What is left is no better than a guess, and the verdict says so.
    assert content["verdict"] == "not enough data to tell"
    everything = content_of(replace(run, judged=replace(run.judged, leaking=np.ones(120, np.bool_))))
    assert everything["leaks"]["accuracy_without"] is None
    assert "none is left to judge honestly" in told(everything, "leaks")


def test_a_bad_camera_is_named() -> None:
    truth = np.array([0, 1, 2] * 40)
    logits = (np.eye(3)[truth] * 4).astype(np.float32)
    logits[:30] = (np.eye(3)[(truth[:30] + 1) % 3] * 4).astype(np.float32)
    cameras = ["gate"] * 30 + ["yard"] * 60 + [""] * 30
    run = with_judged(material(), truth, logits, group=cameras)
    content = content_of(run)
    assert content["groups"]["worst"] == "gate"
    assert [row["share"] for row in content["groups"]["each"]] == [0.0, 1.0, 1.0]
    assert content["groups"]["mean"] == pytest.approx(2 / 3)
    assert told(content, "cameras").startswith("bad: Much worse on gate: 0.0% of 30 pictures")
    assert "| gate | 30 | 0.0% (0.0% to 11.4%) |" in card_of(run)
    assert content_of(material())["groups"] is None


def test_pictures_of_one_clip_count_less() -> None:
    truth = np.array([0, 1, 2] * 40)
    logits = (np.eye(3)[truth] * 4).astype(np.float32)
    logits[:36] = (np.eye(3)[(truth[:36] + 1) % 3] * 4).astype(np.float32)
    clips = [f"clip{place // 12}" for place in range(120)]
    content = content_of(with_judged(material(), truth, logits, clip=clips))
    assert content["clusters"]["clusters"] == 10
    # All of a clip is right or wrong together: ten clips say what ten pictures say (nine, with Bessel's correction).
    assert content["clusters"]["effective_n"] == 9
    assert "come from 10 clips or bursts" in told(content, "clips")
    assert told(content_of(material()), "clips") == ""


def test_the_design_effect() -> None:
    right = np.array([True, False] * 50)
    alone = clustered(right, np.arange(100))
    assert (alone.clusters, alone.effective.n, alone.matters) == (100, 100, False)
    mixed = clustered(right, np.arange(100) // 2)
    assert mixed.effective.n == 100  # pairs of one right and one wrong vary less than independent ones
    assert clustered(np.ones(30, np.bool_), np.arange(30) // 10).effective.n == 3
    assert clustered(right, np.zeros(100, np.int64)).effective.n == 1


def test_sample_sizes_are_those_of_the_books() -> None:
    # Connor 1987: 10% against 20% discordant, power 80%: (1.96 sqrt(0.3) + 0.8416 sqrt(0.29))^2 / 0.01.
    assert power.to_tell_apart(100, 10, 20) == 234
    assert power.to_tell_apart(1000, 100, 200) == 234
    assert power.to_tell_apart(100, 5, 5) is None
    assert power.to_tell_from(0.6, 0.5) == 194
    assert power.to_tell_from(0.5, 0.5) is None
    assert power.to_narrow(0.5, 0.1) == 97


def test_the_surest_mistakes_are_shown_with_their_maps(tmp_path: Path) -> None:
    truth = np.zeros(90, np.int64)
    logits = np.zeros((90, 3), np.float32)
    logits[:, 1] = np.linspace(0.5, 5, 90)
    run = with_judged(material(), truth, logits, group=["gate"] * 90)
    asked: list[int] = []

    def explain(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        asked.append(len(frames))
        return np.zeros((len(frames), 3, 2, 3), np.float32)

    content = report.write(tmp_path, replace(run, explain=explain))
    assert asked == [24]
    assert [row["path"] for row in content["mistakes"]] == [f"test-{place}.jpg" for place in range(89, 65, -1)]
    assert content["mistakes"][0]["answer"] == "normal"
    assert content["mistakes"][0]["truth"] == "fire"
    text = (tmp_path / report.PAGE).read_text()
    assert text.count("<figure>") == 24
    assert text.count("data:image/jpeg") == 72
    assert "test-89.jpg" in text
    assert "No test picture of normal, smoke" in told(content, "classes")


def test_a_wish_that_was_refused_stands_on_the_page() -> None:
    run = material(n=60, wish=Wish(false_alarm_rate=0.01))
    content = content_of(run)
    assert told(content, "thresholds").startswith("bad: Alarm fire: false-alarm rate at most 1% is refused: only 40")
    assert content["alarms"][0]["refused"] is not None
    assert "only 40 validation pictures without fire" in card_of(run)
    held = content_of(material(n=900, right=0.97, wish=Wish(false_alarm_rate=0.05)))
    assert [row["refused"] for row in held["alarms"]] == [None, None]
    assert held["alarms"][0]["judged"]["n"] == 900


def test_judged_on_validation_is_said() -> None:
    run = material()
    content = content_of(replace(run, judged=run.val))
    assert content["judged_on"] == "val"
    assert "There are no test pictures" in told(content, "test pictures")


def test_a_thousand_classes_stay_readable(tmp_path: Path) -> None:
    content = report.write(tmp_path, material(tuple(f"c{index:03d}" for index in range(1000)), n=1500, right=0.5))
    assert content["stages"][2]["confusion"] is None
    assert len(content["stages"][2]["most_confused"]) == 20
    assert len(content["per_class"]) == 1000
    assert (tmp_path / report.REPORT).stat().st_size < 5e6
    assert (tmp_path / report.PAGE).stat().st_size < 3e6
    assert (tmp_path / report.CARD).stat().st_size < 1e5
    assert Image.open(tmp_path / report.CONFUSION).size[0] < 2000
    page_of(tmp_path)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_one_picture_a_class_and_extreme_networks(tmp_path: Path, right: float) -> None:
    truth = np.array([0, 1])
    said = truth if right else 1 - truth
    logits = (np.eye(2)[said] * 50).astype(np.float32)
    content = report.write(tmp_path, with_judged(material(("fire", "normal"), n=2), truth, logits))
    assert content["stages"][-1]["accuracy"] == right
    assert len(content["mistakes"]) == (0 if right else 2)
    text, _ = page_of(tmp_path)
    assert ("None: every answer is right" in text) == bool(right)
    # Two pictures show nothing, whatever their answers.
    assert '<header class="fail">' in text


def test_a_start_without_training_has_a_history_of_one(tmp_path: Path) -> None:
    run = material()
    report.write(tmp_path, replace(run, history=History(run.history.epochs[:1]), stages=run.stages[::2], audit=None))
    page_of(tmp_path)


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    nasty = ("<b>$x$|_a", "normal", "烟")
    run = material(nasty)
    odd = Path(b"caf\xe9<i>.jpg".decode(errors="surrogateescape"))
    samples = tuple(replace(sample, path=odd, group="a|<u>") for sample in run.judged.samples)
    report.write(tmp_path, replace(run, judged=replace(run.judged, samples=samples), run="runs/<s>"))
    text, tags = page_of(tmp_path)
    assert not {"b>$x$|_a", "i", "u", "s"} & tags.names
    assert "&lt;i&gt;" in text
    text_of_card = (tmp_path / report.CARD).read_text(encoding="utf-8")
    assert r"\<b\>$x$\|\_a" in text_of_card
    rows = [line for line in text_of_card.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) >= 3 for line in rows)


def test_the_command_is_the_one_that_was_asked() -> None:
    asked = {"data": "my pictures", "weights": "none", "height": 32, "width": 40, "seed": 0, "background": ("a", "b")}
    assert command(asked) == "edge-resnet finetune 'my pictures' --input 32x40 --weights none --background a,b"


def test_the_nearest_mean_is_of_centred_and_scaled_features() -> None:
    random = np.random.default_rng(0)
    train, others = (random.normal(3, 1, (n, 8)).astype(np.float32) for n in (20, 5))
    truth = np.arange(20) % 3
    found = nearest_mean(train, truth, others, 4)
    scaled, asked = (
        (part - train.mean(0)) / np.linalg.norm(part - train.mean(0), axis=1)[:, None] for part in (train, others)
    )
    for index in range(3):
        mean = scaled[truth == index].mean(0)
        assert found[:, index] == pytest.approx(-np.square(asked - mean).sum(1), rel=1e-4)
    assert np.isneginf(found[:, 3]).all()
    assert found.dtype == np.float32
