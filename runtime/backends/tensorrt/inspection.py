"""What an engine really computes in, read from the table of its layers that the library gives.

Two forms are read: the JSON of `IEngineInspector` (its keys before and since TensorRT 11, see NVIDIA's notes on
migrating), and the lines of the builder's verbose log, which tensorrt_rtx writes without a GPU.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.backends.base import Executed

# Data types as the tables spell them: by name, or inside a sentence such as "Row major linear FP16 format".
_PRECISIONS = (
    ("bf16", re.compile(r"bfloat16|bf16", re.IGNORECASE)),
    ("fp16", re.compile(r"\bhalf\b|fp16", re.IGNORECASE)),
    ("int8", re.compile(r"\bint8\b", re.IGNORECASE)),
    ("fp32", re.compile(r"\bfloat\b|fp32|tf32", re.IGNORECASE)),
)
_CONVOLUTION = re.compile(r"conv(?!ert)|correlation", re.IGNORECASE)
# A 1x1 convolution that became a matrix product keeps this in its metadata.
_PRODUCT_OF_CONVOLUTION = "gemm_from_conv"
# The additions of the residual branches, by the names that the exported graph gives them.
_ADDITION = re.compile(r"\.add\b")
# Generated kernels are named after their operations, four letters each; these move or cast and compute nothing.
_GENERATED = re.compile(r"^__myl_([A-Za-z]+)_")
_MOVES = frozenset({"Cast", "Conc", "Copy", "Move", "Repl", "Resh", "Slic", "Tran"})
_LINE = re.compile(r"^Name: (?P<name>.*?), LayerType: (?P<kind>\w*), Inputs: \[(?P<inputs>.*?)\], Constants: ")
_LINE_TYPE = re.compile(r"Datatype: (\w+)")
_LINE_ORIGIN = re.compile(r"Metadata: (.*)$")


@dataclass(frozen=True)
class Layer:
    """One layer of an engine. `types`: what tells its precision, the best witness first. `origin`: its ONNX nodes."""

    name: str
    kind: str
    types: tuple[str, ...]
    origin: str

    @property
    def is_convolution(self) -> bool:
        return bool(_CONVOLUTION.search(self.kind)) or _PRODUCT_OF_CONVOLUTION in self.origin

    @property
    def precision(self) -> str:
        """fp32, fp16, bf16 or int8; `unknown` when the table does not say."""
        found = (name for text in self.types for name, pattern in _PRECISIONS if pattern.search(text))
        return next(found, "unknown")

    @property
    def is_reformat(self) -> bool:
        generated = _GENERATED.match(self.name)
        if generated is None:
            return "Reformat" in self.kind
        return set(re.findall("[A-Z][a-z]*", generated.group(1))) <= _MOVES


def executed(layers: Iterable[Layer]) -> Executed | None:
    """The convolutions by precision, the additions inside them, and the reformats; None for a table without any."""
    layers = tuple(layers)
    convolutions = [layer for layer in layers if layer.is_convolution]
    if not convolutions or all(layer.precision == "unknown" for layer in convolutions):
        return None
    fused = {name for layer in convolutions for name in _additions(layer)}
    return Executed(
        dict(Counter(layer.precision for layer in convolutions)),
        fused_adds=len(fused),
        reformats=sum(layer.is_reformat for layer in layers),
    )


def from_inspector(text: str) -> tuple[Layer, ...]:
    """The layers in the inspector's JSON; none where it is not built with detail (names only) or is no JSON."""
    try:
        table = json.loads(text)["Layers"]
        return tuple(_from_json(entry) for entry in table if isinstance(entry, dict))
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        return ()


def from_log(text: str) -> tuple[Layer, ...]:
    """The layers in the table of the builder's verbose log."""
    return tuple(_from_lines(text.splitlines()))


def _from_json(entry: Mapping[str, Any]) -> Layer:
    kind = f"{entry.get('LayerType', '')} {entry.get('ParameterType', '')}".strip()
    weights = (entry.get(key) for key in ("Weights", "ConvWeights"))
    inputs = [str(tensor.get("Datatype") or tensor.get("Format/Datatype")) for tensor in entry.get("Inputs") or ()]
    types = [str(weight.get("Type")) for weight in weights if weight] + inputs[:1]
    return Layer(str(entry.get("Name", "")), kind, tuple(types), str(entry.get("Metadata", "")))


def _from_lines(lines: Iterable[str]) -> Iterator[Layer]:
    for line in lines:
        found = _LINE.match(line)
        if found is not None:
            origin = _LINE_ORIGIN.search(line)
            types = tuple(_LINE_TYPE.findall(found["inputs"])[:1])
            yield Layer(found["name"], found["kind"], types, origin.group(1) if origin else "")


def _additions(layer: Layer) -> set[str]:
    """The names of the additions that a layer computes: from its ONNX nodes where they are told, else from its name."""
    nodes = re.findall(r"\[ONNX Layer: ([^\]]*)\]", layer.origin) or re.split(r"\s*\+\s*|,", layer.name)
    return {node for node in nodes if _ADDITION.search(node)}
