"""Segment the two bones of a joint on ROIs of any size and spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from model_store.segmenter.contract import INPUT_PX, SPACING_MM
from workers.inference.protocol import InferenceBackend
from workers.pipeline.crop import Matrix, invert, resample
from workers.pipeline.types import BoolArray, FloatArray


def segment_rois(
    rois: Sequence[FloatArray], pixel_spacing_mm: float | Sequence[float], backend: InferenceBackend
) -> list[tuple[FloatArray, FloatArray]]:
    """Probability of the upper (distal) and the lower (proximal) bone at each pixel of each ROI.

    Args:
        rois: upright ROIs (H, W), distal bone on top, bone bright, centred on their joint, any sizes.
        pixel_spacing_mm: of all of them, or one for each.
        backend: what runs the model ``segmenter``; all ROIs go in one request.

    Returns:
        (upper, lower) for each ROI, each (H, W) in 0..1, zero outside the bone that belongs to this joint.

    Raises:
        ValueError: when there is not one spacing, or one for each ROI, or one is not positive.
        InferenceError: from the backend.
    """
    if not rois:
        return []
    if np.ndim(pixel_spacing_mm) > 0 and np.size(pixel_spacing_mm) != len(rois):
        raise ValueError(
            f"{len(rois)} ROIs need one pixel spacing or {len(rois)}; got {np.size(pixel_spacing_mm)}."
        )
    spacings = np.broadcast_to(np.asarray(pixel_spacing_mm, np.float64), len(rois))
    if not (spacings > 0).all():
        raise ValueError("Pixel spacing must be positive.")
    grids = [model_grid(roi.shape, float(spacing)) for roi, spacing in zip(rois, spacings, strict=True)]
    side = (INPUT_PX, INPUT_PX)
    images = [resample(roi, grid, side)[0] for roi, grid in zip(rois, grids, strict=True)]
    found = backend.infer("segmenter", {"image": np.stack(images)[:, None].astype(np.float32)})["probability"]
    masks = []
    for roi, grid, (upper, lower) in zip(rois, grids, np.asarray(found, np.float32), strict=True):
        kept = keep_bone(upper, is_upper=True), keep_bone(lower, is_upper=False)
        back = [np.clip(resample(bone, invert(grid), roi.shape, order=1)[0], 0.0, 1.0) for bone in kept]
        masks.append((back[0], back[1]))
    return masks


def model_grid(shape: tuple[int, ...], spacing_mm: float) -> Matrix:
    """Affine matrix (2, 3) from the segmenter's 128 x 128 grid to a ROI's pixels; both have the same centre."""
    step = SPACING_MM / spacing_mm
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    return np.column_stack([step * np.eye(2), centre - step * (INPUT_PX - 1) / 2])


def keep_bone(probability: FloatArray, *, is_upper: bool) -> FloatArray:
    """Keep the one bone of this joint, and fill its holes.

    Of the parts above one half, the joint's bone is the largest of those that reach the bone's side of the ROI's
    middle column band: a neighbouring finger or a sesamoid is smaller or lies aside.

    Args:
        probability: (H, W) of one bone in an upright ROI centred on its joint.
        is_upper: whether it is the upper bone.
    """
    parts, count = ndimage.label(probability > 0.5)
    if count == 0:
        return np.zeros_like(probability)
    height, width = probability.shape
    near = np.exp(-(((np.arange(width) - (width - 1) / 2) / (0.25 * width)) ** 2))[None, :]
    side = np.linspace(1.0, 0.5, height)[:, None] if is_upper else np.linspace(0.5, 1.0, height)[:, None]
    weights = ndimage.sum_labels(near * side * probability, parts, index=np.arange(1, count + 1))
    bone: BoolArray = parts == 1 + int(np.argmax(weights))
    filled = ndimage.binary_fill_holes(bone)
    grown = ndimage.binary_dilation(filled, iterations=2)  # keeps the soft edge of the probability
    return np.where(filled & ~bone, 1.0, np.where(grown, probability, 0.0)).astype(np.float32)
