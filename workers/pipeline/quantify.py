"""From ROIs, or two films of a hand, to the JSN of every joint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from workers.inference import get_backend
from workers.inference.protocol import InferenceBackend
from workers.pipeline.crop import crop_roi, resample
from workers.pipeline.judge import calibrated_sigma, judge, with_evidence
from workers.pipeline.locate import locate_joints
from workers.pipeline.magnification import with_magnification
from workers.pipeline.opaque import without_metal
from workers.pipeline.outlines import drawn_masks
from workers.pipeline.polarity import bone_bright
from workers.pipeline.register import Registration, RoiPair, register_pairs
from workers.pipeline.segment import segment_rois
from workers.pipeline.types import (
    BoneMasks,
    BoneMotion,
    BoolArray,
    FloatArray,
    JointResult,
    Laterality,
    LocatedJoint,
    Outlines,
    Reliability,
)

#: Finer pixels than this hold no more of the bone than the working spacing does: such films are upsampled.
FINEST_SPACING_MM = 0.095
WORKING_SPACING_MM = 0.175
COARSEST_SPACING_MM = 0.5
#: Half the width of the seam between what the two bones' motions show.
SEAM_MM = 0.35
#: A bone that shows less than this in the ROI is not one to register.
SMALLEST_BONE_MM2 = 12.0

#: (upper, lower) bone of a ROI; None: segmented by the model.
Masks = tuple[BoolArray | None, BoolArray | None]


def quantify_joints(
    fixed: Sequence[FloatArray],
    moving: Sequence[FloatArray],
    pixel_spacing_mm: float | Sequence[float],
    *,
    fixed_masks: Sequence[Masks] | None = None,
    moving_masks: Sequence[Masks] | None = None,
    fixed_valid: Sequence[BoolArray] | None = None,
    moving_valid: Sequence[BoolArray] | None = None,
    backend: InferenceBackend | None = None,
) -> list[JointResult]:
    """JSN of each joint from its baseline and follow-up ROI.

    Args:
        fixed, moving: upright ROIs (H, W), distal bone on top, bone bright, any sizes; positions are compared in
            each ROI's own pixels.
        pixel_spacing_mm: one number, or one for each pair.
        fixed_masks, moving_masks: (upper, lower) boolean arrays of each ROI; what is not given, or None, is segmented
            by the model.
        fixed_valid, moving_valid: (H, W), False where a ROI reaches beyond its film and shows nothing.
        backend: what runs the models; the one that the environment names where not given.

    Returns:
        one result for each pair, in order. A pair that can not be measured (no bone, no contrast, not finite)
        gets NaN and reliability ``unreliable`` with the reason; the others are measured all the same.

    Raises:
        ValueError: when the sequences do not fit together, or a ROI or a spacing can not be one.
        InferenceError: from the backend.
    """
    spacings = _spacings(len(fixed), pixel_spacing_mm)
    given = {"moving": moving, "fixed_masks": fixed_masks, "moving_masks": moving_masks}
    for name, sequence in {**given, "fixed_valid": fixed_valid, "moving_valid": moving_valid}.items():
        if sequence is not None and len(sequence) != len(fixed):
            raise ValueError(f"There are {len(fixed)} fixed ROIs but {len(sequence)} {name}.")
    if not fixed:
        return []
    backend = backend or get_backend()
    fixed, moving = [_roi(roi, "fixed") for roi in fixed], [_roi(roi, "moving") for roi in moving]
    fixed_bare, fixed_soft = _without_metal(fixed, spacings, fixed_masks, fixed_valid, backend)
    moving_bare, moving_soft = _without_metal(moving, spacings, moving_masks, moving_valid, backend)
    pairs = [
        _working_pair(*parts)
        for parts in zip(fixed_bare, moving_bare, fixed_soft, moving_soft, spacings, strict=True)
    ]
    obstacles = [_obstacle(pair) for pair in pairs]
    measurable = [i for i, obstacle in enumerate(obstacles) if obstacle is None]
    registrations = dict(
        zip(measurable, register_pairs([pairs[i] for i in measurable], backend), strict=True)
    )
    results = []
    for i, obstacle in enumerate(obstacles):
        parts = fixed[i], moving[i], fixed_soft[i], spacings[i]
        result = _failed(*parts, obstacle) if obstacle else _result(*parts, pairs[i], registrations[i])
        bones = moving_soft[i] > 0.5
        results.append(replace(result, moving_masks=BoneMasks(bones[0], bones[1])))
    return results


def quantify_hands(
    fixed: FloatArray,
    moving: FloatArray,
    fixed_spacing_mm: float,
    moving_spacing_mm: float,
    *,
    laterality: Laterality | None = None,
    annotations: tuple[Sequence[LocatedJoint], Sequence[LocatedJoint]] | None = None,
    outlines: tuple[Mapping[str, Outlines], Mapping[str, Outlines]] = ({}, {}),
    backend: InferenceBackend | None = None,
) -> dict[str, JointResult]:
    """JSN of every joint that both films of a hand show, by name.

    Args:
        fixed, moving: whole-hand films (H, W) of the same hand, bone bright, each with its own spacing.
        laterality: of the hand, where it is known.
        annotations: (fixed, moving) joints; located by the model where not given. The ROI of a pair has the smaller of
            the two sizes.
        outlines: (fixed, moving) bones by joint that a person has drawn; the others are segmented by the model.
        backend: what runs the models; the one that the environment names where not given.

    Returns:
        results by joint; empty where no hand was found on one of the films.

    Raises:
        ValueError: when an image or a spacing can not be one.
        InferenceError: from the backend.
    """
    backend = backend or get_backend()
    fixed, moving = _film(fixed), _film(moving)
    if annotations is None:
        annotations = (
            locate_joints(fixed, pixel_spacing_mm=fixed_spacing_mm, laterality=laterality, backend=backend),
            locate_joints(moving, pixel_spacing_mm=moving_spacing_mm, laterality=laterality, backend=backend),
        )
    fixed, moving = bone_bright(fixed, annotations[0]), bone_bright(moving, annotations[1])
    on_fixed, on_moving = ({joint.joint: joint for joint in located} for located in annotations)
    names = [name for name in on_fixed if name in on_moving]
    if not names:
        return {}
    spacing_mm = min(max(fixed_spacing_mm, moving_spacing_mm, FINEST_SPACING_MM), COARSEST_SPACING_MM)
    sizes_mm = {
        n: min(on_fixed[n].size_px * fixed_spacing_mm, on_moving[n].size_px * moving_spacing_mm)
        for n in names
    }
    fixed_crops, moving_crops = (
        [crop_roi(film, joints[n], film_mm, spacing_out_mm=spacing_mm, size_mm=sizes_mm[n]) for n in names]
        for film, joints, film_mm in (
            (fixed, on_fixed, fixed_spacing_mm),
            (moving, on_moving, moving_spacing_mm),
        )
    )
    results = quantify_joints(
        [crop.pixels for crop in fixed_crops],
        [crop.pixels for crop in moving_crops],
        spacing_mm,
        fixed_masks=[
            drawn_masks(crop, outlines[0].get(n, {})) for n, crop in zip(names, fixed_crops, strict=True)
        ],
        moving_masks=[
            drawn_masks(crop, outlines[1].get(n, {})) for n, crop in zip(names, moving_crops, strict=True)
        ],
        fixed_valid=[crop.valid for crop in fixed_crops],
        moving_valid=[crop.valid for crop in moving_crops],
        backend=backend,
    )
    named = {}
    for name, result, fixed_crop, moving_crop in zip(names, results, fixed_crops, moving_crops, strict=True):
        evidence = {
            "beyond_film": 1.0 - float(min(fixed_crop.valid.mean(), moving_crop.valid.mean())),
            "location_confidence": min(on_fixed[name].confidence, on_moving[name].confidence),
        }
        named[name] = with_evidence(replace(result, joint=name), evidence)
    return with_magnification(named)


def _spacings(count: int, pixel_spacing_mm: float | Sequence[float]) -> list[float]:
    spacings = np.atleast_1d(np.asarray(pixel_spacing_mm, float))
    if spacings.ndim != 1 or len(spacings) not in (1, count):
        raise ValueError(f"Give one pixel spacing, or one for each of the {count} pairs.")
    if not (np.isfinite(spacings).all() and (spacings > 0).all()):
        raise ValueError("Pixel spacing must be positive, in mm.")
    return [float(s) for s in np.broadcast_to(spacings, count)]


def _roi(roi: FloatArray, name: str) -> FloatArray:
    array = np.asarray(roi, np.float32)
    if array.ndim != 2 or min(array.shape) < 16:
        raise ValueError(
            f"Each {name} ROI must be a grey image (H, W) of at least 16 x 16; got {array.shape}."
        )
    return array


def _film(image: FloatArray) -> FloatArray:
    array = np.asarray(image, np.float32)
    if array.ndim != 2 or min(array.shape) < 64:
        raise ValueError(f"A film must be a grey image (H, W) of at least 64 x 64; got {array.shape}.")
    return array


def _masks(
    rois: Sequence[FloatArray],
    spacings: Sequence[float],
    given: Sequence[Masks] | None,
    backend: InferenceBackend,
) -> list[FloatArray]:
    """Masks (2, H, W) in [0, 1] of each ROI, as given or segmented by the model."""
    given = given or [(None, None)] * len(rois)
    wanted = [i for i, bones in enumerate(given) if any(bone is None for bone in bones)]
    finite = [np.nan_to_num(rois[i]) for i in wanted]
    segmented = dict(zip(wanted, segment_rois(finite, [spacings[i] for i in wanted], backend), strict=True))
    stacked = []
    for i, (roi, bones) in enumerate(zip(rois, given, strict=True)):
        masks = np.stack(
            [
                segmented[i][place] if bone is None else np.asarray(bone, np.float32)
                for place, bone in enumerate(bones)
            ]
        )
        if masks.shape[1:] != roi.shape:
            raise ValueError(f"Masks {masks.shape[1:]} must have the shape of their ROI {roi.shape}.")
        stacked.append(masks)
    return stacked


def _without_metal(
    rois: Sequence[FloatArray],
    spacings: Sequence[float],
    given: Sequence[Masks] | None,
    valid: Sequence[BoolArray] | None,
    backend: InferenceBackend,
) -> tuple[list[FloatArray], list[FloatArray]]:
    """ROIs without rings and markers, and their masks without what these hide or what lies beyond the film: the
    repeated edge of a film looks like bone."""
    bare, clear = zip(*(without_metal(roi) for roi in rois), strict=True)
    masks = _masks(bare, spacings, given, backend)
    seen = clear if valid is None else [shown & here for shown, here in zip(clear, valid, strict=True)]
    return list(bare), [mask * shown for mask, shown in zip(masks, seen, strict=True)]


def _working_pair(
    fixed: FloatArray,
    moving: FloatArray,
    fixed_masks: FloatArray,
    moving_masks: FloatArray,
    spacing_mm: float,
) -> RoiPair:
    """The pair at the spacing that its information warrants."""
    if spacing_mm >= FINEST_SPACING_MM:
        return RoiPair(fixed, moving, fixed_masks, moving_masks, spacing_mm)
    factor = WORKING_SPACING_MM / spacing_mm

    def coarser(image: FloatArray) -> FloatArray:
        shape = (max(16, math.floor(image.shape[0] / factor)), max(16, math.floor(image.shape[1] / factor)))
        return resample(image, _shrink(factor), shape)[0]

    return RoiPair(
        coarser(fixed),
        coarser(moving),
        np.clip(np.stack([coarser(mask) for mask in fixed_masks]), 0, 1),
        np.clip(np.stack([coarser(mask) for mask in moving_masks]), 0, 1),
        WORKING_SPACING_MM,
    )


def _shrink(factor: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Affine (2, 3) from coarser pixels to finer ones, whose first pixels share a corner."""
    middle = (factor - 1) / 2
    return np.array([[factor, 0.0, middle], [0.0, factor, middle]])


def _obstacle(pair: RoiPair) -> str | None:
    """Why a pair can not be registered, as a reason code."""
    for image in (pair.fixed, pair.moving):
        if not np.isfinite(image).all():
            return "not_finite"
        if float(np.ptp(image)) <= 1e-6 * max(1.0, float(np.abs(image).max())):
            return "no_contrast"
    for code, bone in (("upper_bone_not_found", 0), ("lower_bone_not_found", 1)):
        areas = [
            float((masks[bone] > 0.5).sum()) * pair.spacing_mm**2
            for masks in (pair.fixed_masks, pair.moving_masks)
        ]
        if min(areas) < SMALLEST_BONE_MM2:
            return code
    return None


def _result(
    fixed: FloatArray,
    moving: FloatArray,
    masks: FloatArray,
    spacing_mm: float,
    pair: RoiPair,
    registration: Registration,
) -> JointResult:
    upper, lower = registration.upper, registration.lower
    jsn_mm = upper.dy_mm - lower.dy_mm
    metrics = {
        **registration.metrics,
        "raw_sigma_mm": registration.raw_sigma_mm,
        "jsn_magnitude_mm": abs(jsn_mm),
        "scale_deviation": max(abs(upper.scale - 1.0), abs(lower.scale - 1.0)),
        "relative_rotation_deg": abs(upper.rotation_deg - lower.rotation_deg),
    }
    sigma_mm = metrics["jsn_sigma_mm"] = calibrated_sigma(metrics)
    reliability, reasons = judge(metrics)
    bones = masks > 0.5
    of_upper = _share_of_upper(pair.fixed_masks > 0.5, pair.spacing_mm)
    warped, loss, before = (
        _onto(of_upper * by_bone[0] + (1 - of_upper) * by_bone[1], fixed.shape, spacing_mm, pair)
        for by_bone in (registration.warped, registration.loss, registration.loss_before)
    )
    outside = ~(bones[0] | bones[1])
    return JointResult(
        joint="",
        jsn_mm=jsn_mm,
        jsn_sigma_mm=sigma_mm,
        reliability=reliability,
        reasons=reasons,
        upper=upper,
        lower=lower,
        masks=BoneMasks(bones[0], bones[1]),
        loss_map=np.where(outside, np.nan, np.maximum(loss, 0)).astype(np.float32),
        loss_before=np.where(outside, np.nan, np.maximum(before, 0)).astype(np.float32),
        fixed=fixed,
        moving=moving,
        warped=warped.astype(np.float32),
        pixel_spacing_mm=spacing_mm,
        metrics=metrics,
    )


def _share_of_upper(bones: BoolArray, spacing_mm: float) -> FloatArray:
    """How far each pixel (H, W) is shown as the upper bone's motion has it: 1 above the middle of the joint space,
    0 below, with a soft seam in between.
    """
    height = bones.shape[1]
    row = np.arange(height, dtype=np.float32)[:, None]
    has_both = bones[0].any(0) & bones[1].any(0)
    end_of_upper = np.where(bones[0], row, 0.0).max(0)
    start_of_lower = np.where(bones[1], row, float(height)).min(0)
    middle = (end_of_upper + start_of_lower) / 2
    usual = float(np.median(middle[has_both])) if has_both.any() else height / 2
    below_mm = (row - np.where(has_both, middle, usual)[None, :]) * spacing_mm
    return np.clip(0.5 - below_mm / (2 * SEAM_MM), 0.0, 1.0).astype(np.float32)


def _onto(image: FloatArray, shape: tuple[int, ...], spacing_mm: float, pair: RoiPair) -> FloatArray:
    """An array of the working pair back in the fixed ROI's own pixels."""
    if image.shape == shape and pair.spacing_mm == spacing_mm:
        return image
    matrix = _shrink(spacing_mm / pair.spacing_mm)
    return resample(np.asarray(image, np.float32), matrix, (shape[0], shape[1]), order=1)[0]


def _failed(
    fixed: FloatArray, moving: FloatArray, masks: FloatArray, spacing_mm: float, reason: str
) -> JointResult:
    nothing = BoneMotion(math.nan, math.nan, math.nan, math.nan)
    empty = np.full(fixed.shape, np.nan, np.float32)
    return JointResult(
        joint="",
        jsn_mm=math.nan,
        jsn_sigma_mm=math.nan,
        reliability=Reliability.UNRELIABLE,
        reasons=(reason,),
        upper=nothing,
        lower=nothing,
        masks=BoneMasks(masks[0] > 0.5, masks[1] > 0.5),
        loss_map=empty,
        loss_before=empty.copy(),
        fixed=fixed,
        moving=moving,
        warped=empty.copy(),
        pixel_spacing_mm=spacing_mm,
    )
