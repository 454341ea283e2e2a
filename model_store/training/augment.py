"""What happens to radiographs between the patient and the file, as random batch operations in torch.

Images are (N, C, H, W) float32. Every random number comes from the generator that is passed in.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional


def uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    """(N,) uniform numbers."""
    return low + (high - low) * torch.rand(count, generator=generator)


def normal(count: int, deviation: float, generator: Generator) -> Tensor:
    """(N,) normal numbers about zero."""
    return deviation * torch.randn(count, generator=generator)


def sometimes(count: int, probability: float, generator: Generator) -> Tensor:
    """(N,) float: 1 with the probability, else 0."""
    return (torch.rand(count, generator=generator) < probability).float()


def affine(
    angle_deg: Tensor, scale: Tensor, centre_in: Tensor, centre_out: Tensor, mirrored: Tensor | None = None
) -> Tensor:
    """Matrices (N, 2, 3) from result to source pixels: about their centres, source = scale * turn(angle) * mirror.

    Args:
        angle_deg: (N,) clockwise turn of the result's axes in the source.
        scale: (N,) or (N, 2) source pixels per result pixel (along the result's x and y).
        centre_in, centre_out: (N, 2) or (2,), (x, y) of the point that is taken to ``centre_out``.
        mirrored: (N,) 1 where the result is mirrored left to right.
    """
    angle = torch.deg2rad(angle_deg)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    step = scale if scale.ndim == 2 else scale[:, None].expand(-1, 2)
    if mirrored is not None:
        step = torch.stack([step[:, 0] * (1 - 2 * mirrored), step[:, 1]], -1)
    linear = turn * step[:, None, :]
    offset = (
        centre_in.expand(len(linear), 2) - (linear @ centre_out.expand(len(linear), 2)[..., None])[..., 0]
    )
    return torch.cat([linear, offset[..., None]], dim=-1)


def compose(outer: Tensor, inner: Tensor) -> Tensor:
    """The matrix (N, 2, 3) of first ``inner``, then ``outer``."""
    linear = outer[..., :2] @ inner[..., :2]
    return torch.cat([linear, outer[..., :2] @ inner[..., 2:] + outer[..., 2:]], dim=-1)


def transform(matrix: Tensor, points: Tensor) -> Tensor:
    """Points (N, K, 2) mapped by (N, 2, 3)."""
    return points @ matrix[..., :2].transpose(-1, -2) + matrix[..., 2][:, None]


def inverse(matrix: Tensor) -> Tensor:
    """The matrix (N, 2, 3) of the way back."""
    linear = torch.linalg.inv(matrix[..., :2])
    return torch.cat([linear, -linear @ matrix[..., 2:]], dim=-1)


def warp(image: Tensor, matrix: Tensor, shape: tuple[int, int], padding: str = "zeros") -> Tensor:
    """Sample (N, C, H, W) bilinearly on a new grid; ``matrix`` (N, 2, 3) maps pixels of the result to the image's."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(shape[0]), torch.arange(shape[1]), indexing="ij")
    grid = torch.stack([x, y], dim=-1).float().reshape(1, -1, 2)
    where = transform(matrix, grid.expand(len(image), -1, -1)).reshape(-1, *shape, 2)
    where = (2 * where + 1) / torch.tensor([width, height]) - 1
    return functional.grid_sample(image, where, mode="bilinear", padding_mode=padding, align_corners=False)


def filtered(image: Tensor, gain: Tensor) -> Tensor:
    """Filter periodically with a real gain (N or 1, 1, H, W // 2 + 1) in frequency."""
    return torch.fft.irfft2(torch.fft.rfft2(image) * gain, s=image.shape[-2:])


def frequencies(height: int, width: int) -> Tensor:
    """Squared spatial frequency (1, 1, H, W // 2 + 1), cycles per pixel."""
    return (torch.fft.fftfreq(height)[:, None] ** 2 + torch.fft.rfftfreq(width)[None] ** 2)[None, None]


def blur(image: Tensor, sigma_px: Tensor) -> Tensor:
    """Gaussian blur with one sigma for each image (N,); edges reflected."""
    pad = min(math.ceil(3 * float(sigma_px.max())) + 1, min(image.shape[-2:]) // 4)
    padded = functional.pad(image, (pad,) * 4, mode="reflect")
    gain = torch.exp(-2 * (math.pi * sigma_px[:, None, None, None]) ** 2 * frequencies(*padded.shape[-2:]))
    return filtered(padded, gain)[..., pad:-pad, pad:-pad]


def blur_widely(image: Tensor, sigma_px: Tensor) -> Tensor:
    """Gaussian blur by 4 pixels or more, on a quarter of the resolution."""
    small = functional.avg_pool2d(image, 4)
    return functional.interpolate(blur(small, sigma_px / 4), size=image.shape[-2:], mode="bilinear")


def band_noise(
    count: int, shape: tuple[int, int], period_px: Tensor, generator: Generator, elongation: float = 1.0
) -> Tensor:
    """(N, 1, H, W) noise of about one octave around a period (N,), zero mean, unit standard deviation.

    elongation: how much longer than wide its grains are, upright.
    """
    noise = torch.randn(count, 1, *shape, generator=generator)
    squared = (torch.fft.fftfreq(shape[0])[:, None] * elongation) ** 2 + torch.fft.rfftfreq(shape[1])[
        None
    ] ** 2
    octave = torch.log(squared[None, None].clamp_min(1e-8).sqrt() * period_px[:, None, None, None])
    noise = filtered(noise, torch.exp(-0.5 * (octave / 0.5) ** 2))
    return noise / noise.std(dim=(-2, -1), keepdim=True).clamp_min(1e-6)


def unit_range(image: Tensor) -> Tensor:
    """Each image to 0..1 between its darkest and brightest pixel."""
    low, high = image.amin(dim=(-2, -1), keepdim=True), image.amax(dim=(-2, -1), keepdim=True)
    return (image - low) / (high - low).clamp_min(1e-6)


def tone(image: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """A display curve: gamma, then an S-curve or its reverse, as viewing stations and film have; 0..1 to 0..1."""
    count = len(image)
    gamma = torch.exp(normal(count, 0.35 * strength, generator))[:, None, None, None]
    shaped = image.clamp(0, 1) ** gamma
    steep = uniform(count, 0.5, 5.0, generator)[:, None, None, None] * strength
    middle = uniform(count, 0.35, 0.65, generator)[:, None, None, None]
    low, high = torch.sigmoid(-steep * middle), torch.sigmoid(steep * (1 - middle))
    curved = (torch.sigmoid(steep * (shaped - middle)) - low) / (high - low)
    chosen = sometimes(count, 0.5, generator)[:, None, None, None]
    return torch.lerp(shaped, curved, chosen)


def sharpened(image: Tensor, generator: Generator, sigma_px: tuple[float, float], amount: float) -> Tensor:
    """Unsharp masking: fine for edge enhancement, wide for the flat look of multi-scale processing."""
    count = len(image)
    sigma = uniform(count, *sigma_px, generator)
    gain = uniform(count, 0.0, amount, generator) * sometimes(count, 0.6, generator)
    smooth = blur_widely(image, sigma) if sigma_px[0] >= 4 else blur(image, sigma)
    return image + gain[:, None, None, None] * (image - smooth)


def noisy(image: Tensor, generator: Generator, white: float, grain: float) -> Tensor:
    """Quantum and detector noise, in units of the image's range: white, and grain of 2 to 5 pixels."""
    count, _, height, width = image.shape
    fine = uniform(count, 0.0, white, generator) * sometimes(count, 0.8, generator)
    coarse = uniform(count, 0.0, grain, generator) * sometimes(count, 0.6, generator)
    speckle = band_noise(count, (height, width), uniform(count, 2.0, 5.0, generator), generator)
    white_noise = torch.randn(image.shape, generator=generator)
    return image + fine[:, None, None, None] * white_noise + coarse[:, None, None, None] * speckle


def rectangles(
    shape: tuple[int, int], centre: Tensor, half: Tensor, angle_deg: Tensor, edge_px: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Soft masks (N, 1, H, W) of turned rectangles: (filled, outline of about 2 edge widths).

    Args:
        centre: (N, 2), (x, y); half: (N, 2) half-sides; angle_deg: (N,), all in pixels.
    """
    y, x = torch.meshgrid(torch.arange(shape[0]), torch.arange(shape[1]), indexing="ij")
    offset = torch.stack([x, y], -1).float()[None] - centre[:, None, None]
    angle = torch.deg2rad(angle_deg)[:, None, None]
    along = offset[..., 0] * torch.cos(angle) + offset[..., 1] * torch.sin(angle)
    across = -offset[..., 0] * torch.sin(angle) + offset[..., 1] * torch.cos(angle)
    outside = torch.maximum(along.abs() - half[:, 0, None, None], across.abs() - half[:, 1, None, None])[
        :, None
    ]
    return (0.5 - outside / (4 * edge_px)).clamp(0, 1), (1 - (outside / (2 * edge_px)).abs()).clamp_min(0)
