"""Statuses for tests."""

from __future__ import annotations

from typing import Any

from runtime.service.status import BoxStatus, CameraStatus


def camera(name: str = "yard/gate", state: str = "live", **differs: Any) -> CameraStatus:
    """A camera that is well, but for what differs."""
    usual: dict[str, Any] = {"since_s": 75.0, "label": "normal", "probability": 0.97, "age_s": 0.134}
    return CameraStatus(name=name, state=state, **{**usual, "rate_per_s": 4.9, "wanted_per_s": 5.0, **differs})


def box(*cameras: CameraStatus, **differs: Any) -> BoxStatus:
    """A watch that is well, but for what differs."""
    usual: dict[str, Any] = {"uptime_s": 3600.0, "backend": "openvino", "precision": "fp16", "ms_a_frame": 7.2}
    return BoxStatus(cameras=cameras, **{**usual, **differs})
