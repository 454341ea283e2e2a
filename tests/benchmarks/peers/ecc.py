"""OpenCV's enhanced correlation coefficient (Evangelidis & Psarakis, IEEE TPAMI 30(10), 2008)."""

from __future__ import annotations

import contextlib

import cv2
import numpy as np
import numpy.typing as npt

from tests.benchmarks.peers.windows import Image, Mask

#: Pyramid: reduction of the images, and the side of OpenCV's own Gaussian there.
LEVELS = ((4, 3), (2, 3), (1, 3))
FARTHEST_PX = 16.0  # that a level may move, its own pixels
CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-7)


def ecc_jsn_mm(
    fixed: Image,
    moving: Image,
    fixed_regions: tuple[Mask, Mask],
    moving_regions: tuple[Mask, Mask],
    spacing_mm: float,
) -> float:
    """Euclidean motion over a pyramid, both films' regions as masks."""
    cv2.setNumThreads(1)
    upper, lower = (_dy_px(fixed, moving, *pair) for pair in zip(fixed_regions, moving_regions, strict=True))
    return (upper - lower) * spacing_mm


def _dy_px(fixed: Image, moving: Image, fixed_region: Mask, moving_region: Mask) -> float:
    warp = np.eye(2, 3, dtype=np.float32)  # fixed to moving, pixels of the level
    before = 1.0
    for reduction, blur in LEVELS:
        warp[:, 2] *= before / reduction
        before = float(reduction)
        # pixel centres of a reduced image lie at (r - 1) / 2 of the full one: the frame is moved to its corner
        half = (reduction - 1) / (2 * reduction)
        start = _shifted(warp, half)
        with contextlib.suppress(
            cv2.error
        ):  # where a level does not converge or runs away, the last one stands
            _, found = cv2.findTransformECCWithMask(
                _reduced(fixed, reduction),
                _reduced(moving, reduction),
                _as_mask(fixed_region, reduction),
                _as_mask(moving_region, reduction),
                start,
                cv2.MOTION_EUCLIDEAN,
                CRITERIA,
                blur,
            )
            found = _shifted(np.asarray(found, np.float32), -half)
            if np.abs(found - warp)[:, 2].max() < FARTHEST_PX:
                warp = found
    centre = np.array([(fixed.shape[1] - 1) / 2, (fixed.shape[0] - 1) / 2, 1.0])
    return float(warp[1] @ centre - centre[1])


def _shifted(warp: Image, by: float) -> Image:
    """The same motion seen from a frame whose origin lies ``by`` to the right and below."""
    moved = warp.copy()
    moved[:, 2] += warp[:, :2] @ np.full(2, by, np.float32) - np.float32(by)
    return moved


def _reduced(image: Image, reduction: int) -> Image:
    if reduction == 1:
        return image
    size = (image.shape[1] // reduction, image.shape[0] // reduction)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _as_mask(region: Mask, reduction: int) -> npt.NDArray[np.uint8]:
    return np.where(_reduced(region.astype(np.float32), reduction) > 0.5, 255, 0).astype(np.uint8)
