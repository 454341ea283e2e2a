"""A film's pixels as they go to the browser's viewer: raw, little-endian, row-major, nothing windowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Longest side that every graphics card takes as one texture.
MAX_SIDE_PX = 4096


@dataclass(frozen=True)
class FilmPixels:
    """``body`` is (H, W) uint16 with value = slope * stored + intercept; one of its pixels is the mean of ``reduction``
    squared pixels of the film.
    """

    body: bytes
    shape: tuple[int, int]
    slope: float
    intercept: float
    reduction: int


def film_pixels(pixels: npt.NDArray[np.float32]) -> FilmPixels:
    """(H, W) ``pixels`` for the viewer: the values as they are where 16 bit hold them, else scaled to 16 bit."""
    reduction = -(-max(pixels.shape) // MAX_SIDE_PX)
    if reduction > 1:
        pixels = _block_mean(pixels, reduction)
    height, width = pixels.shape
    if _fit_16_bit(pixels):
        return FilmPixels(pixels.astype("<u2").tobytes(), (height, width), 1.0, 0.0, reduction)
    bottom, top = float(pixels.min()), float(pixels.max())
    slope = (top - bottom) / 65535 or 1.0
    stored = ((pixels.astype(np.float64) - bottom) / slope).round()
    return FilmPixels(stored.astype("<u2").tobytes(), (height, width), slope, bottom, reduction)


def _fit_16_bit(pixels: npt.NDArray[np.float32]) -> bool:
    low, high = float(pixels.min()), float(pixels.max())
    return low >= 0 and high <= 65535 and bool((pixels == np.round(pixels)).all())


def _block_mean(pixels: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    height, width = (length // size for length in pixels.shape)
    blocks = pixels[: height * size, : width * size].reshape(height, size, width, size)
    means: npt.NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means
