"""A scale that all joints of a hand share belongs to the films, one that a joint has alone to its pose."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from workers.pipeline.magnification import FEWEST, MOST, with_magnification
from workers.pipeline.types import BoneMasks, BoneMotion, JointResult, Reliability


def hand(scales: Sequence[float], residual: float = 0.01) -> dict[str, JointResult]:
    """Joints that match as well as that, each of whose bones seems to have grown by its scale."""
    return {f"J{i}": joint(scale, residual) for i, scale in enumerate(scales)}


def joint(scale: float, residual: float) -> JointResult:
    nothing = np.zeros((16, 16), np.float32)
    motion = BoneMotion(0.0, 0.0, 0.0, scale)
    return JointResult(
        joint="J",
        jsn_mm=0.1,
        jsn_sigma_mm=0.02,
        reliability=Reliability.RELIABLE,
        reasons=(),
        upper=motion,
        lower=motion,
        masks=BoneMasks(nothing > 0, nothing > 0),
        loss_map=nothing,
        loss_before=nothing,
        fixed=nothing,
        moving=nothing,
        warped=nothing,
        pixel_spacing_mm=0.175,
        metrics={
            "raw_sigma_mm": 0.005,
            "residual_upper": residual,
            "residual_lower": residual,
            "scale_deviation": abs(scale - 1.0),
            "mask_overlap": 0.0,
            "film_difference": 0.0,
            "relative_rotation_deg": 0.0,
            "jsn_magnitude_mm": 0.1,
        },
    )


def test_a_hand_that_is_magnified_as_a_whole_stays_reliable() -> None:
    found = with_magnification(hand([1.04] * 10))
    assert all(result.reliability is Reliability.RELIABLE for result in found.values())
    assert found["J0"].metrics["magnification"] == pytest.approx(1.04)
    assert found["J0"].jsn_sigma_mm < 0.06


def test_a_bone_that_seems_to_have_grown_alone_is_doubted_as_before() -> None:
    found = with_magnification(hand([1.0] * 9 + [1.04]))
    assert "scale_differs" in found["J9"].reasons
    assert found["J9"].jsn_sigma_mm > 5 * found["J0"].jsn_sigma_mm


def test_a_scale_that_a_tilted_hand_could_feign_is_no_magnification() -> None:
    found = with_magnification(hand([0.992] * 10))
    assert found["J0"].metrics["scale_deviation"] == pytest.approx(0.008)


def test_no_film_is_magnified_so_much_that_its_pixel_spacing_must_be_wrong() -> None:
    found = with_magnification(hand([math.exp(1.1 * MOST)] * 10))
    assert all("scale_differs" in result.reasons for result in found.values())


def test_few_joints_and_joints_that_match_poorly_say_nothing_about_the_films() -> None:
    for joints in (hand([1.04] * (FEWEST - 1)), hand([1.04] * 10, residual=0.3)):
        assert all("scale_differs" in result.reasons for result in with_magnification(joints).values())


def test_doubt_about_a_joint_never_grows_by_what_the_others_say() -> None:
    before = hand([1.0, 0.99, 1.02, 1.01, 1.03, 0.98])
    for name, result in with_magnification(before).items():
        assert result.metrics["scale_deviation"] <= before[name].metrics["scale_deviation"]
