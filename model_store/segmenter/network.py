"""U-Net++ that tells the two bones of a finger joint apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from monai.networks.blocks.convolutions import Convolution
from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
from torch import Tensor, nn

#: Channels of the five levels. Wang et al. use 64 in the first; these keep one ROI near 15 ms on one CPU core.
FEATURES = (16, 16, 32, 64, 128)


def standardise(image: Tensor) -> Tensor:
    """Each image of (N, 1, H, W) to zero mean and unit standard deviation, clipped to +-4."""
    mean = image.mean(dim=(-2, -1), keepdim=True)
    deviation = image.std(dim=(-2, -1), keepdim=True)
    return ((image - mean) / deviation.clamp_min(1e-6)).clamp(-4.0, 4.0)


class JointSegmenter(nn.Module):
    """U-Net++ with five levels and a 7x7 first convolution.

    The two bones overlap in projection, so upper and lower are two independent sigmoid channels, not classes.

    Zhou et al., "UNet++: A Nested U-Net Architecture for Medical Image Segmentation" (DLMIA 2018), as used for joint
    ROIs by Wang et al. (Comput Med Imaging Graph 108:102273, 2023).

    Args:
        features: channels of the five levels, finest first.
    """

    def __init__(self, features: Sequence[int] = FEATURES) -> None:
        super().__init__()
        if len(features) != 5:
            raise ValueError(f"The network has five levels; {len(features)} feature counts were given.")
        first = features[0]
        self.network = BasicUNetPlusPlus(
            spatial_dims=2,
            in_channels=1,
            out_channels=2,
            features=(*features, first),
            deep_supervision=True,
            norm=("batch", {"affine": True}),
            act=("relu", {"inplace": True}),
        )
        self.network.conv_0_0 = nn.Sequential(  # type: ignore[assignment]  # of the same inputs and outputs
            Convolution(2, 1, first, kernel_size=7, norm="batch", act="relu", adn_ordering="NA"),
            Convolution(2, first, first, kernel_size=3, norm="batch", act="relu", adn_ordering="NA"),
        )

    def supervised(self, image: Tensor) -> list[Tensor]:
        """Logits (N, 2, H, W) of the four nested decoders, shallowest first, for a loss on each of them."""
        return cast(list[Tensor], self.network(standardise(image)))

    def forward(self, image: Tensor) -> Tensor:
        """Logits of (upper, lower).

        Args:
            image: (N, 1, H, W) upright ROI, distal bone on top, bone bright, any intensity scale; H and W are
                multiples of 16, 0.175 mm/px apart.

        Returns:
            (N, 2, H, W) logits.
        """
        return self.supervised(image)[-1]


def probability(network: JointSegmenter, image: Tensor) -> Tensor:
    """Probabilities (N, 2, H, W) of (upper, lower) without gradients; see ``JointSegmenter.forward``."""
    with torch.inference_mode():
        return torch.sigmoid(network(image).float())
