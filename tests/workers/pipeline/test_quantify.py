"""From ROIs to JSN: what the pipeline promises to whoever calls it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.model_store.registrar.joints import SPACING_MM, draw, registrar
from workers.inference.protocol import InferenceError
from workers.pipeline import Reliability, quantify_joints

STILL = (0.0, 0.0, 0.0)


class RegistrarOnly:
    """The real registrar, run here; masks are given, so no other model is needed."""

    def __init__(self) -> None:
        self.model = registrar()
        self.requests: list[int] = []

    def infer(self, model: str, inputs: dict) -> dict:
        if model != "registrar":
            raise InferenceError(f"no {model} here", retryable=False)
        self.requests.append(len(inputs["fixed"]))
        return self.model(inputs)

    def model_digests(self) -> dict[str, str]:
        return {}


BACKEND = RegistrarOnly()
FIXED, MOVING = draw(STILL, STILL, noise=0.01), draw((0.2, 0.3, 1.0), (0.1, 0.0, 1.0), noise=0.01, seed=0)


def quantify(fixed: list, moving: list, spacing: object = SPACING_MM, masks: tuple | None = None) -> list:
    fixed_masks, moving_masks = masks or ([tuple(f[1]) for f in fixed], [tuple(m[1]) for m in moving])
    return quantify_joints(
        [f[0] for f in fixed],
        [m[0] for m in moving],
        spacing,
        fixed_masks=fixed_masks,
        moving_masks=moving_masks,
        backend=BACKEND,
    )


def test_a_narrowed_joint_reads_its_narrowing_with_every_part_of_the_result() -> None:
    (result,) = quantify([FIXED], [MOVING])
    assert result.jsn_mm == pytest.approx(0.3, abs=0.02)
    assert result.jsn_mm == pytest.approx(result.upper.dy_mm - result.lower.dy_mm)
    assert 0 < result.jsn_sigma_mm < 0.1
    assert result.reliability is Reliability.RELIABLE
    shape = FIXED[0].shape
    assert result.loss_map.shape == result.warped.shape == result.masks.upper.shape == shape
    outside = ~(result.masks.upper | result.masks.lower)
    assert np.isnan(result.loss_map[outside]).all()
    assert np.isfinite(result.loss_map[~outside]).all()
    assert np.nanmean(result.loss_map) < np.nanmean(result.loss_before)


def test_a_film_against_itself_reads_no_narrowing() -> None:
    (result,) = quantify([FIXED], [FIXED])
    assert result.jsn_mm == pytest.approx(0.0, abs=1e-3)


def test_rois_of_different_sizes_share_a_request_and_keep_their_own_pixels() -> None:
    cropped = [(FIXED[0][8:, 4:-4], FIXED[1][:, 8:, 4:-4]), FIXED]
    followed = [(MOVING[0][8:, 4:-4], MOVING[1][:, 8:, 4:-4]), MOVING]
    BACKEND.requests.clear()
    results = quantify(cropped, followed)
    assert BACKEND.requests == [2]
    assert results[0].loss_map.shape == (120, 120)
    assert results[0].jsn_mm == pytest.approx(results[1].jsn_mm, abs=0.02)


def test_an_upsampled_film_reads_the_same_as_the_film_it_came_from() -> None:
    def twice(joint: tuple) -> tuple:
        image, masks = joint
        return np.kron(image, np.ones((2, 2), np.float32)), np.stack(
            [np.kron(m, np.ones((2, 2), bool)) for m in masks]
        )

    (result,) = quantify([FIXED], [MOVING])
    (finer,) = quantify([twice(FIXED)], [twice(MOVING)], SPACING_MM / 2)
    assert finer.jsn_mm == pytest.approx(result.jsn_mm, abs=0.01)
    assert finer.loss_map.shape == (256, 256)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda image: np.zeros_like(image), "no_contrast"),
        (lambda image: np.where(np.eye(128, dtype=bool), np.nan, image), "not_finite"),
    ],
)
def test_a_roi_that_can_not_be_measured_says_why_and_leaves_the_others(spoil: object, reason: str) -> None:
    spoilt = (spoil(FIXED[0]), FIXED[1])  # type: ignore[operator]
    bad, good = quantify([spoilt, FIXED], [MOVING, MOVING])
    assert math.isnan(bad.jsn_mm)
    assert (bad.reliability, bad.reasons) == (Reliability.UNRELIABLE, (reason,))
    assert good.jsn_mm == pytest.approx(0.3, abs=0.02)


def test_a_bone_that_is_not_there_is_named() -> None:
    nothing = np.zeros_like(FIXED[1][0])
    (result,) = quantify([FIXED], [MOVING], masks=([(FIXED[1][0], nothing)], [tuple(MOVING[1])]))
    assert result.reasons == ("lower_bone_not_found",)


def test_unrelated_films_are_not_called_reliable() -> None:
    (result,) = quantify([draw(STILL, STILL, seed=1)], [draw(STILL, STILL, seed=2, noise=0.6)])
    assert result.reliability is not Reliability.RELIABLE
    assert result.reasons


@pytest.mark.parametrize("spacing", [0.0, -1.0, math.nan, [0.1, 0.2]])
def test_a_spacing_that_can_not_be_one_is_refused(spacing: object) -> None:
    with pytest.raises(ValueError, match="spacing"):
        quantify([FIXED], [MOVING], spacing)


def test_sequences_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 moving"):
        quantify([FIXED], [MOVING, MOVING])


def test_no_joints_give_no_results() -> None:
    assert quantify_joints([], [], 0.175, backend=BACKEND) == []
