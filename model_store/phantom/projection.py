"""Project a posed hand onto the film: one thickness layer per bone, soft tissue, and the truth about each joint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .camera import Camera, frame_film, frame_under_same_tube, pose_bones
from .inplane import InPlane, move_in_plane
from .layer import Layer, bone_layer
from .pose import Pose
from .seen import JointTruth, see_joint
from .skeleton import JOINTS, Placement
from .storage import load_arrays, save_arrays
from .subject import Laterality, Subject
from .tissue import soft_tissue

Image = NDArray[np.float32]

SID_MM = 1050.0
WINDOW_MM = 36.0  # room for a ROI of 22.4 mm at any angle


@dataclass(frozen=True)
class Projection:
    """What the beam meets on its way to each pixel; `expose` makes a film of it, as often as wanted."""

    subject_seed: int
    laterality: Laterality
    pixel_spacing_mm: float
    shape: tuple[int, int]
    supersample: int
    layers: Mapping[str, Layer]
    soft_mm: Image
    joints: Mapping[str, JointTruth]

    def bone_mm(self) -> Image:
        """Cortical-equivalent path through all bones, (H, W) float32, mm, averaged over each film pixel."""
        n = self.supersample
        total = np.zeros((self.shape[0] * n, self.shape[1] * n), np.float32)
        for layer in self.layers.values():
            height, width = layer.path_mm.shape
            total[layer.row : layer.row + height, layer.column : layer.column + width] += layer.path_mm
        return total if n == 1 else total.reshape(self.shape[0], n, self.shape[1], n).mean(axis=(1, 3))

    def save(self, file: str | PathLike[str] | BinaryIO, *, compressed: bool = False) -> None:
        """Write as one .npz; path lengths are stored to 0.5 um."""
        save_arrays(self, file, compressed=compressed)

    @staticmethod
    def load(file: str | PathLike[str] | BinaryIO) -> Projection:
        """Read what `save` wrote."""
        return load_arrays(file)


def project(
    subject: Subject,
    pose: Pose,
    *,
    jsn_mm: Mapping[str, float] | None = None,
    in_plane: InPlane | None = None,
    pixel_spacing_mm: float = 0.175,
    shape: tuple[int, int] | None = None,
    supersample: int = 2,
    sid_mm: float = SID_MM,
) -> Projection:
    """Project a hand, palm on the detector, source above its back (PA), as it is looked at: fingers up.

    jsn_mm: by joint, how far its distal bone and all beyond it have moved proximally from the subject's first film.
    in_plane: what has moved in the film's plane since the film of this very pose without it.
    shape: (H, W) of the film; None = what holds the hand and `pose.margin_mm`. supersample: layers are kept this much
    finer than the film. sid_mm: source to detector. Raises ValueError for an unknown joint.
    """
    placed, camera = _lay(subject, pose, jsn_mm, in_plane, pixel_spacing_mm, shape, sid_mm)
    return _meet_beam(subject, placed, camera, supersample, JOINTS)


def project_joint(
    subject: Subject,
    pose: Pose,
    joint: str,
    *,
    jsn_mm: Mapping[str, float] | None = None,
    in_plane: InPlane | None = None,
    pixel_spacing_mm: float = 0.175,
    size_mm: float = WINDOW_MM,
    offset_mm: tuple[float, float] = (0.0, 0.0),
    supersample: int = 2,
    sid_mm: float = SID_MM,
) -> Projection:
    """The square of `size_mm` about one joint of what `project` makes, at a fraction of its cost.

    Arguments, pixels and errors as there; the projection knows this joint only. offset_mm: of the square's middle from
    the joint, (x, y) on the film.
    """
    if joint not in JOINTS:
        raise ValueError(f"Unknown joints: {[joint]}")
    placed, camera = _lay(subject, pose, jsn_mm, in_plane, pixel_spacing_mm, None, sid_mm)
    whole = see_joint(subject, joint, placed, camera)
    middle = np.array([whole.x_px, whole.y_px]) + np.array(offset_mm) / pixel_spacing_mm
    window = camera.window(middle, round(size_mm / pixel_spacing_mm))
    return _meet_beam(subject, placed, window, supersample, [joint])


def _lay(
    subject: Subject,
    pose: Pose,
    jsn_mm: Mapping[str, float] | None,
    in_plane: InPlane | None,
    pixel_spacing_mm: float,
    shape: tuple[int, int] | None,
    sid_mm: float,
) -> tuple[dict[str, Placement], Camera]:
    """Where the bones lie, and the film under them."""
    narrowing = {joint: float(value) for joint, value in (jsn_mm or {}).items()}
    if unknown := set(narrowing) - set(JOINTS):
        raise ValueError(f"Unknown joints: {sorted(unknown)}")
    placed = pose_bones(subject, pose, narrowing)
    camera, placed = frame_film(subject, pose, placed, sid_mm, pixel_spacing_mm, shape)
    if in_plane is not None:
        placed = move_in_plane(subject, placed, camera, in_plane)
        camera = frame_under_same_tube(subject, pose, placed, camera, shape, in_plane.shift_mm)
    return placed, camera


def _meet_beam(
    subject: Subject,
    placed: Mapping[str, Placement],
    camera: Camera,
    supersample: int,
    joints: Iterable[str],
) -> Projection:
    layers = {}
    for name, bone in subject.bones.items():
        layer = bone_layer(subject, bone, placed[bone.carrier], camera, supersample)
        if layer is not None:
            layers[name] = layer
    return Projection(
        subject_seed=subject.seed,
        laterality=subject.laterality,
        pixel_spacing_mm=camera.pixel_spacing_mm,
        shape=camera.shape,
        supersample=supersample,
        layers=layers,
        soft_mm=soft_tissue(subject, placed, camera),
        joints={joint: see_joint(subject, joint, placed, camera) for joint in joints},
    )
