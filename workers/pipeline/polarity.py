"""Whether a picture shows bone dark, as inverted exports and screenshots do without saying so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from workers.pipeline.types import FloatArray, LocatedJoint

_BESIDE_MM = 9.0  # from a phalanx's axis to the edge of the finger, on an adult's hand
_ALONG_MM = 11.0  # from a joint's centre to the shaft of the bone beyond it
_ROI_MM = 22.4  # what a joint's ``size_px`` is on an adult's hand


def inverted(image: FloatArray) -> FloatArray:
    """The picture with dark and bright exchanged within its own range."""
    return np.asarray(image.min() + image.max() - image, np.float32)


def is_bone_dark(image: FloatArray, joints: Iterable[LocatedJoint]) -> bool:
    """Whether the bones of a hand are darker than what lies beside them.

    Each joint's distal bone is compared with the two sides of its finger; most joints decide.

    Args:
        image: (H, W), bone bright or dark.
        joints: where they are on it. Without any, False.
    """
    votes = [vote for joint in joints if (vote := _brightness_of_bone(image, joint)) != 0.0]
    return bool(votes) and float(np.mean(np.sign(votes))) < 0.0


def bone_bright(image: FloatArray, joints: Iterable[LocatedJoint]) -> FloatArray:
    """The picture as it is where its bones are bright, inverted where they are dark."""
    return inverted(image) if is_bone_dark(image, joints) else image


def _brightness_of_bone(image: FloatArray, joint: LocatedJoint) -> float:
    """How much brighter the shaft of the distal bone is than the finger's two sides."""
    unit = joint.size_px / _ROI_MM
    angle = np.deg2rad(joint.angle_deg)
    along, across = np.array([np.sin(angle), -np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
    steps = np.linspace(0.8, 1.4, 7)[:, None] * _ALONG_MM * along
    shaft = np.array([joint.x_px, joint.y_px]) + unit * steps
    middle, left, right = (
        float(np.median(_sample(image, shaft + unit * side * across)))
        for side in (0.0, -_BESIDE_MM, _BESIDE_MM)
    )
    return 2 * middle - left - right


def _sample(image: FloatArray, points: FloatArray) -> FloatArray:
    return ndimage.map_coordinates(image, [points[:, 1], points[:, 0]], order=1, mode="nearest")
