"""What is solved for each bone, in the order of its columns, and what is believed of it beforehand.

Rigid motion with magnification, the difference of tone between the films inside the bone, and what belongs to the film
as a whole: the bends of its tone curve and its sharpness, which are tied between the two bones of a joint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

#: Tones at which the tone curve bends, in deviations of the bones' tones from their mean: soft tissue to dense bone.
BENDS = (-5.0, -2.0, 1.0)
#: Gaussian widths of the unsharp masks, in which films may differ.
DETAIL_MM = (0.4, 1.5)

LOG_SCALE, ROTATION = 0, 1  # rotation in rad, clockwise
SHIFT = slice(2, 4)  # tx, ty in px, y down
MOTION = slice(LOG_SCALE, SHIFT.stop)
LOG_GAIN, OFFSET = 4, 5
SLOPES = slice(6, 8)  # of the offset along x and y
HALO, SILHOUETTE = 8, 9
UNKNOWNS = SILHOUETTE + 1 + len(BENDS) + len(DETAIL_MM)
FILM = slice(SILHOUETTE + 1, UNKNOWNS)  # each bend of the tone curve, strength of each unsharp mask
LINEAR = slice(OFFSET, UNKNOWNS)  # those that add to the residual in proportion


@dataclass(frozen=True)
class Settings:
    """What the objective believes about the world (all standard deviations of Gaussian priors).

    ``shared_scale``: magnification common to both bones between two films, wide enough not to hold back that of films
    taken at other distances (a scale that falls short is made up for by dy over the lever arm: 0.02 mm at 3 % under a
    prior of 0.004); ``own_scale``: what a single bone may add; ``rotation_rad``: keeps featureless bones from spinning;
    ``tone``: of gain, offsets and halo between standardised images, which a ring on one film would drive off for
    good; ``silhouette``: of how far a bone stands out; ``film``: of tone curve and sharpness, common to both bones;
    ``own_film``: what either may add. ``correlation_px``: pixels over which residuals depend on each other, which
    weighs data against priors; ``freedom``: degrees of freedom of Student's t that residuals follow;
    ``block_mm``: see ``_sandwich``.
    """

    shared_scale: float = 0.01
    own_scale: float = 0.001
    rotation_rad: float = 0.3
    tone: float = 1.0
    silhouette: float = 0.3
    film: float = 1.0
    own_film: float = 0.1
    correlation_px: float = 12.0
    freedom: float = 9.0
    block_mm: float = 1.4


def similarity(unknowns: Tensor, power: float) -> Tensor:
    """Matrices (M, 2, 2) of S^power, with S = exp(log scale) R(rotation)."""
    scale = torch.exp(power * unknowns[:, LOG_SCALE])
    angle = power * unknowns[:, ROTATION]
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


@lru_cache(maxsize=8)
def prior_precision(settings: Settings, device: torch.device) -> Tensor:
    """Precision (2 UNKNOWNS, 2 UNKNOWNS) of the prior on both bones' unknowns."""
    precision = torch.zeros(2 * UNKNOWNS, 2 * UNKNOWNS, dtype=torch.float64, device=device)
    both = torch.tensor([0, UNKNOWNS], device=device)
    tied = {LOG_SCALE: (settings.shared_scale, settings.own_scale)}
    tied |= dict.fromkeys(range(UNKNOWNS)[FILM], (settings.film, settings.own_film))
    for unknown, (common, own) in tied.items():
        spread = torch.tensor([[common**2 + own**2, common**2], [common**2, common**2 + own**2]])
        rows = both + unknown
        precision[rows[:, None], rows[None, :]] = torch.linalg.inv(spread.double()).to(device)
    alone = {ROTATION: settings.rotation_rad, SILHOUETTE: settings.silhouette}
    alone |= dict.fromkeys(range(LOG_GAIN, SILHOUETTE), settings.tone)
    for unknown, deviation in alone.items():
        precision[both + unknown, both + unknown] = deviation**-2
    return precision


def both_bones(matrices: Tensor) -> Tensor:
    """Block-diagonal (N, 2 UNKNOWNS, 2 UNKNOWNS) from per-bone (2 N, UNKNOWNS, UNKNOWNS)."""
    n = matrices.shape[0] // 2
    whole = matrices.new_zeros(n, 2 * UNKNOWNS, 2 * UNKNOWNS)
    whole[:, :UNKNOWNS, :UNKNOWNS] = matrices[0::2]
    whole[:, UNKNOWNS:, UNKNOWNS:] = matrices[1::2]
    return whole
