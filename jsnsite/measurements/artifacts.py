"""The arrays behind a measurement: what the joint page shows. One compressed npz file each."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from jsnsite.measurements.models import JointMeasurement
    from jsnsite.measurements.recording import Result

#: (H, W) float32, all on the fixed ROI's pixels; loss maps are NaN outside the bones.
IMAGES = ("fixed", "moving", "warped", "loss_map", "loss_before")
#: (H, W) bool, on the fixed ROI's pixels.
MASKS = ("upper", "lower")
#: (H, W) bool, on the moving ROI's own pixels; results from before they were kept lack them.
MOVING_MASKS = {"moving_upper": "upper", "moving_lower": "lower"}


def pack(result: Result) -> bytes:
    """``result``'s arrays as an npz file: ``IMAGES``, ``MASKS``, ``MOVING_MASKS`` where there are any, and the scalar
    ``pixel_spacing_mm``.
    """
    arrays: dict[str, Any] = {name: np.asarray(getattr(result, name), dtype=np.float32) for name in IMAGES}
    arrays |= {name: np.asarray(getattr(result.masks, name), dtype=np.bool_) for name in MASKS}
    moving_masks = getattr(result, "moving_masks", None)
    if moving_masks is not None:
        arrays |= {
            name: np.asarray(getattr(moving_masks, bone), dtype=np.bool_)
            for name, bone in MOVING_MASKS.items()
        }
    arrays["pixel_spacing_mm"] = np.float64(result.pixel_spacing_mm)
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def load(measurement: JointMeasurement) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of a measurement by name; empty where there are none (a joint that was not found)."""
    if not measurement.artifact:
        return {}
    with (
        measurement.artifact.open("rb") as file,
        np.load(BytesIO(file.read()), allow_pickle=False) as archive,
    ):
        return {name: archive[name] for name in archive.files}
