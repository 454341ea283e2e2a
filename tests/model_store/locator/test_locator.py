"""What the locator promises: landmarks of a phantom hand, to a fraction of the joint space."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_store import registry
from model_store.base import ServedModel
from model_store.locator.contract import HEATMAP_PX, INPUT_PX, LANDMARKS
from model_store.locator.network import HandLocator, decode


@pytest.fixture(scope="module")
def locator() -> ServedModel:
    return registry.load("locator")


def logits_with_a_peak(x: float, y: float) -> torch.Tensor:
    """Heatmaps of one landmark with a Gaussian about a place in input pixels."""
    column, row = (x - 0.5) / 2, (y - 0.5) / 2
    axis = torch.arange(HEATMAP_PX, dtype=torch.float32)
    distance2 = (axis[None, :] - column) ** 2 + (axis[:, None] - row) ** 2
    return (25.0 - distance2 / 2)[None, None]


@pytest.mark.parametrize(("x", "y"), [(120.5, 80.5), (33.2, 200.9), (250.1, 4.7)])
def test_a_heatmaps_peak_is_read_to_a_fraction_of_a_pixel(x: float, y: float) -> None:
    points, confidence = decode(logits_with_a_peak(x, y))
    assert points[0, 0].tolist() == pytest.approx([x, y], abs=0.15)
    assert confidence[0, 0] > 0.95


def test_an_empty_heatmap_has_no_confidence() -> None:
    assert decode(torch.full((1, 1, HEATMAP_PX, HEATMAP_PX), -30.0))[1].item() < 1e-6


def test_the_network_gives_a_heatmap_for_each_landmark_at_half_the_resolution() -> None:
    logits = HandLocator(features=(8, 8, 8))(torch.zeros(2, 1, INPUT_PX, INPUT_PX))
    assert logits.shape == (2, len(LANDMARKS), HEATMAP_PX, HEATMAP_PX)


def test_points_and_confidences_come_for_every_image(locator: ServedModel) -> None:
    answer = locator({"image": np.zeros((3, 1, INPUT_PX, INPUT_PX), np.float32)})
    assert answer["points"].shape == (3, len(LANDMARKS), 2)
    assert answer["confidence"].shape == (3, len(LANDMARKS))
    assert answer["confidence"].max() < 0.5


@pytest.mark.parametrize("shape", [(1, 1, 128, 128), (0, 1, 256, 256), (256, 256)])
def test_an_image_of_another_shape_is_refused_in_words(locator: ServedModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="takes images of"):
        locator({"image": np.zeros(shape, np.float32)})
