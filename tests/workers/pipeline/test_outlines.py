"""Bones that a person has drawn, as masks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.model_store.registrar.joints import SPACING_MM, draw
from tests.workers.pipeline.test_quantify import BACKEND, FIXED, MOVING, STILL
from workers.pipeline.crop import Crop, crop_roi, upright
from workers.pipeline.outlines import drawn_masks, filled
from workers.pipeline.quantify import quantify_hands, quantify_joints
from workers.pipeline.types import LocatedJoint

SQUARE = [[9.5, 19.5], [30.5, 19.5], [30.5, 50.5], [9.5, 50.5]]


def test_a_pixel_is_inside_when_most_of_it_is() -> None:
    mask = filled([[9.5, 19.5], [29.5, 19.5], [29.5, 49.5], [9.5, 49.5]], (64, 48))
    assert mask[20:50, 10:30].all()
    assert mask.sum() == 30 * 20
    assert filled([[9.7, 19.7], [29.3, 19.7], [29.3, 49.3], [9.7, 49.3]], (64, 48)).sum() == 30 * 20


def test_an_outline_that_reaches_beyond_the_region_is_cut_at_its_edge() -> None:
    assert filled([[-50, -50], [500, -50], [500, 30.5], [-50, 30.5]], (64, 48)).sum() == 31 * 48


@pytest.mark.parametrize("angle_deg", [0.0, 37.0, -120.0])
def test_an_outline_on_the_film_lies_on_the_same_bone_in_the_turned_region(angle_deg: float) -> None:
    film = np.zeros((200, 220), np.float32)
    film[filled(SQUARE, film.shape)] = 1.0
    crop = crop_roi(film, LocatedJoint("MCP2", 20.0, 35.0, angle_deg, 128.0, 1.0), 0.35, spacing_out_mm=0.175)
    upper, lower = drawn_masks(crop, {"upper": np.array(SQUARE)})
    assert lower is None
    assert upper is not None
    wrong = (upper != (crop.pixels > 0.5)).sum()
    assert wrong < 0.02 * upper.sum()


def test_a_bone_that_is_drawn_is_measured_with_and_the_other_is_asked_of_the_model() -> None:
    asked: list[int] = []

    class Segmenting:
        """The real registrar, and a segmenter that says what it was asked."""

        def infer(self, model: str, inputs: dict) -> dict:
            if model == "segmenter":
                asked.append(len(inputs["image"]))
                return {"probability": np.ones((len(inputs["image"]), 2, 128, 128), np.float32)}
            return BACKEND.infer(model, inputs)

    upper, _ = FIXED[1]
    (result,) = quantify_joints(
        [FIXED[0]],
        [MOVING[0]],
        SPACING_MM,
        fixed_masks=[(upper, None)],
        moving_masks=[tuple(MOVING[1])],
        backend=Segmenting(),
    )
    assert asked == [1]
    np.testing.assert_array_equal(result.masks.upper, upper)
    assert result.masks.lower.mean() > 0.95  # what the model said, not the drawn bone
    assert result.moving_masks is not None
    np.testing.assert_array_equal(result.moving_masks.lower, MOVING[1][1])


def polygon(mask: np.ndarray) -> np.ndarray:
    """Outline of a bone whose rows are each one run of pixels."""
    rows = np.flatnonzero(mask.any(1))
    left = [(np.flatnonzero(mask[row])[0] - 0.5, row) for row in rows]
    right = [(np.flatnonzero(mask[row])[-1] + 0.5, row) for row in rows]
    return np.array(left + right[::-1], float)


def test_hands_are_measured_with_outlines_in_film_pixels_and_the_smaller_region() -> None:
    still, moved = draw(STILL, STILL, noise=0.01), draw((0.0, 0.3, 0.0), STILL, noise=0.01, seed=0)
    films, outlines = [], []
    for image, bones in (still, moved):
        films.append(np.pad(image, 20, mode="edge"))
        outlines.append(
            {"MCP2": {n: polygon(m) + 20 for n, m in zip(("upper", "lower"), bones, strict=True)}}
        )
    middle = 20 + (still[0].shape[0] - 1) / 2
    sizes = (still[0].shape[0], still[0].shape[0] - 14)
    joints = [[LocatedJoint("MCP2", middle, middle, 0.0, float(size), 1.0)] for size in sizes]
    found = quantify_hands(
        films[0],
        films[1],
        SPACING_MM,
        SPACING_MM,
        annotations=(joints[0], joints[1]),
        outlines=(outlines[0], outlines[1]),
        backend=BACKEND,
    )
    assert found["MCP2"].fixed.shape == (sizes[1], sizes[1])
    assert found["MCP2"].jsn_mm == pytest.approx(0.3, abs=0.03)


def test_a_region_maps_outlines_by_its_own_matrix() -> None:
    crop = Crop(
        np.zeros((20, 20), np.float32), np.ones((20, 20), bool), 1.0, upright((50, 60), 90.0, 1.0, 20)
    )
    (upper, _) = drawn_masks(crop, {"upper": np.array([[49.5, 50], [60, 50], [60, 70], [49.5, 70]])})
    assert upper is not None
    assert upper[:10].all() and not upper[10:].any()  # the film's right is the region's top
