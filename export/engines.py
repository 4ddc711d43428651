"""TensorRT engines made with the bundle, so that the proof holds them too: in its box, for this GPU or a named kind."""

from __future__ import annotations

from edge_resnet.bundle import Bundle
from edge_resnet.errors import BackendError
from runtime.backends import installed, precisions
from runtime.backends.base import Log
from runtime.backends.registry import BUILT_AHEAD, opening
from runtime.backends.tensorrt.options import Options


def build_engines(bundle: Bundle, options: Options, say: Log) -> None:
    """Build each of the bundle's precisions with each TensorRT library that is installed.

    What cannot be built here (no GPU, no library) is said in a line: the other engines of the bundle go on without.
    """
    libraries = [name for name in BUILT_AHEAD if name in installed()]
    if not libraries:
        say("--tensorrt: not installed here (pip install 'edge-resnet[tensorrt]'); on the box: edge-resnet build")
    told: set[str] = set()
    for name in libraries:
        from runtime.backends.tensorrt.ahead import build_ahead  # needs cuda-bindings

        for precision in precisions(name, bundle):
            try:
                wanted = opening(name, bundle, precision, box=bundle.box, log=say)
                engine, _runs_here = build_ahead(name, wanted, options, lambda phase, done, total: None)
            except BackendError as error:
                if str(error) not in told:
                    told.add(str(error))
                    say(f"not built: {error}")
                continue
            about = engine.entry.about
            say(f"{name} {precision} for {options.target}: built in {about.seconds:.1f} s")
            if about.planned is not None and about.planned.runs != precision:
                say(f"{name}: for {options.target} it plans {about.planned.runs}, not {precision}")
