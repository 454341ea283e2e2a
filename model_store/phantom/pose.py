"""A pose: how a hand was laid on the detector for one film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .skeleton import RAYS


@dataclass(frozen=True)
class Pose:
    """The hand as a whole on the film, and each joint's turn from the subject's rest.

    rotation_deg: positive = clockwise on the film. shift_mm: (x, y) of the hand on the film. tilt_deg: (about the
    film's x, about its y): lifts the wrist end, or one side, off the detector. angles_deg: "bone:flexion",
    "bone:abduction" or "bone:roll" by bone.
    """

    rotation_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    lift_mm: float = 4.0  # of the lowest bone above the detector
    forearm_mm: float = 35.0  # of forearm that is on the film
    margin_mm: float = 14.0  # around the hand, where the film's shape is not given
    angles_deg: Mapping[str, float] = field(default_factory=dict)


def make_pose(
    seed: int,
    spread: float = 1.0,
    *,
    rotation_deg: float | None = None,
    rotation_range_deg: float = 10.0,
) -> Pose:
    """A pose drawn from `seed`. spread: 1 = films of different people, 0.4 = of one careful site, 0 = at rest.

    rotation_deg sets the whole hand's turn on the film; else it is drawn from +- rotation_range_deg * spread.
    """
    rng = np.random.default_rng([seed, 0x905E])
    fan = rng.normal(0, 3.0)  # the fingers as a whole, more or less spread
    angles = {
        "lunate:abduction": rng.normal(0, 3.0),
        "lunate:flexion": rng.normal(0, 2.0),
    }
    for ray, bones in RAYS.items():
        lean = {1: 1.5, 2: 1.0, 3: 0.1, 4: -0.8, 5: -1.6}[ray]
        for level, bone in enumerate(bones):
            if level == 0 and ray != 1:
                continue
            knuckle = level == (0 if ray == 1 else 1)
            angles[f"{bone}:flexion"] = rng.normal(0, 2.5 if knuckle else 2.0)
            angles[f"{bone}:abduction"] = rng.normal(0, 1.5) + lean * fan if knuckle else rng.normal(0, 0.6)
            angles[f"{bone}:roll"] = rng.normal(0, 2.0 if knuckle else 0.8)
    turn = rng.uniform(-rotation_range_deg, rotation_range_deg) * spread
    return Pose(
        rotation_deg=float(turn if rotation_deg is None else rotation_deg),
        shift_mm=(
            float(rng.normal(0, 3.0) * spread),
            float(rng.normal(0, 3.0) * spread),
        ),
        tilt_deg=(
            float(rng.normal(0, 1.5) * spread),
            float(rng.normal(0, 1.5) * spread),
        ),
        lift_mm=float(4.0 + rng.uniform(-1.5, 2.0) * spread),
        forearm_mm=float(35.0 + rng.uniform(-20.0, 20.0) * spread),
        margin_mm=float(14.0 + rng.uniform(-4.0, 16.0) * spread),
        angles_deg={name: float(angle * spread) for name, angle in angles.items()},
    )
