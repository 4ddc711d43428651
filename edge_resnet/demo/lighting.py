"""The light of a moment: sun, sky, lamp and infrared lights as functions of the time of day."""

from dataclasses import dataclass

import numpy as np

from edge_resnet.demo.camera import Colour

# Columns: daylight, ambient BGR, sun BGR, zenith BGR, horizon BGR, lamp gain. Daylight runs from 0 (night) to 1 (noon).
_TABLE = np.array(
    [
        [0.00, 0.120, 0.092, 0.078, 0.00, 0.00, 0.00, 0.050, 0.030, 0.022, 0.110, 0.075, 0.060, 1.35],
        [0.18, 0.150, 0.115, 0.100, 0.00, 0.00, 0.00, 0.210, 0.140, 0.110, 0.300, 0.260, 0.310, 1.25],
        [0.35, 0.270, 0.230, 0.220, 0.12, 0.22, 0.34, 0.500, 0.380, 0.310, 0.470, 0.560, 0.720, 0.80],
        [0.60, 0.440, 0.410, 0.390, 0.45, 0.58, 0.68, 0.780, 0.620, 0.480, 0.800, 0.790, 0.790, 0.15],
        [1.00, 0.540, 0.510, 0.480, 0.76, 0.84, 0.88, 0.880, 0.700, 0.540, 0.900, 0.880, 0.850, 0.00],
    ],
    np.float32,
)
SODIUM: Colour = (0.38, 0.72, 1.0)
WHITE: Colour = (0.88, 0.97, 1.0)


@dataclass(frozen=True)
class Lighting:
    """Everything that lights a frame at one moment; colours are BGR and multiply reflectance."""

    ambient: Colour
    sun: Colour
    zenith: Colour
    horizon: Colour
    lamp: Colour
    infrared: float
    """Strength of the camera's own infrared lights; above 0 the frame is grey."""
    noise: float
    """Standard deviation of the sensor's noise, in fractions of full scale."""


def _colour(row: np.ndarray[tuple[int], np.dtype[np.float32]], start: int, gain: float = 1.0) -> Colour:
    return float(row[start] * gain), float(row[start + 1] * gain), float(row[start + 2] * gain)


def lighting(daylight: float, overcast: float, infrared: bool, lamp_tint: Colour) -> Lighting:
    """The light at `daylight` (0 night to 1 noon) under clouds (`overcast`, 0 clear to 1 grey)."""
    row = np.array([np.interp(daylight, _TABLE[:, 0], _TABLE[:, i]) for i in range(_TABLE.shape[1])], np.float32)
    sun = 1 - 0.92 * overcast
    ambient = _colour(row, 1, 1 + 0.25 * overcast * daylight)
    grey = overcast * 0.8
    zenith, horizon = _colour(row, 7), _colour(row, 10)
    pale = sum(horizon) / 3 * 0.92
    zenith = tuple_mix(zenith, (pale, pale, pale * 0.98), grey)
    horizon = tuple_mix(horizon, (pale, pale, pale), grey)
    lamp = float(row[13])
    if infrared:
        # Infrared cameras see by their own lights: the sky goes black and colours mean nothing.
        return Lighting(
            (0.05, 0.05, 0.05),
            (0.0, 0.0, 0.0),
            (0.03, 0.03, 0.03),
            (0.07, 0.07, 0.07),
            (0.5, 0.5, 0.5),
            1.0,
            0.016,
        )
    tint = (lamp_tint[0] * lamp, lamp_tint[1] * lamp, lamp_tint[2] * lamp)
    noise = float(np.interp(daylight, [0, 0.3, 1], [0.017, 0.011, 0.007]))
    return Lighting(ambient, _colour(row, 4, sun), zenith, horizon, tint, 0.0, noise)


def tuple_mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` blended with `share` (0 to 1) of `second`, per channel."""
    keep = 1 - share
    return (
        first[0] * keep + second[0] * share,
        first[1] * keep + second[1] * share,
        first[2] * keep + second[2] * share,
    )
