"""Cone-beam geometry: from the bones' frames to positions on the film.

Film frame, mm: x right, y down, z from the detector up to the source; origin on the detector, right under the source.
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
    """A point source `sid_mm` above a detector of `shape` (H, W) pixels, right over `centre_px` (x, y)."""

    sid_mm: float
    pixel_spacing_mm: float
    shape: tuple[int, int]
    centre_px: tuple[float, float]

    def project(self, points: Floats) -> Floats:
        """Positions (..., 2) in pixels of points (..., 3) in mm."""
        magnified = points[..., :2] * (self.sid_mm / (self.sid_mm - points[..., 2:]))
        return magnified / self.pixel_spacing_mm + np.array(self.centre_px)

    def on_detector(self, x_px: Floats, y_px: Floats) -> tuple[Floats, Floats]:
        """Where pixels are in the film frame, mm."""
        return (
            (x_px - self.centre_px[0]) * self.pixel_spacing_mm,
            (y_px - self.centre_px[1]) * self.pixel_spacing_mm,
        )

    def window(self, centre_px: Floats, side_px: int) -> Camera:
        """A square part of the same film about a position on it (x, y), whole pixels."""
        left, top = (int(np.rint(value - 0.5 * (side_px - 1))) for value in centre_px)
        moved = (self.centre_px[0] - left, self.centre_px[1] - top)
        return Camera(self.sid_mm, self.pixel_spacing_mm, (side_px, side_px), moved)


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
    shape, centre = _fit(subject, pose, placed, pixel_spacing_mm, shape)
    offset = np.array([pose.shift_mm[0] - centre[0], pose.shift_mm[1] - centre[1], 0.0])
    shifted = {name: Placement(p.rotation, p.position + offset) for name, p in placed.items()}
    middle = (0.5 * (shape[1] - 1), 0.5 * (shape[0] - 1))
    return Camera(sid_mm, pixel_spacing_mm, shape, middle), shifted


def frame_under_same_tube(
    subject: Subject,
    pose: Pose,
    placed: Mapping[str, Placement],
    camera: Camera,
    shape: tuple[int, int] | None,
    shift_mm: tuple[float, float],
) -> Camera:
    """A film that holds the hand as it lies, `shift_mm` from its middle; the source stays over the same spot."""
    shape, centre = _fit(subject, pose, placed, camera.pixel_spacing_mm, shape)
    step = camera.pixel_spacing_mm
    x, y = (0.5 * (n - 1) + (s - c) / step for n, s, c in zip(shape[::-1], shift_mm, centre, strict=True))
    return Camera(camera.sid_mm, step, shape, (float(x), float(y)))


def _fit(
    subject: Subject,
    pose: Pose,
    placed: Mapping[str, Placement],
    pixel_spacing_mm: float,
    shape: tuple[int, int] | None,
) -> tuple[tuple[int, int], Floats]:
    """Shape of the film, and the point in the hand (x, y) mm that belongs in its middle."""
    points = [placed[name](subject.bones[name].outer.vertices[::7]) for ray in RAYS.values() for name in ray]
    radius, ulna = subject.bones["radius"], subject.bones["ulna"]
    for bone in (radius, ulna):
        along = bone.outer.vertices @ bone.basis[1]
        points.append(placed[bone.name](bone.outer.vertices[along > bone.distal_mm - pose.forearm_mm]))
    cloud = np.vstack(points)[:, :2]
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    centre = 0.5 * (low + high)
    if shape is not None:
        return shape, centre
    width, height = np.ceil((high - low + 2.0 * pose.margin_mm) / pixel_spacing_mm).astype(int)
    # The forearm runs off the film: no margin below it.
    fitted = (int(height - pose.margin_mm / pixel_spacing_mm), int(width))
    return fitted, centre - np.array([0.0, 0.5 * pose.margin_mm])
