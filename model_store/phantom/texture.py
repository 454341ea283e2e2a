"""Trabecular texture: periodic tiles of a filament network, as columns along the bone's axis or as a mesh."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fftfreq, irfft2, rfftfreq
from scipy.ndimage import map_coordinates

Image = NDArray[np.float32]

COLUMNS = range(0, 4)  # tiles as in the base of a phalanx: long plates along the bone
MESHES = range(2, 6)  # tiles as in the head of a metacarpal; the middle two are of either kind
TILE_PITCH_MM = 0.1
_SIDE = 512


@lru_cache(maxsize=8)
def tiles(seed: int, period_mm: float) -> Image:
    """(6, 512, 512) float32 of mean 0 and standard deviation 1, periodic, 0.1 mm a sample: columns first, meshes last.

    Axis 1 runs along the bone. period_mm: distance between neighbouring trabeculae, about.
    """
    rng = np.random.default_rng(seed)
    along = fftfreq(_SIDE, TILE_PITCH_MM).astype(np.float32)[:, None]
    across = rfftfreq(_SIDE, TILE_PITCH_MM).astype(np.float32)[None, :]
    made = []
    for number in range(MESHES.stop):
        straight = 1.0 - number / (MESHES.stop - 1)  # 1 = columns, 0 = mesh
        columns = _filaments(rng, along * (2.0 + 3.5 * straight), across, 2.0 * period_mm)
        mesh = _filaments(rng, along * 1.15, across, 1.8 * period_mm)
        struts = _filaments(rng, along, across * 2.0, 2.2 * period_mm)
        grain = _band(rng, along * 1.3, across, 0.55 * period_mm)
        patches = _band(rng, along * 1.2, across, 4.0 * period_mm)
        tile = (0.6 + 0.9 * straight) * columns + (1.1 - 0.8 * straight) * mesh
        tile = tile + 0.35 * struts + 0.15 * grain + 0.3 * patches
        made.append((tile - tile.mean()) / tile.std())
    return np.stack(made)


def _band(rng: np.random.Generator, along: Image, across: Image, period_mm: float) -> Image:
    """Noise of one octave about 1/period_mm, standard deviation 1."""
    frequency = np.hypot(along, across)
    gain = np.exp(-0.5 * (np.log(np.maximum(frequency, 1e-6) * period_mm) / 0.35) ** 2)
    # White noise has a white spectrum: it is drawn there.
    spectrum = np.empty(gain.shape, np.complex64)
    spectrum.real = gain * rng.standard_normal(gain.shape, np.float32)
    spectrum.imag = gain * rng.standard_normal(gain.shape, np.float32)
    noise: Image = irfft2(spectrum, s=(_SIDE, _SIDE))
    return noise / noise.std()


def _filaments(rng: np.random.Generator, along: Image, across: Image, period_mm: float) -> Image:
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
