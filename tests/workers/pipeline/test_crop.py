"""Crops are upright, exact and free of aliasing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.pipeline.crop import apply, crop_roi, invert, resample, upright
from workers.pipeline.types import FloatArray, LocatedJoint


def joint_at(x: float, y: float, angle: float = 0.0) -> LocatedJoint:
    return LocatedJoint("PIP3", x, y, angle, 128.0, 1.0)


def smooth_film(height: int, width: int, period_px: float = 40.0) -> FloatArray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wave = 2 * np.pi / np.float32(period_px)
    return np.asarray(np.sin(wave * x) + np.cos(wave * 0.7 * y), np.float32)


def test_an_upright_crop_at_the_films_spacing_is_the_films_own_pixels() -> None:
    film = np.random.default_rng(0).normal(size=(120, 140)).astype(np.float32)
    crop = crop_roi(film, joint_at(69.5, 59.5), 0.2, size_mm=8.0)
    assert crop.pixels.shape == (40, 40)
    assert crop.valid.all()
    np.testing.assert_allclose(crop.pixels, film[40:80, 50:90], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(80, 120),
    y=st.floats(80, 120),
    angle=st.floats(-180, 180),
    spacing=st.sampled_from([0.1, 0.175, 0.3]),
)
def test_the_way_to_the_film_and_back_is_exact(x: float, y: float, angle: float, spacing: float) -> None:
    crop = crop_roi(smooth_film(200, 200), joint_at(x, y, angle), 0.15, spacing_out_mm=spacing, size_mm=12.0)
    points = np.array([[0.0, 0.0], [3.5, 17.25]])
    np.testing.assert_allclose(crop.to_roi(crop.to_film(points)), points, atol=1e-9)
    middle = (np.array(crop.pixels.shape[::-1]) - 1) / 2
    np.testing.assert_allclose(crop.to_film(middle), (x, y), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(angle=st.floats(-180, 180))
def test_what_lies_in_the_fingers_direction_comes_to_the_top(angle: float) -> None:
    crop = crop_roi(smooth_film(200, 200), joint_at(100, 100, angle), 0.2)
    ahead = (100 + 20 * np.sin(np.deg2rad(angle)), 100 - 20 * np.cos(np.deg2rad(angle)))
    x, y = crop.to_roi(ahead)
    middle = (crop.pixels.shape[0] - 1) / 2
    assert x == pytest.approx(middle, abs=1e-6)
    assert y == pytest.approx(middle - 20, abs=1e-6)


def test_a_turned_crop_reads_the_film_where_its_matrix_says() -> None:
    film = smooth_film(300, 300)
    crop = crop_roi(film, joint_at(150.3, 149.1, 33.0), 0.1, size_mm=8.0)
    y, x = np.mgrid[: crop.pixels.shape[0], : crop.pixels.shape[1]]
    where = crop.to_film(np.stack([x, y], axis=-1))
    wave = 2 * np.pi / 40.0
    expected = np.sin(wave * where[..., 0]) + np.cos(wave * 0.7 * where[..., 1])
    np.testing.assert_allclose(crop.pixels, expected, atol=2e-3)


@pytest.mark.parametrize("factor", [3.0, 5.0, 10.0])
def test_shrinking_shows_no_alias_of_what_is_too_fine(factor: float) -> None:
    fine = smooth_film(640, 640, period_px=2.2)
    centre = (319.5, 319.5)
    side = int(500 / factor)
    small, _ = resample(fine, upright(centre, 0.0, factor, side), (side, side))
    coarse, _ = resample(
        smooth_film(640, 640, period_px=150.0), upright(centre, 0.0, factor, side), (side, side)
    )
    assert small.std() < 0.45 * fine.std()
    assert coarse.std() > 0.9 * smooth_film(640, 640, period_px=150.0).std()


@pytest.mark.parametrize("factor", [3.0, 8.0, 9.7])
def test_shrinking_does_not_shift_the_image(factor: float) -> None:
    y, x = np.mgrid[:400, :420].astype(np.float32)
    spot = np.exp(-((x - 203.0) ** 2 + (y - 187.0) ** 2) / (2 * 40.0**2)).astype(np.float32)
    side = int(400 / factor)
    matrix = upright((200.0, 190.0), 0.0, factor, side)
    small, _ = resample(spot, matrix, (side, side), order=1)
    v, u = np.mgrid[:side, :side]
    centroid = np.array([(small * u).sum(), (small * v).sum()]) / small.sum()
    np.testing.assert_allclose(apply(matrix, centroid), (203.0, 187.0), atol=0.1)


def test_what_lies_beyond_the_film_is_marked_and_repeats_its_edge() -> None:
    film = np.full((60, 60), 7.0, np.float32)
    crop = crop_roi(film, joint_at(0.0, 30.0), 0.2, size_mm=8.0)
    assert not crop.valid[:, 0].any()
    assert crop.valid[:, -1].all()
    np.testing.assert_allclose(crop.pixels, 7.0, atol=1e-4)


def test_a_mirrored_view_is_its_own_inverse_left_to_right() -> None:
    plain = upright((10.0, 20.0), 30.0, 2.0, 64)
    mirrored = upright((10.0, 20.0), 30.0, 2.0, 64, mirrored=True)
    np.testing.assert_allclose(apply(plain, (0.0, 5.0)), apply(mirrored, (63.0, 5.0)))
    np.testing.assert_allclose(apply(invert(mirrored), apply(mirrored, (3.0, 5.0))), (3.0, 5.0))


def test_spacing_and_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        crop_roi(smooth_film(60, 60), joint_at(30, 30), 0.0)
