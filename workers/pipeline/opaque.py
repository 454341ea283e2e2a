"""Rings and lead markers in a ROI: far brighter than any bone, all of one tone, and nothing is seen through them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from workers.pipeline.types import BoolArray, FloatArray

#: Share of the ROI that metal may cover.
MOST = 0.3
#: How far it stands out: its mean above the brightest of the rest, over the range of the rest.
CONTRAST = 0.7
#: How even it is: its upper quartiles' spread over its height. Bone is brighter at its cortex than within.
EVENNESS = 0.3
#: The middle of the ROI, as a share of its sides: metal there would hide the joint, what is bright there is bone.
MIDDLE = 1 / 3
#: Pixels around it that its edge has blurred into.
MARGIN_PX = 3


def opaque(roi: FloatArray) -> BoolArray:
    """Where metal hides what is behind it, (H, W); nowhere in nearly every ROI.

    The ROI is split in two by Otsu's threshold (IEEE Trans SMC 9(1), 1979).

    Args:
        roi: (H, W), bone bright.
    """
    nothing = np.zeros(roi.shape, bool)
    if not np.isfinite(roi).all() or float(np.ptp(roi)) <= 0.0:
        return nothing
    bright = roi > threshold_otsu(roi)
    if not 0.0 < float(bright.mean()) < MOST:
        return nothing
    darkest, brightest = np.quantile(roi[~bright], [0.01, 0.99])
    first_quarter, mean, top = (
        np.quantile(roi[bright], 0.25),
        roi[bright].mean(),
        np.quantile(roi[bright], 0.9),
    )
    stands_out = mean - brightest > CONTRAST * (brightest - darkest)
    even = top - first_quarter < EVENNESS * (mean - darkest)
    if not (stands_out and even):
        return nothing
    metal = roi > 0.5 * (brightest + mean)
    middle = tuple(slice(round(n * (1 - MIDDLE) / 2), round(n * (1 + MIDDLE) / 2)) for n in roi.shape)
    if metal[middle].any():
        return nothing
    return np.asarray(ndimage.binary_dilation(metal, iterations=MARGIN_PX))


def without_metal(roi: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The ROI with what lies next to the metal spread over it, and where (H, W) it shows what was there."""
    hidden = opaque(roi)
    if not hidden.any() or hidden.all():
        return roi, np.ones(roi.shape, bool)
    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return roi[tuple(nearest)], ~hidden
