"""The joint between two bones: where its space is, how wide, and where its surfaces face each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bone import Bone

Floats = NDArray[np.float64]

#: What counts as a bone's end.
END_MM = 2.5
_CELL_MM = 0.8


@dataclass(frozen=True)
class JointAnatomy:
    """direction: the way out along the distal bone, in the lower bone's frame. Points: mm, each in its bone's frame."""

    joint: str
    upper_bone: str
    lower_bone: str
    space_mm: float
    clearance_mm: float  # smallest distance in depth, about
    direction: Floats
    upper_point: Floats  # on the joint surface of the upper (distal) bone
    lower_point: Floats
    far_point: Floats  # the upper bone's other end


def far_end(bone: Bone) -> Floats:
    """Middle of a bone's distal end, both condyles, mm, in its frame."""
    along = bone.outer.vertices @ bone.basis[1]
    return np.asarray(bone.outer.vertices[along > bone.distal_mm - END_MM].mean(axis=0))


def measure_joint(
    joint: str,
    upper: Bone,
    lower: Bone,
    rotation: Floats,
    position: Floats,
    beam: Floats,
) -> JointAnatomy:
    """Measure the space between two bones at rest.

    rotation (3, 3) and position (3,): the upper bone's frame in the lower bone's; beam (3,): the way up to the source,
    in the lower bone's frame. The space is looked at in the film's plane, in columns 0.8 mm wide,
    over the joint's middle: its width is midway between the silhouettes' distance (what a film shows between
    the rims) and the distance of the surfaces themselves (a film shows it between the subchondral plates).
    """
    child = upper.outer.vertices @ rotation.T + position
    base = child[upper.outer.vertices @ upper.basis[1] < upper.proximal_mm + END_MM].mean(axis=0)
    far = far_end(upper) @ rotation.T + position
    direction = (far - base) / np.linalg.norm(far - base)
    seen_direction = direction - (direction @ beam) * beam
    seen_direction /= np.linalg.norm(seen_direction)
    frame = np.stack([np.cross(seen_direction, beam), beam, seen_direction])
    above, below = (child - base) @ frame.T, (lower.outer.vertices - base) @ frame.T
    cells = int(2 * 10 / _CELL_MM)
    floor = _surface(above[above[:, 2] < 9.0], cells, lowest=True)
    roof = _surface(below[below[:, 2] > -12.0], cells, lowest=False)
    facing = np.isfinite(floor) & np.isfinite(roof)
    middle = (np.arange(cells) + 0.5) * _CELL_MM - 10.0
    radius = 0.55 * np.sqrt(facing.sum() * _CELL_MM**2 / np.pi)
    rows, columns = np.nonzero(facing)
    centre = np.array([middle[rows].mean(), middle[columns].mean()])
    central = facing & (np.hypot(middle[:, None] - centre[0], middle[None] - centre[1]) < radius)
    silhouettes = np.nanmin(floor[facing.any(axis=1)], axis=1) - np.nanmax(roof[facing.any(axis=1)], axis=1)
    seen = silhouettes[len(silhouettes) // 4 : -(len(silhouettes) // 4)]
    clearance = float(np.quantile((floor - roof)[facing], 0.02))
    top, bottom = np.median(floor[central]), np.median(roof[central])
    upper_point = base + np.array([*centre, top]) @ frame
    lower_point = base + np.array([*centre, bottom]) @ frame
    return JointAnatomy(
        joint,
        upper.name,
        lower.name,
        0.5 * float(np.median(seen) + np.median((floor - roof)[central])),
        clearance,
        direction,
        (upper_point - position) @ rotation,
        lower_point,
        far_end(upper),
    )


def _surface(points: Floats, cells: int, *, lowest: bool) -> Floats:
    """Height of the lowest (or highest) vertex in each column of a (cells, cells) grid; NaN where there is none."""
    index = np.floor((points[:, :2] + 10.0) / _CELL_MM).astype(int)
    inside = ((index >= 0) & (index < cells)).all(axis=1)
    index, heights = index[inside], points[inside, 2]
    surface = np.full((cells, cells), np.inf if lowest else -np.inf)
    (np.minimum if lowest else np.maximum).at(surface, (index[:, 0], index[:, 1]), heights)
    return np.where(np.isfinite(surface), surface, np.nan)
