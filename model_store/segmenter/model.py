"""The segmenter as it is served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from model_store.base import Arrays, ServedModel
from model_store.segmenter.contract import INPUT_PX
from model_store.segmenter.network import JointSegmenter, probability

#: ROIs that a CPU takes at a time: their activations stay in its cache, which halves the time of each.
CPU_BATCH = 2


class Segmenter:
    """``image`` (N, 1, 128, 128), ROIs at 0.175 mm/px, to ``probability`` (N, 2, 128, 128) of (upper, lower) bone."""

    name = "segmenter"
    input_names: tuple[str, ...] = ("image",)
    output_names: tuple[str, ...] = ("probability",)

    def __init__(self, network: JointSegmenter, device: str) -> None:
        self._device = torch.device(device)
        self._network = network.eval().to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """Segment a batch of ROIs; raises ``ValueError`` when the images do not have the shape named above."""
        image = np.asarray(inputs.get("image"), np.float32)
        if image.ndim != 4 or image.shape[1:] != (1, INPUT_PX, INPUT_PX):
            raise ValueError(
                f"The segmenter takes images of (N, 1, {INPUT_PX}, {INPUT_PX}); got {image.shape}."
            )
        if not np.isfinite(image).all():
            raise ValueError("The segmenter takes finite pixel values only.")
        if len(image) == 0:
            return {"probability": np.zeros((0, 2, INPUT_PX, INPUT_PX), np.float32)}
        images = torch.from_numpy(image).to(self._device)
        parts = images.split(CPU_BATCH if self._device.type == "cpu" else len(images))
        return {"probability": torch.cat([probability(self._network, part) for part in parts]).cpu().numpy()}


def load(weights: Path, device: str) -> ServedModel:
    """The segmenter with the weights in a safetensors file, on a torch device such as ``"cpu"``."""
    network = JointSegmenter()
    network.load_state_dict({key: value.float() for key, value in load_file(weights).items()}, strict=True)
    return Segmenter(network, device)
