"""The spline that every measured displacement rests on."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model_store.registrar.spline import sample, spline_coefficients


def test_the_spline_passes_through_every_pixel() -> None:
    images = torch.rand(2, 19, 24, dtype=torch.float64)
    ys, xs = torch.meshgrid(torch.arange(19.0), torch.arange(24.0), indexing="ij")
    points = torch.stack([xs, ys], -1).view(1, -1, 2).double().expand(2, -1, -1)
    value, _, _ = sample(spline_coefficients(images), points)
    assert torch.allclose(value.view(2, 19, 24), images, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), height=st.integers(16, 40), width=st.integers(16, 40))
def test_samples_between_pixels_equal_those_of_scipy(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(height, width))
    points = rng.uniform(-3, max(height, width) + 3, size=(50, 2))
    expected = ndimage.map_coordinates(image, [points[:, 1], points[:, 0]], order=3, mode="mirror")
    value, _, _ = sample(spline_coefficients(torch.tensor(image)[None]), torch.tensor(points)[None])
    np.testing.assert_allclose(value[0].numpy(), expected, atol=1e-9)


def test_derivatives_agree_with_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    coefficients = spline_coefficients(torch.rand(1, 20, 20, generator=generator, dtype=torch.float64))
    points = 2 + 15 * torch.rand(1, 40, 2, generator=generator, dtype=torch.float64)
    _, d_dx, d_dy = sample(coefficients, points)
    step = 1e-6
    for axis, slope in ((0, d_dx), (1, d_dy)):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[axis] = step
        ahead, behind = sample(coefficients, points + shift)[0], sample(coefficients, points - shift)[0]
        assert torch.allclose((ahead - behind) / (2 * step), slope, atol=1e-6)
