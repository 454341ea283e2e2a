"""Registration against a peer on the same ROIs in the same run: `make benchmark`. Nothing here asserts on figures."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from model_store.phantom import (
    bone_masks,
    expose,
    joint_motion,
    make_exposure,
    make_pose,
    make_subject,
    project,
)
from tests.benchmarks.peers import simpleitk_dy_mm
from workers.inference import get_backend
from workers.pipeline import quantify_joints
from workers.pipeline.crop import crop_roi
from workers.pipeline.types import JOINTS, BoolArray, FloatArray, LocatedJoint
from workers.version import code_version

SPACING_MM = 0.175
#: Hands that no training saw; set JSN_BENCHMARK_HANDS for more.
HANDS = range(5_000_000, 5_000_000 + int(os.environ.get("JSN_BENCHMARK_HANDS") or 4))


@dataclass(frozen=True)
class Case:
    """One joint of two films: ROIs, true masks (upper, lower), true JSN."""

    fixed: FloatArray
    moving: FloatArray
    fixed_masks: tuple[BoolArray, BoolArray]
    moving_masks: tuple[BoolArray, BoolArray]
    jsn_mm: float


def cases() -> Iterator[Case]:
    """Ten joints of each hand, narrowed by -0.1 to 0.6 mm between two visits at one site."""
    for seed in HANDS:
        rng = np.random.default_rng(seed)
        subject = make_subject(seed, "LR"[seed % 2])
        narrowing = {joint: float(rng.uniform(-0.1, 0.6)) for joint in JOINTS}
        pose, drift = make_pose(2 * seed), make_pose(2 * seed + 1, spread=0.2)
        angles = {
            name: pose.angles_deg.get(name, 0.0) + drift.angles_deg.get(name, 0.0)
            for name in {*pose.angles_deg, *drift.angles_deg}
        }
        later = replace(pose, angles_deg=angles, shift_mm=drift.shift_mm, tilt_deg=drift.tilt_deg)
        films = project(subject, pose), project(subject, later, jsn_mm=narrowing)
        pixels = [
            expose(film, make_exposure(2 * seed + visit, spread=0.4), seed + visit).pixels.astype(np.float32)
            for visit, film in enumerate(films)
        ]
        for joint in JOINTS:
            rois, masks = [], []
            for film, image in zip(films, pixels, strict=True):
                truth = film.joints[joint]
                place = LocatedJoint(joint, truth.x_px, truth.y_px, truth.angle_deg, truth.size_px, 1.0)
                roi = crop_roi(image, place, SPACING_MM).pixels
                rois.append(roi)
                masks.append(bone_masks(film, joint, size_px=len(roi)))
            yield Case(rois[0], rois[1], masks[0], masks[1], joint_motion(*films, joint).jsn_mm)


def summary(name: str, errors: list[float], seconds: float) -> tuple[float, float]:
    """Print a row; returns RMSE (mm) and seconds a joint."""
    error = np.abs(errors)
    rmse, each = float(np.sqrt(np.mean(error**2))), seconds / len(errors)
    print(
        f"{name:<12} RMSE {rmse:.4f}  median {np.median(error):.4f}  95 % {np.quantile(error, 0.95):.4f} mm"
        f"  over 0.5 mm {np.mean(error > 0.5):.2%}  {1000 * each:.0f} ms a joint"
    )
    return rmse, each


@pytest.mark.timeout(3600)
def test_registration_beside_simpleitk() -> None:
    torch.set_num_threads(1)
    joints = list(cases())
    truth = [case.jsn_mm for case in joints]
    print(
        f"\n{len(joints)} phantom joints, true masks, one core, {platform.machine()}, code {code_version()}"
    )
    backend = get_backend()
    quantify_joints([joints[0].fixed], [joints[0].moving], SPACING_MM, backend=backend)  # loads the models
    start = time.perf_counter()
    ours = quantify_joints(
        [case.fixed for case in joints],
        [case.moving for case in joints],
        SPACING_MM,
        fixed_masks=[case.fixed_masks for case in joints],
        moving_masks=[case.moving_masks for case in joints],
        backend=backend,
    )
    mine = summary(
        "JSN",
        [result.jsn_mm - jsn for result, jsn in zip(ours, truth, strict=True)],
        time.perf_counter() - start,
    )
    start = time.perf_counter()
    peers = [
        simpleitk_dy_mm(case.fixed, case.moving, case.fixed_masks[0], SPACING_MM)
        - simpleitk_dy_mm(case.fixed, case.moving, case.fixed_masks[1], SPACING_MM)
        for case in joints
    ]
    theirs = summary(
        "SimpleITK",
        [jsn - true for jsn, true in zip(peers, truth, strict=True)],
        time.perf_counter() - start,
    )
    print(f"SimpleITK / JSN: RMSE {theirs[0] / mine[0]:.1f}, time {theirs[1] / mine[1]:.1f}")
