"""Random variation of training pictures, the same for the same seed, epoch and place in it, in any process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from edge_resnet.train.recipe import Augmentation

# Cameras are fixed and the object may be small, so crops cut off less than ImageNet's 0.08 of the area.
_CROP_SCALE = (0.4, 1.0)
# Light of another hour or another camera's automatic exposure. No hue: its change of colour space takes twice as long
# as all the rest.
_BRIGHTNESS, _CONTRAST, _SATURATION = 0.3, 0.3, 0.3
# Cameras hang level, and objects keep their shape: a crop's aspect ratio varies little.
_ASPECT = (0.85, 1.18)


class Augmented(Dataset[tuple[Tensor, int]]):
    """Training pictures of one epoch, varied: H x W x 3, uint8, BGR, of the input size, with the class index.

    What happens at place p of epoch e depends on (seed, e, p) alone, not on process or history, so that a run can be
    resumed exactly.
    """

    def __init__(
        self,
        pictures: npt.NDArray[np.uint8],
        indices: Sequence[int],
        truth: Sequence[int],
        size: tuple[int, int],
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        """`pictures`: N x H x W x 3, uint8, BGR; `indices`: which of them, with `truth` their classes."""
        self.epoch = 0
        self._pictures, self._indices, self._truth, self._seed = pictures, indices, truth, seed
        self._vary = _variation(size, augmentation)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, drawn: tuple[int, int]) -> tuple[Tensor, int]:
        """`drawn`: the place in the epoch, and which picture stands there."""
        place, position = drawn
        # torchvision works on 3 x H x W in RGB; saturation needs the right order.
        rgb = self._pictures[self._indices[position]][:, :, ::-1].transpose(2, 0, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(self._seed, self.epoch, place))
            varied = self._vary(torch.from_numpy(np.ascontiguousarray(rgb)))
        return varied.flip(0).permute(1, 2, 0), self._truth[position]


def _variation(size: tuple[int, int], augmentation: Augmentation) -> v2.Compose:
    if augmentation == "flip":
        return v2.Compose([v2.Resize(size, antialias=True), v2.RandomHorizontalFlip()])
    crop = v2.RandomResizedCrop(size, scale=_CROP_SCALE, ratio=_ASPECT, antialias=True)
    return v2.Compose([crop, v2.RandomHorizontalFlip(), v2.ColorJitter(_BRIGHTNESS, _CONTRAST, _SATURATION)])


def derived_seed(*numbers: int) -> int:
    """A seed for what these numbers name, unrelated to that of any others."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
