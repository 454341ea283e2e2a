"""The system's own models behind TorchServe: the same numbers as in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from model_store import registry
from tests.stack.servers import TorchServeServer
from workers.inference.inprocess import InProcessBackend

SIDE = 128
JOINTS = 3


def textures(count: int, side: int = SIDE) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Smooth random images of unit variance, (count, side, side)."""
    noise = np.random.default_rng(7).standard_normal((count, side, side))
    smooth = gaussian_filter(noise, (0, 3, 3))
    return np.asarray(smooth / smooth.std(), np.float32)


def inputs_of(model: str) -> dict[str, Any]:
    """What one request to a model carries."""
    if model == "locator":
        return {"image": textures(1, 256)[:, None]}
    fixed = textures(JOINTS)
    if model == "segmenter":
        return {"image": fixed[:, None]}
    masks = np.zeros((JOINTS, 2, SIDE, SIDE), np.float32)
    masks[:, 0, 10:60, 30:98] = 1
    masks[:, 1, 68:118, 30:98] = 1
    return {
        "fixed": fixed,
        "moving": np.roll(fixed, 1, axis=1),
        "fixed_masks": masks,
        "moving_masks": np.roll(masks, 1, axis=2),
        "spacing_mm": np.full(JOINTS, 0.175, np.float32),
    }


@pytest.mark.parametrize("model", registry.MODEL_NAMES)
def test_a_model_gives_the_same_numbers_behind_torchserve_and_in_this_process(
    model: str, models_server: TorchServeServer
) -> None:
    inputs = inputs_of(model)
    served = models_server.backend().infer(model, inputs)
    here = InProcessBackend().infer(model, inputs)
    assert served.keys() == here.keys()
    for name in here:
        assert np.allclose(served[name], here[name], rtol=1e-4, atol=1e-4, equal_nan=True), name


def test_the_server_tells_the_digests_of_the_weights_in_this_repository(
    models_server: TorchServeServer,
) -> None:
    digests = {name: registry.digest(name) for name in registry.MODEL_NAMES}
    assert models_server.backend().model_digests() == digests
