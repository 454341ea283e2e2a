"""Batched Gauss-Newton refinement of the rigid motion of each bone.

Both images are warped half-way towards each other, so that neither is blurred more than the other, noise biases
neither scale nor shift, and exchanging the images exactly inverts the result (Avants et al., "Symmetric diffeomorphic
image registration", MedIA 12(1), 2008; Malis, "Improving vision-based control using efficient second-order
minimization", ICRA 2004, for the averaged gradient). The objective is the masked squared difference of Wang et al.
2023, section 3.2, robustly weighted. What two films differ in besides motion is solved for along with it: gain,
planar offset, a curved tone curve, the other bone's halo (which moves with the other bone and would hold this one
back: 2 % of JSN on the phantom), how far the bone stands out against the soft tissue (less where the beam was harder,
which no gain of the whole image mends: 0.02 mm), and sharpness. Of each bone the ROI shows one end only, so an end
that one machine draws sharper than the other reads as a shift, of opposite sign in the two bones: 0.06 mm where a
film was sharpened. So does a tone curve that is taken of the smoothed film, for the machine bent the film itself:
0.03 mm between a straight film and a sigmoid one. Both bones are solved together under a prior that ties their scales
(a free scale trades against dy over the lever arm), tone curves and sharpness, which belong to the film.

Items are bones: item 2 n is the upper bone of joint n, item 2 n + 1 its lower bone; what is solved for each is in
``unknowns.py``. A bone's half-way frame has its origin at the joint centre ``c``; with S = exp(log scale) R(rotation) a
half-way point x lies at c + S^-1/2 x - t/2 in the fixed image and at c + S^1/2 x + t/2 in the moving image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model_store.registrar.spline import Surface, sample, sample_linear, surface
from model_store.registrar.unknowns import (
    BENDS,
    DETAIL_MM,
    FILM,
    HALO,
    LINEAR,
    LOG_GAIN,
    LOG_SCALE,
    OFFSET,
    ROTATION,
    SHIFT,
    SILHOUETTE,
    SLOPES,
    UNKNOWNS,
    Settings,
    both_bones,
    prior_precision,
    similarity,
)

#: Half the side of what a bone shows: where the slopes of the offset count in full.
REACH_MM = 5.0


@dataclass(frozen=True)
class Level:
    """One scale of the coarse-to-fine search: smoothing and lattice step in mm, its iterations for every joint, and
    how many more a joint may take that has not settled by then; ``sharpness``: whether films may differ in it.

    The lattice has the black squares of a chessboard whose squares are as wide as the step: smoothed images tell no
    more in twice as many points.
    """

    smoothing_mm: float
    step_mm: float
    iterations: int
    robust: bool
    more: int = 0
    sharpness: bool = True

    def step_px(self, spacing_mm: float) -> int:
        """Pixels between the lattice's points."""
        return max(1, round(self.step_mm / spacing_mm))

    def point_px(self, spacing_mm: float) -> float:
        """Pixels that one point of the lattice stands for."""
        return 2.0 * self.step_px(spacing_mm) ** 2


COARSE = Level(smoothing_mm=0.6, step_mm=0.55, iterations=5, robust=False, sharpness=False)
FINE = Level(smoothing_mm=0.12, step_mm=0.0, iterations=3, robust=True, more=20)
#: A step below this leaves less to go than could be measured.
SETTLED_PX = 0.02


@dataclass(frozen=True)
class Pair:
    """A batch of N joints ready for refinement.

    ``fixed, moving``: (N, H, W); ``fixed_region, moving_region``: (2 N, H, W), soft weights in [0, 1] of each bone
    without what the other bone covers; ``fixed_silhouettes, moving_silhouettes``: (2 N, 2, H, W), soft, of the bone
    itself and of the other; ``centre``: (2 N, 2) joint centre (x, y) px; ``spacing_mm``: one number.
    """

    fixed: Tensor
    moving: Tensor
    fixed_region: Tensor
    moving_region: Tensor
    fixed_silhouettes: Tensor
    moving_silhouettes: Tensor
    centre: Tensor
    spacing_mm: float

    def part(self, joints: Tensor) -> Pair:
        """The joints that ``joints`` (N,) bool picks."""
        bones = joints.repeat_interleave(2)
        return Pair(
            fixed=self.fixed[joints],
            moving=self.moving[joints],
            fixed_region=self.fixed_region[bones],
            moving_region=self.moving_region[bones],
            fixed_silhouettes=self.fixed_silhouettes[bones],
            moving_silhouettes=self.moving_silhouettes[bones],
            centre=self.centre[bones],
            spacing_mm=self.spacing_mm,
        )


@dataclass(frozen=True)
class Fit:
    """State of the refinement: ``unknowns`` (2 N, UNKNOWNS), ``cost`` (2 N,) = weighted residual variance over signal
    variance, ``film`` (2 N,) = variance of what the films' tone curves and sharpness explain over signal variance,
    ``covariance`` (N, 2 UNKNOWNS, 2 UNKNOWNS) of the joint's unknowns, ``support`` (2 N,) pixels that
    carried weight, ``step_px`` (2 N,) size of the last update."""

    unknowns: Tensor
    cost: Tensor
    film: Tensor
    covariance: Tensor
    support: Tensor
    step_px: Tensor


@dataclass(frozen=True)
class _Placed:
    """Half-way offsets x (M, P, 2) in one image: S^(+-1/2) x, and where that lies, px."""

    turned: Tensor
    points: Tensor


def _place(unknowns: Tensor, offsets: Tensor, centre: Tensor) -> tuple[_Placed, _Placed]:
    """The half-way ``offsets`` (M, P, 2) in the fixed and in the moving image."""
    placed = []
    x, y = offsets[..., 0], offsets[..., 1]
    for sign in (-1.0, 1.0):
        (xx, xy), (yx, yy) = similarity(unknowns, 0.5 * sign)[..., None].permute(1, 2, 0, 3)
        turned = torch.stack([xx * x + xy * y, yx * x + yy * y], -1)
        placed.append(_Placed(turned, turned + (0.5 * sign * unknowns[:, SHIFT] + centre)[:, None]))
    return placed[0], placed[1]


def _lattice(pair: Pair, unknowns: Tensor, step_px: int) -> tuple[Tensor, Tensor]:
    """Half-way lattice offsets (M, P, 2) where the bone is seen in both images, and validity (M, P)."""
    height, width = pair.fixed.shape[-2:]
    rows, columns = height // step_px, width // step_px
    ys, xs = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    black = torch.stack([xs, ys], -1)[(xs + ys) % 2 == 0].to(pair.fixed) * step_px
    offsets = black - torch.round(pair.centre)[:, None]
    seen = _region_weight(pair, *_place(unknowns, offsets.expand(len(unknowns), -1, -1), pair.centre)) > 0.02
    place = torch.cumsum(seen, 1)
    counts = place[:, -1]
    most = int(counts.max().clamp(min=1))
    bone, point = seen.nonzero(as_tuple=True)
    picked = offsets.new_zeros(len(seen), most, 2)
    picked[bone, place[bone, point] - 1] = offsets[bone, point]
    return picked, torch.arange(most, device=seen.device) < counts[:, None]


def _region_weight(pair: Pair, in_fixed: _Placed, in_moving: _Placed) -> Tensor:
    """Weight (M, P) of half-way points: how surely both images show this bone, and it alone."""
    seen_in_fixed = sample_linear(pair.fixed_region[:, None], in_fixed.points)
    return (seen_in_fixed * sample_linear(pair.moving_region[:, None], in_moving.points))[:, 0]


@dataclass(frozen=True)
class _Linearised:
    jacobian: Tensor  # (M, UNKNOWNS, P)
    residual: Tensor  # (M, P)
    signal: Tensor  # (M, P) mean of both images, for the normalised cost


def _linearise(
    fixed: Surface,
    moving: Surface,
    in_fixed: _Placed,
    in_moving: _Placed,
    unknowns: Tensor,
    plane: Tensor,
    halo: Tensor,
    silhouette: Tensor,
) -> _Linearised:
    """Residual of the half-way images and its derivatives; ``plane`` (M, 2, P): offsets over their reach; ``halo``
    (M, P): how much more of the other bone's halo the moving image has there; ``silhouette`` (M, P): of this bone."""
    root_gain = torch.exp(0.5 * unknowns[:, LOG_GAIN, None])
    f = sample(fixed.coefficients, in_fixed.points) * root_gain
    g = sample(moving.coefficients, in_moving.points) / root_gain
    half_f = sample_linear(fixed.fields, in_fixed.points, "border") * (0.5 * root_gain[..., None])
    half_g = sample_linear(moving.fields, in_moving.points, "border") * (0.5 / root_gain[..., None])
    mean = 0.5 * (f + g)
    jacobian = f.new_empty(f.shape[0], UNKNOWNS, f.shape[1])
    jacobian[:, LOG_SCALE] = _along(half_f, in_fixed.turned) + _along(half_g, in_moving.turned)
    jacobian[:, ROTATION] = _around(half_f, in_fixed.turned) + _around(half_g, in_moving.turned)
    jacobian[:, SHIFT] = half_f[:, :2] + half_g[:, :2]
    jacobian[:, LOG_GAIN] = -mean
    jacobian[:, OFFSET] = -1.0
    jacobian[:, SLOPES] = -plane
    jacobian[:, HALO] = -halo
    jacobian[:, SILHOUETTE] = 0.5 - silhouette
    film = half_f[:, 2:] + half_g[:, 2:]
    jacobian[:, FILM] = 0.0
    jacobian[:, FILM][:, : film.shape[1]] = -film
    residual = g - f + (unknowns[:, None, LINEAR] @ jacobian[:, LINEAR])[:, 0]
    return _Linearised(jacobian, residual, mean)


def _along(gradient: Tensor, offsets: Tensor) -> Tensor:
    """What growing by a factor e adds at ``offsets`` (M, P, 2), from the ``gradient`` (M, 2 or more, P)."""
    return gradient[:, 0] * offsets[..., 0] + gradient[:, 1] * offsets[..., 1]


def _around(gradient: Tensor, offsets: Tensor) -> Tensor:
    """What turning clockwise by one radian adds, as ``_along``."""
    return gradient[:, 1] * offsets[..., 0] - gradient[:, 0] * offsets[..., 1]


def _student_weight(residual: Tensor, weight: Tensor, freedom: float) -> Tensor:
    """Weight of residuals that follow Student's t with ``freedom`` degrees of freedom (Lange, Little & Taylor, JASA
    84(408), 1989) about a robust standard deviation; weights of zero do not count in that."""
    magnitude = torch.where(weight > 0.5, residual.abs(), torch.nan)[:, ::3]
    scale = torch.nanmedian(magnitude, dim=1, keepdim=True).values / 0.6745
    scale = torch.nan_to_num(scale, nan=1.0).clamp(min=1e-6)
    return freedom / (freedom + (residual / scale) ** 2)


def splines(pair: Pair, level: Level) -> tuple[Surface, Surface]:
    """The fixed and the moving image of each bone (2 N) as splines, smoothed as the level wants them."""
    details_px = [mm / pair.spacing_mm for mm in DETAIL_MM if level.sharpness]
    found = surface(
        torch.cat([pair.fixed, pair.moving]), level.smoothing_mm / pair.spacing_mm, BENDS, details_px
    )
    n = len(pair.fixed)
    of_fixed, of_moving = (
        Surface(found.coefficients[half].repeat_interleave(2, 0), found.fields[half].repeat_interleave(2, 0))
        for half in (slice(0, n), slice(n, None))
    )
    return of_fixed, of_moving


@dataclass(frozen=True)
class _Scene:
    """What stays while a level is refined. ``offsets``: (M, P, 2), the half-way lattice; ``plane``: (M, 2, P), the same
    over the reach of the offset's slopes; ``valid``: (M, P), false where a bone has fewer points than the others."""

    pair: Pair
    fixed: Surface
    moving: Surface
    offsets: Tensor
    plane: Tensor
    valid: Tensor
    level: Level
    settings: Settings

    def part(self, joints: Tensor) -> _Scene:
        """The joints that ``joints`` (N,) bool picks."""
        bones = joints.repeat_interleave(2)
        return replace(
            self,
            pair=self.pair.part(joints),
            fixed=Surface(self.fixed.coefficients[bones], self.fixed.fields[bones]),
            moving=Surface(self.moving.coefficients[bones], self.moving.fields[bones]),
            offsets=self.offsets[bones],
            plane=self.plane[bones],
            valid=self.valid[bones],
        )


def _scene(
    pair: Pair, unknowns: Tensor, level: Level, settings: Settings, images: tuple[Surface, Surface] | None
) -> _Scene:
    fixed, moving = images or splines(pair, level)
    offsets, valid = _lattice(pair, unknowns, level.step_px(pair.spacing_mm))
    plane = (offsets * (pair.spacing_mm / REACH_MM)).transpose(1, 2).contiguous()
    return _Scene(pair, fixed, moving, offsets, plane, valid, level, settings)


def refine(
    pair: Pair,
    unknowns: Tensor,
    level: Level,
    settings: Settings,
    images: tuple[Surface, Surface] | None = None,
) -> Fit:
    """Run one level of the refinement from ``unknowns`` (2 N, UNKNOWNS), with a last step that judges the fit.

    ``images``: the level's ``splines``, where they are at hand.
    """
    scene = _scene(pair, unknowns, level, settings, images)
    unknowns, step_px = _iterate(scene, unknowns, level.iterations)
    unsettled = (step_px > SETTLED_PX).view(-1, 2).any(1)
    if level.more and bool(unsettled.any()):
        bones = unsettled.repeat_interleave(2)
        unknowns[bones] = _iterate(scene.part(unsettled), unknowns[bones], level.more)[0]
    return _judged(scene, unknowns)


def _iterate(scene: _Scene, unknowns: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """The unknowns after so many Gauss-Newton steps, fewer where all have settled, and the size (M,) px of the last."""
    step_px = unknowns.new_full((unknowns.shape[0],), torch.inf)
    for _ in range(iterations):
        unknowns, step_px = _stepped(scene, unknowns, _normal_equations(scene, unknowns))
        if float(step_px.max()) < SETTLED_PX:
            break
    return unknowns, step_px


def _stepped(scene: _Scene, unknowns: Tensor, equations: _Equations) -> tuple[Tensor, Tensor]:
    """The unknowns after one Gauss-Newton step, and its size (M,) px."""
    precision = prior_precision(scene.settings, unknowns.device)
    limit_px = max(1.0, 2.0 * scene.level.smoothing_mm / scene.pair.spacing_mm)
    data_weight = 1.0 / equations.noise
    matrix = both_bones(equations.normal * data_weight[:, None, None]) + precision
    pull = (equations.gradient * data_weight[:, None]).view(-1, 2 * UNKNOWNS)
    state = unknowns.double().view(-1, 2 * UNKNOWNS)
    update = -torch.linalg.solve(matrix, pull + (precision @ state[..., None])[..., 0]).reshape(-1, UNKNOWNS)
    length = update[:, SHIFT].norm(dim=1)
    update = update * (limit_px / length.clamp(min=limit_px))[:, None]
    return (unknowns.double() + update).float(), length.float()


def _judged(scene: _Scene, unknowns: Tensor) -> Fit:
    """The fit after a last step, with the cost and the covariance from where that set out."""
    equations = _normal_equations(scene, unknowns)
    weight, linear = equations.weight, equations.linear
    film = (unknowns[:, None, FILM] @ linear.jacobian[:, FILM])[:, 0]
    unknowns, step_px = _stepped(scene, unknowns, equations)
    signal = _variance(linear.signal, weight).clamp(min=1e-9)
    spread = (weight * linear.residual**2).sum(1) / weight.sum(1).clamp(min=1e-6)
    support = (weight > 0.25).sum(1) * scene.level.point_px(scene.pair.spacing_mm)
    return Fit(
        unknowns,
        cost=torch.where(support > 0, spread / signal, torch.inf),
        film=_variance(film, weight) / signal,
        covariance=_sandwich(scene, equations),
        support=support,
        step_px=step_px,
    )


def _variance(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted variance (M,) of values (M, P)."""
    total = weight.sum(1, keepdim=True).clamp(min=1e-6)
    mean = (weight * values).sum(1, keepdim=True) / total
    return (weight * (values - mean) ** 2).sum(1) / total[:, 0]


@dataclass(frozen=True)
class _Equations:
    """``weight``: (M, P); ``normal``: J^T W J (M, UNKNOWNS, UNKNOWNS); ``gradient``: J^T W r (M, UNKNOWNS); ``noise``:
    (M,), the residual variance that a point counts with, as its neighbours tell the same."""

    weight: Tensor
    linear: _Linearised
    normal: Tensor
    gradient: Tensor
    noise: Tensor


def _normal_equations(scene: _Scene, unknowns: Tensor) -> _Equations:
    pair = scene.pair
    in_fixed, in_moving = _place(unknowns, scene.offsets, pair.centre)
    weight = scene.valid * _region_weight(pair, in_fixed, in_moving)
    own_in_fixed, other_in_fixed = sample_linear(pair.fixed_silhouettes, in_fixed.points).unbind(1)
    own_in_moving, other_in_moving = sample_linear(pair.moving_silhouettes, in_moving.points).unbind(1)
    linear = _linearise(
        scene.fixed,
        scene.moving,
        in_fixed,
        in_moving,
        unknowns,
        plane=scene.plane,
        halo=other_in_moving - other_in_fixed,
        silhouette=0.5 * (own_in_fixed + own_in_moving),
    )
    if scene.level.robust:
        weight = weight * _student_weight(linear.residual, weight, scene.settings.freedom)
    weighted = linear.jacobian * weight[:, None]
    normal = (weighted @ linear.jacobian.transpose(-1, -2)).double()
    gradient = (weighted @ linear.residual[..., None])[..., 0].double()
    variance = (weight * linear.residual**2).sum(1).double() / weight.sum(1).double().clamp(min=1e-6)
    correlation = max(1.0, scene.settings.correlation_px / scene.level.point_px(pair.spacing_mm))
    eye = torch.eye(UNKNOWNS, dtype=torch.float64, device=normal.device)
    return _Equations(weight, linear, normal + 1e-6 * eye, gradient, variance.clamp(min=1e-8) * correlation)


def _sandwich(scene: _Scene, equations: _Equations) -> Tensor:
    """Covariance (N, 2 UNKNOWNS, 2 UNKNOWNS) that allows for correlated residuals.

    Scores are summed over square blocks, within which residuals may correlate as they like, before their outer
    products are taken (cluster-robust covariance: Liang & Zeger, Biometrika 73(1), 1986).
    """
    pair, linear, device = scene.pair, equations.linear, scene.offsets.device
    precision = prior_precision(scene.settings, device)
    block_px = scene.settings.block_mm / pair.spacing_mm
    height, width = pair.fixed.shape[-2:]
    columns = int(2 * width / block_px) + 2
    cell = torch.floor((scene.offsets + torch.tensor([width, height], device=device)) / block_px).long()
    index = cell[..., 1] * columns + cell[..., 0]
    cells = int(index.max()) + 1
    score = linear.jacobian * (equations.weight * linear.residual)[:, None]
    sums = score.new_zeros(score.shape[0], UNKNOWNS, cells)
    sums.scatter_add_(2, index[:, None].expand(-1, UNKNOWNS, -1), score)
    sums = sums.double() / equations.noise[:, None, None]
    meat = both_bones(sums @ sums.transpose(-1, -2)) + precision
    bread = torch.linalg.inv(both_bones(equations.normal / equations.noise[:, None, None]) + precision)
    covariance: Tensor = bread @ meat @ bread
    return covariance
