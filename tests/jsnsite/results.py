"""Results in the shape of ``workers.pipeline.types``, without that room and its torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Motion:
    dx_mm: float
    dy_mm: float
    rotation_deg: float = 1.0
    scale: float = 1.0


@dataclass(frozen=True)
class Masks:
    upper: npt.NDArray[np.bool_]
    lower: npt.NDArray[np.bool_]


def _image() -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).random((8, 6), dtype=np.float32)


def _loss() -> npt.NDArray[np.float32]:
    loss = np.full((8, 6), np.nan, np.float32)
    loss[:4] = 0.5
    return loss


def _masks() -> Masks:
    upper = np.zeros((8, 6), np.bool_)
    upper[:4] = True
    return Masks(upper, ~upper)


@dataclass(frozen=True)
class JointResult:
    joint: str
    jsn_mm: float = 0.2
    jsn_sigma_mm: float = 0.03
    reliability: str = "reliable"
    reasons: tuple[str, ...] = ()
    upper: Motion = Motion(0.1, 0.2)
    lower: Motion = Motion(0.0, 0.0)
    masks: Masks = field(default_factory=_masks)
    loss_map: npt.NDArray[np.float32] = field(default_factory=_loss)
    loss_before: npt.NDArray[np.float32] = field(default_factory=_loss)
    fixed: npt.NDArray[np.float32] = field(default_factory=_image)
    moving: npt.NDArray[np.float32] = field(default_factory=_image)
    warped: npt.NDArray[np.float32] = field(default_factory=_image)
    pixel_spacing_mm: float = 0.175
    metrics: dict[str, Any] = field(default_factory=lambda: {"mse": 0.01, "ncc": float("nan")})


def result(joint: str, jsn_mm: float = 0.2) -> JointResult:
    """One joint's result with the given JSN, all of it moved by the upper bone."""
    return JointResult(joint, jsn_mm, upper=Motion(0.1, jsn_mm))
