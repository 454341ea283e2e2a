"""A small but real torch model, of the shape that every served model has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from model_store.base import Arrays


class TinyModel:
    """``image`` (N, 1, H, W) float32, ``passes`` (N,) int32 -> ``features`` (N, 2, H, W), ``mean`` (N,)."""

    name = "tiny"
    input_names = ("image", "passes")
    output_names = ("features", "mean")

    def __init__(self, weights: Path, device: str) -> None:
        self._weights = {key: value.to(device) for key, value in load_file(weights).items()}
        self._device = device

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        image = inputs["image"]
        if image.ndim != 4 or image.dtype != np.float32:
            raise ValueError(f"image must be (N, 1, H, W) float32, not {image.shape} {image.dtype}.")
        with torch.inference_mode():
            features = torch.from_numpy(np.ascontiguousarray(image)).to(self._device).repeat(1, 2, 1, 1)
            for _ in range(int(inputs["passes"].max(initial=1))):
                features = torch.tanh(
                    torch.nn.functional.conv2d(features, self._weights["kernel"], padding=3)
                )
            mean = features.mean(dim=(1, 2, 3))
        return {"features": features.cpu().numpy(), "mean": mean.cpu().numpy()}


def load(weights: Path, device: str) -> TinyModel:
    """As ``model_store.<name>.model.load``."""
    return TinyModel(weights, device)


def write_weights(path: Path, seed: int = 0) -> Path:
    """Random weights."""
    kernel = torch.randn(2, 2, 7, 7, generator=torch.Generator().manual_seed(seed)) / 10
    save_file({"kernel": kernel}, path)
    return path
