"""locate -> crop -> segment -> register -> quantify -> judge: arrays in, dataclasses out; no Django, no server."""

from workers.pipeline.locate import HandLocation, locate_hands, locate_joints
from workers.pipeline.quantify import quantify_hands, quantify_joints
from workers.pipeline.types import BoneMotion, JointResult, LocatedJoint, Reliability

__all__ = [
    "BoneMotion",
    "HandLocation",
    "JointResult",
    "LocatedJoint",
    "Reliability",
    "locate_hands",
    "locate_joints",
    "quantify_hands",
    "quantify_joints",
]
