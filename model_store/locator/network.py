"""Heatmap network that finds the joints of a hand at any rotation, left or right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from monai.networks.nets.dynunet import DynUNet
from torch import Tensor, nn
from torch.nn import functional

from model_store.locator.contract import HEATMAP_PX, INPUT_PX, LANDMARKS

#: Channels of the seven levels, from half the input's resolution down.
FEATURES = (32, 32, 48, 64, 96, 128)

_WINDOW = (
    3  # half-width, heatmap px, of the window around a peak that its centroid and confidence are read in
)


def standardise(image: Tensor) -> Tensor:
    """Each image of (N, 1, H, W) to zero mean and unit standard deviation, clipped to +-4."""
    mean = image.mean(dim=(-2, -1), keepdim=True)
    deviation = image.std(dim=(-2, -1), keepdim=True)
    return ((image - mean) / deviation.clamp_min(1e-6)).clamp(-4.0, 4.0)


class HandLocator(nn.Module):
    """U-Net with one heatmap per landmark at half the input's resolution.

    Each landmark is a classification over the heatmap's pixels and one class more, "not on this film", whose logit
    is 0: so the heatmaps are probabilities, and an image without a hand has empty ones. Left and right hands are told
    apart afterwards, from the positions: the network names joints by their place in the hand.

    Isensee et al., "nnU-Net" (Nature Methods 18:203, 2021) for the U-Net; Nibali et al., "Numerical Coordinate
    Regression with Convolutional Neural Networks" (arXiv 1801.07372) for coordinates as expectation of a heatmap.

    Args:
        features: channels of the levels, finest first; each level halves the resolution.
    """

    def __init__(self, features: Sequence[int] = FEATURES) -> None:
        super().__init__()
        levels = len(features)
        self.network = DynUNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=len(LANDMARKS),
            kernel_size=[3] * levels,
            strides=[2] * levels,
            upsample_kernel_size=[2] * (levels - 1),
            filters=list(features),
            norm_name=("batch", {"affine": True}),
            act_name=("relu", {"inplace": True}),
            res_block=True,
        )

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the landmarks' positions.

        Args:
            image: (N, 1, 256, 256) film or part of one, bone bright, any intensity scale.

        Returns:
            (N, 19, 128, 128) logits; heatmap pixel (i, j) covers input pixels (2i, 2i+1, 2j, 2j+1).
        """
        return cast(Tensor, self.network(standardise(image)))


def log_probability(logits: Tensor) -> Tensor:
    """(N, L, H, W) logits to (N, L, H * W + 1) log-probabilities; the last is "not on this film"."""
    flat = logits.float().flatten(2)
    return functional.log_softmax(functional.pad(flat, (0, 1)), dim=-1)


def decode(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Landmark positions and confidences.

    Args:
        logits: (N, L, H, W) of ``HandLocator``.

    Returns:
        points (N, L, 2), (x, y) in pixels of the network's input, centres at integers: the centroid of the heatmap in
        a window about its peak. confidence (N, L): the probability inside that window.
    """
    count, landmarks, height, width = logits.shape
    heatmap = log_probability(logits).exp()[..., :-1].reshape(count, landmarks, height, width)
    side = 2 * _WINDOW + 1
    mass = functional.avg_pool2d(heatmap, side, stride=1, padding=_WINDOW, count_include_pad=True) * side**2
    peak = mass.flatten(2).argmax(dim=-1)
    confidence = mass.flatten(2).gather(-1, peak[..., None])[..., 0].clamp(0.0, 1.0)
    offsets = torch.arange(-_WINDOW, _WINDOW + 1, device=logits.device)
    rows = (peak // width)[..., None, None] + offsets[:, None]
    columns = (peak % width)[..., None, None] + offsets[None, :]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    window = heatmap.flatten(2).gather(-1, index.flatten(2)).reshape(index.shape) * inside
    weight = window / window.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    x = (weight * columns).sum(dim=(-2, -1))
    y = (weight * rows).sum(dim=(-2, -1))
    stride = INPUT_PX / HEATMAP_PX
    return torch.stack([x, y], dim=-1) * stride + (stride - 1) / 2, confidence
