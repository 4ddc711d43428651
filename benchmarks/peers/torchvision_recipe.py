"""The recipe of torchvision's references/classification for ResNet-50 (weights V2), as far as it fits a small set.

Source: https://pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives/

Followed: SGD with momentum 0.9, a rate of 0.5 for 1,024 pictures a step, linear warm-up and a cosine, weight decay 2e-5
and none on normalisation, label smoothing 0.1, TrivialAugment, random erasing 0.1, an average of the weights that is
judged too, and loader processes. AMP is off, as the script has it by default. Left out: MixUp, CutMix and repeated
augmentation, which are for hundreds of epochs; and the smaller size in training, since all sides train at one size.
"""

from __future__ import annotations

import os

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.models import ResNet
from torchvision.transforms import v2

from benchmarks.peers.peer import MEAN_RGB, STD_RGB, Lines, accuracy, network, options

_RATE, _RATE_BATCH = 0.5, 1024
_WARM_UP_SHARE, _WARM_UP_START = 5 / 600, 0.01
_WEIGHT_DECAY = 2e-5
_AVERAGE_EVERY, _AVERAGE_DECAY = 32, 0.99998


def main() -> None:
    """Train and write lines."""
    args = options(__doc__)
    to_input = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN_RGB, STD_RGB)]
    vary = v2.Compose(
        [
            v2.RandomResizedCrop(args.side, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.TrivialAugmentWide(),
            *to_input,
            v2.RandomErasing(p=0.1),
        ]
    )
    keep = v2.Compose([v2.Resize(round(args.side * 232 / 224), antialias=True), v2.CenterCrop(args.side), *to_input])
    train = ImageFolder(args.data / "train", vary)
    # The script asks for 16 processes; more than there are cores would only wait for each other.
    workers = os.cpu_count() or 1
    batches = DataLoader(train, args.batch, shuffle=True, num_workers=workers)
    judged = DataLoader(ImageFolder(args.data / "val", keep), args.batch, num_workers=workers)

    model = network(args.weights, len(train.classes))
    optimizer = _optimizer(model, args.batch)
    schedule = _schedule(optimizer, args.epochs)
    decay = 1 - min(1.0, (1 - _AVERAGE_DECAY) * args.batch * _AVERAGE_EVERY / args.epochs)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)

    lines = Lines(args.lines)
    lines.begin()
    for epoch in range(1, args.epochs + 1):
        lines.train()
        model.train()
        for step, (inputs, truth) in enumerate(batches):
            loss = loss_of(model(inputs), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % _AVERAGE_EVERY == 0:
                average.update_parameters(model)
        schedule.step()
        seconds = lines.trained()
        lines.epoch(epoch, seconds, max(accuracy(model, judged), accuracy(average, judged)))


def _optimizer(model: ResNet, batch: int) -> torch.optim.Optimizer:
    normalised = [p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    known = {id(parameter) for parameter in normalised}
    others = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups = [{"params": normalised, "weight_decay": 0.0}, {"params": others, "weight_decay": _WEIGHT_DECAY}]
    return torch.optim.SGD(groups, lr=_RATE * batch / _RATE_BATCH, momentum=0.9)


def _schedule(optimizer: torch.optim.Optimizer, epochs: int) -> torch.optim.lr_scheduler.LRScheduler:
    """By epochs, as the script's; a run of few epochs has no warm-up, as its share is under one."""
    warm_up = round(epochs * _WARM_UP_SHARE)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs - warm_up)
    if not warm_up:
        return cosine
    linear = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=_WARM_UP_START, total_iters=warm_up)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [linear, cosine], milestones=[warm_up])


if __name__ == "__main__":
    main()
