"""A picture that shows bone dark is told from one that shows it bright, and measured alike."""

from __future__ import annotations

import numpy as np
import pytest

from model_store.phantom import Projection, expose, make_exposure, make_pose, make_subject, project
from workers.inference.inprocess import InProcessBackend
from workers.pipeline.locate import locate_hand
from workers.pipeline.polarity import bone_bright, inverted, is_bone_dark
from workers.pipeline.types import FloatArray, LocatedJoint

SPACING_MM = 0.25


@pytest.fixture(scope="module")
def hand() -> Projection:
    return project(make_subject(2_000_012, "L"), make_pose(5), pixel_spacing_mm=SPACING_MM, supersample=1)


@pytest.fixture(scope="module")
def film(hand: Projection) -> FloatArray:
    return expose(hand, make_exposure(6, spread=0.3), seed=2).pixels.astype(np.float32)


def joints_of(hand: Projection) -> list[LocatedJoint]:
    return [
        LocatedJoint(name, t.x_px, t.y_px, t.angle_deg, 22.4 / SPACING_MM, 1.0)
        for name, t in hand.joints.items()
    ]


def test_bone_dark_is_told_from_bone_bright_by_any_one_joint(hand: Projection, film: FloatArray) -> None:
    for joint in joints_of(hand):
        assert not is_bone_dark(film, [joint])
        assert is_bone_dark(inverted(film), [joint])


def test_without_joints_the_film_is_left_as_it_is(film: FloatArray) -> None:
    assert bone_bright(film, []) is film


def test_a_bone_dark_film_is_turned_back_exactly(hand: Projection, film: FloatArray) -> None:
    joints = joints_of(hand)
    assert bone_bright(film, joints) is film
    np.testing.assert_allclose(bone_bright(inverted(film), joints), film, atol=1e-2)


def test_the_joints_of_an_inverted_film_are_those_of_the_film(film: FloatArray) -> None:
    backend = InProcessBackend()
    found, found_dark = (
        locate_hand(pixels, pixel_spacing_mm=SPACING_MM, backend=backend) for pixels in (film, inverted(film))
    )
    assert (found.bone_dark, found_dark.bone_dark) == (False, True)
    assert (found.laterality, found_dark.laterality) == ("L", "L")
    for one, other in zip(found.joints, found_dark.joints, strict=True):
        assert np.hypot(one.x_px - other.x_px, one.y_px - other.y_px) < 0.5
