"""What a user can choose about an engine when it is built."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import Self

from edge_resnet.errors import UserError
from runtime.backends.tensorrt.api import CURRENT

# A camera gives one frame at a time; up to so many cameras, or the golden frames' batches, are served in one go.
MAX_BATCH = 8


class Options(BaseModel):
    """How an engine is built.

    `max_batch`: the most frames of one run; kernels are chosen for one frame, which is what a camera gives.
    `workspace_mb`: the most GPU memory (MiB) a layer may use for scratch, 0 for the library's own limit. `target`: the
    GPUs it is for: `current` (this one, the fastest), `SM89` (all of a compute capability), `ampere+` (all since
    Ampere). `version_compatible`: later versions of the library may load it too, at some cost.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_batch: int = Field(default=MAX_BATCH, ge=1, le=1024)
    workspace_mb: int = Field(default=0, ge=0, le=1 << 20)
    target: str = Field(default=CURRENT, pattern=r"^(current|ampere\+|SM[0-9]{2,3})$")
    version_compatible: bool = False

    @classmethod
    def asked(cls, target: str, **others: Any) -> Self:
        """The options that a user asked for; None among `others`, whose bounds are checked before, is the default.

        Raises UserError for a target that there is not.
        """
        given = {name: value for name, value in others.items() if value is not None}
        try:
            return cls(target=target, **given)
        except ValidationError as error:
            raise UserError(f"--target {target}: takes current, ampere+, or a capability such as SM89") from error

    @property
    def profile(self) -> tuple[int, int, int]:
        """The fewest, the usual and the most frames of one run."""
        return 1, 1, self.max_batch
