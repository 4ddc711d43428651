"""From a trained ResNet-50 to its ONNX graph: frames in, logits and class activation map out."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from edge_resnet.manifest import METADATA_KEY, InputSpec, ModelSpec
from edge_resnet.model import FEATURES, body, class_activation_map, normalise

INPUT = "frames"
OUTPUTS = ("logits", "cam")
# The newest opset that TensorRT 8.6 reads; every later engine reads it too. See docs/decisions/0002-onnx-graph.md.
OPSET = 17
IR_VERSION = 8
_EXPORTER_OPSET = 18
# The exporter takes a batch of 1 for a constant, so the example has two frames.
_EXAMPLE_BATCH = 2
_PEAK_BATCH = 8


class _Deployed(nn.Module):
    """The network as it is exported: N x H x W x 3, uint8, BGR, to logits (N x C) and map (N x C x h x w)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, folded: ResNet, spec: InputSpec) -> None:
        super().__init__()
        self.model = folded
        # The head at every place, as a convolution with weights of its own: exporters fold no large reshaped constant.
        self.cam = nn.Conv2d(FEATURES, folded.fc.out_features, 1)
        self.cam.weight.data = folded.fc.weight.data[:, :, None, None].clone()
        self.cam.bias = folded.fc.bias
        mean = torch.tensor(spec.mean_rgb[::-1], dtype=torch.float64) * 255
        scale = 1 / (torch.tensor(spec.std_rgb[::-1], dtype=torch.float64) * 255)
        self.register_buffer("mean", mean.float().view(1, 3, 1, 1))
        self.register_buffer("scale", scale.float().view(1, 3, 1, 1))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        # Cast before Transpose: TensorRT cannot transpose uint8.
        pixels = (frames.float().permute(0, 3, 1, 2) - self.mean) * self.scale
        cam = self.cam(body(self.model, pixels))
        return cam.mean((2, 3)), cam


def export_onnx(model: ResNet, spec: ModelSpec) -> onnx.ModelProto:
    """The fp32 ONNX model of a trained network (in eval mode); the same weights give the same bytes.

    Input `frames`: N x H x W x 3, uint8, BGR, N free. Outputs `logits`: N x C and `cam`: N x C x h x w, float32.
    Every node is named after the module it comes from (`layer1.0.conv1`), every value after the node that makes it.
    """
    folded = fold(model)
    # BGR costs nothing this way, where a Slice would be one more pass over the picture.
    folded.conv1.weight.data = folded.conv1.weight.data.flip(1)
    deployed = _Deployed(folded, spec.input).eval()
    example = torch.zeros(_EXAMPLE_BATCH, spec.input.height, spec.input.width, 3, dtype=torch.uint8)
    with _quiet_exporter():
        program = torch.onnx.export(
            deployed,
            (example,),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={"frames": {0: torch.export.Dim("N", min=1)}},
            opset_version=_EXPORTER_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto = _tidy(program.model_proto, spec)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def serialise(model: onnx.ModelProto) -> bytes:
    """The bytes of a model, the same for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def fold(model: ResNet) -> ResNet:
    """A copy with each batch normalisation folded into its convolution: fewer nodes, and INT8 needs it so."""
    folded = copy.deepcopy(model).eval()
    folded.conv1, folded.bn1 = fuse_conv_bn_eval(folded.conv1, folded.bn1), nn.Identity()
    for block in (module for module in folded.modules() if isinstance(module, Bottleneck)):
        for index in "123":
            fused = fuse_conv_bn_eval(getattr(block, f"conv{index}"), getattr(block, f"bn{index}"))
            setattr(block, f"conv{index}", fused)
            setattr(block, f"bn{index}", nn.Identity())
        if block.downsample is not None:
            convolution, normalisation = block.downsample
            block.downsample = nn.Sequential(fuse_conv_bn_eval(convolution, normalisation))
    return folded


def peaks(model: ResNet, frames: npt.NDArray[np.uint8]) -> dict[str, float]:
    """The largest |value| that each convolution and each block gives on `frames` (N x H x W x 3, uint8, BGR).

    The keys are names of nodes of the exported graph: `layer1.0.conv1`, and `layer1.0.add` for a whole block.
    (What is under zero before a block's last ReLU is not seen; it may overflow without harm, since ReLU drops it.)
    """
    largest: dict[str, float] = {}

    def watch(name: str) -> None:
        def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            largest[name] = max(largest.get(name, 0.0), float(output.abs().max()))

        modules[name.removesuffix(".add")].register_forward_hook(keep)

    folded = fold(model)
    modules = dict(folded.named_modules())
    for name, module in modules.items():
        if isinstance(module, nn.Conv2d):
            watch(_without_index(name) if name.endswith(".downsample.0") else name)
        elif isinstance(module, Bottleneck):
            watch(f"{name}.add")
    with torch.inference_mode():
        for start in range(0, len(frames), _PEAK_BATCH):
            maps = body(folded, normalise(torch.from_numpy(frames[start : start + _PEAK_BATCH])))
            cam = class_activation_map(folded, maps)
            largest["cam"] = max(largest.get("cam", 0.0), float(cam.abs().max()))
    return largest


def _tidy(exported: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """The same computation without what changes from one export to the next: paths, versions, counters in names."""
    constants = {constant.name: numpy_helper.to_array(constant) for constant in exported.graph.initializer}
    renamed = {INPUT: INPUT}
    nodes, initializers = [], []
    for node in exported.graph.node:
        name = _name(node, renamed)
        inputs, attributes = list(node.input), list(node.attribute)
        if node.op_type == "ReduceMean":
            # Axes became an input with opset 18; TensorRT 8.6 would not see them and reduce over everything.
            axes = constants[inputs.pop()].tolist()
            kept = [attribute for attribute in attributes if attribute.name == "keepdims"]
            attributes = [*kept, onnx.helper.make_attribute("axes", axes)]
        for position, value in enumerate(inputs):
            if value in constants:
                # Constants are stored in the order of their use, each for one node: exporters share and reorder them.
                inputs[position] = f"{name}.{_ROLES[node.op_type][position]}"
                initializers.append(numpy_helper.from_array(constants[value], inputs[position]))
            else:
                inputs[position] = renamed[value]
        (output,) = node.output
        renamed[output] = name
        tidied = onnx.helper.make_node(node.op_type, inputs, [name], name=name)
        tidied.attribute.extend(sorted(attributes, key=lambda attribute: attribute.name))
        nodes.append(tidied)
    graph = onnx.helper.make_graph(nodes, "resnet50", *_interface(spec, exported), initializers)
    proto = onnx.helper.make_model(
        graph,
        producer_name="edge-resnet",
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    onnx.helper.set_model_props(proto, {METADATA_KEY: spec.model_dump_json()})
    return proto


_ROLES = {
    "Conv": ("data", "weight", "bias"),
    "Sub": ("data", "mean"),
    "Mul": ("data", "scale"),
}
_NAMES = {"Cast": "float", "Transpose": "planes", "Sub": "centred", "Mul": "pixels", "MaxPool": "maxpool"}


def _name(node: onnx.NodeProto, renamed: dict[str, str]) -> str:
    """The node's name, and that of the value it makes, from where it stands in the network."""
    if node.op_type == "ReduceMean":
        return "logits"
    if node.op_type in _NAMES:
        return _NAMES[node.op_type]
    if node.op_type == "Conv":
        return _without_index(node.input[1].removeprefix("model.").removesuffix(".weight"))
    if node.op_type == "Add":
        branch = next(renamed[value] for value in node.input if renamed[value].endswith(".conv3"))
        return branch.removesuffix("conv3") + "add"
    if node.op_type == "Relu":
        before = renamed[node.input[0]]
        return f"{before.removesuffix('.add')}.relu"
    raise ValueError(f"{node.op_type} is no operation of the exported network; this torch exports another graph")


def _without_index(name: str) -> str:
    """`layer1.0.downsample`, whose convolution is the first of a sequence."""
    return name.removesuffix(".0") if name.endswith(".downsample.0") else name


def _interface(
    spec: ModelSpec, exported: onnx.ModelProto
) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Inputs and outputs of the graph, with the batch as N."""
    classes = len(spec.labels)
    map_shape = [dim.dim_value for dim in exported.graph.output[1].type.tensor_type.shape.dim[2:]]
    frames: list[str | int | None] = ["N", spec.input.height, spec.input.width, 3]
    return [onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.UINT8, frames)], [
        onnx.helper.make_tensor_value_info(OUTPUTS[0], onnx.TensorProto.FLOAT, ["N", classes]),
        onnx.helper.make_tensor_value_info(OUTPUTS[1], onnx.TensorProto.FLOAT, ["N", classes, *map_shape]),
    ]


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns about its own internals; nothing of that is for the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
