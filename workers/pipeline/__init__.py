"""locate -> crop -> segment -> register -> quantify -> judge: arrays in, dataclasses out; no Django, no server."""

from workers.pipeline.locate import locate_joints
from workers.pipeline.quantify import quantify_hands, quantify_joints
from workers.pipeline.types import BoneMotion, JointResult, LocatedJoint, Reliability

__all__ = [
    "BoneMotion",
    "JointResult",
    "LocatedJoint",
    "Reliability",
    "locate_joints",
    "quantify_hands",
    "quantify_joints",
]
