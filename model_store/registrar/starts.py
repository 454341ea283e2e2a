"""Where the refinement starts: an exhaustive coarse search, so that no start depends on the network alone.

For each bone and a fan of rotations, the normalised cross-correlation of the fixed bone (its mask only) with the
moving image over all shifts, by FFT (Padfield, "Masked object registration in the Fourier domain", IEEE TIP 21(5),
2012, for the case of a mask on the template).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model_store.registrar.refine import Level, Pair, refine, splines
from model_store.registrar.spline import sample_linear, smooth
from model_store.registrar.unknowns import ROTATION, SHIFT, UNKNOWNS, Settings

GRID_MM = 0.7
ROTATIONS_DEG = (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
REACH_MM = 6.0


def model_free_starts(pair: Pair, moving_centre: Tensor) -> list[Tensor]:
    """Unknowns (2 N, UNKNOWNS) that lay the joint centres on each other, and those of the exhaustive search.

    ``moving_centre``: (N, 2) joint centre (x, y) px in the moving image.
    """
    by_masks = pair.centre.new_zeros(pair.centre.shape[0], UNKNOWNS)
    by_masks[:, SHIFT] = moving_centre.repeat_interleave(2, 0) - pair.centre
    by_search = torch.zeros_like(by_masks)
    by_search[:, ROTATION], by_search[:, SHIFT] = correlation_starts(
        pair.fixed.repeat_interleave(2, 0),
        pair.moving.repeat_interleave(2, 0),
        pair.fixed_region,
        pair.centre,
        pair.spacing_mm,
    )
    return [by_masks, by_search]


def best_start(
    pair: Pair, starts: list[Tensor], level: Level, settings: Settings, rival_cost: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Refine from all ``starts``, each (2 N, UNKNOWNS), and take each bone's cheapest fit that has not left half of it.

    Returns the unknowns (2 N, UNKNOWNS), and how far along y the rivals lie whose cost is within ``rival_cost`` times
    the cheapest, px (2 N,).
    """
    images = splines(pair, level)
    fits = [refine(pair, start, level, settings, images) for start in starts]
    area = pair.fixed_region.sum((-2, -1)).clamp(min=1.0)
    costs = torch.stack([torch.where(fit.support > 0.5 * area, fit.cost, torch.inf) for fit in fits])
    unknowns = torch.stack([fit.unknowns for fit in fits])
    chosen = unknowns[costs.argmin(0), torch.arange(unknowns.shape[1], device=unknowns.device)]
    rival = costs <= rival_cost * costs.amin(0)
    apart = torch.where(rival, (unknowns[..., SHIFT] - chosen[:, SHIFT])[..., 1].abs(), 0.0).amax(0)
    return chosen, apart


def _coarse(images: Tensor, factor: float, size: tuple[int, int]) -> Tensor:
    """Smooth (M, H, W) and sample every ``factor`` pixels, giving (M, h, w)."""
    softened = smooth(images, 0.5 * factor)
    ys, xs = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    points = torch.stack([xs, ys], -1).view(1, -1, 2).to(images) * factor
    return sample_linear(softened[:, None], points.expand(images.shape[0], -1, -1)).view(-1, *size)


def _turned(images: Tensor, centre: Tensor, angle_rad: float) -> Tensor:
    """Turn (M, h, w) images clockwise by ``angle_rad`` about ``centre`` (M, 2)."""
    height, width = images.shape[-2:]
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([xs, ys], -1).view(1, -1, 2).to(images) - centre[:, None]
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    back = torch.tensor([[cos, sin], [-sin, cos]], dtype=images.dtype, device=images.device)
    return sample_linear(images[:, None], grid @ back.T + centre[:, None]).view(-1, height, width)


def _slide(kernel: Tensor, spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    """Correlation of (M, h, w) kernels with what ``spectrum`` is of, over all cyclic shifts of ``size``."""
    product = spectrum * torch.fft.rfft2(kernel, s=size).conj()
    shifted: Tensor = torch.fft.irfft2(product, s=size)
    return shifted


def correlation_starts(
    fixed: Tensor, moving: Tensor, fixed_region: Tensor, centre: Tensor, spacing_mm: float
) -> tuple[Tensor, Tensor]:
    """Best coarse rotation (M,) rad and shift (M, 2) px of each bone about its ``centre`` (M, 2).

    ``fixed, moving, fixed_region``: (M, H, W).
    """
    factor = max(1.0, GRID_MM / spacing_mm)
    size = (math.ceil(fixed.shape[-2] / factor), math.ceil(fixed.shape[-1] / factor))
    template, mask = _coarse(fixed, factor, size), _coarse(fixed_region, factor, size)
    scene = _coarse(moving, factor, size)
    scene = scene - scene.mean((-2, -1), keepdim=True)
    padded = (2 * size[0], 2 * size[1])
    scene_f = torch.fft.rfft2(scene, s=padded)
    square_f = torch.fft.rfft2(scene**2, s=padded)
    inside_f = torch.fft.rfft2(torch.ones_like(scene), s=padded)
    reach = max(1, round(REACH_MM / (spacing_mm * factor)))
    best = torch.full((fixed.shape[0],), -torch.inf, device=fixed.device)
    rotation = torch.zeros_like(best)
    shift = torch.zeros(fixed.shape[0], 2, device=fixed.device)
    for angle_deg in ROTATIONS_DEG:
        angle = math.radians(angle_deg)
        weight = _turned(mask, centre / factor, angle).clamp(min=0)
        image = _turned(template, centre / factor, angle)
        total = weight.sum((-2, -1), keepdim=True).clamp(min=1e-6)
        image = (image - (image * weight).sum((-2, -1), keepdim=True) / total) * weight
        power = (image**2 / weight.clamp(min=1e-6)).sum((-2, -1), keepdim=True).clamp(min=1e-9)
        seen = _slide(weight, inside_f, padded).clamp(min=1e-6)
        mean = _slide(weight, scene_f, padded) / seen
        variance = (_slide(weight, square_f, padded) / seen - mean**2).clamp(min=1e-6)
        score = _slide(image, scene_f, padded) / torch.sqrt(power * variance * total)
        score = torch.where(seen > 0.6 * total, score, -1.0)
        window = torch.cat([score[:, -reach:], score[:, : reach + 1]], 1)
        window = torch.cat([window[..., -reach:], window[..., : reach + 1]], 2)
        peak, index = window.flatten(1).max(1)
        side = 2 * reach + 1
        found = torch.stack([index % side - reach, index // side - reach], -1).float() * factor
        better = peak > best
        best = torch.where(better, peak, best)
        rotation = torch.where(better, torch.full_like(rotation, angle), rotation)
        shift = torch.where(better[:, None], found, shift)
    return rotation, shift
