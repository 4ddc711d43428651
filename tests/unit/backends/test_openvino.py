"""How a batch is shared out over the requests of OpenVINO that run side by side."""

from __future__ import annotations

import pytest

openvino_ = pytest.importorskip("runtime.backends.openvino_")


@pytest.mark.parametrize(
    ("frames", "requests", "together"),
    [(2, 2, 1), (3, 2, 2), (4, 2, 2), (8, 2, 2), (8, 4, 2), (4, 4, 1), (5, 4, 2), (8, 1, 2), (64, 2, 2)],
)
def test_all_requests_have_work_before_frames_are_put_together(frames: int, requests: int, together: int) -> None:
    assert openvino_.frames_a_request(frames, requests) == together
