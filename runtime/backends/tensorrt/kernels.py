"""What tensorrt_rtx compiles for the card when an engine first runs, kept in the box so that the next start is quick.

The full library compiles everything when it builds; for it there is nothing to keep.
"""

from __future__ import annotations

from typing import Any

from edge_resnet.errors import BackendError
from runtime.backends.base import Log
from runtime.backends.tensorrt.api import Api
from runtime.backends.tensorrt.engine import Workshop
from runtime.backends.tensorrt.gpu import Gpu
from runtime.backends.tensorrt.shelf import About, Entry


class Kernels:
    """The runtime cache of a loaded engine, where its library has one. `entry`: what is told of the engine."""

    def __init__(self, workshop: Workshop, entry: Entry, gpu: Gpu, log: Log) -> None:
        self._shelf = workshop.shelf
        self._name = workshop.name(entry.options.target, "kernels")
        self._options = entry.options
        self._parts = {**entry.parts, **gpu.parts}
        self._log = log
        self._cache: Any = None
        self.captures_graphs = False
        self._kept = b""

    def context(self, api: Api, engine: Any) -> Any:
        """An execution context that reads and fills the cache.

        It captures CUDA graphs itself where it can (`captures_graphs`): only it knows when its kernels are final.
        """
        create = getattr(engine, "create_runtime_config", None)
        config: Any = None if create is None else create()
        if not hasattr(config, "create_runtime_cache"):
            return engine.create_execution_context()
        self._cache = config.create_runtime_cache()
        self._kept = self._shelf.read(self._name, self._parts) or b""
        if self._kept and not self._cache.deserialize(self._kept):
            self._log(f"{self._shelf.path(self._name)}: {api.name} does not take it; made again")
        config.set_runtime_cache(self._cache)
        if hasattr(config, "cuda_graph_strategy"):
            config.cuda_graph_strategy = api.trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            self.captures_graphs = True
        return engine.create_execution_context(config)

    def keep(self) -> None:
        """Write the cache to the box, if it grew. What cannot be written is told and lost."""
        if self._cache is None:
            return
        content = bytes(self._cache.serialize())
        if content and content != self._kept:
            try:
                self._shelf.write(self._name, content, self._parts, self._options, About())
            except BackendError as error:
                self._log(str(error))
