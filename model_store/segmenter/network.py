"""U-Net++ that tells the two bones of a finger joint apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from monai.networks.blocks.convolutions import Convolution
from monai.networks.blocks.upsample import UpSample
from monai.networks.nets.basic_unet import Down, TwoConv
from torch import Tensor, nn

#: Channels of the four levels. Wang et al. use five from 64 on; these keep one ROI below 10 ms on one CPU core.
FEATURES = (16, 16, 32, 64)
_NORM = ("batch", {"affine": True})
_ACT = ("relu", {"inplace": True})


def standardise(image: Tensor) -> Tensor:
    """Each image of (N, 1, H, W) to zero mean and unit standard deviation, clipped to +-4."""
    mean = image.mean(dim=(-2, -1), keepdim=True)
    deviation = image.std(dim=(-2, -1), keepdim=True)
    return ((image - mean) / deviation.clamp_min(1e-6)).clamp(-4.0, 4.0)


class _Node(nn.Module):
    """A node of the nest: all nodes before it on its level, and the one below, convolved."""

    def __init__(self, before: int, channels: int, below: int, above: int) -> None:
        super().__init__()
        self.up = UpSample(2, below, above, scale_factor=2, mode="deconv")
        self.convolve = TwoConv(2, before * channels + above, channels, _ACT, _NORM, bias=True)

    def forward(self, before: list[Tensor], below: Tensor) -> Tensor:
        joined: Tensor = self.convolve(torch.cat([*before, self.up(below)], dim=1))
        return joined


class JointSegmenter(nn.Module):
    """U-Net++ with four levels and a 7x7 first convolution.

    The two bones overlap in projection, so upper and lower are two independent sigmoid channels, not classes.

    Zhou et al., "UNet++: A Nested U-Net Architecture for Medical Image Segmentation" (DLMIA 2018), as used for joint
    ROIs by Wang et al. (Comput Med Imaging Graph 108:102273, 2023). The blocks are MONAI's; its own network joins
    twice what one step joins here, which took a third of the time.

    Args:
        features: channels of the levels, finest first.
    """

    def __init__(self, features: Sequence[int] = FEATURES) -> None:
        super().__init__()
        first, levels = features[0], len(features)
        stem = nn.Sequential(
            Convolution(2, 1, first, kernel_size=7, norm="batch", act="relu", adn_ordering="NA"),
            Convolution(2, first, first, kernel_size=3, norm="batch", act="relu", adn_ordering="NA"),
        )
        downwards = [Down(2, above, below, _ACT, _NORM, bias=True) for above, below in pairwise(features)]
        self.encoders = nn.ModuleList([stem, *downwards])
        self.nest = nn.ModuleList(
            nn.ModuleList(
                _Node(before, features[level], features[level + 1], _handed_up(features, level))
                for before in range(1, levels - level)
            )
            for level in range(levels - 1)
        )
        self.heads = nn.ModuleList(nn.Conv2d(first, 2, kernel_size=1) for _ in range(levels - 1))

    def _finest(self, image: Tensor) -> list[Tensor]:
        """The nodes of the finest level behind the first, shallowest first."""
        found: list[list[Tensor]] = []
        x = standardise(image)
        for encode in self.encoders:
            x = encode(x)
            found.append([x])
        for column in range(1, len(found)):
            for level in range(len(found) - column):
                nodes = cast(nn.ModuleList, self.nest[level])
                found[level].append(nodes[column - 1](found[level], found[level + 1][column - 1]))
        return found[0][1:]

    def supervised(self, image: Tensor) -> list[Tensor]:
        """Logits (N, 2, H, W) of the nested decoders, shallowest first, for a loss on each of them."""
        return [head(node) for head, node in zip(self.heads, self._finest(image), strict=True)]

    def forward(self, image: Tensor) -> Tensor:
        """Logits of (upper, lower).

        Args:
            image: (N, 1, H, W) upright ROI, distal bone on top, bone bright, any intensity scale; H and W are
                multiples of 8, 0.175 mm/px apart.

        Returns:
            (N, 2, H, W) logits.
        """
        logits: Tensor = self.heads[-1](self._finest(image)[-1])
        return logits


def _handed_up(features: Sequence[int], level: int) -> int:
    """Channels that the level below hands up: half of its own, all of them to the finest level."""
    return features[level + 1] if level == 0 else features[level + 1] // 2


def probability(network: JointSegmenter, image: Tensor) -> Tensor:
    """Probabilities (N, 2, H, W) of (upper, lower) without gradients; see ``JointSegmenter.forward``."""
    with torch.inference_mode():
        return torch.sigmoid(network(image).float())
