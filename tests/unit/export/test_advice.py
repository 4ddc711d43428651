"""The words of the verdict: what is shipped, what is kept, and why."""

from __future__ import annotations

import numpy as np
import pytest

from edge_resnet.verdict import GATES, judge
from export.parity.advice import EXACTNESS, advise, recommend
from export.parity.row import Row, RowVerdict
from export.parity.speed import Speed

N = 225


def row(
    backend: str,
    precision: str,
    ratio: float | None,
    verdict: RowVerdict = "pass",
    *,
    worse: int = 0,
    labels: bool = True,
) -> Row:
    """A row on 225 pictures of which the candidate has `worse` wrong."""
    logits = np.tile([5.0, 0.0], (N, 1))
    candidate = logits.copy()
    candidate[:worse] = candidate[:worse, ::-1]
    result = judge(precision, logits, candidate, labels=np.zeros(N, int) if labels else None)
    speed = None if ratio is None else Speed(10 / ratio, ratio, ratio, ratio, ("openvino", "fp32"), 7)
    return Row(
        backend, precision, verdict, "cosine 0.9 is under 0.99" if verdict == "fail" else "", None, result, speed=speed
    )


def decisions(*rows: Row) -> list[str]:
    return [advice.decision for advice in advise(rows)]


def test_all_precisions_have_a_place() -> None:
    assert set(EXACTNESS) == set(GATES)


def test_int8_that_is_faster_is_shipped_with_what_is_known_of_its_accuracy() -> None:
    rows = [row("openvino", "fp32", 1.0), row("openvino", "int8", 3.6)]
    assert decisions(*rows) == ["baseline", "ship"]
    needed = "0 pp (undecided at 0.5 pp: 225 of 598 pictures)"
    assert advise(rows)[1].sentence == f"INT8 on OpenVINO: 3.60x, {needed}: ship"
    assert (
        recommend(rows)
        == f"Ship INT8 on OpenVINO (2.8 ms a frame): 3.60x the speed of FP32 on OpenVINO, accuracy {needed}."
    )


@pytest.mark.parametrize(("ratio", "decision"), [(1.05, "keep"), (1.09, "keep"), (1.1, "ship")])
def test_a_tenth_faster_is_the_least(ratio: float, decision: str) -> None:
    rows = [row("openvino", "fp32", 1.0), row("onnxruntime", "int8", ratio)]
    assert decisions(*rows) == ["baseline", decision]
    if decision == "keep":
        assert advise(rows)[1].sentence.endswith(": keep FP32 on OpenVINO")
        assert recommend(rows).startswith("Ship FP32 on OpenVINO (10.0 ms a frame): nothing less exact")


def test_less_exact_is_compared_with_the_best_that_is_more_exact() -> None:
    rows = [
        row("openvino", "fp32", 1.0),
        row("opencv", "fp32", 0.5),
        row("openvino", "fp16", 2.0),
        row("onnxruntime", "int8", 2.1),
    ]
    assert decisions(*rows) == ["baseline", "keep", "ship", "keep"]
    sentences = [advice.sentence for advice in advise(rows)]
    assert sentences[1].endswith("keep FP32 on OpenVINO")
    assert sentences[3].endswith("keep FP16 on OpenVINO")
    assert recommend(rows).startswith("Ship FP16 on OpenVINO")


def test_what_is_not_shipped_itself_is_no_measure_for_others() -> None:
    rows = [row("openvino", "fp32", 1.0), row("openvino", "bf16", 1.05), row("openvino", "int8", 1.12)]
    assert decisions(*rows) == ["baseline", "keep", "ship"]


def test_a_failing_row_is_never_shipped_and_stops_the_bundle() -> None:
    rows = [row("openvino", "fp32", 1.0), row("openvino", "int8", None, "fail"), row("opencv", "fp32", None, "fail")]
    assert decisions(*rows)[1] == "do not ship"
    assert advise(rows)[1].sentence == "INT8 on OpenVINO: do not ship: cosine 0.9 is under 0.99"
    assert recommend(rows) == "Do not ship this bundle: INT8 on OpenVINO fails, and 1 more (cosine 0.9 is under 0.99)."
    assert "no engine here ran FP32" in recommend([row("openvino", "int8", None)])


def test_nothing_is_chosen_where_nothing_was_timed() -> None:
    rows = [row("openvino", "fp32", None), row("openvino", "int8", None, labels=False)]
    assert decisions(*rows) == ["open", "open"]
    assert advise(rows)[1].sentence == "INT8 on OpenVINO: 100% of answers equal: passes, speed not measured"
    assert "no precision is recommended" in recommend(rows)


@pytest.mark.parametrize("verdict", ["emulated", "built, not run", "unsupported", "not installed"])
def test_what_did_not_really_run_is_left_open(verdict: RowVerdict) -> None:
    rows = [row("openvino", "fp32", 1.0), row("tensorrt", "fp16", 9.0, verdict)]
    assert decisions(*rows) == ["baseline", "open"]
    assert recommend(rows).startswith("Ship FP32 on OpenVINO")
    assert verdict in advise(rows)[1].sentence
    if verdict == "emulated":
        assert "on 225 pictures" in advise(rows)[1].sentence


def test_a_loss_has_its_sign() -> None:
    rows = [row("openvino", "fp32", 1.0), row("openvino", "int8", 2.0, worse=1)]
    assert "2.00x, -0.44 pp (undecided at 0.5 pp" in advise(rows)[1].sentence
