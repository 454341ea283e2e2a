"""Bones that a person has outlined on a film, as masks of a joint's ROI."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workers.pipeline.crop import Crop
from workers.pipeline.types import BoolArray, Outlines

#: Each pixel is decided by this many samples a side, and the larger part of it counts.
_SAMPLES = 4


def drawn_masks(crop: Crop, outlines: Outlines) -> tuple[BoolArray | None, BoolArray | None]:
    """(upper, lower) masks of a ROI from outlines in film pixels; None for a bone that nobody has drawn."""
    upper, lower = (
        None if (drawn := outlines.get(bone)) is None else filled(crop.to_roi(drawn), crop.pixels.shape)
        for bone in ("upper", "lower")
    )
    return upper, lower


def filled(polygon: npt.ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    """The pixels of (H, W) that lie in a polygon (N, 2), (x, y), pixel centres at integers; what it covers twice is
    outside.
    """
    height, width = shape[0] * _SAMPLES, shape[1] * _SAMPLES
    start = (np.asarray(polygon, np.float64) + 0.5) * _SAMPLES - 0.5
    end = np.roll(start, -1, axis=0)
    rows, edges = np.nonzero(
        (start[:, 1] <= np.arange(height)[:, None]) != (end[:, 1] <= np.arange(height)[:, None])
    )
    (x0, y0), (x1, y1) = start[edges].T, end[edges].T
    crossing = np.ceil(x0 + (rows - y0) * (x1 - x0) / (y1 - y0)).clip(0, width).astype(int)
    crossings = np.zeros((height, width + 1), int)
    np.add.at(crossings, (rows, crossing), 1)
    inside = crossings.cumsum(axis=1)[:, :width] % 2
    samples = inside.reshape(shape[0], _SAMPLES, shape[1], _SAMPLES)
    larger_part: BoolArray = samples.mean(axis=(1, 3)) > 0.5
    return larger_part
