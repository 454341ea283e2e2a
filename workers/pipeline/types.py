"""What the pipeline takes and gives: plain dataclasses over numpy arrays.

Arrays are (H, W) float32 with bone bright. Pixel coordinates are x right, y down, with pixel centres at
integers. Displacements are in mm, y pointing down (proximally), read at the joint centre, as
`model_store.registrar.regions.joint_centres` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Laterality = Literal["L", "R"]

#: The ten joints that every study measures, in reading order.
JOINTS: tuple[str, ...] = ("MCP1", "MCP2", "MCP3", "MCP4", "MCP5", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")

#: Side of a joint's square ROI, mm (Wang et al. 2023, section 4.1: 127 px at 0.175 mm).
ROI_SIZE_MM = 22.4


class Reliability(StrEnum):
    """How far a measurement may be trusted without a reader."""

    RELIABLE = "reliable"
    REVIEW = "review"
    UNRELIABLE = "unreliable"


@dataclass(frozen=True)
class LocatedJoint:
    """A joint found on a whole-hand radiograph.

    ``x_px, y_px``: joint centre; ``angle_deg``: direction of the distal bone, 0 = straight up the film,
    positive clockwise; ``size_px``: side of the square ROI; ``confidence``: 0 to 1.
    """

    joint: str
    x_px: float
    y_px: float
    angle_deg: float
    size_px: float
    confidence: float


@dataclass(frozen=True)
class BoneMotion:
    """Rigid motion of one bone from fixed to moving, read at the joint centre.

    ``dx_mm`` to the right and ``dy_mm`` downwards (proximally); ``rotation_deg`` clockwise on screen;
    ``scale`` dimensionless, 1 = same size.
    """

    dx_mm: float
    dy_mm: float
    rotation_deg: float
    scale: float


@dataclass(frozen=True)
class BoneMasks:
    """Upper (distal) and lower (proximal) bone in the fixed ROI's pixels, each (H, W) bool; they may overlap."""

    upper: BoolArray
    lower: BoolArray


#: Bones that a person has outlined: by name of the bone, "upper" or "lower", corners (N, 2) in film pixels.
Outlines = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class JointResult:
    """JSN of one joint between a fixed (baseline) and a moving (follow-up) ROI.

    ``jsn_mm = dy_upper - dy_lower``, positive where the space got narrower. ``jsn_sigma_mm`` is one standard
    deviation. ``loss_map`` (H, W) is the squared difference of warped moving and fixed inside the bones, in
    units of the fixed image's variance inside the bones, NaN outside; ``loss_before`` the same without registration.
    ``fixed`` and ``warped`` are the pair as compared, on the scale of the fixed image; ``warped`` takes each pixel from
    the bone it belongs to. ``moving_masks``: the bones of the follow-up, in the moving ROI's own pixels.
    A joint that could not be measured has NaN numbers, reliability ``unreliable`` and a reason.
    """

    joint: str
    jsn_mm: float
    jsn_sigma_mm: float
    reliability: Reliability
    reasons: tuple[str, ...]
    upper: BoneMotion
    lower: BoneMotion
    masks: BoneMasks
    loss_map: FloatArray
    loss_before: FloatArray
    fixed: FloatArray
    moving: FloatArray
    warped: FloatArray
    pixel_spacing_mm: float
    metrics: dict[str, float] = field(default_factory=dict)
    moving_masks: BoneMasks | None = None
