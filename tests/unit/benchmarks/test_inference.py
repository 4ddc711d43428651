"""The pure parts of benchmarks/inference.py: multiplications, what a peer says, and what becomes of the rounds."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks import inference
from benchmarks.inference import Measured, time_engine
from benchmarks.inference_engine import Task, side_by_side, timed
from benchmarks.inference_peers import ONNXRUNTIME, OPENVINO, Said, read
from benchmarks.multiplications import gmac_a_frame
from edge_resnet.manifest import InputSpec
from runtime.backends.base import Description

_BENCHMARK_APP = """
[ INFO ] First inference took 8.23 ms
[ INFO ] Count:            180 iterations
[ INFO ] Latency:
[ INFO ]    Median:        6.50 ms
[ INFO ]    Average:       11.06 ms
[ INFO ] Throughput:   89.45 FPS
"""
_PERF_TEST = """
Total inference requests: 100
Number of inferences per second: 31.2
Min Latency: 0.029 s
P50 Latency: 0.032 s
P90 Latency: 0.041 s
P99 Latency: 5e-02 s
"""


def test_multiplications_of_convolutions_and_products_are_counted_for_one_frame() -> None:
    nodes = [
        helper.make_node("Conv", ["frames", "filters"], ["maps"], strides=[2, 2], pads=[1, 1, 1, 1], group=2),
        helper.make_node("GlobalAveragePool", ["maps"], ["means"]),
        helper.make_node("Flatten", ["means"], ["vector"]),
        helper.make_node("Gemm", ["vector", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["N", 4, 10, 6])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])],
        [
            numpy_helper.from_array(np.zeros((8, 2, 3, 3), np.float32), "filters"),
            numpy_helper.from_array(np.zeros((8, 3), np.float32), "head"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    # 8 maps of 5 x 3, each value of two planes' 3 x 3; then 8 x 3.
    assert round(gmac_a_frame(model.SerializeToString()) * 1e9) == 8 * 5 * 3 * 2 * 3 * 3 + 8 * 3


def test_what_the_engines_own_benchmarks_say_is_read() -> None:
    assert read(OPENVINO, _BENCHMARK_APP) == Said(6.5, None, 89.45)
    assert read(ONNXRUNTIME, _PERF_TEST) == Said(32.0, 50.0, 31.2)
    with pytest.raises(RuntimeError, match="told no times"):
        read(OPENVINO, "[ ERROR ] no such device")


def _row(measured: Measured) -> dict[str, Any]:
    return measured.row(4.0, [{0: {"int8": 1000.0}}, {0: {"int8": 500.0}}, {0: {"int8": 2000.0}}])


def test_shares_of_the_limit_are_taken_within_a_round_and_percentiles_over_all_calls() -> None:
    measured = Measured("openvino", "int8", 1, 0, images_per_s=[100.0, 100.0, 100.0], peak_bytes=[5_000_000, 7_000_000])
    measured.ms = [float(each) for each in range(1, 102)]
    row = _row(measured)
    assert (row["p50_ms"], row["p99_ms"], row["images_per_s"], row["peak_mb"]) == (51.0, 100.0, 100.0, 7)
    # 0.4, 0.8 and 0.2.
    assert row["of_limit"] == 0.4


def test_a_peer_that_tells_no_99th_percentile_and_a_precision_without_a_product_leave_a_gap() -> None:
    measured = Measured("benchmark_app", "fp16", 1, 0, p50_ms=[3.0, 5.0, 4.0], images_per_s=[1.0] * 3, peak_bytes=[1])
    row = _row(measured)
    assert (row["p50_ms"], row["p99_ms"], row["of_limit"]) == (4.0, None, None)


@pytest.mark.parametrize("requests", [1, 3])
def test_as_many_calls_are_under_way_as_are_asked_for_and_each_is_timed_by_itself(requests: int) -> None:
    # Nobody goes on before all are there.
    together = threading.Barrier(requests, timeout=20.0)
    found = side_by_side(together.wait, 0.0, requests)
    assert len(found.ms) == 5 * requests
    # All threads' rates added; their times may differ, which can but add to it.
    assert found.per_s >= 0.999 * requests * 1000.0 * len(found.ms) / sum(found.ms)


class Engine:
    """Takes three batches at a time, and waits until they are there. What it is given is kept."""

    requests = 3

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._together = threading.Barrier(self.requests, timeout=20.0)

    def infer(self, frames: np.ndarray) -> None:
        self.shapes.append(frames.shape)
        self._together.wait()

    def describe(self) -> Description:
        return Description("engine", "1", "cpu", "int8", "int8")

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


TASK = Task("bundle", "engine", "int8", batch=4, threads=0, box="box", seconds=0.0)


def test_an_engine_is_given_a_batch_on_each_of_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, opened = Engine(), {}
    bundle = SimpleNamespace(model=SimpleNamespace(input=InputSpec(height=32, width=48)))

    def opens(*what: object, **how: object) -> Engine:
        opened.update(how)
        return engine

    monkeypatch.setattr("benchmarks.inference_engine.Bundle.open", lambda folder: bundle)
    monkeypatch.setattr("benchmarks.inference_engine.open_backend", opens)
    told = timed(TASK)
    assert (told["requests"], opened["hint"], opened["box"]) == (3, "throughput", Path("box"))
    assert set(engine.shapes) == {(4, 32, 48, 3)}


def test_images_a_second_are_of_all_batches_under_way_and_percentiles_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"ms": [30.0, 30.0, 30.0], "per_s": 100.0, "requests": 3, "runs": {"emulated": False, "note": ""}}
    monkeypatch.setattr(inference, "_child", lambda what: (told, 5_000_000))
    measured = Measured(TASK.backend, TASK.precision, TASK.batch, TASK.threads)
    time_engine(TASK, measured)
    row = measured.row(4.0, [{0: {"int8": 1000.0}}])
    assert (row["p50_ms"], row["images_per_s"], row["requests"], row["of_limit"]) == (30.0, 400.0, 3, 1.6)
    inference.show({"gmac_per_s": {}, "rows": [row], "left_out": {}})
    head, told_row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["batch", "at", "once"]
    assert told_row.split()[:5] == ["engine", "int8", "4", "3", "auto"]
