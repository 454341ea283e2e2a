"""Keep a projection in one .npz."""

from __future__ import annotations

import json
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .skeleton import Placement

if TYPE_CHECKING:
    from .projection import Projection
    from .seen import JointTruth

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
    for name, layer in projection.layers.items():
        arrays[f"layer_{name}"] = _pack(layer.path_mm, STEP_MM)
    joints = {name: _joint_to_json(joint) for name, joint in projection.joints.items()}
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
    from .layer import Layer
    from .projection import Projection

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
            joints={name: _joint_from_json(values) for name, values in header["joints"].items()},
        )


def _pack(values: Any, step: float) -> Any:
    return np.clip(np.rint(values / step), 0, 65535).astype(np.uint16)


def _joint_to_json(joint: JointTruth) -> dict[str, Any]:
    plain = {key: getattr(joint, key) for key in JOINT_FIELDS}
    bones = {
        side: {"rotation": placed.rotation.tolist(), "position": placed.position.tolist()}
        for side, placed in (("upper", joint.upper), ("lower", joint.lower))
    }
    return plain | bones | {"centre_mm": joint.centre_mm.tolist(), "camera": asdict(joint.camera)}


def _joint_from_json(values: dict[str, Any]) -> JointTruth:
    from .camera import Camera
    from .seen import JointTruth

    upper, lower = (
        Placement(np.array(values[side]["rotation"]), np.array(values[side]["position"]))
        for side in ("upper", "lower")
    )
    camera = values["camera"]
    seen = Camera(
        camera["sid_mm"], camera["pixel_spacing_mm"], tuple(camera["shape"]), tuple(camera["centre_px"])
    )
    plain = {key: values[key] for key in JOINT_FIELDS}
    return JointTruth(**plain, upper=upper, lower=lower, centre_mm=np.array(values["centre_mm"]), camera=seen)
