"""What the segmenter learns from: joint ROIs composed of phantom layers, bone by bone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from monai.losses.dice import DiceLoss
from monai.metrics.surface_distance import compute_average_surface_distance
from torch import Generator, Tensor, nn
from torch.nn import functional

from model_store.segmenter.contract import INPUT_PX, SPACING_MM
from model_store.segmenter.network import JointSegmenter
from model_store.training import augment as a
from model_store.training.rois import EDGE_MM, cut_off, expose_roi, faded_margin, remodelled, sesamoids

_LEVELS = (0.3, 0.5, 1.0)  # weight of each nested decoder in the loss
_Matrix = Tensor


class SegmenterTask:
    """Random ROIs from layers (M, 4, S, S): upper bone, lower bone, other bones, soft tissue, mm of path.

    Args:
        training: layers that training draws from.
        validation: layers of other subjects, for judging.
    """

    def __init__(self, training: npt.NDArray[np.float16], validation: npt.NDArray[np.float16]) -> None:
        self._training = torch.from_numpy(training)
        held_out = torch.from_numpy(validation)
        generator = Generator().manual_seed(7)
        chosen = torch.randperm(len(held_out), generator=generator)[:192]
        self._held_out = [compose_rois(held_out[part], generator) for part in chosen.split(32)]
        self._dice = DiceLoss(sigmoid=True, squared_pred=True, batch=True)

    def batch(self, size: int, generator: Generator) -> Mapping[str, Tensor]:
        """``image`` (N, 1, 128, 128) and ``masks`` (N, 2, 128, 128)."""
        chosen = torch.randint(len(self._training), (size,), generator=generator)
        image, masks = compose_rois(self._training[chosen], generator)
        return {"image": image, "masks": masks}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Dice and cross-entropy, the latter weighted towards the bones' edges, over all nested decoders."""
        masks = batch["masks"]
        edge = 1.0 + 4.0 * boundary(masks)
        total = torch.zeros(())
        outputs = cast(JointSegmenter, network).supervised(batch["image"])
        for weight, logits in zip(_LEVELS, outputs, strict=True):
            logits = logits.float()
            entropy = functional.binary_cross_entropy_with_logits(logits, masks, weight=edge)
            total = total + weight * (self._dice(logits, masks) + entropy)
        return total / sum(_LEVELS)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Median Dice of the upper and the lower bone, and mean surface distance in mm, on held-out subjects."""
        dice: list[Tensor] = []
        distances: list[Tensor] = []
        for image, masks in self._held_out:
            found = network(image) > 0
            both = (found & (masks > 0.5)).sum((-2, -1)).float()
            dice.append(2 * both / (found.sum((-2, -1)) + masks.sum((-2, -1))).clamp_min(1))
            apart = compute_average_surface_distance(
                found[::4].float(), masks[::4], include_background=True, symmetric=True
            )
            distances.append(apart[torch.isfinite(apart)] * SPACING_MM)
        median = torch.cat(dice).median(dim=0).values
        return {
            "dice_upper": float(median[0]),
            "dice_lower": float(median[1]),
            "dice_worst_5_percent": float(torch.quantile(torch.cat(dice).flatten(), 0.05)),
            "surface_distance_mm": float(torch.cat(distances).mean()),
        }


def boundary(masks: Tensor) -> Tensor:
    """(N, C, H, W), 1 within about 1.5 pixels of a mask's edge, else 0."""
    grown = functional.max_pool2d(masks, 3, stride=1, padding=1)
    shrunk = -functional.max_pool2d(-masks, 3, stride=1, padding=1)
    return grown - shrunk


def compose_rois(layers: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Films of joints: each bone moved on its own, then exposed, processed and spoilt at random.

    Args:
        layers: (N, 4, S, S) float16, see ``SegmenterTask``.

    Returns:
        image (N, 1, 128, 128), any scale; masks (N, 2, 128, 128) of upper and lower bone, 0 or 1.
    """
    count, _, side, _ = layers.shape
    view = _view(count, side, generator)
    grids = torch.stack(
        [view, *(a.compose(view, _motion(count, kind, generator)) for kind in (0, 1)), view], dim=1
    )
    order = torch.stack([grids[:, 1], grids[:, 2], grids[:, 0], grids[:, 3]], dim=1)
    flat = layers.reshape(count * 4, 1, side, side).float()
    warped = a.warp(flat, order.reshape(count * 4, 2, 3), (INPUT_PX, INPUT_PX))
    upper, lower, others, soft = warped.reshape(count, 4, 1, INPUT_PX, INPUT_PX).unbind(1)
    masks = (torch.cat([upper, lower], dim=1) > EDGE_MM).float()
    upper, lower = (faded_margin(remodelled(bone, generator), generator) for bone in (upper, lower))
    others = others * (a.uniform(count, 0.0, 1.0, generator) ** 0.3)[:, None, None, None] + sesamoids(
        count, generator
    )
    return cut_off(expose_roi(upper + lower + others, soft, generator), masks, generator)


def _view(count: int, side: int, generator: Generator) -> _Matrix:
    """How the ROI was cut: turned, scaled, stretched, shifted, mirrored."""
    angle = a.normal(count, 7.0, generator)
    scale = torch.exp(a.normal(count, 0.2, generator) - 0.12).clamp(0.55, 1.35)
    stretch = torch.exp(a.normal(count, 0.07, generator))
    steps = torch.stack([scale * stretch, scale / stretch], -1)
    shift = torch.stack([a.normal(count, 6.0, generator), a.normal(count, 7.0, generator)], -1)
    shift = shift * (1 + a.sometimes(count, 0.15, generator))[:, None]  # a joint found some millimetres away
    middle = torch.full((2,), (INPUT_PX - 1) / 2)
    mirrored = a.sometimes(count, 0.5, generator)
    return a.affine(angle, steps, shift + (side - 1) / 2, middle, mirrored)


def _motion(count: int, bone: int, generator: Generator) -> _Matrix:
    """A bone moved on its own, in ROI pixels: most joints narrowed, some until the bones overlap, some widened."""
    toward = a.uniform(count, -4.0, 9.0, generator) * 0.5  # together -0.7 to +1.6 mm narrower
    toward = toward + a.sometimes(count, 0.15, generator) * a.uniform(count, 0.0, 5.0, generator)
    down = toward if bone == 0 else -toward
    middle = torch.full((2,), (INPUT_PX - 1) / 2)
    shift = torch.stack([a.normal(count, 2.0, generator), down], -1)
    angle = a.normal(count, 3.5, generator)
    scale = torch.exp(a.normal(count, 0.05, generator))
    return a.affine(angle, scale, middle - shift, middle)
