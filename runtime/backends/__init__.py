"""Inference engines behind one interface: one small class a file, each imported only when it is asked for."""

from runtime.backends.base import Backend, Description, Executed
from runtime.backends.registry import NAMES, built_not_run, installed, open_backend, precisions, variant
from runtime.backends.run import find_run

__all__ = [
    "NAMES",
    "Backend",
    "Description",
    "Executed",
    "built_not_run",
    "find_run",
    "installed",
    "open_backend",
    "precisions",
    "variant",
]
