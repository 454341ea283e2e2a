"""A film's pixels on their way to the viewer."""

from __future__ import annotations

import numpy as np
import pytest

from jsnsite.radiographs import pixels
from jsnsite.radiographs.pixels import film_pixels


def decoded(film: pixels.FilmPixels) -> np.ndarray:
    return film.slope * np.frombuffer(film.body, "<u2").reshape(film.shape) + film.intercept


def test_whole_numbers_of_16_bit_go_as_they_are():
    values = np.random.default_rng(0).integers(0, 65536, (40, 30)).astype(np.float32)
    film = film_pixels(values)
    assert (film.slope, film.intercept, film.reduction) == (1.0, 0.0, 1)
    np.testing.assert_array_equal(decoded(film), values)


@pytest.mark.parametrize(("low", "high"), [(-1000.0, 3000.0), (0.0, 1.0), (5.5, 5.5), (0.0, 1e6)])
def test_other_numbers_are_scaled_and_come_back_to_half_a_step(low, high):
    values = np.linspace(low, high, 1200, dtype=np.float32).reshape(40, 30)
    film = film_pixels(values)
    np.testing.assert_allclose(decoded(film), values, atol=0.51 * film.slope + 1e-6 * abs(high))


def test_a_film_larger_than_a_graphics_card_takes_is_reduced_by_the_mean(monkeypatch):
    monkeypatch.setattr(pixels, "MAX_SIDE_PX", 16)
    values = np.random.default_rng(0).integers(0, 4096, (40, 33)).astype(np.float32)
    film = film_pixels(values)
    assert (film.reduction, film.shape) == (3, (13, 11))
    expected = values[:39, :33].reshape(13, 3, 11, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(decoded(film), expected, atol=0.51 * film.slope)
