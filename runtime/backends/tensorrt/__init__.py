"""NVIDIA TensorRT, the full library and the one for RTX cards: built on the box, kept there, run without torch."""
