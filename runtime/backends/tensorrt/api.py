"""One adaptor for `tensorrt` 8.6, 10 and 11 and for `tensorrt_rtx`: what a library can do is asked of it, by getattr.

Versions are never compared and enum values never spelled as numbers, since both change between releases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

CURRENT = "current"
AMPERE_PLUS = "ampere+"
NAMES = ("tensorrt", "tensorrt_rtx")

# `always strong`: precision is in the file and there is no other mode. `strong`: the same, when asked for. `weak`: the
# builder's flags allow a precision, and the engine chooses.
Typing = Literal["always strong", "strong", "weak"]
# Told: the phase, steps done, steps in all. Returns whether the build shall go on.
Monitor = Callable[[str, int, int], bool]
# How the library's verbose log begins the table of the layers that it made (tensorrt_rtx 1.7).
_LAYER_TABLE = "Layers:"
_BUILDER_FLAG_OF_PRECISION = {"fp16": "FP16", "int8": "INT8"}


@dataclass
class Journal:
    """What the library told: its errors, one line each, and its table of layers."""

    errors: list[str] = field(default_factory=list)
    layers: str = ""

    def tell(self, severity: str, message: str) -> None:
        """Keep a message if it is one of those."""
        if severity.endswith("ERROR"):
            self.errors.append(" ".join(message.split()))
        elif message.startswith(_LAYER_TABLE):
            self.layers = message

    @property
    def reason(self) -> str:
        """The first error, which is the cause of those after it."""
        return self.errors[0] if self.errors else "it gives no reason"


class Api:
    """The library under `name`, one of NAMES; `trt` is its module. ImportError when it does not load."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trt: Any = import_module(name)
        self.version = str(self.trt.__version__)
        self.journal = Journal()
        self.logger = _logger(self.trt, self.journal)

    @property
    def typing(self) -> Typing:
        """How a network gets its precisions here."""
        if self.builder_flag("FP16") is None:
            return "always strong"
        return "weak" if self._creation_flag("STRONGLY_TYPED") is None else "strong"

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The compute capabilities it can build for without such a GPU (`SM86`, `SM89` ...); empty if it cannot."""
        members = getattr(getattr(self.trt, "ComputeCapability", None), "__members__", {})
        return tuple(sorted((name for name in members if name.startswith("SM")), key=lambda name: int(name[2:])))

    @property
    def measures(self) -> bool:
        """Whether it times kernels on the GPU when it builds, and so has a timing cache.

        tensorrt_rtx chooses kernels when it runs. Its timing cache does nothing but ask for a GPU (NVIDIA, Timing Cache
        Migration), and is to be removed.
        """
        return not self.capabilities

    def builder_flag(self, name: str) -> Any:
        """A member of BuilderFlag, None where this library has no such flag."""
        return getattr(self.trt.BuilderFlag, name, None)

    def network(self, builder: Any) -> Any:
        """An empty network, strongly typed where there is a choice."""
        flag = {"always strong": None, "strong": "STRONGLY_TYPED", "weak": "EXPLICIT_BATCH"}[self.typing]
        return builder.create_network(0 if flag is None else 1 << int(self._creation_flag(flag)))

    def allow_precision(self, config: Any, precision: str) -> None:
        """Let a weakly typed network use the precision that its file is written in; elsewhere the file decides."""
        name = _BUILDER_FLAG_OF_PRECISION.get(precision)
        if self.typing == "weak" and name is not None:
            config.set_flag(self.builder_flag(name))

    def forbid_tf32(self, config: Any) -> None:
        """Keep fp32 whole: TF32, the default, has ten bits of mantissa."""
        flag = self.builder_flag("TF32")
        if flag is not None:
            config.clear_flag(flag)

    def set_target(self, config: Any, target: str) -> bool:
        """Build for `target` (CURRENT, AMPERE_PLUS, `SM89` ...); False when this library cannot."""
        if self.capabilities:
            return self._set_capability(config, target)
        name = {CURRENT: "NONE", AMPERE_PLUS: "AMPERE_PLUS"}.get(target, "SAME_COMPUTE_CAPABILITY")
        level = getattr(getattr(self.trt, "HardwareCompatibilityLevel", None), name, None)
        if level is not None:
            config.hardware_compatibility_level = level
        return level is not None or target == CURRENT

    def set_monitor(self, config: Any, monitor: Monitor) -> Any:
        """Have `monitor` told of the build's steps, if it can be; what is returned must live as long as the build."""
        if not hasattr(config, "progress_monitor") or not hasattr(self.trt, "IProgressMonitor"):
            return None
        config.progress_monitor = _monitor(self.trt, monitor)
        return config.progress_monitor

    def runtime(self, version_compatible: bool) -> Any:
        """What loads engines. A version-compatible one carries code for the host, which must be allowed."""
        runtime = self.trt.Runtime(self.logger)
        if version_compatible and hasattr(runtime, "engine_host_code_allowed"):
            runtime.engine_host_code_allowed = True
        return runtime

    def _creation_flag(self, name: str) -> Any:
        return getattr(getattr(self.trt, "NetworkDefinitionCreationFlag", None), name, None)

    def _set_capability(self, config: Any, target: str) -> bool:
        capability = getattr(self.trt.ComputeCapability, "CURRENT" if target == CURRENT else target, None)
        if capability is None:
            return False
        config.num_compute_capabilities = 1
        return bool(config.set_compute_capability(capability, 0))


def _logger(trt: Any, journal: Journal) -> Any:
    class Logger(trt.ILogger):  # type: ignore[misc]  # its base is only known when the library is
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            journal.tell(severity.name, message)

    return Logger()


def _monitor(trt: Any, monitor: Monitor) -> Any:
    class ProgressMonitor(trt.IProgressMonitor):  # type: ignore[misc]  # as above
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps

        def phase_finish(self, phase_name: str) -> None:
            pass

        def step_complete(self, phase_name: str, step: int) -> bool:
            return monitor(phase_name, step + 1, self._steps.get(phase_name, step + 1))

    return ProgressMonitor()
