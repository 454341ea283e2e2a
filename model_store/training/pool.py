"""A pool of phantom hands as layers, made once and kept on disk; films are composed of it at random while training.

Every hand is a right hand with its fingers up; mirroring and turning belong to the augmentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from model_store.locator.contract import LANDMARKS
from model_store.phantom import (
    JOINTS,
    Layer,
    Pose,
    Projection,
    Subject,
    draw_erosion,
    draw_osteophyte,
    joint_layers,
    make_pose,
    make_subject,
    project,
    with_lesions,
    with_subluxation,
    with_ulnar_drift,
)

Floats = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float16]

SPACING_MM = 0.175
HAND_STEP = 3  # the locator sees hands at this many times the spacing
HAND_SHAPE = (560, 420)  # of the locator's layers: 294 x 220 mm
ROI_PX = 192  # of the segmenter's layers: 33.6 mm, room for turning and shifting 22.4 mm
JOINTS_PER_HAND = 6  # whose layers are kept, of fourteen

#: Folder of the hands on disk; a new number when hands of a seed come to look otherwise, so that no old one is used.
POOL = "pool-2"

#: Seeds of subjects that are trained on start at 0; those that judge the result start here.
VALIDATION_SEED = 1_000_000


@dataclass(frozen=True)
class Hand:
    """Layers of one phantom hand.

    ``bone, soft`` (560, 420): path in mm at 0.525 mm/px; ``landmarks`` (19, 2), (x, y) on them; ``rois``
    (J, 4, 192, 192): upper bone, lower bone, other bones, soft tissue of some joints, mm, upright at 0.175 mm/px.
    """

    bone: Halves
    soft: Halves
    landmarks: Floats
    rois: Halves


def draw_pose(rng: np.random.Generator, seed: int) -> Pose:
    """How patients lie: from well spread to closed fingers, thumb out or along, some fingers bent."""
    pose = make_pose(seed, spread=float(rng.uniform(0.4, 2.6)), rotation_deg=0.0)
    angles = dict(pose.angles_deg)
    angles["1mc:abduction"] = angles.get("1mc:abduction", 0.0) + rng.uniform(-18.0, 22.0)
    for ray in range(2, 6):
        for bone in (f"{ray}proxph", f"{ray}midph", f"{ray}distph"):
            if rng.random() < 0.25:
                angles[f"{bone}:flexion"] = angles.get(f"{bone}:flexion", 0.0) + rng.uniform(0.0, 22.0)
    forearm = float(rng.uniform(10.0, 80.0))
    return replace(pose, angles_deg=angles, shift_mm=(0.0, 0.0), forearm_mm=forearm, margin_mm=16.0)


def draw_disease(
    rng: np.random.Generator, subject: Subject, pose: Pose
) -> tuple[Subject, Pose, dict[str, float]]:
    """The subject and pose with arthritis, and by joint how much of its space is lost (mm).

    One hand in three is healthy. In the others a joint in three has erosions, one in five spurs, one in ten has
    slipped, and one in four has lost its space nearly or wholly; one hand in four has ulnar drift.
    """
    lost: dict[str, float] = {}
    if rng.random() < 1 / 3:
        return subject, pose, lost
    lesions = []
    for joint in JOINTS:
        if rng.random() < 1 / 3:
            lesions += [draw_erosion(rng, subject, joint) for _ in range(rng.integers(1, 4))]
        if rng.random() < 0.2:
            lesions += [draw_osteophyte(rng, subject, joint) for _ in range(rng.integers(1, 3))]
        if rng.random() < 0.25:
            lost[joint] = subject.joints[joint].space_mm - float(rng.uniform(-0.4, 0.6))
    subject = with_lesions(subject, lesions)
    for joint in JOINTS:
        if rng.random() < 0.1:
            subject = with_subluxation(
                subject, joint, float(rng.normal(0, 1.5)), float(rng.uniform(0.0, 3.0))
            )
    return subject, with_ulnar_drift(pose, float(rng.uniform(5.0, 25.0) * (rng.random() < 0.25))), lost


def make_hand(seed: int) -> Hand:
    """The pool's hand of a seed."""
    rng = np.random.default_rng([seed, 0xF11])
    subject, pose, lost = draw_disease(rng, make_subject(seed), draw_pose(rng, seed))
    projection = project(subject, pose, jsn_mm=lost, pixel_spacing_mm=SPACING_MM, supersample=1)
    names = rng.permutation(list(JOINTS))[:JOINTS_PER_HAND]
    rois = np.stack([np.stack(joint_layers(projection, str(name), ROI_PX, 1)) for name in names])
    landmarks = locate_landmarks(projection)
    if rng.random() < 0.4:
        projection = with_growth_plates(projection, rng)
    bone, soft = (_reduced(layer) for layer in (projection.bone_mm(), projection.soft_mm))
    return Hand(bone, soft, (landmarks - (HAND_STEP - 1) / 2) / HAND_STEP, rois.astype(np.float16))


def locate_landmarks(projection: Projection) -> Floats:
    """(19, 2) film positions, (x, y) px, of ``LANDMARKS``: joint centres and tips of the distal phalanges."""
    found = {name: np.array([truth.x_px, truth.y_px]) for name, truth in projection.joints.items()}
    for ray in range(1, 6):
        truth = projection.joints["IP1" if ray == 1 else f"DIP{ray}"]
        layer = projection.layers[truth.upper_bone]
        rows, columns = np.nonzero(layer.path_mm > 0.3)
        points = np.stack([columns + layer.column, rows + layer.row], axis=-1).astype(np.float64)
        along = (points - (truth.x_px, truth.y_px)) @ _direction(truth.angle_deg)
        found[f"TIP{ray}"] = points[along >= np.quantile(along, 0.985)].mean(axis=0)
    return np.stack([found[name] for name in LANDMARKS])


def with_growth_plates(projection: Projection, rng: np.random.Generator) -> Projection:
    """The hand of a youth: an open growth plate near the base of each phalanx and the head of each metacarpal."""
    layers: dict[str, Layer] = dict(projection.layers)
    depth = float(rng.uniform(0.3, 0.9))
    reach = float(rng.uniform(4.0, 7.0))
    for name, truth in projection.joints.items():
        cuts = {truth.upper_bone: reach}
        if name in ("MCP2", "MCP3", "MCP4", "MCP5"):
            cuts[truth.lower_bone] = -1.6 * reach
        for bone, distance in cuts.items():
            layer = layers[bone]
            rows, columns = np.indices(layer.path_mm.shape)
            x, y = columns + layer.column - truth.x_px, rows + layer.row - truth.y_px
            direction = _direction(truth.angle_deg)
            along = (x * direction[0] + y * direction[1]) * projection.pixel_spacing_mm
            plate = np.exp(-(((along - distance) / rng.uniform(0.5, 1.1)) ** 2))
            layers[bone] = replace(layer, path_mm=(layer.path_mm * (1 - depth * plate)).astype(np.float32))
    return replace(projection, layers=layers)


def _direction(angle_deg: float) -> Floats:
    return np.array([np.sin(np.deg2rad(angle_deg)), -np.cos(np.deg2rad(angle_deg))])


def _reduced(image: npt.NDArray[np.float32]) -> Halves:
    """Block means on the locator's grid; below the film the forearm goes on as it left it."""
    rows, columns = (length // HAND_STEP for length in image.shape)
    blocks = image[: rows * HAND_STEP, : columns * HAND_STEP].reshape(rows, HAND_STEP, columns, HAND_STEP)
    small = blocks.mean(axis=(1, 3))[: HAND_SHAPE[0], : HAND_SHAPE[1]]
    canvas = np.pad(small, ((0, HAND_SHAPE[0] - small.shape[0]), (0, 0)), mode="edge")
    return np.pad(canvas, ((0, 0), (0, HAND_SHAPE[1] - small.shape[1]))).astype(np.float16)


def make_pool(folder: Path, seeds: Iterable[int]) -> list[Path]:
    """Files of the hands of these seeds, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed in tqdm(list(seeds), desc="phantom hands", unit="hand", mininterval=2.0):
        file = folder / f"{seed:07d}.npz"
        if not file.exists():
            hand = make_hand(seed)
            draft = file.with_suffix(".draft.npz")
            np.savez(draft, bone=hand.bone, soft=hand.soft, landmarks=hand.landmarks, rois=hand.rois)
            draft.replace(file)
        files.append(file)
    return files


def load_pool(files: Iterable[Path], key: str) -> npt.NDArray[Any]:
    """One array of every hand, stacked along a new first axis (``rois``: joined along the first)."""
    parts: list[npt.NDArray[Any]] = []
    for file in files:
        with np.load(file) as stored:
            content: Mapping[str, npt.NDArray[Any]] = stored
            parts.append(content[key])
    return np.concatenate(parts) if key == "rois" else np.stack(parts)
