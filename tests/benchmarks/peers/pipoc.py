"""Partial-image phase-only correlation (PIPOC), written from its description.

Ou, Ambalathankandy et al., "A sub-pixel accurate quantification of joint space narrowing progression in rheumatoid
arthritis", IEEE JBHI 27(1), 2023 (arXiv 2205.09315): each bone is segmented and windowed, and the two partial images
are registered by their phase spectra; the turn is corrected first (Ou et al., Open J Med Imaging 12, 2022). The
correlation is band-limited (Ito et al., IEICE Trans Fundamentals E87-A(3), 2004) and its peak is fitted by the closed
form of a shifted image's correlation (Takita et al., IEICE Trans Fundamentals E86-A(8), 2003).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from tests.benchmarks.peers.windows import Image, Mask, Points, dy_by_windows

Floats = npt.NDArray[np.float64]

SOFTNESS_MM = 1.0
#: Highest frequency that counts, periods a mm: beyond it films show noise more than bone.
BAND_PER_MM = 1.2


def pipoc_jsn_mm(
    fixed: Image,
    moving: Image,
    fixed_regions: tuple[Mask, Mask],
    moving_regions: tuple[Mask, Mask],
    spacing_mm: float,
) -> float:
    """Both bones by windowed, band-limited phase-only correlation; the turn is that of the highest peak."""
    softness = SOFTNESS_MM / spacing_mm
    half = tuple(
        min(max(3, round(BAND_PER_MM * spacing_mm * length)), (length - 1) // 2) for length in fixed.shape
    )

    def match(still: Image, back: Image, fine: bool) -> tuple[float, Points]:
        cross = _low_spectrum(back, half) * _low_spectrum(still, half).conj()
        phases = cross / np.maximum(np.abs(cross), 1e-12)
        height, shift = _peak(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(phases)).real))
        # the band's own pixels are larger than the image's
        return -height, shift * np.array(fixed.shape) / (2 * np.array(half) + 1)

    upper, lower = (
        dy_by_windows(fixed, moving, *pair, softness, match)
        for pair in zip(fixed_regions, moving_regions, strict=True)
    )
    return (upper - lower) * spacing_mm


def _low_spectrum(image: Image, half: tuple[int, ...]) -> npt.NDArray[np.complex128]:
    """The spectrum's centre, (2 half + 1) frequencies on each axis."""
    spectrum = np.fft.fftshift(np.fft.fft2(image))
    rows, columns = (length // 2 for length in image.shape)
    return spectrum[rows - half[0] : rows + half[0] + 1, columns - half[1] : columns + half[1] + 1]


def _peak(correlation: Floats) -> tuple[float, Floats]:
    """Height and place (y, x), from the middle, of the peak: least squares of the closed form on 5 x 5 values."""
    middle = np.array(correlation.shape) // 2
    top = np.array(np.unravel_index(int(np.argmax(correlation)), correlation.shape))
    top = np.clip(top, 2, np.array(correlation.shape) - 3)
    values = correlation[top[0] - 2 : top[0] + 3, top[1] - 2 : top[1] + 3]
    offsets = np.arange(-2, 3)

    def residual(state: Floats) -> Floats:
        height, y, x = state
        rows, columns = (
            _dirichlet(offsets - place, length)
            for place, length in zip((y, x), correlation.shape, strict=True)
        )
        return np.asarray(height * np.outer(rows, columns) - values).ravel()

    found = optimize.least_squares(residual, [values[2, 2], 0.0, 0.0], method="lm")
    return float(found.x[0]), top - middle + found.x[1:]


def _dirichlet(offset: Floats, length: int) -> Floats:
    """Correlation of an image with itself shifted, along one axis of ``length`` (odd) frequencies."""
    near = np.abs(offset) < 1e-9
    safe = np.where(near, 1.0, offset)
    return np.asarray(np.where(near, 1.0, np.sin(np.pi * safe) / (length * np.sin(np.pi * safe / length))))
