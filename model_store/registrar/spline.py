"""Cubic B-spline interpolation of image batches at scattered points, with exact spatial derivatives.

Images are (N, H, W); points (N, P, 2) are (x, y) in pixels, pixel centres at integers. Outside the image its edge
is mirrored. Unser, "Splines: a perfect fit for signal and image processing", IEEE SPM 16(6), 1999.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def gaussian_smooth(images: Tensor, sigma_px: float) -> Tensor:
    """Smooth (N, H, W) images with a Gaussian of standard deviation ``sigma_px``, mirroring the edges."""
    if sigma_px <= 0:
        return images
    reach = min(max(1, math.ceil(4 * sigma_px)), min(images.shape[-2:]) - 1)
    taps = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (taps / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = torch.nn.functional.pad(images[:, None], (reach, reach, reach, reach), mode="reflect")
    rows = torch.nn.functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return torch.nn.functional.conv2d(rows, kernel.view(1, 1, -1, 1))[:, 0]


def spline_coefficients(images: Tensor, smoothing_px: float = 0.0) -> Tensor:
    """Coefficients (N, H, W) of the cubic B-spline that passes through every pixel of ``images`` (N, H, W).

    Each axis is mirrored about its first and last pixel and divided by the B-spline's frequency response
    (4 + 2 cos w) / 6, which inverts the sampled kernel exactly; a Gaussian of standard deviation ``smoothing_px``
    smooths the image on the way.
    """
    for axis in (-2, -1):
        n = images.shape[axis]
        mirrored = torch.cat([images, images.narrow(axis, 1, n - 2).flip(axis)], dim=axis)
        length = mirrored.shape[axis]
        frequency = (
            2 * math.pi * torch.arange(length // 2 + 1, dtype=images.dtype, device=images.device) / length
        )
        response = (4 + 2 * torch.cos(frequency)) / 6
        response = response / torch.exp(-0.5 * (smoothing_px * frequency) ** 2).clamp(min=1e-9)
        spectrum = torch.fft.rfft(mirrored, dim=axis)
        spectrum = spectrum / (response.view(-1, 1) if axis == -2 else response)
        images = torch.fft.irfft(spectrum, n=length, dim=axis).narrow(axis, 0, n)
    return images.contiguous()


def _weights(fraction: Tensor) -> tuple[Tensor, Tensor]:
    """Cubic B-spline weights (..., 4) and their derivatives at ``fraction`` in [0, 1)."""
    u = fraction
    v = 1 - u
    value = torch.stack([v**3, 3 * u**3 - 6 * u**2 + 4, 3 * v**3 - 6 * v**2 + 4, u**3], dim=-1) / 6
    slope = torch.stack([-(v**2), 3 * u**2 - 4 * u, -3 * v**2 + 4 * v, u**2], dim=-1) / 2
    return value, slope


def _taps(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Indices (..., 4) of the taps around ``position`` along an axis of ``length``, mirrored, and the fraction."""
    base = torch.floor(position)
    index = base.long()[..., None] + torch.arange(-1, 3, device=position.device)
    period = 2 * (length - 1)
    index = torch.remainder(index, period)
    return torch.where(index >= length, period - index, index), position - base


def sample(coefficients: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value, d/dx and d/dy, each (N, P), of the splines ``coefficients`` (N, H, W) at ``points`` (N, P, 2)."""
    n, height, width = coefficients.shape
    column, fraction_x = _taps(points[..., 0], width)
    row, fraction_y = _taps(points[..., 1], height)
    weight_x, slope_x = _weights(fraction_x)
    weight_y, slope_y = _weights(fraction_y)
    index = (row[..., :, None] * width + column[..., None, :]).flatten(1)
    patch = torch.gather(coefficients.flatten(1), 1, index).view(n, -1, 4, 4)
    along_x = (patch * weight_x[..., None, :]).sum(-1)
    value = (along_x * weight_y).sum(-1)
    d_dy = (along_x * slope_y).sum(-1)
    d_dx = ((patch * slope_x[..., None, :]).sum(-1) * weight_y).sum(-1)
    return value, d_dx, d_dy


def sample_linear(images: Tensor, points: Tensor) -> Tensor:
    """Bilinear samples (N, P) of (N, H, W) images, zero outside: for masks and weights."""
    height, width = images.shape[-2:]
    scale = torch.tensor([2 / (width - 1), 2 / (height - 1)], dtype=points.dtype, device=points.device)
    grid = (points * scale - 1)[:, None]
    return torch.nn.functional.grid_sample(images[:, None], grid, padding_mode="zeros", align_corners=True)[
        :, 0, 0
    ]
