"""Which engine is trusted on this box: replayed first, remembered, and refused when its answers differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_resnet.bundle import Bundle, Golden, write_golden, write_manifest
from edge_resnet.errors import BackendError, BundleError, UserError
from edge_resnet.hardware import cpu_has_bf16
from runtime import trust
from runtime.backends import Backend
from tests.parity.conftest import Exported


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "box"


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The engines that were replayed, in order; each really is."""
    done: list[str] = []
    verify = trust._verify

    def watched(opened: Backend, golden: Golden, log: Callable[[str], None]) -> trust._Record:
        done.append(f"{opened.describe().backend} {opened.describe().precision}")
        return verify(opened, golden, log)

    monkeypatch.setattr(trust, "_verify", watched)
    return done


def _only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(trust, "installed", lambda: list(names))


def test_auto_takes_the_fastest_and_remembers(
    exported: Exported, box: Path, replays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, "torch", "openvino", "opencv")
    lines: list[str] = []
    with trust.choose(exported.bundle, box=box, log=lines.append) as first:
        chosen = first.describe()
    # Torch is the reference, never a choice.
    wanted = ["opencv fp16", "opencv fp32", *(["openvino bf16"] if cpu_has_bf16() else []), "openvino fp16"]
    assert sorted(replays) == [*wanted, "openvino fp32", "openvino int8"]
    # One before each, and what was found.
    assert len(lines) == 2 * len(replays)
    assert [line.partition(": ")[0] for line in lines[::2]] == [
        f"choosing an engine, {number} of {len(replays)}" for number in range(1, len(replays) + 1)
    ]
    records = json.loads((box / trust.VERIFIED).read_text()).values()
    real = [record for record in records if not record["description"]["emulated"]]
    fastest = min(real, key=lambda record: record["milliseconds"])
    assert chosen.backend == fastest["description"]["backend"]
    assert not chosen.emulated
    replays.clear()
    with trust.choose(exported.bundle, box=box) as again:
        assert again.describe() == chosen
    assert replays == []


def test_the_remembered_times_decide(exported: Exported, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, "openvino", "opencv")
    trust.choose(exported.bundle, precision="fp32", box=box).close()
    path = box / trust.VERIFIED
    for wanted in ("opencv", "openvino"):
        records = json.loads(path.read_text())
        for record in records.values():
            record["milliseconds"] = 1.0 if record["description"]["backend"] == wanted else 2.0
        path.write_text(json.dumps(records))
        with trust.choose(exported.bundle, precision="fp32", box=box) as opened:
            assert opened.describe().backend == wanted


def test_engines_that_failed_in_use_are_left_out_and_so_told_when_none_is_left(
    exported: Exported, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, "openvino", "opencv")
    for without, wanted in ((("openvino", "fp32"), "opencv"), (("opencv", "fp32"), "openvino")):
        with trust.choose(exported.bundle, precision="fp32", box=box, without=frozenset({without})) as opened:
            assert opened.describe().backend == wanted
    both = frozenset({("openvino", "fp32"), ("opencv", "fp32")})
    with pytest.raises(BackendError, match=r"openvino fp32 has failed in use.*opencv fp32 has failed in use"):
        trust.choose(exported.bundle, precision="fp32", box=box, without=both)


def test_a_named_emulation_is_opened_and_told(exported: Exported, box: Path) -> None:
    lines: list[str] = []
    with trust.choose(exported.bundle, "opencv", "fp16", box=box, log=lines.append) as opened:
        assert opened.describe().precision == "fp16"
    assert any("cast up" in line for line in lines)
    assert not any("choosing" in line for line in lines)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"a": 1}', '{"a": {"milliseconds": NaN, "description": {}}}', "[" * 100_000, "\xff"],
)
def test_a_corrupt_memory_is_measured_again(content: str, exported: Exported, box: Path, replays: list[str]) -> None:
    box.mkdir()
    (box / trust.VERIFIED).write_text(content, encoding="latin-1")
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    assert replays == ["opencv fp32"]
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    assert replays == ["opencv fp32"]


def test_an_unwritable_box_is_told_and_does_not_stop(exported: Exported, tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "file").write_text("")
    trust.choose(exported.bundle, "opencv", "fp32", box=tmp_path / "file" / "box", log=lines.append).close()
    assert any("cannot be written" in line for line in lines)


@pytest.mark.parametrize("changed", ["version", "cpu_name"])
def test_a_change_of_the_box_is_measured_again(
    changed: str, exported: Exported, box: Path, replays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    monkeypatch.setattr(trust, changed, lambda *names: "another")
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    assert len(replays) == 2


def test_another_device_behind_the_same_key_is_measured_again(
    exported: Exported, box: Path, replays: list[str]
) -> None:
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    path = box / trust.VERIFIED
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "cuda"'))
    trust.choose(exported.bundle, "opencv", "fp32", box=box).close()
    assert len(replays) == 2


@pytest.fixture
def lying(exported: Exported, tmp_path: Path) -> Bundle:
    """A bundle whose golden logits are not what its model gives: what a broken engine looks like."""
    folder = tmp_path / "lying"
    folder.mkdir()
    for name in ("model.onnx", "model.fp16.onnx"):
        (folder / name).hardlink_to(exported.bundle.folder / name)
    golden = exported.bundle.golden()
    write_golden(folder / "golden.npz", Golden(golden.frames, golden.logits + np.float32(0.01)))
    return write_manifest(folder, exported.bundle.model, {})


def test_an_engine_whose_replay_fails_is_refused_by_name_and_in_auto(
    lying: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, "opencv")
    for backend in ("opencv", "auto"):
        with pytest.raises(BackendError, match="not the trained model's") as caught:
            trust.choose(lying, backend)
        assert "\n" not in str(caught.value)
    # Distrust is not remembered: a mended engine is tried again.
    assert not (lying.box / trust.VERIFIED).exists()


def test_what_is_not_there_is_told(exported: Exported, box: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown"):
        trust.choose(exported.bundle, "abacus", box=box)
    for backend in ("auto", "opencv"):
        with pytest.raises(UserError, match=r"^--precision int4: unknown; there are auto, fp32, fp16, bf16, int8$"):
            trust.choose(exported.bundle, backend, "int4", box=box)
    (tmp_path / "bare").mkdir()
    with pytest.raises(BundleError, match=r"no golden\.npz"):
        trust.choose(write_manifest(tmp_path / "bare", exported.bundle.model, {}), box=box)
