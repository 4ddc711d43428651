"""The schema that editors check with: it takes what the program takes, and says the units."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from runtime.config.example import EXAMPLE
from runtime.config.schema import schema


@pytest.fixture(scope="module")
def validator() -> jsonschema.protocols.Validator:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def camera(**settings: Any) -> dict[str, Any]:
    return {"sites": {"yard": {"cameras": {"gate": {"detect": "0", **settings}}}}}


def test_it_takes_the_example(validator: jsonschema.protocols.Validator) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(EXAMPLE))] == []


@pytest.mark.parametrize("settings", [{"detect": 0}, {"rate": "5/s"}, {"max_age": "1.5 h"}, {"masks": [[[0, 0]] * 3]}])
def test_it_takes_what_the_program_takes(settings: Any, validator: jsonschema.protocols.Validator) -> None:
    assert validator.is_valid(camera(**settings))


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 5}, {"rate": "5 s"}, {"rat": "5/s"}, {"max_age": "5/s"}, {"masks": [[[0, 2]] * 3]}, {"gate": "on"}],
)
def test_it_refuses_what_the_program_refuses(wrong: Any, validator: jsonschema.protocols.Validator) -> None:
    assert not validator.is_valid(camera(**wrong))


def test_it_refuses_names_that_the_program_refuses(validator: jsonschema.protocols.Validator) -> None:
    assert not validator.is_valid({"sites": {"../yard": {"cameras": {"gate": {"detect": "0"}}}}})


def test_defaults_and_descriptions_are_as_people_write_them() -> None:
    camera = schema()["$defs"]["CameraSettings"]["properties"]
    assert camera["rate"]["default"] == "5/s"
    assert camera["heartbeat"]["default"] == "10 s"
    assert camera["rate"]["description"] == "Looks a second. Written like 5/s."
    assert "default" not in camera["gate"]
    period = schema()["$defs"]["Period"]["properties"]
    assert period["start"]["default"] == "00:00"


def test_every_setting_is_described() -> None:
    models = [*schema()["$defs"].values(), schema()]
    bare = [name for model in models for name, part in model["properties"].items() if not part.get("description")]
    assert bare == []


ROOT = Path(__file__).resolve().parents[4]


def written_defaults() -> dict[str, str]:
    """The default of each key of cameras, their parts, what is kept and the whole watch, as people write it."""
    names = ("Camera", "Ladder", "Gate", "Blindness", "Recording", "Retention")
    models = [schema()["$defs"][f"{name}Settings"] for name in names]
    return {
        key: json.dumps(part["default"]).strip('"').removesuffix(".0")
        for model in [*models, schema()]
        for key, part in model["properties"].items()
        if part.get("default") not in (None, [])
    }


def test_the_page_tells_the_defaults() -> None:
    page = (ROOT / "docs" / "cameras.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"`([a-z_]+)` (?:\| |\()`([^`]+)`", page))
    assert set(written_defaults().items()) - rows == set()


def test_the_example_tells_the_defaults() -> None:
    # The ladder is commented out: on a camera with attention: full it has no effect.
    told = re.findall(r"^ *(?:#  +)?([a-z_]+): .*# .*default:? ([^;#\n]+?)$", EXAMPLE, re.MULTILINE)
    defaults = written_defaults()
    assert [(key, value) for key, value in told if key in defaults and value != defaults[key]] == []
    assert len([key for key, _ in told if key in defaults]) == len(defaults)
