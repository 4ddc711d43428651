"""The proof of a precision: what the inspector's counts are taken for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from export.parity.precision import PrecisionProof, of_engine
from runtime.backends import Description, Executed

INT8 = Description("openvino", "1", "CPU", "int8", "int8", executed=Executed({"int8": 53, "fp32": 1}, 16, 3))


def test_it_tells_shares_fused_additions_and_reformats() -> None:
    proof = of_engine(INT8)
    assert str(proof) == "shown: 53 of 54 convolutions in INT8, 1 in FP32, 16 of 16 additions fused, 3 reformats"
    told = json.loads(json.dumps(proof.to_json()))
    assert told["state"] == "shown"
    assert told["shares"] == {"int8": pytest.approx(53 / 54), "fp32": pytest.approx(1 / 54)}
    assert (told["fused_adds"], told["residual_adds"], told["reformats"]) == (16, 16, 3)


@pytest.mark.parametrize(("converted", "state"), [(54, "shown"), (49, "shown"), (48, "not shown"), (0, "not shown")])
def test_nine_tenths_are_wanted(converted: int, state: str) -> None:
    counts = {"int8": converted, "fp32": 54 - converted}
    assert of_engine(replace(INT8, executed=Executed(counts))).state == state


def test_what_the_file_itself_keeps_in_fp32_is_no_downgrade() -> None:
    half = replace(INT8, precision="fp16", runs="fp16", executed=Executed({"fp16": 44, "fp32": 10}))
    assert of_engine(half).state == "not shown"
    assert of_engine(half, kept_fp32=10).state == "shown"
    # No more is excused than really runs in fp32.
    other = replace(half, executed=Executed({"fp16": 40, "bf16": 14}))
    assert of_engine(other, kept_fp32=14).state == "not shown"


def test_an_engine_without_inspector_is_said_so() -> None:
    for executed in (None, Executed({})):
        proof = of_engine(replace(INT8, executed=executed))
        assert (proof.state, proof.to_json()["shares"]) == ("not told", None)
        assert str(proof) == "not told"
        assert of_engine(replace(INT8, runs="fp32", executed=executed)).state == "not shown"


def test_emulated_and_built_are_told() -> None:
    emulated = replace(INT8, precision="fp16", runs="fp32", emulated=True, executed=Executed({"fp32": 54}))
    assert str(of_engine(emulated)) == "emulated: 54 of 54 convolutions in FP32"
    assert str(of_engine(replace(emulated, executed=None))) == "emulated: the engine does not tell"
    assert str(PrecisionProof("int8", "built, not run")) == "built, not run"
