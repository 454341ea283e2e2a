"""The arrays behind a measurement, as bytes for the browser: little-endian, row-major, nothing windowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IMAGES = ("fixed", "moving", "warped")
LOSSES = ("loss_map", "loss_before")
MASKS = ("upper", "lower")
LAYERS = IMAGES + LOSSES + MASKS


@dataclass(frozen=True)
class Layer:
    """``body`` is (H, W) uint16 for images, where value = slope * stored + intercept; float32 for losses, NaN
    outside the bones; uint8 (0 or 1) for masks.
    """

    body: bytes
    shape: tuple[int, int]
    slope: float = 1.0
    intercept: float = 0.0


def encode(array: npt.NDArray[Any], name: str) -> Layer:
    """The (H, W) array of the layer ``name`` as it goes to the browser."""
    shape = (int(array.shape[0]), int(array.shape[1]))
    if name not in IMAGES:
        return Layer(array.astype("u1" if name in MASKS else "<f4").tobytes(), shape)
    bottom, top = float(np.nanmin(array)), float(np.nanmax(array))
    slope = (top - bottom) / 65535 or 1.0
    stored = np.nan_to_num((array.astype(np.float64) - bottom) / slope).round()
    return Layer(stored.astype("<u2").tobytes(), shape, slope, bottom)
