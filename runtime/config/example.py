"""The configuration that `edge-resnet config example` prints: every key, its unit and its default."""

from __future__ import annotations

from importlib import resources

EXAMPLE = resources.files("runtime.config").joinpath("example.yaml").read_text(encoding="utf-8")
