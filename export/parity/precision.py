"""The proof of a precision: what the engine's own inspector tells of the convolutions it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from runtime.backends import Description, Executed

State = Literal["shown", "not shown", "emulated", "not told", "built, not run"]

# Engines keep a few of ResNet-50's 54 convolutions (the stem, the head, a shortcut) in a wider type where that is
# faster, and have done with fewer than five; a tenth leaves room for these, and none for half a network.
SHOWN_SHARE = 0.9
# A bottleneck block has one, ResNet-50 sixteen such blocks (He et al. 2016).
RESIDUAL_ADDITIONS = 16


@dataclass(frozen=True)
class PrecisionProof:
    """Whether `precision` is what really runs.

    `shown`: the inspector tells that SHOWN_SHARE of the convolutions run in it; `not shown`: that fewer do, though the
    device has it; `emulated`: the device has no such arithmetic; `not told`: the engine has no inspector; `built, not
    run`: the engine lies ready and needs another device. `executed` is what the inspector said.
    """

    precision: str
    state: State
    executed: Executed | None = None

    def __str__(self) -> str:
        """In words, such as `shown: 53 of 54 convolutions in INT8, 16 of 16 additions fused, 3 reformats`."""
        if self.executed is None or not self.executed.convolutions:
            return f"{self.state}: the engine does not tell" if self.state == "emulated" else self.state
        return f"{self.state}: {_told(self.precision, self.executed)}"

    def to_json(self) -> dict[str, Any]:
        """State and shares, 0..1 of all convolutions, as types of JSON; None where the engine does not tell."""
        executed = self.executed
        known = executed is not None and bool(executed.convolutions)
        return {
            "state": self.state,
            "shares": {name: executed.share(name) for name in executed.convolutions} if executed and known else None,
            "fused_adds": executed.fused_adds if executed else None,
            "residual_adds": RESIDUAL_ADDITIONS,
            "reformats": executed.reformats if executed else None,
        }


def of_engine(description: Description, kept_fp32: int = 0) -> PrecisionProof:
    """What an opened engine shows. `kept_fp32`: convolutions that the model's file itself holds in fp32, for range."""
    return PrecisionProof(description.precision, _state(description, kept_fp32), description.executed)


def _state(description: Description, kept_fp32: int) -> State:
    if description.emulated:
        return "emulated"
    executed = description.executed
    if executed is None or not executed.convolutions:
        return "not shown" if description.downgraded else "not told"
    total = sum(executed.convolutions.values())
    excused = min(kept_fp32, executed.convolutions.get("fp32", 0)) if description.precision != "fp32" else 0
    share = (executed.convolutions.get(description.precision, 0) + excused) / total
    return "shown" if share >= SHOWN_SHARE else "not shown"


def _told(precision: str, executed: Executed) -> str:
    total = sum(executed.convolutions.values())
    kinds = sorted(executed.convolutions, key=lambda kind: (kind != precision, -executed.convolutions[kind]))
    first, *others = (f"{executed.convolutions[kind]}{{}} in {kind.upper()}" for kind in kinds)
    parts = [first.format(f" of {total} convolutions"), *(other.format("") for other in others)]
    if executed.fused_adds is not None:
        parts.append(f"{executed.fused_adds} of {RESIDUAL_ADDITIONS} additions fused")
    if executed.reformats is not None:
        parts.append(f"{executed.reformats} reformats")
    return ", ".join(parts)
