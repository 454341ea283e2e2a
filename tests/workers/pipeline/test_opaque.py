"""Rings and lead markers hide bone and are not taken for it."""

from __future__ import annotations

import numpy as np

from tests.model_store.registrar.joints import draw
from workers.pipeline.opaque import opaque, without_metal

STILL = (0.0, 0.0, 0.0)
JOINT = draw(STILL, STILL, noise=0.02)[0]


def ringed() -> np.ndarray:
    image = JOINT.copy()
    image[12:24] = 4.0 + 0.02 * np.random.default_rng(0).normal(size=(12, 128))
    return image


def test_a_ring_is_found_with_the_edge_that_it_blurs_into() -> None:
    hidden = opaque(ringed())
    assert hidden[9:27].all()
    assert not hidden[40:].any()


def test_bone_is_never_taken_for_metal() -> None:
    assert not opaque(JOINT).any()
    assert not opaque(3.0 * JOINT + 100.0).any()


def test_what_lies_beside_the_ring_is_left_as_it_was() -> None:
    image = ringed()
    bare, clear = without_metal(image)
    np.testing.assert_array_equal(bare[clear], image[clear])
    assert bare.max() <= JOINT.max()


def test_an_even_or_unreadable_roi_has_no_metal() -> None:
    assert not opaque(np.full((32, 32), 7.0, np.float32)).any()
    assert not opaque(np.full((32, 32), np.nan, np.float32)).any()
