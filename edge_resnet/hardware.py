"""What the processor can do, read from the operating system."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


@cache
def cpu_flags() -> frozenset[str]:
    """The processor's feature flags as Linux names them (`flags` on x86, `Features` on ARM); empty elsewhere."""
    for line in _cpuinfo():
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return frozenset(value.split())
    return frozenset()


@cache
def cpu_name() -> str:
    """The processor's name, or its architecture where Linux does not say."""
    for line in _cpuinfo():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 natively (AVX512-BF16, AMX, or ARM's BF16)."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def _cpuinfo() -> list[str]:
    try:
        return _CPUINFO.read_text().splitlines()
    except OSError:
        return []
