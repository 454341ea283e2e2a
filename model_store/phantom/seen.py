"""A joint as one film shows it, and the rigid motion behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .skeleton import Placement
from .subject import Subject

Floats = NDArray[np.float64]

ROI_MM = 22.0


@dataclass(frozen=True)
class JointTruth:
    """A joint on one film. angle_deg: where its distal bone points, 0 = up, positive clockwise.

    upper, lower: where its bones lie in the film frame. centre_mm: the middle between the two facing joint surfaces,
    (3,) in that frame; (x_px, y_px) is where it shows.
    """

    joint: str
    x_px: float
    y_px: float
    angle_deg: float
    size_px: float
    upper_bone: str
    lower_bone: str
    upper: Placement
    lower: Placement
    centre_mm: Floats
    camera: Camera

    def to_roi(self, points_px: Floats) -> Floats:
        """Film positions (..., 2) as positions relative to the joint centre in the upright ROI, pixels."""
        return (points_px - np.array([self.x_px, self.y_px])) @ _turn(self.angle_deg)

    def to_film(self, points_px: Floats) -> Floats:
        """The inverse of `to_roi`."""
        return points_px @ _turn(self.angle_deg).T + np.array([self.x_px, self.y_px])

    def located(self, offset_mm: Floats, turn_deg: float) -> JointTruth:
        """The joint as somebody found it: `offset_mm` (x, y) from its centre in the upright ROI, turned clockwise.

        Motion between joints so located is read at the centre of the first.
        """
        x, y = self.to_film(offset_mm / self.camera.pixel_spacing_mm)
        across, down = self.camera.on_detector(x, y)
        depth = self.centre_mm[2]
        nearer = (self.camera.sid_mm - depth) / self.camera.sid_mm
        return replace(
            self,
            x_px=float(x),
            y_px=float(y),
            angle_deg=self.angle_deg + turn_deg,
            centre_mm=np.array([across * nearer, down * nearer, depth]),
        )

    def roi_mm(self, points_mm: Floats) -> Floats:
        """Where points (..., 3) of the film frame show in the upright ROI, (..., 2) mm from the joint centre."""
        return self.to_roi(self.camera.project(points_mm)) * self.camera.pixel_spacing_mm


def _turn(angle_deg: float) -> Floats:
    """Rotation clockwise on the film (x right, y down), for column vectors."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, -s], [s, c]])


def see_joint(subject: Subject, joint: str, placed: Mapping[str, Placement], camera: Camera) -> JointTruth:
    """Where a joint shows, its bones lying as `placed`."""
    anatomy = subject.joints[joint]
    upper, lower = placed[anatomy.upper_bone], placed[anatomy.lower_bone]
    near, far = upper(np.stack([anatomy.upper_point, anatomy.far_point]))
    centre = 0.5 * (near + lower(anatomy.lower_point))
    x, y = camera.project(centre)
    way = camera.project(far) - camera.project(near)
    return JointTruth(
        joint,
        float(x),
        float(y),
        float(np.rad2deg(np.arctan2(way[0], -way[1]))),
        ROI_MM / camera.pixel_spacing_mm,
        anatomy.upper_bone,
        anatomy.lower_bone,
        upper,
        lower,
        centre,
        camera,
    )
