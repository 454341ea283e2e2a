"""The layer of one bone: cortical-equivalent path length along each pixel's ray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bone import Bone
from .camera import Camera
from .raster import thickness
from .skeleton import Placement
from .subject import Subject
from .texture import sample, tiles

Floats = NDArray[np.float64]
Image = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """Cortical-equivalent path length of one bone (mm), (h, w) float32, a window of the supersampled film."""

    row: int
    column: int
    path_mm: Image


def bone_layer(
    subject: Subject, bone: Bone, placed: Placement, camera: Camera, supersample: int
) -> Layer | None:
    """What the beam meets in one bone; None where the bone lies beyond the film."""
    middle, radius_mm = bone.sphere
    reach = 1.2 * radius_mm / camera.pixel_spacing_mm
    if (
        np.abs(camera.project(placed(middle)) - 0.5 * np.array(camera.shape[::-1]))
        > reach + 0.5 * max(camera.shape)
    ).any():
        return None
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
    x, y = camera.on_detector(
        (columns + low[0] + 0.5) / supersample - 0.5, (rows + low[1] + 0.5) / supersample - 0.5
    )
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
        leant = across + shift_across + bone.marrow.lean[sheet] * along
        texture = texture + sample(pattern[int(tile)], along + shift_along, leant)
        if sheet == len(bone.depths_mm) // 2:
            density = bone.marrow.density(along - bone.proximal_mm, bone.distal_mm - along)
    strength = bone.marrow.contrast / len(bone.depths_mm)
    return np.asarray(density * np.maximum(1.0 + strength * texture, 0.0))
