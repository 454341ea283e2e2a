"""The locator as it is served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from model_store.base import Arrays, ServedModel
from model_store.locator.contract import INPUT_PX
from model_store.locator.network import HandLocator, decode


class Locator:
    """``image`` (N, 1, 256, 256) to ``points`` (N, 19, 2), (x, y) in the image's pixels, and ``confidence`` (N, 19).

    The landmarks are those of ``model_store.locator.network.LANDMARKS``, in that order.
    """

    name = "locator"
    input_names: tuple[str, ...] = ("image",)
    output_names: tuple[str, ...] = ("points", "confidence")

    def __init__(self, network: HandLocator, device: str) -> None:
        self._device = torch.device(device)
        self._network = network.eval().to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """Find the landmarks of a batch; raises ``ValueError`` when the images do not have the shape named above."""
        image = np.asarray(inputs.get("image"), np.float32)
        if image.ndim != 4 or image.shape[1:] != (1, INPUT_PX, INPUT_PX) or len(image) == 0:
            raise ValueError(
                f"The locator takes images of (N, 1, {INPUT_PX}, {INPUT_PX}), N >= 1; got {image.shape}."
            )
        if not np.isfinite(image).all():
            raise ValueError("The locator takes finite pixel values only.")
        with torch.inference_mode():
            points, confidence = decode(self._network(torch.from_numpy(image).to(self._device)))
        return {"points": points.cpu().numpy(), "confidence": confidence.cpu().numpy()}


def load(weights: Path, device: str) -> ServedModel:
    """The locator with the weights in a safetensors file, on a torch device such as ``"cpu"``."""
    network = HandLocator()
    network.load_state_dict({key: value.float() for key, value in load_file(weights).items()}, strict=True)
    return Locator(network, device)
