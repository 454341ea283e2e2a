"""Other readings of a film change its border and its tones, never where anything lies."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.readings import lifted, readings, without_border


def film(border: float) -> np.ndarray:
    image = np.full((120, 100), 0.1, np.float32)
    image[30:90, 30:70] = 0.4
    image[:8], image[-8:], image[:, :8], image[:, -8:] = border, border, border, border
    return image


def test_a_white_border_becomes_background_and_the_hand_stays() -> None:
    cleaned = without_border(film(1.0))
    assert cleaned[0, 0] == cleaned[60, 2] == np.float32(0.1)
    np.testing.assert_array_equal(cleaned[30:90, 30:70], film(1.0)[30:90, 30:70])


def test_a_film_without_a_border_is_left_as_it_is_and_read_twice() -> None:
    plain = film(0.1)
    assert without_border(plain) is plain
    assert len(list(readings(plain))) == 2
    assert len(list(readings(film(1.0)))) == 3


def test_a_film_that_is_nearly_all_white_is_left_as_it_is() -> None:
    white = np.ones((60, 60), np.float32)
    white[25:30, 25:30] = 0
    assert without_border(white) is white


@given(st.floats(0.1, 1e4), st.floats(-1e3, 1e3))
def test_lifting_does_not_depend_on_the_films_scale(gain: float, offset: float) -> None:
    np.testing.assert_allclose(lifted(gain * film(0.3) + offset), lifted(film(0.3)), atol=2e-3)
