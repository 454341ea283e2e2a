"""The shape of a hand as its landmarks show it, and how it is fitted to what the network found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_store.locator.contract import LANDMARKS

Floats = npt.NDArray[np.float64]

#: Mean landmarks of phantom hands, mm, (19, 2): a right hand seen from its back, fingers up; x right, y down from MCP3.
MEAN_SHAPE_MM: Floats = np.array([
    [-42.3, 32.7], [-16.8, 0.3], [0.0, 0.0], [20.0, 2.7], [36.9, 13.7],
    [-55.2, 8.6], [-24.7, -37.9], [0.0, -41.0], [25.9, -33.8], [47.3, -17.1],
    [-28.3, -60.2], [0.0, -67.9], [28.9, -56.5], [53.1, -35.5],
    [-62.3, -7.2], [-30.5, -74.6], [0.0, -83.6], [30.8, -71.8], [56.7, -48.9],
])  # fmt: skip

MCP2, MCP5 = LANDMARKS.index("MCP2"), LANDMARKS.index("MCP5")

#: Distance of the centres of MCP2 and MCP5 in an adult's hand, mm, the mean over phantom hands.
ADULT_BREADTH_MM = float(np.linalg.norm(MEAN_SHAPE_MM[MCP2] - MEAN_SHAPE_MM[MCP5]))

_INLIER = 0.18  # distance from the mean shape, in breadths, at which a landmark counts half


@dataclass(frozen=True)
class HandFit:
    """The mean shape laid over a hand on a film.

    ``linear`` (2, 2) and ``offset`` (2,) take the mean shape in mm to pixels; ``mirrored`` for a left hand.
    ``residual`` (19,): distance of each landmark from the fitted shape, in breadths MCP2-MCP5. ``agreement``: 0 to 1,
    the landmarks' confidence, each discounted by its residual, averaged over the finger joints.
    """

    linear: Floats
    offset: Floats
    mirrored: bool
    residual: Floats
    agreement: float

    @property
    def scale_px(self) -> float:
        """Pixels per mm of the mean shape."""
        return float(np.sqrt(abs(np.linalg.det(self.linear))))

    @property
    def angle_deg(self) -> float:
        """Where the middle finger's metacarpal points, 0 = up the film, positive clockwise."""
        up = -self.linear[:, 1]
        return float(np.rad2deg(np.arctan2(up[0], -up[1])))

    def points(self) -> Floats:
        """The mean shape on the film, (19, 2)."""
        return MEAN_SHAPE_MM @ self.linear.T + self.offset


def fit_hand(points: Floats, confidence: Floats, mirrored: bool) -> HandFit:
    """Fit the mean shape to landmarks by a weighted similarity, robust against single wrong ones.

    Args:
        points: (19, 2), (x, y) px. confidence: (19,) 0 to 1. mirrored: whether the hand is to be a left one.
    """
    shape = MEAN_SHAPE_MM * ([-1.0, 1.0] if mirrored else [1.0, 1.0])
    weight = confidence + 1e-6
    for _ in range(8):
        linear, offset = _similarity(shape, points, weight)
        breadth = ADULT_BREADTH_MM * np.sqrt(abs(np.linalg.det(linear))) + 1e-9
        residual = np.linalg.norm(shape @ linear.T + offset - points, axis=1) / breadth
        trust = 1.0 / (1.0 + (residual / _INLIER) ** 2)
        weight = confidence * trust + 1e-6
    joints = slice(0, LANDMARKS.index("TIP1"))
    agreement = float((confidence * np.exp(-((residual / 0.6) ** 2)))[joints].mean())
    flip = np.diag([-1.0, 1.0]) if mirrored else np.eye(2)
    return HandFit(linear @ flip, offset, mirrored, residual, agreement)


def _similarity(source: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares of target = scale * rotation @ source + offset (Umeyama 1991)."""
    weight = weight / weight.sum()
    source_mean, target_mean = weight @ source, weight @ target
    p, q = source - source_mean, target - target_mean
    power = float((weight * (p**2).sum(axis=1)).sum()) + 1e-12
    cosine = float((weight * (p * q).sum(axis=1)).sum()) / power
    sine = float((weight * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])).sum()) / power
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return linear, target_mean - linear @ source_mean


def handedness(points: Floats, confidence: Floats) -> tuple[HandFit, float]:
    """The better of a right and a left hand, and how much worse the other fits (0 = no telling, 1 = impossible)."""
    right, left = (fit_hand(points, confidence, mirrored) for mirrored in (False, True))
    better, worse = (
        (right, left) if _misfit(right, confidence) <= _misfit(left, confidence) else (left, right)
    )
    return better, 1.0 - _misfit(better, confidence) / (_misfit(worse, confidence) + 1e-9)


def _misfit(fit: HandFit, confidence: Floats) -> float:
    return float((confidence * np.minimum(fit.residual, 1.0)).sum() / (confidence.sum() + 1e-9))
