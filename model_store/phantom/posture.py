"""How a hand lies at rest on the detector: palm down, fingers straight and moderately spread, thumb abducted.

For each ray bone the direction it points on the film and how it is rolled; the chain's own rest pose (fingers
slightly cupped, in anatomical position) is turned into that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .skeleton import RAYS, Link, links, metacarpal_base

Floats = NDArray[np.float64]

WRIST_EXTENSION_DEG = 11.0  # brings the metacarpal heads down to the detector
RADIOCARPAL_SHIFT_MM = 4.2  # the chain leaves a gap of 6-7 mm between radius and carpus; 2 mm is anatomical


@dataclass(frozen=True)
class Lie:
    """Direction of a bone at rest, degrees: radial deviation, dip of the far end to the detector, roll."""

    radial: float
    dip: float
    roll: float


LIES: Mapping[str, Lie] = {
    "1mc": Lie(38, 14, 58),
    "thumbprox": Lie(30, 8, 56),
    "thumbdist": Lie(25, 4, 56),
    "2mc": Lie(9, 6, 0),
    "2proxph": Lie(13, 6, 0),
    "2midph": Lie(11, 2, 0),
    "2distph": Lie(9, -1, 0),
    "3mc": Lie(-1, 7, 2),
    "3proxph": Lie(1, 7, 0),
    "3midph": Lie(0, 2, 0),
    "3distph": Lie(0, -1, 0),
    "4mc": Lie(-9, 6, 12),
    "4proxph": Lie(-10, 6, 5),
    "4midph": Lie(-9, 2, 3),
    "4distph": Lie(-8, -1, 3),
    "5mc": Lie(-17, 4, 20),
    "5proxph": Lie(-21, 5, 12),
    "5midph": Lie(-20, 2, 8),
    "5distph": Lie(-17, -1, 8),
}


def rest_orientation(link: Link, lie: Lie) -> Floats:
    """Rotation (3, 3) that lays a bone down: its axis and flexion axis to where `lie` wants them, in the world."""
    radial, dip = np.deg2rad(lie.radial), np.deg2rad(lie.dip)
    direction = np.array([np.sin(radial) * np.cos(dip), -np.cos(radial) * np.cos(dip), -np.sin(dip)])
    across = np.cross([0.0, 0.0, 1.0], direction)
    across = Rotation.from_rotvec(np.deg2rad(lie.roll) * direction).apply(across / np.linalg.norm(across))
    own = np.stack([link.axis, link.flexion_axis, np.cross(link.axis, link.flexion_axis)], axis=1)
    wanted = np.stack([direction, across, np.cross(direction, across)], axis=1)
    return wanted @ own.T


def rest(lies: Mapping[str, Lie]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Joint centres (mm) and orientations (3, 3) of every bone in its parent's frame, hand laid flat."""
    positions = {name: link.position for name, link in links().items()}
    rotations = {name: np.eye(3) for name in positions}
    world = dict(rotations)
    rotations["lunate"] = Rotation.from_euler("x", WRIST_EXTENSION_DEG, degrees=True).as_matrix()
    positions["lunate"] = positions["lunate"] + np.array([0.0, RADIOCARPAL_SHIFT_MM, 0.0])
    for name, link in links().items():
        parent = world[link.parent] if link.parent else np.eye(3)
        if name in lies:
            rotations[name] = parent.T @ rest_orientation(link, lies[name])
        world[name] = parent @ rotations[name]
    for ray in RAYS.values():  # a metacarpal turns about its base, not about the chain's origin in its shaft
        base = metacarpal_base(ray[0])
        positions[ray[0]] = positions[ray[0]] + base - rotations[ray[0]] @ base
    return positions, rotations
