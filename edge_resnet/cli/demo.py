"""`edge-resnet demo`."""


def demo() -> None:
    """Run the main job on drawn pictures."""
