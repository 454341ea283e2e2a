"""What is true on a phantom film: how each bone moved between two films, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from .layer import Layer
from .projection import Projection
from .seen import JointTruth
from .skeleton import Placement

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_STEP_MM = 0.5  # over which the projected motion is differentiated


@dataclass(frozen=True)
class BoneMotion:
    """Displacement at the joint centre (mm, x right, y down in the upright ROI) and turn, positive clockwise.

    scale: of the bone's picture at the joint centre, moving over fixed. tilt_deg: how far the bone has turned out of
    the beam, the film's plane left aside: what no motion in that plane can explain.
    """

    dx_mm: float
    dy_mm: float
    rotation_deg: float
    scale: float = 1.0
    tilt_deg: float = 0.0


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

    The joint's centre is the middle between its two surfaces, in space, on the fixed film. Either bone takes the point
    that lies there along with it; where that point shows on the moving film, less where it was, is the displacement,
    in mm on the detector. Turn and scale are those of its picture right there, so neither leaks into the displacement
    over a lever arm, and no choice of vertices, radius or weights enters. A joint that moves as one piece, however the
    hand is laid, lifted or tilted, has a JSN of exactly 0.
    Raises ValueError where the films are of different hands.
    """
    if (fixed.subject_seed, fixed.laterality) != (
        moving.subject_seed,
        moving.laterality,
    ):
        raise ValueError("The films are of different hands")
    before, after = fixed.joints[joint], moving.joints[joint]
    return JointMotion(
        joint,
        _bone_motion(before, after, before.upper, after.upper),
        _bone_motion(before, after, before.lower, after.lower),
    )


def _bone_motion(before: JointTruth, after: JointTruth, lay: Placement, lies: Placement) -> BoneMotion:
    centre = before.centre_mm
    steps = _STEP_MM * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    points = (centre + steps - lay.position) @ lay.rotation  # in the bone's own frame
    was, now = before.roi_mm(lay(points)), after.roi_mm(lies(points))
    shift = now[0] - was[0]
    spread_before, spread_after = ((p[[1, 3]] - p[[2, 4]]).T for p in (was, now))
    change = spread_after @ np.linalg.inv(spread_before)
    turn = np.arctan2(change[1, 0] - change[0, 1], change[0, 0] + change[1, 1])
    return BoneMotion(
        float(shift[0]),
        float(shift[1]),
        float(np.rad2deg(turn)),
        float(np.sqrt(abs(np.linalg.det(change)))),
        _angle_deg(_view(before, lay, points[0]), _view(after, lies, points[0])),
    )


def _view(seen: JointTruth, placed: Placement, point: Floats) -> Floats:
    """The way to the source from a point of a bone, in the bone's frame."""
    source = np.array([0.0, 0.0, seen.camera.sid_mm])
    return (source - placed(point)) @ placed.rotation


def _angle_deg(one: Floats, other: Floats) -> float:
    return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def bone_masks(
    projection: Projection,
    joint: str,
    *,
    size_px: int | None = None,
    oversample: float = 1,
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
    projection: Projection, joint: str, size_px: int, oversample: float = 2
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
