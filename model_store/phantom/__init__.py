"""A digital hand phantom: whole-hand PA radiographs of posed real bones, with the truth about every joint.

    subject = make_subject(7, "L")
    film = expose(project(subject, make_pose(1), jsn_mm={"MCP2": 0.3}), make_exposure(1), seed=1)

See README.md beside this file.
"""

from .dicom import write_dicom
from .disease import Lesion, draw_erosion, draw_osteophyte, with_lesions, with_subluxation, with_ulnar_drift
from .exposure import Exposure, Film, expose, make_exposure
from .furniture import Furniture
from .inplane import InPlane
from .layer import Layer
from .pose import Pose, make_pose
from .processing import Processing
from .projection import Projection, project, project_joint
from .seen import JointTruth
from .skeleton import JOINTS
from .subject import Subject, make_subject
from .truth import BoneMotion, JointMotion, bone_masks, joint_layers, joint_motion

__all__ = [
    "JOINTS",
    "BoneMotion",
    "Exposure",
    "Film",
    "Furniture",
    "InPlane",
    "JointMotion",
    "JointTruth",
    "Layer",
    "Lesion",
    "Pose",
    "Processing",
    "Projection",
    "Subject",
    "bone_masks",
    "draw_erosion",
    "draw_osteophyte",
    "expose",
    "joint_layers",
    "joint_motion",
    "make_exposure",
    "make_pose",
    "make_subject",
    "project",
    "project_joint",
    "with_lesions",
    "with_subluxation",
    "with_ulnar_drift",
    "write_dicom",
]
