"""Project a posed hand onto the film: one thickness layer per bone, soft tissue, and the truth about each joint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .bone import Bone
from .camera import Camera, frame_film, pose_bones
from .pose import Pose
from .raster import thickness
from .skeleton import JOINTS, Placement
from .storage import load_arrays, save_arrays
from .subject import Laterality, Subject
from .texture import sample, tiles
from .tissue import soft_tissue

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

ROI_MM = 22.0
SID_MM = 1050.0


@dataclass(frozen=True)
class Layer:
    """Cortical-equivalent path length of one bone (mm), (h, w) float32, a window of the supersampled film."""

    row: int
    column: int
    path_mm: Image


@dataclass(frozen=True)
class JointTruth:
    """A joint on one film. angle_deg: where its distal bone points, 0 = up, positive clockwise.

    upper_px, lower_px: (N, 2) film positions of the same material points of either bone on every film of a subject,
    from the bone within 9 mm of the joint; they tell how the bone moved.
    """

    joint: str
    x_px: float
    y_px: float
    angle_deg: float
    size_px: float
    upper_bone: str
    lower_bone: str
    upper_px: Floats
    lower_px: Floats

    def to_roi(self, points_px: Floats) -> Floats:
        """Film positions (..., 2) as positions relative to the joint centre in the upright ROI, pixels."""
        return (points_px - np.array([self.x_px, self.y_px])) @ _turn(self.angle_deg)

    def to_film(self, points_px: Floats) -> Floats:
        """The inverse of `to_roi`."""
        return points_px @ _turn(self.angle_deg).T + np.array([self.x_px, self.y_px])


def _turn(angle_deg: float) -> Floats:
    """Rotation clockwise on the film (x right, y down), for column vectors."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, -s], [s, c]])


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
    pixel_spacing_mm: float = 0.175,
    shape: tuple[int, int] | None = None,
    supersample: int = 2,
    sid_mm: float = SID_MM,
) -> Projection:
    """Project a hand, palm on the detector, source above its back (PA), as it is looked at: fingers up.

    jsn_mm: by joint, how far its distal bone and all beyond it have moved proximally from the subject's first film.
    shape: (H, W) of the film; None = what holds the hand and `pose.margin_mm`. supersample: layers are kept this much
    finer than the film. sid_mm: source to detector. Raises ValueError for an unknown joint.
    """
    narrowing = {joint: float(value) for joint, value in (jsn_mm or {}).items()}
    if unknown := set(narrowing) - set(JOINTS):
        raise ValueError(f"Unknown joints: {sorted(unknown)}")
    placed = pose_bones(subject, pose, narrowing)
    camera, placed = frame_film(subject, pose, placed, sid_mm, pixel_spacing_mm, shape)
    layers = {}
    for name, bone in subject.bones.items():
        layer = _layer(subject, bone, placed[bone.carrier], camera, supersample)
        if layer is not None:
            layers[name] = layer
    return Projection(
        subject_seed=subject.seed,
        laterality=subject.laterality,
        pixel_spacing_mm=pixel_spacing_mm,
        shape=camera.shape,
        supersample=supersample,
        layers=layers,
        soft_mm=soft_tissue(subject, placed, camera),
        joints={joint: _truth(subject, joint, placed, camera) for joint in JOINTS},
    )


def _truth(subject: Subject, joint: str, placed: Mapping[str, Placement], camera: Camera) -> JointTruth:
    anatomy = subject.joints[joint]
    upper, lower = placed[anatomy.upper_bone], placed[anatomy.lower_bone]
    near, far = camera.project(upper(np.stack([anatomy.upper_point, anatomy.far_point])))
    centre = 0.5 * (near + camera.project(lower(anatomy.lower_point)))
    way = far - near
    vertices = subject.bones
    return JointTruth(
        joint,
        float(centre[0]),
        float(centre[1]),
        float(np.rad2deg(np.arctan2(way[0], -way[1]))),
        ROI_MM / camera.pixel_spacing_mm,
        anatomy.upper_bone,
        anatomy.lower_bone,
        camera.project(upper(vertices[anatomy.upper_bone].outer.vertices[anatomy.upper_near])),
        camera.project(lower(vertices[anatomy.lower_bone].outer.vertices[anatomy.lower_near])),
    )


def _layer(subject: Subject, bone: Bone, placed: Placement, camera: Camera, supersample: int) -> Layer | None:
    points = placed(bone.outer.vertices)
    uv = (camera.project(points) + 0.5) * supersample - 0.5
    size = np.array([camera.shape[1], camera.shape[0]]) * supersample
    low = np.clip(np.floor(uv.min(axis=0)).astype(int) - 1, 0, size)
    high = np.clip(np.ceil(uv.max(axis=0)).astype(int) + 2, 0, size)
    if (high <= low).any():
        return None
    window = (int(high[1] - low[1]), int(high[0] - low[0]))
    faces = bone.outer.faces
    whole = thickness(uv - low, points[:, 2], faces, window)
    shell = placed(bone.inner)
    hollow = thickness(
        (camera.project(shell) + 0.5) * supersample - 0.5 - low,
        shell[:, 2],
        faces,
        window,
    )
    hollow = np.minimum(hollow, whole)
    path = whole - hollow
    inside = hollow > 0.0
    path[inside] += hollow[inside] * _marrow(subject, bone, placed, camera, supersample, low, inside)
    slant = np.hypot(1.0, np.linalg.norm(points[:, :2].mean(axis=0)) / camera.sid_mm)
    return Layer(int(low[1]), int(low[0]), (path * slant).astype(np.float32))


def _marrow(
    subject: Subject,
    bone: Bone,
    placed: Placement,
    camera: Camera,
    supersample: int,
    low: NDArray[np.int64],
    inside: NDArray[np.bool_],
) -> Floats:
    """Cortical-equivalent density along the rays of the pixels `inside`; its texture is fixed to the bone.

    The texture lies on sheets through the bone: each ray is cut with each sheet, in the bone's own axes.
    """
    rows, columns = np.nonzero(inside)
    x = ((columns + low[0] + 0.5) / supersample - 0.5 - 0.5 * (camera.shape[1] - 1)) * camera.pixel_spacing_mm
    y = ((rows + low[1] + 0.5) / supersample - 0.5 - 0.5 * (camera.shape[0] - 1)) * camera.pixel_spacing_mm
    to_bone = bone.basis @ placed.rotation.T
    source = to_bone @ (np.array([0.0, 0.0, camera.sid_mm]) - placed.position)
    ray = [to_bone[i, 0] * x + to_bone[i, 1] * y - to_bone[i, 2] * camera.sid_mm for i in range(3)]
    pattern = tiles(subject.texture_seed, subject.trabecular_period_mm)
    texture = np.zeros(len(rows))
    density = texture
    for sheet, depth in enumerate(bone.depths_mm):
        reach = (depth - source[2]) / ray[2]
        across, along = source[0] + reach * ray[0], source[1] + reach * ray[1]
        tile, shift_across, shift_along = bone.marrow.offsets[sheet]
        texture = texture + sample(pattern[int(tile)], along + shift_along, across + shift_across)
        if sheet == len(bone.depths_mm) // 2:
            density = bone.marrow.density(along - bone.proximal_mm, bone.distal_mm - along)
    strength = bone.marrow.contrast / len(bone.depths_mm)
    return np.asarray(density * np.maximum(1.0 + strength * texture, 0.0))
