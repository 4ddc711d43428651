"""The loop of tutorials: ImageFolder, DataLoader(num_workers=0), FP32, NCHW, SGD with steps.

Augmentation, optimizer and rates are those of PyTorch's transfer-learning tutorial; with --frozen it is the tutorial's
second half, "ConvNet as fixed feature extractor".
Source: https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.peers.peer import MEAN_RGB, STD_RGB, Lines, accuracy, network, options


def main() -> None:
    """Train and write lines."""
    args = options(__doc__)
    to_input = [transforms.ToTensor(), transforms.Normalize(MEAN_RGB, STD_RGB)]
    vary = transforms.Compose([transforms.RandomResizedCrop(args.side), transforms.RandomHorizontalFlip(), *to_input])
    keep = transforms.Compose(
        [transforms.Resize(round(args.side * 256 / 224)), transforms.CenterCrop(args.side), *to_input]
    )
    train = ImageFolder(args.data / "train", vary)
    batches = DataLoader(train, batch_size=args.batch, shuffle=True, num_workers=0)
    judged = DataLoader(ImageFolder(args.data / "val", keep), batch_size=args.batch, num_workers=0)

    model = network(args.weights, len(train.classes))
    if args.frozen:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith("fc.")
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    loss_of = nn.CrossEntropyLoss()

    lines = Lines(args.lines)
    lines.begin()
    for epoch in range(1, args.epochs + 1):
        lines.train()
        model.train()
        for inputs, truth in batches:
            optimizer.zero_grad()
            loss_of(model(inputs), truth).backward()
            optimizer.step()
        schedule.step()
        lines.epoch(epoch, lines.trained(), accuracy(model, judged))


if __name__ == "__main__":
    main()
