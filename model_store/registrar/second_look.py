"""A second look at joints that match poorly: by their details, which no ring, marker or exposure edge can outshine.

A finger ring or a collimator's edge across one of the films outweighs all that the bone shows, and draws the first fit
to wherever it is matched best. In units of the local contrast it is no stronger than a trabecula.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from model_store.registrar.refine import FINE, Fit, Level, Pair, refine
from model_store.registrar.spline import smooth
from model_store.registrar.starts import best_start, model_free_starts
from model_store.registrar.unknowns import MOTION, SHIFT, Settings

#: Residual variance over signal variance above which a bone is looked at again.
POOR_COST = 0.25
#: What is finer than this is detail.
DETAIL_MM = 0.5
#: Nearer than this the first fit had found the right place, and the image tells more than its details.
APART_MM = 0.1
#: How much better than at the first place the details must match at the second, ...
CLEARLY_BETTER = 0.75
#: ... and how well: 4/3 is a correlation of one half, 4 (1 - r) / (1 + r).
WORST_COST = 4 / 3
SEARCH = Level(smoothing_mm=0.3, step_mm=0.3, iterations=8, robust=True)


def details_of(images: Tensor, spacing_mm: float) -> Tensor:
    """Local contrast of (N, H, W) images: what differs from its surroundings, in their standard deviations."""
    sigma_px = DETAIL_MM / spacing_mm
    detail = images - smooth(images, sigma_px)
    contrast = torch.sqrt(smooth(detail**2, sigma_px).clamp(min=0))
    usual = contrast.flatten(1).median(1).values[:, None, None]
    return detail / torch.maximum(contrast, 0.5 * usual).clamp(min=1e-6)


def second_look(pair: Pair, fit: Fit, moving_centre: Tensor, settings: Settings) -> Fit:
    """The fit, with the motion of those bones replaced that their details show to lie elsewhere.

    ``moving_centre``: (N, 2) px. Costs stay those of the first fit: such a joint still matches poorly.
    """
    poor = (fit.cost.view(-1, 2) > POOR_COST).any(1)
    if not bool(poor.any()):
        return fit
    bones = poor.repeat_interleave(2)
    details = pair.part(poor)
    details = replace(
        details,
        fixed=details_of(details.fixed, pair.spacing_mm),
        moving=details_of(details.moving, pair.spacing_mm),
    )
    first = torch.zeros_like(fit.unknowns[bones])
    first[:, MOTION] = fit.unknowns[bones, MOTION]
    starts = [first, *model_free_starts(details, moving_centre[poor])]
    found, _ = best_start(details, starts, SEARCH, settings)
    second = refine(details, found, FINE, settings)
    cost_of_first = refine(details, first, replace(FINE, iterations=0, more=0), settings).cost
    apart_mm = (second.unknowns[:, SHIFT] - first[:, SHIFT]).norm(dim=1) * pair.spacing_mm
    mistaken = (
        (fit.cost[bones] > POOR_COST)
        & (apart_mm > APART_MM)
        & (second.cost < CLEARLY_BETTER * cost_of_first)
        & (second.cost < WORST_COST)
    )
    unknowns, covariance, step_px = fit.unknowns.clone(), fit.covariance.clone(), fit.step_px.clone()
    unknowns[bones, MOTION] = torch.where(mistaken[:, None], second.unknowns, fit.unknowns[bones])[:, MOTION]
    step_px[bones] = torch.where(mistaken, second.step_px, fit.step_px[bones])
    either = mistaken.view(-1, 2).any(1)
    covariance[poor] = torch.where(either[:, None, None], second.covariance, fit.covariance[poor])
    return replace(fit, unknowns=unknowns, covariance=covariance, step_px=step_px)
