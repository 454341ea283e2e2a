"""The registration network: two images and their masks in, eight parameters out."""

from __future__ import annotations

import torch
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

#: Side of the network's input and the spacing it is sampled at: 22.4 mm.
INPUT_PX = 64
INPUT_SPACING_MM = 0.35
#: What a raw output of one means: log scale, rotation rad, dx mm, dy mm.
OUTPUT_UNITS = (0.02, 0.1, 1.5, 1.5)


class RegistrationNetwork(nn.Module):
    """ResNet with stages of 64/128/256/512 channels (Wang et al. 2023, section 3.2), one block each.

    Input (N, 6, 64, 64): fixed, moving, fixed upper and lower mask, moving upper and lower mask, at 0.35 mm/px. Output
    (N, 2, 4): for the upper and the lower bone log scale, rotation rad, dx mm, dy mm at the joint centre.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = ResNet(
            block="basic",
            layers=[1, 1, 1, 1],
            block_inplanes=[64, 128, 256, 512],
            spatial_dims=2,
            n_input_channels=6,
            conv1_t_size=7,
            conv1_t_stride=2,
            no_max_pool=True,
            num_classes=8,
        )
        self.units: Tensor
        self.register_buffer("units", torch.tensor(OUTPUT_UNITS), persistent=False)

    def forward(self, pair: Tensor) -> Tensor:
        raw: Tensor = self.features(pair).view(-1, 2, 4)
        return raw * self.units
