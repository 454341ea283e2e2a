"""What the registrar's network learns from: pairs of films of one joint, whose bones moved as we know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from model_store.registrar.model import network_input, standardise
from model_store.registrar.network import OUTPUT_UNITS
from model_store.training import augment as a
from model_store.training.rois import EDGE_MM, expose_roi, remodelled, sesamoids

ROI_PX = 128
SPACING_MM = 0.175


class RegistrarTask:
    """Random pairs from layers (M, 4, S, S): upper bone, lower bone, other bones, soft tissue, mm of path.

    The loss compares parameters: on the phantom the truth is known, and a network that only proposes a start
    needs no finer teacher. The refinement behind it minimises the masked squared difference of the paper.
    """

    def __init__(self, training: npt.NDArray[np.float16], validation: npt.NDArray[np.float16]) -> None:
        self._training = torch.from_numpy(training)
        held_out = torch.from_numpy(validation)
        generator = Generator().manual_seed(11)
        chosen = torch.randperm(len(held_out), generator=generator)[:192]
        self._held_out = [compose_pairs(held_out[part], generator) for part in torch.split(chosen, 32)]
        self._units = torch.tensor(OUTPUT_UNITS)

    def batch(self, size: int, generator: Generator) -> Mapping[str, Tensor]:
        """``pair`` (N, 6, 64, 64) and ``motion`` (N, 2, 4)."""
        chosen = torch.randint(len(self._training), (size,), generator=generator)
        pair, motion = compose_pairs(self._training[chosen], generator)
        return {"pair": pair, "motion": motion}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Huber loss of the parameters, each in its unit."""
        difference = (network(batch["pair"]).float() - batch["motion"]) / self._units
        return functional.smooth_l1_loss(difference, torch.zeros_like(difference), beta=0.1)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Median errors on held-out subjects, and the share of bones that start within the refinement's basin."""
        errors = torch.cat([(network(pair) - motion).abs() for pair, motion in self._held_out]).flatten(0, 1)
        median = errors.median(dim=0).values
        near = (errors[:, 2:].norm(dim=1) < 0.8) & (errors[:, 1] < np.deg2rad(5.0))
        return {
            "dx_mm": float(median[2]),
            "dy_mm": float(median[3]),
            "rotation_deg": float(torch.rad2deg(median[1])),
            "share_in_basin": float(near.float().mean()),
        }


def compose_pairs(layers: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two films of each joint between which each bone moved rigidly, as the network sees them.

    Returns:
        pair (N, 6, 64, 64), see ``RegistrationNetwork``; motion (N, 2, 4) of the upper and the lower bone from
        fixed to moving: log scale, rotation rad, dx mm, dy mm at the ROI's centre.
    """
    count, _, side, _ = layers.shape
    upper, lower, others, soft = layers.float().unbind(1)
    bones = [remodelled(bone[:, None], generator) for bone in (upper, lower)]
    fixed_view, moving_view = _view(count, side, generator), _view(count, side, generator)
    together = _motion(count, 2.0, 1.0, 0.01, generator)
    grids = []
    for down in (1.0, -1.0):
        narrowing = down * a.uniform(count, -3.0, 6.0, generator) * 0.5
        own = a.compose(_motion(count, 2.5, 0.6, 0.003, generator, narrowing), together)
        grids.append((fixed_view, a.compose(own, moving_view)))
    images, masks = [], []
    for time in (0, 1):
        seen = [a.warp(bone, grid[time], (ROI_PX, ROI_PX)) for bone, grid in zip(bones, grids, strict=True)]
        view = (fixed_view, moving_view)[time]
        rest = a.warp(torch.stack([others, soft], dim=1), view, (ROI_PX, ROI_PX))
        small_bones = sesamoids(count, generator)
        images.append(expose_roi(seen[0] + seen[1] + rest[:, :1] + small_bones, rest[:, 1:], generator)[:, 0])
        masks.append((torch.cat(seen, dim=1) > EDGE_MM).float())
    scaled = [standardise(image, mask) for image, mask in zip(images, masks, strict=True)]
    pair = network_input(scaled[0], scaled[1], masks[0], masks[1], SPACING_MM)
    motion = torch.stack([_parameters(fixed, moving) for fixed, moving in grids], dim=1)
    return pair, motion


def _view(count: int, side: int, generator: Generator) -> Tensor:
    """How a film's ROI was cut out of the layers: nearly upright, nearly centred."""
    angle, scale = a.normal(count, 3.0, generator), torch.ones(count)
    shift = torch.stack([a.normal(count, 3.0, generator), a.normal(count, 3.0, generator)], -1)
    middle = torch.full((2,), (ROI_PX - 1) / 2)
    return a.affine(angle, scale, shift + (side - 1) / 2, middle)


def _motion(
    count: int,
    angle_deg: float,
    shift_mm: float,
    log_scale: float,
    generator: Generator,
    down_px: Tensor | None = None,
) -> Tensor:
    """Random motion in layer pixels about the layers' middle, as a map from where a point is to where it came from."""
    angle, scale = a.normal(count, angle_deg, generator), torch.exp(a.normal(count, log_scale, generator))
    shift = torch.stack([a.normal(count, shift_mm / SPACING_MM, generator) for _ in range(2)], -1)
    if down_px is not None:
        shift[:, 1] = 0.5 * shift[:, 1] + down_px
    middle = torch.full((2,), 95.5)
    return a.affine(angle, scale, middle - shift, middle)


def _parameters(fixed: Tensor, moving: Tensor) -> Tensor:
    """(N, 4) motion of a bone sampled by ``fixed`` in one film and by ``moving`` in the other."""
    forward = a.compose(a.inverse(moving), fixed)
    centre = torch.full((1, 1, 2), (ROI_PX - 1) / 2)
    shift = (a.transform(forward, centre.expand(len(fixed), -1, -1)) - centre)[:, 0] * SPACING_MM
    linear = forward[..., :2]
    rotation = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    log_scale = 0.5 * torch.log(torch.linalg.det(linear))
    return torch.cat([log_scale[:, None], rotation[:, None], shift], dim=1)
