"""A bundle's models as OpenVINO IR (XML and weights), for programs that read nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_resnet import files
from edge_resnet.bundle import Bundle
from edge_resnet.environment import require
from edge_resnet.manifest import ModelSpec
from export.folders.folder import export_folder, write_metadata

# The variants that OpenVINO runs (int8.trt is for TensorRT), and the names of their files.
_STEMS = {"fp32": "model", "fp16": "model.fp16", "int8.x86": "model.int8"}
# The section of the IR's runtime information that tells labels and preprocessing.
RT_INFO = "edge_resnet"


def write_openvino_ir(bundle: Bundle, folder: Path) -> list[Path]:
    """Write model.xml, model.fp16.xml and model.int8.xml with their .bin, as far as the bundle has them, to `folder`.

    Inputs and outputs are those of the ONNX files. Numbers keep their types: nothing is compressed to FP16 that was not
    FP16. Labels and preprocessing are in the IR's runtime information (RT_INFO) and in metadata.json. The XML files are
    returned. Raises UserError when OpenVINO is missing or `folder` holds something else, BundleError.
    """
    require("openvino", extra="cpu")
    stems = {variant: stem for variant, stem in _STEMS.items() if variant in bundle.variants}
    with export_folder(folder, "openvino") as draft:
        models: dict[str, dict[str, Any]] = {}
        for variant, stem in stems.items():
            _save(bundle.model_bytes(variant), bundle.model, draft / f"{stem}.xml")
            source = {"variant": variant, "onnx_sha256": bundle.model_sha256(variant)}
            hashes = {suffix: files.sha256(draft / f"{stem}.{suffix}") for suffix in ("xml", "bin")}
            models[f"{stem}.xml"] = {**source, **{f"{suffix}_sha256": digest for suffix, digest in hashes.items()}}
        write_metadata(draft, bundle, "openvino", models)
    return [folder / f"{stem}.xml" for stem in stems.values()]


def _save(onnx_model: bytes, spec: ModelSpec, path: Path) -> None:
    import openvino

    from runtime.backends.openvino_ import shared_core

    model = shared_core().read_model(model=onnx_model)
    told = {
        "labels": "\n".join(spec.labels),
        "resize": spec.input.resize,
        "interpolation": spec.input.interpolation,
        "colour": spec.input.colour,
        "temperature": repr(spec.temperature),
        # All of it, for programs.
        "model": spec.model_dump_json(),
    }
    for key, value in told.items():
        model.set_rt_info(value, [RT_INFO, key])
    openvino.save_model(model, path, compress_to_fp16=False)
