"""What is true on a phantom film: how each bone moved between two films, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from .projection import JointTruth, Layer, Projection

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

FOCUS_MM = 5.0  # points count by their distance from the joint centre, as a Gaussian of this width


@dataclass(frozen=True)
class BoneMotion:
    """Displacement at the joint centre (mm, x right, y down in the upright ROI) and turn, positive clockwise."""

    dx_mm: float
    dy_mm: float
    rotation_deg: float


@dataclass(frozen=True)
class JointMotion:
    """Motion of both bones of a joint; jsn_mm = dy_upper - dy_lower, positive = narrower."""

    joint: str
    upper: BoneMotion
    lower: BoneMotion

    @property
    def jsn_mm(self) -> float:
        return self.upper.dy_mm - self.lower.dy_mm


def joint_motion(fixed: Projection, moving: Projection, joint: str) -> JointMotion:
    """How the bones of a joint moved from `fixed` to `moving`, each film looked at in its own upright ROI.

    The same material points of a bone near the joint are projected on both films (so tilt, perspective and
    magnification count as they show), a plane rigid motion is fitted to them, and read at the joint centre.
    Raises ValueError where the films are of different hands.
    """
    if (fixed.subject_seed, fixed.laterality) != (
        moving.subject_seed,
        moving.laterality,
    ):
        raise ValueError("The films are of different hands")
    before, after = fixed.joints[joint], moving.joints[joint]
    upper = _rigid(
        before.to_roi(before.upper_px) * fixed.pixel_spacing_mm,
        after.to_roi(after.upper_px) * moving.pixel_spacing_mm,
    )
    lower = _rigid(
        before.to_roi(before.lower_px) * fixed.pixel_spacing_mm,
        after.to_roi(after.lower_px) * moving.pixel_spacing_mm,
    )
    return JointMotion(joint, upper, lower)


def _rigid(before: Floats, after: Floats) -> BoneMotion:
    """Weighted least-squares plane rigid motion (Umeyama 1991, scale 1), read at the origin."""
    weight = np.exp(-0.5 * (before**2).sum(axis=1) / FOCUS_MM**2)
    weight /= weight.sum()
    middle, moved = weight @ before, weight @ after
    p, q = before - middle, after - moved
    sine = float((weight * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])).sum())
    cosine = float((weight * (p * q).sum(axis=1)).sum())
    angle = np.arctan2(sine, cosine)
    c, s = np.cos(angle), np.sin(angle)
    shift = moved - np.array([[c, -s], [s, c]]) @ middle
    return BoneMotion(float(shift[0]), float(shift[1]), float(np.rad2deg(angle)))


def bone_masks(
    projection: Projection,
    joint: str,
    *,
    size_px: int | None = None,
    oversample: int = 1,
    threshold_mm: float = 0.15,
) -> tuple[Mask, Mask]:
    """(upper, lower) masks of a joint's bones: whole film (H, W), or with size_px the upright ROI (S, S).

    The ROI's grid is that of `joint_layers`. Masks may overlap where the bones do.
    """
    if size_px is not None:
        upper, lower, _, _ = joint_layers(projection, joint, size_px, oversample)
        return upper > threshold_mm, lower > threshold_mm
    truth = projection.joints[joint]
    upper, lower = (
        _on_film(projection, truth.upper_bone),
        _on_film(projection, truth.lower_bone),
    )
    return upper > threshold_mm, lower > threshold_mm


def _on_film(projection: Projection, bone: str) -> Image:
    n, (height, width) = projection.supersample, projection.shape
    total = np.zeros((height * n, width * n), np.float32)
    layer = projection.layers.get(bone)
    if layer is not None:
        rows, columns = layer.path_mm.shape
        total[layer.row : layer.row + rows, layer.column : layer.column + columns] = layer.path_mm
    return np.asarray(total.reshape(height, n, width, n).mean(axis=(1, 3)))


def joint_layers(
    projection: Projection, joint: str, size_px: int, oversample: int = 2
) -> tuple[Image, Image, Image, Image]:
    """Upright crop about a joint as separate layers: (upper, lower, other bones, soft tissue), each (S, S), mm.

    The pixel size is the film's spacing / oversample; the joint centre lies at ((S - 1) / 2, (S - 1) / 2), the distal
    bone on top. What lies beyond the film is 0.
    """
    truth = projection.joints[joint]
    offset = (np.arange(size_px) - 0.5 * (size_px - 1)) / oversample
    grid = np.stack(np.meshgrid(offset, offset), axis=-1)
    film = truth.to_film(grid)
    upper = np.zeros((size_px, size_px), np.float32)
    lower, others = upper.copy(), upper.copy()
    for name, layer in projection.layers.items():
        into = upper if name == truth.upper_bone else lower if name == truth.lower_bone else others
        into += _sample_layer(layer, film, projection.supersample)
    x, y = film[..., 0], film[..., 1]
    soft = map_coordinates(
        projection.soft_mm,
        np.stack([y, x]),
        order=1,
        mode="constant",
        output=np.float32,
    )
    return upper, lower, others, soft


def _sample_layer(layer: Layer, film_px: Floats, supersample: int) -> Image | np.float32:
    column = (film_px[..., 0] + 0.5) * supersample - 0.5 - layer.column
    row = (film_px[..., 1] + 0.5) * supersample - 0.5 - layer.row
    height, width = layer.path_mm.shape
    low_row, high_row = max(0, int(row.min()) - 4), min(height, int(row.max()) + 6)
    low_column, high_column = (
        max(0, int(column.min()) - 4),
        min(width, int(column.max()) + 6),
    )
    if low_row >= high_row or low_column >= high_column:
        return np.float32(0.0)
    window = layer.path_mm[low_row:high_row, low_column:high_column]
    where = np.stack([row - low_row, column - low_column])
    sampled: Image = map_coordinates(window, where, order=3, mode="constant", output=np.float32)
    return np.maximum(sampled, np.float32(0.0))


__all__ = [
    "BoneMotion",
    "JointMotion",
    "JointTruth",
    "bone_masks",
    "joint_layers",
    "joint_motion",
]
