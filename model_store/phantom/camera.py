"""Cone-beam geometry: from the bones' frames to positions on the film.

Film frame, mm: x right, y down, z from the detector up to the source; origin at the film's centre, on the detector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .pose import Pose
from .skeleton import CARPALS, RAYS, Placement, place
from .subject import Subject

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A point source `sid_mm` above the centre of a detector of `shape` (H, W) pixels."""

    sid_mm: float
    pixel_spacing_mm: float
    shape: tuple[int, int]

    def project(self, points: Floats) -> Floats:
        """Positions (..., 2) in pixels of points (..., 3) in mm."""
        magnified = points[..., :2] * (self.sid_mm / (self.sid_mm - points[..., 2:]))
        return magnified / self.pixel_spacing_mm + 0.5 * np.array([self.shape[1] - 1, self.shape[0] - 1])


def pose_bones(subject: Subject, pose: Pose, jsn_mm: Mapping[str, float]) -> dict[str, Placement]:
    """Where each bone of the posed hand lies in the film frame; z lifted, x and y not yet centred.

    A narrowed joint carries its distal bone, and all beyond it, towards the proximal bone along its own axis.
    """
    angles = {name: float(np.deg2rad(angle)) for name, angle in pose.angles_deg.items()}
    placed = place(subject.positions, subject.rotations, angles)
    if jsn_mm:
        positions = dict(subject.positions)
        for joint, narrowing in jsn_mm.items():
            anatomy = subject.joints[joint]
            upper, lower = anatomy.upper_bone, anatomy.lower_bone
            axis = anatomy.far_point - anatomy.upper_point
            outwards = placed[lower].rotation.T @ placed[upper].rotation @ (axis / np.linalg.norm(axis))
            positions[upper] = positions[upper] - narrowing * outwards
        placed = place(positions, subject.rotations, angles)

    mirror = np.diag([-1.0 if subject.laterality == "R" else 1.0, 1.0, 1.0])
    tilt = Rotation.from_euler("xy", pose.tilt_deg, degrees=True).as_matrix()
    turn = Rotation.from_euler("z", pose.rotation_deg, degrees=True).as_matrix()
    lay = turn @ tilt @ mirror
    middle = placed["3mc"].position
    flat = {name: Placement(lay @ p.rotation, lay @ (p.position - middle)) for name, p in placed.items()}
    hand = [name for ray in RAYS.values() for name in ray] + list(CARPALS)
    lowest = min(float(flat[name](subject.bones[name].outer.vertices)[:, 2].min()) for name in hand)
    lift = np.array([0.0, 0.0, pose.lift_mm - lowest])
    return {name: Placement(p.rotation, p.position + lift) for name, p in flat.items()}


def frame_film(
    subject: Subject,
    pose: Pose,
    placed: Mapping[str, Placement],
    sid_mm: float,
    pixel_spacing_mm: float,
    shape: tuple[int, int] | None,
) -> tuple[Camera, dict[str, Placement]]:
    """Centre the hand (with `pose.forearm_mm` of forearm) on a film of `shape`, or of the shape that holds it."""
    points = [placed[name](subject.bones[name].outer.vertices[::7]) for ray in RAYS.values() for name in ray]
    radius, ulna = subject.bones["radius"], subject.bones["ulna"]
    for bone in (radius, ulna):
        along = bone.outer.vertices @ bone.basis[1]
        points.append(placed[bone.name](bone.outer.vertices[along > bone.distal_mm - pose.forearm_mm]))
    cloud = np.vstack(points)[:, :2]
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    if shape is None:
        width, height = np.ceil((high - low + 2.0 * pose.margin_mm) / pixel_spacing_mm).astype(int)
        # The forearm runs off the film: no margin below it.
        shape = (int(height - pose.margin_mm / pixel_spacing_mm), int(width))
        centre = 0.5 * (low + high) - np.array([0.0, 0.5 * pose.margin_mm])
    else:
        centre = 0.5 * (low + high)
    centre = centre - np.array(pose.shift_mm)
    offset = np.array([-centre[0], -centre[1], 0.0])
    shifted = {name: Placement(p.rotation, p.position + offset) for name, p in placed.items()}
    return Camera(sid_mm, pixel_spacing_mm, shape), shifted
