"""The spline that every measured displacement rests on."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model_store.registrar.spline import sample, sample_linear, smooth, surface


def _pixels(height: int, width: int) -> torch.Tensor:
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([xs, ys], -1).view(1, -1, 2).float()


def test_the_spline_passes_through_every_pixel() -> None:
    images = torch.rand(2, 19, 24)
    value = sample(surface(images).coefficients, _pixels(19, 24).expand(2, -1, -1))
    assert torch.allclose(value.view(2, 19, 24), images, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), height=st.integers(16, 40), width=st.integers(16, 40))
def test_samples_between_pixels_equal_those_of_scipy(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(height, width)).astype(np.float32)
    points = rng.uniform(0, min(height, width) - 1, size=(50, 2)).astype(np.float32)
    expected = ndimage.map_coordinates(image, [points[:, 1], points[:, 0]], order=3, mode="mirror")
    value = sample(surface(torch.tensor(image)[None]).coefficients, torch.tensor(points)[None])
    np.testing.assert_allclose(value[0].numpy(), expected, atol=2e-4)


def test_smoothing_is_that_of_a_gaussian() -> None:
    image = np.random.default_rng(1).normal(size=(40, 50)).astype(np.float32)
    expected = ndimage.gaussian_filter(image, 2.0, mode="mirror", truncate=8)
    np.testing.assert_allclose(smooth(torch.tensor(image)[None], 2.0)[0].numpy(), expected, atol=2e-3)


def test_slopes_at_the_pixels_agree_with_finite_differences() -> None:
    found = surface(torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(0)), 1.0)
    points, step = _pixels(20, 20).view(1, 20, 20, 2)[:, 3:-3, 3:-3].reshape(1, -1, 2), 0.01
    for axis in (0, 1):
        shift = torch.zeros(2)
        shift[axis] = step
        rise = sample(found.coefficients, points + shift) - sample(found.coefficients, points - shift)
        slope = sample_linear(found.fields, points)[:, axis]
        assert torch.allclose(rise / (2 * step), slope, atol=1e-3)
