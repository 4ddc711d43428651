"""Measurements, as ratios from one interleaved run."""
