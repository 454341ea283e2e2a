"""Batched Gauss-Newton refinement of the rigid motion of each bone.

Both images are warped half-way towards each other, so that neither is blurred more than the other, noise biases
neither scale nor shift, and exchanging the images exactly inverts the result (Avants et al., "Symmetric diffeomorphic
image registration", MedIA 12(1), 2008; Malis, "Improving vision-based control using efficient second-order
minimization", ICRA 2004, for the averaged gradient). The objective is the masked squared difference of Wang et al.
2023, section 3.2, with a gain, a planar offset and a curved tone curve solved for, robustly weighted, both bones solved
together under a prior that ties their scales: a free scale trades against dy over the lever arm.

Items are bones: item 2 n is the upper bone of joint n, item 2 n + 1 its lower bone. A bone's unknowns are
(log scale, rotation rad, tx px, ty px, log gain, offset, offset slope x, offset slope y, tone curvature). Its half-way
frame has its origin at the joint centre ``c``; with S = exp(log scale) R(rotation) a half-way point x lies at
c + S^-1/2 x - t/2 in the fixed image and at c + S^1/2 x + t/2 in the moving image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model_store.registrar.spline import sample, sample_linear, spline_coefficients

UNKNOWNS = 9


@dataclass(frozen=True)
class Level:
    """One scale of the coarse-to-fine search: smoothing and lattice step in mm, and its iterations."""

    smoothing_mm: float
    step_mm: float
    iterations: int
    robust: bool


COARSE = Level(smoothing_mm=0.6, step_mm=0.55, iterations=10, robust=False)
MIDDLE = Level(smoothing_mm=0.3, step_mm=0.3, iterations=6, robust=True)
FINE = Level(smoothing_mm=0.12, step_mm=0.0, iterations=8, robust=True)


@dataclass(frozen=True)
class Settings:
    """What the objective believes about the world (all standard deviations of Gaussian priors).

    ``shared_scale``: magnification common to both bones between two films (a few mm of height above the
    detector in about 1 m); ``own_scale``: what a single bone may add; ``rotation_rad``: keeps featureless bones
    from spinning. ``correlation_px``: pixels over which residuals depend on each other, which weighs data against
    priors; ``huber``: robust standard deviations beyond which a residual counts less; ``block_mm``: see ``_sandwich``.
    """

    shared_scale: float = 0.01
    own_scale: float = 0.001
    rotation_rad: float = 0.3
    correlation_px: float = 12.0
    huber: float = 2.0
    block_mm: float = 1.4


@dataclass(frozen=True)
class Pair:
    """A batch of N joints ready for refinement.

    ``fixed, moving``: (N, H, W); ``fixed_region, moving_region``: (2 N, H, W), soft weights in [0, 1] of each bone
    without what the other bone covers; ``centre``: (2 N, 2) joint centre (x, y) px; ``spacing_mm``: one number.
    """

    fixed: Tensor
    moving: Tensor
    fixed_region: Tensor
    moving_region: Tensor
    centre: Tensor
    spacing_mm: float


@dataclass(frozen=True)
class Fit:
    """State of the refinement: ``unknowns`` (2 N, 9), ``cost`` (2 N,) = weighted residual variance over signal
    variance, ``covariance`` (N, 18, 18) of the joint's unknowns, ``support`` (2 N,) pixels that carried weight,
    ``step_px`` (2 N,) size of the last update."""

    unknowns: Tensor
    cost: Tensor
    covariance: Tensor
    support: Tensor
    step_px: Tensor


def _half_similarity(unknowns: Tensor, sign: float) -> Tensor:
    """Matrices (M, 2, 2) of S^(sign/2)."""
    half_scale = torch.exp(0.5 * sign * unknowns[:, 0])
    half_angle = 0.5 * sign * unknowns[:, 1]
    cos, sin = half_scale * torch.cos(half_angle), half_scale * torch.sin(half_angle)
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def half_way_points(unknowns: Tensor, offsets: Tensor, centre: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """Where half-way ``offsets`` (M, P, 2) lie in the fixed (sign -1) or moving (sign +1) image, and S^(sign/2) x."""
    turned = offsets @ _half_similarity(unknowns, sign).transpose(-1, -2)
    shift = 0.5 * sign * unknowns[:, None, 2:4]
    return turned + shift + centre[:, None], turned


def displacement_px(unknowns: Tensor) -> Tensor:
    """Displacement (M, 2) from fixed to moving of the bone's point at the joint centre of the fixed image."""
    whole = _half_similarity(unknowns, 2.0)
    half = 0.5 * unknowns[:, 2:4]
    return (whole @ half[..., None])[..., 0] + half


def _lattice(pair: Pair, unknowns: Tensor, step_px: int) -> tuple[Tensor, Tensor]:
    """Half-way lattice offsets (M, P, 2) where the bone is seen in both images, and validity (M, P)."""
    height, width = pair.fixed.shape[-2:]
    ys, xs = torch.meshgrid(
        torch.arange(0, height, step_px, dtype=torch.float32, device=pair.fixed.device),
        torch.arange(0, width, step_px, dtype=torch.float32, device=pair.fixed.device),
        indexing="ij",
    )
    offsets = torch.stack([xs, ys], -1).view(1, -1, 2) - torch.round(pair.centre)[:, None]
    seen = _region_weight(pair, unknowns, offsets) > 0.02
    count = int(seen.sum(1).max().clamp(min=1))
    order = torch.argsort(seen.to(torch.int8), dim=1, descending=True, stable=True)[:, :count]
    picked = torch.gather(offsets, 1, order[..., None].expand(-1, -1, 2))
    return picked, torch.gather(seen, 1, order)


def _region_weight(pair: Pair, unknowns: Tensor, offsets: Tensor) -> Tensor:
    """Weight (M, P) of half-way points: how surely both images show this bone, and it alone."""
    in_fixed, _ = half_way_points(unknowns, offsets, pair.centre, -1.0)
    in_moving, _ = half_way_points(unknowns, offsets, pair.centre, 1.0)
    return sample_linear(pair.fixed_region, in_fixed) * sample_linear(pair.moving_region, in_moving)


@dataclass(frozen=True)
class _Linearised:
    jacobian: Tensor  # (M, P, 9)
    residual: Tensor  # (M, P)
    signal: Tensor  # (M, P) mean of both images, for the normalised cost


def _linearise(
    fixed: Tensor, moving: Tensor, centre: Tensor, unknowns: Tensor, offsets: Tensor, reach_px: float
) -> _Linearised:
    """Residual of the half-way images and its derivatives; ``fixed, moving`` are spline coefficients."""
    at_fixed, turned_fixed = half_way_points(unknowns, offsets, centre, -1.0)
    at_moving, turned_moving = half_way_points(unknowns, offsets, centre, 1.0)
    f, fx, fy = sample(fixed, at_fixed)
    g, gx, gy = sample(moving, at_moving)
    root_gain = torch.exp(0.5 * unknowns[:, 4:5])
    f, fx, fy = f * root_gain, fx * root_gain, fy * root_gain
    g, gx, gy = g / root_gain, gx / root_gain, gy / root_gain
    plane_x, plane_y = offsets[..., 0] / reach_px, offsets[..., 1] / reach_px
    tone = (0.5 * (f + g)) ** 2 - 1.0
    residual = g - f - unknowns[:, 5:6] - unknowns[:, 6:7] * plane_x - unknowns[:, 7:8] * plane_y
    residual = residual - unknowns[:, 8:9] * tone
    radial = gx * turned_moving[..., 0] + gy * turned_moving[..., 1]
    radial = radial + fx * turned_fixed[..., 0] + fy * turned_fixed[..., 1]
    around = gy * turned_moving[..., 0] - gx * turned_moving[..., 1]
    around = around + fy * turned_fixed[..., 0] - fx * turned_fixed[..., 1]
    jacobian = torch.stack(
        [
            0.5 * radial,
            0.5 * around,
            0.5 * (fx + gx),
            0.5 * (fy + gy),
            -0.5 * (f + g),
            -torch.ones_like(f),
            -plane_x,
            -plane_y,
            -tone,
        ],
        dim=-1,
    )
    return _Linearised(jacobian, residual, 0.5 * (f + g))


def _huber_weight(residual: Tensor, weight: Tensor, k: float) -> Tensor:
    """Down-weight residuals beyond ``k`` robust standard deviations (Huber 1964); weights of zero do not count."""
    magnitude = torch.where(weight > 0.5, residual.abs(), torch.nan)
    scale = torch.nanmedian(magnitude, dim=1, keepdim=True).values / 0.6745
    scale = torch.nan_to_num(scale, nan=1.0).clamp(min=1e-6)
    return (k * scale / residual.abs().clamp(min=1e-9)).clamp(max=1.0)


def _prior_precision(settings: Settings, device: torch.device) -> Tensor:
    """Precision (18, 18) of the prior on both bones' unknowns."""
    shared, own = settings.shared_scale**2, settings.own_scale**2
    scales = torch.tensor(
        [[shared + own, shared], [shared, shared + own]], dtype=torch.float64, device=device
    )
    precision = torch.zeros(2 * UNKNOWNS, 2 * UNKNOWNS, dtype=torch.float64, device=device)
    index = torch.tensor([0, UNKNOWNS], device=device)
    precision[index[:, None], index[None, :]] = torch.linalg.inv(scales)
    precision[index + 1, index + 1] = settings.rotation_rad**-2
    return precision


def _both_bones(matrices: Tensor) -> Tensor:
    """Block-diagonal (N, 18, 18) from per-bone (2 N, 9, 9)."""
    n = matrices.shape[0] // 2
    whole = matrices.new_zeros(n, 2 * UNKNOWNS, 2 * UNKNOWNS)
    whole[:, :UNKNOWNS, :UNKNOWNS] = matrices[0::2]
    whole[:, UNKNOWNS:, UNKNOWNS:] = matrices[1::2]
    return whole


def splines(pair: Pair, level: Level) -> tuple[Tensor, Tensor]:
    """Spline coefficients (2 N, H, W) of the fixed and the moving image, smoothed as the level wants them."""
    sigma_px = level.smoothing_mm / pair.spacing_mm
    fixed, moving = spline_coefficients(torch.cat([pair.fixed, pair.moving]), sigma_px).chunk(2)
    return fixed.repeat_interleave(2, 0), moving.repeat_interleave(2, 0)


def refine(
    pair: Pair,
    unknowns: Tensor,
    level: Level,
    settings: Settings,
    images: tuple[Tensor, Tensor] | None = None,
) -> Fit:
    """Run one level of the refinement from ``unknowns`` (2 N, 9); ``images``: the level's ``splines``, if at hand."""
    sigma_px = level.smoothing_mm / pair.spacing_mm
    step_px = max(1, round(level.step_mm / pair.spacing_mm))
    reach_px = 5.0 / pair.spacing_mm
    fixed, moving = images or splines(pair, level)
    offsets, valid = _lattice(pair, unknowns, step_px)
    precision = _prior_precision(settings, fixed.device)
    correlation = max(1.0, settings.correlation_px / step_px**2)
    limit_px = max(1.0, 2.0 * sigma_px)
    step_size = unknowns.new_zeros(unknowns.shape[0])
    for _ in range(level.iterations):
        weight, linear, normal, gradient, variance = _normal_equations(
            pair, fixed, moving, unknowns, offsets, valid, reach_px, level.robust, settings
        )
        data_weight = 1.0 / (variance * correlation)
        matrix = _both_bones(normal * data_weight[:, None, None]) + precision
        pull = (gradient * data_weight[:, None]).view(-1, 2 * UNKNOWNS)
        state = unknowns.double().view(-1, 2 * UNKNOWNS)
        update = -torch.linalg.solve(matrix, pull + (precision @ state[..., None])[..., 0])
        update = update.reshape(-1, UNKNOWNS)
        length = update[:, 2:4].norm(dim=1)
        update = update * (limit_px / length.clamp(min=limit_px))[:, None]
        unknowns = (unknowns.double() + update).float()
        step_size = length.float()
        if float(step_size.max()) < 2e-4:
            break
    weight, linear, normal, gradient, variance = _normal_equations(
        pair, fixed, moving, unknowns, offsets, valid, reach_px, level.robust, settings
    )
    covariance = _sandwich(pair, offsets, weight, linear, normal, variance * correlation, precision, settings)
    total = weight.sum(1).clamp(min=1e-6)
    mean = (weight * linear.signal).sum(1) / total
    signal = (weight * (linear.signal - mean[:, None]) ** 2).sum(1) / total
    spread = (weight * linear.residual**2).sum(1) / total
    support = (weight > 0.25).sum(1) * float(step_px**2)
    cost = torch.where(support > 0, spread / signal.clamp(min=1e-9), torch.inf)
    return Fit(unknowns, cost, covariance, support, step_size)


def _normal_equations(
    pair: Pair,
    fixed: Tensor,
    moving: Tensor,
    unknowns: Tensor,
    offsets: Tensor,
    valid: Tensor,
    reach_px: float,
    robust: bool,
    settings: Settings,
) -> tuple[Tensor, _Linearised, Tensor, Tensor, Tensor]:
    """Weights, linearisation, J^T W J (M, 9, 9), J^T W r (M, 9) and the residual variance (M,)."""
    weight = torch.where(valid, _region_weight(pair, unknowns, offsets), 0.0)
    linear = _linearise(fixed, moving, pair.centre, unknowns, offsets, reach_px)
    if robust:
        weight = weight * _huber_weight(linear.residual, weight, settings.huber)
    weighted = (linear.jacobian * weight[..., None]).double()
    normal = weighted.transpose(-1, -2) @ linear.jacobian.double()
    gradient = (weighted * linear.residual[..., None].double()).sum(1)
    total = weight.double().sum(1).clamp(min=1e-6)
    variance = (weight.double() * linear.residual.double() ** 2).sum(1) / total
    eye = torch.eye(UNKNOWNS, dtype=torch.float64, device=normal.device)
    return weight, linear, normal + 1e-6 * eye, gradient, variance.clamp(min=1e-8)


def _sandwich(
    pair: Pair,
    offsets: Tensor,
    weight: Tensor,
    linear: _Linearised,
    normal: Tensor,
    noise: Tensor,
    precision: Tensor,
    settings: Settings,
) -> Tensor:
    """Covariance (N, 18, 18) that allows for correlated residuals.

    Scores are summed over square blocks, within which residuals may correlate as they like, before their outer
    products are taken (cluster-robust covariance: Liang & Zeger, Biometrika 73(1), 1986).
    """
    block_px = settings.block_mm / pair.spacing_mm
    height, width = pair.fixed.shape[-2:]
    columns = int(2 * width / block_px) + 2
    cell = torch.floor((offsets + torch.tensor([width, height], device=offsets.device)) / block_px).long()
    index = cell[..., 1] * columns + cell[..., 0]
    cells = int(index.max()) + 1
    score = linear.jacobian * (weight * linear.residual)[..., None]
    sums = score.new_zeros(score.shape[0], cells, UNKNOWNS)
    sums.scatter_add_(1, index[..., None].expand(-1, -1, UNKNOWNS), score)
    sums = sums.double() / noise[:, None, None]
    meat = _both_bones(sums.transpose(-1, -2) @ sums) + precision
    bread = torch.linalg.inv(_both_bones(normal / noise[:, None, None]) + precision)
    covariance: Tensor = bread @ meat @ bread
    return covariance
