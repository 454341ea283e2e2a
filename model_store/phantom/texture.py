"""Trabecular texture: periodic tiles of a filament network, mostly along the bone's axis."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

TILES = 4
TILE_PITCH_MM = 0.1
_SIDE = 512


@lru_cache(maxsize=32)
def tiles(seed: int, period_mm: float) -> NDArray[np.float32]:
    """(TILES, 512, 512) float32 of mean 0 and standard deviation 1, periodic, 0.1 mm a sample.

    Axis 1 runs along the bone. period_mm: distance between neighbouring trabeculae, about.
    """
    rng = np.random.default_rng(seed)
    along = np.fft.fftfreq(_SIDE, TILE_PITCH_MM)[:, None]
    across = np.fft.rfftfreq(_SIDE, TILE_PITCH_MM)[None, :]
    made = []
    for _ in range(TILES):
        columns = _filaments(rng, along * 2.2, across, 2.0 * period_mm)
        mesh = _filaments(rng, along * 1.15, across, 1.8 * period_mm)
        struts = _filaments(rng, along, across * 2.0, 2.2 * period_mm)
        grain = _band(rng, along * 1.3, across, 0.55 * period_mm)
        patches = _band(rng, along * 1.2, across, 4.0 * period_mm)
        tile = 1.0 * columns + 0.9 * mesh + 0.4 * struts + 0.3 * grain + 0.3 * patches
        made.append((tile - tile.mean()) / tile.std())
    return np.stack(made).astype(np.float32)


def _band(
    rng: np.random.Generator,
    along: NDArray[np.floating[Any]],
    across: NDArray[np.floating[Any]],
    period_mm: float,
) -> NDArray[np.floating[Any]]:
    """Noise of one octave about 1/period_mm, standard deviation 1."""
    frequency = np.hypot(along, across)
    gain = np.exp(-0.5 * (np.log(np.maximum(frequency, 1e-6) * period_mm) / 0.35) ** 2)
    noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(_SIDE, _SIDE))) * gain, s=(_SIDE, _SIDE))
    return noise / noise.std()


def _filaments(
    rng: np.random.Generator,
    along: NDArray[np.floating[Any]],
    across: NDArray[np.floating[Any]],
    period_mm: float,
) -> NDArray[np.floating[Any]]:
    """Thin bright lines: where band-limited noise crosses zero."""
    lines = np.exp(-0.5 * (_band(rng, along, across, period_mm) / 0.36) ** 2)
    return (lines - lines.mean()) / lines.std()


def sample(
    tile: NDArray[np.float32],
    along_mm: NDArray[np.floating[Any]],
    across_mm: NDArray[np.floating[Any]],
) -> NDArray[np.float32]:
    """Values of one tile at positions in the bone's frame (any shape), wrapped."""
    where = np.stack([along_mm, across_mm]) / TILE_PITCH_MM
    return map_coordinates(tile, where, order=1, mode="grid-wrap", output=np.float32)
