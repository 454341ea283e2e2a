"""The hand's shape is fitted whatever its place, size and side, and in spite of wrong landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.locator.shape import (
    ADULT_BREADTH_MM,
    MCP2,
    MCP5,
    MEAN_SHAPE_MM,
    Floats,
    fit_hand,
    handedness,
)


def laid_out(angle_deg: float, scale: float, offset: tuple[float, float], mirrored: bool) -> Floats:
    angle = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return MEAN_SHAPE_MM * ([-1, 1] if mirrored else [1, 1]) @ (scale * turn).T + offset


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-179, 179),
    scale=st.floats(0.5, 12),
    x=st.floats(0, 3000),
    y=st.floats(0, 3000),
    mirrored=st.booleans(),
)
def test_place_size_turn_and_side_are_recovered(
    angle: float, scale: float, x: float, y: float, mirrored: bool
) -> None:
    points = laid_out(angle, scale, (x, y), mirrored)
    fit, certainty = handedness(points, np.ones(len(points)))
    assert fit.mirrored == mirrored
    assert certainty > 0.9
    assert fit.scale_px == pytest.approx(scale, rel=1e-4)
    assert np.cos(np.deg2rad(fit.angle_deg - angle)) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(fit.points(), points, atol=1e-3 * scale * ADULT_BREADTH_MM)
    assert fit.agreement == pytest.approx(1.0, abs=1e-3)


def test_three_wrong_landmarks_do_not_pull_the_fit_away() -> None:
    points = laid_out(20.0, 5.0, (600.0, 900.0), mirrored=False)
    spoilt = points.copy()
    spoilt[[3, 7, 11]] += (400.0, -300.0)
    fit = fit_hand(spoilt, np.ones(len(points)), mirrored=False)
    breadth = np.linalg.norm(points[MCP2] - points[MCP5])
    assert np.linalg.norm(fit.points() - points, axis=1).max() < 0.05 * breadth
    assert (fit.residual[[3, 7, 11]] > 0.5).all()


def test_scattered_points_agree_with_no_hand() -> None:
    points = np.random.default_rng(0).uniform(0, 1000, MEAN_SHAPE_MM.shape)
    assert handedness(points, np.ones(len(points)))[0].agreement < 0.5
