"""Register prepared ROIs: put them on common grids, ask the registrar, take each joint's own part back out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_store.registrar.contract import METRICS
from workers.inference.protocol import InferenceBackend
from workers.pipeline.types import BoneMotion, FloatArray

#: Joints a request: bounds memory of the server and the size of the message.
JOINTS_PER_REQUEST = 16


@dataclass(frozen=True)
class RoiPair:
    """A pair ready for registration: images (H, W), masks (2, H, W) in [0, 1], upper then lower; one spacing."""

    fixed: FloatArray
    moving: FloatArray
    fixed_masks: FloatArray
    moving_masks: FloatArray
    spacing_mm: float


@dataclass(frozen=True)
class Registration:
    """What the registrar says of one pair, in the fixed ROI's pixels (see ``model_store.registrar.model``).

    ``warped, loss, loss_before``: (2, H, W), by the upper and by the lower bone's motion.
    """

    upper: BoneMotion
    lower: BoneMotion
    raw_sigma_mm: float
    warped: FloatArray
    loss: FloatArray
    loss_before: FloatArray
    metrics: dict[str, float]


def register_pairs(pairs: Sequence[RoiPair], backend: InferenceBackend) -> list[Registration]:
    """Register every pair; those of one spacing share requests. Raises ``InferenceError`` from the backend."""
    found: dict[int, Registration] = {}
    by_spacing: dict[float, list[int]] = {}
    for index, pair in enumerate(pairs):
        by_spacing.setdefault(round(pair.spacing_mm, 6), []).append(index)
    for spacing_mm, members in by_spacing.items():
        for first in range(0, len(members), JOINTS_PER_REQUEST):
            chunk = members[first : first + JOINTS_PER_REQUEST]
            for index, registration in zip(
                chunk, _register([pairs[i] for i in chunk], spacing_mm, backend), strict=True
            ):
                found[index] = registration
    return [found[index] for index in range(len(pairs))]


def _register(pairs: Sequence[RoiPair], spacing_mm: float, backend: InferenceBackend) -> list[Registration]:
    height = max(max(pair.fixed.shape[0], pair.moving.shape[0]) for pair in pairs)
    width = max(max(pair.fixed.shape[1], pair.moving.shape[1]) for pair in pairs)

    def padded(images: list[FloatArray], mode: str) -> FloatArray:
        return np.stack([_pad(image, height, width, mode) for image in images])

    outputs = backend.infer(
        "registrar",
        {
            "fixed": padded([pair.fixed for pair in pairs], "edge"),
            "moving": padded([pair.moving for pair in pairs], "edge"),
            "fixed_masks": padded([pair.fixed_masks for pair in pairs], "constant"),
            "moving_masks": padded([pair.moving_masks for pair in pairs], "constant"),
            "spacing_mm": np.full(len(pairs), spacing_mm, np.float32),
        },
    )
    registrations = []
    for i, pair in enumerate(pairs):
        rows, columns = pair.fixed.shape
        warped, loss, before = (
            np.asarray(outputs[name][i, :, :rows, :columns], np.float32)
            for name in ("warped", "loss", "loss_before")
        )
        upper, lower = (_motion(outputs["parameters"][i, bone]) for bone in (0, 1))
        metrics = {name: float(value) for name, value in zip(METRICS, outputs["metrics"][i], strict=True)}
        registrations.append(
            Registration(upper, lower, float(outputs["sigma_mm"][i]), warped, loss, before, metrics)
        )
    return registrations


def _pad(image: FloatArray, height: int, width: int, mode: str) -> FloatArray:
    """Pad the last two axes at their ends, so that pixel coordinates stay."""
    before = [(0, 0)] * (image.ndim - 2)
    widths = [*before, (0, height - image.shape[-2]), (0, width - image.shape[-1])]
    if mode == "edge":
        return np.pad(image, widths, mode="edge")
    return np.pad(image, widths)


def _motion(parameters: FloatArray) -> BoneMotion:
    log_scale, rotation_rad, dx_mm, dy_mm = (float(value) for value in parameters)
    return BoneMotion(dx_mm, dy_mm, float(np.rad2deg(rotation_rad)), float(np.exp(log_scale)))
