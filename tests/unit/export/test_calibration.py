"""calibration.json: what is written is read back, and nothing else is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_resnet.errors import UserError
from edge_resnet.manifest import InputSpec
from export.int8 import calibration
from export.int8.calibration import Calibration, key_of, read, tabulate
from export.int8.histogram import Extent, Histogram
from export.int8.thresholds import METHODS, SCHEMES, threshold

INPUT = InputSpec(height=64, width=96)


@pytest.fixture
def histogram() -> Histogram:
    histogram = Histogram.empty(Extent(-1.0, 3.0))
    histogram.add(np.linspace(-1, 3, 1000, dtype=np.float32))
    return histogram


@pytest.fixture
def table(histogram: Histogram) -> Calibration:
    return tabulate("key", 256, "an engine 1.0", {"conv1.relu": histogram})


def test_a_table_has_every_method_and_scheme_and_survives_its_file(
    table: Calibration, histogram: Histogram, tmp_path: Path
) -> None:
    path = tmp_path / calibration.CALIBRATION
    path.write_text(table.model_dump_json())
    assert read(path) == table
    for method in METHODS:
        for scheme in SCHEMES:
            assert table.ranges(method, scheme) == {"conv1.relu": threshold(histogram, method, scheme)}


def test_the_key_is_of_weights_preprocessing_and_pictures_in_any_order() -> None:
    key = key_of("aa", INPUT, ["1", "2", "3"])
    assert key_of("aa", INPUT, ["3", "1", "2"]) == key
    others = [
        key_of("ab", INPUT, ["1", "2", "3"]),
        key_of("aa", InputSpec(height=64, width=64), ["1", "2", "3"]),
        key_of("aa", InputSpec(height=64, width=96, resize="crop"), ["1", "2", "3"]),
        key_of("aa", INPUT, ["1", "2"]),
    ]
    assert len({key, *others}) == 5


def _with(table: Calibration, **changes: Any) -> str:
    content = table.model_dump(mode="json")
    content["tensors"]["conv1.relu"].update(changes)
    return json.dumps(content)


def test_what_is_no_table_is_one_line(table: Calibration, tmp_path: Path) -> None:
    path = tmp_path / calibration.CALIBRATION
    upside_down = {method: {scheme: {"low": 1.0, "high": 2.0} for scheme in SCHEMES} for method in METHODS}
    for text in (
        *("", "{", "[]", "null", "[" * 100_000, "\xff", '{"schema_version": 2}', _with(table, extra=1)),
        *(_with(table, low=float("nan")), _with(table, ranges=upside_down), _with(table, ranges={"entropy": {}})),
        *(_with(table, ranges={}), " " * (calibration._MAX_FILE_BYTES + 1)),
    ):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(UserError) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "absent.json")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300) | st.recursive(st.none() | st.floats() | st.text(), st.lists, max_leaves=20).map(str))
def test_any_bytes_give_a_table_or_our_error(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / calibration.CALIBRATION
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError):
        read(path)
