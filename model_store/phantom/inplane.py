"""A later film on which every bone has moved in the film's plane alone: what a plane registration can read exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .camera import Camera
from .skeleton import JOINT_BONES, JOINTS, RAYS, Placement
from .subject import Subject

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class InPlane:
    """What has moved since the first film, joint by joint, each distal bone with all that lies beyond it.

    jsn_mm: towards the proximal bone along the joint's axis as seen, positive = narrower. slide_mm: across that axis,
    positive = to the right of a finger that points up. turn_deg: of the distal bone about the joint's centre,
    positive = clockwise on the film. All in mm on the detector. rotation_deg, shift_mm: the whole hand on
    the film, the tube following it, so that every bone is seen from where it was.
    """

    jsn_mm: Mapping[str, float] = field(default_factory=dict)
    slide_mm: Mapping[str, float] = field(default_factory=dict)
    turn_deg: Mapping[str, float] = field(default_factory=dict)
    rotation_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if unknown := {*self.jsn_mm, *self.slide_mm, *self.turn_deg} - set(JOINTS):
            raise ValueError(f"Unknown joints: {sorted(unknown)}")


def move_in_plane(
    subject: Subject, placed: Mapping[str, Placement], camera: Camera, motion: InPlane
) -> dict[str, Placement]:
    """Where the bones lie after the motion, in the film frame."""
    moved = dict(placed)
    for ray in RAYS.values():
        for place, bone in enumerate(ray):
            joint = next((name for name, (upper, _) in JOINT_BONES.items() if upper == bone), None)
            if joint is not None:
                step = _step(subject, moved, camera, motion, joint)
                moved |= {name: step(moved[name]) for name in ray[place:]}
    turn = Rotation.from_euler("z", motion.rotation_deg, degrees=True).as_matrix()
    return {name: Placement(turn @ p.rotation, turn @ p.position) for name, p in moved.items()}


@dataclass(frozen=True)
class _Step:
    """A turn about a point, then a shift."""

    turn: Floats
    about: Floats
    shift: Floats

    def __call__(self, placed: Placement) -> Placement:
        position = self.turn @ (placed.position - self.about) + self.about + self.shift
        return Placement(self.turn @ placed.rotation, position)


def _step(
    subject: Subject, placed: Mapping[str, Placement], camera: Camera, motion: InPlane, joint: str
) -> _Step:
    anatomy = subject.joints[joint]
    upper, lower = placed[anatomy.upper_bone], placed[anatomy.lower_bone]
    near, far = upper(np.stack([anatomy.upper_point, anatomy.far_point]))
    centre = 0.5 * (near + lower(anatomy.lower_point))
    way = camera.project(far) - camera.project(near)
    outwards = way / np.linalg.norm(way)
    rightwards = np.array([-outwards[1], outwards[0]])
    on_film = motion.slide_mm.get(joint, 0.0) * rightwards - motion.jsn_mm.get(joint, 0.0) * outwards
    shift = np.array([*(on_film * (camera.sid_mm - centre[2]) / camera.sid_mm), 0.0])
    # About the ray through the joint: about any other line the bone would show another face.
    ray = np.array([0.0, 0.0, camera.sid_mm]) - centre
    angle = np.deg2rad(motion.turn_deg.get(joint, 0.0))
    return _Step(Rotation.from_rotvec(angle * ray / np.linalg.norm(ray)).as_matrix(), centre, shift)
