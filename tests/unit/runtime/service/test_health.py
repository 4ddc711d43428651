"""Where to listen, and what is answered when; the server itself is tested in tests/system/test_service.py."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from edge_resnet.errors import UserError
from runtime.service.health import Health, Listen
from runtime.service.metrics import Metrics
from tests.unit.runtime.service.statuses import box, camera


class Watch:
    """A Health whose clock the test turns."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.health = Health(Metrics(), beats_within_s=10.0, clock=lambda: self.now_s)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        answer = self.health.answer(path, "")
        assert answer.content_type == "application/json"
        return answer.code, json.loads(answer.body)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9108", "127.0.0.1", 9108),
        ("localhost:0", "localhost", 0),
        ("[::1]:9108", "::1", 9108),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
        ("box-3.lan:1", "box-3.lan", 1),
    ],
)
def test_an_address_is_understood_and_written_as_it_was(text: str, host: str, port: int) -> None:
    listen = Listen.parse(text)
    assert (listen.host, listen.port) == (host, port)
    assert str(listen) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "9108",
            ":9108",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:70000",
            "127.0.0.1:-1",
            "::1:9108",
            "[::1]",
            "a b:1",
        ),
        *("http://127.0.0.1:9108", "127.0.0.1:9108/metrics", "127.0.0.1:9108\n", "host:²", "a b:1"),
    ],
)
def test_what_is_no_address_is_refused_in_a_line_that_shows_one(text: str) -> None:
    with pytest.raises(UserError, match=r"--metrics .*127\.0\.0\.1:9108"):
        Listen.parse(text)


def test_a_password_in_a_mistyped_address_is_not_shown() -> None:
    with pytest.raises(UserError) as refused:
        Listen.parse("http://admin:hunter2@host:9108")
    assert "hunter2" not in str(refused.value)


def test_healthy_while_the_main_loop_beats() -> None:
    watch = Watch()
    assert watch.get("/healthz") == (200, {"healthy": True, "why": [], "silent_s": 0.0})
    watch.now_s += 9.9
    assert watch.get("/healthz")[0] == 200
    watch.now_s += 0.1
    code, told = watch.get("/healthz")
    assert (code, told["why"]) == (503, ["the main loop is silent for 10 s"])
    watch.health.beat()
    assert watch.get("/healthz")[0] == 200


def test_healthy_though_no_camera_and_no_backend_is() -> None:
    # Nobody mends a camera by restarting the watch.
    watch = Watch()
    watch.health.publish(box(camera(state="offline"), backend=""))
    assert watch.get("/healthz")[0] == 200


def test_ready_when_a_backend_runs_and_one_camera_is_live() -> None:
    watch = Watch()
    assert watch.get("/readyz") == (503, {"ready": False, "why": ["no backend runs", "no camera is live"]})
    watch.health.publish(box(camera(), backend=""))
    assert watch.get("/readyz")[1]["why"] == ["no backend runs"]
    watch.health.publish(box(camera(state="stale"), camera("yard/door", "frozen")))
    assert watch.get("/readyz")[1]["why"] == ["no camera is live"]
    watch.health.publish(box(camera(state="stale"), camera("yard/door")))
    assert watch.get("/readyz")[0] == 200


def test_not_ready_when_what_is_known_is_old() -> None:
    watch = Watch()
    watch.health.publish(box(camera()))
    watch.now_s += 30.0
    code, told = watch.get("/readyz")
    assert (code, told["why"]) == (503, ["the main loop is silent for 30 s"])


def test_ready_tells_how_each_camera_stands_and_no_password() -> None:
    watch = Watch()
    why = "no answer from rtsp://admin:hunter2@10.0.0.5/s"
    gate = camera(state="offline", why=why, held=("fire",), watched_s=5.0, blind_s={"offline": 2.5})
    watch.health.publish(box(replace(gate, attention="watch", attention_why="evidence", decoder="cuda")))
    told = watch.get("/readyz")[1]
    assert told["backend"] == "openvino"
    assert told["cameras"] == [
        {
            **{"name": "yard/gate", "state": "offline", "since_s": 75.0, "held": ["fire"], "watched_s": 5.0},
            **{"blind_s": {"offline": 2.5}, "why": "no answer from rtsp://***@10.0.0.5/s"},
            **{"attention": "watch", "attention_why": "evidence", "decoder": "cuda"},
        }
    ]


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsz", "//metrics", "/../healthz", "metrics", "*"])
def test_nothing_else_is_there(path: str) -> None:
    assert Watch().health.answer(path, "").code == 404


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        # As Prometheus asks.
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3", "application/openmetrics-text"),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for(accept: str, content_type: str) -> None:
    answer = Watch().health.answer("/metrics?x=1", accept)
    assert answer.code == 200
    assert answer.content_type.startswith(content_type)
    assert b"edge_resnet_overloaded" in answer.body
