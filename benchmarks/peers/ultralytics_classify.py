"""Classification training of the package ultralytics, its own defaults throughout, on torchvision's ResNet-50.

The body is its TorchVision module, the head its Classify module (a convolution to 1,280 channels, and a linear layer).
Optimizer, rates, augmentation, averaging, loader processes and precision (FP32 on a processor) are its own choice.
Run it with the Python of an environment that has ultralytics; it needs nothing of edge-resnet.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers.peer import Lines, options

_BODY = """
nc: 1000
backbone:
  - [-1, 1, TorchVision, [2048, resnet50, null, True, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""
# The body is a sequence of torchvision's children without their names: conv1, bn1, relu, maxpool, layer1 ... layer4.
_CHILDREN = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


def main() -> None:
    """Train and write lines."""
    args = options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        # Its settings, and whatever else it keeps, go where the run goes; it must not look for updates.
        os.environ.update(YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
        _train(args, Path(folder))


def _train(args: Any, folder: Path) -> None:
    from ultralytics.models.yolo.classify import ClassificationTrainer

    class Trainer(ClassificationTrainer):  # type: ignore[misc]
        """Begins from the race's weights."""

        def get_model(self, *arguments: Any, **named: Any) -> Any:
            model = super().get_model(*arguments, **named)
            state = torch.load(args.weights, weights_only=True)
            numbered = {name: f"{place}" for place, name in enumerate(_CHILDREN)}
            model.model[0].m.load_state_dict(
                {
                    f"{numbered[first]}.{rest}": tensor
                    for first, _, rest, tensor in ((*key.partition("."), value) for key, value in state.items())
                    if first in numbered
                }
            )
            return model

    (folder / "resnet50-cls.yaml").write_text(_BODY)
    lines = Lines(args.lines)
    spent: list[float] = []

    def judged(trainer: Any) -> None:
        # The last call comes after training, for the best epoch once more.
        if spent:
            lines.epoch(trainer.epoch + 1, spent.pop(), float(trainer.metrics["metrics/accuracy_top1"]))

    trainer = Trainer(
        overrides={
            "model": str(folder / "resnet50-cls.yaml"),
            "data": str(args.data),
            "imgsz": args.side,
            "epochs": args.epochs,
            "batch": args.batch,
            "device": "cpu",
            "project": str(folder),
            "plots": False,
            **({"freeze": 1} if args.frozen else {}),
        }
    )
    trainer.add_callback("on_train_start", lambda _trainer: lines.begin())
    trainer.add_callback("on_train_epoch_start", lambda _trainer: lines.train())
    trainer.add_callback("on_train_epoch_end", lambda _trainer: spent.append(lines.trained()))
    trainer.add_callback("on_fit_epoch_end", judged)
    trainer.train()


if __name__ == "__main__":
    main()
