"""Other readings of a film change its border and its tones, never where anything lies."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.readings import lifted, readings, thinned, without_border


def film(border: float) -> np.ndarray:
    image = np.full((120, 100), 0.1, np.float32)
    image[30:90, 30:70] = 0.4
    image[:8], image[-8:], image[:, :8], image[:, -8:] = border, border, border, border
    return image


def test_a_white_border_becomes_background_and_the_hand_stays() -> None:
    cleaned = without_border(film(1.0))
    assert cleaned[0, 0] == cleaned[60, 2] == np.float32(0.1)
    np.testing.assert_array_equal(cleaned[30:90, 30:70], film(1.0)[30:90, 30:70])


def test_a_film_without_a_border_is_left_as_it_is() -> None:
    plain = film(0.1)
    assert without_border(plain) is plain


def test_the_film_itself_is_read_first_then_the_inverted_one() -> None:
    first, second, *others = readings(film(1.0))
    assert first.pixels.tolist() == film(1.0).tolist() and not first.bone_dark
    np.testing.assert_allclose(second.pixels, 1.1 - film(1.0), atol=1e-6)
    assert second.bone_dark and not any(reading.is_plain for reading in others)


@given(st.integers(40, 5000), st.integers(40, 200))
def test_a_place_on_a_thinned_film_is_the_same_place_on_the_film(height: int, width: int) -> None:
    ramp = np.arange(height, dtype=np.float32)[:, None].repeat(width, axis=1)
    thin = thinned(ramp)
    assert max(thin.pixels.shape) < 2 * 1536
    row = min(10, thin.pixels.shape[0] - 1)
    assert thin.to_film(np.array([[0.0, row]]))[0, 1] == thin.pixels[row, 0]


def test_a_film_that_is_nearly_all_white_is_left_as_it_is() -> None:
    white = np.ones((60, 60), np.float32)
    white[25:30, 25:30] = 0
    assert without_border(white) is white


@given(st.floats(0.1, 1e4), st.floats(-1e3, 1e3))
def test_lifting_does_not_depend_on_the_films_scale(gain: float, offset: float) -> None:
    np.testing.assert_allclose(lifted(gain * film(0.3) + offset), lifted(film(0.3)), atol=2e-3)
