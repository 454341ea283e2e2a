"""The registrar measures the motion of each bone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model_store.registrar.contract import METRICS
from model_store.registrar.model import Registrar
from tests.model_store.registrar.joints import SPACING_MM, draw, registrar, request

STILL = (0.0, 0.0, 0.0)


MODEL = registrar()


@pytest.fixture
def model() -> Registrar:
    return MODEL


def jsn(model: Registrar, fixed: tuple, moving: tuple) -> float:
    parameters = model(request([(fixed, moving)]))["parameters"][0]
    return float(parameters[0, 3] - parameters[1, 3])


@settings(max_examples=6, deadline=None)
@given(
    narrowing=st.floats(-0.6, 0.6),
    dx=st.floats(-2.0, 2.0),
    dy=st.floats(-2.0, 2.0),
    seed=st.integers(0, 1000),
)
def test_a_space_narrowed_by_d_mm_reads_plus_d_wherever_the_joint_lies(
    narrowing: float, dx: float, dy: float, seed: int
) -> None:
    fixed = draw(STILL, STILL, seed=seed)
    moving = draw((dx, dy + narrowing / 2, 0.0), (dx, dy - narrowing / 2, 0.0), seed=seed)
    assert jsn(MODEL, fixed, moving) == pytest.approx(narrowing, abs=0.01)


@settings(max_examples=4, deadline=None)
@given(angle=st.floats(-6, 6), dx=st.floats(-1.5, 1.5), dy=st.floats(-1.5, 1.5))
def test_turning_and_shifting_the_whole_joint_is_no_narrowing(angle: float, dx: float, dy: float) -> None:
    moved = (dx, dy, angle)
    parameters = MODEL(request([(draw(STILL, STILL), draw(moved, moved))]))["parameters"][0]
    assert parameters[0, 3] - parameters[1, 3] == pytest.approx(0, abs=0.01)
    assert np.rad2deg(parameters[:, 1]) == pytest.approx([angle, angle], abs=0.2)


@pytest.mark.parametrize("magnified", [0.96, 1.03])
def test_a_film_that_is_magnified_shows_no_narrowing(model: Registrar, magnified: float) -> None:
    films = draw(STILL, STILL, noise=0.02), draw(STILL, STILL, noise=0.02, grain=1, magnified=magnified)
    parameters = model(request([films]))["parameters"][0]
    assert parameters[0, 3] - parameters[1, 3] == pytest.approx(0.0, abs=0.006)
    assert np.exp(parameters[:, 0]) == pytest.approx([magnified] * 2, abs=0.002)


def test_exchanging_the_films_changes_only_the_sign(model: Registrar) -> None:
    fixed = draw(STILL, STILL, noise=0.02, seed=3)
    moving = draw((0.4, 0.5, 2.0), (-0.2, 0.1, -1.0), noise=0.02, seed=3)
    assert jsn(model, fixed, moving) == pytest.approx(-jsn(model, moving, fixed), abs=0.01)


def test_gain_and_offset_of_the_other_film_do_not_matter(model: Registrar) -> None:
    fixed = draw(STILL, STILL)
    plain = draw((0.1, 0.3, 0.0), STILL)
    brightened = draw((0.1, 0.3, 0.0), STILL, gain=2.5, offset=40.0)
    assert jsn(model, fixed, plain) == pytest.approx(jsn(model, fixed, brightened), abs=1e-3)


@pytest.mark.parametrize("amount", [0.4, 0.8])
def test_a_film_that_was_sharpened_reads_the_same(model: Registrar, amount: float) -> None:
    fixed, (image, masks) = draw(STILL, STILL), draw((0.1, 0.3, 0.0), STILL)
    sharpened = image + amount * (image - ndimage.gaussian_filter(image, 0.8 / SPACING_MM))
    assert jsn(model, fixed, (sharpened, masks)) == pytest.approx(0.3, abs=0.015)


def test_another_tone_curve_does_not_matter(model: Registrar) -> None:
    fixed, (image, masks) = draw(STILL, STILL), draw((0.1, 0.3, 0.0), STILL)
    assert jsn(model, fixed, (np.tanh(image), masks)) == pytest.approx(0.3, abs=0.015)


@pytest.mark.parametrize(("first", "last", "brighter"), [(64, 84, 2.0), (96, 128, 3.0), (80, 100, -0.6)])
def test_a_band_across_one_film_does_not_draw_the_bone_away_but_is_told(
    model: Registrar, first: int, last: int, brighter: float
) -> None:
    fixed, (image, masks) = draw(STILL, STILL, noise=0.02), draw((0.1, 0.3, 0.0), STILL, noise=0.02)
    banded = image.copy()
    banded[first:last] += brighter
    outputs = model(request([(fixed, (banded, masks))]))
    upper, lower = outputs["parameters"][0]
    assert upper[3] - lower[3] == pytest.approx(0.3, abs=0.03)
    assert outputs["metrics"][0, METRICS.index("residual_lower")] > 0.25


def test_a_joint_reads_the_same_alone_and_in_a_batch(model: Registrar) -> None:
    pairs = [
        (draw(STILL, STILL, seed=s, noise=0.02), draw((0.1, 0.2 * s, 1.0), STILL, seed=s, noise=0.02))
        for s in range(3)
    ]
    together = model(request(pairs))["parameters"]
    alone = [model(request([pair]))["parameters"][0] for pair in pairs]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_more_noise_gives_a_larger_sigma(model: Registrar) -> None:
    sigmas = [
        float(
            model(request([(draw(STILL, STILL, noise=n), draw(STILL, STILL, noise=n, grain=1))]))["sigma_mm"][
                0
            ]
        )
        for n in (0.01, 0.1)
    ]
    assert 0 < sigmas[0] < sigmas[1]


def test_the_loss_is_small_after_and_large_before_registration(model: Registrar) -> None:
    fixed, moving = draw(STILL, STILL), draw((0.5, 0.6, 2.0), (0.3, 0.1, 1.0))
    outputs = model(request([(fixed, moving)]))
    bones = fixed[1]
    assert outputs["loss"][0][bones].mean() < 0.05 * outputs["loss_before"][0][bones].mean()


def test_metrics_have_one_column_for_each_name(model: Registrar) -> None:
    assert model(request([(draw(STILL, STILL), draw(STILL, STILL))]))["metrics"].shape == (1, len(METRICS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moving": np.zeros((1, 5, 5), np.float32)}, "both be"),
        ({"fixed_masks": np.zeros((1, 2, 5, 5), np.float32)}, "masks must be"),
        ({"spacing_mm": np.zeros(1, np.float32)}, "spacing_mm"),
        ({"fixed": np.full((1, 128, 128), np.nan, np.float32)}, "finite"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_a_sentence(
    model: Registrar, change: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model({**request([(draw(STILL, STILL), draw(STILL, STILL))]), **change})
