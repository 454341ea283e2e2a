"""scikit-image's phase_cross_correlation on masked bone windows."""

from __future__ import annotations

import numpy as np
from skimage.registration import phase_cross_correlation

from tests.benchmarks.peers.windows import Image, Mask, Points, dy_by_windows

SOFTNESS_MM = 1.0
UPSAMPLING = 200


def phase_correlation_jsn_mm(
    fixed: Image,
    moving: Image,
    fixed_regions: tuple[Mask, Mask],
    moving_regions: tuple[Mask, Mask],
    spacing_mm: float,
) -> float:
    """Windowed bones, upsampled cross-correlation (Guizar-Sicairos et al., Opt Lett 33(2), 2008).

    The turn is searched for, since the library finds shifts alone. Its masked variant (Padfield 2012) gives whole
    pixels only, and so no more than a start, which these windows do not need.
    """
    softness = SOFTNESS_MM / spacing_mm
    upper, lower = (
        dy_by_windows(fixed, moving, *pair, softness, _match)
        for pair in zip(fixed_regions, moving_regions, strict=True)
    )
    return (upper - lower) * spacing_mm


def _match(still: Image, back: Image, fine: bool) -> tuple[float, Points]:
    """Error of the match, and the shift that is left."""
    upsampling = UPSAMPLING if fine else 4
    shift, error, _ = phase_cross_correlation(still, back, upsample_factor=upsampling, normalization=None)
    return float(error), -np.asarray(shift, float)
