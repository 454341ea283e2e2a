"""What reader units do to a film before anyone sees it: multi-frequency enhancement and a look-up table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

Image = NDArray[np.float32]

_FINEST_MM = 0.3
_FAINT = 0.04  # of optical density: fainter structures are raised, stronger ones held back


@dataclass(frozen=True)
class Processing:
    """One vendor's way with a film.

    gains: what is added of each octave of detail, finest (0.3 mm) first; none = untouched. evenness: 0 = linear,
    towards 1 = faint detail is raised and strong detail held back (Vuylsteke and Schoeters, SPIE 2167, 1994).
    curve: the look-up table's values at equal steps of its input 0..1, rising; none = straight.
    """

    gains: tuple[float, ...] = ()
    evenness: float = 0.0
    curve: tuple[float, ...] = ()


def draw_processing(rng: np.random.Generator, spread: float) -> Processing:
    """A vendor's processing; half of them have multi-frequency enhancement. spread scales how far it goes."""
    gains = tuple(float(g) for g in rng.uniform(-0.15, 0.8, 5) * spread)
    steps = rng.uniform(0.5, 1.5, 6) ** spread
    rise = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    enhanced, curved = rng.random() < 0.5, rng.random() < 0.5
    return Processing(
        gains if enhanced else (),
        float(rng.uniform(0.0, 0.5)) * spread,
        tuple(float(value) for value in rise) if curved else (),
    )


def enhance(density: Image, processing: Processing, spacing_mm: float) -> Image:
    """The film with each octave of detail raised or lowered; (H, W) optical density."""
    if not processing.gains:
        return density
    result, finer = density.copy(), density
    for octave, gain in enumerate(processing.gains):
        coarser = smooth(density, _FINEST_MM * 2.0**octave / spacing_mm)
        detail = finer - coarser
        if processing.evenness > 0.0:
            ratio = (detail**2 + np.float32(_FAINT**2)) / np.float32(2.0 * _FAINT**2)
            detail = detail * ratio ** np.float32(-0.5 * processing.evenness)
        result += np.float32(gain) * detail
        finer = coarser
    return result


def look_up(shade: Image, processing: Processing) -> Image:
    """Shades 0..1 through the look-up table."""
    if not processing.curve:
        return shade
    return np.interp(shade, np.linspace(0.0, 1.0, len(processing.curve)), processing.curve).astype(np.float32)


def smooth(image: Image, sigma_px: float) -> Image:
    """Gaussian blur; a broad one is done on a coarser grid."""
    step = int(sigma_px / 2.5)
    if step < 2:
        return np.asarray(gaussian_filter(image, sigma_px, truncate=3.0, mode="nearest"))
    height, width = image.shape
    padded = np.pad(image, ((0, -height % step), (0, -width % step)), mode="edge")
    coarse = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).mean(axis=(1, 3))
    coarse = gaussian_filter(coarse, sigma_px / step, truncate=3.0, mode="nearest")
    fine = zoom(coarse, step, order=1, mode="nearest", grid_mode=True)
    return np.asarray(fine[:height, :width], np.float32)
