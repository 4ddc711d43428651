"""The metrics as Prometheus reads them: its own parser, and promtool where it is installed."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from runtime.cameras.sight import STATES
from runtime.service.metrics import Metrics
from tests.unit.runtime.service.statuses import box, camera

_OPERATIONS = Path(__file__).resolve().parents[4] / "docs" / "operations.md"


def text(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, in the order of their names."""
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text(metrics))
        for sample in family.samples
    }


def busy() -> Metrics:
    """Metrics in which every series has been written."""
    metrics = Metrics()
    gate = camera(frames=250, reconnects=2, watched_s=50.0, dropped={"late": 3}, blind_s={"offline": 10.0})
    metrics.update(box(replace(gate, attention="glance", woken={"motion": 4}, cpu_s={"scale": 2.5}), overloaded=True))
    metrics.classified("yard/gate", 0.12)
    metrics.event("yard/gate", "fire")
    metrics.batch(4, 0.03)
    metrics.backend("openvino", "fp16", "cpu")
    metrics.backend_failed("onnxruntime")
    metrics.backend("openvino", "fp16", "cpu")
    return metrics


def test_what_was_counted_is_there_under_its_name() -> None:
    found = samples(busy())
    expected = {
        ("edge_resnet_frames_received_total", "yard/gate"): 250,
        ("edge_resnet_frames_classified_total", "yard/gate"): 1,
        ("edge_resnet_frames_dropped_total", "yard/gate", "late"): 3,
        ("edge_resnet_reconnects_total", "yard/gate"): 2,
        ("edge_resnet_watched_seconds_total", "yard/gate"): 50,
        ("edge_resnet_blind_seconds_total", "yard/gate", "offline"): 10,
        ("edge_resnet_looks_wanted_per_second", "yard/gate"): 5,
        ("edge_resnet_looks_given_per_second", "yard/gate"): 4.9,
        ("edge_resnet_events_total", "fire", "yard/gate"): 1,
        ("edge_resnet_frame_age_seconds_count", "yard/gate"): 1,
        ("edge_resnet_frame_age_seconds_bucket", "yard/gate", "0.1"): 0,
        ("edge_resnet_frame_age_seconds_bucket", "yard/gate", "0.15"): 1,
        ("edge_resnet_inference_seconds_sum",): 0.03,
        ("edge_resnet_batch_size_sum",): 4,
        ("edge_resnet_backend_info", "openvino", "cpu", "fp16"): 1,
        ("edge_resnet_backend_failures_total", "onnxruntime"): 1,
        ("edge_resnet_overloaded",): 1,
        ("edge_resnet_camera_attention", "yard/gate", "glance"): 1,
        ("edge_resnet_camera_woken_total", "yard/gate", "motion"): 4,
        ("edge_resnet_camera_woken_total", "yard/gate", "evidence"): 0,
        ("edge_resnet_cpu_seconds_total", "scale"): 2.5,
    }
    assert {key: found.get(key) for key in expected} == expected


def test_no_looks_are_given_while_no_backend_runs() -> None:
    metrics = Metrics()
    for backend, given in (("openvino", 4.9), ("", 0.0), ("openvino", 4.9)):
        metrics.update(box(camera(), backend=backend))
        assert samples(metrics)["edge_resnet_looks_given_per_second", "yard/gate"] == given


def test_a_camera_is_in_one_state_at_a_time() -> None:
    metrics = Metrics()
    for now in ("live", "frozen", "offline"):
        metrics.state("yard/gate", now)
        found = samples(metrics)
        assert {each: found["edge_resnet_camera_state", "yard/gate", each] for each in STATES} == {
            each: float(each == now) for each in STATES
        }


def test_a_camera_is_on_one_rung_of_the_ladder_and_one_without_has_none() -> None:
    metrics = Metrics()
    for now in ("asleep", "watch", "glance"):
        metrics.update(box(camera(attention=now), camera("yard/door")))
        rungs = {key[1:]: value for key, value in samples(metrics).items() if key[0] == "edge_resnet_camera_attention"}
        assert rungs == {("yard/gate", rung): float(rung == now) for rung in ("asleep", "glance", "watch")}


def test_how_often_a_camera_was_woken_is_told_of_those_with_a_ladder_alone() -> None:
    metrics = Metrics()
    metrics.update(box(camera(attention="glance"), camera("yard/door")))
    metrics.update(box(camera(attention="watch", woken={"site": 1}), camera("yard/door")))
    woken = {key[1:]: value for key, value in samples(metrics).items() if key[0] == "edge_resnet_camera_woken_total"}
    reasons = ("motion", "always", "site", "operator", "evidence")
    assert woken == {("yard/gate", reason): float(reason == "site") for reason in reasons}


def test_a_camera_that_had_to_come_down_for_a_while_is_told_to_be_watched_again() -> None:
    metrics = Metrics()
    for now, rung in (("glance", "glance"), ("", "watch")):
        metrics.update(box(camera(attention=now)))
        assert samples(metrics)["edge_resnet_camera_attention", "yard/gate", rung] == 1.0
    metrics.remove("yard/gate")
    metrics.update(box(camera()))
    assert ("edge_resnet_camera_attention", "yard/gate", "watch") not in samples(metrics)


def test_what_cameras_took_is_added_up_and_stays_when_one_is_removed_and_comes_back() -> None:
    seconds = itertools.count(step=10)
    metrics, counted = Metrics(clock=lambda: float(next(seconds))), []
    door = camera("yard/door", cpu_s={"scale": 1.0})
    # In the middle it is removed, and the last is of one that was opened anew.
    for taken_s in (2.0, 3.0, None, 4.0, 0.25):
        if taken_s is None:
            metrics.remove("yard/gate")
        gates = () if taken_s is None else (camera(cpu_s={"scale": taken_s}),)
        metrics.update(box(*gates, door))
        counted.append(samples(metrics)["edge_resnet_cpu_seconds_total", "scale"])
    assert counted == [3.0, 4.0, 4.0, 8.0, 8.25]


def test_counters_of_a_new_camera_begin_at_zero_before_anything_is_counted() -> None:
    metrics = Metrics()
    metrics.update(box(camera()))
    found = samples(metrics)
    for name in ("frames_received", "frames_classified", "reconnects", "watched_seconds"):
        assert found[f"edge_resnet_{name}_total", "yard/gate"] == 0


def test_counters_follow_the_totals_and_never_fall_when_a_camera_is_opened_anew() -> None:
    metrics = Metrics()
    counted = []
    for watched_s in (10.0, 25.0, 25.0, 4.0, 6.0):
        metrics.update(box(camera(watched_s=watched_s)))
        counted.append(samples(metrics)["edge_resnet_watched_seconds_total", "yard/gate"])
    assert counted == [10.0, 25.0, 25.0, 29.0, 31.0]


def test_a_removed_camera_leaves_no_series_and_the_others_stay() -> None:
    metrics = busy()
    other = camera("yard/door", watched_s=7.0)
    metrics.update(box(camera(watched_s=50.0), other))
    metrics.remove("yard/gate")
    assert "yard/gate" not in text(metrics)
    assert samples(metrics)["edge_resnet_watched_seconds_total", "yard/door"] == 7.0
    # Back again, it is a new camera.
    metrics.update(box(camera(watched_s=60.0), other))
    assert samples(metrics)["edge_resnet_watched_seconds_total", "yard/gate"] == 60.0


def test_one_backend_runs_or_none() -> None:
    metrics = Metrics()
    running = ("edge_resnet_backend_info", "opencv", "cpu", "fp32")
    metrics.backend("openvino", "fp16", "cpu")
    metrics.backend("opencv", "fp32", "cpu")
    assert [key for key in samples(metrics) if "backend_info" in key[0]] == [running]
    metrics.backend_failed("opencv")
    metrics.backend_failed("")
    found = samples(metrics)
    assert not [key for key in found if "backend_info" in key[0]]
    assert found["edge_resnet_backend_failures_total", "none"] == 1


def test_the_process_is_measured_with_its_threads() -> None:
    metrics = Metrics()
    before, free = samples(metrics), threading.Event()
    thread = threading.Thread(target=free.wait)
    thread.start()
    try:
        found = samples(metrics)
    finally:
        free.set()
        thread.join()
    assert found["edge_resnet_threads",] == before["edge_resnet_threads",] + 1
    assert found["process_open_fds",] > 2
    assert found["process_resident_memory_bytes",] > 1e6


def test_two_watches_in_one_process_do_not_meet() -> None:
    one, other = busy(), Metrics()
    assert "yard/gate" in text(one)
    assert "yard/gate" not in text(other)


def test_a_name_that_needs_escaping_comes_back_as_it_was() -> None:
    metrics, name = Metrics(), 'yard/"gate"\\\nSüd'
    metrics.classified(name, 0.1)
    assert samples(metrics)["edge_resnet_frames_classified_total", name] == 1


def test_the_operations_page_lists_every_metric_with_its_type_and_no_other() -> None:
    ours = {
        f"edge_resnet_{found[1]}": found[2] for found in re.finditer(r"# TYPE edge_resnet_(\w+) (\w+)", text(busy()))
    }
    listed = dict(re.findall(r"^\| `(edge_resnet_\w+)(?:\{[a-z,]+\})?` \| (\w+) \|", _OPERATIONS.read_text(), re.M))
    assert listed == ours


def test_the_alert_rules_of_the_operations_page_ask_for_metrics_that_exist(tmp_path: Path) -> None:
    (rules,) = re.findall(r"^```yaml\n(groups:.*?)^```", _OPERATIONS.read_text(), re.M | re.S)
    exported = {key[0] for key in samples(busy())}
    for group in yaml.safe_load(rules)["groups"]:
        for rule in group["rules"]:
            asked = set(re.findall(r"\b(?:edge_resnet|process)_\w+", rule["expr"]))
            assert asked <= exported, rule["alert"]
    promtool = shutil.which("promtool")
    if promtool is not None:
        (tmp_path / "rules.yaml").write_text(rules)
        command = [promtool, "check", "rules", str(tmp_path / "rules.yaml")]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package: prometheus)")
    done = subprocess.run([promtool, "check", "metrics"], input=text(busy()).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
