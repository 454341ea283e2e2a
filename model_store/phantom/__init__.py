"""A digital hand phantom: whole-hand PA radiographs of posed real bones, with the truth about every joint.

    subject = make_subject(7, "L")
    film = expose(project(subject, make_pose(1), jsn_mm={"MCP2": 0.3}), make_exposure(1), seed=1)

See README.md beside this file.
"""

from .dicom import write_dicom
from .exposure import Exposure, Film, expose, make_exposure
from .furniture import Furniture
from .pose import Pose, make_pose
from .projection import JointTruth, Layer, Projection, project
from .skeleton import JOINTS
from .subject import Subject, make_subject
from .truth import BoneMotion, JointMotion, bone_masks, joint_layers, joint_motion

__all__ = [
    "JOINTS",
    "BoneMotion",
    "Exposure",
    "Film",
    "Furniture",
    "JointMotion",
    "JointTruth",
    "Layer",
    "Pose",
    "Projection",
    "Subject",
    "bone_masks",
    "expose",
    "joint_layers",
    "joint_motion",
    "make_exposure",
    "make_pose",
    "make_subject",
    "project",
    "write_dicom",
]
