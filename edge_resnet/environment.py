"""What is installed here, and which packages must not be installed together."""

from __future__ import annotations

import platform
from importlib import metadata

from edge_resnet.errors import UserError

# Twins put the same files in the same place: the second overwrites the first, and removing one breaks the other.
_TWINS = (
    ("onnxruntime", "onnxruntime-gpu"),
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
)
_REPORTED = (
    *("edge-resnet", "numpy", "opencv-python", "opencv-python-headless", "pillow", "torch", "torchvision", "onnx"),
    *("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "tensorrt-rtx", "cuda-bindings", "av"),
)


def version(package: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """The installed versions of what can change an answer, and Python's."""
    found = {name: installed for name in _REPORTED if (installed := version(name))}
    return {"python": platform.python_version(), **found}


def twins() -> list[tuple[str, ...]]:
    """The groups of packages of which more than one is installed though they exclude each other."""
    present = [tuple(name for name in group if version(name)) for group in _TWINS]
    return [group for group in present if len(group) > 1]


def check() -> None:
    """Raise UserError when packages that exclude each other are both installed."""
    for group in twins():
        names = " and ".join(group)
        raise UserError(
            f"{names} are both installed and overwrite each other; "
            f"pip uninstall -y {' '.join(group)}, then pip install the one you want"
        )


def require(*packages: str, extra: str) -> None:
    """Raise UserError, naming the extra to install, when one of the distributions is missing."""
    missing = [name for name in packages if version(name) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} not installed here; pip install 'edge-resnet[{extra}]'")
