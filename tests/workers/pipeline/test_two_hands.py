"""A film of both hands: each is found, named and told from the other, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from model_store.phantom import expose, make_exposure, make_pose, make_subject, project
from workers.inference.inprocess import InProcessBackend
from workers.pipeline import locate_hands, locate_joints, quantify_hands
from workers.pipeline.locate import HandLocation
from workers.pipeline.types import JOINTS, FloatArray, Laterality

SPACING_MM = 0.25

Places = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class BothHands:
    """One film (H, W), and where the joints of each hand are on it."""

    pixels: FloatArray
    joints: dict[Laterality, Places]

    def errors_mm(self, hand: HandLocation) -> list[float]:
        assert hand.laterality is not None
        truth = self.joints[hand.laterality]
        return [
            SPACING_MM * float(np.hypot(j.x_px - truth[j.joint][0], j.y_px - truth[j.joint][1]))
            for j in hand.joints
        ]


def both_hands(pose_seed: int) -> BothHands:
    """Both hands of one subject, the left one left, as two exposures of one film."""
    parts, joints, width = [], {}, 0
    sides: tuple[Laterality, ...] = ("L", "R")
    for side in sides:
        projection = project(
            make_subject(2_000_011, side), make_pose(pose_seed), pixel_spacing_mm=SPACING_MM, supersample=1
        )
        pixels = expose(projection, make_exposure(4, spread=0.3), seed=1).pixels.astype(np.float32)
        joints[side] = {name: (t.x_px + width, t.y_px) for name, t in projection.joints.items()}
        parts.append(pixels)
        width += pixels.shape[1]
    height = min(part.shape[0] for part in parts)
    return BothHands(np.concatenate([part[:height] for part in parts], axis=1), joints)


@pytest.fixture(scope="module")
def backend() -> InProcessBackend:
    return InProcessBackend()


@pytest.fixture(scope="module")
def film() -> BothHands:
    return both_hands(9)


def test_both_hands_are_found_from_left_to_right_with_all_their_joints(
    film: BothHands, backend: InProcessBackend
) -> None:
    hands = locate_hands(film.pixels, pixel_spacing_mm=SPACING_MM, backend=backend)
    assert [hand.laterality for hand in hands] == ["L", "R"]
    for hand in hands:
        assert {joint.joint for joint in hand.joints} >= set(JOINTS)
        assert max(film.errors_mm(hand)) < 3.0


@pytest.mark.parametrize("quarters", [1, 2])
def test_a_turned_film_of_both_hands_shows_the_same_two(
    film: BothHands, backend: InProcessBackend, quarters: int
) -> None:
    hands = locate_hands(np.rot90(film.pixels, quarters), pixel_spacing_mm=SPACING_MM, backend=backend)
    assert {hand.laterality for hand in hands} == {"L", "R"}


def test_mirroring_the_film_exchanges_the_hands(film: BothHands, backend: InProcessBackend) -> None:
    hands = locate_hands(film.pixels[:, ::-1], backend=backend)
    assert [hand.laterality for hand in hands] == ["L", "R"]
    width = film.pixels.shape[1]
    left = film.joints["R"]["MCP3"]
    found = next(joint for joint in hands[0].joints if joint.joint == "MCP3")
    assert abs(found.x_px - (width - 1 - left[0])) * SPACING_MM < 3.0


@pytest.mark.parametrize("side", ["L", "R"])
def test_the_joints_are_those_of_the_hand_asked_for(
    film: BothHands, backend: InProcessBackend, side: Laterality
) -> None:
    joints = locate_joints(film.pixels, pixel_spacing_mm=SPACING_MM, laterality=side, backend=backend)
    assert max(film.errors_mm(HandLocation(joints, side, 1.0))) < 3.0


def test_one_hand_of_a_film_of_both_is_measured(film: BothHands, backend: InProcessBackend) -> None:
    results = quantify_hands(
        film.pixels, film.pixels, SPACING_MM, SPACING_MM, laterality="R", backend=backend
    )
    assert tuple(results) == JOINTS
    assert max(abs(result.jsn_mm) for result in results.values()) < 0.01


def test_a_film_of_one_hand_shows_one(film: BothHands, backend: InProcessBackend) -> None:
    middle = film.pixels.shape[1] // 2
    hands = locate_hands(film.pixels[:, :middle], backend=backend)
    assert [hand.laterality for hand in hands] == ["L"]
