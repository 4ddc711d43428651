"""What the processor can do, read from the operating system."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
# Where Linux writes the name on x86, and on some ARM boards.
_NAME_KEYS = ("model name", "Model", "Hardware")


@cache
def cpu_flags() -> frozenset[str]:
    """The processor's feature flags as Linux names them (`flags` on x86, `Features` on ARM); empty elsewhere."""
    facts = _cpuinfo()
    return frozenset((facts.get("flags") or facts.get("Features") or "").split())


@cache
def cpu_name() -> str:
    """The processor's name as the system tells it, for people and for keys of what was measured here."""
    facts = _cpuinfo()
    return next((facts[key] for key in _NAME_KEYS if facts.get(key)), platform.machine())


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 natively (AVX512-BF16, AMX, or ARM's BF16)."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def saturates_int8() -> bool:
    """Whether this is an x86 processor without VNNI: it adds two products of u8 and s8 in 16 bits, which saturate."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    return not cpu_flags() & {"avx512_vnni", "avx_vnni", "amx_int8"}


def cores() -> int:
    """How many of the processor's cores this process may use."""
    # Windows and macOS do not tell.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def others_cpu_s() -> float:
    """The processor's time that other programs have taken since the box was started, in seconds; 0 where none tells."""
    try:
        first = Path("/proc/stat").read_text().partition("\n")[0].split()
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = (int(ticks) for ticks in first[1:9])
    busy_s = sum((user, nice, system, *interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")
    return busy_s - sum(os.times()[:2])


def memory_bytes() -> int:
    """The machine's memory, or what the container may use of it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        return total


def _cpuinfo() -> dict[str, str]:
    """The facts of /proc/cpuinfo; of several cores, the last one's."""
    try:
        lines = _CPUINFO.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}
