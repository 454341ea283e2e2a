"""Cubic B-spline interpolation of image batches at scattered points, with their slopes.

Images are (N, H, W); points (N, P, 2) are (x, y) in pixels, pixel centres at integers. Outside the image its edge
is mirrored. Unser, "Splines: a perfect fit for signal and image processing", IEEE SPM 16(6), 1999.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


@dataclass(frozen=True)
class Surface:
    """A batch of images as cubic B-splines: ``coefficients`` (N, 1, H, W), and ``fields`` (N, 2 + B + D, H, W) at the
    pixels: the exact d/dx and d/dy, and what B bends of the tone curve and D unsharp masks would add."""

    coefficients: Tensor
    fields: Tensor


def surface(
    images: Tensor, smoothing_px: float = 0.0, bends: Sequence[float] = (), details_px: Sequence[float] = ()
) -> Surface:
    """Splines through ``images`` (N, H, W), smoothed by a Gaussian of standard deviation ``smoothing_px``.

    ``bends``: tones at which the tone curve bends, before the smoothing, for so did the machine's, and on an edge the
    two do not commute; ``details_px``: standard deviations of the unsharp masks' Gaussians.
    """
    rows, columns = (_operators(images.shape[axis], smoothing_px, images.device) for axis in (-2, -1))
    down = [operator @ images for operator in rows]
    coefficients = down[0] @ columns[0].T
    fields = [down[1] @ columns[2].T, down[2] @ columns[1].T]
    fields += [rows[1] @ bent(images, tone) @ columns[1].T for tone in bends]
    if details_px:
        values = down[1] @ columns[1].T
        fields += [values - smooth(images, math.hypot(smoothing_px, width)) for width in details_px]
    return Surface(coefficients[:, None], torch.stack(fields, dim=1))


def bent(images: Tensor, tone: float) -> Tensor:
    """What a unit bend of the tone curve at ``tone`` adds to ``images``: a hyperbola, so that far tones stay in hand,
    without value or slope at 0, which offset and gain have."""
    at_zero = math.hypot(tone, 1.0)
    return torch.sqrt((images - tone) ** 2 + 1.0) - at_zero + images * (tone / at_zero)


def smooth(images: Tensor, sigma_px: float) -> Tensor:
    """Smooth (N, H, W) images with a Gaussian of standard deviation ``sigma_px``, mirroring the edges."""
    rows, columns = (_operators(images.shape[axis], sigma_px, images.device)[1] for axis in (-2, -1))
    return rows @ images @ columns.T


@lru_cache(maxsize=64)
def _operators(length: int, smoothing_px: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices (length, length) from the pixels of one axis to its spline's coefficients, values and slopes.

    The axis is mirrored about its first and last pixel; the spline's sampled kernel has the frequency response
    (4 + 2 cos w) / 6, which is divided out exactly.
    """
    period = 2 * (length - 1)
    frequency = 2 * math.pi * torch.arange(period // 2 + 1, dtype=torch.float64) / period
    pixels = torch.eye(length, dtype=torch.float64)
    spectrum = torch.fft.rfft(torch.cat([pixels, pixels[:, 1:-1].flip(1)], dim=1))
    gaussian = torch.exp(-0.5 * (smoothing_px * frequency) ** 2)
    response = (4 + 2 * torch.cos(frequency)) / 6
    filters = (gaussian / response, gaussian, 1j * torch.sin(frequency) * gaussian / response)
    coefficients, values, slopes = (
        torch.fft.irfft(spectrum * factor, n=period)[:, :length].T.contiguous().float().to(device)
        for factor in filters
    )
    return coefficients, values, slopes


def _pairs_of_taps(position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where two linear look-ups stand for the four taps of the cubic B-spline at ``position``, and the weight of the
    first (Sigg & Hadwiger, GPU Gems 2, chapter 20, 2005)."""
    base = torch.floor(position)
    u = position - base
    u2 = u * u
    first = (((2 * u - 3) * u - 3) * u + 5) / 6
    return base - 1 + ((3 * u - 6) * u2 + 4) / (6 * first), base + 1 + u2 * u / (6 - 6 * first), first


def sample(coefficients: Tensor, points: Tensor) -> Tensor:
    """Values (N, P) of the splines ``coefficients`` (N, 1, H, W) at ``points`` (N, P, 2)."""
    height, width = coefficients.shape[-2:]
    left, right, weight_x = _pairs_of_taps(points[..., 0])
    above, below, weight_y = _pairs_of_taps(points[..., 1])
    left, right = left * (2 / (width - 1)) - 1, right * (2 / (width - 1)) - 1
    above, below = above * (2 / (height - 1)) - 1, below * (2 / (height - 1)) - 1

    def look_up(x: Tensor, y: Tensor) -> Tensor:
        grid = torch.stack([x, y], -1)[:, None]
        return grid_sample(coefficients, grid, padding_mode="reflection", align_corners=True)[:, 0, 0]

    upper = torch.lerp(look_up(right, above), look_up(left, above), weight_x)
    lower = torch.lerp(look_up(right, below), look_up(left, below), weight_x)
    return torch.lerp(lower, upper, weight_y)


def sample_linear(images: Tensor, points: Tensor, padding: str = "zeros") -> Tensor:
    """Bilinear samples (N, C, P) of (N, C, H, W) images: for masks, weights and fields."""
    height, width = images.shape[-2:]
    scale = torch.tensor([2 / (width - 1), 2 / (height - 1)], dtype=points.dtype, device=points.device)
    grid = (points * scale - 1)[:, None]
    return grid_sample(images, grid, padding_mode=padding, align_corners=True)[:, :, 0]
