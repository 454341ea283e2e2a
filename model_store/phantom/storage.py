"""Keep a projection in one .npz."""

from __future__ import annotations

import json
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from .projection import Projection

STEP_MM = 0.0005  # stored path lengths in uint16 then reach 32 mm, in steps far below the noise
SOFT_STEP_MM = 0.002
JOINT_FIELDS = (
    "joint",
    "x_px",
    "y_px",
    "angle_deg",
    "size_px",
    "upper_bone",
    "lower_bone",
)


def save_arrays(projection: Projection, file: str | PathLike[str] | BinaryIO, *, compressed: bool) -> None:
    arrays: dict[str, Any] = {"soft": _pack(projection.soft_mm, SOFT_STEP_MM)}
    joints = {}
    for name, layer in projection.layers.items():
        arrays[f"layer_{name}"] = _pack(layer.path_mm, STEP_MM)
    for name, joint in projection.joints.items():
        arrays[f"upper_{name}"], arrays[f"lower_{name}"] = (
            joint.upper_px,
            joint.lower_px,
        )
        joints[name] = {key: getattr(joint, key) for key in JOINT_FIELDS}
    header = {
        "subject_seed": projection.subject_seed,
        "laterality": projection.laterality,
        "pixel_spacing_mm": projection.pixel_spacing_mm,
        "shape": projection.shape,
        "supersample": projection.supersample,
        "layers": {name: (layer.row, layer.column) for name, layer in projection.layers.items()},
        "joints": joints,
    }
    arrays["header"] = np.array(json.dumps(header))
    (np.savez_compressed if compressed else np.savez)(file, **arrays)


def load_arrays(file: str | PathLike[str] | BinaryIO) -> Projection:
    from .projection import JointTruth, Layer, Projection

    with np.load(file) as stored:
        header = json.loads(str(stored["header"]))
        return Projection(
            subject_seed=header["subject_seed"],
            laterality=header["laterality"],
            pixel_spacing_mm=header["pixel_spacing_mm"],
            shape=tuple(header["shape"]),
            supersample=header["supersample"],
            layers={
                name: Layer(
                    row,
                    column,
                    stored[f"layer_{name}"].astype(np.float32) * np.float32(STEP_MM),
                )
                for name, (row, column) in header["layers"].items()
            },
            soft_mm=stored["soft"].astype(np.float32) * np.float32(SOFT_STEP_MM),
            joints={
                name: JointTruth(
                    **values,
                    upper_px=stored[f"upper_{name}"],
                    lower_px=stored[f"lower_{name}"],
                )
                for name, values in header["joints"].items()
            },
        )


def _pack(values: Any, step: float) -> Any:
    return np.clip(np.rint(values / step), 0, 65535).astype(np.uint16)
