"""The engine at work: page-locked buffers, one stream, a CUDA graph while the batch stays the same; no torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_resnet.errors import BackendError
from runtime.backends.base import INPUT, OUTPUTS, Backend, Description, Floats, Frames, Opening
from runtime.backends.tensorrt import inspection
from runtime.backends.tensorrt.api import Api
from runtime.backends.tensorrt.engine import Engine, Workshop
from runtime.backends.tensorrt.gpu import Buffer, Stream, find_gpu, use
from runtime.backends.tensorrt.kernels import Kernels


class TensorRt(Backend):
    """A model on `tensorrt` or `tensorrt_rtx`. Batches over the engine's largest run in several goes.

    `threads` and `hint` of the opening change nothing: kernels are chosen for one frame, batches are the caller's.
    """

    def __init__(self, name: str, opening: Opening) -> None:
        super().__init__(opening.bundle.model)
        # Before anything that takes long: most machines without a driver are refused here.
        self._gpu = find_gpu(name, opening.device)
        use(self._gpu)
        self._api = Api(name)
        self._precision = opening.precision
        self._log = opening.log
        workshop = Workshop(self._api, opening)
        engine = workshop.open(self._gpu)
        if engine.problem:
            self._log(engine.problem)
        self._max_batch = engine.entry.options.max_batch
        self._runtime: Any = self._api.runtime(engine.entry.options.version_compatible)
        self._engine: Any = self._load(engine)
        self._kernels = Kernels(workshop, engine.entry, self._gpu, self._log)
        self._context: Any = self._kernels.context(self._api, self._engine)
        self._stream = Stream()
        self._buffers: dict[str, Buffer] = {}
        self._batch = 0
        self._capturable = not self._kernels.captures_graphs
        try:
            self._allocate(opening)
        except BaseException:
            self.close()
            raise
        self._executed = self._inspect()

    def describe(self) -> Description:
        told = self._executed is not None
        runs = self._executed.runs if self._executed is not None else self._precision
        note = "" if told else f"{self._api.name} does not tell its layers' precisions: this is what the model says"
        device = f"cuda:{self._gpu.index} ({self._gpu.name})"
        return Description(
            self._api.name, self._api.version, device, self._precision, runs, note=note, executed=self._executed
        )

    def close(self) -> None:
        use(self._gpu)
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers.clear()
        if self._context is not None:
            self._kernels.keep()
            self._stream.close()
        # In this order: a context must not outlive its engine, nor an engine its runtime.
        self._context = self._engine = self._runtime = None

    def _load(self, engine: Engine) -> Any:
        loaded = self._runtime.deserialize_cuda_engine(engine.data)
        if loaded is None:
            where = f"; remove {engine.path} to build it again" if engine.path else ""
            raise BackendError(f"{self._api.name}: does not load its own engine ({self._api.journal.reason}){where}")
        return loaded

    def _allocate(self, opening: Opening) -> None:
        """Buffers for the largest batch: their addresses stay, as a captured graph demands."""
        side = opening.bundle.model.input
        self._set_batch(self._max_batch, (side.height, side.width, 3))
        shapes = {name: tuple(self._context.get_tensor_shape(name)) for name in (INPUT, *OUTPUTS)}
        for name, shape in shapes.items():
            self._buffers[name] = Buffer(shape, np.uint8 if name == INPUT else np.float32)
            self._context.set_tensor_address(name, self._buffers[name].device)

    def _inspect(self) -> Any:
        """What the inspector tells; with the context, for formats are unknown while the batch is."""
        inspector = self._engine.create_engine_inspector()
        inspector.execution_context = self._context
        text = inspector.get_engine_information(self._api.trt.LayerInformationFormat.JSON)
        return inspection.executed(inspection.from_inspector(text))

    def _run(self, frames: Frames) -> tuple[Floats, Floats]:
        use(self._gpu)
        starts = range(0, len(frames), self._max_batch)
        parts = [self._run_once(frames[start : start + self._max_batch]) for start in starts]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([logits for logits, _cam in parts]), np.concatenate([cam for _logits, cam in parts])

    def _run_once(self, frames: Frames) -> tuple[Floats, Floats]:
        count = len(frames)
        self._buffers[INPUT].array[:count] = frames
        again = count == self._batch
        if not again:
            self._set_batch(count, frames.shape[1:])
        # The first run of a batch size may still load kernels and allocate, which no graph can record.
        if again and self._capturable and not self._stream.has_graph:
            self._capture(count)
        if self._stream.has_graph:
            self._stream.launch()
        else:
            self._enqueue(count)
        self._stream.wait()
        logits, cam = (self._buffers[name].array[:count].copy() for name in OUTPUTS)
        return logits, cam

    def _set_batch(self, count: int, side: tuple[int, ...]) -> None:
        # A graph belongs to the shapes that its context had when it was captured.
        self._stream.forget_graph()
        if not self._context.set_input_shape(INPUT, (count, *side)):
            raise BackendError(f"its engine takes no batch of {count}: {self._api.journal.reason}")
        self._batch = count

    def _capture(self, count: int) -> None:
        try:
            self._stream.capture(lambda: self._enqueue(count))
        except BackendError as error:
            self._capturable = False
            self._log(f"{self._api.name}: runs without a CUDA graph ({error})")

    def _enqueue(self, count: int) -> None:
        self._buffers[INPUT].upload(count, self._stream.handle)
        if not self._context.execute_async_v3(int(self._stream.handle)):
            raise BackendError(f"execute_async_v3: {self._api.journal.reason}")
        for name in OUTPUTS:
            self._buffers[name].download(count, self._stream.handle)
