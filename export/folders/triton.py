"""A bundle as a model repository of NVIDIA's Triton Inference Server: a model a precision, its labels beside it.

See docs/triton.md. The server is not needed to write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.manifest import ModelSpec
from export.folders.folder import export_folder, write_metadata
from export.tune.derive import map_size
from runtime.backends import precisions, variant
from runtime.backends.tensorrt.options import MAX_BATCH
from runtime.backends.tensorrt.shelf import FOLDER, Shelf

CONFIG = "config.pbtxt"
LABELS = "labels.txt"
README = "README.md"
# How long a frame may wait for others to share its batch: far less than one inference takes.
_MAX_QUEUE_DELAY_US = 2000
_ENGINE_SUFFIX = ".engine"
_PRECISIONS = ("fp32", "fp16", "int8")

_CONFIG = Template("""name: "$name"
backend: "$backend"
max_batch_size: $max_batch
version_policy { latest { num_versions: 1 } }
input [
  { name: "frames" data_type: TYPE_UINT8 dims: [ $height, $width, 3 ] }
]
output [
  { name: "logits" data_type: TYPE_FP32 dims: [ $classes ] label_filename: "$labels" },
  { name: "cam" data_type: TYPE_FP32 dims: [ $classes, $map_height, $map_width ] }
]
dynamic_batching { max_queue_delay_microseconds: $delay }
$instances""")
# Without this, Triton puts a model on every GPU; ONNX Runtime's CUDA provider has no INT8 convolution.
_ON_CPU = "instance_group [ { count: 1 kind: KIND_CPU } ]\n"


@dataclass(frozen=True)
class _Model:
    """A model of the repository: its name, Triton's backend, the file's name that the backend looks for, its bytes."""

    name: str
    backend: str
    filename: str
    content: bytes
    max_batch: int = MAX_BATCH
    on_cpu: bool = False


def write_triton(bundle: Bundle, folder: Path) -> list[str]:
    """Write a model repository to `folder`; the names of its models are returned.

    For ONNX Runtime: edge_resnet_fp32, _fp16, _int8 (on the processor), as far as the bundle has them. For TensorRT:
    the engines that `edge-resnet build` left in the bundle's box (edge_resnet_fp16_tensorrt ...), which only serve the
    kind of GPU and the version of TensorRT that they were built with. Each has version 1. Raises UserError when
    `folder` holds something else, BundleError.
    """
    told = {}
    with export_folder(folder, "triton") as draft:
        for model in (*_onnx_models(bundle), *_engines(bundle)):
            _write(draft / model.name, model, bundle.model)
            told[model.name] = {"backend": model.backend, "max_batch_size": model.max_batch}
        files.write_text(draft / README, _readme(bundle.model, list(told)))
        write_metadata(draft, bundle, "triton", told)
    return list(told)


def _onnx_models(bundle: Bundle) -> Iterator[_Model]:
    for precision in _PRECISIONS:
        if (model := variant("onnxruntime", precision)) in bundle.variants:
            content = bundle.model_bytes(model)
            name = f"edge_resnet_{precision}"
            yield _Model(name, "onnxruntime", "model.onnx", content, on_cpu=precision == "int8")


def _engines(bundle: Bundle) -> Iterator[_Model]:
    """The sound engines of this bundle's models in its box. Triton's backend loads those of `tensorrt`, not of RTX."""
    shelf = Shelf(bundle.box, lambda line: None)
    for path in sorted((bundle.box / FOLDER).glob(f"tensorrt-*{_ENGINE_SUFFIX}")):
        _library, precision, target = path.name.removesuffix(_ENGINE_SUFFIX).split("-", 2)
        entry = shelf.entry(path.name)
        if entry is None or precision not in precisions("tensorrt", bundle):
            continue
        if entry.parts.get("model") != bundle.model_sha256(variant("tensorrt", precision)):
            continue
        content = shelf.read(path.name, entry.parts)
        if content is not None:
            kind = "" if target == "current" else f"_{target.lower().replace('+', '_plus')}"
            name = f"edge_resnet_{precision}_tensorrt{kind}"
            yield _Model(name, "tensorrt", "model.plan", content, entry.options.max_batch)


def _write(folder: Path, model: _Model, spec: ModelSpec) -> None:
    files.write_bytes(folder / "1" / model.filename, model.content)
    # A line a label: no label may break a line.
    files.write_text(folder / LABELS, "".join(f"{' '.join(label.split())}\n" for label in spec.labels))
    map_height, map_width = map_size(spec.input)
    config = _CONFIG.substitute(
        name=model.name,
        backend=model.backend,
        max_batch=model.max_batch,
        height=spec.input.height,
        width=spec.input.width,
        classes=len(spec.labels),
        map_height=map_height,
        map_width=map_width,
        labels=LABELS,
        delay=_MAX_QUEUE_DELAY_US,
        instances=_ON_CPU if model.on_cpu else "",
    )
    files.write_text(folder / CONFIG, config)


def _readme(spec: ModelSpec, names: list[str]) -> str:
    return _README.substitute(
        names=", ".join(names),
        name=names[0],
        height=spec.input.height,
        width=spec.input.width,
        resize=spec.input.resize,
        classes=len(spec.labels),
        temperature=f"{spec.temperature:g}",
    )


_README = Template("""# A Triton model repository, written by edge-resnet

Models: $names. Input `frames`: uint8, $height x $width x 3, BGR as OpenCV gives it, resized by the policy `$resize`;
normalisation is inside the model. Outputs: `logits` and `cam` (the class activation map). Probabilities are
softmax(logits / $temperature). `metadata.json` has all of it, with labels and alarms.

Serve this folder:

    tritonserver --model-repository=.

Is it ready, and what does it take?

    curl -f localhost:8000/v2/models/$name/ready
    curl localhost:8000/v2/models/$name/config

Classify a picture (`pip install 'tritonclient[grpc]' edge-resnet`):

```python
import numpy as np
import tritonclient.grpc as triton

from edge_resnet.pictures import read_picture
from edge_resnet.preprocess import Preprocess
from pathlib import Path

frame = Preprocess($height, $width, "$resize")(read_picture(Path("picture.jpg")))
frames = triton.InferInput("frames", [1, $height, $width, 3], "UINT8")
frames.set_data_from_numpy(frame[np.newaxis])
# class_count asks for "logit:index:label", the best first; leave it out for the numbers alone.
logits = triton.InferRequestedOutput("logits", class_count=$classes)
client = triton.InferenceServerClient("localhost:8001")
print(client.infer("$name", [frames], outputs=[logits]).as_numpy("logits"))
```
""")
