"""Where a bone is compared, the same for all peers, and what the phase correlations share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Peer = Callable[[Image, Image, tuple[Mask, Mask], tuple[Mask, Mask], float], float]
#: (fixed, moving, fixed region, moving region, spacing_mm) -> dy of one bone, mm.
BonePeer = Callable[[Image, Image, Mask, Mask, float], float]

#: A mask that ends on the bone's edge loses half of the edge's profile; the other bone is left out with a margin.
GROW_MM = 0.5
MARGIN_MM = 0.25


def each_bone(dy_mm: BonePeer) -> Peer:
    """The peer that registers each bone on its own: JSN = dy_upper - dy_lower."""

    def jsn_mm(
        fixed: Image,
        moving: Image,
        fixed_regions: tuple[Mask, Mask],
        moving_regions: tuple[Mask, Mask],
        spacing_mm: float,
    ) -> float:
        upper, lower = (
            dy_mm(fixed, moving, *pair, spacing_mm)
            for pair in zip(fixed_regions, moving_regions, strict=True)
        )
        return upper - lower

    return jsn_mm


def regions(masks: tuple[Mask, Mask], spacing_mm: float) -> tuple[Mask, Mask]:
    """(upper, lower) masks (H, W) grown over the bone's edge, without what the other bone covers."""
    grown = [_within(mask, GROW_MM / spacing_mm) for mask in masks]
    kept_off = [_within(mask, MARGIN_MM / spacing_mm) for mask in masks]
    return grown[0] & ~kept_off[1], grown[1] & ~kept_off[0]


def _within(mask: Mask, radius_px: float) -> Mask:
    return np.asarray(ndimage.distance_transform_edt(~mask) <= radius_px)


def window(region: Mask, softness_px: float) -> Image:
    """A region as a window (H, W) that fades out over its own border."""
    inside = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(inside / softness_px, 0.0, 1.0)), np.float32)


#: (still, moved back) -> (cost, shift (y, x) px of what is left between them), cheaply or as finely as it can
Match = Callable[[Image, Image, bool], tuple[float, Points]]


def dy_by_windows(
    fixed: Image, moving: Image, fixed_region: Mask, moving_region: Mask, softness_px: float, match: Match
) -> float:
    """Downward displacement (px) of a bone at the ROI's centre, by a method that finds shifts between windowed images.

    The moving image is moved back by what is known of the motion before the window is laid on it, and again once more
    is known: windows that lie still pull towards no motion. The turn is the one of least cost, in a fan.
    """
    pivot = np.array(ndimage.center_of_mass(fixed_region))
    turn, shift = 0.0, np.zeros(2)

    def compared(turn_deg: float, fine: bool) -> tuple[float, Points]:
        back = _moved_back(moving, turn_deg, shift, pivot, order=3)
        seen = _moved_back(moving_region.astype(np.float32), turn_deg, shift, pivot, order=1) > 0.5
        weight = window(fixed_region & seen, softness_px)
        return match(_bone_alone(fixed, weight), _bone_alone(back, weight), fine)

    for reach_deg in (8.0, 1.0, 0.2):
        turn = _search(lambda turn_deg: compared(turn_deg, False)[0], turn, reach_deg)
        for _ in range(2):
            shift = shift + compared(turn, True)[1]
    y, x = (np.array(fixed.shape) - 1) / 2 - pivot
    angle = np.deg2rad(turn)
    return float(np.sin(angle) * (x + shift[1]) + np.cos(angle) * (y + shift[0]) - y)


def _moved_back(image: Image, turn_deg: float, shift_yx: Points, pivot_yx: Points, order: int) -> Image:
    """The image whose point x shows what the given one has at pivot + R (x - pivot + shift), R clockwise."""
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    turn = np.array([[c, s], [-s, c]])  # of (y, x)
    offset = pivot_yx + turn @ (shift_yx - pivot_yx)
    return np.asarray(
        ndimage.affine_transform(image, turn, offset=offset, order=order, mode="nearest"), np.float32
    )


def _bone_alone(image: Image, weight: Image) -> Image:
    """The image less its mean under a window, times the window."""
    mean = float((image * weight).sum() / max(float(weight.sum()), 1e-6))
    return np.asarray((image - mean) * weight, np.float32)


def _search(cost: Callable[[float], float], centre_deg: float, reach_deg: float) -> float:
    """The turn of least cost: a fan of nine about the centre, then two finer steps."""
    seen = {turn: cost(turn) for turn in (centre_deg + reach_deg * np.arange(-1.0, 1.1, 0.25)).tolist()}
    step = reach_deg / 8
    for _ in range(2):
        best = min(seen, key=lambda turn: seen[turn])
        for turn in (best - step, best + step):
            seen.setdefault(turn, cost(turn))
        step /= 2
    return float(min(seen, key=lambda turn: seen[turn]))
